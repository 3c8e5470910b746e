package score

import (
	"math/big"
	"strconv"
	"strings"
)

// maxListItems bounds what PythonList returns.
const maxListItems = 1 << 16

// PythonList reads the text of a Python list of strings, numbers, True, False and None, and gives its elements as str()
// prints them. It fails for everything else, nested lists included.
func PythonList(s string) ([]string, bool) {
	p := &listParser{s: Strip(s)}
	if !p.take('[') {
		return nil, false
	}
	out := []string{}
	for {
		p.spaces()
		if p.take(']') {
			break
		}
		item, ok := p.item()
		if !ok || len(out) == maxListItems {
			return nil, false
		}
		out = append(out, item)
		p.spaces()
		if p.take(',') {
			continue
		}
		if !p.take(']') {
			return nil, false
		}
		break
	}
	return out, p.s == ""
}

type listParser struct{ s string }

func (p *listParser) spaces() { p.s = strings.TrimLeft(p.s, " \t\n\r\f") }

func (p *listParser) take(c byte) bool {
	if p.s == "" || p.s[0] != c {
		return false
	}
	p.s = p.s[1:]
	return true
}

func (p *listParser) item() (string, bool) {
	if p.s == "" {
		return "", false
	}
	if q := p.s[0]; q == '\'' || q == '"' {
		return p.quoted(q)
	}
	end := strings.IndexAny(p.s, ",]")
	if end < 0 {
		return "", false
	}
	word := strings.TrimRight(p.s[:end], " \t\n\r\f")
	p.s = p.s[end:]
	switch word {
	case "True", "False", "None":
		return word, true
	}
	digits := strings.TrimLeft(word, "+-")
	if len(word)-len(digits) > 1 || digits == "" || digits[0] != '.' && (digits[0] < '0' || digits[0] > '9') {
		return "", false
	}
	if strings.Trim(digits, "0123456789_") == "" {
		if digits[0] == '0' && strings.Trim(digits, "0_") != "" || strings.HasSuffix(digits, "_") || strings.Contains(digits, "__") {
			return "", false // Python has no octal numbers of this form
		}
		v, ok := new(big.Int).SetString(strings.ReplaceAll(word, "_", ""), 10)
		if !ok {
			return "", false
		}
		return v.String(), true
	}
	v, ok := ParseFloat(word)
	return FormatFloat(v), ok
}

// quoted reads a string literal with the escapes of Python.
func (p *listParser) quoted(q byte) (string, bool) {
	s := p.s[1:]
	var b strings.Builder
	for s != "" {
		switch c := s[0]; {
		case c == q:
			p.s = s[1:]
			return b.String(), true
		case c == '\n':
			return "", false
		case c != '\\':
			b.WriteByte(c)
			s = s[1:]
		default:
			n := escape(&b, s)
			if n == 0 {
				return "", false
			}
			s = s[n:]
		}
	}
	return "", false
}

// escape writes what the escape sequence at the start of s stands for and returns its length; 0 if it is not valid.
func escape(b *strings.Builder, s string) int {
	if len(s) < 2 {
		return 0
	}
	if i := strings.IndexByte("abfnrtv\\'\"", s[1]); i >= 0 {
		b.WriteByte("\a\b\f\n\r\t\v\\'\""[i])
		return 2
	}
	width := map[byte]int{'x': 2, 'u': 4, 'U': 8}[s[1]]
	switch {
	case s[1] == '\n':
		return 2
	case width == 0: // an unknown escape keeps its backslash
		b.WriteByte('\\')
		return 1
	case len(s) < 2+width:
		return 0
	}
	v, err := strconv.ParseUint(s[2:2+width], 16, 32)
	if err != nil || v > 0x10ffff {
		return 0
	}
	b.WriteRune(rune(v))
	return 2 + width
}
