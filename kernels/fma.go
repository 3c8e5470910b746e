package kernels

import "math"

// FMA32 is the fp32 fused multiply-add: x*y + z rounded once to the nearest float32, ties to even. It gives the bits of
// VFMADD231PS and FMLA for every input, subnormals, infinities and signed zeros included; a NaN is a NaN, its payload is
// not promised.
//
// float32(math.FMA(float64(x), float64(y), float64(z))) is another function: it rounds to 53 bits and then to 24, and the
// two differ when the first rounding lands on the middle between two float32. That middle is the only danger: rounding is
// monotonic and every float32 midpoint is a float64, so a sum that was not rounded onto a midpoint lies on the same side of
// all of them as the exact sum does. Below the smallest normal float32 the midpoints lie elsewhere, so those go the slow
// way as well.
func FMA32(x, y, z float32) float32 {
	s := float64(float64(x)*float64(y)) + float64(z) // the product of two float32 is exact
	if onMidpoint(s) {
		return fmaRoundOdd(x, y, z)
	}
	return float32(s)
}

// onMidpoint reports whether converting s to float32 might round it a second time in a way that matters: its low 29 bits
// are exactly a half of the last float32 place, or it is below the smallest normal float32.
func onMidpoint(s float64) bool {
	b := math.Float64bits(s)
	return b&(1<<29-1) == 1<<28 || b<<1 < 897<<53
}

// fmaRoundOdd is FMA32 by way of sumRoundOdd, for sums that a second rounding could spoil.
func fmaRoundOdd(x, y, z float32) float32 {
	return float32(sumRoundOdd(float64(x)*float64(y), float64(z)))
}

// sumRoundOdd computes the exact sum of p and c as s + e by Knuth's TwoSum and rounds it to odd: when e is not zero, the
// last bit of the result is one. Such a sticky bit keeps a second rounding from seeing a tie that is none (Boldo and
// Melquiond, "Emulation of FMA and correctly rounded sums: proved algorithms using rounding to odd", 2008).
func sumRoundOdd(p, c float64) float64 {
	s := p + c
	t := s - p
	e := (p - (s - t)) + (c - t)
	b := math.Float64bits(s)
	if e == 0 || b&1 != 0 || math.IsInf(s, 0) {
		return s
	}
	// One place towards e: up in magnitude when e has the sign of s.
	if (e > 0) == (s > 0) {
		return math.Float64frombits(b + 1)
	}
	return math.Float64frombits(b - 1)
}
