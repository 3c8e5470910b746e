package eval

import (
	"context"
	"fmt"
	"iter"

	"llavabench/internal/imaging"
)

// A Batcher is a System that answers several questions together, each with the bits that it would have got alone.
type Batcher interface {
	System
	// AnswerAll gives yield a result for each item, in order and as soon as there is one. Its error ends the run: it is yield's,
	// ctx's or of class ErrBroken.
	AnswerAll(ctx context.Context, items []Item, yield func(Result) error) error
}

// An Item is a question with its picture; nil for none.
type Item struct {
	Question Question
	Image    *imaging.RGB // the same pointer for questions next to each other about the same picture
	More     bool         // the next item, of this batch or of the next one, is about the same picture
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
	more  bool // the next question is about the same picture
}

// batches cuts questions into batches of size. The error of a question comes alone.
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
			if n := len(batch); n > 0 {
				key := q.Picture()
				batch[n-1].more = key != "" && key == batch[n-1].Picture()
			}
			if len(batch) >= max(1, size) { // only now is it known whether more about its last picture is to come
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

// askAll answers items together where the system can, else one after the other.
func askAll(ctx context.Context, sys System, items []Item, yield func(Result) error) error {
	if b, ok := sys.(Batcher); ok && len(items) > 0 {
		return b.AnswerAll(ctx, items, yield)
	}
	for _, it := range items {
		a, err := sys.Answer(ctx, it.Question, it.Image)
		if bad := fatal(ctx, err); bad != nil {
			return fmt.Errorf("question %q: %w", it.Question.ID, bad)
		}
		if err := yield(Result{a, err}); err != nil {
			return err
		}
	}
	return nil
}
