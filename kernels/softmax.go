package kernels

import (
	"fmt"
	"math"
)

// Softmax replaces every row of x, [rows, width], by its softmax, in the arithmetic of attention: m the maximum,
// e[j] = exp(x[j] - m), l the sum of e in the 16 partial sums of Attend, e[j] / l. A row with a NaN or +Inf, or with
// nothing but -Inf, becomes NaN.
func (w *Workers) Softmax(x []float32, rows, width int) {
	checkLen("Softmax: x", len(x), rows*width)
	if width == 0 {
		return
	}
	v := vector()
	blocks := (width + keyPanel - 1) / keyPanel
	w.rows(rows, width, func(r int) {
		row := x[r*width : (r+1)*width]
		s := make([]float32, blocks*keyPanel)
		for j := copy(s, row); j < len(s); j++ {
			s[j] = negInf
		}
		v.attention.divide(row, s[:width], v.attention.expBlocks(s, keyPanel, blocks))
	})
}

// LogSumExp writes ln(sum of exp) of every row of x, [rows, width], to dst [rows], so that float64(x[j]) - dst is the logarithm of
// j's probability. For each row: m the maximum, e[j] = expf(x[j] - m) in float32, l the sum of e in float64 in ascending order,
// m + ln l in float64. A row with a NaN or +Inf, or with nothing but -Inf, has the result NaN.
func (w *Workers) LogSumExp(dst []float64, x []float32, rows, width int) {
	checkLen("LogSumExp: x", len(x), rows*width)
	if len(dst) != rows {
		panic(fmt.Sprintf("kernels: LogSumExp: dst has %d elements, expected %d", len(dst), rows))
	}
	v := vector()
	blocks := (width + keyPanel - 1) / keyPanel
	w.rows(rows, width, func(r int) {
		row := x[r*width : (r+1)*width]
		m := negInf
		if width > 0 {
			m = row[Argmax(row)]
		}
		if m-m != 0 {
			dst[r] = math.NaN()
			return
		}
		e := make([]float32, blocks*keyPanel)
		for j := copy(e, row); j < len(e); j++ {
			e[j] = negInf
		}
		v.attention.expBlocks(e, keyPanel, blocks)
		l := 0.0
		for _, p := range e[:width] {
			l += float64(p)
		}
		dst[r] = float64(m) + log(l)
	})
}

// Argmax returns the index of the first largest element. A NaN counts as larger than every number, so the first NaN wins,
// as in PyTorch and NumPy; -0 and +0 are equal. It returns -1 for an empty slice.
func Argmax(x []float32) int {
	if len(x) == 0 {
		return -1
	}
	m := negInf
	for at := 0; at < len(x); at += elementChunk {
		// A NaN is not below anything, nor is anything above it: it stays.
		if v := vector().largest(x[at:min(at+elementChunk, len(x))]); !(v <= m) && m == m {
			m = v
		}
	}
	for i, v := range x {
		if v == m || m != m && v != v {
			return i
		}
	}
	return 0 // not reached: m is one of x
}

// largestGo returns the largest element of x, or NaN when there is one.
func largestGo(x []float32) float32 {
	m := x[0]
	for _, v := range x {
		if v != v {
			return v
		}
		if v > m {
			m = v
		}
	}
	return m
}

var negInf = float32(math.Inf(-1))

// expBlocksGo turns the scores of one query row into weights: s holds blocks of 16 scores, step floats apart. It replaces
// every score by exp(score - maximum) and returns their sum: partial j adds the lanes j of the blocks in ascending order,
// starting at +0, and the 16 partials are folded by halves. A score of -Inf contributes +0 to its partial and so changes
// nothing, which is how callers leave keys out.
func expBlocksGo(s []float32, step, blocks int) float32 {
	m := negInf
	for b := range blocks {
		for _, v := range s[b*step:][:keyPanel] {
			if v > m {
				m = v
			}
		}
	}
	var sum [keyPanel]float32
	for b := range blocks {
		for j, v := range s[b*step:][:keyPanel] {
			e := expf(v - m)
			s[b*step+j] = e
			sum[j] += e
		}
	}
	return foldLanes(sum[:])
}

func divideGo(dst, x []float32, by float32) {
	for i, v := range x {
		dst[i] = v / by
	}
}
