package kernels

import (
	"math"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"
	"github.com/x448/float16"

	"llavabench/internal/tensor"
)

func TestHalfWidening(t *testing.T) {
	for h := range 1 << 16 {
		want, got := float16.Frombits(uint16(h)).Float32(), halfToFloat(uint16(h))
		if want != want {
			require.True(t, got != got, "%#04x", h)
			require.Equal(t, math.Signbit(float64(want)), math.Signbit(float64(got)))
			continue
		}
		require.Equal(t, math.Float32bits(want), math.Float32bits(got), "%#04x", h)
		require.Equal(t, uint16(h), floatToHalf(got), "round trip")
	}
}

func TestBfloatWidening(t *testing.T) {
	for h := range 1 << 16 {
		got := bfloatToFloat(uint16(h))
		require.Equal(t, uint32(h)<<16, math.Float32bits(got))
		if got == got {
			require.Equal(t, uint16(h), floatToBfloat(got), "round trip")
		}
	}
}

// nearest checks a narrowing against its meaning: of the two neighbours in the small format, the nearer one, or the even
// one at a tie. The neighbours are found by widening.
func nearest(t *testing.T, f float32, got uint16, widen func(uint16) float32) {
	if f != f {
		w := widen(got)
		require.True(t, w != w, "%x", math.Float32bits(f))
		require.Equal(t, math.Signbit(float64(f)), math.Signbit(float64(w)))
		return
	}
	value := func(h uint16) float64 {
		// Infinity stands for the first number past the largest: where rounding to it begins.
		if w := widen(h & 0x7fff); math.IsInf(float64(w), 0) {
			return 2*float64(widen(h&0x7fff-1)) - float64(widen(h&0x7fff-2))
		}
		return float64(widen(h & 0x7fff))
	}
	fail := func() {
		t.Helper()
		require.FailNow(t, "not the nearest", "%x becomes %#04x", math.Float32bits(f), got)
	}
	if math.Signbit(float64(f)) != (got>>15 == 1) {
		fail()
	}
	a := math.Abs(float64(f))
	h := got & 0x7fff
	if math.IsInf(float64(widen(h)), 0) {
		if a < (value(h)+value(h-1))/2 {
			fail()
		}
		return
	}
	d := math.Abs(value(h) - a)
	for _, other := range []uint16{max(h, 1) - 1, h + 1} {
		if e := math.Abs(value(other) - a); other != h && (d > e || d == e && h&1 != 0) {
			fail()
		}
	}
}

func TestNarrowing(t *testing.T) {
	check := func(u uint32) {
		f := math.Float32frombits(u)
		nearest(t, f, floatToHalf(f), halfToFloat)
		nearest(t, f, floatToBfloat(f), bfloatToFloat)
	}
	// Every number of both formats, every middle between two, and the neighbours of these.
	for h := range uint32(1 << 15) {
		for _, u := range []uint32{math.Float32bits(halfToFloat(uint16(h))), h << 16} {
			for d := range uint32(3) {
				check(u + d - 1)
				check(u + d - 1 + 1<<12)
				check(u + d - 1 + 1<<15)
				check(1<<31 | (u + d - 1))
			}
		}
	}
	rng := rand.New(rand.NewPCG(3, 4))
	for range 50_000 {
		check(rng.Uint32())
		check(math.Float32bits(float32(math.Ldexp(rng.Float64(), -20+rng.IntN(12))))) // fp16 subnormals
	}
}

func TestFloat32Bytes(t *testing.T) {
	defer func(native bool) { littleEndian = native }(littleEndian)
	x := []float32{1, -2.5, math.Float32frombits(0x7fa12345), 0}
	want := []byte{0, 0, 0x80, 0x3f, 0, 0, 0x20, 0xc0, 0x45, 0x23, 0xa1, 0x7f, 0, 0, 0, 0}
	for range 2 {
		b := make([]byte, 17)[1:]
		Narrow(b, tensor.F32, x)
		require.Equal(t, want, b)
		y := make([]float32, 4)
		Widen(y, tensor.F32, b)
		for i := range x {
			require.Equal(t, math.Float32bits(x[i]), math.Float32bits(y[i]))
		}
		littleEndian = false
	}
}
