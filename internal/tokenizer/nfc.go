package tokenizer

import (
	"slices"
	"strings"

	"golang.org/x/text/unicode/norm"
)

// joiner is U+034F. The norm package puts one into runs of more than 30 combining marks (the stream-safe text format of
// UAX #15), which other normalisers do not.
const joiner = "\u034f"

// normalForm returns a step that brings text into a Unicode normal form.
func normalForm(form norm.Form) textStep {
	return func(s string) string {
		out := form.String(s)
		if strings.Count(out, joiner) != strings.Count(s, joiner) {
			return normalizeLong(form, s)
		}
		return out
	}
}

// normalizeLong is normalisation by the book (UAX #15), for text with long runs of marks: decompose, sort marks by class,
// compose.
func normalizeLong(form norm.Form, s string) string {
	decompose, compose := norm.NFD, form == norm.NFC || form == norm.NFKC
	if form == norm.NFKC || form == norm.NFKD {
		decompose = norm.NFKD
	}
	type mark struct {
		r     rune
		class uint8
	}
	var out strings.Builder
	var starter rune = -1
	var marks []mark
	flush := func() {
		slices.SortStableFunc(marks, func(a, b mark) int { return int(a.class) - int(b.class) })
		kept := marks[:0]
		last := uint8(0)
		for _, m := range marks {
			if compose && starter >= 0 && (len(kept) == 0 || last < m.class) {
				if c, ok := composed(starter, m.r); ok {
					starter = c
					continue
				}
			}
			kept, last = append(kept, m), m.class
		}
		if starter >= 0 {
			out.WriteRune(starter)
		}
		for _, m := range kept {
			out.WriteRune(m.r)
		}
		marks = marks[:0]
	}
	for _, r := range s {
		for _, d := range decompose.String(string(r)) {
			class := norm.NFD.PropertiesString(string(d)).CCC()
			if class > 0 {
				marks = append(marks, mark{d, class})
				continue
			}
			if c, ok := composed(starter, d); compose && ok && len(marks) == 0 {
				starter = c
				continue
			}
			flush()
			starter = d
		}
	}
	flush()
	return out.String()
}

// composed returns the character that two compose to.
func composed(a, b rune) (rune, bool) {
	if a < 0 {
		return 0, false
	}
	c := []rune(norm.NFC.String(string(a) + string(b)))
	return c[0], len(c) == 1
}
