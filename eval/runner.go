// Package eval answers the questions of a suite with one system and records what happened. It knows no model: a System may
// be a local pipeline, a server, or a test's table of answers.
package eval

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"time"

	"llavabench/internal/imaging"
	"llavabench/internal/rundir"
)

// A Question is one item of a suite.
type Question struct {
	ID        string
	Category  string
	Text      string
	Reference string // the right answer, for the scorer and the record
	File      string // of the picture, below Suite.Pictures; "" for a drawn one
	DetailPx  int    // size of the smallest thing that must be seen, pixels; 0 where it is not known
	// Image makes the picture when it is needed; nil for a question without one.
	Image func() (*imaging.RGB, error)
}

// An Answer is what a system said.
type Answer struct {
	Text         string
	IDs          []int
	Prompt       string
	PromptTokens int
	ImageTokens  int
	LogitsSHA256 string             // of the first token's logits, see rundir.Sample; "" where they are not to be had
	Milliseconds map[string]float64 // by stage
}

// ErrBroken is the class of a System's errors that concern more than one question, such as weights that are gone: the run ends
// with it, and the question under way is not recorded.
var ErrBroken = errors.New("the run cannot go on")

// A System answers questions.
type System interface {
	// Answer answers one question. An error means that this question failed; the run goes on, unless ctx has ended or the
	// error is of class ErrBroken.
	Answer(ctx context.Context, q Question, image *imaging.RGB) (Answer, error)
}

// A Suite is a set of questions with a way to score answers.
type Suite struct {
	Info      rundir.Suite
	Questions iter.Seq2[Question, error] // Info.Items of them, the same on every call
	Scorer    string                     // its name, for the record
	Pictures  string                     // directory of the picture files, for the record; "" where there are none
	// Score gives 0 to 1 for the text of an answer to a question that has a reference.
	Score func(q Question, text string) float64
}

// Options are how a run is made.
type Options struct {
	// Progress is told how many of total questions are answered. It may be nil.
	Progress func(stage string, done, total int)
	// Now gives the time; nil is time.Now.
	Now func() time.Time
}

// Run answers every question of s that dir does not hold yet, in order, records each as it is answered, and writes the
// summary. When ctx is cancelled, or a write fails, dir can be resumed: what was recorded stays, and the rest is answered
// then, with the same bytes as in an unbroken run.
func Run(ctx context.Context, s Suite, sys System, dir *rundir.Dir, m rundir.Manifest, o Options) (Summary, error) {
	if o.Now == nil {
		o.Now = time.Now
	}
	done := dir.Done()
	index := 0
	for q, err := range s.Questions {
		if err != nil {
			return Summary{}, fmt.Errorf("suite %s, question %d: %w", s.Info.Name, index, err)
		}
		if index < len(done) {
			if done[index].ID != q.ID {
				return Summary{}, fmt.Errorf("%s: question %d is %q in the run, but %q in suite %s", dir.Samples(), index, done[index].ID, q.ID, s.Info.Name)
			}
			index++
			continue
		}
		sample, timing, err := answer(ctx, s, sys, q, index)
		if err != nil {
			return Summary{}, err
		}
		if err := dir.Append(sample, timing); err != nil {
			return Summary{}, fmt.Errorf("recording question %q: %w", q.ID, err)
		}
		index++
		if o.Progress != nil {
			o.Progress("questions", index, s.Info.Items)
		}
	}
	if index != s.Info.Items {
		return Summary{}, fmt.Errorf("suite %s has %d questions, expected %d", s.Info.Name, index, s.Info.Items)
	}
	samples, err := dir.Recorded() // not kept while the run goes on: its memory does not grow
	if err != nil {
		return Summary{}, err
	}
	summary := Summarise(samples)
	ended := o.Now()
	m.Ended, m.Load = &ended, rundir.ReadLoad()
	return summary, dir.Finish(m, summary)
}

// answer asks one question. Its error is ctx's or of class ErrBroken: a question that fails is a sample with an error.
func answer(ctx context.Context, s Suite, sys System, q Question, index int) (rundir.Sample, rundir.Timing, error) {
	sample := rundir.Sample{Index: index, ID: q.ID, Category: q.Category, Question: q.Text, Image: q.File, Reference: q.Reference, DetailPx: q.DetailPx, OutputIDs: []int{}}
	timing := rundir.Timing{Index: index, ID: q.ID}
	if err := ctx.Err(); err != nil {
		return sample, timing, err
	}
	var image *imaging.RGB
	var err error
	if q.Image != nil {
		if image, err = q.Image(); err == nil {
			sample.PixelSHA256, sample.Width, sample.Height = image.PixelSHA256(), image.Width, image.Height
		}
	}
	var a Answer
	if err == nil {
		a, err = sys.Answer(ctx, q, image)
	}
	if err != nil {
		if ctx.Err() != nil {
			return sample, timing, ctx.Err()
		}
		if errors.Is(err, ErrBroken) {
			return sample, timing, fmt.Errorf("question %q: %w", q.ID, err)
		}
		sample.Error = err.Error()
		return sample, timing, nil
	}
	sample.Prompt, sample.PromptTokens, sample.ImageTokens = a.Prompt, a.PromptTokens, a.ImageTokens
	sample.Text, sample.LogitsSHA256 = a.Text, a.LogitsSHA256
	if q.Reference != "" {
		score := s.Score(q, a.Text)
		sample.Score, sample.Scorer = &score, s.Scorer
	}
	if a.IDs != nil {
		sample.OutputIDs = a.IDs
	}
	timing.Milliseconds = a.Milliseconds
	return sample, timing, nil
}
