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
	"llavabench/internal/imaging"
	"llavabench/internal/pipeline"
)

// Options are the settings of a run that are not the model's. Together with those they decide every answer.
type Options struct {
	Template     string `json:"template"` // "" is the checkpoint's own
	MaxNewTokens int    `json:"max_new_tokens"`
	// Blind replaces every picture by one of its mean colour and the same size: what is answered right then is known from
	// the question alone.
	Blind bool `json:"blind"`
	// SampleTimeout, if not 0, ends a question that takes longer: it counts as failed. Which ones do depends on the machine.
	SampleTimeout time.Duration `json:"sample_timeout_ns,omitempty"`
}

// A System is an open checkpoint.
type System struct {
	p *pipeline.Pipeline
	o Options
}

// New makes a system of a pipeline, which the caller closes.
func New(p *pipeline.Pipeline, o Options) *System { return &System{p: p, o: o} }

// Answer asks a question about a picture (or none), greedily.
func (s *System) Answer(ctx context.Context, q eval.Question, image *imaging.RGB) (eval.Answer, error) {
	var images []*imaging.RGB
	if image != nil {
		if s.o.Blind {
			image = meanPicture(image)
		}
		images = append(images, image)
	}
	prompt, err := s.p.Prompt(pipeline.Question{Text: q.Text, Images: len(images), Template: s.o.Template})
	if err != nil {
		return eval.Answer{}, err
	}
	limited, cancel := s.limit(ctx)
	defer cancel()
	a, err := s.p.Answer(limited, pipeline.Request{Images: images, IDs: prompt.IDs, Generate: pipeline.GenerateOptions{
		MaxNewTokens: s.o.MaxNewTokens, Stop: prompt.Stop, EOS: prompt.EOS,
	}})
	if err != nil {
		return eval.Answer{}, s.failure(ctx, limited, err)
	}
	return eval.Answer{
		Text: strings.TrimSpace(a.Text), IDs: a.IDs, Prompt: prompt.Text, PromptTokens: a.PromptTokens, ImageTokens: a.ImageTokens,
		LogitsSHA256: digest(a.Logits), Milliseconds: bench.Milliseconds(a.Timings),
	}, nil
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
