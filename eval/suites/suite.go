// Package suites knows the public benchmarks of vision-language models: what their owners' files are called and hold, and
// how the answers to their questions are scored. A suite is one value in a file of its own; its arithmetic is in package
// score.
//
// Files are read as published; a file may also lie there compressed, as NAME.gz. Scoring never looks at a model or an
// image: it takes stored answers, of a run or of anyone else. What upstream scorers leave to chance (a random choice for an
// answer that cannot be parsed, the order of a hash table) counts as wrong here and is reported.
package suites

import (
	"encoding/json"
	"fmt"
	"io"
	"math"
	"strconv"
	"strings"
)

// A Suite is a benchmark.
type Suite struct {
	Name    string // as on the command line: "vqav2"
	Title   string
	Licence string
	Size    string // of the download, in words
	Metric  string // what the headline figure is, in words
	Items   int    // questions in the published split, 0 if unknown
	// Files are what to download and where in the data directory it goes.
	Files []File
	// Splits are those of which the directory may hold several; Dir.Split chooses, else the first that is there counts.
	Splits []string
	// Open reads the questions, and the references where the owners publish them.
	Open func(d *Dir) (*Data, error)
	// Scorers are the ways to score, the official one first.
	Scorers []Scorer
	// Submission writes the file that the owners' server takes; nil where there is none.
	Submission *Submission
	// Judged tells that a judge must grade the answers before they can be scored.
	Judged bool
	// Answers tells how records of answer files are read where the usual field names do not do.
	Answers AnswerFormat
}

// A File is something to download.
type File struct {
	// Path is where it goes, slash-separated and relative to the data directory; a folder ends in a slash. The first of
	// several alternatives that exists is used.
	Path         string
	Alternatives []string
	Source       string // where it is to be had
	Note         string
	Optional     bool // scoring does without
}

// Find is the path of the file that is there.
func (f File) Find(d *Dir) (name string, ok bool) {
	for _, name := range append([]string{f.Path}, f.Alternatives...) {
		if d.Exists(name) {
			return name, true
		}
	}
	return "", false
}

// In reports whether every file that scoring needs is in a directory, or the suite as parquet files.
func (s *Suite) In(d *Dir) bool { return s.hasFiles(d) || s.hasHub(d) }

func (s *Suite) hasHub(d *Dir) bool {
	h := hubLayouts[s.Name]
	if h == nil {
		return false
	}
	names, err := h.choose(d)
	return err == nil && len(names) > 0
}

// hasFiles reports whether every file that scoring needs is in a directory.
func (s *Suite) hasFiles(d *Dir) bool {
	for _, f := range s.Files {
		if _, ok := f.Find(d); !ok && !f.Optional {
			return false
		}
	}
	return true
}

// A Submission is the official upload of a suite that is scored by a server.
type Submission struct {
	Name  string // of the file, as the owners' instructions have it
	Write func(w io.Writer, d *Data, a *Answers) (notes []string, err error)
}

// A Scorer is one way to score.
type Scorer struct {
	Name     string // "official", "llava", "lmms-eval", "vlmevalkit"
	Upstream string // the program that it re-implements
	Score    func(d *Data, a *Answers) (*Result, error)
}

// Scorer is the scorer of a name, or the first one for "".
func (s *Suite) Scorer(name string) (Scorer, error) {
	var names []string
	for _, sc := range s.Scorers {
		if name == "" || name == sc.Name {
			return sc, nil
		}
		names = append(names, sc.Name)
	}
	return Scorer{}, fmt.Errorf("suite %s has no scorer %q, expected one of %s", s.Name, name, strings.Join(names, ", "))
}

// Data is what the files of a suite say.
type Data struct {
	Questions []Question // in file order
	Labelled  bool       // whether references are published
	Read      []string   // the files read, relative to the data directory
	Notes     []string   // what a reader of the scores should know about the files
	// Extra is what a suite needs beyond the questions.
	Extra any
}

// A Question is one item of a suite.
type Question struct {
	ID string // unique in the suite
	// Images are names for Dir.Picture: files relative to the data directory, or TABLE#ROW inside a table.
	Images   []string
	Text     string // the question as published, without any harness's suffix
	Group    string // questions of one image share it
	Category string
	// Reference is the suite's own type; nil where the owners keep the labels.
	Reference any
	// Parts are what a prompt shows beside the text; its Question is empty.
	Parts Item
	// Asked is the whole prompt in the question file that LLaVA's authors released; "" where the directory has none.
	Asked string
}

// Item is what prompts are made of.
func (q *Question) Item() Item {
	it := q.Parts
	it.Question = q.Text
	return it
}

// Load reads the questions in a data directory, and the references where the owners publish them: from the owners' files, or from
// the parquet files of the hub.
func (s *Suite) Load(d *Dir) (*Data, error) {
	s.Pictures(d)
	if !s.hasFiles(d) || s.Name == "mmmu" { // whose other files have answers only
		if data, ok, err := openHub(s, d); ok || err != nil {
			return data, err
		}
	}
	return s.Open(d)
}

// A Result is the outcome of scoring one set of answers.
type Result struct {
	Metrics []Metric `json:"metrics"` // the headline figure first
	Samples []Sample `json:"-"`       // in the order of the questions

	Questions  int      `json:"questions"`
	Answered   int      `json:"answered"`
	Missing    int      `json:"missing"`    // questions without an answer
	Duplicates int      `json:"duplicates"` // further answers to a question already answered; the last one counts
	Unknown    int      `json:"unknown"`    // answers to no question
	Unparsed   int      `json:"unparsed"`   // answers that no rule understands
	Notes      []string `json:"notes,omitempty"`

	composites []composite // for AddIntervals
}

// Metric is the metric of a name.
func (r *Result) Metric(name string) (Metric, bool) {
	for _, m := range r.Metrics {
		if m.Name == name {
			return m, true
		}
	}
	return Metric{}, false
}

// A Metric is one figure.
type Metric struct {
	Name  string  // "overall", "yes/no", "perception", ...
	Value float64 // on the scale of the upstream scorer and rounded where it rounds
	N     int     // items that it is over, 0 if that means nothing
	// Unit is "percent", "ratio" (0 to 1), "points" or "count".
	Unit string
	// Digits is the number of decimals that upstream prints; negative is all.
	Digits int
	// Interval is set by Result.AddIntervals; nil where nothing is known.
	Interval *Uncertainty
}

// Units of metrics.
const (
	Percent = "percent"
	Ratio   = "ratio"
	Points  = "points"
	Count   = "count"
)

// Text prints the value as upstream does.
func (m Metric) Text() string {
	if m.Digits < 0 {
		return strconv.FormatFloat(m.Value, 'g', -1, 64)
	}
	return strconv.FormatFloat(m.Value, 'f', m.Digits, 64)
}

// MarshalJSON writes non-finite values as strings, which JSON has no numbers for.
func (m Metric) MarshalJSON() ([]byte, error) {
	var value any = m.Value
	switch {
	case math.IsNaN(m.Value):
		value = "NaN"
	case math.IsInf(m.Value, 1):
		value = "Infinity"
	case math.IsInf(m.Value, -1):
		value = "-Infinity"
	}
	return json.Marshal(struct {
		Name  string `json:"name"`
		Value any    `json:"value"`
		Text  string `json:"text"`
		N     int    `json:"n,omitempty"`
		Unit  string `json:"unit"`
		*Uncertainty
	}{m.Name, value, m.Text(), m.N, m.Unit, m.Interval})
}

// A Sample is the score of one question.
type Sample struct {
	ID       string  `json:"question_id"`
	Group    string  `json:"group,omitempty"`
	Category string  `json:"category,omitempty"`
	Score    float64 `json:"score"`
	Parsed   string  `json:"parsed"`             // the answer as compared
	Answered bool    `json:"answered"`           // false: there was none, which counts as wrong
	Unparsed bool    `json:"unparsed,omitempty"` // no rule understands the answer
}
