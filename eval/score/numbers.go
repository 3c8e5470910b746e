package score

import "unicode"

// MMMUNumbers is extract_numbers of MMMU: first all numbers with commas between groups of three digits, then all in
// scientific notation, then all plain ones; a number may be found in more than one form. Digits are those of any script.
func MMMUNumbers(s string) []string {
	text := []rune(s)
	var found []string
	for _, match := range []func([]rune, int) int{commaNumber, scientificNumber, plainNumber} {
		for i := 0; i < len(text); {
			// An optional minus sign: with it if the rest matches then, else the position matches without or not at all.
			end := -1
			if text[i] == '-' {
				end = match(text, i+1)
			} else {
				end = match(text, i)
			}
			if end < 0 {
				i++
				continue
			}
			found = append(found, string(text[i:end]))
			i = end
		}
	}
	return found
}

// digits is the end of the run of digits at i.
func digits(text []rune, i int) int {
	for i < len(text) && IsDigit(text[i]) {
		i++
	}
	return i
}

// boundary is \b: exactly one of the characters before and at i belongs to a word.
func boundary(text []rune, i int) bool {
	before := i > 0 && isWord(text[i-1])
	at := i < len(text) && isWord(text[i])
	return before != at
}

// isWord is \w of Python's re.
func isWord(r rune) bool { return r == '_' || unicode.IsLetter(r) || unicode.IsNumber(r) }

// commaNumber matches \b\d{1,3}(?:,\d{3})+\b at i and returns its end, or -1.
func commaNumber(text []rune, i int) int {
	if !boundary(text, i) {
		return -1
	}
	n := digits(text, i)
	if n == i || n > i+3 {
		return -1 // fewer digits would leave one before the comma
	}
	var ends []int
	for n < len(text) && text[n] == ',' && digits(text, n+1) >= n+4 {
		n += 4
		ends = append(ends, n)
	}
	for k := len(ends) - 1; k >= 0; k-- {
		if boundary(text, ends[k]) {
			return ends[k]
		}
	}
	return -1
}

// exponent matches [eE][+-]?\d+ at i and returns its end, or -1.
func exponent(text []rune, i int) int {
	if i >= len(text) || text[i] != 'e' && text[i] != 'E' {
		return -1
	}
	i++
	if i < len(text) && (text[i] == '+' || text[i] == '-') {
		i++
	}
	if end := digits(text, i); end > i {
		return end
	}
	return -1
}

// scientificNumber matches \d+(?:\.\d+)?[eE][+-]?\d+ at i.
func scientificNumber(text []rune, i int) int {
	n := digits(text, i)
	if n == i {
		return -1
	}
	if n < len(text) && text[n] == '.' {
		if m := digits(text, n+1); m > n+1 {
			return exponent(text, m)
		}
	}
	return exponent(text, n)
}

// plainNumber matches (?:\d+\.\d+|\.\d+|\d+\b)(?![eE][+-]?\d+)(?![,\d]) at i.
func plainNumber(text []rune, i int) int {
	free := func(n int) bool {
		return exponent(text, n) < 0 && !(n < len(text) && (text[n] == ',' || IsDigit(text[n])))
	}
	n := digits(text, i)
	if n < len(text) && text[n] == '.' {
		if m := digits(text, n+1); m > n+1 && free(m) {
			return m
		}
	}
	if n > i && boundary(text, n) && free(n) {
		return n
	}
	return -1
}
