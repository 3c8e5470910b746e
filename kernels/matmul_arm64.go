//go:build arm64 && !purego

package kernels

import "llavabench/internal/tensor"

//go:noescape
func packRowsNEON(dst *float32, stride int, rows *[8]*float32, k int)

var productsNEON = tileSet{
	rows:     6,
	packRows: packRowsNEON,
	fewRows:  4,
	floats: map[tensor.DType]reader{
		tensor.F32:  floatReader(tensor.F32, tilesNEON, packNEONF32, rowsNEONF32),
		tensor.F16:  floatReader(tensor.F16, tilesNEON, packNEONF16, rowsNEONF16),
		tensor.BF16: floatReader(tensor.BF16, tilesNEON, packNEONBF16, rowsNEONBF16),
	},
}

// productsOfNEON leaves the bf16 profile to plain Go: NEON decides before rounding whether a result is tiny and flushed, the
// definition after. So it does quantised weights, whose dot instructions not every processor has.
func productsOfNEON() productSet {
	return productSet{matMul: productsNEON.matMul, matMulBF16: matMulBF16Go, matMulQuant: matMulQuantGo}
}
