package synth

import (
	"encoding/binary"
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
	key   uint64
	size  int            // bytes per element
	level [levels]uint32 // the values in the target type, little-endian in the low bytes
}

func newValues(seed uint64, s spec, d tensor.DType) *values {
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
	encoded := make([]byte, levels*d.Size())
	kernels.Narrow(encoded, d, wide)
	v := &values{key: mix(seed) ^ h.Sum64(), size: d.Size()}
	for i := range v.level {
		for b := range v.size {
			v.level[i] |= uint32(encoded[i*v.size+b]) << (8 * b)
		}
	}
	return v
}

func columns(shape []int) int { return tensor.Elements(shape[1:]) }

// fill writes the elements from first on, as many as dst holds; first is even. One number gives two elements.
func (v *values) fill(dst []byte, first int) {
	counter := v.key + uint64(first/2)*step
	for ; len(dst) >= 2*v.size; counter += step {
		r := mix(counter)
		a, b := v.level[sum4(r)], v.level[sum4(r>>32)]
		if v.size == 2 {
			binary.LittleEndian.PutUint32(dst, a|b<<16)
		} else {
			binary.LittleEndian.PutUint64(dst, uint64(a)|uint64(b)<<32)
		}
		dst = dst[2*v.size:]
	}
	if len(dst) > 0 {
		a := v.level[sum4(mix(counter))]
		for i := range dst {
			dst[i] = byte(a >> (8 * i))
		}
	}
}

// sum4 adds the four low bytes.
func sum4(r uint64) uint64 {
	r = r&0x00ff00ff + r>>8&0x00ff00ff
	return r&0x1ff + r>>16&0x1ff
}

const step = 0x9e3779b97f4a7c15

// mix is the finaliser of SplitMix64.
func mix(z uint64) uint64 {
	z = (z ^ z>>30) * 0xbf58476d1ce4e5b9
	z = (z ^ z>>27) * 0x94d049bb133111eb
	return z ^ z>>31
}
