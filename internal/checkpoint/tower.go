package checkpoint

import (
	"fmt"
	"path/filepath"
	"strings"
)

// A tower is what is known about the CLIP model that a checkpoint in the original layout names.
type tower struct {
	dir       string // "" when only its numbers are known
	vision    VisionConfig
	processor Processor
	files     []string
	notes     []string
}

// findTower looks for the directory of a vision tower: the option first, and then alone; else what `mm_vision_tower` names,
// beside the checkpoint, as an absolute path, inside the checkpoint, in the hub cache.
func findTower(dir, name string, o OpenOptions, inside bool) (tower, error) {
	if o.VisionDir != "" {
		d, err := Resolve(o.VisionDir, o.Env)
		if err != nil {
			return tower{}, fmt.Errorf("vision tower: %w", err)
		}
		return readTower(d)
	}
	if name == "" {
		return tower{}, errf(ErrFormat, "%s: config.json names no mm_vision_tower; give its directory", dir)
	}
	candidates, tried := towerCandidates(dir, name)
	for _, c := range candidates {
		if !isDir(c) {
			tried = append(tried, c+" (no such directory)")
			continue
		}
		if !hasFile(c, "config.json") {
			tried = append(tried, c+" (no config.json)")
			continue
		}
		return readTower(c)
	}
	if hubName.MatchString(name) {
		d, err := resolveHub(name, o.Env)
		if err == nil {
			return readTower(d)
		}
		tried = append(tried, "hub cache ("+err.Error()+")")
	}
	if inside {
		if v, ok := knownTower(name); ok {
			return tower{vision: v, processor: CLIPProcessor(v.Image), notes: []string{
				fmt.Sprintf("no directory of the tower %q was found: the numbers of the released model of that name are used", name),
			}}, nil
		}
	}
	return tower{}, errf(ErrNotFound, "vision tower %s of %s not found; tried %s; give its directory with the vision directory option", quote(name), dir, strings.Join(tried, ", "))
}

// towerCandidates lists the directories that a name may mean, and what was left out.
func towerCandidates(dir, name string) (list, skipped []string) {
	if filepath.IsAbs(name) {
		return []string{filepath.Clean(name)}, nil
	}
	local := filepath.FromSlash(name)
	local = strings.TrimPrefix(local, "."+string(filepath.Separator))
	if !filepath.IsLocal(local) || strings.ContainsRune(name, 0) {
		return nil, []string{quote(name) + " (leads out of its directory)"}
	}
	abs, err := filepath.Abs(dir)
	if err != nil {
		abs = dir
	}
	add := func(path string) {
		for _, p := range list {
			if p == path {
				return
			}
		}
		list = append(list, path)
	}
	for _, root := range []string{filepath.Dir(abs), abs} {
		add(filepath.Join(root, local))
		add(filepath.Join(root, filepath.Base(local)))
	}
	return list, nil
}

func readTower(dir string) (tower, error) {
	v, p, notes, err := readTowerDir(dir)
	if err != nil {
		return tower{}, fmt.Errorf("vision tower: %w", err)
	}
	t := tower{dir: dir, vision: v, processor: p, notes: notes, files: []string{filepath.Join(dir, "config.json")}}
	if hasFile(dir, "preprocessor_config.json") {
		t.files = append(t.files, filepath.Join(dir, "preprocessor_config.json"))
	}
	return t, nil
}
