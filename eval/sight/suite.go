package sight

import (
	"strings"

	"llavabench/eval"
	"llavabench/internal/imaging"
	"llavabench/internal/rundir"
)

// Version names the pictures and questions. It changes when any of them does.
const Version = "2"

// Suite gives the first n items of a split and seed as a suite of the runner, drawn as they are asked for; those of some
// categories, if any are named.
func Suite(split Split, seed uint64, n int, categories ...Category) eval.Suite {
	names := make([]string, len(categories))
	for i, c := range categories {
		names[i] = string(c)
	}
	return eval.Suite{
		Info:   rundir.Suite{Name: "sight", Version: Version, Seed: seed, Split: string(split), Categories: strings.Join(names, ","), Items: n},
		Scorer: "exact match, case and final period ignored",
		Score:  eval.ScoreExact,
		Questions: func(yield func(eval.Question, error) bool) {
			for it, err := range Items(split, seed, n, categories...) {
				q := eval.Question{
					ID: it.ID, Category: string(it.Category), Text: it.Question, Reference: it.Answer, DetailPx: it.Detail,
					Image: func() (*imaging.RGB, error) { return Draw(it.Scene), nil }, Options: it.options(),
				}
				if !yield(q, err) {
					return
				}
			}
		},
	}
}

// options are the answers that an item offers: those of a multiple choice, yes and no where presence is asked for; else none.
func (it Item) options() []eval.Option {
	var out []eval.Option
	for i, text := range it.Options {
		letter := string(rune('A' + i))
		out = append(out, eval.Option{Letter: letter, Text: text, Answer: letter})
	}
	if it.Category == Presence {
		for _, text := range []string{yesNo(true), yesNo(false)} {
			out = append(out, eval.Option{Text: text, Answer: text})
		}
	}
	return out
}
