package stats

import (
	"math"
	"math/rand/v2"
	"slices"
)

// Bootstrap settings for a 95 % interval: its ends move by about a fiftieth of its width from one seed to another.
const (
	DefaultResamples = 2000
	DefaultSeed      = 20240731
)

// A Bootstrap resamples items to see how much a figure moves that no formula covers, such as F1 or a sum of scores.
type Bootstrap struct {
	groups    []int
	count     int
	resamples int
	seed      uint64
}

// NewBootstrap resamples n items in whole clusters, named as for Mean. resamples and seed of 0 are the defaults. The same
// seed gives the same interval, everywhere.
func NewBootstrap(n int, clusters []string, resamples int, seed uint64) *Bootstrap {
	b := &Bootstrap{resamples: resamples, seed: seed}
	b.groups, b.count = number(n, clusters)
	if b.resamples == 0 {
		b.resamples = DefaultResamples
	}
	if b.seed == 0 {
		b.seed = DefaultSeed
	}
	return b
}

// Clusters is the number of clusters.
func (b *Bootstrap) Clusters() int { return b.count }

// Interval is the percentile interval (Efron and Tibshirani 1993, chapter 13) of figures: f is called with how many times
// each item is in a resample (a whole cluster together) and fills the figures into out, a slice of the given length. A
// figure that is not a number in a resample, such as a share of nothing, is left out of its interval; without any the
// interval is NaN.
//
// Resampling clusters as they are is the cluster bootstrap of Davison and Hinkley (1997, section 3.8).
func (b *Bootstrap) Interval(figures int, f func(times []int, out []float64)) []Interval {
	rng := rand.New(rand.NewPCG(b.seed, 0))
	drawn := make([]int, b.count)
	times := make([]int, len(b.groups))
	values := make([][]float64, figures)
	out := make([]float64, figures)
	for range b.resamples {
		clear(drawn)
		for range b.count {
			drawn[rng.IntN(b.count)]++
		}
		for i, g := range b.groups {
			times[i] = drawn[g]
		}
		f(times, out)
		for k, v := range out {
			if !math.IsNaN(v) {
				values[k] = append(values[k], v)
			}
		}
	}
	intervals := make([]Interval, figures)
	for k, v := range values {
		slices.Sort(v)
		intervals[k] = Interval{quantile(v, 0.025), quantile(v, 0.975)}
	}
	return intervals
}

// quantile is the q-quantile of sorted values, interpolated linearly between order statistics (type 7 of Hyndman and Fan
// 1996, the default of R and NumPy); NaN of nothing.
func quantile(sorted []float64, q float64) float64 {
	if len(sorted) == 0 {
		return math.NaN()
	}
	at := q * float64(len(sorted)-1)
	low := int(at)
	if low+1 >= len(sorted) {
		return sorted[len(sorted)-1]
	}
	part := at - float64(low)
	return sorted[low] + float64(part*(sorted[low+1]-sorted[low]))
}
