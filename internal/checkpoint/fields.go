package checkpoint

import (
	"bytes"
	"fmt"
	"math"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

// maxConfigBytes bounds config.json and its companions; real ones have a few kilobytes.
const maxConfigBytes = 1 << 20

// fields reads values out of a JSON object with checks. The first error is kept, and after it every method returns its
// default, so that a reader is a list of fields.
type fields struct {
	file string // for messages
	path string // prefix of the keys in messages, such as "text_config."
	m    map[string]any
	s    *state
}

// A state is shared by the objects of one file.
type state struct {
	err   error
	notes []string
}

// readObject reads a JSON file that holds an object. A UTF-8 byte order mark is accepted; UTF-16 is not.
func readObject(dir, name string) (*fields, []byte, error) {
	path, err := member(dir, name)
	if err != nil {
		return nil, nil, err
	}
	data, err := readSmall(path, maxConfigBytes)
	if err != nil {
		return nil, nil, err
	}
	f, data, err := parseObject(path, data)
	return f, data, err
}

// parseObject is readObject for bytes in memory; the bytes come back without the byte order mark.
func parseObject(path string, data []byte) (*fields, []byte, error) {
	data = bytes.TrimPrefix(data, []byte("\xef\xbb\xbf"))
	if bytes.HasPrefix(data, []byte("\xff\xfe")) || bytes.HasPrefix(data, []byte("\xfe\xff")) {
		return nil, nil, errf(ErrFormat, "%s is UTF-16, expected UTF-8", path)
	}
	r := &jsonReader{data: data}
	if r.peek() != '{' {
		return nil, nil, sniffed(errf(ErrFormat, "%s: expected a JSON object", path), data)
	}
	v, err := r.value()
	if err == nil {
		err = r.end()
	}
	if err != nil {
		return nil, nil, fmt.Errorf("%s: %w", path, err)
	}
	return &fields{file: path, m: v.(map[string]any), s: &state{}}, data, nil
}

func (f *fields) fail(class error, key, format string, args ...any) {
	if f.s.err == nil {
		f.s.err = errf(class, "%s: %s%s "+format, append([]any{f.file, f.path, key}, args...)...)
	}
}

func (f *fields) note(format string, args ...any) {
	f.s.notes = append(f.s.notes, fmt.Sprintf(format, args...))
}

// where names the object in a note: "config.json" or "config.json: text_config".
func (f *fields) where() string {
	return strings.TrimRight(filepath.Base(f.file)+": "+strings.TrimSuffix(f.path, "."), ": ")
}

// has reports whether the key is there with a value other than null.
func (f *fields) has(key string) bool { return f.m[key] != nil }

// written reports whether the key is there, be it null.
func (f *fields) written(key string) bool {
	_, ok := f.m[key]
	return ok
}

func (f *fields) describe(v any) string {
	switch v := v.(type) {
	case number:
		return quote(string(v))
	case string:
		return "the string " + quote(v)
	case bool:
		return fmt.Sprint(v)
	case []any:
		return fmt.Sprintf("a list of %d", len(v))
	case map[string]any:
		return "an object"
	}
	return "null"
}

// int reads an integer from lo to hi; def where the key is absent or null.
func (f *fields) int(key string, def, lo, hi int) int {
	v := f.m[key]
	if v == nil {
		return def
	}
	return f.asInt(key, v, def, lo, hi)
}

func (f *fields) asInt(key string, v any, def, lo, hi int) int {
	n, ok := v.(number)
	if !ok {
		f.fail(ErrFormat, key, "is %s, expected an integer from %d to %d", f.describe(v), lo, hi)
		return def
	}
	i, err := strconv.ParseInt(string(n), 10, 64)
	if err != nil || i < int64(lo) || i > int64(hi) {
		f.fail(ErrFormat, key, "is %s, expected an integer from %d to %d", quote(string(n)), lo, hi)
		return def
	}
	return int(i)
}

// float reads a finite number from lo to hi; def where the key is absent or null.
func (f *fields) float(key string, def, lo, hi float64) float64 {
	v := f.m[key]
	if v == nil {
		return def
	}
	return f.asFloat(key, v, def, lo, hi)
}

func (f *fields) asFloat(key string, v any, def, lo, hi float64) float64 {
	n, ok := v.(number)
	if !ok {
		f.fail(ErrFormat, key, "is %s, expected a number from %g to %g", f.describe(v), lo, hi)
		return def
	}
	x, err := strconv.ParseFloat(string(n), 64)
	if err != nil || !(x >= lo && x <= hi) || math.IsInf(x, 0) {
		f.fail(ErrFormat, key, "is %s, expected a number from %g to %g", quote(string(n)), lo, hi)
		return def
	}
	return x
}

func (f *fields) bool(key string, def bool) bool {
	switch v := f.m[key].(type) {
	case nil:
		return def
	case bool:
		return v
	default:
		f.fail(ErrFormat, key, "is %s, expected true or false", f.describe(v))
		return def
	}
}

func (f *fields) string(key, def string) string {
	switch v := f.m[key].(type) {
	case nil:
		return def
	case string:
		return v
	default:
		f.fail(ErrFormat, key, "is %s, expected a string", f.describe(v))
		return def
	}
}

// oneOf reads a string out of a set.
func (f *fields) oneOf(key, def string, known ...string) string {
	s := f.string(key, def)
	if !slices.Contains(known, s) {
		f.fail(ErrUnsupported, key, "is %s, expected one of %s", quote(s), strings.Join(known, ", "))
	}
	return s
}

func (f *fields) strings(key string) []string {
	v := f.m[key]
	if v == nil {
		return nil
	}
	list, ok := v.([]any)
	if !ok {
		f.fail(ErrFormat, key, "is %s, expected a list of strings", f.describe(v))
	}
	var out []string
	for _, e := range list {
		s, ok := e.(string)
		if !ok {
			f.fail(ErrFormat, key, "holds %s, expected strings", f.describe(e))
		}
		out = append(out, s)
	}
	return out
}

// object gives the object under a key; an empty one where the key is absent or null.
func (f *fields) object(key string) *fields {
	sub := &fields{file: f.file, path: f.path + key + ".", s: f.s}
	switch v := f.m[key].(type) {
	case nil:
	case map[string]any:
		sub.m = v
	default:
		f.fail(ErrFormat, key, "is %s, expected an object", f.describe(v))
	}
	return sub
}

// ids reads token ids: one, a list, or null. Negative ids, which some files use for "none", are left out.
func (f *fields) ids(key string) []int {
	var out []int
	add := func(v any) {
		if id := f.asInt(key, v, -1, -1, maxVocab); id >= 0 {
			out = append(out, id)
		}
	}
	switch v := f.m[key].(type) {
	case nil:
	case []any:
		for _, e := range v[:min(len(v), 1000)] {
			add(e)
		}
	default:
		add(v)
	}
	return out
}
