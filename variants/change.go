package variants

import (
	"bytes"
	"encoding/json"
	"fmt"
	"reflect"
	"strings"

	"llavabench/internal/imaging"
)

// A Change is one field in which two settings differ, with both values as JSON.
type Change struct {
	Field string          `json:"field"` // the field's JSON name
	From  json.RawMessage `json:"from"`
	To    json.RawMessage `json:"to"`
}

// String prints `strip: "unpad16" -> "cover"`.
func (c Change) String() string { return fmt.Sprintf("%s: %s -> %s", c.Field, c.From, c.To) }

// Diff lists the fields in which o differs from base, in the order of Options.
func (o Options) Diff(base Options) []Change {
	var changes []Change
	was, is := reflect.ValueOf(base), reflect.ValueOf(o)
	for i := range is.NumField() {
		from, to := rawJSON(was.Field(i)), rawJSON(is.Field(i))
		if !bytes.Equal(from, to) {
			changes = append(changes, Change{Field: fieldName(i), From: from, To: to})
		}
	}
	return changes
}

// rawJSON writes a field; its types (strings, numbers, arrays) always can be.
func rawJSON(v reflect.Value) json.RawMessage {
	data, err := json.Marshal(v.Interface())
	if err != nil {
		panic(fmt.Sprintf("variants: field of Options cannot be written: %v", err))
	}
	return data
}

func fieldName(i int) string {
	return reflect.TypeFor[Options]().Field(i).Tag.Get("json")
}

// With returns o with the fields of a JSON object replaced, such as {"strip": "cover", "global": "none"}: one row of an
// ablation table. Unknown fields are refused.
func (o Options) With(object []byte) (Options, error) {
	o.Pinpoints = append([][2]int(nil), o.Pinpoints...) // decoding would write into the caller's list
	d := json.NewDecoder(bytes.NewReader(object))
	d.DisallowUnknownFields()
	if err := d.Decode(&o); err != nil {
		return Options{}, fmt.Errorf("options: %w", err)
	}
	if d.More() {
		return Options{}, fmt.Errorf("options: more than one JSON object")
	}
	return o, nil
}

// Set returns o with one field replaced, as on a command line: Set("strip", "cover"). A value of a text field is taken as
// it is; other fields take JSON. "pinpoints" also takes the name of a grid set (see NamedGrid), and "canvas_color" the
// words black and mean (the pad_color, which is the tower's mean unless it was changed).
func (o Options) Set(field, value string) (Options, error) {
	kind, err := kindOf(field)
	if err != nil {
		return Options{}, err
	}
	switch {
	case field == "pinpoints" && !strings.HasPrefix(value, "["):
		return o.SetGrid(value)
	case field == "canvas_color" && value == "black":
		o.CanvasColor = imaging.Color{}
		return o, nil
	case field == "canvas_color" && value == "mean":
		o.CanvasColor = o.PadColor
		return o, nil
	}
	text := []byte(value)
	if kind == reflect.String {
		if text, err = json.Marshal(value); err != nil {
			return Options{}, fmt.Errorf("option %s: %w", field, err)
		}
	}
	if !json.Valid(text) {
		return Options{}, fmt.Errorf("option %s=%q: expected JSON for type %s", field, value, kind)
	}
	changed, err := o.With(fmt.Appendf(nil, "{%q: %s}", field, text))
	if err != nil {
		return Options{}, fmt.Errorf("option %s=%q: %w", field, value, err)
	}
	return changed, nil
}

func kindOf(field string) (reflect.Kind, error) {
	t := reflect.TypeFor[Options]()
	var known []string
	for i := range t.NumField() {
		if fieldName(i) == field {
			return t.Field(i).Type.Kind(), nil
		}
		known = append(known, fieldName(i))
	}
	return reflect.Invalid, fmt.Errorf("option %q is not known, expected one of %s", field, strings.Join(known, ", "))
}

// SetGrid returns o with the pinpoints of a named set or range (see NamedGrid), at o's side.
func (o Options) SetGrid(name string) (Options, error) {
	pinpoints, err := NamedGrid(name, o.Side)
	if err != nil {
		return Options{}, err
	}
	o.Pinpoints = pinpoints
	return o, nil
}

// Fields lists the JSON names of the settings, in the order of Options.
func Fields() []string {
	names := make([]string, reflect.TypeFor[Options]().NumField())
	for i := range names {
		names[i] = fieldName(i)
	}
	return names
}
