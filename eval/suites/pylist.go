package suites

import (
	"fmt"
	"strconv"
	"strings"
)

// readPyList reads a list of strings as Python writes it, such as ['a', "it's"].
func readPyList(text string) ([]string, error) {
	rest := strings.TrimSpace(text)
	if !strings.HasPrefix(rest, "[") || !strings.HasSuffix(rest, "]") {
		return nil, fmt.Errorf("expected a list of strings as Python writes it, found %.80q", text)
	}
	rest = strings.TrimSpace(rest[1 : len(rest)-1])
	var list []string
	for rest != "" {
		quote := rest[0]
		if quote != '\'' && quote != '"' {
			return nil, fmt.Errorf("expected a quoted string, found %.40q", rest)
		}
		var b strings.Builder
		i := 1
		for i < len(rest) && rest[i] != quote {
			if rest[i] != '\\' {
				b.WriteByte(rest[i])
				i++
				continue
			}
			r, _, tail, err := strconv.UnquoteChar(rest[i:], quote)
			switch {
			case err != nil && i+1 < len(rest) && (rest[i+1] == '\'' || rest[i+1] == '"'): // Go knows only the quote around
				b.WriteByte(rest[i+1])
				i += 2
				continue
			case err != nil: // Python keeps a backslash that escapes nothing
				b.WriteByte('\\')
				i++
				continue
			}
			b.WriteRune(r) // \xe9 is a code point in a Python string
			i = len(rest) - len(tail)
		}
		if i >= len(rest) {
			return nil, fmt.Errorf("a quoted string does not end in %.80q", text)
		}
		list = append(list, b.String())
		rest = strings.TrimSpace(rest[i+1:])
		if rest == "" {
			break
		}
		if rest[0] != ',' {
			return nil, fmt.Errorf("expected a comma, found %.40q", rest)
		}
		rest = strings.TrimSpace(rest[1:])
	}
	return list, nil
}
