package pipeline

import (
	"context"
	"errors"
	"fmt"
	"time"

	"llavabench/internal/model/llama"
	"llavabench/internal/model/sample"
	"llavabench/kernels"
)

// A sequence is an answer under way.
type sequence struct {
	o       GenerateOptions
	obs     Observer
	t       *Timings
	limit   int // of new tokens: generation ends where the context does
	session *llama.Session
	sampler *sample.Sampler
	out     *textOut
	logits  []float32 // of the last position
	g       *Generation

	// Of one whose continuations are scored: how many positions a fork of the session copies at most, and what the fork for the
	// longest continuation takes.
	copied  int
	reserve int64
}

// scored reports whether continuations are to be scored instead of an answer being generated.
func (s *sequence) scored() bool { return len(s.o.Continuations) > 0 }

// newSequence checks a request to go on after a prompt of rows positions. The session is left to the caller.
func (p *Pipeline) newSequence(rows int, o GenerateOptions, obs Observer, t *Timings) (*sequence, error) {
	if err := o.Sample.Check(); err != nil {
		return nil, err
	}
	if o.MaxNewTokens < 0 {
		return nil, fmt.Errorf("the number of new tokens is %d, expected 0 or more", o.MaxNewTokens)
	}
	if rows == 0 {
		return nil, errors.New("the prompt is empty")
	}
	if len(o.Continuations) > 0 {
		return &sequence{o: o, obs: obs, t: t, out: p.newTextOut(nil, nil), copied: kernels.ForkCopies}, p.checkContinuations(rows, o.Continuations)
	}
	limit := o.MaxNewTokens
	if p.Context() > 0 {
		limit = min(limit, p.Context()-rows)
	}
	if limit < 0 {
		return nil, fmt.Errorf("a prompt of %d positions is longer than the context of %d", rows, p.Context())
	}
	return &sequence{o: o, obs: obs, t: t, limit: limit, sampler: sample.New(o.Sample), out: p.newTextOut(o.Stop, o.Stream)}, nil
}

// begin takes the logits of the prompt's last position.
func (s *sequence) begin(logits []float32) {
	s.logits = logits
	s.g = &Generation{Logits: append([]float32(nil), logits...), Finish: FinishLength}
}

// next draws a token and reports whether another one is to follow.
func (p *Pipeline) next(s *sequence) (more bool, err error) {
	if len(s.g.IDs) == s.limit {
		return false, nil
	}
	if err := observe(s.obs, "step_logits", []int{len(s.logits)}, s.logits); err != nil {
		return false, err
	}
	if err := p.checkLogits(s.session.Len()-1, s.logits[:p.vocabulary()]); err != nil {
		return false, fmt.Errorf("generated token %d: %w", len(s.g.IDs), err)
	}
	id, err := s.sampler.Next(s.logits[:p.vocabulary()])
	if err != nil {
		return false, fmt.Errorf("generated token %d: %w", len(s.g.IDs), err)
	}
	s.g.IDs = append(s.g.IDs, id)
	switch {
	case p.isEOS(id, s.o.EOS):
		s.g.Finish = FinishEOS
		return false, nil
	case s.out.push(id):
		s.g.Finish = FinishStop
		return false, nil
	}
	return len(s.g.IDs) < s.limit, nil
}

// decode generates the answers of sequences whose prompts have been read, one token of each at a time, so that the weights are
// read once a step for all of them. Each sequence gets an equal share of a step's time; since gives the time that has passed
// when the first tokens are known.
func (p *Pipeline) decode(ctx context.Context, active []*sequence, since func() time.Duration) error {
	cfg := p.llm.Config()
	var scratch llama.Scratch
	x := make([]float32, len(active)*cfg.Hidden)
	logits := make([]float32, len(active)*cfg.Vocab)
	segments := make([]llama.Segment, 0, len(active))
	for step := 0; len(active) > 0; step++ {
		start := time.Now()
		var going []*sequence
		segments = segments[:0]
		for _, s := range active {
			more, err := p.next(s)
			if err != nil {
				return err
			}
			if !more {
				continue
			}
			at := len(going) * cfg.Hidden
			if err := p.llm.Embed(x[at:at+cfg.Hidden], s.g.IDs[len(s.g.IDs)-1:]); err != nil {
				return err
			}
			going = append(going, s)
			segments = append(segments, llama.Segment{Session: s.session, Rows: 1})
		}
		if step == 0 {
			drawn := time.Since(start)
			for _, s := range active {
				if len(s.g.IDs) > 0 {
					s.t.FirstToken = since() + drawn
				}
			}
		}
		if active[0].limit > 0 {
			p.report("generate", step+1, active[0].limit)
		}
		if n := len(going); n > 0 {
			rows := x[:n*cfg.Hidden]
			if err := p.llm.Forward(p.workers, &scratch, rows, segments, p.until(ctx, segments[0].Session.Len())); err != nil {
				return err
			}
			p.llm.Logits(p.workers, logits[:n*cfg.Vocab], rows, n)
			for i, s := range going {
				s.logits = logits[i*cfg.Vocab : (i+1)*cfg.Vocab]
			}
		}
		share := time.Since(start) / time.Duration(len(active))
		for _, s := range active {
			s.t.Decode += share
		}
		active = going
	}
	return nil
}

// finish completes an answer's text.
func (s *sequence) finish() *Generation {
	s.g.Text = s.out.finish()
	return s.g
}
