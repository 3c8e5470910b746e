package checkpoint

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// member gives the path of a file inside a checkpoint directory. The name must be a plain file name, and the file must not
// be a link that leaves the directory, except as the hub's cache lays its files out: snapshots/REVISION/name links to
// ../../blobs/DIGEST. A file that does not exist is not an error here.
func member(dir, name string) (string, error) {
	if !plainName(name) {
		return "", errf(ErrPath, "file name %s is not allowed: expected a plain name inside %s", quote(name), dir)
	}
	path := filepath.Join(dir, name)
	info, err := os.Lstat(path)
	if err != nil || info.Mode()&fs.ModeSymlink == 0 {
		return path, nil
	}
	target, err := filepath.EvalSymlinks(path)
	if errors.Is(err, fs.ErrNotExist) {
		return "", errf(ErrNotFound, "%s is a link whose target is missing: an interrupted download?", path)
	}
	if err != nil {
		return "", err
	}
	home, err := filepath.EvalSymlinks(dir)
	if err != nil {
		return "", err
	}
	if within(home, target) {
		return path, nil
	}
	if snapshots := filepath.Dir(home); filepath.Base(snapshots) == "snapshots" && within(filepath.Join(filepath.Dir(snapshots), "blobs"), target) {
		return path, nil
	}
	return "", errf(ErrPath, "%s links to %s, outside its directory", path, target)
}

// plainName reports whether name is the name of a file in a directory on every system.
func plainName(name string) bool {
	return name != "" && name != "." && name != ".." && len(name) <= 255 && !strings.ContainsAny(name, "/\\:\x00") && filepath.IsLocal(name)
}

func within(dir, path string) bool {
	rel, err := filepath.Rel(dir, path)
	return err == nil && filepath.IsLocal(rel)
}

// hasFile reports whether dir has an entry of that name, of whatever kind.
func hasFile(dir, name string) bool {
	_, err := os.Lstat(filepath.Join(dir, name))
	return err == nil
}

func isDir(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.IsDir()
}

// listNames gives the sorted names of a directory's entries, at most most of them.
func listNames(dir string, most int) []string {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil
	}
	var names []string
	for _, e := range entries {
		names = append(names, e.Name())
	}
	slices.Sort(names)
	if len(names) > most {
		names = append(names[:most:most], "...")
	}
	return names
}
