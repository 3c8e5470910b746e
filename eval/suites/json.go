package suites

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
)

// decodeJSON reads one JSON value that fills a file; errors name the line.
func decodeJSON(file string, raw []byte, v any) error {
	err := json.Unmarshal(raw, v)
	if err == nil {
		return nil
	}
	var syntax *json.SyntaxError
	var kind *json.UnmarshalTypeError
	offset := int64(0)
	switch {
	case errors.As(err, &syntax):
		offset = syntax.Offset
	case errors.As(err, &kind):
		offset = kind.Offset
	}
	offset = min(offset, int64(len(raw)))
	return fmt.Errorf("%s: line %d: %w", file, 1+bytes.Count(raw[:offset], []byte{'\n'}), err)
}

// An ID is an identifier that files write as a JSON number or as a string.
type ID string

// UnmarshalJSON accepts a string or an integer.
func (id *ID) UnmarshalJSON(raw []byte) error {
	s, ok := scalar(raw)
	if !ok {
		return fmt.Errorf("expected a string or a number as id, found %.40q", raw)
	}
	*id = ID(s)
	return nil
}

// scalar is the text of a JSON string or the literal of a number.
func scalar(raw json.RawMessage) (string, bool) {
	if len(raw) == 0 {
		return "", false
	}
	switch c := raw[0]; {
	case c == '"':
		var s string
		err := json.Unmarshal(raw, &s)
		return s, err == nil
	case c == '-' || c >= '0' && c <= '9':
		return string(raw), true
	}
	return "", false
}

// objectInOrder visits the members of a JSON object in the order of the text.
func objectInOrder(raw []byte, visit func(key string, value json.RawMessage) error) error {
	d := json.NewDecoder(bytes.NewReader(raw))
	t, err := d.Token()
	if err != nil {
		return err
	}
	if t != json.Delim('{') {
		return fmt.Errorf("expected an object, found %v", t)
	}
	for d.More() {
		key, err := d.Token()
		if err != nil {
			return err
		}
		var value json.RawMessage
		if err := d.Decode(&value); err != nil {
			return err
		}
		if err := visit(key.(string), value); err != nil { // the keys of an object are strings
			return err
		}
	}
	_, err = d.Token()
	return err
}
