// Package ablation reads what an ablation study is: a question, the questions that are asked, and the settings that are compared,
// as a YAML file. It expands the file to cells, each an eval command of its own, and runs nothing.
package ablation

import (
	"fmt"
	"slices"
	"strings"

	"llavabench/variants"
)

// A Spec is a study.
type Spec struct {
	Title      string
	Question   string // what the study is to answer
	Background string // what is known about it, with sources
	Suite      Suite
	Cells      []Cell // the baseline first
	Claims     []Claim
}

// A Suite says which questions are asked, in the words of eval's flags; "" and 0 are eval's defaults.
type Suite struct {
	Name       string // sight, or a public benchmark
	Split      string
	Seed       string
	Limit      string
	Categories []string // of sight
	Data       string   // directory of a public benchmark's files
	Questions  string   // file of questions, instead of Name
	Images     string   // directory of their pictures
}

// A Cell is one combination of settings.
type Cell struct {
	Name     string // unique, usable as the name of a directory
	Settings []Setting
	Line     int // in the file
}

// A Setting is one value, as eval takes it.
type Setting struct{ Key, Value string }

// Get is the value of a setting; "" where the cell does not have it.
func (c Cell) Get(key string) string {
	for _, s := range c.Settings {
		if s.Key == key {
			return s.Value
		}
	}
	return ""
}

// A Direction says how a cell stands to another in a claim.
type Direction string

// The directions.
const (
	Better  Direction = "better"
	Worse   Direction = "worse"
	Similar Direction = "similar" // nearer than Claim.Within
)

// A Claim is what somebody says about two cells.
type Claim struct {
	Says       string
	Source     string
	Cell, Than string // names of cells
	Direction  Direction
	Within     float64  // points, of Similar
	Categories []string // of questions that it is about; nil for all
}

// flags are the settings that are flags of eval and not of variants.Options, in the order in which they are written.
var flags = []struct{ key, flag, kind string }{
	{"model", "model", "text"}, {"variant", "variant", "text"}, {"vision_dir", "vision-dir", "text"}, {"tokenizer", "tokenizer", "text"},
	{"dtype", "dtype", "text"}, {"kv_dtype", "kv-dtype", "text"}, {"numerics", "numerics", "text"},
	{"prompts", "prompts", "text"}, {"template", "template", "text"}, {"max_new_tokens", "max-new-tokens", "integer"},
	{"temperature", "temperature", "number"}, {"top_p", "top-p", "number"}, {"sample_seed", "sample-seed", "integer"}, {"blind", "blind", "boolean"},
	{"choose", "choose", "text"}, {"choose_by", "choose-by", "text"}, {"choose_norm", "choose-norm", "text"}, {"choose_end", "choose-end", "boolean"},
}

// Keys lists the settings that a cell may have, in the order in which they are applied.
func Keys() []string {
	var keys []string
	for _, f := range flags {
		keys = append(keys, f.key)
	}
	for _, name := range variants.Fields() {
		if !slices.Contains(keys, name) {
			keys = append(keys, name)
		}
	}
	return keys
}

// sorted puts settings into the order of Keys.
func sorted(settings []Setting) []Setting {
	order := Keys()
	slices.SortStableFunc(settings, func(a, b Setting) int { return slices.Index(order, a.Key) - slices.Index(order, b.Key) })
	return settings
}

// overlay replaces settings by later ones of the same key.
func overlay(base []Setting, more ...Setting) []Setting {
	out := slices.Clone(base)
	for _, m := range more {
		if i := slices.IndexFunc(out, func(s Setting) bool { return s.Key == m.Key }); i >= 0 {
			out[i] = m
		} else {
			out = append(out, m)
		}
	}
	return out
}

// Args are the arguments of the eval command that runs a cell, but for --out.
func (s Spec) Args(c Cell) []string {
	var args []string
	add := func(flag, value string) {
		if value != "" {
			args = append(args, "--"+flag+"="+value)
		}
	}
	settings := c.Settings
	for _, f := range flags {
		add(f.flag, c.Get(f.key))
		settings = slices.DeleteFunc(slices.Clone(settings), func(s Setting) bool { return s.Key == f.key })
	}
	for _, x := range settings {
		add("set", x.Key+"="+x.Value)
	}
	if s.Suite.Questions != "" {
		add("questions", s.Suite.Questions)
		add("images", s.Suite.Images)
	} else {
		add("suite", s.Suite.Name)
		add("data", s.Suite.Data)
		add("split", s.Suite.Split)
		add("seed", s.Suite.Seed)
		add("categories", strings.Join(s.Suite.Categories, ","))
	}
	add("limit", s.Suite.Limit)
	return args
}

// Differing are the settings of a cell that not all cells share.
func (s Spec) Differing(c Cell) string {
	var out []string
	for _, key := range Keys() {
		value := c.Get(key)
		if slices.ContainsFunc(s.Cells, func(o Cell) bool { return o.Get(key) != value }) {
			if value == "" {
				continue // the checkpoint's own
			}
			out = append(out, fmt.Sprintf("%s=%s", key, value))
		}
	}
	return strings.Join(out, " ")
}
