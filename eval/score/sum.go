package score

import "math/big"

// Sum adds in order, as Python's sum does (before 3.12, which compensates).
func Sum(values []float64) float64 {
	s := 0.0
	for _, v := range values {
		s += v
	}
	return s
}

// Mean is Sum over the count; 0 of nothing.
func Mean(values []float64) float64 {
	if len(values) == 0 {
		return 0
	}
	return Sum(values) / float64(len(values))
}

// NumpySum adds in the order of numpy's sum over a contiguous array: pairwise, with blocks of up to 128 numbers in eight
// running sums (numpy/_core/src/umath/loops_utils.h.src).
func NumpySum(a []float64) float64 {
	n := len(a)
	switch {
	case n < 8:
		return Sum(a)
	case n <= 128:
		var r [8]float64
		copy(r[:], a)
		i := 8
		for ; i < n-n%8; i += 8 {
			for j := range r {
				r[j] += a[i+j]
			}
		}
		s := ((r[0] + r[1]) + (r[2] + r[3])) + ((r[4] + r[5]) + (r[6] + r[7]))
		for ; i < n; i++ {
			s += a[i]
		}
		return s
	}
	half := n / 2
	half -= half % 8
	return NumpySum(a[:half]) + NumpySum(a[half:])
}

// NumpyMean is NumpySum over the count; 0 of nothing.
func NumpyMean(a []float64) float64 {
	if len(a) == 0 {
		return 0
	}
	return NumpySum(a) / float64(len(a))
}

// ExactMean is the exact mean rounded once, as Python's statistics.mean; 0 of nothing. The values must be finite.
func ExactMean(values []float64) float64 {
	if len(values) == 0 {
		return 0
	}
	sum, term := new(big.Rat), new(big.Rat)
	for _, v := range values {
		if term.SetFloat64(v) == nil {
			return Mean(values)
		}
		sum.Add(sum, term)
	}
	mean, _ := sum.Quo(sum, term.SetInt64(int64(len(values)))).Float64()
	return mean
}
