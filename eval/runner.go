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
	// ImageKey is the same for questions about the same picture; "" is File.
	ImageKey string
	// Image makes the picture when it is needed; nil for a question without one.
	Image func() (*imaging.RGB, error)
	// Options are the answers to choose from, in their order; nil for an open question.
	Options []Option
}

// An Option is one of the answers that a question offers.
type Option struct {
	Letter string // that the prompt shows it with; "" where there are no letters
	Text   string
	Answer string // the text of an answer that chooses it, as the scorer wants it: the letter or the text
}

// Picture is equal for questions about one picture; "" where that is not known.
func (q Question) Picture() string {
	if q.ImageKey != "" {
		return q.ImageKey
	}
	return q.File
}

// An Answer is what a system said.
type Answer struct {
	Text         string
	IDs          []int
	Options      []rundir.Option // that Text was chosen from by their likelihoods; nil where it was generated
	Prompt       string
	PromptTokens int
	ImageTokens  int
	LogitsSHA256 string             // of the first token's logits, see rundir.Sample; "" where they are not to be had
	Milliseconds map[string]float64 // by stage, see rundir.Timing
	Shared       map[string]float64 // the part of them that was shared with other questions; nil for none
	Together     int                // questions answered at the same time; 0 where it is not known
	NewTokens    int                // tokens of the answer, of systems that count them but give no IDs
	Reused       int                // views whose features were known from an earlier run
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
	Info      rundir.Suite               // of the whole suite
	Part      *rundir.Shard              // the block of it that Questions are; nil where they are all
	Questions iter.Seq2[Question, error] // Items of them, the same on every call
	Scorer    string                     // its name, for the record
	Pictures  string                     // directory of the picture files, for the record; "" where there are none
	// Here is whether the file of a question's picture is there now; nil where pictures are drawn.
	Here func(q Question) bool
	// Score gives 0 to 1 for the text of an answer to a question that has a reference. An error ends the run before the answer is
	// recorded: a score that is not known must not count as wrong.
	Score func(q Question, text string) (float64, error)
	// Official scores the samples of the whole suite as the benchmark's owners do; nil where nobody does. Shards are not scored.
	Official func(samples []rundir.Sample) (*rundir.Official, error)
}

// Options are how a run is made. Nothing of them changes an answer.
type Options struct {
	// Batch is how many questions a Batcher gets at a time; 0 is 1.
	Batch int
	// Strict ends the run at the first question that fails, which is not recorded.
	Strict bool
	// Stop, when closed, ends the run after the questions under way: the summary so far is written and ErrStopped returned.
	Stop <-chan struct{}
	// Progress is told how far the run is. It may be nil.
	Progress func(Progress)
	// Now gives the time; nil is time.Now.
	Now func() time.Time
	// Usage says what was used since the run began; nil where that is not measured.
	Usage func() Usage
}

// A Usage is what a run uses of its machine beside time.
type Usage struct {
	PeakRSS int64          // the largest resident memory of the process so far, bytes; 0 where it is not known
	Energy  *rundir.Energy // so far; nil where it cannot be read
}

// ErrStopped is returned by a run that Options.Stop ended.
var ErrStopped = errors.New("stopped before the last question")

// Run answers every question of s that dir does not hold yet, in order, records each as it is answered, and writes the
// summary. When ctx is cancelled, or a write fails, dir can be resumed: what was recorded stays, and the rest is answered
// then, with the same bytes as in an unbroken run, in batches of any size.
func Run(ctx context.Context, s Suite, sys System, dir *rundir.Dir, m rundir.Manifest, o Options) (Summary, error) {
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Usage == nil {
		o.Usage = func() Usage { return Usage{} }
	}
	if _, ok := sys.(Batcher); !ok {
		o.Batch = 1
	}
	there, err := present(s)
	if err != nil {
		return Summary{}, err
	}
	before := rundir.ReadLoad() // of other runs of this process, and of loading
	r := runner{suite: s, sys: sys, dir: dir, o: o, there: there, meter: newMeter(dir.Done(), s.Items(), o.Now), clock: newClock(o)}
	for batch, err := range batches(r.unanswered(), o.Batch) {
		if err != nil {
			return Summary{}, err
		}
		if stopped(o.Stop) {
			return r.pause()
		}
		if err := r.answer(ctx, batch); err != nil {
			return Summary{}, err
		}
		r.clock.warm = true
	}
	if r.asked != s.Items() {
		return Summary{}, fmt.Errorf("suite %s has %d questions, expected %d", s.Info.Name, r.asked, s.Items())
	}
	samples, summary, err := r.summary()
	if err != nil {
		return Summary{}, err
	}
	if s.Official != nil && s.Part == nil {
		if summary.Official, err = s.Official(samples); err != nil {
			return Summary{}, fmt.Errorf("suite %s: %w", s.Info.Name, err)
		}
	}
	ended := o.Now()
	m.Ended, m.Load = &ended, rundir.ReadLoad().Since(before)
	return summary, dir.Finish(m, summary)
}

// A runner is a run under way.
type runner struct {
	suite Suite
	sys   System
	dir   *rundir.Dir
	o     Options
	meter *meter
	clock clock
	there []bool // by question, whether its picture's file was there when the run began; nil where pictures are drawn
	asked int    // questions seen
	last  picture
}

// present notes whose pictures' files are there.
func present(s Suite) ([]bool, error) {
	if s.Here == nil {
		return nil, nil
	}
	var there []bool
	for q, err := range s.Questions {
		if err != nil {
			return nil, fmt.Errorf("suite %s, question %d: %w", s.Info.Name, len(there), err)
		}
		there = append(there, q.Image != nil && s.Here(q))
	}
	return there, nil
}

func stopped(stop <-chan struct{}) bool {
	select {
	case <-stop:
		return true
	default:
		return false
	}
}

// pause writes the summary of what there is.
func (r *runner) pause() (Summary, error) {
	_, summary, err := r.summary()
	if err != nil {
		return Summary{}, err
	}
	return summary, errors.Join(ErrStopped, r.dir.Pause(summary))
}

// summary makes the summary of all that was recorded, which is not kept while the run goes on: its memory does not grow.
func (r *runner) summary() ([]rundir.Sample, Summary, error) {
	samples, err := r.dir.Recorded()
	if err != nil {
		return nil, Summary{}, err
	}
	timings, err := r.dir.Timings()
	if err != nil {
		return nil, Summary{}, err
	}
	return samples, Summarise(samples, timings), nil
}

// unanswered are the questions that the directory does not hold yet. Those that it holds must be the suite's.
func (r *runner) unanswered() iter.Seq2[numbered, error] {
	return func(yield func(numbered, error) bool) {
		done := r.dir.Done()
		for q, err := range r.suite.Questions {
			index := r.asked
			switch {
			case err != nil:
				err = fmt.Errorf("suite %s, question %d: %w", r.suite.Info.Name, index, err)
			case index < len(done) && done[index].ID != q.ID:
				err = fmt.Errorf("%s: question %d is %q in the run, but %q in suite %s", r.dir.Samples(), index, done[index].ID, q.ID, r.suite.Info.Name)
			}
			r.asked++
			if (err != nil || index >= len(done)) && !yield(numbered{Question: q, index: index}, err) {
				return
			}
		}
	}
}

// answer asks a batch of questions and records the answers in order. Its error ends the run.
func (r *runner) answer(ctx context.Context, batch []numbered) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	samples, failures := make([]rundir.Sample, len(batch)), make([]error, len(batch))
	var items []Item
	for i, q := range batch {
		samples[i] = rundir.Sample{Index: q.index, ID: q.ID, Category: q.Category, Question: q.Text, Image: q.File, Reference: q.Reference, DetailPx: q.DetailPx, OutputIDs: []int{}}
		item := Item{Question: q.Question, More: q.more}
		if q.Image != nil {
			p, err := r.picture(q.Question)
			if err != nil {
				if r.there != nil && r.there[q.index] && !r.suite.Here(q.Question) {
					return fmt.Errorf("question %q: %w: its picture was there when the run began, and is not now: %w", q.ID, ErrBroken, err)
				}
				failures[i] = err
				continue
			}
			item.Image = p.image
			samples[i].PixelSHA256, samples[i].Width, samples[i].Height = p.digest, p.image.Width, p.image.Height
		}
		items = append(items, item)
	}
	next := 0
	failed := func() error { // records the failures up to the next question that was asked
		for ; next < len(batch) && failures[next] != nil; next++ {
			if err := r.record(batch[next].Question, samples[next], Result{Err: failures[next]}); err != nil {
				return err
			}
		}
		return nil
	}
	err := askAll(ctx, r.sys, items, func(result Result) error {
		if err := failed(); err != nil {
			return err
		}
		next++
		return r.record(batch[next-1].Question, samples[next-1], result)
	})
	if err != nil {
		return err
	}
	return failed()
}

// A picture is a decoded one.
type picture struct {
	key    string
	image  *imaging.RGB
	digest string
}

// picture makes the picture of a question, or takes the one before where it is the same.
func (r *runner) picture(q Question) (picture, error) {
	if key := q.Picture(); key == "" || key != r.last.key || r.last.image == nil {
		image, err := q.Image()
		if err != nil {
			return picture{}, err
		}
		digest := image.PixelSHA256()
		if r.last.image != nil && digest == r.last.digest && image.Size() == r.last.image.Size() {
			image = r.last.image // under another name
		}
		r.last = picture{key, image, digest}
	}
	return r.last, nil
}

// record completes a sample and writes it.
func (r *runner) record(q Question, sample rundir.Sample, result Result) error {
	timing := rundir.Timing{Index: sample.Index, ID: sample.ID}
	if result.Err != nil {
		if r.o.Strict {
			return fmt.Errorf("question %q: %w", q.ID, result.Err)
		}
		sample.Error = result.Err.Error()
	} else {
		a := result.Answer
		sample.Prompt, sample.PromptTokens, sample.ImageTokens = a.Prompt, a.PromptTokens, a.ImageTokens
		sample.Text, sample.LogitsSHA256, sample.Options = a.Text, a.LogitsSHA256, a.Options
		if q.Reference != "" {
			score, err := r.suite.Score(q, a.Text)
			if err != nil {
				return fmt.Errorf("scoring the answer to question %q: %w", q.ID, err)
			}
			sample.Score, sample.Scorer = &score, r.suite.Scorer
		}
		if a.IDs != nil {
			sample.OutputIDs = a.IDs
		}
		timing.Milliseconds, timing.Shared, timing.Together, timing.NewTokens = a.Milliseconds, a.Shared, a.Together, max(a.NewTokens, len(a.IDs))
		timing.Reused = a.Reused
	}
	r.clock.read(&timing)
	if err := r.dir.Append(sample, timing); err != nil {
		return fmt.Errorf("recording question %q: %w", q.ID, err)
	}
	r.meter.add(sample)
	if r.o.Progress != nil {
		r.o.Progress(r.meter.progress())
	}
	return nil
}

// fatal is the error that ends the run for that of a question: ctx's, or one of class ErrBroken.
func fatal(ctx context.Context, err error) error {
	switch {
	case err == nil:
		return nil
	case ctx.Err() != nil:
		return ctx.Err()
	case errors.Is(err, ErrBroken):
		return err
	}
	return nil
}
