package kernels

import (
	"math"
	"math/big"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"
)

// fmaExact is x*y + z with unlimited precision, rounded once.
func fmaExact(x, y, z float32) float32 {
	for _, v := range []float32{x, y, z} {
		if f := float64(v); math.IsNaN(f) || math.IsInf(f, 0) {
			return float32(float64(x)*float64(y) + f64(z)) // only infinities and NaN come out: nothing is rounded
		}
	}
	b := func(v float32) *big.Float { return new(big.Float).SetPrec(1000).SetFloat64(float64(v)) }
	p := b(x)
	p.Mul(p, b(y))
	if s := new(big.Float).SetPrec(1000).Add(p, b(z)); s.Sign() != 0 {
		r, _ := s.Float32()
		return r
	}
	return float32(float64(x)*float64(y) + f64(z)) // an exact zero: the sign rules of float64
}

func f64(v float32) float64 { return float64(v) }

// trickyFloat draws float32 numbers of the kinds that break approximations of a fused multiply-add.
func trickyFloat(r *rand.Rand) float32 {
	sign := uint32(r.IntN(2)) << 31
	switch r.IntN(10) {
	case 0: // any bits: subnormals, infinities and NaN among them
		return math.Float32frombits(r.Uint32())
	case 1: // few significant bits: products and sums that tie
		return math.Float32frombits(sign | uint32(110+r.IntN(34))<<23 | uint32(r.IntN(8))<<20)
	case 2: // a power of two and one place beside it
		return math.Float32frombits((sign | uint32(100+r.IntN(54))<<23) + uint32(r.IntN(3)) - 1)
	case 3: // subnormal
		return math.Float32frombits(sign | r.Uint32N(1<<23))
	case 4: // small: products fall into the subnormal range
		return math.Float32frombits(sign | uint32(40+r.IntN(30))<<23 | r.Uint32N(1<<23))
	case 5: // large: products overflow
		return math.Float32frombits(sign | uint32(185+r.IntN(69))<<23 | r.Uint32N(1<<23))
	case 6: // short fractions at both ends
		return math.Float32frombits(sign | uint32(115+r.IntN(24))<<23 | r.Uint32N(16)<<19 | r.Uint32N(4))
	}
	return float32(r.NormFloat64())
}

func requireSameFloat(t testing.TB, want, got float32, msg ...any) {
	t.Helper()
	if !sameFloat(want, got) {
		require.Equal(t, math.Float32bits(want), math.Float32bits(got), msg...)
	}
}

// sameFloat compares bits, and any NaN as equal to any other.
func sameFloat(a, b float32) bool {
	return math.Float32bits(a) == math.Float32bits(b) || a != a && b != b
}

func TestFMA32(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	twice := 0
	for range 300_000 {
		x, y, z := trickyFloat(r), trickyFloat(r), trickyFloat(r)
		if r.IntN(3) == 0 { // cancellation, complete or nearly
			z = -float32(x*y) + float32(z*0x1p-40)
		}
		want := fmaExact(x, y, z)
		requireSameFloat(t, want, FMA32(x, y, z), "fma(%g, %g, %g)", x, y, z)
		if !sameFloat(want, float32(float64(float64(x)*float64(y))+float64(z))) {
			twice++
		}
	}
	require.Greater(t, twice, 100, "the inputs must reach the cases in which two roundings differ from one")
}

func FuzzFMA32(f *testing.F) {
	for _, v := range [][3]uint32{
		{0x3f800001, 0x3f800001, 0x33000000}, {0x00000001, 0x3f000000, 0}, {0x7f7fffff, 0x40000000, 0xff800000}, {0x80000000, 0, 0},
	} {
		f.Add(v[0], v[1], v[2])
	}
	f.Fuzz(func(t *testing.T, a, b, c uint32) {
		x, y, z := math.Float32frombits(a), math.Float32frombits(b), math.Float32frombits(c)
		requireSameFloat(t, fmaExact(x, y, z), FMA32(x, y, z), "fma(%g, %g, %g)", x, y, z)
	})
}

func BenchmarkFMA32(b *testing.B) {
	acc := float32(0)
	for i := range b.N {
		acc = FMA32(float32(i), 0.3, acc)
	}
	if acc != acc {
		b.Fatal("NaN")
	}
}
