package checkpoint

import (
	"strconv"
	"unicode/utf16"
	"unicode/utf8"
)

// maxJSONDepth bounds the nesting of JSON read here; real files need four levels.
const maxJSONDepth = 64

// A jsonReader pulls values out of a JSON text one by one, so that a reader decides what to keep and nothing is sized by
// the text. It is stricter than encoding/json: duplicate keys, invalid UTF-8 and case-insensitive keys are not accepted.
type jsonReader struct {
	data  []byte
	pos   int
	depth int
}

// A number is a JSON number as written.
type number string

func (r *jsonReader) errorf(format string, args ...any) error {
	return errf(ErrFormat, "JSON at byte %d: "+format, append([]any{r.pos}, args...)...)
}

func (r *jsonReader) space() {
	for r.pos < len(r.data) {
		switch r.data[r.pos] {
		case ' ', '\t', '\n', '\r':
			r.pos++
		default:
			return
		}
	}
}

// peek skips white space and returns the next byte; 0 at the end.
func (r *jsonReader) peek() byte {
	r.space()
	if r.pos >= len(r.data) {
		return 0
	}
	return r.data[r.pos]
}

func (r *jsonReader) expect(c byte) error {
	if got := r.peek(); got != c || r.pos >= len(r.data) {
		return r.unexpected(strconv.QuoteRune(rune(c)))
	}
	r.pos++
	return nil
}

func (r *jsonReader) unexpected(want string) error {
	if r.pos >= len(r.data) {
		return r.errorf("text ends, expected %s", want)
	}
	return r.errorf("found %q, expected %s", r.data[r.pos], want)
}

// end checks that only white space is left.
func (r *jsonReader) end() error {
	r.space()
	if r.pos < len(r.data) {
		return r.unexpected("the end of the text")
	}
	return nil
}

// nest counts one level of nesting until leave is called.
func (r *jsonReader) nest() error {
	if r.depth++; r.depth > maxJSONDepth {
		return r.errorf("nested deeper than %d levels", maxJSONDepth)
	}
	return nil
}

func (r *jsonReader) leave() { r.depth-- }

// object calls each with every key of an object; each must consume the value.
func (r *jsonReader) object(each func(key string) error) error {
	if err := r.expect('{'); err != nil {
		return err
	}
	if err := r.nest(); err != nil {
		return err
	}
	defer r.leave()
	if r.peek() == '}' {
		r.pos++
		return nil
	}
	seen := map[string]struct{}{}
	for {
		r.space()
		at := r.pos
		key, err := r.string()
		if err != nil {
			return err
		}
		if _, ok := seen[key]; ok {
			r.pos = at
			return r.errorf("duplicate key %s", quote(key))
		}
		seen[key] = struct{}{}
		if err := r.expect(':'); err != nil {
			return err
		}
		if err := each(key); err != nil {
			return err
		}
		if more, err := r.more('}'); err != nil || !more {
			return err
		}
	}
}

// array calls each for every element of an array; each must consume it.
func (r *jsonReader) array(each func(i int) error) error {
	if err := r.expect('['); err != nil {
		return err
	}
	if err := r.nest(); err != nil {
		return err
	}
	defer r.leave()
	if r.peek() == ']' {
		r.pos++
		return nil
	}
	for i := 0; ; i++ {
		if err := each(i); err != nil {
			return err
		}
		if more, err := r.more(']'); err != nil || !more {
			return err
		}
	}
}

// more consumes a comma (true) or the closing byte (false).
func (r *jsonReader) more(closing byte) (bool, error) {
	switch r.peek() {
	case ',':
		r.pos++
		return true, nil
	case closing:
		r.pos++
		return false, nil
	}
	return false, r.unexpected("',' or " + strconv.QuoteRune(rune(closing)))
}

func (r *jsonReader) string() (string, error) {
	if err := r.expect('"'); err != nil {
		return "", err
	}
	start := r.pos
	for r.pos < len(r.data) { // the usual case: nothing to unescape
		switch c := r.data[r.pos]; {
		case c == '"':
			s := r.data[start:r.pos]
			if !utf8.Valid(s) {
				return "", r.errorf("string is not valid UTF-8")
			}
			r.pos++
			return string(s), nil
		case c == '\\':
			return r.escaped(start)
		case c < 0x20:
			return "", r.errorf("control character %#02x in a string", c)
		}
		r.pos++
	}
	return "", r.errorf("text ends inside a string")
}

// escaped continues a string at its first backslash.
func (r *jsonReader) escaped(start int) (string, error) {
	out := append([]byte(nil), r.data[start:r.pos]...)
	for r.pos < len(r.data) {
		c := r.data[r.pos]
		r.pos++
		switch {
		case c == '"':
			if !utf8.Valid(out) {
				return "", r.errorf("string is not valid UTF-8")
			}
			return string(out), nil
		case c < 0x20:
			return "", r.errorf("control character %#02x in a string", c)
		case c != '\\':
			out = append(out, c)
			continue
		}
		if r.pos >= len(r.data) {
			break
		}
		c = r.data[r.pos]
		r.pos++
		switch c {
		case '"', '\\', '/':
			out = append(out, c)
		case 'b':
			out = append(out, '\b')
		case 'f':
			out = append(out, '\f')
		case 'n':
			out = append(out, '\n')
		case 'r':
			out = append(out, '\r')
		case 't':
			out = append(out, '\t')
		case 'u':
			x, err := r.escapedRune()
			if err != nil {
				return "", err
			}
			out = utf8.AppendRune(out, x)
		default:
			return "", r.errorf("unknown escape \\%q", c)
		}
	}
	return "", r.errorf("text ends inside a string")
}

// escapedRune reads what follows \u, with the second half of a surrogate pair.
func (r *jsonReader) escapedRune() (rune, error) {
	x, ok := r.hex4()
	if !ok {
		return 0, r.errorf("\\u needs four hexadecimal digits")
	}
	if !utf16.IsSurrogate(x) {
		return x, nil
	}
	if r.pos+2 <= len(r.data) && r.data[r.pos] == '\\' && r.data[r.pos+1] == 'u' {
		r.pos += 2
		if y, ok := r.hex4(); ok {
			if pair := utf16.DecodeRune(x, y); pair != utf8.RuneError {
				return pair, nil
			}
		}
	}
	return 0, r.errorf("half of a surrogate pair")
}

func (r *jsonReader) hex4() (rune, bool) {
	if r.pos+4 > len(r.data) {
		return 0, false
	}
	x, err := strconv.ParseUint(string(r.data[r.pos:r.pos+4]), 16, 16)
	if err != nil {
		return 0, false
	}
	r.pos += 4
	return rune(x), true
}

// number reads a number as it is written.
func (r *jsonReader) number() (number, error) {
	r.space()
	start := r.pos
	digits := func() int {
		n := 0
		for ; r.pos < len(r.data) && r.data[r.pos] >= '0' && r.data[r.pos] <= '9'; r.pos++ {
			n++
		}
		return n
	}
	at := func(set string) bool {
		if r.pos < len(r.data) {
			for i := range len(set) {
				if r.data[r.pos] == set[i] {
					r.pos++
					return true
				}
			}
		}
		return false
	}
	at("-")
	first := r.pos
	n := digits()
	if n == 0 {
		return "", r.unexpected("a number")
	}
	if n > 1 && r.data[first] == '0' {
		r.pos = first
		return "", r.errorf("number with a leading zero")
	}
	if at(".") && digits() == 0 {
		return "", r.unexpected("a digit")
	}
	if at("eE") {
		at("+-")
		if digits() == 0 {
			return "", r.unexpected("a digit")
		}
	}
	return number(r.data[start:r.pos]), nil
}

func (r *jsonReader) literal(word string) error {
	if end := r.pos + len(word); end <= len(r.data) && string(r.data[r.pos:end]) == word {
		r.pos = end
		return nil
	}
	return r.errorf("found %s, expected a value", quote(string(r.data[r.pos:min(len(r.data), r.pos+8)])))
}

// value reads any value: map[string]any, []any, string, number, bool or nil.
func (r *jsonReader) value() (any, error) {
	switch c := r.peek(); c {
	case '{':
		m := map[string]any{}
		return m, r.object(func(key string) (err error) {
			m[key], err = r.value()
			return err
		})
	case '[':
		var list []any
		err := r.array(func(int) error {
			v, err := r.value()
			list = append(list, v)
			return err
		})
		return list, err
	case '"':
		return r.string()
	case 't':
		return true, r.literal("true")
	case 'f':
		return false, r.literal("false")
	case 'n':
		return nil, r.literal("null")
	case 0:
		return nil, r.unexpected("a value")
	default:
		if c == '-' || c >= '0' && c <= '9' {
			return r.number()
		}
		return nil, r.literal("a value")
	}
}

// skip reads any value and drops it.
func (r *jsonReader) skip() error {
	switch r.peek() {
	case '{':
		return r.object(func(string) error { return r.skip() })
	case '[':
		return r.array(func(int) error { return r.skip() })
	default:
		_, err := r.value()
		return err
	}
}
