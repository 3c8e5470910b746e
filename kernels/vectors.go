package kernels

//go:generate go run ./internal/vecgen .

// A vectorSet is one implementation of everything but the matrix products: norms, activations, conversions, attention.
// The slices that the functions take are not empty and have matching lengths; a call lasts a few µs at most, except where
// the function says that it divides its work itself.
type vectorSet struct {
	sumRow     func(x []float32) float32
	sumSquares func(x []float32, mean float32) float32
	normRow    func(dst, x, weight, bias []float32, mean, r float32)

	quickGELU func(x []float32)
	gelu      func(x []float32)
	geluTanh  func(x []float32)
	siluMul   func(gate, up []float32)
	add       func(dst, x []float32)
	rotate    func(a, b, cos, sin []float32)
	largest   func(x []float32) float32

	f16, bf16 conversion

	attention attentionSet
}

// vector returns the implementation in use.
func vector() *vectorSet { return &active.Load().vectorSet }

// vectorsGo is the reference: it is the definition of every other set, bit for bit.
func vectorsGo() vectorSet {
	return vectorSet{
		sumRow:     sumRowGo,
		sumSquares: sumSquaresGo,
		normRow:    normRowGo,
		quickGELU:  quickGELUGo,
		gelu:       geluGo,
		geluTanh:   geluTanhGo,
		siluMul:    siluMulGo,
		add:        addGo,
		rotate:     rotateGo,
		largest:    largestGo,
		f16:        conversion{widenF16Go, narrowF16Go},
		bf16:       conversion{widenBF16Go, narrowBF16Go},
		attention: attentionSet{
			tileRows:    []int{4},
			scores:      scoresGo,
			expBlocks:   expBlocksGo,
			weightedSum: weightedSumGo,
			divide:      divideGo,
		},
	}
}
