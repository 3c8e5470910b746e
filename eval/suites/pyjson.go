package suites

import (
	"fmt"
	"io"
	"strings"
	"unicode/utf16"

	"llavabench/eval/score"
)

// pyQuote is a string as Python's json.dump writes it: everything beyond ASCII escaped.
func pyQuote(s string) string {
	var b strings.Builder
	b.WriteByte('"')
	for _, r := range s {
		switch {
		case r == '"' || r == '\\':
			b.WriteByte('\\')
			b.WriteRune(r)
		case r == '\n':
			b.WriteString(`\n`)
		case r == '\r':
			b.WriteString(`\r`)
		case r == '\t':
			b.WriteString(`\t`)
		case r == '\b':
			b.WriteString(`\b`)
		case r == '\f':
			b.WriteString(`\f`)
		case r >= 0x10000:
			hi, lo := utf16.EncodeRune(r)
			fmt.Fprintf(&b, `\u%04x\u%04x`, hi, lo)
		case r < 0x20 || r >= 0x7f:
			fmt.Fprintf(&b, `\u%04x`, r)
		default:
			b.WriteRune(r)
		}
	}
	b.WriteByte('"')
	return b.String()
}

// A pyRow is one object of an array: names and values that are JSON already.
type pyRow []string

// writePyArray writes an array of flat objects with the bytes of Python's json.dump.
func writePyArray(w io.Writer, rows []pyRow) error {
	var b strings.Builder
	b.WriteByte('[')
	for i, row := range rows {
		if i > 0 {
			b.WriteString(", ")
		}
		b.WriteByte('{')
		for j := 0; j+1 < len(row); j += 2 {
			if j > 0 {
				b.WriteString(", ")
			}
			b.WriteString(pyQuote(row[j]) + ": " + row[j+1])
		}
		b.WriteByte('}')
	}
	b.WriteByte(']')
	_, err := io.WriteString(w, b.String())
	return err
}

// pyID is an identifier as a JSON number if it is one, else as a string.
func pyID(id string) string {
	if len(id) == 0 || len(id) > 18 || len(id) > 1 && id[0] == '0' {
		return pyQuote(id)
	}
	for i := range len(id) {
		if id[i] < '0' || id[i] > '9' {
			return pyQuote(id)
		}
	}
	return id
}

// mean averages by Python's sum, in the order given.
func mean(values []float64) float64 { return score.Mean(values) }
