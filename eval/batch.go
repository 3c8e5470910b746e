package eval

import (
	"context"
	"fmt"
	"iter"

	"llavabench/internal/imaging"
)

// Sizes of batches.
const (
	// OfOnePicture, as a batch size, takes consecutive questions about one picture together and other questions one at a time.
	OfOnePicture = 0
	// MaxOfOnePicture is the most that OfOnePicture takes.
	MaxOfOnePicture = 32
)

// A Batcher is a System that answers several questions together, each with the bits that it would have got alone.
type Batcher interface {
	System
	// AnswerAll gives a result for each item, in order. An error ends the run: it is ctx's or of class ErrBroken.
	AnswerAll(ctx context.Context, items []Item) ([]Result, error)
}

// An Item is a question with its picture; nil for none.
type Item struct {
	Question Question
	Image    *imaging.RGB
}

// A Result is an answer, or why there is none.
type Result struct {
	Answer Answer
	Err    error
}

// A numbered question has its place in the suite or part.
type numbered struct {
	Question
	index int
}

// batches cuts questions from index skip on into batches of size. The error of a question comes alone.
func batches(questions iter.Seq2[numbered, error], size int) iter.Seq2[[]numbered, error] {
	return func(yield func([]numbered, error) bool) {
		var batch []numbered
		for q, err := range questions {
			if err != nil {
				if len(batch) == 0 || yield(batch, nil) {
					yield(nil, err)
				}
				return
			}
			if len(batch) > 0 && !joins(batch, q.Question, size) {
				if !yield(batch, nil) {
					return
				}
				batch = nil
			}
			batch = append(batch, q)
		}
		if len(batch) > 0 {
			yield(batch, nil)
		}
	}
}

// joins tells whether a question goes with the batch before it.
func joins(batch []numbered, q Question, size int) bool {
	if size != OfOnePicture {
		return len(batch) < size
	}
	key := q.Picture()
	return len(batch) < MaxOfOnePicture && key != "" && key == batch[0].Picture()
}

// askAll answers items together where the system can, else one after the other.
func askAll(ctx context.Context, sys System, items []Item) ([]Result, error) {
	if b, ok := sys.(Batcher); ok {
		return b.AnswerAll(ctx, items)
	}
	results := make([]Result, len(items))
	for i, it := range items {
		results[i].Answer, results[i].Err = sys.Answer(ctx, it.Question, it.Image)
		if err := fatal(ctx, results[i].Err); err != nil {
			return nil, fmt.Errorf("question %q: %w", it.Question.ID, err)
		}
	}
	return results, nil
}
