package score

import "strings"

// asciiPunctuation is Python's string.punctuation.
const asciiPunctuation = "!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~"

// LettersOnlyLower strips, lower-cases and deletes ASCII punctuation: the exact match of lmms-eval with ignore_case and
// ignore_punctuation.
func LettersOnlyLower(s string) string {
	return strings.Map(func(r rune) rune {
		if r < 0x80 && strings.ContainsRune(asciiPunctuation, r) {
			return -1
		}
		return r
	}, Lower(Strip(s)))
}
