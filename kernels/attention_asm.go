//go:build (amd64 || arm64) && !purego

package kernels

import (
	"unsafe"

	"llavabench/internal/tensor"
)

// A scoreKernel computes the scores of rows query rows with panels panels of 16 keys at a time.
type scoreKernel struct {
	rows, panels   int
	f32, f16, bf16 func(s, q *float32, keys *byte, groups, dim int, scale float32)
}

// A sumKernel continues rows rows of elements chains over keys.
type sumKernel struct {
	rows, elements int
	f32, f16, bf16 func(acc, p *float32, values *byte, n, lane, step, stride, width int)
}

// callWork is the number of multiply-adds of 16 elements that one assembly call does: at most 30 µs, so that the garbage
// collector, which cannot stop assembly, is never held up.
const callWork = 1 << 15

// assemblyScores makes the scores function of an attentionSet.
func assemblyScores(kernels []scoreKernel) func(d tensor.DType, s, q []float32, keys []byte, rows, blocks, dim int, scale float32) {
	return func(d tensor.DType, s, q []float32, keys []byte, rows, blocks, dim int, scale float32) {
		k := findScoreKernel(kernels, rows)
		groups := (blocks + k.panels - 1) / k.panels
		_ = q[rows*dim-1]
		most := max(1, callWork/(rows*k.panels*dim))
		for groups > 0 {
			n := min(groups, most)
			sn, kn := n*k.panels*rows*keyPanel, n*k.panels*dim*keyPanel*d.Size()
			k.call(d, s[:sn], q, keys[:kn], n, dim, scale)
			s, keys, groups = s[sn:], keys[kn:], groups-n
		}
	}
}

func findScoreKernel(kernels []scoreKernel, rows int) *scoreKernel {
	for i := range kernels {
		if kernels[i].rows == rows {
			return &kernels[i]
		}
	}
	panic("kernels: no score kernel")
}

// call is not inlined: its stack check lets the collector in between two assembly calls.
//
//go:noinline
func (k *scoreKernel) call(d tensor.DType, s, q []float32, keys []byte, groups, dim int, scale float32) {
	f := k.f32
	switch d {
	case tensor.F16:
		f = k.f16
	case tensor.BF16:
		f = k.bf16
	}
	f(&s[0], &q[0], &keys[0], groups, dim, scale)
}

// assemblySum makes the weightedSum function of an attentionSet.
func assemblySum(kernels []sumKernel) func(d tensor.DType, acc, p []float32, values []byte, rows, n, lane, step, width int) {
	return func(d tensor.DType, acc, p []float32, values []byte, rows, n, lane, step, width int) {
		stride := width * d.Size()
		_, _ = acc[rows*width-1], values[n*stride-1]
		_ = p[(lane+n-1)/keyPanel*step+(rows-1)*keyPanel+(lane+n-1)%keyPanel]
		for n > 0 {
			// A stretch of keys at a time, all columns of it, so that the second pass over a row of values finds it near.
			keys := min(n, sumKeys-lane)
			for at := 0; at < width; {
				k := findSumKernel(kernels, rows, width-at)
				k.call(d, acc[at:], p, values[at*d.Size():], keys, lane, step, stride, width)
				at += k.elements
			}
			n -= keys
			if n > 0 {
				p, values, lane = p[(lane+keys)/keyPanel*step:], values[keys*stride:], 0
			}
		}
	}
}

// sumKeys is the number of keys of one call: a multiple of 16, within callWork for every kernel.
const sumKeys = 1024

// findSumKernel returns the widest kernel for rows that fits into elements.
func findSumKernel(kernels []sumKernel, rows, elements int) *sumKernel {
	for i := range kernels {
		if kernels[i].rows == rows && kernels[i].elements <= elements {
			return &kernels[i]
		}
	}
	panic("kernels: no sum kernel")
}

// call is not inlined, as above.
//
//go:noinline
func (k *sumKernel) call(d tensor.DType, acc, p []float32, values []byte, n, lane, step, stride, width int) {
	f := k.f32
	switch d {
	case tensor.F16:
		f = k.f16
	case tensor.BF16:
		f = k.bf16
	}
	const float = int(unsafe.Sizeof(float32(0)))
	f(&acc[0], &p[0], &values[0], n, lane, step*float, stride, width*float)
}

// tileRows lists the row counts of the kernels.
func tileRows(kernels []scoreKernel) []int {
	var rows []int
	for _, k := range kernels {
		rows = append(rows, k.rows)
	}
	return rows
}
