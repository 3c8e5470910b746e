// Package score holds the rules by which the benchmarks' owners, and the harnesses that people compare with, turn answers
// into scores: pure functions on strings and numbers, one rule a file, each named after the program that it repeats.
//
// The programs are Python, and a score often hangs on what Python does with an odd string: this package's Lower, Strip,
// Fields, ParseFloat and FormatFloat do the same.
package score

import (
	"math"
	"math/big"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/cases"
	"golang.org/x/text/language"
)

// IsSpace reports what Python's str.isspace does for one character: Unicode's white space and the separators U+001C to
// U+001F.
func IsSpace(r rune) bool { return unicode.IsSpace(r) || r >= 0x1c && r <= 0x1f }

// Strip is str.strip().
func Strip(s string) string { return strings.TrimFunc(s, IsSpace) }

// Fields is str.split().
func Fields(s string) []string { return strings.FieldsFunc(s, IsSpace) }

// Lower is str.lower(): Unicode's full mapping, under which U+0130 becomes two characters and a capital sigma depends on
// its surroundings.
func Lower(s string) string {
	ascii := true
	for i := 0; i < len(s) && ascii; i++ {
		ascii = s[i] < 0x80
	}
	if ascii {
		return strings.ToLower(s)
	}
	return cases.Lower(language.Und).String(s)
}

// IsDigit reports what the pattern \d matches in a Python string: any decimal digit.
func IsDigit(r rune) bool { return unicode.Is(unicode.Nd, r) }

// ParseFloat is float(s): surrounding white space, any decimal digits, underscores between digits, inf and nan in any
// case; no hexadecimal.
func ParseFloat(s string) (float64, bool) {
	s = strings.TrimFunc(s, unicode.IsSpace) // here U+001C to U+001F are not white space
	var b strings.Builder
	runes := []rune(s)
	for i, r := range runes {
		switch {
		case r >= 0x80 && IsDigit(r):
			b.WriteByte(byte('0' + digitValue(r)))
		case r >= 0x80:
			return 0, false
		case r == '_':
			if i == 0 || i+1 == len(runes) || !IsDigit(runes[i-1]) || !IsDigit(runes[i+1]) {
				return 0, false
			}
		default:
			b.WriteByte(byte(r))
		}
	}
	t := b.String()
	if strings.EqualFold(strings.TrimLeft(t, "+-"), "nan") && len(t) <= len("+nan") {
		return math.NaN(), true
	}
	if strings.ContainsAny(t, "xXpP") {
		return 0, false
	}
	v, err := strconv.ParseFloat(t, 64)
	if err != nil && !math.IsInf(v, 0) {
		return 0, false
	}
	return v, true
}

// digitValue is the value of a decimal digit: they come in runs of ten that begin with zero.
func digitValue(r rune) int {
	for _, t := range unicode.Nd.R16 {
		if uint32(r) >= uint32(t.Lo) && uint32(r) <= uint32(t.Hi) {
			return int(r-rune(t.Lo)) % 10
		}
	}
	for _, t := range unicode.Nd.R32 {
		if uint32(r) >= t.Lo && uint32(r) <= t.Hi {
			return int(r-rune(t.Lo)) % 10
		}
	}
	return 0
}

// FormatFloat is str(v) of a float: the shortest digits that read back, with an exponent below 1e-4 and from 1e16.
func FormatFloat(v float64) string {
	switch {
	case math.IsNaN(v):
		return "nan"
	case math.IsInf(v, 1):
		return "inf"
	case math.IsInf(v, -1):
		return "-inf"
	}
	if a := math.Abs(v); a != 0 && (a < 1e-4 || a >= 1e16) {
		return strconv.FormatFloat(v, 'e', -1, 64)
	}
	s := strconv.FormatFloat(v, 'f', -1, 64)
	if !strings.Contains(s, ".") {
		s += ".0"
	}
	return s
}

// FormatInt is str(int(v)) of a float: truncated, with all its digits. It fails for infinities and NaN.
func FormatInt(v float64) (string, bool) {
	if math.IsNaN(v) || math.IsInf(v, 0) {
		return "", false
	}
	i, _ := new(big.Float).SetFloat64(v).Int(nil)
	return i.String(), true
}

// Round is round(v, digits): correctly rounded in decimal, ties of the exact binary value to even.
func Round(v float64, digits int) float64 {
	if math.IsNaN(v) || math.IsInf(v, 0) {
		return v
	}
	if digits < 0 {
		scale := math.Pow(10, float64(-digits))
		return math.RoundToEven(v/scale) * scale
	}
	r, err := strconv.ParseFloat(strconv.FormatFloat(v, 'f', digits, 64), 64)
	if err != nil {
		return v
	}
	return r
}

// maxIntDigits is the longest text that Python makes an integer of (sys.int_info.default_max_str_digits).
const maxIntDigits = 4300

// ParseInt is str(int(s)): an optional sign and decimal digits, underscores between digits, surrounding white space.
func ParseInt(s string) (string, bool) {
	s = strings.TrimFunc(s, unicode.IsSpace)
	var b strings.Builder
	runes := []rune(s)
	for i, r := range runes {
		switch {
		case IsDigit(r):
			b.WriteByte(byte('0' + digitValue(r)))
		case (r == '+' || r == '-') && i == 0 && len(runes) > 1 && IsDigit(runes[1]):
			b.WriteRune(r)
		case r == '_' && i > 0 && i+1 < len(runes) && IsDigit(runes[i-1]) && IsDigit(runes[i+1]):
		default:
			return "", false
		}
	}
	if b.Len() > maxIntDigits {
		return "", false
	}
	v, ok := new(big.Int).SetString(b.String(), 10)
	if !ok {
		return "", false
	}
	return v.String(), true
}

// Capitalise is str.capitalize(): the first character as in a title, all others in lower case.
func Capitalise(s string) string {
	_, n := utf8.DecodeRuneInString(s)
	return cases.Title(language.Und, cases.NoLower).String(s[:n]) + Lower(s[n:])
}
