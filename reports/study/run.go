// Package study reads run directories and compares the runs of one suite: what tables, figures and pages say. It knows
// nothing but what the runs recorded.
package study

import (
	"fmt"
	"math"
	"path/filepath"

	"llavabench/internal/cost"
	"llavabench/internal/rundir"
	"llavabench/internal/stats"
)

// A Run is a run directory in memory.
type Run struct {
	Name     string // short, unique among the runs that were read together
	Path     string // as given
	Manifest rundir.Manifest
	Samples  []rundir.Sample
	// Times are those of each sample; a sample without has the zero value.
	Times []rundir.Timing
	// Official is the score by the rules of the benchmark's owners; nil where the run has none.
	Official *rundir.Official
	// Cost is what the answers cost; nil where nothing was timed.
	Cost *cost.Cost
	// Reused is the number of questions with vision features from an earlier run: they have no times of the tower and of the
	// whole answer.
	Reused int

	steady []rundir.Timing // Times without the warm-up, which speeds and latencies leave out
}

// Load reads one run directory. It need not be finished.
func Load(path string) (Run, error) {
	r := Run{Path: path}
	var err error
	if r.Manifest, err = rundir.ReadManifest(path); err != nil {
		return Run{}, fmt.Errorf("%s is not a run directory: %w", path, err)
	}
	if r.Samples, err = rundir.ReadSamples(path); err != nil {
		return Run{}, err
	}
	if len(r.Samples) == 0 {
		return Run{}, fmt.Errorf("%s: no sample was answered yet", path)
	}
	if r.Official, err = rundir.ReadOfficial(path); err != nil {
		return Run{}, err
	}
	timings, err := rundir.ReadTimings(path)
	if err != nil {
		return Run{}, err
	}
	seen := map[string]bool{}
	for i, s := range r.Samples {
		if seen[s.ID] {
			return Run{}, fmt.Errorf("%s: sample %d has the id %q of an earlier one", path, i, s.ID)
		}
		seen[s.ID] = true
		if s.Score != nil && (math.IsNaN(*s.Score) || math.IsInf(*s.Score, 0)) {
			return Run{}, fmt.Errorf("%s: sample %q has the score %v", path, s.ID, *s.Score)
		}
	}
	r.Times = make([]rundir.Timing, len(r.Samples))
	for i, t := range timings { // a crash can have lost some
		if t.Index < 0 || t.Index >= len(r.Samples) || t.ID != r.Samples[t.Index].ID {
			return Run{}, fmt.Errorf("%s: timing %d is of %q, the samples know no such answer there", path, i, t.ID)
		}
		r.Times[t.Index] = t
		if t.Reused > 0 {
			r.Reused++
		}
	}
	r.Cost = cost.Of(r.Samples, timings)
	r.steady, _ = cost.Steady(timings)
	return r, nil
}

// LoadAll reads run directories and names the runs.
func LoadAll(paths []string) ([]Run, error) {
	var runs []Run
	seen := map[string]string{}
	for _, path := range paths {
		whole, err := filepath.Abs(path)
		if err != nil {
			return nil, err
		}
		if first, ok := seen[whole]; ok {
			return nil, fmt.Errorf("%s and %s are the same run", first, path)
		}
		seen[whole] = path
		r, err := Load(path)
		if err != nil {
			return nil, err
		}
		runs = append(runs, r)
	}
	name(runs)
	return runs, nil
}

// Failed is the number of questions without an answer.
func (r Run) Failed() int {
	n := 0
	for _, s := range r.Samples {
		if s.Error != "" {
			n++
		}
	}
	return n
}

// Accuracy is the mean score of the samples that keep takes (nil: all). Questions about one picture are one cluster.
func (r Run) Accuracy(keep func(rundir.Sample) bool) stats.Estimate {
	var scores []float64
	var clusters []string
	for _, s := range r.Samples {
		if score, ok := s.Mark(); ok && (keep == nil || keep(s)) {
			scores, clusters = append(scores, score), append(clusters, s.PixelSHA256)
		}
	}
	return stats.Mean(scores, clusters)
}

// ImageTokens and PromptTokens are means over the answered questions; NaN without any.
func (r Run) ImageTokens() float64 {
	return r.meanOf(func(s rundir.Sample) int { return s.ImageTokens })
}

// PromptTokens counts the positions of the merged prompt, image tokens included.
func (r Run) PromptTokens() float64 {
	return r.meanOf(func(s rundir.Sample) int { return s.PromptTokens })
}

func (r Run) meanOf(get func(rundir.Sample) int) float64 {
	sum, n := 0.0, 0
	for _, s := range r.Samples {
		if s.Error == "" {
			sum += float64(get(s))
			n++
		}
	}
	if n == 0 {
		return math.NaN()
	}
	return sum / float64(n)
}

// Stages are the stages that the run timed, in their order.
func (r Run) Stages() []string { return cost.Stages(r.steady) }

// Stage gives the milliseconds of one stage, of the samples that have it.
func (r Run) Stage(name string) []float64 { return cost.Times(r.steady, name) }

// FirstToken gives the milliseconds from the picture to the first token.
func (r Run) FirstToken() []float64 { return r.Stage(cost.FirstToken) }

// Latency is the milliseconds on the clock until one whole answer; ok is false where they were not recorded.
func (r Run) Latency(sample int) (ms float64, ok bool) { return latency(r.Times[sample]) }

func latency(t rundir.Timing) (ms float64, ok bool) {
	if v, ok := t.Milliseconds[cost.Total]; ok {
		return v, true
	}
	first, ok := t.Milliseconds[cost.FirstToken]
	if !ok || t.Together > 1 { // decoding is a share then
		return 0, false
	}
	return first + t.Milliseconds[cost.Decode], true
}

// Latencies are those of all samples that have one.
func (r Run) Latencies() []float64 {
	var ms []float64
	for _, t := range r.steady {
		if v, ok := latency(t); ok {
			ms = append(ms, v)
		}
	}
	return ms
}

// A Speed is tokens per second at a number of positions.
type Speed struct {
	Positions int // of the prompt, or of the sequence in the middle of decoding
	Rate      float64
}

// Prefill gives the speed of every sample's prefill.
func (r Run) Prefill() []Speed {
	var out []Speed
	for _, t := range r.steady {
		s := r.Samples[t.Index]
		if ms := t.Milliseconds["prefill"]; ms > 0 && s.PromptTokens > 0 {
			out = append(out, Speed{s.PromptTokens, float64(s.PromptTokens) / ms * 1000})
		}
	}
	return out
}

// Decode gives the speed of every sample's decoding. The first token comes from the prefill.
func (r Run) Decode() []Speed {
	var out []Speed
	for _, t := range r.steady {
		s := r.Samples[t.Index]
		if ms, n := t.Milliseconds[cost.Decode], len(s.OutputIDs)-1; ms > 0 && n > 0 {
			out = append(out, Speed{s.PromptTokens + n/2, float64(n) / ms * 1000})
		}
	}
	return out
}
