//go:build amd64 && !purego

package kernels

import "llavabench/internal/tensor"

// vectorsAVX512 is the implementation for AVX-512 (F, BW, DQ, VL).
func vectorsAVX512() vectorSet {
	return vectorSet{
		sumRow:     func(x []float32) float32 { return sumRowAVX512(&x[0], len(x)) },
		sumSquares: func(x []float32, mean float32) float32 { return sumSquaresAVX512(&x[0], len(x), mean) },
		normRow: func(dst, x, weight, bias []float32, mean, r float32) {
			if bias == nil {
				scaleRowAVX512(&dst[0], &x[0], &weight[0], len(x), mean, r)
			} else {
				affineRowAVX512(&dst[0], &x[0], &weight[0], &bias[0], len(x), mean, r)
			}
		},
		quickGELU: func(x []float32) { quickGELUAVX512(&x[0], len(x)) },
		gelu:      func(x []float32) { geluAVX512(&x[0], len(x)) },
		geluTanh:  func(x []float32) { geluTanhAVX512(&x[0], len(x)) },
		siluMul:   func(gate, up []float32) { siluMulAVX512(&gate[0], &up[0], len(gate)) },
		add:       func(dst, x []float32) { addAVX512(&dst[0], &x[0], len(dst)) },
		rotate:    func(a, b, cos, sin []float32) { rotateAVX512(&a[0], &b[0], &cos[0], &sin[0], len(cos)) },
		largest:   func(x []float32) float32 { return largestAVX512(&x[0], len(x)) },
		f16: conversion{
			widen:  func(dst []float32, src []byte) { widenF16AVX512(&dst[0], &src[0], len(dst)) },
			narrow: func(dst []byte, src []float32) { narrowF16AVX512(&dst[0], &src[0], len(src)) },
		},
		bf16: conversion{
			widen:  func(dst []float32, src []byte) { widenBF16AVX512(&dst[0], &src[0], len(dst)) },
			narrow: func(dst []byte, src []float32) { narrowBF16AVX512(&dst[0], &src[0], len(src)) },
		},
		attention: attentionSet{
			tileRows: tileRows(scoreKernelsAVX512),
			scores:   assemblyScores(scoreKernelsAVX512),
			expBlocks: func(s []float32, step, blocks int) float32 {
				return expBlocksAVX512(&s[0], step*tensor.F32.Size(), blocks)
			},
			weightedSum: assemblySum(sumKernelsAVX512),
			divide:      func(dst, x []float32, by float32) { divideAVX512(&dst[0], &x[0], len(dst), by) },
		},
	}
}

//go:noescape
func sumRowAVX512(x *float32, n int) float32

//go:noescape
func sumSquaresAVX512(x *float32, n int, mean float32) float32

//go:noescape
func scaleRowAVX512(dst, x, weight *float32, n int, mean, r float32)

//go:noescape
func affineRowAVX512(dst, x, weight, bias *float32, n int, mean, r float32)

//go:noescape
func quickGELUAVX512(x *float32, n int)

//go:noescape
func geluAVX512(x *float32, n int)

//go:noescape
func geluTanhAVX512(x *float32, n int)

//go:noescape
func siluMulAVX512(gate, up *float32, n int)

//go:noescape
func addAVX512(dst, x *float32, n int)

//go:noescape
func divideAVX512(dst, x *float32, n int, by float32)

//go:noescape
func rotateAVX512(a, b, cos, sin *float32, n int)

//go:noescape
func expBlocksAVX512(s *float32, step, blocks int) float32

//go:noescape
func widenF16AVX512(dst *float32, src *byte, n int)

//go:noescape
func widenBF16AVX512(dst *float32, src *byte, n int)

//go:noescape
func narrowF16AVX512(dst *byte, src *float32, n int)

//go:noescape
func narrowBF16AVX512(dst *byte, src *float32, n int)

//go:noescape
func largestAVX512(x *float32, n int) float32
