package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"time"

	"llavabench/eval"
	"llavabench/eval/local"
	"llavabench/internal/imaging"
	"llavabench/internal/pipeline"
	"llavabench/internal/rundir"
	"llavabench/internal/stats"
)

// suite asks n questions.
func (l load) suite(n int) eval.Suite {
	return eval.Suite{
		Info:  rundir.Suite{Name: l.name, Items: n},
		Score: func(eval.Question, string) (float64, error) { return 0, nil },
		Questions: func(yield func(eval.Question, error) bool) {
			for i := range n {
				picture := i / l.perPicture
				q := eval.Question{
					ID: fmt.Sprint(i), ImageKey: fmt.Sprint(picture), Reference: "yes",
					Text:  fmt.Sprintf("Is there a thing %d?\nYes or no.", i),
					Image: func() (*imaging.RGB, error) { return noise(picture), nil },
				}
				if l.choose.Choose != "" {
					q = offer(q, "a small thing", "two large things", "no thing at all", "some other thing")
				}
				if !yield(q, nil) {
					return
				}
			}
		},
	}
}

// noise is a picture of the size of COCO's, another one for each number.
func noise(number int) *imaging.RGB {
	m := imaging.NewRGB(imaging.Size{W: 640, H: 480})
	state := uint32(number + 1)
	for i := range m.Pix {
		state = state*1664525 + 1013904223 // Numerical Recipes' generator
		m.Pix[i] = uint8(state >> 24)
	}
	return m
}

// A speed is how fast questions were answered.
type speed struct {
	perHour float64 // questions, on the clock
	cpu     float64 // seconds on a CPU of all threads for a question; 0 where the system does not say
}

// measure runs n questions of a load and gives their speed and the bytes of the samples.
func measure(ctx context.Context, p *pipeline.Pipeline, l load, n int, how pipeline.Together, work string) (v speed, samples []byte, err error) {
	var system eval.System = local.New(p, local.Options{MaxNewTokens: l.tokens, Choice: l.choose}, how)
	if how.NoShare && l.choose.Choose != "" {
		system = apart{system}
	}
	before := rundir.ReadLoad()
	took, samples, err := timed(ctx, system, l.suite(n), how.Batch, filepath.Join(work, "run"))
	v.perHour = float64(n) / took.Hours()
	if after := rundir.ReadLoad(); before != nil && after != nil {
		v.cpu = (after.CPU - before.CPU) / float64(n)
	}
	return v, samples, err
}

// median is the median of each figure by itself.
func median(all []speed) speed {
	of := func(get func(speed) float64) float64 {
		var values []float64
		for _, v := range all {
			values = append(values, get(v))
		}
		return stats.Median(values)
	}
	return speed{of(func(v speed) float64 { return v.perHour }), of(func(v speed) float64 { return v.cpu })}
}

// timed runs a suite in a new directory, which it removes again.
func timed(ctx context.Context, sys eval.System, s eval.Suite, batch int, path string) (took time.Duration, samples []byte, err error) {
	m := rundir.Manifest{Suite: s.Info, Settings: []byte(`{}`), System: rundir.System{Options: []byte(`{}`)}}
	d, err := rundir.Create(path, m)
	if err != nil {
		return 0, nil, err
	}
	defer func() { err = errors.Join(err, d.Close(), os.RemoveAll(path)) }()
	start := time.Now()
	if _, err := eval.Run(ctx, s, sys, d, m, eval.Options{Batch: batch}); err != nil {
		return 0, nil, err
	}
	took = time.Since(start)
	samples, err = os.ReadFile(filepath.Join(path, rundir.SamplesFile))
	return took, samples, err
}

// begins checks that the samples of the shared run begin with those of the questions asked alone.
func begins(all, alone []byte) error {
	if !bytes.HasPrefix(all, alone) {
		return errors.New("answers made together are not those made alone")
	}
	return nil
}

// yes answers at once.
type yes struct{}

func (yes) Answer(context.Context, eval.Question, *imaging.RGB) (eval.Answer, error) {
	return eval.Answer{Text: "yes", IDs: []int{1}, Prompt: "a prompt of the usual length, as a suite asks it", PromptTokens: 600, ImageTokens: 576, Milliseconds: map[string]float64{"prefill": 1, "decode": 2}}, nil
}

// runnerCost prints what the runner takes for a question beside its answer, and the time and memory of a large summary.
func runnerCost(ctx context.Context, work string) error {
	const many = 50_000
	l := load{name: "runner", perPicture: 18}
	s := l.suite(many)
	questions := s.Questions
	s.Questions = func(yield func(eval.Question, error) bool) {
		small := imaging.NewRGB(imaging.Size{W: 16, H: 16}) // decoding is the pictures' cost
		for q, err := range questions {
			q.Image = func() (*imaging.RGB, error) { return small, nil }
			if !yield(q, err) {
				return
			}
		}
	}
	path := filepath.Join(work, "cost")
	m := rundir.Manifest{Suite: s.Info, Settings: []byte(`{}`), System: rundir.System{Options: []byte(`{}`)}}
	d, err := rundir.Create(path, m)
	if err != nil {
		return err
	}
	defer os.RemoveAll(path)
	start := time.Now()
	if _, err := eval.Run(ctx, s, yes{}, d, m, eval.Options{Batch: 1}); err != nil {
		return errors.Join(err, d.Close())
	}
	took := time.Since(start)
	if err := d.Close(); err != nil {
		return err
	}
	fmt.Printf("runner: %.0f µs a question with reading, scoring and recording\n", float64(took.Microseconds())/many)

	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	start = time.Now()
	samples, err := rundir.ReadSamples(path)
	if err != nil {
		return err
	}
	timings, err := rundir.ReadTimings(path)
	if err != nil {
		return err
	}
	summary := eval.Summarise(samples, timings)
	took = time.Since(start)
	runtime.ReadMemStats(&after)
	fmt.Printf("summary: %d samples in %.2f s, at most %.0f MB (all that was allocated)\n", summary.Samples, took.Seconds(), float64(after.TotalAlloc-before.TotalAlloc)/1e6)
	return nil
}
