// Package bench times models on pictures: image tokens, the latency of each stage and the speed of decoding.
package bench

import (
	"context"
	"fmt"
	"path/filepath"
	"slices"
	"time"

	"llavabench/internal/cost"
	"llavabench/internal/imaging"
	"llavabench/internal/pipeline"
	"llavabench/internal/rundir"
	"llavabench/internal/stats"
)

// Options choose what is measured.
type Options struct {
	Models   []string // checkpoint directories or hub names
	Variants []string // one for each model; "" is what the checkpoint is
	Images   []string // picture files
	Question string
	Tokens   int // generated per answer, fewer if the answer ends
	Repeat   int // answers per model and picture; the median of each stage is reported
	Model    pipeline.Options
	// Progress is told how many of total answers are done. It may be nil.
	Progress func(stage string, done, total int)
}

// A Result is one model on one picture. Times are medians over the repetitions.
type Result struct {
	Model           string  `json:"model"`
	Variant         string  `json:"variant"`
	Title           string  `json:"title"`
	DType           string  `json:"dtype"`
	Image           string  `json:"image"`
	Width           int     `json:"width"`
	Height          int     `json:"height"`
	Views           int     `json:"views"`
	ImageTokens     int     `json:"image_tokens"`
	PromptTokens    int     `json:"prompt_tokens"`
	NewTokens       int     `json:"new_tokens"`
	TokensPerSecond float64 `json:"tokens_per_second"`
	// Milliseconds are the times by stage, named as in package cost.
	Milliseconds map[string]float64 `json:"timings_ms"`
}

// Run measures every model on every picture, model by model. The answers of all repetitions must be the same; a difference
// is an error, because it would mean that a result depends on timing.
func Run(ctx context.Context, o Options) ([]Result, error) {
	var pictures []*imaging.RGB
	for _, file := range o.Images {
		img, _, err := imaging.DecodeFile(file, imaging.DecodeOptions{})
		if err != nil {
			return nil, err
		}
		pictures = append(pictures, img)
	}
	total := len(o.Models) * len(pictures) * o.Repeat
	done := 0
	var results []Result
	for m, model := range o.Models {
		opts := o.Model
		opts.Variant = o.Variants[m]
		p, err := pipeline.Open(ctx, model, opts)
		if err != nil {
			return nil, err
		}
		for i, img := range pictures {
			step := func() {
				done++
				if o.Progress != nil {
					o.Progress("bench", done, total)
				}
			}
			r, err := measure(ctx, p, img, o, step)
			if err != nil {
				p.Close()
				return nil, fmt.Errorf("%s on %s: %w", model, o.Images[i], err)
			}
			r.Model, r.Image = model, filepath.Base(o.Images[i])
			results = append(results, r)
		}
		if err := p.Close(); err != nil {
			return nil, err
		}
	}
	return results, nil
}

func measure(ctx context.Context, p *pipeline.Pipeline, img *imaging.RGB, o Options, step func()) (Result, error) {
	prompt, err := p.Prompt(pipeline.Question{Text: o.Question, Images: 1})
	if err != nil {
		return Result{}, err
	}
	req := pipeline.Request{Images: []*imaging.RGB{img}, IDs: prompt.IDs, Generate: pipeline.GenerateOptions{MaxNewTokens: o.Tokens}}
	var first *pipeline.Answer
	var times []rundir.Timing
	for range o.Repeat {
		a, err := p.Answer(ctx, req)
		if err != nil {
			return Result{}, err
		}
		if first == nil {
			first = a
		}
		if !slices.Equal(first.IDs, a.IDs) {
			return Result{}, fmt.Errorf("two runs of the same question gave different tokens: %v and %v", first.IDs, a.IDs)
		}
		times = append(times, rundir.Timing{Milliseconds: Milliseconds(a.Timings)})
		step()
	}
	r := Result{
		Variant: p.Variant().Name, Title: p.Variant().Title, DType: p.DType(), Width: img.Width, Height: img.Height,
		Views: first.Pictures[0].Views, ImageTokens: first.ImageTokens, PromptTokens: first.PromptTokens, NewTokens: len(first.IDs),
		Milliseconds: map[string]float64{},
	}
	for name := range times[0].Milliseconds {
		r.Milliseconds[name] = stats.Median(cost.Times(times, name))
	}
	if n := r.NewTokens - 1; n > 0 && r.Milliseconds[cost.Decode] > 0 {
		r.TokensPerSecond = float64(n) / r.Milliseconds[cost.Decode] * 1000
	}
	return r, nil
}

// Milliseconds gives times by the names that `run --json` uses.
func Milliseconds(t pipeline.Timings) map[string]float64 {
	ms := func(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }
	return map[string]float64{
		"preprocess": ms(t.Preprocess), "vision": ms(t.Vision), "projector": ms(t.Projector), "prefill": ms(t.Prefill),
		"first_token": ms(t.FirstToken), "decode": ms(t.Decode), "total": ms(t.Total),
	}
}
