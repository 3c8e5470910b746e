//go:build arm64 && !purego

package kernels

import "llavabench/internal/tensor"

// vectorsNEON is the implementation for arm64, whose vector instructions are always there. The assembly takes whole
// vectors; the elements after the last one go through the reference functions.
func vectorsNEON() vectorSet {
	return vectorSet{
		sumRow: func(x []float32) float32 {
			var sums [normLanes]float32
			n := len(x) / normLanes
			if n > 0 {
				sumRowNEON(&sums[0], &x[0], n)
			}
			for i, v := range x[n*normLanes:] {
				sums[i] += v
			}
			return foldLanes(sums[:])
		},
		sumSquares: func(x []float32, mean float32) float32 {
			var sums [normLanes]float32
			n := len(x) / normLanes
			if n > 0 {
				sumSquaresNEON(&sums[0], &x[0], n, mean)
			}
			for i, v := range x[n*normLanes:] {
				d := v - mean
				sums[i] = FMA32(d, d, sums[i])
			}
			return foldLanes(sums[:])
		},
		normRow: func(dst, x, weight, bias []float32, mean, r float32) {
			n := len(x) / 4
			tail := bias
			if bias != nil {
				tail = bias[4*n:]
			}
			if n > 0 && bias == nil {
				scaleRowNEON(&dst[0], &x[0], &weight[0], n, mean, r)
			} else if n > 0 {
				affineRowNEON(&dst[0], &x[0], &weight[0], &bias[0], n, mean, r)
			}
			normRowGo(dst[4*n:], x[4*n:], weight[4*n:], tail, mean, r)
		},
		quickGELU: unaryNEON(quickGELUNEON, quickGELUGo),
		gelu:      unaryNEON(geluNEON, geluGo),
		geluTanh:  unaryNEON(geluTanhNEON, geluTanhGo),
		siluMul: func(gate, up []float32) {
			n := len(gate) / 4
			if n > 0 {
				siluMulNEON(&gate[0], &up[0], n)
			}
			siluMulGo(gate[4*n:], up[4*n:])
		},
		add: func(dst, x []float32) {
			n := len(dst) / 4
			if n > 0 {
				addNEON(&dst[0], &x[0], n)
			}
			addGo(dst[4*n:], x[4*n:])
		},
		rotate: func(a, b, cos, sin []float32) {
			n := len(cos) / 4
			if n > 0 {
				rotateNEON(&a[0], &b[0], &cos[0], &sin[0], n)
			}
			rotateGo(a[4*n:], b[4*n:], cos[4*n:], sin[4*n:])
		},
		largest: largestGo,
		f16:     conversionNEON(widenF16NEON, widenF16Go, narrowF16NEON, narrowF16Go),
		bf16:    conversionNEON(widenBF16NEON, widenBF16Go, narrowBF16NEON, narrowBF16Go),
		attention: attentionSet{
			tileRows: tileRows(scoreKernelsNEON),
			scores:   assemblyScores(scoreKernelsNEON),
			expBlocks: func(s []float32, step, blocks int) float32 {
				var sums [keyPanel]float32
				expBlocksNEON(&sums[0], &s[0], step*tensor.F32.Size(), blocks)
				return foldLanes(sums[:])
			},
			weightedSum: assemblySum(sumKernelsNEON),
			divide: func(dst, x []float32, by float32) {
				n := len(dst) / 4
				if n > 0 {
					divideNEON(&dst[0], &x[0], n, by)
				}
				divideGo(dst[4*n:], x[4*n:], by)
			},
		},
	}
}

func unaryNEON(vectors func(x *float32, n int), rest func(x []float32)) func(x []float32) {
	return func(x []float32) {
		n := len(x) / 4
		if n > 0 {
			vectors(&x[0], n)
		}
		rest(x[4*n:])
	}
}

func conversionNEON(widen func(dst *float32, src *byte, eights int), widenRest func(dst []float32, src []byte),
	narrow func(dst *byte, src *float32, eights int), narrowRest func(dst []byte, src []float32)) conversion {
	return conversion{
		widen: func(dst []float32, src []byte) {
			n := len(dst) / 8
			if n > 0 {
				widen(&dst[0], &src[0], n)
			}
			widenRest(dst[8*n:], src[16*n:])
		},
		narrow: func(dst []byte, src []float32) {
			n := len(src) / 8
			if n > 0 {
				narrow(&dst[0], &src[0], n)
			}
			narrowRest(dst[16*n:], src[8*n:])
		},
	}
}

//go:noescape
func sumRowNEON(sums, x *float32, blocks int)

//go:noescape
func sumSquaresNEON(sums, x *float32, blocks int, mean float32)

//go:noescape
func scaleRowNEON(dst, x, weight *float32, vectors int, mean, r float32)

//go:noescape
func affineRowNEON(dst, x, weight, bias *float32, vectors int, mean, r float32)

//go:noescape
func quickGELUNEON(x *float32, vectors int)

//go:noescape
func geluNEON(x *float32, vectors int)

//go:noescape
func geluTanhNEON(x *float32, vectors int)

//go:noescape
func siluMulNEON(gate, up *float32, vectors int)

//go:noescape
func addNEON(dst, x *float32, vectors int)

//go:noescape
func divideNEON(dst, x *float32, vectors int, by float32)

//go:noescape
func rotateNEON(a, b, cos, sin *float32, vectors int)

//go:noescape
func expBlocksNEON(sums, s *float32, step, blocks int)

//go:noescape
func widenF16NEON(dst *float32, src *byte, eights int)

//go:noescape
func widenBF16NEON(dst *float32, src *byte, eights int)

//go:noescape
func narrowF16NEON(dst *byte, src *float32, eights int)

//go:noescape
func narrowBF16NEON(dst *byte, src *float32, eights int)
