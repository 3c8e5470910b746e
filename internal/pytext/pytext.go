// Package pytext has the text and number rules of Python, and of numpy where they differ, that the scorers of the
// benchmarks' owners rest on without saying so: what counts as white space or as a digit, how text is lowered, what
// float() accepts and how round() breaks ties. Scores agree with theirs only if these agree too.
//
// Source of the rules: the Python 3.11 documentation of str, float and round, the Unicode standard (chapter 3.13 for
// casing), and numpy's documentation of round and of pairwise summation.
package pytext

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// IsSpace reports whether Python's str.isspace holds for r: Unicode White_Space and the four separators U+001C to U+001F.
func IsSpace(r rune) bool { return r >= 0x1c && r <= 0x1f || unicode.IsSpace(r) }

// Strip is str.strip().
func Strip(s string) string { return strings.TrimFunc(s, IsSpace) }

// Fields is str.split(): the words between runs of white space.
func Fields(s string) []string { return strings.FieldsFunc(s, IsSpace) }

// StripChar is str.strip(c) for a single character.
func StripChar(s string, c rune) string {
	return strings.TrimFunc(s, func(r rune) bool { return r == c })
}

// Len is len(s): the number of code points.
func Len(s string) int { return utf8.RuneCountInString(s) }

// IsLower is str.islower of a single character.
func IsLower(r rune) bool { return unicode.IsLower(r) || unicode.Is(unicode.Other_Lowercase, r) }

// IsUpper is str.isupper of a single character.
func IsUpper(r rune) bool { return unicode.IsUpper(r) || unicode.Is(unicode.Other_Uppercase, r) }

// IsAlpha is str.isalpha of a single character: one of the letter categories.
func IsAlpha(r rune) bool { return unicode.IsLetter(r) }

// IsWord reports whether \w of Python's re matches r in a str pattern: alphanumeric or underscore.
func IsWord(r rune) bool {
	return r == '_' || unicode.IsLetter(r) || unicode.IsNumber(r)
}

// IsDigit reports whether \d of Python's re matches r in a str pattern: a decimal digit of any script.
func IsDigit(r rune) bool { return unicode.Is(unicode.Nd, r) }

// digitValue is the value of a decimal digit of any script. The digits of a script are ten code points in a row.
func digitValue(r rune) int {
	if r < utf8.RuneSelf {
		return int(r - '0')
	}
	for _, t := range unicode.Nd.R16 {
		if r >= rune(t.Lo) && r <= rune(t.Hi) {
			return int(r-rune(t.Lo)) % 10
		}
	}
	for _, t := range unicode.Nd.R32 {
		if r >= rune(t.Lo) && r <= rune(t.Hi) {
			return int(r-rune(t.Lo)) % 10
		}
	}
	return 0
}

// Lower is str.lower(): full Unicode lower-casing, in which U+0130 becomes two code points and a capital sigma at the end
// of a word becomes U+03C2.
func Lower(s string) string {
	ascii := true
	for i := 0; i < len(s) && ascii; i++ {
		ascii = s[i] < utf8.RuneSelf
	}
	if ascii {
		return strings.ToLower(s)
	}
	var b strings.Builder
	b.Grow(len(s))
	for i, r := range s {
		switch r {
		case 'İ':
			b.WriteString("i\u0307")
		case 'Σ':
			if finalSigma(s[:i], s[i+len("Σ"):]) {
				b.WriteRune('ς')
			} else {
				b.WriteRune('σ')
			}
		default:
			b.WriteRune(unicode.ToLower(r))
		}
	}
	return b.String()
}

// finalSigma is the condition Final_Sigma of the Unicode standard, table 3-17: a cased letter before and none after,
// characters that case ignores left out.
func finalSigma(before, after string) bool {
	for {
		r, n := utf8.DecodeLastRuneInString(before)
		if n == 0 {
			return false
		}
		if !caseIgnorable(r) {
			if !cased(r) {
				return false
			}
			break
		}
		before = before[:len(before)-n]
	}
	for _, r := range after {
		if !caseIgnorable(r) {
			return !cased(r)
		}
	}
	return true
}

func cased(r rune) bool { return IsLower(r) || IsUpper(r) || unicode.IsTitle(r) }

// caseIgnorable is the property Case_Ignorable: marks, format characters, modifiers and the punctuation that may stand
// within a word.
func caseIgnorable(r rune) bool {
	switch r {
	case '\'', '.', ':', 0xb7, 0x387, 0x55f, 0x5f4, 0x2018, 0x2019, 0x2024, 0x2027, 0xfe13, 0xfe52, 0xfe55, 0xff07, 0xff0e, 0xff1a:
		return true
	}
	return unicode.In(r, unicode.Mn, unicode.Me, unicode.Cf, unicode.Lm, unicode.Sk)
}
