package kernels

import (
	"encoding/binary"
	"math"

	"llavabench/internal/tensor"
)

// MatMulBF16 is MatMul in the numeric profile bf16, for a weight matrix of type BF16. The activations are rounded to bf16,
// to nearest even, and every element of dst is one chain over ascending pairs of k, the odd element of a pair before the
// even one:
//
//	acc = +0
//	for i = 0 .. ceil(K/2)-1:
//	    acc = flush(fma(x[2i+1], w[2i+1], acc))
//	    acc = flush(fma(x[2i],   w[2i],   acc))
//	y = acc (+ bias, rounded once more in plain fp32)
//
// fma rounds once to fp32. Subnormal x and w count as zeros of their sign, and flush turns a result that is tiny into a
// zero of its sign. Tiny means below the smallest normal number after rounding to 24 bits with an exponent without bounds,
// as x86 sees it. An odd K is filled up by a pair of +0. This is what VDPBF16PS computes; on processors without it, or
// where it is slower, fused multiply-adds that flush give the same bits.
func (p *Workers) MatMulBF16(dst, x []float32, m int, w Weight, bias []float32) {
	if w.dtype != tensor.BF16 {
		panic("kernels: MatMulBF16: the weight matrix has type " + w.dtype.String() + ", expected BF16")
	}
	p.product("MatMulBF16", dst, x, m, w, bias, active.Load().matMulBF16)
}

// matMulBF16Ref is the definition of MatMulBF16, element by element.
func matMulBF16Ref(dst, x []float32, m int, w Weight, bias []float32) {
	pairs := (w.cols + 1) / 2
	a, b := make([]float32, 2*pairs), make([]float32, 2*pairs)
	for i := range m {
		for k, v := range x[i*w.cols : (i+1)*w.cols] {
			a[k] = bfloatToFloat(floatToBfloat(v))
		}
		for n := range w.rows {
			Widen(b[:w.cols], tensor.BF16, w.data[n*w.stride():(n+1)*w.stride()])
			acc := float32(0)
			for k := 0; k < 2*pairs; k += 2 {
				acc = fmaFlush(a[k+1], b[k+1], acc)
				acc = fmaFlush(a[k], b[k], acc)
			}
			if bias != nil {
				acc += bias[n]
			}
			dst[i*w.rows+n] = acc
		}
	}
}

// minNormal is the smallest normal float32.
const minNormal = 0x1p-126

// fmaFlush is FMA32 with subnormal operands taken as zeros and tiny results flushed to zero.
func fmaFlush(x, y, z float32) float32 {
	x, y, z = flushed(x), flushed(y), flushed(z)
	s := float64(float64(x)*float64(y)) + float64(z)
	if s >= minNormal || s <= -minNormal || s != s {
		return FMA32(x, y, z)
	}
	// The exact sum is below minNormal. Scaling the sum that is rounded to odd moves it to where float32 has 24 bits, so
	// converting it rounds as if there were no smallest exponent; reaching minNormal is then the one result not tiny.
	r := float32(sumRoundOdd(float64(x)*float64(y), float64(z)) * 0x1p64)
	if r >= 0x1p-62 || r <= -0x1p-62 {
		return float32(math.Copysign(minNormal, s))
	}
	return float32(math.Copysign(0, s))
}

// flushed returns x, or a zero of its sign when it is subnormal.
func flushed(x float32) float32 {
	if b := math.Float32bits(x); b&0x7f800000 == 0 {
		return math.Float32frombits(b & (1 << 31))
	}
	return x
}

// matMulBF16Go is MatMulBF16 for every processor.
func matMulBF16Go(p *Workers, s *matMulScratch, dst, x []float32, m int, w Weight, bias []float32) {
	cols := w.cols + w.cols&1
	rounded := swapActivations(p, s, x, m, w.cols)
	for i, v := range rounded {
		rounded[i] = flushed(v)
	}
	row := func(dst []float32, row []byte, k0 int) {
		swapRow(dst, row, k0)
		for i, v := range dst {
			dst[i] = flushed(v)
		}
	}
	j := goJob{dst: dst, x: rounded, m: m, cols: cols, w: w, bias: bias, row: row, step: fmaFlush}
	j.run(p, s)
}

// swapActivations rounds rows of x to bf16 and exchanges the elements of every pair, so that a chain in plain order meets
// the odd one first. An odd row is filled up with a zero.
func swapActivations(p *Workers, s *matMulScratch, x []float32, m, cols int) []float32 {
	even := cols + cols&1
	out := s.activations(m * even)
	p.Do(m, func(_, i int) {
		row := out[i*even : (i+1)*even]
		row[even-1] = 0
		copy(row, x[i*cols:(i+1)*cols])
		for k := 0; k < even; k += 2 {
			row[k], row[k+1] = bfloatToFloat(floatToBfloat(row[k+1])), bfloatToFloat(floatToBfloat(row[k]))
		}
	})
	return out
}

// swapRow is swapActivations for columns k0 and on of a row of bf16 weights; k0 and len(dst) are even.
func swapRow(dst []float32, row []byte, k0 int) {
	for k := 0; k < len(dst); k += 2 {
		at := 2 * (k0 + k)
		dst[k] = 0
		if at+2 < len(row) {
			dst[k] = bfloatToFloat(binary.LittleEndian.Uint16(row[at+2:]))
		}
		dst[k+1] = bfloatToFloat(binary.LittleEndian.Uint16(row[at:]))
	}
}
