// Package official makes the public benchmarks of package suites ready to run: each question with the exact prompt of a harness
// and its picture decoded when it is needed, and the owners' score of the answers.
//
// As in LLaVA's evaluation a question has one picture, which comes first; of several the first is shown, and a question without
// one is text alone.
package official

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"math"
	"slices"
	"strings"

	"llavabench/eval"
	"llavabench/eval/suites"
	"llavabench/internal/imaging"
	"llavabench/internal/rundir"
)

// A Run is an opened benchmark.
type Run struct {
	Suite   *suites.Suite
	Dir     *suites.Dir
	Data    *suites.Data
	Flavour suites.Flavour
	Notes   []string // what the user should know before the questions are asked
}

// Open prepares the questions that were read from dir for a flavour, "" for the suite's default. limit, if not 0, takes the first
// questions only.
func Open(s *suites.Suite, dir *suites.Dir, data *suites.Data, flavour string, limit int) (*Run, error) {
	f, err := suites.FindFlavour(s.Name, flavour)
	if err != nil {
		return nil, err
	}
	r := &Run{Suite: s, Dir: dir, Data: First(data, limit), Notes: append([]string{}, data.Notes...)}
	var note string
	if r.Flavour, note, err = f.Resolve(r.Data); err != nil {
		return nil, err
	}
	if note != "" {
		r.Notes = append(r.Notes, note)
	}
	if !slices.ContainsFunc(r.Data.Questions, func(q suites.Question) bool { return q.Text != "" }) {
		return nil, fmt.Errorf("suite %s: %s hold answers without questions; 'llavabench suites' says what to download", s.Name, strings.Join(data.Read, ", "))
	}
	several, none := 0, 0
	for i := range r.Data.Questions {
		switch n := len(r.Data.Questions[i].Images); {
		case n > 1:
			several++
		case n == 0:
			none++
		}
	}
	if several > 0 {
		r.Notes = append(r.Notes, fmt.Sprintf("%d questions have several pictures: the first is shown, as in LLaVA's evaluation", several))
	}
	if none > 0 {
		r.Notes = append(r.Notes, fmt.Sprintf("%d of %d questions have no picture and are asked as text alone", none, len(r.Data.Questions)))
	}
	return r, nil
}

// First is the data of the first questions; all of them for 0.
func First(data *suites.Data, limit int) *suites.Data {
	if limit <= 0 || limit >= len(data.Questions) {
		return data
	}
	some := *data
	some.Questions = data.Questions[:limit]
	return &some
}

// Eval is the suite for the runner. Its version is a digest of what is asked: ids, prompts, names of pictures and references, in
// order; not of how the files are packed.
func (r *Run) Eval() (eval.Suite, error) {
	scorer, err := r.Suite.Scorer("")
	if err != nil {
		return eval.Suite{}, err
	}
	index := make(map[string]int, len(r.Data.Questions))
	hash := sha256.New()
	enc := json.NewEncoder(hash)
	for i := range r.Data.Questions {
		q, err := r.question(i)
		if err != nil {
			return eval.Suite{}, err
		}
		index[q.ID] = i
		if err := enc.Encode([]string{q.ID, q.Text, q.File, q.Reference}); err != nil {
			return eval.Suite{}, err
		}
	}
	return eval.Suite{
		Info: rundir.Suite{Name: r.Suite.Name, Version: hex.EncodeToString(hash.Sum(nil)), Split: r.Dir.Split, Prompts: r.Flavour.Name(), Items: len(r.Data.Questions)},
		Questions: func(yield func(eval.Question, error) bool) {
			for i := range r.Data.Questions {
				if q, err := r.question(i); !yield(q, err) || err != nil {
					return
				}
			}
		},
		Scorer:   r.Suite.Name + " " + scorer.Name,
		Pictures: r.Dir.Root(),
		Here: func(q eval.Question) bool {
			_, ok := r.Dir.Source(q.File)
			return ok
		},
		Score: func(q eval.Question, text string) (float64, error) {
			return r.scoreOne(scorer, index[q.ID], text)
		},
		Official: func(samples []rundir.Sample) (*rundir.Official, error) { return r.Score("", samples) },
	}, nil
}

// question is question i as the runner asks it.
func (r *Run) question(i int) (eval.Question, error) {
	q := &r.Data.Questions[i]
	text, err := r.Flavour.Text(q)
	if err != nil {
		return eval.Question{}, fmt.Errorf("question %q: %w", q.ID, err)
	}
	out := eval.Question{ID: q.ID, Category: q.Category, Text: text}
	for _, o := range r.Suite.Options(q) {
		out.Options = append(out.Options, eval.Option(o))
	}
	if !r.Suite.Judged {
		out.Reference = q.Truth()
	}
	if len(q.Images) > 0 {
		name := q.Images[0]
		out.File = name
		out.Image = func() (*imaging.RGB, error) { return Picture(r.Dir, name) }
	}
	return out, nil
}

// Picture decodes a picture of a data directory.
func Picture(dir *suites.Dir, name string) (*imaging.RGB, error) {
	raw, err := dir.Picture(name, imaging.DefaultLimits().Bytes)
	if err != nil {
		return nil, err
	}
	img, _, err := imaging.Decode(raw, imaging.DecodeOptions{})
	if err != nil {
		return nil, fmt.Errorf("picture %q: %w", name, err)
	}
	return img, nil
}

// AnswerID is the id of a question in LLaVA's answer files, where it need not be unique.
func (r *Run) AnswerID(i int) string {
	if write := r.Suite.Answers.Write; write != nil {
		return write(&r.Data.Questions[i])
	}
	return r.Data.Questions[i].ID
}

// scoreOne is what the scorer gives one answer by itself.
func (r *Run) scoreOne(scorer suites.Scorer, i int, text string) (float64, error) {
	one := *r.Data
	one.Questions = r.Data.Questions[i : i+1]
	result, err := scorer.Score(&one, Answers([]rundir.Sample{{ID: one.Questions[0].ID, Text: text}}))
	switch {
	case err != nil:
		return 0, fmt.Errorf("suite %s: the scorer %s: %w", r.Suite.Name, scorer.Name, err)
	case len(result.Samples) != 1:
		return 0, fmt.Errorf("suite %s: the scorer %s gives %d scores to one answer", r.Suite.Name, scorer.Name, len(result.Samples))
	}
	return result.Samples[0].Score, nil
}

// Answers are those in a run's samples. Questions that failed have none.
func Answers(samples []rundir.Sample) *suites.Answers {
	a := &suites.Answers{File: rundir.SamplesFile, Format: suites.LLaVALines}
	for i, s := range samples {
		if s.Error == "" {
			a.List = append(a.List, suites.Answer{ID: s.ID, Text: s.Text, Line: i + 1, Record: suites.Record{Format: suites.LLaVALines}})
		}
	}
	return a
}

// Submit writes the file for the owners' server.
func (r *Run) Submit(w io.Writer, samples []rundir.Sample) (notes []string, err error) {
	if r.Suite.Submission == nil {
		return nil, fmt.Errorf("suite %s is scored locally and has no submission", r.Suite.Name)
	}
	return r.Suite.Submission.Write(w, r.Data, Answers(samples))
}

// Result scores the samples of a run.
func (r *Run) Result(scorer suites.Scorer, samples []rundir.Sample) (*suites.Result, error) {
	return scorer.Score(r.Data, Answers(samples))
}

// Score scores the samples of a run with a scorer, "" for the official one. Answers that only a judge or the owners' server can
// score give no figures, and notes that say so.
func (r *Run) Score(scorer string, samples []rundir.Sample) (*rundir.Official, error) {
	sc, err := r.Suite.Scorer(scorer)
	if err != nil {
		return nil, err
	}
	out := &rundir.Official{}
	for _, s := range samples {
		if s.Error == "" {
			out.Answered++
		}
	}
	out.Missing = len(r.Data.Questions) - out.Answered
	if note := r.Unscored(); note != "" {
		out.Notes = []string{note}
		return out, nil
	}
	result, err := r.Result(sc, samples)
	if err != nil {
		return nil, err
	}
	result.AddIntervals()
	out.Scorer, out.Upstream = sc.Name, sc.Upstream
	out.Answered, out.Missing, out.Unparsed, out.Notes = result.Answered, result.Missing, result.Unparsed, result.Notes
	for _, m := range result.Metrics {
		figure := rundir.Figure{Name: m.Name, Text: m.Text(), N: m.N, Unit: m.Unit}
		if !math.IsNaN(m.Value) && !math.IsInf(m.Value, 0) {
			figure.Value = &m.Value
		}
		if m.Interval != nil {
			figure.CI = &m.Interval.CI
		}
		out.Figures = append(out.Figures, figure)
	}
	return out, nil
}

// Unscored says why the answers cannot be scored here; "" where they can.
func (r *Run) Unscored() string {
	switch {
	case r.Suite.Judged:
		return "a judge must grade the answers: write them with --answers, then 'llavabench judge'"
	case !r.Data.Labelled && r.Suite.Submission != nil:
		return "the labels of this split are not public: --submission writes the file for the owners' server"
	case !r.Data.Labelled:
		return "the data have no labels"
	}
	return ""
}
