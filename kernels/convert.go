package kernels

import (
	"encoding/binary"
	"fmt"
	"math"
	"unsafe"

	"github.com/d4l3k/go-bfloat16"

	"llavabench/internal/tensor"
)

// convertChunk is the number of elements that one assembly call converts, a few µs of work.
const convertChunk = 16384

// Widen converts the little-endian elements of src, of type F32, F16 or BF16 and at any alignment, to float32. Every
// value is exact; a NaN stays a NaN with its sign and the leading bits of its payload (signalling fp16 NaNs become quiet).
// src must hold len(dst) elements.
func Widen(dst []float32, d tensor.DType, src []byte) {
	checkLen("Widen: src in bytes", len(src), len(dst)*d.Size())
	f := conversions(d).widen
	size := d.Size()
	for len(dst) > 0 {
		n := min(len(dst), convertChunk)
		f(dst[:n], src[:n*size])
		dst, src = dst[n:], src[n*size:]
	}
}

// Narrow converts src to little-endian elements of type F32, F16 or BF16, rounded to nearest, ties to even. Values beyond
// the largest finite number by half a last place or more become infinities, small ones subnormals or signed zeros; a NaN
// stays a (quiet) NaN with its sign and the leading bits of its payload. dst must have room for len(src) elements.
func Narrow(dst []byte, d tensor.DType, src []float32) {
	checkLen("Narrow: dst in bytes", len(dst), len(src)*d.Size())
	f := conversions(d).narrow
	size := d.Size()
	for len(src) > 0 {
		n := min(len(src), convertChunk)
		f(dst[:n*size], src[:n])
		dst, src = dst[n*size:], src[n:]
	}
}

// A conversion is a pair of bulk routines; the number of float32 elements says how much to do.
type conversion struct {
	widen  func(dst []float32, src []byte)
	narrow func(dst []byte, src []float32)
}

func conversions(d tensor.DType) conversion {
	switch d {
	case tensor.F32:
		return conversion{widenF32, narrowF32}
	case tensor.F16:
		return vector().f16
	case tensor.BF16:
		return vector().bf16
	}
	panic(fmt.Sprintf("kernels: no conversion between float32 and %s", d))
}

// littleEndian is whether float32 numbers lie in memory as in files, so that bytes can be copied.
var littleEndian = binary.NativeEndian.Uint16([]byte{1, 0}) == 1

func widenF32(dst []float32, src []byte) {
	if littleEndian {
		copy(rawBytes(dst), src)
		return
	}
	for i := range dst {
		dst[i] = math.Float32frombits(binary.LittleEndian.Uint32(src[4*i:]))
	}
}

func narrowF32(dst []byte, src []float32) {
	if littleEndian {
		copy(dst, rawBytes(src))
		return
	}
	for i, v := range src {
		binary.LittleEndian.PutUint32(dst[4*i:], math.Float32bits(v))
	}
}

// rawBytes is the memory of x.
func rawBytes(x []float32) []byte {
	return unsafe.Slice((*byte)(unsafe.Pointer(unsafe.SliceData(x))), 4*len(x))
}

func widenF16Go(dst []float32, src []byte) {
	for i := range dst {
		dst[i] = halfToFloat(binary.LittleEndian.Uint16(src[2*i:]))
	}
}

func narrowF16Go(dst []byte, src []float32) {
	for i, v := range src {
		binary.LittleEndian.PutUint16(dst[2*i:], floatToHalf(v))
	}
}

func widenBF16Go(dst []float32, src []byte) {
	for i := range dst {
		dst[i] = bfloatToFloat(binary.LittleEndian.Uint16(src[2*i:]))
	}
}

func narrowBF16Go(dst []byte, src []float32) {
	for i, v := range src {
		binary.LittleEndian.PutUint16(dst[2*i:], floatToBfloat(v))
	}
}

// halfToFloat widens an IEEE binary16 number: 1 sign, 5 exponent (bias 15) and 10 fraction bits.
func halfToFloat(h uint16) float32 {
	sign := uint32(h>>15) << 31
	exp := uint32(h >> 10 & 31)
	frac := uint32(h & 1023)
	switch {
	case exp == 31 && frac != 0:
		return math.Float32frombits(sign | 0x7fc00000 | frac<<13)
	case exp == 31:
		return math.Float32frombits(sign | 0x7f800000)
	case exp != 0:
		return math.Float32frombits(sign | (exp+112)<<23 | frac<<13)
	}
	f := float32(frac) * 0x1p-24
	return math.Float32frombits(sign | math.Float32bits(f))
}

// floatToHalf rounds to IEEE binary16, to nearest even.
func floatToHalf(f float32) uint16 {
	b := math.Float32bits(f)
	sign := uint16(b >> 16 & 0x8000)
	b &= 1<<31 - 1
	switch {
	case b > 0x7f800000:
		return sign | 0x7e00 | uint16(b>>13)&1023
	case b >= 0x47800000: // 2^16; what rounds up to it carries into the exponent below
		return sign | 0x7c00
	case b >= 0x38800000: // 2^-14, the smallest normal number
		b += 0xfff + b>>13&1
		return sign | uint16((b-112<<23)>>13)
	}
	// Subnormal: adding ½ leaves the value in units of 2^-24 in the low bits, rounded to even by the addition.
	return sign | uint16(math.Float32bits(math.Float32frombits(b)+0.5)-0x3f000000)
}

func bfloatToFloat(h uint16) float32 { return bfloat16.ToFloat32(bfloat16.BF16(h)) }

// floatToBfloat rounds to bfloat16, the upper half of a float32, to nearest even; the library's own conversion truncates.
func floatToBfloat(f float32) uint16 {
	b := math.Float32bits(f)
	if b&(1<<31-1) > 0x7f800000 {
		return uint16(b>>16) | 0x40
	}
	return uint16((b + 0x7fff + b>>16&1) >> 16)
}
