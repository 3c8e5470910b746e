package kernels

import (
	"fmt"
	"math"
	"math/big"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"

	"llavabench/internal/tensor"
)

// fmaFlushExact is fmaFlush with unlimited precision.
func fmaFlushExact(x, y, z float32) float32 {
	x, y, z = flushed(x), flushed(y), flushed(z)
	r := fmaExact(x, y, z)
	for _, v := range []float32{x, y, z} {
		if f := float64(v); math.IsNaN(f) || math.IsInf(f, 0) {
			return r
		}
	}
	b := func(v float32) *big.Float { return new(big.Float).SetPrec(1000).SetFloat64(float64(v)) }
	s := b(x)
	s.Add(s.Mul(s, b(y)), b(z))
	unbounded := new(big.Float).SetPrec(24).Set(s.Abs(s))
	if s.Sign() != 0 && unbounded.Cmp(big.NewFloat(0x1p-126)) < 0 {
		return float32(math.Copysign(0, float64(r)))
	}
	return r
}

// nearMinNormal draws a number about the smallest normal one, or a factor whose products lie there and far below.
func nearMinNormal(r *rand.Rand) float32 {
	sign := uint32(r.IntN(2)) << 31
	if r.IntN(2) == 0 {
		return math.Float32frombits(sign | 1<<23 + r.Uint32N(5) - 2)
	}
	return math.Float32frombits(sign | uint32(50+r.IntN(4)*r.IntN(8))<<23 | r.Uint32N(4)<<21)
}

func TestFMAFlush(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	differ := 0
	for i := range 200_000 {
		x, y, z := trickyFloat(r), trickyFloat(r), trickyFloat(r)
		if i%2 == 0 {
			x, y, z = nearMinNormal(r), nearMinNormal(r), nearMinNormal(r)
		}
		want := fmaFlushExact(x, y, z)
		requireSameFloat(t, want, fmaFlush(x, y, z), "fma(%g, %g, %g)", x, y, z)
		if !sameFloat(want, flushed(FMA32(flushed(x), flushed(y), flushed(z)))) {
			differ++
		}
	}
	require.Greater(t, differ, 50, "the inputs must reach the results that are tiny only after rounding to 24 bits")
}

// bf16Ways are the ways in which this machine can compute the bf16 profile, whichever it would choose.
func bf16Ways(t testing.TB) map[string]func(p *Workers, s *matMulScratch, dst, x []float32, m int, w Weight, bias []float32) {
	ways := archBF16Ways(t)
	ways["go"] = matMulBF16Go
	return ways
}

func (c productCase) checkBF16(t testing.TB, p *Workers, end bool) {
	t.Helper()
	for _, bias := range [][]float32{nil, c.bias} {
		want := make([]float32, c.m*c.n)
		matMulBF16Ref(want, c.x, c.m, c.weight, bias)
		for name, f := range bf16Ways(t) {
			got := guarded[float32](t, c.m*c.n, end)
			p.product(name, got, c.x, c.m, c.weight, bias, f)
			requireSameFloats(t, want, got, fmt.Sprintf("%s by %s bias=%t", c, name, bias != nil))
		}
	}
}

func TestMatMulBF16(t *testing.T) {
	p := testWorkers(t, 2)
	r := rand.New(rand.NewPCG(3, 4))
	for i := range 150 {
		m, n, k := 1+r.IntN(20), 1+r.IntN(40), 1+r.IntN(160)
		newProductCase(t, r, tensor.BF16, m, n, k, i%2 == 0, i/2%2 == 0).checkBF16(t, p, i/2%2 == 0)
	}
	for m := 1; m <= 40; m++ {
		newProductCase(t, r, tensor.BF16, m, 67, 193, m%2 == 0, true).checkBF16(t, p, true)
	}
	for _, s := range [][3]int{{1, 1, 1}, {3, 1, 2053}, {9, 50, 2049}, {65, 49, 1030}, {130, 17, 64}} {
		newProductCase(t, r, tensor.BF16, s[0], s[1], s[2], false, true).checkBF16(t, p, true)
	}
}

func TestMatMulBF16Subnormal(t *testing.T) {
	p := testWorkers(t, 2)
	r := rand.New(rand.NewPCG(5, 6))
	for range 20 {
		c := newProductCase(t, r, tensor.BF16, 1+r.IntN(40), 33, 70, false, true)
		for i := range c.x {
			c.x[i] = nearMinNormal(r)
		}
		for i := range c.n * c.k {
			b := floatToBfloat(nearMinNormal(r))
			c.data[2*i], c.data[2*i+1] = byte(b), byte(b>>8)
		}
		c.weight, _ = NewWeight(tensor.BF16, c.n, c.k, c.data)
		c.checkBF16(t, p, true)
	}
}

func TestMatMulBF16OneOrder(t *testing.T) {
	r := rand.New(rand.NewPCG(7, 8))
	c := newProductCase(t, r, tensor.BF16, 70, 100, 701, true, true)
	want := make([]float32, c.m*c.n)
	matMulBF16Ref(want, c.x, c.m, c.weight, c.bias)
	eachISA(t, func(t *testing.T) {
		for _, workers := range []int{1, 3} {
			p := testWorkers(t, workers)
			for _, chunk := range []int{70, 33, 7, 1} {
				got := make([]float32, len(want))
				for i := 0; i < c.m; i += chunk {
					rows := min(chunk, c.m-i)
					p.MatMulBF16(got[i*c.n:(i+rows)*c.n], c.x[i*c.k:(i+rows)*c.k], rows, c.weight, c.bias)
				}
				requireSameFloats(t, want, got, fmt.Sprintf("%d workers, chunks of %d", workers, chunk))
			}
		}
	})
}

func TestMatMulBF16WrongType(t *testing.T) {
	w, err := NewWeight(tensor.F32, 2, 3, make([]byte, 24))
	require.NoError(t, err)
	require.Panics(t, func() { (*Workers)(nil).MatMulBF16(make([]float32, 2), make([]float32, 3), 1, w, nil) })
}

func FuzzMatMulBF16(f *testing.F) {
	f.Add(uint64(1), uint8(1), uint8(16), uint16(64), true)
	f.Add(uint64(2), uint8(9), uint8(50), uint16(33), false)
	f.Add(uint64(3), uint8(40), uint8(3), uint16(1030), true)
	p := NewWorkers(2)
	f.Cleanup(p.Close)
	f.Fuzz(func(t *testing.T, seed uint64, m, n uint8, k uint16, tricky bool) {
		r := rand.New(rand.NewPCG(seed, 9))
		end := seed%2 == 0
		newProductCase(t, r, tensor.BF16, 1+int(m)%48, 1+int(n)%100, 1+int(k)%1100, tricky, end).checkBF16(t, p, end)
	})
}
