package stats

import (
	"cmp"
	"slices"
)

// Holm corrects p-values for being many: rejecting those whose corrected value is at most a keeps the chance of any false
// rejection among all of them at most a, however they depend on each other. The order is kept.
//
// Source: Holm 1979; in R p.adjust(p, "holm").
func Holm(p []float64) []float64 {
	order := make([]int, len(p))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(p[a], p[b]) })
	out := make([]float64, len(p))
	largest := 0.0
	for rank, i := range order {
		largest = max(largest, min(1, float64(len(p)-rank)*p[i]))
		out[i] = largest
	}
	return out
}
