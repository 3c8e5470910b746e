package score

import (
	"math"
	"slices"
	"strings"
)

// An MMVetItem is a question of MM-Vet with its grades.
type MMVetItem struct {
	Capabilities []string
	Grades       []float64 // one a run, 0 to 1
}

// Combination is the key of a set of capabilities: sorted, joined by underscores. Upstream's order is that of a Python set.
func (it MMVetItem) Combination() string {
	return strings.Join(distinct(it.Capabilities), "_")
}

func distinct(names []string) []string {
	sorted := slices.Clone(names)
	slices.Sort(sorted)
	return slices.Compact(sorted)
}

// An MMVetScore is the score of a capability or of a combination of them: the mean grade times 100.
type MMVetScore struct {
	Name string
	N    int
	// Score is the mean over the runs, rounded to one decimal.
	Score float64
	// Runs are the runs' own scores, not rounded.
	Runs []float64
}

// An MMVetSummary is what mm-vet_evaluator.py writes.
type MMVetSummary struct {
	Capabilities []MMVetScore // most frequent first, the first met of equals
	Combinations []MMVetScore // by name
	Total        MMVetScore
	Std          float64 // of the runs' totals, rounded to one decimal
}

// SummariseMMVet scores items over their first runs grades: sums in the order of the items, as upstream adds them.
func SummariseMMVet(items []MMVetItem, runs int) MMVetSummary {
	total := newMMVetSum("total", runs)
	var caps, combos []*mmvetSum
	add := func(list *[]*mmvetSum, name string, grades []float64) {
		i := slices.IndexFunc(*list, func(s *mmvetSum) bool { return s.name == name })
		if i < 0 {
			i = len(*list)
			*list = append(*list, newMMVetSum(name, runs))
		}
		(*list)[i].add(grades)
	}
	for _, it := range items {
		var seen []string
		for _, c := range it.Capabilities {
			if !slices.Contains(seen, c) {
				seen = append(seen, c)
				add(&caps, c, it.Grades)
			}
		}
		add(&combos, it.Combination(), it.Grades)
		total.add(it.Grades)
	}
	slices.SortStableFunc(caps, func(a, b *mmvetSum) int { return b.n - a.n })
	slices.SortFunc(combos, func(a, b *mmvetSum) int { return strings.Compare(a.name, b.name) })
	s := MMVetSummary{Total: total.score()}
	for _, c := range caps {
		s.Capabilities = append(s.Capabilities, c.score())
	}
	for _, c := range combos {
		s.Combinations = append(s.Combinations, c.score())
	}
	s.Std = NumpyRound(numpyStd(s.Total.Runs), 1)
	return s
}

type mmvetSum struct {
	name string
	n    int
	sums []float64
}

func newMMVetSum(name string, runs int) *mmvetSum {
	return &mmvetSum{name: name, sums: make([]float64, runs)}
}

func (s *mmvetSum) add(grades []float64) {
	s.n++
	for i := range s.sums {
		s.sums[i] += grades[i]
	}
}

func (s *mmvetSum) score() MMVetScore {
	r := MMVetScore{Name: s.name, N: s.n, Runs: make([]float64, len(s.sums))}
	for i, sum := range s.sums {
		r.Runs[i] = float64(sum/float64(s.n)) * 100
	}
	r.Score = NumpyRound(NumpyMean(r.Runs), 1)
	return r
}

// numpyStd is numpy.std: the root of the mean squared deviation.
func numpyStd(v []float64) float64 {
	mean := NumpyMean(v)
	squares := make([]float64, len(v))
	for i, x := range v {
		d := x - mean
		squares[i] = d * d
	}
	return math.Sqrt(NumpyMean(squares))
}
