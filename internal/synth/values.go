package synth

import (
	"hash/fnv"
	"math"

	"llavabench/internal/tensor"
	"llavabench/kernels"
)

// levels is the number of different values: the sum of four bytes is 0..1020, close to a normal distribution.
const levels = 1021

// A values gives the elements of one tensor. Element i depends on the seed, the tensor's name and i alone, so that the
// bytes are the same on every machine, in any order and however they are cut.
type values struct {
	key     uint64
	size    int    // bytes per element
	encoded []byte // the levels in the target type
}

func newValues(seed uint64, s spec, d tensor.DType) values {
	h := fnv.New64a()
	h.Write([]byte(s.name)) // never fails
	// Four uniform bytes sum to mean 510 with a deviation of sqrt(4*(256²-1)/12), about 147.8.
	mean, deviation := float32(0), float32(0.02)
	switch s.kind {
	case matrix:
		deviation = float32(1 / math.Sqrt(float64(columns(s.shape))))
	case scale:
		mean = 1
	}
	wide := make([]float32, levels)
	for i := range wide {
		wide[i] = mean + float32(deviation*(float32(i-510)/147.8))
	}
	v := values{key: mix(seed) ^ h.Sum64(), size: d.Size(), encoded: make([]byte, levels*d.Size())}
	kernels.Narrow(v.encoded, d, wide)
	return v
}

func columns(shape []int) int { return tensor.Elements(shape[1:]) }

// fill writes the elements from first on, as many as dst holds; first is even.
func (v values) fill(dst []byte, first int) {
	size := v.size
	for i := 0; len(dst) > 0; i++ {
		r := mix(v.key + uint64(first/2+i)*0x9e3779b97f4a7c15)
		for range min(2, len(dst)/size) {
			level := int(r&255 + r>>8&255 + r>>16&255 + r>>24&255)
			copy(dst[:size], v.encoded[level*size:])
			dst = dst[size:]
			r >>= 32
		}
	}
}

// mix is the finaliser of SplitMix64.
func mix(z uint64) uint64 {
	z = (z ^ z>>30) * 0xbf58476d1ce4e5b9
	z = (z ^ z>>27) * 0x94d049bb133111eb
	return z ^ z>>31
}
