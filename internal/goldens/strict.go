package goldens

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strconv"
	"strings"
)

// information is a JSON value that states no expectation (a description, or a figure measured on the reference). A field
// of this type makes its key known without comparing it.
type information struct{}

// UnmarshalJSON accepts any value.
func (information) UnmarshalJSON([]byte) error { return nil }

// informationReason is why fields of type information are not compared.
const informationReason = "a description or a figure of the reference, not an expectation"

// decodeStrict reads JSON into v. Nothing in a golden file is passed over in silence: keys of type information are listed by
// name, and so are keys that v's type does not have when their value is a single one, as the schema calls those
// information; an unknown key that holds an object or a list may be a whole part, and is a failure. A key that an object has
// twice is an error: only one of its values would be looked at.
func (p *Part) decodeStrict(file string, raw []byte, v any) error {
	if err := json.Unmarshal(raw, v); err != nil {
		return fmt.Errorf("%s: %w", file, err)
	}
	if key, twice := repeatedKey(raw); twice {
		return fmt.Errorf("%s: duplicate key %q", file, key)
	}
	seen := map[string]bool{}
	walkJSON(raw, reflect.TypeOf(v).Elem(), jsonPath{}, func(at jsonPath, known, single bool) {
		switch {
		case known:
			p.inform(file+": "+at.general, informationReason)
		case single:
			p.inform(file+": "+at.general, "a key that the schema does not list")
		case !seen[at.general]:
			seen[at.general] = true
			p.failf(file, at.exact, "the key is not understood")
		}
	})
	return nil
}

// repeatedKey finds a key that an object of valid JSON has twice.
func repeatedKey(raw []byte) (key string, twice bool) {
	d := json.NewDecoder(bytes.NewReader(raw))
	type object struct {
		seen map[string]bool // nil for a list
		key  bool            // a key comes next
	}
	var open []*object
	for {
		token, err := d.Token()
		if err != nil {
			return "", false // the end
		}
		if delim, ok := token.(json.Delim); ok && (delim == '}' || delim == ']') {
			open = open[:len(open)-1]
			continue
		}
		if len(open) > 0 {
			if in := open[len(open)-1]; in.seen != nil {
				if name, _ := token.(string); in.key && in.seen[name] {
					return name, true
				} else if in.key {
					in.seen[name], in.key = true, false
					continue
				}
				in.key = true // behind this value
			}
		}
		switch token {
		case json.Delim('{'):
			open = append(open, &object{map[string]bool{}, true})
		case json.Delim('['):
			open = append(open, &object{})
		}
	}
}

// A jsonPath is a place in a JSON value. In general, list indices and keys of maps are stars, so that the same key of all
// elements has one name.
type jsonPath struct{ exact, general string }

func (p jsonPath) key(name string) jsonPath {
	return jsonPath{join(p.exact, name), join(p.general, name)}
}

func (p jsonPath) element(name string) jsonPath {
	return jsonPath{join(p.exact, name), join(p.general, "*")}
}

func join(parent, name string) string {
	if parent == "" {
		return name
	}
	return parent + "." + name
}

var (
	informationType = reflect.TypeFor[information]()
	unmarshalerType = reflect.TypeFor[json.Unmarshaler]()
)

// walkJSON visits the keys of raw that t does not know (known false) or knows as information (known true); single tells
// whether the value is neither an object nor a list.
func walkJSON(raw json.RawMessage, t reflect.Type, at jsonPath, visit func(at jsonPath, known, single bool)) {
	for t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	if t == informationType {
		visit(at, true, true)
		return
	}
	if reflect.PointerTo(t).Implements(unmarshalerType) {
		return
	}
	switch t.Kind() {
	case reflect.Struct, reflect.Map:
		var object map[string]json.RawMessage
		if json.Unmarshal(raw, &object) != nil {
			return
		}
		for _, key := range slices.Sorted(maps.Keys(object)) {
			if t.Kind() == reflect.Map {
				walkJSON(object[key], t.Elem(), at.element(key), visit)
			} else if field, ok := fieldOf(t, key); ok {
				walkJSON(object[key], field, at.key(key), visit)
			} else {
				visit(at.key(key), false, !bytes.ContainsAny(object[key][:1], "{["))
			}
		}
	case reflect.Slice, reflect.Array:
		var list []json.RawMessage
		if isLeaf(t.Elem()) || json.Unmarshal(raw, &list) != nil {
			return
		}
		for i, item := range list {
			walkJSON(item, t.Elem(), at.element(strconv.Itoa(i)), visit)
		}
	}
}

// isLeaf reports a type without keys below it.
func isLeaf(t reflect.Type) bool {
	switch t.Kind() {
	case reflect.Struct, reflect.Map, reflect.Pointer, reflect.Slice, reflect.Array:
		return false
	}
	return true
}

// fieldOf is the type of the field of struct t with the JSON name key, embedded structs included.
func fieldOf(t reflect.Type, key string) (reflect.Type, bool) {
	for _, f := range reflect.VisibleFields(t) {
		if name, _, _ := strings.Cut(f.Tag.Get("json"), ","); name == key && name != "" {
			return f.Type, true
		}
	}
	return nil, false
}

// strictUnmarshal is json.Unmarshal that refuses unknown keys, for types with a reader of their own.
func strictUnmarshal(b []byte, v any) error {
	d := json.NewDecoder(bytes.NewReader(b))
	d.DisallowUnknownFields()
	return d.Decode(v)
}
