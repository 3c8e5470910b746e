package ablation

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"slices"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"

	"llavabench/variants"
)

// Limits of a file.
const (
	MaxBytes = 1 << 20
	MaxCells = 256
	maxDepth = 10
	maxNodes = 50_000
	maxName  = 100 // bytes of a cell's name
)

// Read reads a file.
func Read(path string) (Spec, error) {
	info, err := os.Stat(path)
	if err != nil {
		return Spec{}, err
	}
	if !info.Mode().IsRegular() { // opening a pipe would wait for its other end
		return Spec{}, fmt.Errorf("%s: expected a YAML file", path)
	}
	f, err := os.Open(path)
	if err != nil {
		return Spec{}, err
	}
	defer f.Close()
	b, err := io.ReadAll(io.LimitReader(f, MaxBytes+1))
	if err != nil {
		return Spec{}, fmt.Errorf("%s: %w", path, err)
	}
	return Parse(path, b)
}

// Parse reads the text of a file called name. Errors name the file, the line and the key.
func Parse(name string, text []byte) (Spec, error) {
	r := reader{file: name}
	if len(text) > MaxBytes {
		return Spec{}, fmt.Errorf("%s is larger than %d bytes, the most that a study may have", name, MaxBytes)
	}
	var doc yaml.Node
	d := yaml.NewDecoder(bytes.NewReader(text))
	if err := d.Decode(&doc); err != nil && !errors.Is(err, io.EOF) {
		return Spec{}, fmt.Errorf("%s: %w", name, err)
	}
	var more yaml.Node
	switch err := d.Decode(&more); {
	case err == nil:
		return Spec{}, r.errorf(&more, "", "a second document begins, expected one study in a file")
	case !errors.Is(err, io.EOF):
		return Spec{}, fmt.Errorf("%s: %w", name, err)
	}
	if len(doc.Content) == 0 {
		return Spec{}, fmt.Errorf("%s is empty, expected a study: suite, and cells or grid", name)
	}
	nodes := 0
	if err := r.check(doc.Content[0], 1, &nodes); err != nil {
		return Spec{}, err
	}
	return r.spec(doc.Content[0])
}

// A reader turns nodes into values.
type reader struct{ file string }

func (r reader) errorf(n *yaml.Node, where, format string, args ...any) error {
	if where != "" {
		where += ": "
	}
	return fmt.Errorf("%s:%d: %s%s", r.file, n.Line, where, fmt.Sprintf(format, args...))
}

// check refuses what could grow: aliases, deep nesting, too many values.
func (r reader) check(n *yaml.Node, depth int, nodes *int) error {
	*nodes++
	switch {
	case depth > maxDepth:
		return r.errorf(n, "", "is nested deeper than %d", maxDepth)
	case *nodes > maxNodes:
		return r.errorf(n, "", "the file has more than %d values", maxNodes)
	case n.Kind == yaml.AliasNode:
		return r.errorf(n, "", "aliases (*%s) are not read: write the value out, or put it under settings", n.Value)
	}
	for _, c := range n.Content {
		if err := r.check(c, depth+1, nodes); err != nil {
			return err
		}
	}
	return nil
}

// A field is a key of a mapping with its value.
type field struct {
	key   string
	name  *yaml.Node
	value *yaml.Node
}

// fields lists the keys of a mapping in the order of the file. known, if not nil, are the only ones that may be there.
func (r reader) fields(n *yaml.Node, where string, known []string) ([]field, error) {
	if n.Kind != yaml.MappingNode {
		return nil, r.errorf(n, where, "found %s, expected keys and values", kind(n))
	}
	var out []field
	for i := 0; i+1 < len(n.Content); i += 2 {
		f := field{n.Content[i].Value, n.Content[i], n.Content[i+1]}
		if n.Content[i].Kind != yaml.ScalarNode {
			return nil, r.errorf(f.name, where, "a key is %s, expected a word", kind(f.name))
		}
		if slices.ContainsFunc(out, func(o field) bool { return o.key == f.key }) {
			return nil, r.errorf(f.name, where, "key %q is there twice", f.key)
		}
		if known != nil && !slices.Contains(known, f.key) {
			return nil, r.errorf(f.name, where, "key %q is not known, expected one of %s", f.key, strings.Join(known, ", "))
		}
		out = append(out, f)
	}
	return out, nil
}

func kind(n *yaml.Node) string {
	switch n.Kind {
	case yaml.MappingNode:
		return "keys and values"
	case yaml.SequenceNode:
		return "a list"
	}
	return fmt.Sprintf("%q", n.Value)
}

func (r reader) text(n *yaml.Node, where string) (string, error) {
	if n.Kind != yaml.ScalarNode || n.Tag == "!!null" {
		return "", r.errorf(n, where, "found %s, expected a text", kind(n))
	}
	return n.Value, nil
}

func (r reader) list(n *yaml.Node, where string) ([]*yaml.Node, error) {
	if n.Kind != yaml.SequenceNode || len(n.Content) == 0 {
		return nil, r.errorf(n, where, "found %s, expected a list with one value or more", kind(n))
	}
	return n.Content, nil
}

func (r reader) texts(n *yaml.Node, where string) ([]string, error) {
	list, err := r.list(n, where)
	if err != nil {
		return nil, err
	}
	var out []string
	for _, x := range list {
		s, err := r.text(x, where)
		if err != nil {
			return nil, err
		}
		out = append(out, s)
	}
	return out, nil
}

func (r reader) spec(n *yaml.Node) (Spec, error) {
	fields, err := r.fields(n, "", []string{"title", "question", "background", "suite", "settings", "baseline", "cells", "grid", "claims"})
	if err != nil {
		return Spec{}, err
	}
	var s Spec
	var common []Setting
	var cells, grid, claims, baseline *yaml.Node
	for _, f := range fields {
		switch f.key {
		case "title":
			s.Title, err = r.text(f.value, f.key)
		case "question":
			s.Question, err = r.text(f.value, f.key)
		case "background":
			s.Background, err = r.text(f.value, f.key)
		case "suite":
			s.Suite, err = r.suite(f.value)
		case "settings":
			_, common, err = r.settings(f.value, f.key, false)
		case "baseline":
			baseline = f.value
		case "cells":
			cells = f.value
		case "grid":
			grid = f.value
		case "claims":
			claims = f.value
		}
		if err != nil {
			return Spec{}, err
		}
	}
	if cells == nil && grid == nil {
		return Spec{}, r.errorf(n, "", "the study has neither cells nor grid")
	}
	if s.Suite.Name == "" && s.Suite.Questions == "" {
		s.Suite.Name = "sight"
	}
	if cells != nil {
		if s.Cells, err = r.cells(cells, common); err != nil {
			return Spec{}, err
		}
	}
	if grid != nil {
		more, err := r.grid(grid, common)
		if err != nil {
			return Spec{}, err
		}
		s.Cells = append(s.Cells, more...)
	}
	if err := r.unique(n, s.Cells); err != nil {
		return Spec{}, err
	}
	if err := r.baseline(baseline, s.Cells); err != nil {
		return Spec{}, err
	}
	if claims != nil {
		if s.Claims, err = r.claims(claims, s.Cells); err != nil {
			return Spec{}, err
		}
	}
	return s, nil
}

func (r reader) suite(n *yaml.Node) (Suite, error) {
	fields, err := r.fields(n, "suite", []string{"name", "split", "seed", "limit", "categories", "data", "questions", "images"})
	if err != nil {
		return Suite{}, err
	}
	var s Suite
	for _, f := range fields {
		where := "suite: " + f.key
		switch f.key {
		case "categories":
			s.Categories, err = r.texts(f.value, where)
		case "seed", "limit":
			var text string
			if text, err = r.text(f.value, where); err == nil {
				if _, bad := strconv.ParseUint(text, 10, 63); bad != nil {
					err = r.errorf(f.value, where, "found %q, expected a whole number from 0 on", text)
				}
			}
			if f.key == "seed" {
				s.Seed = text
			} else {
				s.Limit = text
			}
		default:
			*map[string]*string{"name": &s.Name, "split": &s.Split, "data": &s.Data, "questions": &s.Questions, "images": &s.Images}[f.key], err = r.text(f.value, where)
		}
		if err != nil {
			return Suite{}, err
		}
	}
	switch {
	case s.Questions != "" && s.Name != "":
		return Suite{}, r.errorf(n, "suite", "has a name (%q) and questions (%q), expected one of them", s.Name, s.Questions)
	case s.Images != "" && s.Questions == "":
		return Suite{}, r.errorf(n, "suite", "images belong to questions")
	case len(s.Categories) > 0 && s.Name != "" && s.Name != "sight" || len(s.Categories) > 0 && s.Questions != "":
		return Suite{}, r.errorf(n, "suite", "categories belong to the suite sight")
	}
	return s, nil
}

// settings reads keys and values that a cell may have. With named, a name may stand beside them.
func (r reader) settings(n *yaml.Node, where string, named bool) (name string, out []Setting, err error) {
	known := Keys()
	if named {
		known = append([]string{"name"}, known...)
	}
	fields, err := r.fields(n, where, known)
	if err != nil {
		return "", nil, err
	}
	for _, f := range fields {
		if f.key == "name" {
			if name, err = r.text(f.value, where+": name"); err != nil {
				return "", nil, err
			}
			continue
		}
		value, err := r.value(f.key, f.value, where)
		if err != nil {
			return "", nil, err
		}
		out = append(out, Setting{f.key, value})
	}
	return name, out, nil
}

// value reads the value of a setting, and refuses one that is not of its type.
func (r reader) value(key string, n *yaml.Node, where string) (string, error) {
	where = strings.TrimPrefix(where+": "+key, ": ")
	for _, f := range flags {
		if f.key != key {
			continue
		}
		text, err := r.text(n, where)
		if err != nil {
			return "", err
		}
		bad := false
		switch f.kind {
		case "integer":
			_, err := strconv.ParseUint(text, 10, 63)
			bad = err != nil
		case "number":
			v, err := strconv.ParseFloat(text, 64)
			bad = err != nil || math.IsNaN(v) || math.IsInf(v, 0)
		case "boolean":
			bad = text != "true" && text != "false"
		default:
			bad = text == ""
		}
		if bad {
			return "", r.errorf(n, where, "found %q, expected a value of type %s", text, f.kind)
		}
		return text, nil
	}
	text := n.Value
	if n.Kind != yaml.ScalarNode {
		var v any
		if err := n.Decode(&v); err != nil {
			return "", r.errorf(n, where, "%v", err)
		}
		b, err := json.Marshal(v)
		if err != nil {
			return "", r.errorf(n, where, "%v", err)
		}
		text = string(b)
	}
	if n.Tag == "!!null" || text == "" {
		return "", r.errorf(n, where, "has no value")
	}
	const side = 336 // any: the number of tiles of a named grid does not depend on it
	if _, err := (variants.Options{Side: side}).Set(key, text); err != nil {
		return "", r.errorf(n, where, "%v", err)
	}
	return text, nil
}

func (r reader) claims(n *yaml.Node, cells []Cell) ([]Claim, error) {
	list, err := r.list(n, "claims")
	if err != nil {
		return nil, err
	}
	var out []Claim
	for i, x := range list {
		where := fmt.Sprintf("claims[%d]", i+1)
		fields, err := r.fields(x, where, []string{"says", "source", "cell", "than", "direction", "within", "categories"})
		if err != nil {
			return nil, err
		}
		c := Claim{Than: cells[0].Name}
		for _, f := range fields {
			at := where + ": " + f.key
			var text string
			if f.key == "categories" {
				if c.Categories, err = r.texts(f.value, at); err != nil {
					return nil, err
				}
				continue
			}
			if text, err = r.text(f.value, at); err != nil {
				return nil, err
			}
			switch f.key {
			case "says":
				c.Says = text
			case "source":
				c.Source = text
			case "cell", "than":
				if !slices.ContainsFunc(cells, func(o Cell) bool { return o.Name == text }) {
					return nil, r.errorf(f.value, at, "no cell is called %q; there are %s", text, names(cells))
				}
				if f.key == "cell" {
					c.Cell = text
				} else {
					c.Than = text
				}
			case "direction":
				if c.Direction = Direction(text); !slices.Contains([]Direction{Better, Worse, Similar}, c.Direction) {
					return nil, r.errorf(f.value, at, "found %q, expected better, worse or similar", text)
				}
			case "within":
				if c.Within, err = strconv.ParseFloat(text, 64); err != nil || !(c.Within > 0 && c.Within <= 100) {
					return nil, r.errorf(f.value, at, "found %q, expected percentage points above 0, up to 100", text)
				}
			}
		}
		switch {
		case c.Says == "" || c.Cell == "" || c.Direction == "":
			return nil, r.errorf(x, where, "says, cell and direction are needed")
		case c.Cell == c.Than:
			return nil, r.errorf(x, where, "cell and than are both %q", c.Cell)
		case (c.Direction == Similar) != (c.Within > 0):
			return nil, r.errorf(x, where, "within belongs to direction similar, and similar needs it")
		}
		out = append(out, c)
	}
	return out, nil
}
