package stats

import (
	"fmt"
	"math"
	"slices"

	"gonum.org/v1/gonum/stat/distuv"
)

// ratioBlocks is into how many blocks PairedRatio cuts a run at most.
const ratioBlocks = 20

// A Ratio is how many times longer the same samples took in one run than in another.
type Ratio struct {
	N      int      `json:"n"`      // pairs of times
	Blocks int      `json:"blocks"` // of consecutive pairs that the interval is made from
	Base   float64  `json:"base"`   // medians of the times
	New    float64  `json:"new"`
	Value  float64  `json:"ratio"` // the median of new/base
	CI     Interval `json:"ci95"`
}

// PairedRatio compares positive times of the same samples in the order in which they were taken. Times of neighbours are
// not independent (whatever else the machine did lasted longer than one sample), so the run is cut into blocks of
// consecutive samples, at most 20 of equal length, and the interval is the one of order statistics (Conover 1999, section
// 3.2) for the median of the blocks' medians: it needs no distribution and does not mind single slow samples. Fewer than
// 6 blocks have no 95 % interval; it is 0 to infinity then.
func PairedRatio(base, new []float64) Ratio {
	if len(base) != len(new) {
		panic(fmt.Sprintf("stats: %d and %d times", len(base), len(new)))
	}
	r := Ratio{N: len(base), CI: Interval{0, math.Inf(1)}}
	if r.N == 0 {
		r.Value = math.NaN()
		return r
	}
	logs := make([]float64, r.N)
	for i := range base {
		logs[i] = math.Log(new[i] / base[i])
	}
	r.Base, r.New, r.Value = Median(base), Median(new), math.Exp(Median(logs))
	r.Blocks = min(r.N, ratioBlocks)
	medians := make([]float64, r.Blocks)
	for b := range medians {
		medians[b] = Median(logs[b*r.N/r.Blocks : (b+1)*r.N/r.Blocks])
	}
	slices.Sort(medians)
	if k := medianRank(r.Blocks); k > 0 {
		r.CI = Interval{math.Exp(medians[k-1]), math.Exp(medians[r.Blocks-k])}
	}
	return r
}

// medianRank is the largest k for which the k-th smallest and k-th largest of n values hold the median between them with at
// least 95 %; 0 where none do.
func medianRank(n int) int {
	coin := distuv.Binomial{N: float64(n), P: 0.5}
	k := 0
	for 2*coin.CDF(float64(k)) <= 0.05 {
		k++
	}
	return k
}

// Median is the middle of values, the mean of the two middle ones where their number is even; NaN of nothing.
func Median(values []float64) float64 { return Quantile(values, 0.5) }

// Quantile is the q-quantile of values, of type 7 of Hyndman and Fan (1996), as R and NumPy give it; NaN of nothing.
func Quantile(values []float64, q float64) float64 { return Quantiles(values, q)[0] }

// Quantiles are several quantiles of values.
func Quantiles(values []float64, qs ...float64) []float64 {
	sorted := slices.Clone(values)
	slices.Sort(sorted)
	out := make([]float64, len(qs))
	for i, q := range qs {
		out[i] = quantile(sorted, q)
	}
	return out
}
