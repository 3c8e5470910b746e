package suites

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"path/filepath"
	"strings"
)

// An Answer is one stored answer.
type Answer struct {
	ID     string
	Text   string
	Prompt string // what was asked, where the file says so
	Line   int    // in the file, from 1; the position in files that are not line by line
	// Record is all that the file has about the answer.
	Record Record
}

// Answers is a file of answers in its own order.
type Answers struct {
	File   string
	Format Format
	List   []Answer
	// Truncated tells that the file ends within a line, which is left out: a writer was killed.
	Truncated bool
	// Undecodable counts further lines left out, in suites whose upstream scorer leaves them out.
	Undecodable int
}

// A Format is a layout of answer files.
type Format string

// The layouts.
const (
	LLaVALines  Format = "llava"      // JSON lines with question_id and text
	LMMSSamples Format = "lmms-eval"  // JSON lines with doc_id, doc and filtered_resps
	Table       Format = "table"      // VLMEvalKit: TSV, CSV or XLSX with a header row
	Array       Format = "json array" // official results: an array of objects
	Object      Format = "json object"
)

// A Record is what a file has about one answer.
type Record struct {
	Format Format
	Key    string // in an Object, the key of the record
	// Fields are the record's own values. Those of a table are JSON strings.
	Fields map[string]json.RawMessage
	// Doc is the document that an lmms-eval log repeats.
	Doc map[string]json.RawMessage
}

// Text is the first of the named fields that is a string or number, of the record or of its document.
func (r *Record) Text(names ...string) (string, bool) {
	for _, name := range names {
		for _, fields := range []map[string]json.RawMessage{r.Fields, r.Doc} {
			if s, ok := scalar(fields[name]); ok {
				return s, true
			}
		}
	}
	return "", false
}

// An AnswerFormat tells how a suite's answer files are read.
type AnswerFormat struct {
	// ID gives the identifier of a record; nil is idFields, then the key of an Object.
	ID func(r *Record) (string, bool)
	// Write gives the id of a question in LLaVA's answer files; nil is its own.
	Write func(q *Question) string
	// Text gives the answer of a record that holds it in an unusual form; ok is false for the usual ones.
	Text func(r *Record) (text string, ok bool)
	// Texts are the fields that hold the answer, tried before textFields.
	Texts []string
	// Partial passes over records without an answer: the file repeats every question.
	Partial bool
	// Read reads answers that are no file of records, such as a folder; ok is false for what is one.
	Read func(file string) (a *Answers, ok bool, err error)
	// Lenient passes over lines that are no JSON, as the suite's upstream converter does.
	Lenient bool
}

var (
	idFields   = []string{"question_id", "questionId", "id", "pid", "index"}
	textFields = []string{"text", "prediction", "predict", "answer", "response"}
)

// ReadAnswers reads a file of answers in any of the layouts; the file itself tells which. It may be compressed by gzip.
func (s *Suite) ReadAnswers(file string) (*Answers, error) {
	if s.Answers.Read != nil {
		if a, ok, err := s.Answers.Read(file); ok || err != nil {
			return a, err
		}
	}
	raw, err := readPlain(file)
	if err != nil {
		return nil, err
	}
	a := &Answers{File: file}
	err = s.readAnswers(a, raw)
	if err == nil && len(a.List) == 0 && !a.Truncated {
		err = fmt.Errorf("%s holds no answers", file)
	}
	if err != nil {
		return nil, err
	}
	return a, nil
}

func (s *Suite) readAnswers(a *Answers, raw []byte) error {
	raw = bytes.TrimPrefix(raw, []byte("\xef\xbb\xbf")) // some editors put a mark of the encoding first
	body := bytes.TrimLeft(raw, " \t\r\n")
	switch {
	case len(body) == 0:
		a.Format = LLaVALines
		return nil
	case bytes.HasPrefix(body, []byte("PK\x03\x04")):
		rows, err := readXLSX(body)
		if err != nil {
			return fmt.Errorf("%s: %w", a.File, err)
		}
		return s.tableAnswers(a, rows)
	case body[0] == '[':
		return s.arrayAnswers(a, body)
	case body[0] == '{' && !isLines(body):
		return s.objectAnswers(a, body)
	case body[0] == '{':
		return s.lineAnswers(a, raw)
	}
	comma := ','
	if header, _, _ := bytes.Cut(body, []byte{'\n'}); bytes.IndexByte(header, '\t') >= 0 || strings.HasSuffix(a.File, ".tsv") {
		comma = '\t'
	}
	if i := bytes.IndexByte(body, 0); i >= 0 {
		return fmt.Errorf("%s: byte %d is NUL: neither JSON nor a table of text", a.File, i)
	}
	rows, err := readDelimited(body, comma)
	if err != nil {
		return fmt.Errorf("%s: %w", a.File, err)
	}
	return s.tableAnswers(a, rows)
}

// isLines tells JSON lines from one JSON object: the first line is an object that names its question.
func isLines(body []byte) bool {
	line, rest, _ := bytes.Cut(body, []byte{'\n'})
	var fields map[string]json.RawMessage
	if json.Unmarshal(line, &fields) != nil {
		return false
	}
	if len(bytes.TrimSpace(rest)) > 0 {
		return true
	}
	for _, name := range append([]string{"doc_id"}, idFields...) {
		if _, ok := scalar(fields[name]); ok {
			return true
		}
	}
	return false
}

func (s *Suite) lineAnswers(a *Answers, raw []byte) error {
	lines := splitLines(raw)
	for i, line := range lines {
		if len(bytes.TrimSpace(line)) == 0 {
			continue
		}
		r := Record{Format: LLaVALines}
		if err := json.Unmarshal(line, &r.Fields); err != nil {
			switch {
			case i == len(lines)-1 && !json.Valid(line):
				a.Truncated = true
			case s.Answers.Lenient && !json.Valid(line):
				a.Undecodable++
			default:
				return fmt.Errorf("%s: line %d: %w", a.File, i+1, err)
			}
			continue
		}
		if _, ok := r.Fields["doc_id"]; ok {
			r.Format = LMMSSamples
			if doc, ok := r.Fields["doc"]; ok {
				if err := json.Unmarshal(doc, &r.Doc); err != nil {
					return fmt.Errorf("%s: line %d: doc: %w", a.File, i+1, err)
				}
			}
		}
		if err := s.add(a, r, i+1); err != nil {
			return err
		}
	}
	return nil
}

func (s *Suite) arrayAnswers(a *Answers, raw []byte) error {
	var list []map[string]json.RawMessage
	if err := decodeJSON(a.File, raw, &list); err != nil {
		return err
	}
	for i, fields := range list {
		if err := s.add(a, Record{Format: Array, Fields: fields}, i+1); err != nil {
			return err
		}
	}
	return nil
}

// objectAnswers reads an object from id to text or to a record, in the order of the file.
func (s *Suite) objectAnswers(a *Answers, raw []byte) error {
	if err := decodeJSON(a.File, raw, &map[string]json.RawMessage{}); err != nil {
		return err
	}
	n := 0
	return objectInOrder(raw, func(key string, value json.RawMessage) error {
		n++
		r := Record{Format: Object, Key: key, Fields: map[string]json.RawMessage{"text": value}}
		if value[0] == '{' {
			r.Fields = nil
			if err := json.Unmarshal(value, &r.Fields); err != nil {
				return fmt.Errorf("%s: key %q: %w", a.File, key, err)
			}
		}
		return s.add(a, r, n)
	})
}

func (s *Suite) tableAnswers(a *Answers, rows [][]string) error {
	a.Format = Table
	if len(rows) == 0 {
		return fmt.Errorf("%s: the table has no header row", a.File)
	}
	for i, row := range rows[1:] {
		fields := map[string]json.RawMessage{}
		for c, name := range rows[0] {
			if c < len(row) && name != "" {
				cell, err := json.Marshal(row[c])
				if err != nil {
					return fmt.Errorf("%s: row %d: column %q: %w", a.File, i+2, name, err)
				}
				fields[name] = cell
			}
		}
		if err := s.add(a, Record{Format: Table, Fields: fields}, i+2); err != nil {
			return err
		}
	}
	return nil
}

func (s *Suite) add(a *Answers, r Record, line int) error {
	if len(a.List) == 0 {
		a.Format = r.Format
	}
	answer := Answer{Line: line, Record: r}
	var ok bool
	if s.Answers.ID != nil {
		answer.ID, ok = s.Answers.ID(&r)
	}
	if !ok {
		answer.ID, ok = r.Text(idFields...)
	}
	if !ok && r.Format == Object {
		answer.ID, ok = r.Key, true
	}
	if !ok {
		return fmt.Errorf("%s: line %d: the answer does not say which question it belongs to (no %s)", filepath.Base(a.File), line, strings.Join(idFields, ", "))
	}
	var err error
	if answer.Text, err = s.answerText(&r); errors.Is(err, errNoText) && s.Answers.Partial {
		return nil
	}
	if err != nil {
		return fmt.Errorf("%s: line %d: %w", filepath.Base(a.File), line, err)
	}
	if prompt, ok := scalar(r.Fields["prompt"]); ok {
		answer.Prompt = prompt
	}
	a.List = append(a.List, answer)
	return nil
}

var errNoText = errors.New("the record has no answer (no " + strings.Join(textFields, ", ") + ")")

func (s *Suite) answerText(r *Record) (string, error) {
	if s.Answers.Text != nil {
		if text, ok := s.Answers.Text(r); ok {
			return text, nil
		}
	}
	if r.Format == LMMSSamples {
		return lmmsText(r)
	}
	names := append(append([]string{}, s.Answers.Texts...), textFields...)
	if r.Format == Table { // its column answer is the reference
		names = append([]string{"prediction"}, s.Answers.Texts...)
	}
	for _, name := range names {
		raw, ok := r.Fields[name]
		if !ok {
			continue
		}
		if bytes.Equal(raw, []byte("null")) {
			return "", nil
		}
		text, ok := scalar(raw)
		if !ok {
			return "", fmt.Errorf("%s: expected a string, found %.40q", name, raw)
		}
		return text, nil
	}
	return "", errNoText
}

// lmmsText is the answer in a sample log: filtered_resps is a list of strings, resps a list of such lists.
func lmmsText(r *Record) (string, error) {
	for _, name := range []string{"filtered_resps", "resps"} {
		raw := r.Fields[name]
		for len(raw) > 0 && raw[0] == '[' {
			var list []json.RawMessage
			if err := json.Unmarshal(raw, &list); err != nil {
				return "", fmt.Errorf("%s: %w", name, err)
			}
			if len(list) == 0 {
				raw = nil
				break
			}
			raw = list[0]
		}
		if text, ok := scalar(raw); ok {
			return text, nil
		}
	}
	return "", errors.New("the sample has neither filtered_resps nor resps")
}
