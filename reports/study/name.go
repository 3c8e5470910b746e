package study

import (
	"bytes"
	"encoding/json"
	"fmt"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"unicode"
)

// name gives every run the shortest name that tells it from the others: the model's, and as much of what else differs as
// it takes.
func name(runs []Run) {
	parts := []func(Run) string{
		func(r Run) string { return r.Manifest.System.Variant },
		func(r Run) string { return r.Manifest.System.DType },
		func(r Run) string { return r.Manifest.System.Numerics },
		func(r Run) string { return filepath.Base(filepath.Clean(r.Path)) },
	}
	for i := range runs {
		runs[i].Name = ModelName(runs[i].Manifest.System.Model)
	}
	for _, groups := 0, sameNames(runs); len(groups) > 0; groups = sameNames(runs) {
		if len(parts) == 0 {
			for _, g := range groups {
				for n, i := range g {
					runs[i].Name += fmt.Sprintf(" #%d", n+1)
				}
			}
			break
		}
		part := parts[0]
		parts = parts[1:]
		for _, g := range groups {
			if !differ(runs, g, part) {
				continue
			}
			for _, i := range g {
				if add := part(runs[i]); add != "" && add != runs[i].Name {
					runs[i].Name += " " + add
				}
			}
		}
	}
}

// ModelName is the last element of a model's path or hub name, without characters that cannot be seen.
func ModelName(model string) string {
	name := path.Base(strings.TrimRight(filepath.ToSlash(model), "/"))
	name = strings.TrimSpace(strings.ReplaceAll(Visible(name), "·", ""))
	if name == "." || name == "/" || name == "" {
		return "model"
	}
	return name
}

// Visible replaces the characters of a text that cannot be seen, end a line, or turn the direction of what follows.
func Visible(s string) string {
	return strings.Map(func(r rune) rune {
		if !unicode.IsPrint(r) {
			return '·'
		}
		return r
	}, s)
}

// sameNames lists the groups of runs that share a name, by their first run.
func sameNames(runs []Run) [][]int {
	byName := map[string][]int{}
	for i, r := range runs {
		byName[r.Name] = append(byName[r.Name], i)
	}
	var groups [][]int
	for _, g := range byName {
		if len(g) > 1 {
			groups = append(groups, g)
		}
	}
	slices.SortFunc(groups, func(a, b []int) int { return a[0] - b[0] })
	return groups
}

func differ(runs []Run, group []int, part func(Run) string) bool {
	for _, i := range group[1:] {
		if part(runs[i]) != part(runs[group[0]]) {
			return true
		}
	}
	return false
}

// A Setting is one value of a run's configuration for every run of a study.
type Setting struct {
	Name   string
	Values []string // in the order of the runs, "" where a run does not have it
	Same   bool
}

// Settings lists what the runs were made with, those that differ first. Values are JSON, except that texts have no quotes.
func (s Study) Settings() []Setting {
	all := make([]map[string]string, len(s.Runs))
	names := map[string]bool{}
	for i, r := range s.Runs {
		m := r.Manifest
		all[i] = map[string]string{
			"model": m.System.Model, "variant": m.System.Variant, "dtype": m.System.DType, "numerics": m.System.Numerics,
			"machine.cpu": m.Machine.CPU, "machine.isa": m.Machine.ISA, "machine.threads": fmt.Sprint(m.Machine.Threads),
			"code.revision": m.Machine.Revision, "code.go": m.Machine.Go,
		}
		flat(all[i], "options.", m.System.Options)
		flat(all[i], "settings.", m.Settings)
		for k := range all[i] {
			names[k] = true
		}
	}
	var out []Setting
	for n := range names {
		set := Setting{Name: n, Same: true}
		for i := range all {
			set.Values = append(set.Values, all[i][n])
			set.Same = set.Same && all[i][n] == all[0][n]
		}
		out = append(out, set)
	}
	slices.SortFunc(out, func(a, b Setting) int {
		if a.Same != b.Same {
			if a.Same {
				return 1
			}
			return -1
		}
		return strings.Compare(a.Name, b.Name)
	})
	return out
}

// flat adds the fields of a JSON object; anything else is left out.
func flat(to map[string]string, prefix string, raw json.RawMessage) {
	var fields map[string]json.RawMessage
	if json.Unmarshal(raw, &fields) != nil {
		return
	}
	for k, v := range fields {
		var text string
		if json.Unmarshal(v, &text) == nil {
			to[prefix+k] = text
			continue
		}
		var compact bytes.Buffer
		if json.Compact(&compact, v) == nil {
			to[prefix+k] = compact.String()
		}
	}
}
