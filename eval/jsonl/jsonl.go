// Package jsonl reads a user's own questions, and the question files that LLaVA's evaluation uses for every benchmark: JSON
// lines with
//
//	question_id   a number or a string, unique in the file
//	image         a file below the image directory; absent for a question of text alone
//	text          the whole user turn as it is asked; <image> marks in it are removed, the picture comes first
//	answer        optional: the right answer, compared without regard to case and a final period
//	category      optional: a group in the summary
//	options       optional: the answers to choose from, a list of 2 to 26 texts, for answers that are chosen by likelihood. Where
//	              the answer is one of the texts, they have no letters, and an answer is the text. Else they are lettered A, B, …
//	              in their order, as the prompt in text shows them, and an answer is the letter
//
// Other fields are ignored. Blank lines are skipped.
package jsonl

import (
	"bufio"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"llavabench/eval"
	"llavabench/internal/imaging"
	"llavabench/internal/rundir"
)

// Limits on a question file.
const (
	maxLine  = 16 << 20
	maxItems = 10_000_000
)

// A line is one question as written.
type line struct {
	ID       json.RawMessage `json:"question_id"`
	Image    string          `json:"image"`
	Text     *string         `json:"text"`
	Answer   string          `json:"answer"`
	Category string          `json:"category"`
	Options  []string        `json:"options"`
}

// maxOptions is how many options have a letter.
const maxOptions = 26

// options are the answers to choose from.
func (l line) options() ([]eval.Option, error) {
	if n := len(l.Options); n == 0 {
		return nil, nil
	} else if n == 1 || n > maxOptions {
		return nil, fmt.Errorf("%d options, expected 2 to %d", n, maxOptions)
	}
	plain := slices.Contains(l.Options, l.Answer)
	var out []eval.Option
	letters := ""
	for i, text := range l.Options {
		letter := string(rune('A' + i))
		letters += letter
		o := eval.Option{Letter: letter, Text: text, Answer: letter}
		if plain {
			o = eval.Option{Text: text, Answer: text}
		}
		out = append(out, o)
	}
	if !plain && l.Answer != "" && !(len(l.Answer) == 1 && strings.Contains(letters, l.Answer)) {
		return nil, fmt.Errorf("the answer %q is neither one of the %d options nor the letter of one", l.Answer, len(out))
	}
	return out, nil
}

// Suite reads the questions of a file; images are opened below imageDir, and nowhere else. limit, if not 0, takes the first
// questions only. The suite's version is the file's digest.
func Suite(file, imageDir string, limit int) (eval.Suite, error) {
	questions, digest, err := read(file, imageDir, limit)
	if err != nil {
		return eval.Suite{}, err
	}
	return eval.Suite{
		Info:     rundir.Suite{Name: filepath.Base(file), Version: digest, Items: len(questions)},
		Scorer:   "exact match, case and final period ignored",
		Pictures: imageDir,
		Here:     func(q eval.Question) bool { return isFile(filepath.Join(imageDir, filepath.FromSlash(q.File))) },
		Score:    eval.ScoreExact,
		Questions: func(yield func(eval.Question, error) bool) {
			for _, q := range questions {
				if !yield(q, nil) {
					return
				}
			}
		},
	}, nil
}

func read(file, imageDir string, limit int) ([]eval.Question, string, error) {
	info, err := os.Stat(file)
	if err != nil {
		return nil, "", err
	}
	if !info.Mode().IsRegular() { // opening a pipe would wait for its other end
		return nil, "", fmt.Errorf("%s: expected a file of JSON lines", file)
	}
	f, err := os.Open(file)
	if err != nil {
		return nil, "", err
	}
	defer f.Close()
	hash := sha256.New()
	sc := bufio.NewScanner(io.TeeReader(f, hash))
	sc.Buffer(make([]byte, 1<<16), maxLine)
	var out []eval.Question
	seen := map[string]int{}
	for n := 1; sc.Scan(); n++ {
		text := strings.TrimSpace(strings.TrimPrefix(sc.Text(), "\ufeff"))
		if text == "" || limit > 0 && len(out) == limit {
			continue
		}
		q, err := parse(text, imageDir)
		if err != nil {
			return nil, "", fmt.Errorf("%s: line %d: %w", file, n, err)
		}
		if first, ok := seen[q.ID]; ok {
			return nil, "", fmt.Errorf("%s: line %d: question_id %q is that of line %d", file, n, q.ID, first)
		}
		seen[q.ID] = n
		if out = append(out, q); len(out) > maxItems {
			return nil, "", fmt.Errorf("%s has more than %d questions", file, maxItems)
		}
	}
	if err := sc.Err(); err != nil {
		if errors.Is(err, bufio.ErrTooLong) {
			err = fmt.Errorf("a line is longer than %d bytes", maxLine)
		}
		return nil, "", fmt.Errorf("%s: %w", file, err)
	}
	if len(out) == 0 {
		return nil, "", fmt.Errorf("%s holds no questions", file)
	}
	return out, hex.EncodeToString(hash.Sum(nil)), nil
}

func parse(text, imageDir string) (eval.Question, error) {
	var l line
	if err := json.Unmarshal([]byte(text), &l); err != nil {
		return eval.Question{}, err
	}
	id, err := idOf(l.ID)
	if err != nil {
		return eval.Question{}, err
	}
	if l.Text == nil {
		return eval.Question{}, fmt.Errorf("question %q has no text", id)
	}
	q := eval.Question{ID: id, Category: l.Category, Reference: l.Answer, Text: strings.TrimSpace(strings.ReplaceAll(*l.Text, "<image>", ""))}
	if q.Options, err = l.options(); err != nil {
		return eval.Question{}, fmt.Errorf("question %q: %w", id, err)
	}
	if l.Image == "" {
		return q, nil
	}
	if !filepath.IsLocal(filepath.FromSlash(l.Image)) || strings.ContainsAny(l.Image, "\\\x00") {
		return eval.Question{}, fmt.Errorf("question %q: image %q leads out of the image directory", id, l.Image)
	}
	q.File = l.Image
	q.Image = func() (*imaging.RGB, error) { return OpenImage(imageDir, l.Image) }
	return q, nil
}

func idOf(raw json.RawMessage) (string, error) {
	var text string
	if json.Unmarshal(raw, &text) == nil && text != "" {
		return text, nil
	}
	var number json.Number
	if len(raw) > 0 && json.Unmarshal(raw, &number) == nil && number != "" {
		return number.String(), nil
	}
	return "", fmt.Errorf("question_id is %s, expected a number or a text", raw)
}

func isFile(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.Mode().IsRegular()
}

// OpenImage decodes a picture below dir; a symbolic link that leaves dir is refused.
func OpenImage(dir, name string) (*imaging.RGB, error) {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil, err
	}
	defer root.Close()
	info, err := root.Stat(filepath.FromSlash(name))
	if err != nil {
		return nil, err
	}
	limit := imaging.DefaultLimits().Bytes
	if !info.Mode().IsRegular() || info.Size() > int64(limit) { // opening a pipe would wait for its other end
		return nil, fmt.Errorf("%q: expected a picture file of at most %d bytes", name, limit)
	}
	f, err := root.Open(filepath.FromSlash(name))
	if err != nil {
		return nil, err
	}
	defer f.Close()
	data, err := io.ReadAll(f)
	if err != nil {
		return nil, err
	}
	img, _, err := imaging.Decode(data, imaging.DecodeOptions{})
	if err != nil {
		return nil, fmt.Errorf("%q: %w", name, err)
	}
	return img, nil
}
