package kernels

import (
	"fmt"
	"math"
)

// normLanes is the number of partial sums of a norm: partial j adds the elements i with i mod normLanes = j, in ascending
// order, starting at +0. The partials are folded by halves: s[j] += s[j+32] for j < 32, then 16, 8, 4, 2, 1.
const normLanes = 64

// LayerNorm normalises every row of x, [rows, width], into dst, which may be x itself. With S the sum over normLanes
// partial sums and every operation in float32:
//
//	mean = S(x) / width
//	var  = S((x-mean)²) / width         each term joins its partial by one fma(d, d, s), d = x - mean
//	r    = 1 / sqrt(var + eps)
//	y    = fma((x-mean)·r, weight, bias)
//
// The variance is the biased one and eps stands under the root, as in PyTorch. bias may be nil, then y = (x-mean)·r·weight.
// A NaN or an infinity in a row makes the whole row NaN.
func (w *Workers) LayerNorm(dst, x []float32, rows, width int, weight, bias []float32, eps float32) {
	checkLen("LayerNorm: dst", len(dst), rows*width)
	checkLen("LayerNorm: x", len(x), rows*width)
	checkLen("LayerNorm: weight", len(weight), width)
	if bias != nil {
		checkLen("LayerNorm: bias", len(bias), width)
	}
	v := vector()
	w.rows(rows, width, func(r int) {
		row := x[r*width : (r+1)*width]
		mean := v.sumRow(row) / float32(width)
		variance := v.sumSquares(row, mean) / float32(width)
		v.normRow(dst[r*width:(r+1)*width], row, weight, bias, mean, rsqrt(variance+eps))
	})
}

// RMSNorm scales every row of x, [rows, width], into dst, which may be x itself. With S as in LayerNorm:
//
//	r = 1 / sqrt(S(x²)/width + eps)
//	y = (x·r)·weight
//
// An infinity in a row gives NaN there and zeros elsewhere, as in PyTorch; a NaN makes the whole row NaN.
func (w *Workers) RMSNorm(dst, x []float32, rows, width int, weight []float32, eps float32) {
	checkLen("RMSNorm: dst", len(dst), rows*width)
	checkLen("RMSNorm: x", len(x), rows*width)
	checkLen("RMSNorm: weight", len(weight), width)
	v := vector()
	w.rows(rows, width, func(r int) {
		row := x[r*width : (r+1)*width]
		ms := v.sumSquares(row, 0) / float32(width)
		v.normRow(dst[r*width:(r+1)*width], row, weight, nil, 0, rsqrt(ms+eps))
	})
}

// rsqrt is two roundings: the square root, then the reciprocal. math.Sqrt on a widened float32, rounded back, is the
// correctly rounded float32 root.
func rsqrt(x float32) float32 { return 1 / float32(math.Sqrt(float64(x))) }

// rows calls f for every row, in parallel by groups of rows of about elementChunk elements.
func (w *Workers) rows(rows, width int, f func(row int)) {
	group := max(1, elementChunk/max(width, 1))
	if rows <= group {
		for r := range rows {
			f(r)
		}
		return
	}
	w.Do((rows+group-1)/group, func(_, task int) {
		for r := task * group; r < min(rows, (task+1)*group); r++ {
			f(r)
		}
	})
}

func sumRowGo(x []float32) float32 {
	var s [normLanes]float32
	for i, v := range x {
		s[i%normLanes] += v
	}
	return foldLanes(s[:])
}

func sumSquaresGo(x []float32, mean float32) float32 {
	var s [normLanes]float32
	for i, v := range x {
		d := v - mean
		s[i%normLanes] = FMA32(d, d, s[i%normLanes])
	}
	return foldLanes(s[:])
}

func normRowGo(dst, x, weight, bias []float32, mean, r float32) {
	for i, v := range x {
		t := float32((v - mean) * r)
		if bias == nil {
			dst[i] = float32(t * weight[i])
		} else {
			dst[i] = FMA32(t, weight[i], bias[i])
		}
	}
}

// foldLanes adds the upper half of s, whose length is a power of two, to the lower half until one number is left.
func foldLanes(s []float32) float32 {
	for len(s) > 1 {
		h := len(s) / 2
		for j := range h {
			s[j] += s[j+h]
		}
		s = s[:h]
	}
	return s[0]
}

// checkLen and checkSame stop programs that pass slices of the wrong length.
func checkLen(what string, have, want int) {
	if have != want {
		panic(fmt.Sprintf("kernels: %s has %d elements, expected %d", what, have, want))
	}
}

func checkSame(what string, a, b int) {
	if a != b {
		panic(fmt.Sprintf("kernels: %s: slices of %d and %d elements", what, a, b))
	}
}
