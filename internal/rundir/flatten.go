package rundir

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
)

// flatten gives the values of a JSON-able value by their paths, such as "system.files.0.sha256".
func flatten(path string, v any) map[string]string {
	out := map[string]string{}
	raw, err := json.Marshal(v)
	if err != nil {
		return map[string]string{path: fmt.Sprintf("unprintable (%v)", err)}
	}
	var decoded any
	if err := json.Unmarshal(raw, &decoded); err != nil {
		return map[string]string{path: string(raw)}
	}
	walk(out, path, decoded)
	return out
}

// A Value is one value of a nested record.
type Value struct {
	Path  string
	Value string // JSON
}

// Flatten lists the values of a JSON-able value by their paths, in order.
func Flatten(path string, v any) []Value {
	values := flatten(path, v)
	out := make([]Value, 0, len(values))
	for _, key := range slices.Sorted(maps.Keys(values)) {
		out = append(out, Value{key, values[key]})
	}
	return out
}

// A Difference is a value of a manifest that is not the same in two runs. Values are JSON; "" where there is none.
type Difference struct {
	Path string `json:"path"` // such as "system.files.model.safetensors.sha256"
	Base string `json:"base"`
	New  string `json:"new"`
}

// Results lists what identifies the results of two runs (suite, system, settings) and is not the same. Where the model lies
// does not count, and files are paired by their names.
func Results(base, new Manifest) []Difference {
	var all []Difference
	all = append(all, differences("suite", base.Suite, new.Suite)...)
	all = append(all, differences("system", byName(base.System), byName(new.System))...)
	return append(all, differences("settings", base.Settings, new.Settings)...)
}

// Circumstances lists what is not the same in two runs and should not change a result: where the model lies, the code, the
// machine.
func Circumstances(base, new Manifest) []Difference {
	a, b := base.Machine, new.Machine
	a.Limits, b.Limits = nil, nil // measured, never equal
	all := differences("system.model", base.System.Model, new.System.Model)
	return append(all, differences("machine", a, b)...)
}

func differences(path string, base, new any) []Difference {
	var out []Difference
	a, b := flatten(path, base), flatten(path, new)
	for _, key := range sortedKeys(a, b) {
		if a[key] != b[key] {
			out = append(out, Difference{key, a[key], b[key]})
		}
	}
	return out
}

// byName is a system without its place, its files keyed by their names.
func byName(s System) any {
	files := make(map[string]any, len(s.Files))
	for _, f := range s.Files {
		files[f.Name] = map[string]any{"size": f.Size, "sha256": f.SHA256}
	}
	s.Model, s.Files = "", nil
	return struct {
		System
		Files map[string]any `json:"files"`
	}{s, files}
}

func walk(out map[string]string, path string, v any) {
	switch v := v.(type) {
	case map[string]any:
		for _, key := range slices.Sorted(maps.Keys(v)) { // in order: two paths can be the same, such as those of "a.b" and of b in a
			walk(out, path+"."+key, v[key])
		}
	case []any:
		for i, value := range v {
			walk(out, fmt.Sprintf("%s.%d", path, i), value)
		}
	default:
		raw, _ := json.Marshal(v)
		out[path] = string(raw)
	}
}

func sortedKeys(a, b map[string]string) []string {
	keys := maps.Clone(a)
	maps.Copy(keys, b)
	return slices.Sorted(maps.Keys(keys))
}

func orAbsent(s string) string {
	if s == "" {
		return "absent"
	}
	return s
}
