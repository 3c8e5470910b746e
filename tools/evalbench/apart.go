package main

import (
	"context"

	"llavabench/eval"
	"llavabench/internal/imaging"
)

// offer gives a question options with letters.
func offer(q eval.Question, texts ...string) eval.Question {
	for i, text := range texts {
		letter := string(rune('A' + i))
		q.Text += "\n" + letter + ". " + text
		q.Options = append(q.Options, eval.Option{Letter: letter, Text: text, Answer: letter})
	}
	return q
}

// apart scores each option of a question by itself, from the picture on, and takes the first of the most likely.
type apart struct{ one eval.System }

func (s apart) Answer(ctx context.Context, q eval.Question, image *imaging.RGB) (all eval.Answer, err error) {
	best := 0
	for i := range q.Options {
		alone := q
		alone.Options = q.Options[i : i+1]
		a, err := s.one.Answer(ctx, alone, image)
		if err != nil {
			return all, err
		}
		a.Options = append(all.Options, a.Options...)
		if all = a; a.Options[i].LogProb > a.Options[best].LogProb {
			best = i
		}
	}
	all.Text = q.Options[best].Answer
	return all, nil
}
