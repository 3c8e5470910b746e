package ablation

import (
	"fmt"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
)

// cells reads the list of named cells.
func (r reader) cells(n *yaml.Node, common []Setting) ([]Cell, error) {
	list, err := r.list(n, "cells")
	if err != nil {
		return nil, err
	}
	var out []Cell
	for i, x := range list {
		where := fmt.Sprintf("cells[%d]", i+1)
		name, settings, err := r.settings(x, where, true)
		if err != nil {
			return nil, err
		}
		if name == "" {
			return nil, r.errorf(x, where, "has no name")
		}
		out = append(out, Cell{Name: name, Settings: sorted(overlay(common, settings...)), Line: x.Line})
		if len(out) > MaxCells {
			return nil, r.errorf(x, where, "there are more than %d cells", MaxCells)
		}
	}
	return out, nil
}

// A choice is one value of an axis: settings and what they are called.
type choice struct {
	name     string
	settings []Setting
}

// grid reads axes and makes every combination of their values; the last axis changes fastest.
func (r reader) grid(n *yaml.Node, common []Setting) ([]Cell, error) {
	axes, err := r.fields(n, "grid", nil)
	if err != nil {
		return nil, err
	}
	if len(axes) == 0 {
		return nil, r.errorf(n, "grid", "is empty, expected at least one setting with a list of values")
	}
	cells := []Cell{{Settings: common, Line: n.Line}}
	for _, axis := range axes {
		choices, err := r.axis(axis)
		if err != nil {
			return nil, err
		}
		if len(cells)*len(choices) > MaxCells {
			return nil, r.errorf(axis.name, "grid", "the product of all values is more than %d cells", MaxCells)
		}
		var more []Cell
		for _, c := range cells {
			for _, x := range choices {
				next := Cell{Name: c.Name, Settings: overlay(c.Settings, x.settings...), Line: c.Line}
				if len(choices) > 1 {
					next.Name = strings.TrimSpace(c.Name + " " + x.name)
				}
				more = append(more, next)
			}
		}
		cells = more
	}
	for i := range cells {
		cells[i].Settings = sorted(cells[i].Settings)
		if cells[i].Name == "" {
			cells[i].Name = "grid"
		}
	}
	return cells, nil
}

// axis reads the values of one axis. They are values of the setting that the axis is called by, or named groups of settings.
func (r reader) axis(f field) ([]choice, error) {
	where := "grid: " + f.key
	list, err := r.list(f.value, where)
	if err != nil {
		return nil, err
	}
	isSetting := slices.Contains(Keys(), f.key)
	var out []choice
	for _, x := range list {
		if x.Kind == yaml.MappingNode {
			name, settings, err := r.settings(x, where, true)
			if err != nil {
				return nil, err
			}
			if name == "" {
				return nil, r.errorf(x, where, "a group of settings has no name")
			}
			out = append(out, choice{name, settings})
			continue
		}
		if !isSetting {
			return nil, r.errorf(f.name, "grid", "key %q is no setting, so its values must be groups of settings with a name; the settings are %s", f.key, strings.Join(Keys(), ", "))
		}
		value, err := r.value(f.key, x, "grid")
		if err != nil {
			return nil, err
		}
		out = append(out, choice{label(f.key, value), []Setting{{f.key, value}}})
	}
	return out, nil
}

// label is what a value is called in the name of a cell.
func label(key, value string) string {
	switch key {
	case "model":
		return path.Base(filepath.ToSlash(filepath.Clean(value)))
	case "variant", "dtype":
		return value
	}
	return key + "=" + strings.Map(func(c rune) rune {
		if c == '/' || c == '\\' {
			return '-'
		}
		return c
	}, value)
}

// unique refuses cells without a model, and names that are not usable or used twice.
func (r reader) unique(n *yaml.Node, cells []Cell) error {
	if len(cells) > MaxCells {
		return r.errorf(n, "", "there are more than %d cells", MaxCells)
	}
	seen := map[string]bool{}
	for _, c := range cells {
		at := &yaml.Node{Line: c.Line}
		switch fold := strings.ToLower(c.Name); {
		case seen[fold]:
			return r.errorf(at, "", "two cells are called %q: give them, or the values of the grid, names that differ", c.Name)
		case len(c.Name) > maxName:
			return r.errorf(at, "", "the name %q is longer than %d bytes: make the value a group of settings with a name", c.Name, maxName)
		case c.Get("model") == "":
			return r.errorf(at, c.Name, "no model is named: put one under settings, or into the cell")
		default:
			seen[fold] = true
		}
	}
	return nil
}

// baseline moves the cell that the others are compared with to the front.
func (r reader) baseline(n *yaml.Node, cells []Cell) error {
	if n == nil {
		return nil
	}
	name, err := r.text(n, "baseline")
	if err != nil {
		return err
	}
	i := slices.IndexFunc(cells, func(c Cell) bool { return c.Name == name })
	if i < 0 {
		return r.errorf(n, "baseline", "no cell is called %q; there are %s", name, names(cells))
	}
	first := cells[i]
	copy(cells[1:i+1], cells[:i])
	cells[0] = first
	return nil
}

func names(cells []Cell) string {
	var out []string
	for _, c := range cells {
		out = append(out, fmt.Sprintf("%q", c.Name))
	}
	return strings.Join(out, ", ")
}
