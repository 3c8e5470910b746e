// Package stats has the intervals and tests that measurements are reported with.
package stats

import (
	"encoding/json"
	"math"
)

// z95 is the 97.5 % quantile of the standard normal distribution, for 95 % intervals.
const z95 = 1.959963984540054

// An Interval is a range that holds the true value with 95 % confidence.
type Interval struct {
	Low  float64 `json:"low"`
	High float64 `json:"high"`
}

// MarshalJSON writes an end that is not finite as null: nothing is known on that side.
func (i Interval) MarshalJSON() ([]byte, error) {
	return json.Marshal(map[string]*float64{"low": finite(&i.Low), "high": finite(&i.High)})
}

func finite(v *float64) *float64 {
	if math.IsInf(*v, 0) || math.IsNaN(*v) {
		return nil
	}
	return v
}

// UnmarshalJSON reads what MarshalJSON writes.
func (i *Interval) UnmarshalJSON(raw []byte) error {
	var ends struct{ Low, High *float64 }
	if err := json.Unmarshal(raw, &ends); err != nil {
		return err
	}
	*i = Interval{math.Inf(-1), math.Inf(1)}
	if ends.Low != nil {
		i.Low = *ends.Low
	}
	if ends.High != nil {
		i.High = *ends.High
	}
	return nil
}

// Proportion gives the share hits/n and its Wilson score interval (Wilson 1927), which is sound for small n and for shares
// near 0 and 1. For n = 0 the share is NaN and the interval everything.
func Proportion(hits float64, n int) (share float64, ci Interval) {
	if n == 0 {
		return math.NaN(), Interval{0, 1}
	}
	p := hits / float64(n)
	return p, wilson(p, float64(n), z95)
}

// wilson is Wilson's interval of a share p among n items, which need not be whole, for the quantile z.
func wilson(p, n, z float64) Interval {
	z2 := float64(z * z)
	centre := (p + z2/(2*n)) / (1 + z2/n)
	half := z / (1 + z2/n) * math.Sqrt(float64(p*(1-p))/n+z2/(4*float64(n*n)))
	ci := Interval{max(centre-half, 0), min(centre+half, 1)}
	// The ends that are exactly 0 and 1 are so despite rounding.
	if p <= 0 {
		ci.Low = 0
	}
	if p >= 1 {
		ci.High = 1
	}
	return ci
}

// McNemar is the exact two-sided test whether two systems, answering the same questions, are right equally often: b
// questions were right in the first only, c in the second only. It returns the p-value, 1 when b + c is 0.
//
// Source: McNemar 1947; the exact form is the binomial test of min(b, c) among b + c at 1/2.
func McNemar(b, c int) float64 {
	n := b + c
	if n == 0 {
		return 1
	}
	// Sum of the binomial tail in logarithms: n may be large.
	var tail float64
	for k := 0; k <= min(b, c); k++ {
		tail += math.Exp(logChoose(n, k) - float64(n)*math.Ln2)
	}
	return min(1, 2*tail)
}

func logChoose(n, k int) float64 {
	a, _ := math.Lgamma(float64(n + 1))
	b, _ := math.Lgamma(float64(k + 1))
	c, _ := math.Lgamma(float64(n - k + 1))
	return a - b - c
}
