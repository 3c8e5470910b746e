package main

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// A text is a licence with phrases that all occur in it, and one that must not.
type text struct {
	spdx    string
	phrases []string
	not     string
}

// texts are the licences that are recognised, by phrases of theirs in lower case with single spaces.
var texts = []text{
	{"Apache-2.0", []string{"apache license", "version 2.0"}, ""},
	{"MIT", []string{"permission is hereby granted, free of charge", "the software is provided \"as is\""}, ""},
	{"BSD-3-Clause", []string{"redistribution and use in source and binary forms", "endorse or promote products"}, ""},
	{"BSD-2-Clause", []string{"redistribution and use in source and binary forms"}, "endorse or promote products"},
	{"OFL-1.1", []string{"sil open font license", "version 1.1"}, ""},
	{"CC-BY-4.0", []string{"creative commons attribution 4.0 international public license"}, ""},
	{"(FTL OR GPL-2.0-or-later)", []string{"choice of exactly one", "the freetype license", "gnu general public license"}, ""},
}

// allowed are the licences that may go into a program under Apache-2.0: those that ask for their notice and nothing else, and
// the font's, which stays a font.
var allowed = []string{"Apache-2.0", "MIT", "BSD-3-Clause", "BSD-2-Clause", "OFL-1.1", "CC-BY-4.0", "(FTL OR GPL-2.0-or-later)"}

// licenceOf recognises the licences of a module by the files in its directory.
func licenceOf(dir string) (string, error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return "", err
	}
	var found []string
	for _, e := range entries {
		name := strings.ToLower(e.Name())
		if e.IsDir() || !strings.HasPrefix(name, "licen") && !strings.HasPrefix(name, "copying") {
			continue
		}
		data, err := os.ReadFile(filepath.Join(dir, e.Name()))
		if err != nil {
			return "", err
		}
		for _, id := range recognise(string(data)) {
			if !slices.Contains(found, id) {
				found = append(found, id)
			}
		}
	}
	if len(found) == 0 {
		return "", fmt.Errorf("no licence is recognised in %s", dir)
	}
	slices.Sort(found)
	for _, id := range found {
		if !slices.Contains(allowed, id) {
			return "", fmt.Errorf("licence %s is not allowed", id)
		}
	}
	return strings.Join(found, " AND "), nil
}

// recognise gives the licences whose phrases a text holds.
func recognise(s string) []string {
	s = strings.ToLower(strings.Join(strings.Fields(s), " "))
	var out []string
	for _, t := range texts {
		if t.not != "" && strings.Contains(s, t.not) {
			continue
		}
		if !slices.ContainsFunc(t.phrases, func(p string) bool { return !strings.Contains(s, p) }) {
			out = append(out, t.spdx)
		}
	}
	return out
}
