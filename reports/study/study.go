package study

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strings"

	"llavabench/internal/rundir"
	"llavabench/internal/stats"
)

// A Study is the runs over one suite.
type Study struct {
	Suite rundir.Suite // Items is the largest number that a run was to answer
	Runs  []Run
	// Baseline says that the first run is what the others are compared with, and they not with each other: fewer comparisons are
	// corrected for.
	Baseline bool
}

// Group sorts runs into studies, in the order of their first runs. A suite is the same when its name, version, seed and
// split are; runs may have answered different numbers of its items.
func Group(runs []Run) []Study {
	var out []Study
	at := map[rundir.Suite]int{}
	for _, r := range runs {
		key := r.Manifest.Suite
		key.Items = 0
		i, ok := at[key]
		if !ok {
			i = len(out)
			at[key] = i
			out = append(out, Study{Suite: key})
		}
		out[i].Suite.Items = max(out[i].Suite.Items, r.Manifest.Suite.Items)
		out[i].Runs = append(out[i].Runs, r)
	}
	return out
}

// Against makes one study of runs that answered the same questions, however they were asked (other prompts make another suite
// for Group), with the first as the baseline.
func Against(runs []Run) Study {
	s := Study{Suite: runs[0].Manifest.Suite, Runs: runs, Baseline: true}
	for _, r := range runs {
		s.Suite.Items = max(s.Suite.Items, r.Manifest.Suite.Items)
	}
	return s
}

// Title names the suite with what its items depend on.
func (s Study) Title() string {
	t := s.Suite.Name
	if s.Suite.Split != "" {
		t += " " + s.Suite.Split
	}
	if s.Suite.Categories != "" {
		t += " (" + strings.ReplaceAll(s.Suite.Categories, ",", ", ") + ")"
	}
	if s.Suite.Seed != 0 {
		t += fmt.Sprintf(", seed %d", s.Suite.Seed)
	}
	return t
}

// Categories are those of the questions that count, in the order in which they first appear. A suite without categories has
// none.
func (s Study) Categories() []string {
	var names []string
	seen := map[string]bool{"": true}
	for _, r := range s.Runs {
		for _, x := range r.Samples {
			if _, ok := x.Mark(); ok && !seen[x.Category] {
				seen[x.Category] = true
				names = append(names, x.Category)
			}
		}
	}
	return names
}

// Scored is the number of questions that count in each run, the smallest and the largest.
func (s Study) Scored() (least, most int) {
	least = math.MaxInt
	for _, r := range s.Runs {
		n := r.Accuracy(nil).N
		least, most = min(least, n), max(most, n)
	}
	return least, most
}

// A Pair is the comparison of two runs on the questions that both were asked.
type Pair struct {
	Base, New int // indices of the runs
	stats.Paired
	// Holm is P corrected for the number of pairs of the study.
	Holm float64
}

// Pairs compares every two runs, the later with the earlier; all with the first alone where that is the baseline.
func (s Study) Pairs() []Pair {
	var out []Pair
	var ps []float64
	for b := range s.Runs {
		if s.Baseline && b > 0 {
			break
		}
		for n := b + 1; n < len(s.Runs); n++ {
			p := Pair{Base: b, New: n, Paired: s.Compare(b, n, nil)}
			if p.N > 0 {
				out, ps = append(out, p), append(ps, p.P)
			}
		}
	}
	for i, h := range stats.Holm(ps) {
		out[i].Holm = h
	}
	return out
}

// Compare pairs the samples of two runs by id, those that keep takes (nil: all). A question about another picture is another question.
func (s Study) Compare(base, new int, keep func(rundir.Sample) bool) stats.Paired {
	theirs := map[string]rundir.Sample{}
	for _, x := range s.Runs[base].Samples {
		theirs[x.ID] = x
	}
	var a, b []float64
	var clusters []string
	for _, x := range s.Runs[new].Samples {
		y, ok := theirs[x.ID]
		if !ok || x.PixelSHA256 != "" && y.PixelSHA256 != "" && x.PixelSHA256 != y.PixelSHA256 || keep != nil && !keep(x) {
			continue
		}
		sx, okx := x.Mark()
		sy, oky := y.Mark()
		if okx && oky {
			a, b, clusters = append(a, sy), append(b, sx), append(clusters, x.PixelSHA256)
		}
	}
	return stats.Compare(a, b, clusters)
}

// Best is the run with the highest accuracy on the samples that keep takes, where it is significantly above that of the
// second: the paired test on the questions of both gives p < 0.05. ok is false otherwise, and with one run.
func (s Study) Best(keep func(rundir.Sample) bool) (run int, ok bool) {
	type entry struct {
		run   int
		value float64
	}
	var order []entry
	for i, r := range s.Runs {
		if a := r.Accuracy(keep); a.N > 0 {
			order = append(order, entry{i, a.Value})
		}
	}
	if len(order) < 2 {
		return 0, false
	}
	slices.SortStableFunc(order, func(a, b entry) int { return cmp.Compare(b.value, a.value) })
	p := s.Compare(order[1].run, order[0].run, keep)
	return order[0].run, p.N > 0 && p.P < 0.05 && p.Difference > 0
}

// In keeps the samples of a category.
func In(category string) func(rundir.Sample) bool {
	return func(s rundir.Sample) bool { return s.Category == category }
}
