package compare

import (
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"

	"llavabench/internal/cost"
	"llavabench/internal/rundir"
	"llavabench/internal/stats"
)

// Latency compares the times of the samples that did the same work in both runs: as many prompt and output tokens.
type Latency struct {
	// Judged tells whether the times can be compared; Reason says why not.
	Judged bool    `json:"judged"`
	Reason string  `json:"reason,omitempty"`
	Stages []Stage `json:"stages"` // the total first
}

// A Stage is one stage of an answer, times in milliseconds.
type Stage struct {
	Name string `json:"stage"`
	stats.Ratio
	// Tenth is the 10 % quantile of the samples' ratios: nine of ten samples have a larger one. Other work on the machine
	// slows some samples and spares others, a slower program slows them all.
	Tenth float64 `json:"ratio_of_nine_tenths"`
}

// Total names the sum of all stages.
const Total = cost.Total

// minPairs is how many samples an interval needs.
const minPairs = 6

func latency(a, b rundir.Manifest, pairs rundir.Pairs, timesA, timesB []rundir.Timing) Latency {
	l := Latency{Stages: []Stage{}}
	base, new, batched := byStage(pairs, timesA, timesB)
	total := sums(base)
	l.Reason = unlike(a.Machine, b.Machine)
	if l.Reason == "" && !slices.EqualFunc(timesA, timesB, func(x, y rundir.Timing) bool { return x.Together == y.Together }) {
		l.Reason = "the runs answered different numbers of questions at the same time"
	}
	if reused := func(t rundir.Timing) bool { return t.Reused > 0 }; l.Reason == "" && (slices.ContainsFunc(timesA, reused) || slices.ContainsFunc(timesB, reused)) {
		l.Reason = "a run took features of the vision tower from an earlier one"
	}
	if l.Reason == "" {
		l.Reason = busier(a.Load, b.Load)
	}
	if l.Reason == "" && len(total) < minPairs {
		l.Reason = fmt.Sprintf("%d samples with times did the same work in both runs, at least %d are needed", len(total), minPairs)
		if batched {
			l.Reason = fmt.Sprintf("%d batches of samples with times did the same work in both runs, at least %d are needed (questions answered at the same time are one measurement; eval --batch 1 makes each its own)", len(total), minPairs)
		}
	}
	l.Judged = l.Reason == ""
	if len(total) == 0 {
		return l
	}
	l.Stages = append(l.Stages, stage(Total, total, sums(new)))
	for _, name := range slices.Sorted(maps.Keys(base)) {
		if name == Total {
			continue
		}
		if s := stage(name, base[name], new[name]); s.N > 0 {
			l.Stages = append(l.Stages, s)
		}
	}
	return l
}

// unlike says in what two machines differ that changes how fast they are; "" for nothing.
func unlike(a, b rundir.Machine) string {
	var differ []string
	for _, v := range []struct{ name, a, b string }{
		{"CPU", a.CPU, b.CPU}, {"instruction set", a.ISA, b.ISA}, {"threads", fmt.Sprint(a.Threads), fmt.Sprint(b.Threads)},
		{"system", a.OS + " " + a.Arch, b.OS + " " + b.Arch},
	} {
		if v.a != v.b {
			differ = append(differ, fmt.Sprintf("%s %s and %s", v.name, v.a, v.b))
		}
	}
	if len(differ) == 0 {
		return ""
	}
	return "the machines are not alike: " + strings.Join(differ, ", ")
}

// maxBusier is by how much the share of time that the runs' threads waited for a CPU may differ.
const maxBusier = 0.1

// busier says that other work on the machine took more of it in one run than in the other; "" where it did not, or where it
// is not known.
func busier(a, b *rundir.Load) string {
	if a == nil || b == nil || math.Abs(a.Waiting()-b.Waiting()) <= maxBusier {
		return ""
	}
	return fmt.Sprintf("other work kept the machine busy: threads waited for a CPU for %.0f %% of their time in the base run and %.0f %% in the new one", 100*a.Waiting(), 100*b.Waiting())
}

// byStage gives the times of each stage that every comparable sample has in both runs, in the order of the base run. The
// samples of a batch share their times, which go up and down together: they are added up to one.
func byStage(pairs rundir.Pairs, timesA, timesB []rundir.Timing) (base, new map[string][]float64, batched bool) {
	a, b := byID(timesA), byID(timesB)
	batch := batches(timesA)
	base, new = map[string][]float64{}, map[string][]float64{}
	samples, last := 0, -1
	for i, s := range pairs.Base {
		n := pairs.New[i]
		x, y := a[s.ID], b[n.ID]
		if s.Error != "" || n.Error != "" || s.PromptTokens != n.PromptTokens || len(s.OutputIDs) != len(n.OutputIDs) || len(x) == 0 || len(y) == 0 {
			continue
		}
		if batch[s.ID] == last {
			batched = true
			for name := range base {
				if k := len(base[name]) - 1; k == samples-1 {
					base[name][k] += x[name]
					new[name][k] += y[name]
				}
			}
			continue
		}
		last = batch[s.ID]
		samples++
		for name := range x {
			if _, ok := y[name]; ok {
				base[name], new[name] = append(base[name], x[name]), append(new[name], y[name])
			}
		}
	}
	for name := range base {
		if len(base[name]) < samples {
			delete(base, name)
			delete(new, name)
		}
	}
	return base, new, batched
}

// batches numbers the questions that were answered at the same time: as many in a row as the first of them says.
func batches(times []rundir.Timing) map[string]int {
	out := make(map[string]int, len(times))
	number, left := 0, 0
	for _, t := range times {
		if left == 0 {
			number++
			left = max(t.Together, 1)
		}
		out[t.ID] = number
		if len(t.Milliseconds) > 0 { // a question that failed is not counted
			left--
		}
	}
	return out
}

func byID(times []rundir.Timing) map[string]map[string]float64 {
	out := make(map[string]map[string]float64, len(times))
	for _, t := range times {
		out[t.ID] = t.Milliseconds
	}
	return out
}

// sums adds up the stages of each sample.
func sums(stages map[string][]float64) []float64 {
	var total []float64
	for _, name := range slices.Sorted(maps.Keys(stages)) {
		if name == cost.FirstToken || name == Total {
			continue // on the clock: not stages of their own
		}
		if total == nil {
			total = make([]float64, len(stages[name]))
		}
		for i, v := range stages[name] {
			total[i] += v
		}
	}
	return total
}

// stage compares the times that can be: what was too short to be measured has no ratio.
func stage(name string, base, new []float64) Stage {
	var a, b []float64
	for i := range base {
		if base[i] > 0 && new[i] > 0 {
			a, b = append(a, base[i]), append(b, new[i])
		}
	}
	s := Stage{Name: name}
	if len(a) == 0 {
		return s
	}
	s.Ratio = stats.PairedRatio(a, b)
	ratios := make([]float64, len(a))
	for i := range a {
		ratios[i] = b[i] / a[i]
	}
	s.Tenth = stats.Quantile(ratios, 0.1)
	return s
}
