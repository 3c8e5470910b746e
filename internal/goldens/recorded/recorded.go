// Package recorded keeps what a model gave once, to notice when it gives something else: token ids exactly, and every
// intermediate tensor by its digest and a few of its values. A golden is one JSON file per case; the same bits are promised
// on every instruction set, so one golden holds for all of them, and every one of the machine is tried.
package recorded

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"llavabench/internal/atomicfile"
)

// Kind marks a golden.
const Kind = "llavabench golden"

// SchemaVersion is that of the files. Readers refuse newer ones.
const SchemaVersion = 1

// A Golden is a case with what came of it.
type Golden struct {
	Kind          string `json:"kind"`
	SchemaVersion int    `json:"schema_version"`
	Case          Case   `json:"case"`
	Result        Result `json:"result"`
}

// A Case is one question to one model, asked greedily.
type Case struct {
	// Model is a directory, relative to the golden's own, or a name in the hub cache.
	Model    string   `json:"model"`
	Variant  string   `json:"variant,omitempty"` // "" is what the checkpoint is
	Set      []string `json:"set,omitempty"`     // changes of settings, name=value
	Weights  string   `json:"weights,omitempty"` // "" is as stored
	KV       string   `json:"kv,omitempty"`      // "" is f32
	Numerics string   `json:"numerics,omitempty"`
	Images   []string `json:"images,omitempty"` // files, relative to the golden's directory
	Prompt   string   `json:"prompt,omitempty"`
	InputIDs []int    `json:"input_ids,omitempty"` // instead of a prompt
	// MaxNewTokens is how many tokens are generated at most.
	MaxNewTokens int `json:"max_new_tokens"`
	// Tolerance is how far the kept values may move, absolutely; 0 asks for equal digests.
	Tolerance float64 `json:"tolerance,omitempty"`
	// Values is how many values of each tensor are kept.
	Values int `json:"values"`
}

// A Result is what came out.
type Result struct {
	Files        []File   `json:"files"` // of the checkpoint
	PromptIDs    []int    `json:"prompt_ids"`
	PromptTokens int      `json:"prompt_tokens"`
	ImageTokens  int      `json:"image_tokens"`
	OutputIDs    []int    `json:"output_ids"`
	Text         string   `json:"text"`
	Tensors      []Tensor `json:"tensors"` // in the order in which they are computed
}

// A File is a file of a checkpoint.
type File struct {
	Name   string `json:"name"`
	SHA256 string `json:"sha256"`
}

// A Tensor is a tensor without its data.
type Tensor struct {
	Name   string `json:"name"`
	Shape  []int  `json:"shape"`
	SHA256 string `json:"sha256"` // of the values as little-endian float32
	// Parts are the first digits of the digests of up to 8 ranges of rows (of the last dimension), to tell where it moved.
	Parts []string `json:"parts"`
	// Values are evenly spread over the tensor, the first and the last one included, and Largest is the largest magnitude.
	Values  []float32 `json:"values"`
	Largest float32   `json:"largest"`
}

// Limits of a golden's file and of what it asks for.
const (
	maxFile   = 64 << 20
	maxValues = 1 << 16
)

// Read reads a golden.
func Read(path string) (Golden, error) {
	var g Golden
	f, err := os.Open(path)
	if err != nil {
		return g, err
	}
	defer f.Close()
	raw, err := io.ReadAll(io.LimitReader(f, maxFile+1))
	if err != nil {
		return g, err
	}
	g, err = Parse(raw)
	if err != nil {
		return g, fmt.Errorf("%s: %w", path, err)
	}
	return g, nil
}

// Parse reads a golden from JSON. A field that is not understood is an error.
func Parse(raw []byte) (Golden, error) {
	var g Golden
	if len(raw) > maxFile {
		return g, fmt.Errorf("longer than %d bytes", maxFile)
	}
	d := json.NewDecoder(bytes.NewReader(raw))
	d.DisallowUnknownFields()
	if err := d.Decode(&g); err != nil {
		return g, err
	}
	if _, err := d.Token(); err != io.EOF {
		return g, errors.New("something follows the golden")
	}
	if g.Kind != Kind {
		return g, fmt.Errorf("kind is %q, expected %q", g.Kind, Kind)
	}
	if g.SchemaVersion < 1 || g.SchemaVersion > SchemaVersion {
		return g, fmt.Errorf("schema_version is %d, this program reads 1 to %d", g.SchemaVersion, SchemaVersion)
	}
	for _, t := range g.Result.Tensors {
		n := 1
		for _, d := range t.Shape {
			if d < 1 || n > 1<<40/d {
				return g, fmt.Errorf("tensor %q has the shape %v", t.Name, t.Shape)
			}
			n *= d
		}
		if want := len(spread(n, g.Case.Values)); len(t.Shape) == 0 || len(t.Values) != want {
			return g, fmt.Errorf("tensor %q has %d values, expected %d", t.Name, len(t.Values), want)
		}
	}
	return g, g.Case.check()
}

func (c Case) check() error {
	switch {
	case c.Model == "":
		return errors.New("model is empty")
	case c.MaxNewTokens < 0:
		return fmt.Errorf("max_new_tokens is %d, expected 0 or more", c.MaxNewTokens)
	case c.Values < 1 || c.Values > maxValues:
		return fmt.Errorf("values is %d, expected 1 to %d", c.Values, maxValues)
	case !(c.Tolerance >= 0):
		return fmt.Errorf("tolerance is %v, expected 0 or more", c.Tolerance)
	case (c.Prompt == "") == (len(c.InputIDs) == 0):
		return errors.New("expected either a prompt or input_ids")
	}
	return nil
}

// Write writes a golden as DIR/NAME.json.
func Write(path string, g Golden) error {
	g.Kind, g.SchemaVersion = Kind, SchemaVersion
	raw, err := layout(g)
	if err != nil {
		return err
	}
	return atomicfile.Write(path, func(w io.Writer) error {
		_, err := w.Write(raw)
		return err
	})
}

// idList is a list of numbers as MarshalIndent lays it out, one on a line.
var idList = regexp.MustCompile(`\[\s+-?\d+(,\s+-?\d+)*\s+\]`)

// layout is the JSON of a golden with one line per tensor and per list of ids, so that a version control system shows which ones moved.
func layout(g Golden) ([]byte, error) {
	tensors := g.Result.Tensors
	g.Result.Tensors = nil
	raw, err := json.MarshalIndent(g, "", "  ")
	if err != nil {
		return nil, err
	}
	var lines []string
	for _, t := range tensors {
		line, err := json.Marshal(t)
		if err != nil {
			return nil, fmt.Errorf("tensor %s: %w", t.Name, err)
		}
		lines = append(lines, "\n      "+string(line))
	}
	raw = idList.ReplaceAllFunc(raw, func(list []byte) []byte { return bytes.Join(bytes.Fields(list), []byte(" ")) })
	return bytes.Replace(append(raw, '\n'), []byte(`"tensors": null`), []byte(`"tensors": [`+strings.Join(lines, ",")+"\n    ]"), 1), nil
}

// Names lists the goldens of a directory; it is empty for a directory of another kind. Once there is a golden, anything
// else in it is an error, which comes with the names.
func Names(dir string) ([]string, error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, err
	}
	var names, others []string
	for _, e := range entries {
		name, ok := strings.CutSuffix(e.Name(), ".json")
		if ok && e.Type().IsRegular() && marked(filepath.Join(dir, e.Name())) {
			names = append(names, name)
		} else {
			others = append(others, e.Name())
		}
	}
	if len(names) > 0 && len(others) > 0 {
		err = fmt.Errorf("%s: %q is no golden of this program", dir, others[0])
	}
	slices.Sort(names)
	return names, err
}

// marked tells whether a file says of itself that it is a golden, sound or not.
func marked(path string) bool {
	f, err := os.Open(path)
	if err != nil {
		return false
	}
	defer f.Close()
	start := make([]byte, 256)
	n, _ := io.ReadFull(f, start) // a shorter file is as good
	return bytes.Contains(start[:n], []byte(`"kind": "`+Kind+`"`))
}
