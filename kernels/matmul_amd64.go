//go:build amd64 && !purego

package kernels

import "llavabench/internal/tensor"

//go:generate go run ./_gen

//go:noescape
func packRowsAVX2(dst *float32, stride int, rows *[8]*float32, k int)

// dotsAVX512 is one VDPBF16PS: sixteen times two products.
//
//go:noescape
func dotsAVX512(acc *[16]float32, a, b *[16]uint32)

//go:noescape
func absMaxAVX512(x *float32, n int) uint32

//go:noescape
func quantRowAVX512(dst *int8, x *float32, n int, inverse float32)

//go:noescape
func quantSumsAVX512(sums, a *int32, groups, quads, zero int)

//go:noescape
func absMaxAVX2(x *float32, n int) uint32

//go:noescape
func quantRowAVX2(dst *int8, x *float32, n int, inverse float32)

//go:noescape
func quantSumsAVX2(sums, a *int32, groups, quads, zero int)

var quantAVX2 = quantSet{
	kernels:  map[int]quantKernels{8: {one: quantAVX2Q8x16}, 4: {one: quantAVX2Q4x16}},
	absMax:   absMaxAVX2,
	quantRow: quantRowAVX2,
	sums:     quantSumsAVX2,
}

// quantAVX512 needs AVX512-VNNI.
var quantAVX512 = quantSet{
	kernels: map[int]quantKernels{
		8: {quantAVX512Q8x16, quantAVX512Q8x32},
		4: {quantAVX512Q4x16, quantAVX512Q4x32},
	},
	absMax:   absMaxAVX512,
	quantRow: quantRowAVX512,
	sums:     quantSumsAVX512,
}

// quantBest is the quantised product for the processors that have AVX-512.
func quantBest() *quantSet {
	if has("avx512vnni") {
		return &quantAVX512
	}
	return &quantAVX2
}

// An x86Set is all matrix products of AVX2 or AVX-512.
type x86Set struct {
	tileSet
	swapped reader    // bf16 profile by fp32 multiply-adds
	dot     dotReader // bf16 profile by VDPBF16PS
	quant   *quantSet
}

func (t *x86Set) products() productSet {
	return productSet{matMul: t.matMul, matMulBF16: t.matMulBF16, matMulQuant: t.matMulQuant}
}

var productsAVX2 = x86Set{
	tileSet: tileSet{
		rows:     6,
		packRows: packRowsAVX2,
		fewRows:  4,
		floats: map[tensor.DType]reader{
			tensor.F32:  floatReader(tensor.F32, tilesAVX2, packAVX2F32, rowsAVX2F32),
			tensor.F16:  floatReader(tensor.F16, tilesAVX2, packAVX2F16, rowsAVX2F16),
			tensor.BF16: floatReader(tensor.BF16, tilesAVX2, packAVX2BF16, rowsAVX2BF16),
		},
	},
	swapped: reader{unit: 2, tiles: tilesAVX2, flags: tileFlush, pack: packAVX2Swap, rows: rowsAVX2Swap, slow: swapRow},
	dot:     dotReader{missing: "avx512"},
	quant:   &quantAVX2,
}

var productsAVX512 = x86Set{
	tileSet: tileSet{
		rows:     8,
		packRows: packRowsAVX2,
		fewRows:  32,
		floats: map[tensor.DType]reader{
			tensor.F32:  floatReader(tensor.F32, tilesAVX512, packAVX512F32, rowsAVX512F32),
			tensor.F16:  floatReader(tensor.F16, tilesAVX512, packAVX512F16, rowsAVX512F16),
			tensor.BF16: floatReader(tensor.BF16, tilesAVX512, packAVX512BF16, rowsAVX512BF16),
		},
	},
	swapped: reader{unit: 2, tiles: tilesAVX512, flags: tileFlush, pack: packAVX512Swap, rows: rowsAVX512Swap, slow: swapRow},
	dot: dotReader{
		reader:  reader{unit: 4, tiles: dotsTilesAVX512, pack: packAVX512F32, rows: rowsAVX512Dot, slow: pairRow},
		missing: lacks("avx512bf16"),
		fma:     peakAVX512F32,
		dot:     peakAVX512BF16,
		dots:    dotsAVX512,
	},
	quant: quantBest(),
}
