// Package cost says what the answers of a run cost: time by stage, speed, memory and energy, from what was recorded of each.
package cost

import (
	"slices"

	"llavabench/internal/rundir"
	"llavabench/internal/stats"
)

// Names of times, as rundir.Timing has them.
const (
	Decode     = "decode"
	FirstToken = "first_token" // on the clock, from the picture (of the batch's first question) to the first token
	Total      = "total"       // on the clock, of a whole answer (all answers of a batch)
)

// stages are those of an answer, in their order; what else a system times follows by name.
var stages = []string{"preprocess", "vision", "projector", "prefill", Decode}

// PerToken names the time of decoding for each token after the first.
const PerToken = "decode_per_token"

// A Cost is what the answers of a run cost. Figures and QuestionsPerHour leave the warm-up out.
type Cost struct {
	Answers int `json:"answers"` // that the figures are of
	// WarmUp is how many answers are left out: those of each session's first batch. It is 0 where all answers are of one, and
	// Cold says that then the figures hold the warm-up.
	WarmUp   int  `json:"warm_up_excluded"`
	Cold     bool `json:"warm_up_included,omitempty"`
	Together int  `json:"answered_together,omitempty"` // the most questions that were answered at the same time; absent if unknown
	// Figures are times (first the stages, as shares where questions were answered together; then, on the clock, the first token
	// and the whole answer) and counts of tokens.
	Figures []Figure `json:"figures"`
	// Wall is the time of all sessions of the run, and of all its shards, in seconds, without the loading of the model; absent
	// where it was not recorded.
	Wall             float64 `json:"wall_s,omitempty"`
	QuestionsPerHour float64 `json:"questions_per_hour,omitempty"` // of one process; absent where features of another run were reused
	// PeakRSS is the largest resident memory of the process that ran the model, mapped weights included while they are in memory.
	PeakRSS int64 `json:"peak_rss_bytes,omitempty"`
	// Energy is absent where a part of the run was not measured, or done by another run.
	Energy *Energy `json:"energy,omitempty"`
}

// A Figure is the distribution of a quantity over the answers that have it.
type Figure struct {
	Name string  `json:"name"`
	Unit string  `json:"unit"` // "ms" or "tokens"
	N    int     `json:"n"`
	Mean float64 `json:"mean"`
	P50  float64 `json:"p50"`
	P90  float64 `json:"p90"`
	P99  float64 `json:"p99"`
}

// Energy is what the machine used while the run answered, in joules: of all sessions, and for each answer without the warm-up.
type Energy struct {
	rundir.Energy
	PerAnswer rundir.Energy `json:"per_answer"`
}

// Of makes the cost of a run from its samples and times; nil where no times were recorded.
func Of(samples []rundir.Sample, timings []rundir.Timing) *Cost {
	steady, left := Steady(timings)
	c := &Cost{WarmUp: left, Cold: left == 0}
	for _, t := range steady {
		if len(t.Milliseconds) > 0 {
			c.Answers++
		}
		c.Together = max(c.Together, t.Together)
	}
	if c.Answers == 0 {
		return nil
	}
	for _, name := range Stages(steady) {
		c.add(name, "ms", Times(steady, name))
	}
	c.add(PerToken, "ms", perToken(steady))
	c.add(FirstToken, "ms", Times(steady, FirstToken))
	c.add(Total, "ms", Times(steady, Total))
	prompt, image, answer := tokens(samples, steady)
	c.add("image_tokens", "tokens", image)
	c.add("prompt_tokens", "tokens", prompt)
	c.add("new_tokens", "tokens", answer)

	var wall float64
	reused := false // work of other runs, which is not in the times
	for _, t := range timings {
		reused = reused || t.Reused > 0
		c.Wall += t.Wall / 1000
		c.PeakRSS = max(c.PeakRSS, t.PeakRSS)
	}
	for _, t := range steady {
		wall += t.Wall / 1000
	}
	if wall > 0 && !reused {
		c.QuestionsPerHour = float64(c.Answers) / wall * 3600
	}
	if all, ok := energy(timings); ok && !reused {
		part, _ := energy(steady)
		c.Energy = &Energy{Energy: all, PerAnswer: rundir.Energy{Package: part.Package / float64(c.Answers)}}
		if part.DRAM != nil {
			v := *part.DRAM / float64(c.Answers)
			c.Energy.PerAnswer.DRAM = &v
		}
	}
	return c
}

// add makes a figure of values; none of no values, and none of counts that nobody made.
func (c *Cost) add(name, unit string, values []float64) {
	if len(values) == 0 || unit == "tokens" && slices.Max(values) == 0 {
		return
	}
	q := stats.Quantiles(values, 0.5, 0.9, 0.99)
	f := Figure{Name: name, Unit: unit, N: len(values), P50: q[0], P90: q[1], P99: q[2]}
	for _, v := range values {
		f.Mean += v
	}
	f.Mean /= float64(len(values))
	c.Figures = append(c.Figures, f)
}

// Figure is the figure of a name; ok is false where the run does not have it, or c is nil.
func (c *Cost) Figure(name string) (f Figure, ok bool) {
	if c == nil {
		return Figure{}, false
	}
	i := slices.IndexFunc(c.Figures, func(f Figure) bool { return f.Name == name })
	if i < 0 {
		return Figure{}, false
	}
	return c.Figures[i], true
}

// Steady are the times without the warm-up, the first batch of each session, and how many answers were left out. Where no other
// answer is left, it is all times. Runs that did not mark it have the questions answered together with the first as warm-up.
func Steady(timings []rundir.Timing) (steady []rundir.Timing, left int) {
	unmarked := 0
	if len(timings) > 0 && !slices.ContainsFunc(timings, func(t rundir.Timing) bool { return t.WarmUp || t.Wall > 0 }) {
		unmarked = max(1, timings[0].Together)
	}
	answers := 0
	for i, t := range timings {
		answered := len(t.Milliseconds) > 0
		switch {
		case t.WarmUp || i < unmarked:
			if answered {
				left++
			}
			continue
		case answered:
			answers++
		}
		steady = append(steady, t)
	}
	if answers == 0 {
		return timings, 0
	}
	return steady, left
}

// Stages are the names of the stages that were timed, in the order of an answer.
func Stages(timings []rundir.Timing) []string {
	found := map[string]bool{}
	for _, t := range timings {
		for name := range t.Milliseconds {
			found[name] = true
		}
	}
	var known, others []string
	for _, name := range stages {
		if found[name] {
			known = append(known, name)
		}
	}
	for name := range found {
		if !slices.Contains(stages, name) && name != FirstToken && name != Total {
			others = append(others, name)
		}
	}
	slices.Sort(others)
	return append(known, others...)
}

// Times are those of one name, of the answers that have it.
func Times(timings []rundir.Timing, name string) []float64 {
	var ms []float64
	for _, t := range timings {
		if v, ok := t.Milliseconds[name]; ok {
			ms = append(ms, v)
		}
	}
	return ms
}

// perToken is the time of decoding by the tokens that were decoded; the first comes from the prefill.
func perToken(timings []rundir.Timing) []float64 {
	var ms []float64
	for _, t := range timings {
		if v, n := t.Milliseconds[Decode], t.NewTokens-1; v > 0 && n > 0 {
			ms = append(ms, v/float64(n))
		}
	}
	return ms
}

// tokens are the counts of the answers that were timed.
func tokens(samples []rundir.Sample, timings []rundir.Timing) (prompt, image, answer []float64) {
	for _, t := range timings {
		if len(t.Milliseconds) == 0 || t.Index < 0 || t.Index >= len(samples) {
			continue
		}
		s := samples[t.Index]
		prompt, image, answer = append(prompt, float64(s.PromptTokens)), append(image, float64(s.ImageTokens)), append(answer, float64(t.NewTokens))
	}
	return prompt, image, answer
}

// energy adds up what was used; ok is false where a line has none.
func energy(timings []rundir.Timing) (sum rundir.Energy, ok bool) {
	dram, counted := 0.0, true
	for _, t := range timings {
		if t.Energy == nil {
			return rundir.Energy{}, false
		}
		sum.Package += t.Energy.Package
		if counted = counted && t.Energy.DRAM != nil; counted {
			dram += *t.Energy.DRAM
		}
	}
	if counted {
		sum.DRAM = &dram
	}
	return sum, len(timings) > 0
}
