package goldens

import (
	"context"
	"encoding/json"
	"fmt"
	"io/fs"
	"maps"
	"math"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"time"
)

// Scoring goldens are answers in the benchmarks' official layouts with the scores that the upstream scorers gave
// (../shared/golden-eval/README.md). The manifest at the top lists every file with its digest and repeats the headline
// figures of each part; a part is a folder, checked by the code of that name below.

// scoringManifest is what makes a directory a set of scoring goldens.
const scoringManifest = "manifest.json"

// scoreTolerance is for scores in full precision; those that upstream rounds must be equal.
const scoreTolerance = 1e-9

// A scoringCheck compares one folder. What it returns is compared with the manifest's headline of that part.
type scoringCheck struct {
	name string
	run  func(*scoringSet, *Part) (headline map[string]any, err error)
}

// scoringChecks lists the parts in the order in which they are reported.
func scoringChecks() []scoringCheck {
	return []scoringCheck{
		{"vqa_norm", (*scoringSet).checkVQANorm},
		{"vqav2", (*scoringSet).checkVQAv2},
		{"textvqa", (*scoringSet).checkTextVQA},
		{"vizwiz", (*scoringSet).checkVizWiz},
		{"gqa", (*scoringSet).checkGQA},
		{"chartqa", (*scoringSet).checkChartQA},
		{"docvqa", (*scoringSet).checkDocVQA},
		{"ocrbench", (*scoringSet).checkOCRBench},
		{"mathvista", (*scoringSet).checkMathVista},
		{"parsers", (*scoringSet).checkParsers},
		{"pope", (*scoringSet).checkPOPE},
		{"scienceqa", (*scoringSet).checkScienceQA},
		{"mme", (*scoringSet).checkMME},
		{"mmbench", (*scoringSet).checkMMBench},
		{"seed", (*scoringSet).checkSEED},
		{"mmmu", (*scoringSet).checkMMMU},
		{"llava_bench", (*scoringSet).checkLLaVABench},
		{"mmvet", (*scoringSet).checkMMVet},
		{"prompts", (*scoringSet).checkLMMSPrompts},
	}
}

// headlineNames are the parts that the manifest's headline calls otherwise than their folder.
var headlineNames = map[string]string{"llava_bench": "llavabench"}

// A scoringSet is a directory of scoring goldens.
type scoringSet struct {
	ctx      context.Context
	dir      string
	manifest struct {
		Seed     information                `json:"seed"`
		Headline map[string]json.RawMessage `json:"headline"`
		Files    []struct {
			Path   string `json:"path"`
			Bytes  int64  `json:"bytes"`
			SHA256 string `json:"sha256"`
		} `json:"files"`
	}
	// used are the files that a check has read or knows, by slash-separated path.
	used map[string]bool
}

// isScoring tells a set of scoring goldens from one of models.
func isScoring(dir string) bool {
	exists := func(name string) bool {
		_, err := os.Stat(filepath.Join(dir, filepath.FromSlash(name)))
		return err == nil
	}
	return exists(scoringManifest) && !exists(outputsManifestFile) && !exists(preprocessManifestFile)
}

// verifyScoring checks the scoring goldens in dir: the files against the manifest, then each folder.
func verifyScoring(ctx context.Context, dir string, o Options) (*Report, error) {
	s := &scoringSet{ctx: ctx, dir: dir, used: map[string]bool{"README.md": true, scoringManifest: true}}
	r := &Report{Dir: dir}
	manifest := newPart("manifest")
	raw, err := s.read(scoringManifest)
	if err == nil {
		err = manifest.decodeScoring(scoringManifest, raw, &s.manifest)
	}
	if err != nil {
		return nil, err
	}
	if len(s.manifest.Files) == 0 {
		return nil, fmt.Errorf("%s: manifest.json lists no files, so this is no set of scoring goldens", dir)
	}
	names, err := s.parts(manifest)
	if err != nil {
		return nil, err
	}
	if len(o.Only) == 0 {
		s.checkManifest(manifest)
		r.Parts = append(r.Parts, manifest)
	}
	for i, name := range names {
		if !o.selected(name) {
			continue
		}
		if o.Progress != nil {
			o.Progress("scores", i, len(names))
		}
		start := time.Now()
		p := newPart(name)
		s.checkPart(p)
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		p.Seconds = time.Since(start).Seconds()
		r.Parts = append(r.Parts, p)
	}
	r.finish()
	return r, nil
}

// parts are the folders of the set, those that are known first and in their order.
func (s *scoringSet) parts(p *Part) ([]string, error) {
	found := map[string]bool{}
	for _, f := range s.manifest.Files {
		folder, _, ok := strings.Cut(f.Path, "/")
		if ok {
			found[folder] = true
		} else if !s.used[f.Path] {
			p.failf(scoringManifest, f.Path, "the file is not understood")
		}
	}
	entries, err := os.ReadDir(s.dir)
	if err != nil {
		return nil, err
	}
	for _, e := range entries {
		if e.IsDir() {
			found[e.Name()] = true
		} else if !s.used[e.Name()] {
			p.failf(s.dir, e.Name(), "the file is not understood")
		}
	}
	var names []string
	for _, c := range scoringChecks() {
		if found[c.name] {
			names = append(names, c.name)
			delete(found, c.name)
		}
	}
	return append(names, slices.Sorted(maps.Keys(found))...), nil
}

// checkManifest compares every file with its size and digest.
func (s *scoringSet) checkManifest(p *Part) {
	for _, f := range s.manifest.Files {
		p.Cases++
		raw, err := s.read(f.Path)
		if !p.require(scoringManifest, f.Path, err) {
			continue
		}
		equal(p, f.Path, "bytes", int64(len(raw)), f.Bytes)
		equal(p, f.Path, "sha256", sha256Hex(raw), f.SHA256)
	}
	known := map[string]bool{}
	for _, c := range scoringChecks() {
		known[headlineName(c.name)] = true
	}
	for _, name := range slices.Sorted(maps.Keys(s.manifest.Headline)) {
		if !known[name] {
			p.failf(scoringManifest, "headline."+name, "the part is not understood")
		}
	}
}

func headlineName(part string) string {
	if name, ok := headlineNames[part]; ok {
		return name
	}
	return part
}

// checkPart runs the check of a folder, compares the headline, and fails for files that the check does not know.
func (s *scoringSet) checkPart(p *Part) {
	i := slices.IndexFunc(scoringChecks(), func(c scoringCheck) bool { return c.name == p.Name })
	if i < 0 {
		p.failf(p.Name, p.Name, "the part is not understood")
		return
	}
	headline, err := scoringChecks()[i].run(s, p)
	if err != nil {
		p.failf(p.Name, "reading", "%v", err)
		return
	}
	if want, ok := s.manifest.Headline[headlineName(p.Name)]; ok {
		s.compareHeadline(p, headline, want)
	}
	err = filepath.WalkDir(filepath.Join(s.dir, p.Name), func(file string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() {
			return err
		}
		rel, err := filepath.Rel(s.dir, file)
		if err != nil {
			return err
		}
		if name := filepath.ToSlash(rel); !s.used[name] {
			p.failf(p.Name, name, "the file is not understood")
		}
		return nil
	})
	p.require(p.Name, "files", err)
}

// compareHeadline compares figures of the manifest, key by key.
func (s *scoringSet) compareHeadline(p *Part, got map[string]any, want json.RawMessage) {
	var fields map[string]json.RawMessage
	if !p.require(scoringManifest, "headline."+p.Name, json.Unmarshal(want, &fields)) {
		return
	}
	for _, key := range slices.Sorted(maps.Keys(fields)) {
		where := "headline." + p.Name + "." + key
		value, ok := got[key]
		if !ok {
			p.failf(scoringManifest, where, "the key is not understood")
			continue
		}
		raw, err := json.Marshal(value)
		if !p.require(scoringManifest, where, err) {
			continue
		}
		var a, b any
		if p.require(scoringManifest, where, json.Unmarshal(raw, &a)) && p.require(scoringManifest, where, json.Unmarshal(fields[key], &b)) {
			if sameValue(a, b) {
				p.Checked++
			} else {
				p.fail(Failure{Case: scoringManifest, Check: where, Got: string(raw), Want: string(fields[key])})
			}
		}
	}
}

// sameValue compares JSON values, numbers within scoreTolerance.
func sameValue(a, b any) bool {
	switch x := a.(type) {
	case float64:
		y, ok := b.(float64)
		return ok && math.Abs(x-y) <= scoreTolerance
	case []any:
		y, ok := b.([]any)
		return ok && slices.EqualFunc(x, y, sameValue)
	case map[string]any:
		y, ok := b.(map[string]any)
		return ok && maps.EqualFunc(x, y, sameValue)
	}
	return a == b
}

// read reads a file of the set, named by its slash-separated path, and notes that it is known.
func (s *scoringSet) read(name string) ([]byte, error) {
	local := filepath.FromSlash(name)
	if !filepath.IsLocal(local) {
		return nil, fmt.Errorf("%q leads out of the set", name)
	}
	return readFile(filepath.Join(s.dir, local))
}

// decodeScoring reads JSON into v. A key that v has no field for is a failure, also one with a single value: it may be what
// another scorer gives.
func (p *Part) decodeScoring(file string, raw []byte, v any) error {
	if err := json.Unmarshal(raw, v); err != nil {
		return fmt.Errorf("%s: %w", file, err)
	}
	seen := map[string]bool{}
	walkJSON(raw, reflect.TypeOf(v).Elem(), jsonPath{}, func(at jsonPath, known, _ bool) {
		switch {
		case known:
			p.inform(file+": "+at.general, informationReason)
		case !seen[at.general]:
			seen[at.general] = true
			p.failf(file, at.exact, "the key is not understood")
		}
	})
	return nil
}

// readJSON reads a JSON file strictly, see decodeScoring.
func (s *scoringSet) readJSON(p *Part, name string, v any) error {
	s.used[name] = true
	raw, err := s.read(name)
	if err != nil {
		return err
	}
	return p.decodeScoring(name, raw, v)
}

// readBytes reads a file that is compared as a whole.
func (s *scoringSet) readBytes(name string) ([]byte, error) {
	s.used[name] = true
	return s.read(name)
}
