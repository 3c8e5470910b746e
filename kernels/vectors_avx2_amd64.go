//go:build amd64 && !purego

package kernels

import "llavabench/internal/tensor"

// vectorsAVX2 is the implementation for AVX2 with FMA and F16C.
func vectorsAVX2() vectorSet {
	return vectorSet{
		sumRow:     func(x []float32) float32 { return sumRowAVX2(&x[0], len(x)) },
		sumSquares: func(x []float32, mean float32) float32 { return sumSquaresAVX2(&x[0], len(x), mean) },
		normRow: func(dst, x, weight, bias []float32, mean, r float32) {
			if bias == nil {
				scaleRowAVX2(&dst[0], &x[0], &weight[0], len(x), mean, r)
			} else {
				affineRowAVX2(&dst[0], &x[0], &weight[0], &bias[0], len(x), mean, r)
			}
		},
		quickGELU: func(x []float32) { quickGELUAVX2(&x[0], len(x)) },
		gelu:      func(x []float32) { geluAVX2(&x[0], len(x)) },
		geluTanh:  func(x []float32) { geluTanhAVX2(&x[0], len(x)) },
		siluMul:   func(gate, up []float32) { siluMulAVX2(&gate[0], &up[0], len(gate)) },
		add:       func(dst, x []float32) { addAVX2(&dst[0], &x[0], len(dst)) },
		rotate:    func(a, b, cos, sin []float32) { rotateAVX2(&a[0], &b[0], &cos[0], &sin[0], len(cos)) },
		largest:   func(x []float32) float32 { return largestAVX2(&x[0], len(x)) },
		f16: conversion{
			widen:  func(dst []float32, src []byte) { widenF16AVX2(&dst[0], &src[0], len(dst)) },
			narrow: func(dst []byte, src []float32) { narrowF16AVX2(&dst[0], &src[0], len(src)) },
		},
		bf16: conversion{
			widen:  func(dst []float32, src []byte) { widenBF16AVX2(&dst[0], &src[0], len(dst)) },
			narrow: func(dst []byte, src []float32) { narrowBF16AVX2(&dst[0], &src[0], len(src)) },
		},
		attention: attentionSet{
			tileRows: tileRows(scoreKernelsAVX2),
			scores:   assemblyScores(scoreKernelsAVX2),
			expBlocks: func(s []float32, step, blocks int) float32 {
				return expBlocksAVX2(&s[0], step*tensor.F32.Size(), blocks)
			},
			weightedSum: assemblySum(sumKernelsAVX2),
			divide:      func(dst, x []float32, by float32) { divideAVX2(&dst[0], &x[0], len(dst), by) },
		},
	}
}

//go:noescape
func sumRowAVX2(x *float32, n int) float32

//go:noescape
func sumSquaresAVX2(x *float32, n int, mean float32) float32

//go:noescape
func scaleRowAVX2(dst, x, weight *float32, n int, mean, r float32)

//go:noescape
func affineRowAVX2(dst, x, weight, bias *float32, n int, mean, r float32)

//go:noescape
func quickGELUAVX2(x *float32, n int)

//go:noescape
func geluAVX2(x *float32, n int)

//go:noescape
func geluTanhAVX2(x *float32, n int)

//go:noescape
func siluMulAVX2(gate, up *float32, n int)

//go:noescape
func addAVX2(dst, x *float32, n int)

//go:noescape
func divideAVX2(dst, x *float32, n int, by float32)

//go:noescape
func rotateAVX2(a, b, cos, sin *float32, n int)

//go:noescape
func expBlocksAVX2(s *float32, step, blocks int) float32

//go:noescape
func widenF16AVX2(dst *float32, src *byte, n int)

//go:noescape
func widenBF16AVX2(dst *float32, src *byte, n int)

//go:noescape
func narrowF16AVX2(dst *byte, src *float32, n int)

//go:noescape
func narrowBF16AVX2(dst *byte, src *float32, n int)

//go:noescape
func largestAVX2(x *float32, n int) float32
