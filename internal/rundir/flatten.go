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

func walk(out map[string]string, path string, v any) {
	switch v := v.(type) {
	case map[string]any:
		for key, value := range v {
			walk(out, path+"."+key, value)
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
