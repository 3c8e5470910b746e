// Package compare holds two runs over the same questions against each other: first what was changed, then what came of it.
// It reads run directories and runs no model.
package compare

import (
	"fmt"
	"slices"
	"strings"

	"llavabench/internal/rundir"
	"llavabench/internal/stats"
)

// A Comparison is everything that two runs differ in.
type Comparison struct {
	Base Side `json:"base"`
	New  Side `json:"new"`
	// Changes are what was done differently, the causes: what identifies a result first, then code and machine.
	Changes []Change `json:"changes"`
	// SameResults tells that nothing changed which may change an answer: the outputs should be equal, bit for bit.
	SameResults bool     `json:"same_results"`
	Samples     int      `json:"samples"` // questions that both runs answer
	BaseOnly    []string `json:"base_only"`
	NewOnly     []string `json:"new_only"`
	// Accuracy is that of all questions, then of each category; empty without right answers.
	Accuracy []Accuracy `json:"accuracy"`
	Tokens   []Tokens   `json:"tokens"`
	Outputs  []Output   `json:"outputs"` // by kind, all of them
	Latency  Latency    `json:"latency"`
}

// A Side is one of the runs.
type Side struct {
	Run     string `json:"run"` // directory
	Model   string `json:"model"`
	Variant string `json:"variant"`
	DType   string `json:"dtype"`
	Suite   string `json:"suite"`
	Samples int    `json:"samples"`
	Whole   bool   `json:"whole"` // whether the run came to its end
}

// The kinds of changes.
const (
	Questions = "questions"
	Weights   = "weights"
	Settings  = "settings"
	Place     = "place"
	Code      = "code"
	Machine   = "machine"
)

// Kinds lists the kinds of changes.
var Kinds = []string{Questions, Weights, Settings, Place, Code, Machine}

// A Change is one value that is not the same in the manifests.
type Change struct {
	Kind string `json:"kind"`
	rundir.Difference
}

// Accuracy compares the scores of a category.
type Accuracy struct {
	Category string `json:"category"` // "all" for all questions
	stats.Paired
	// Holm is P corrected for the number of categories; of "all" it is P.
	Holm float64 `json:"p_holm"`
}

// All names the comparison over all questions.
const All = "all"

// Tokens are the sums of a count over the samples of both runs.
type Tokens struct {
	Kind string `json:"kind"`
	Base int    `json:"base"`
	New  int    `json:"new"`
}

// Runs compares two run directories.
func Runs(base, new string) (*Comparison, error) {
	a, err := rundir.ReadManifest(base)
	if err != nil {
		return nil, err
	}
	b, err := rundir.ReadManifest(new)
	if err != nil {
		return nil, err
	}
	pairs, err := rundir.ReadPairs(base, new)
	if err != nil {
		return nil, err
	}
	timesA, err := rundir.ReadTimings(base)
	if err != nil {
		return nil, err
	}
	timesB, err := rundir.ReadTimings(new)
	if err != nil {
		return nil, err
	}
	c := &Comparison{
		Base: side(base, a, len(pairs.Base)+len(pairs.BaseOnly)), New: side(new, b, len(pairs.New)+len(pairs.NewOnly)),
		Changes: []Change{}, Samples: len(pairs.Base), BaseOnly: list(pairs.BaseOnly), NewOnly: list(pairs.NewOnly),
		Accuracy: accuracies(pairs), Tokens: tokens(pairs), Outputs: outputs(pairs), Latency: latency(a, b, pairs, timesA, timesB),
	}
	results := rundir.Results(a, b)
	c.SameResults = len(results) == 0
	for _, d := range append(results, rundir.Circumstances(a, b)...) {
		c.Changes = append(c.Changes, Change{kindOf(d.Path), d})
	}
	return c, nil
}

func list(ids []string) []string { return append([]string{}, ids...) }

func side(run string, m rundir.Manifest, samples int) Side {
	return Side{Run: run, Model: m.System.Model, Variant: m.System.Variant, DType: m.System.DType, Suite: m.Suite.Name, Samples: samples,
		Whole: m.Ended != nil && samples == m.Suite.Items}
}

// kindOf sorts a path of the manifest.
func kindOf(path string) string {
	for _, k := range []struct{ prefix, kind string }{
		{"suite", Questions}, {"system.files", Weights}, {"system.model", Place}, {"system", Settings}, {"settings", Settings},
		{"machine.revision", Code}, {"machine.go", Code},
	} {
		if path == k.prefix || strings.HasPrefix(path, k.prefix+".") {
			return k.kind
		}
	}
	return Machine
}

// accuracies compares all questions and each category, in the order of the base run.
func accuracies(p rundir.Pairs) []Accuracy {
	a, b, images := p.Marks()
	if len(a) == 0 {
		return []Accuracy{}
	}
	whole := stats.Compare(a, b, images)
	out := []Accuracy{{All, whole, whole.P}}
	var order []string
	groups := map[string]*rundir.Pairs{}
	for i, s := range p.Base {
		g := groups[s.Category]
		if g == nil {
			g = &rundir.Pairs{}
			groups[s.Category] = g
			order = append(order, s.Category)
		}
		g.Base, g.New = append(g.Base, s), append(g.New, p.New[i])
	}
	if len(order) < 2 {
		return out
	}
	var ps []float64
	for _, name := range order {
		a, b, images := groups[name].Marks()
		if len(a) == 0 {
			continue
		}
		r := stats.Compare(a, b, images)
		ps = append(ps, r.P)
		out = append(out, Accuracy{Category: name, Paired: r})
	}
	for i, p := range stats.Holm(ps) {
		out[i+1].Holm = p
	}
	return out
}

func tokens(p rundir.Pairs) []Tokens {
	out := []Tokens{{Kind: "image tokens"}, {Kind: "prompt tokens"}, {Kind: "output tokens"}}
	for i := range p.Base {
		for k, count := range []func(rundir.Sample) int{
			func(s rundir.Sample) int { return s.ImageTokens },
			func(s rundir.Sample) int { return s.PromptTokens },
			func(s rundir.Sample) int { return len(s.OutputIDs) },
		} {
			out[k].Base += count(p.Base[i])
			out[k].New += count(p.New[i])
		}
	}
	return out
}

// An Output is a kind of what samples record, with the samples in which it is not the same.
type Output struct {
	Kind     string    `json:"kind"`
	Compared int       `json:"compared"` // samples that have it in both runs
	Differ   []Differs `json:"differ"`
}

// Differs is one sample that is not the same.
type Differs struct {
	ID   string `json:"id"`
	Base string `json:"base"`
	New  string `json:"new"`
}

// outputKinds are in the order in which a cause shows: what went in, what the model made of it, what it was worth.
var outputKinds = []struct {
	name string
	get  func(rundir.Sample) string // "": the sample does not have it
	// optional values are compared only where both runs have them.
	optional bool
}{
	{"pixels", func(s rundir.Sample) string { return s.PixelSHA256 }, false},
	{"prompt", func(s rundir.Sample) string { return s.Prompt }, false},
	{"image_tokens", func(s rundir.Sample) string { return fmt.Sprint(s.ImageTokens) }, false},
	{"prompt_tokens", func(s rundir.Sample) string { return fmt.Sprint(s.PromptTokens) }, false},
	{"logits", func(s rundir.Sample) string { return s.LogitsSHA256 }, true},
	{"output_ids", func(s rundir.Sample) string { return fmt.Sprint(s.OutputIDs) }, false},
	{"output_tokens", func(s rundir.Sample) string { return fmt.Sprint(len(s.OutputIDs)) }, false},
	{"options", options, true},
	{"text", func(s rundir.Sample) string { return s.Text }, false},
	{"score", score, false},
	{"failure", func(s rundir.Sample) string { return s.Error }, false},
}

// OutputKinds lists the names of what is compared sample by sample.
func OutputKinds() []string {
	var names []string
	for _, k := range outputKinds {
		names = append(names, k.name)
	}
	return names
}

// options are the log-likelihoods that an answer was chosen by, to the last bit; "" where it was generated.
func options(s rundir.Sample) string {
	var list []string
	for _, o := range s.Options {
		list = append(list, fmt.Sprintf("%s %v", o.Answer, o.LogProb))
	}
	return strings.Join(list, ", ")
}

func score(s rundir.Sample) string {
	mark, ok := s.Mark()
	if !ok {
		return ""
	}
	return fmt.Sprint(mark)
}

func outputs(p rundir.Pairs) []Output {
	out := make([]Output, len(outputKinds))
	for k, kind := range outputKinds {
		o := Output{Kind: kind.name, Differ: []Differs{}}
		for i := range p.Base {
			a, b := kind.get(p.Base[i]), kind.get(p.New[i])
			if kind.optional && (a == "" || b == "") {
				continue
			}
			o.Compared++
			if a != b {
				o.Differ = append(o.Differ, Differs{p.Base[i].ID, a, b})
			}
		}
		out[k] = o
	}
	return out
}

// Output is the comparison of a kind.
func (c *Comparison) Output(kind string) Output {
	i := slices.IndexFunc(c.Outputs, func(o Output) bool { return o.Kind == kind })
	if i < 0 {
		return Output{Kind: kind}
	}
	return c.Outputs[i]
}
