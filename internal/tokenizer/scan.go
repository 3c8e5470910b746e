package tokenizer

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// A scanner returns the length of the first word of a non-empty text. The words of a text, one behind the other, are the
// matches of a split pattern: every character belongs to one.
type scanner func(text string) int

// The split patterns that are known, by their exact text in tokenizer.json files.
const (
	gpt2Pattern = `'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+`

	llama3Pattern = `(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|` +
		`\s*[\r\n]+|\s+(?!\S)|\s+`

	qwen2Pattern = `(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|` +
		`\s*[\r\n]+|\s+(?!\S)|\s+`
)

// scannerOf returns the scanner that stands for a split pattern.
func scannerOf(pattern string) (scanner, error) {
	switch pattern {
	case gpt2Pattern:
		return scanGPT2, nil
	case llama3Pattern:
		return func(s string) int { return scanCL100K(s, 3) }, nil
	case qwen2Pattern:
		return func(s string) int { return scanCL100K(s, 1) }, nil
	}
	return nil, unsupportedf("split pattern %q", pattern)
}

// scanGPT2 is gpt2Pattern.
func scanGPT2(s string) int {
	if n := contraction(s, false); n > 0 {
		return n
	}
	space := 0
	if s[0] == ' ' && len(s) > 1 {
		space = 1
	}
	for _, class := range [...]func(rune) bool{unicode.IsLetter, unicode.IsNumber, isOther} {
		if n := run(s[space:], class); n > 0 {
			return space + n
		}
	}
	return scanSpace(s)
}

// scanCL100K is llama3Pattern and qwen2Pattern, which differ in how many digits a word may have.
func scanCL100K(s string, digits int) int {
	if n := contraction(s, true); n > 0 {
		return n
	}
	r, size := utf8.DecodeRuneInString(s)
	if r != '\r' && r != '\n' && !unicode.IsLetter(r) && !unicode.IsNumber(r) {
		if n := run(s[size:], unicode.IsLetter); n > 0 {
			return size + n
		}
	}
	if n := run(s, unicode.IsLetter); n > 0 {
		return n
	}
	if unicode.IsNumber(r) {
		n := size
		for range digits - 1 {
			r, size := utf8.DecodeRuneInString(s[n:])
			if size == 0 || !unicode.IsNumber(r) {
				break
			}
			n += size
		}
		return n
	}
	space := 0
	if s[0] == ' ' {
		space = 1
	}
	if n := run(s[space:], isOther); n > 0 {
		n += space
		return n + run(s[n:], isLineEnd)
	}
	spaces := s[:run(s, unicode.IsSpace)]
	if i := strings.LastIndexAny(spaces, "\r\n"); i >= 0 {
		return i + 1
	}
	return scanSpace(s)
}

// scanSpace is \s+(?!\S)|\s+ where the text starts with white space: all of it, but for the last character if a word
// follows, unless it is the only one.
func scanSpace(s string) int {
	n := run(s, unicode.IsSpace)
	if n == len(s) {
		return n
	}
	if _, last := utf8.DecodeLastRuneInString(s[:n]); last < n {
		return n - last
	}
	return n
}

// contraction returns the length of an English contraction's ending at the start of s. With fold set letters match in
// either case, by Unicode's simple folding, where U+017F counts as an s.
func contraction(s string, fold bool) int {
	if s[0] != '\'' {
		return 0
	}
	for _, ending := range [...]string{"s", "t", "re", "ve", "m", "ll", "d"} {
		n := 1
		for _, want := range ending {
			r, size := utf8.DecodeRuneInString(s[n:])
			if r != want && (!fold || unicode.ToLower(r) != want && !(r == 'ſ' && want == 's')) {
				n = 0
				break
			}
			n += size
		}
		if n > 0 {
			return n
		}
	}
	return 0
}

// run returns the length of the characters of a class at the start of s.
func run(s string, class func(rune) bool) int {
	for i, r := range s {
		if !class(r) {
			return i
		}
	}
	return len(s)
}

// isOther is [^\s\p{L}\p{N}].
func isOther(r rune) bool { return !unicode.IsSpace(r) && !unicode.IsLetter(r) && !unicode.IsNumber(r) }

func isLineEnd(r rune) bool { return r == '\r' || r == '\n' }
