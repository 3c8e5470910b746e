// Package local lets a checkpoint answer the questions of a suite.
package local

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"math"
	"strings"
	"time"

	"llavabench/eval"
	"llavabench/internal/bench"
	"llavabench/internal/checkpoint"
	"llavabench/internal/cost"
	"llavabench/internal/imaging"
	"llavabench/internal/model/sample"
	"llavabench/internal/pipeline"
)

// Options are the settings of a run that are not the model's. Together with those they decide every answer.
type Options struct {
	Template     string `json:"template"` // "" is the checkpoint's own
	MaxNewTokens int    `json:"max_new_tokens"`
	// Blind replaces every picture by one of its mean colour and the same size: what is answered right then is known from
	// the question alone.
	Blind bool `json:"blind"`
	Choice
	// Temperature draws tokens instead of taking the most probable; 0 is greedy. TopP and SampleSeed count only then. Every
	// question draws from a seed made of SampleSeed and its id, so that neither order nor company changes an answer.
	Temperature float64 `json:"temperature,omitempty"`
	TopP        float64 `json:"top_p,omitempty"`
	SampleSeed  uint64  `json:"sample_seed,omitempty"`
	// SampleTimeout, if not 0, ends a question that takes longer: it counts as failed. Which ones do depends on the machine.
	SampleTimeout time.Duration `json:"sample_timeout_ns,omitempty"`
}

// Sampling are the settings of the draws, without a question's seed.
func (o Options) Sampling() sample.Options {
	return sample.Options{Temperature: o.Temperature, TopP: o.TopP, Seed: o.SampleSeed}
}

// sampling are those of one question.
func (o Options) sampling(id string) sample.Options {
	s := o.Sampling()
	sum := sha256.Sum256(binary.LittleEndian.AppendUint64([]byte(id), o.SampleSeed))
	s.Seed = binary.LittleEndian.Uint64(sum[:])
	return s
}

// A System is an open checkpoint.
type System struct {
	p        *pipeline.Pipeline
	o        Options
	together pipeline.Together
	seen     *imaging.RGB // the last picture of a blind run,
	shown    *imaging.RGB // and what was shown in its place
}

// New makes a system of a pipeline, which the caller closes. together says how questions that come together are answered; it
// changes no answer.
func New(p *pipeline.Pipeline, o Options, together pipeline.Together) *System {
	return &System{p: p, o: o, together: together}
}

// Answer asks a question about a picture (or none).
func (s *System) Answer(ctx context.Context, q eval.Question, image *imaging.RGB) (eval.Answer, error) {
	req, err := s.request(eval.Item{Question: q, Image: image})
	if err != nil {
		return eval.Answer{}, err
	}
	limited, cancel := s.limit(ctx)
	defer cancel()
	a, err := s.p.Answer(limited, req.Request)
	if err != nil {
		return eval.Answer{}, s.failure(ctx, limited, err)
	}
	return s.answer(req, a)
}

// AnswerAll asks several questions together; one by one where each has a limit of time.
func (s *System) AnswerAll(ctx context.Context, items []eval.Item, yield func(eval.Result) error) error {
	if s.o.SampleTimeout != 0 {
		for _, it := range items {
			a, err := s.Answer(ctx, it.Question, it.Image)
			if ctx.Err() != nil || errors.Is(err, eval.ErrBroken) {
				return fmt.Errorf("question %q: %w", it.Question.ID, err)
			}
			if err := yield(eval.Result{Answer: a, Err: err}); err != nil {
				return err
			}
		}
		return nil
	}
	reqs, asked, failures := make([]pipeline.Request, 0, len(items)), make([]request, 0, len(items)), make([]error, len(items))
	for i, it := range items {
		req, err := s.request(it)
		if err != nil {
			failures[i] = err
			continue
		}
		reqs, asked = append(reqs, req.Request), append(asked, req)
	}
	next := 0
	failed := func() error { // yields the failures up to the next request
		for ; next < len(items) && failures[next] != nil; next++ {
			if err := yield(eval.Result{Err: failures[next]}); err != nil {
				return err
			}
		}
		return nil
	}
	err := s.p.AnswerAll(ctx, reqs, s.together, func(i int, r pipeline.Result) error {
		if err := failed(); err != nil {
			return err
		}
		next++
		if r.Err != nil {
			return yield(eval.Result{Err: r.Err})
		}
		a, err := s.answer(asked[i], r.Answer)
		return yield(eval.Result{Answer: a, Err: err})
	})
	if errors.Is(err, checkpoint.ErrChanged) {
		return fmt.Errorf("question %q: %w: %w", items[next].Question.ID, eval.ErrBroken, err)
	}
	return errors.Join(err, failed())
}

// A request is the pipeline's of a question.
type request struct {
	pipeline.Request
	prompt  string
	options []eval.Option // to choose from; nil where an answer is generated
}

// request makes the pipeline's request of an item.
func (s *System) request(it eval.Item) (request, error) {
	var images []*imaging.RGB
	if it.Image != nil {
		images = append(images, it.Image)
	}
	if s.o.Blind && it.Image != nil {
		images[0] = s.cover(it.Image)
	}
	q := pipeline.Question{Text: it.Question.Text, Images: len(images), Template: s.o.Template}
	r := request{Request: pipeline.Request{Images: images, More: it.More}}
	if s.o.Choose == Likelihood && len(it.Question.Options) > 0 {
		r.options = it.Question.Options
		texts, err := s.o.scored(r.options)
		if err != nil {
			return r, err
		}
		prompt, continuations, err := s.p.Choices(q, texts, s.o.ChooseEnd)
		if err != nil {
			return r, err
		}
		r.IDs, r.Generate.Continuations, r.prompt = prompt.IDs, continuations, prompt.Text
		return r, nil
	}
	prompt, err := s.p.Prompt(q)
	if err != nil {
		return r, err
	}
	r.IDs, r.prompt = prompt.IDs, prompt.Text
	r.Generate = pipeline.GenerateOptions{MaxNewTokens: s.o.MaxNewTokens, Sample: s.o.sampling(it.Question.ID), Stop: prompt.Stop, EOS: prompt.EOS}
	return r, nil
}

func (s *System) answer(r request, a *pipeline.Answer) (eval.Answer, error) {
	out := eval.Answer{
		Text: strings.TrimSpace(a.Text), IDs: a.IDs, Prompt: r.prompt, PromptTokens: a.PromptTokens, ImageTokens: a.ImageTokens,
		LogitsSHA256: digest(a.Logits), Milliseconds: bench.Milliseconds(a.Timings), Together: a.Together,
	}
	for _, pic := range a.Pictures {
		out.Reused += pic.Reused
	}
	if out.Reused > 0 { // what was not computed was not timed
		for _, name := range []string{"vision", cost.FirstToken, cost.Total} {
			delete(out.Milliseconds, name)
		}
	}
	if a.Shared != (pipeline.Timings{}) {
		out.Shared = bench.Milliseconds(a.Shared)
		for _, own := range []string{cost.FirstToken, cost.Decode, cost.Total} {
			delete(out.Shared, own)
		}
	}
	if r.options != nil {
		return out, s.o.choose(&out, r.options, r.Request, a.LogProbs)
	}
	return out, nil
}

// limit gives a question its time.
func (s *System) limit(ctx context.Context) (context.Context, context.CancelFunc) {
	if s.o.SampleTimeout == 0 {
		return ctx, func() {}
	}
	return context.WithTimeout(ctx, s.o.SampleTimeout)
}

// failure says what an error of the pipeline means for the run.
func (s *System) failure(ctx, limited context.Context, err error) error {
	switch {
	case errors.Is(err, checkpoint.ErrChanged):
		return fmt.Errorf("%w: %w", eval.ErrBroken, err)
	case ctx.Err() == nil && limited.Err() != nil && errors.Is(err, context.DeadlineExceeded):
		return fmt.Errorf("no answer within the time of a sample, %v", s.o.SampleTimeout)
	}
	return err
}

// digest is the SHA-256 of values as little-endian float32.
func digest(values []float32) string {
	b := make([]byte, 0, 4*len(values))
	for _, v := range values {
		b = binary.LittleEndian.AppendUint32(b, math.Float32bits(v))
	}
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:])
}

// cover gives what a blind run shows in place of a picture, the same pointer for the same picture again.
func (s *System) cover(m *imaging.RGB) *imaging.RGB {
	if s.seen != m {
		s.seen, s.shown = m, meanPicture(m)
	}
	return s.shown
}

// meanPicture is a picture of one colour, the mean of m's pixels rounded down.
func meanPicture(m *imaging.RGB) *imaging.RGB {
	var sum [3]int
	for i, v := range m.Pix {
		sum[i%3] += int(v)
	}
	out := imaging.NewRGB(m.Size())
	n := m.Width * m.Height
	out.Fill(imaging.Color{uint8(sum[0] / n), uint8(sum[1] / n), uint8(sum[2] / n)})
	return out
}
