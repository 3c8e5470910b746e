package score

import "strings"

// OCRContains is OCRBench's rule: one of the answers occurs in the prediction, regardless of case; formulas keep their case
// and lose all spaces.
func OCRContains(prediction string, answers []string, formula bool) bool {
	clean := func(s string) string { return strings.ReplaceAll(Strip(Lower(s)), "\n", " ") }
	if formula {
		clean = func(s string) string {
			return strings.ReplaceAll(strings.ReplaceAll(Strip(s), "\n", " "), " ", "")
		}
	}
	prediction = clean(prediction)
	for _, answer := range answers {
		if strings.Contains(prediction, clean(answer)) {
			return true
		}
	}
	return false
}

// FoldFullWidth puts ASCII for its full-width forms, which lmms-eval does before it compares.
func FoldFullWidth(s string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r >= 0xff01 && r <= 0xff5e:
			return r - 0xfee0
		case r == 0x3000:
			return ' '
		}
		return r
	}, s)
}
