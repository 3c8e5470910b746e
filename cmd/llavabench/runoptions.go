package main

import (
	"fmt"
	"io"
	"math"
	"slices"
	"strings"

	"github.com/spf13/pflag"

	"llavabench/internal/pipeline"
)

// A runOption is one of the answers of --options with its likelihood.
type runOption struct {
	Text    string  `json:"text"`
	Tokens  int     `json:"tokens"`
	LogProb float32 `json:"logprob"` // sum of the natural logarithms of the tokens' probabilities
}

// checkOptions refuses flags that have no meaning with --options.
func (f *runFlags) checkOptions(given *pflag.FlagSet) error {
	if !given.Changed("options") {
		if f.withEnd {
			return usagef("--options-end belongs to --options")
		}
		return nil
	}
	for _, name := range []string{"input-ids", "stop", "max-new-tokens", "temperature", "top-p", "seed"} {
		if given.Changed(name) {
			return usagef("--%s and --options exclude each other: with options nothing is generated", name)
		}
	}
	for i, text := range f.options {
		f.options[i] = strings.TrimSpace(text)
		if f.options[i] == "" {
			return usagef("--options: answer %d is empty: it has no likelihood", i+1)
		}
	}
	if len(f.options) == 0 {
		return usagef("--options: no answers are given")
	}
	return nil
}

// ask tokenises the question, with the answers that are to be scored.
func (f *runFlags) ask(p *pipeline.Pipeline, q pipeline.Question, o *pipeline.GenerateOptions) (prompt *pipeline.Prompt, err error) {
	if len(f.options) == 0 {
		return p.Prompt(q)
	}
	prompt, o.Continuations, err = p.Choices(q, f.options, f.withEnd)
	return prompt, err
}

// scored are the answers with their likelihoods; nil where none were given.
func (f *runFlags) scored(ids [][]int, logProbs []float32) (out []runOption) {
	for i, text := range f.options {
		out = append(out, runOption{text, len(ids[i]), logProbs[i]})
	}
	return out
}

// mostLikely is the index of the first of the most likely answers; -1 where there are none.
func mostLikely(options []runOption) int {
	if len(options) == 0 {
		return -1
	}
	best := slices.MaxFunc(options, func(a, b runOption) int {
		switch {
		case a.LogProb > b.LogProb:
			return 1
		case a.LogProb < b.LogProb:
			return -1
		}
		return 0
	})
	return slices.Index(options, best)
}

// printOptions prints the most likely answer and a table of all.
func printOptions(w io.Writer, options []runOption) error {
	if _, err := fmt.Fprintf(w, "%s\n\n", options[mostLikely(options)].Text); err != nil {
		return err
	}
	t := newTable(w, "option", "tokens", "log-likelihood", "a token", "a byte", "probability")
	for _, o := range options {
		l := float64(o.LogProb)
		t.row(o.Text, fmt.Sprint(o.Tokens), fmt.Sprintf("%.4f", l), fmt.Sprintf("%.4f", l/float64(o.Tokens)), fmt.Sprintf("%.4f", l/float64(len(o.Text))),
			fmt.Sprintf("%.4g", math.Exp(l)))
	}
	return t.print()
}
