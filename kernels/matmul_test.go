package kernels

import (
	"encoding/binary"
	"fmt"
	"math"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"

	"llavabench/internal/tensor"
)

var floatTypes = []tensor.DType{tensor.F32, tensor.F16, tensor.BF16}

// A productCase is the input of one matrix product. Everything lies between guard pages in memory that starts at odd
// offsets, so that a kernel that reads or writes outside its slices or wants alignment fails.
type productCase struct {
	m, n, k int
	dtype   tensor.DType
	x, bias []float32
	data    []byte
	weight  Weight
}

// newProductCase fills a case with normal numbers, or, when tricky, with subnormals, infinities, NaN and near ties too.
func newProductCase(t testing.TB, r *rand.Rand, d tensor.DType, m, n, k int, tricky, end bool) productCase {
	c := productCase{m: m, n: n, k: k, dtype: d}
	c.x = guarded[float32](t, m*k, end)
	c.bias = guarded[float32](t, n, end)
	c.data = guarded[byte](t, n*k*d.Size(), end)
	for i := range c.x {
		c.x[i] = caseFloat(r, tricky)
	}
	for i := range c.bias {
		c.bias[i] = caseFloat(r, tricky)
	}
	for i := range n * k {
		v := caseFloat(r, tricky)
		switch d {
		case tensor.F32:
			binary.LittleEndian.PutUint32(c.data[4*i:], math.Float32bits(v))
		case tensor.F16:
			h := floatToHalf(v)
			if tricky && r.IntN(50) == 0 {
				h = uint16(r.Uint32())
			}
			binary.LittleEndian.PutUint16(c.data[2*i:], h)
		case tensor.BF16:
			binary.LittleEndian.PutUint16(c.data[2*i:], floatToBfloat(v))
		}
	}
	w, err := NewWeight(d, n, k, c.data)
	require.NoError(t, err)
	c.weight = w
	return c
}

// caseFloat draws a normal number; when tricky, one number in 200 is anything.
func caseFloat(r *rand.Rand, tricky bool) float32 {
	if tricky && r.IntN(200) == 0 {
		return trickyFloat(r)
	}
	if tricky && r.IntN(4) == 0 { // few bits, so that sums tie
		return float32(r.IntN(17)-8) * 0.125
	}
	return float32(r.NormFloat64())
}

func (c productCase) reference(bias []float32) []float32 {
	want := make([]float32, c.m*c.n)
	matMulRef(want, c.x, c.m, c.weight, bias)
	return want
}

func (c productCase) String() string { return fmt.Sprintf("%s m=%d n=%d k=%d", c.dtype, c.m, c.n, c.k) }

func requireSameFloats(t testing.TB, want, got []float32, what string) {
	t.Helper()
	require.Len(t, got, len(want))
	for i := range want {
		if !sameFloat(want[i], got[i]) {
			require.FailNow(t, "bits differ", "%s: element %d is %x (%g), expected %x (%g)",
				what, i, math.Float32bits(got[i]), got[i], math.Float32bits(want[i]), want[i])
		}
	}
}

// check runs the product of the active instruction set against the reference, with and without bias.
func (c productCase) check(t testing.TB, p *Workers, end bool) {
	t.Helper()
	for _, bias := range [][]float32{nil, c.bias} {
		got := guarded[float32](t, c.m*c.n, end)
		for i := range got {
			got[i] = float32(math.NaN())
		}
		p.MatMul(got, c.x, c.m, c.weight, bias)
		requireSameFloats(t, c.reference(bias), got, fmt.Sprintf("%s bias=%t", c, bias != nil))
	}
}

func TestMatMul(t *testing.T) {
	p := testWorkers(t, 2)
	eachISA(t, func(t *testing.T) {
		r := rand.New(rand.NewPCG(3, 4))
		for i := range 250 {
			d := floatTypes[i%3]
			m, n, k := 1+r.IntN(20), 1+r.IntN(40), 1+r.IntN(80)
			c := newProductCase(t, r, d, m, n, k, i%2 == 0, i/2%2 == 0)
			c.check(t, p, i/2%2 == 0)
		}
		for m := 1; m <= 40; m++ {
			newProductCase(t, r, floatTypes[m%3], m, 67, 97, m%2 == 0, true).check(t, p, true)
		}
		for _, s := range [][3]int{{1, 1, 1}, {3, 1, 2053}, {2, 97, 1031}, {9, 50, 1025}, {65, 49, 513}, {130, 17, 64}, {40, 100, 600}} {
			for _, d := range floatTypes {
				newProductCase(t, r, d, s[0], s[1], s[2], false, true).check(t, p, true)
			}
		}
	})
}

// Subnormal weights, subnormal activations and subnormal sums.
func TestMatMulSubnormal(t *testing.T) {
	p := testWorkers(t, 2)
	r := rand.New(rand.NewPCG(5, 6))
	for _, d := range floatTypes {
		c := newProductCase(t, r, d, 5, 33, 70, false, true)
		scale := float32(0x1p-130)
		if d == tensor.F16 {
			for i := range c.n * c.k {
				binary.LittleEndian.PutUint16(c.data[2*i:], uint16(r.Uint32())&0x83ff)
			}
		}
		for i := range c.x {
			c.x[i] *= scale
		}
		c.weight, _ = NewWeight(d, c.n, c.k, c.data)
		eachISA(t, func(t *testing.T) { c.check(t, p, true) })
	}
}

// A row has the same bits alone, in a chunk of a prompt and in the whole, at every number of workers.
func TestMatMulOneOrder(t *testing.T) {
	r := rand.New(rand.NewPCG(7, 8))
	c := newProductCase(t, r, tensor.BF16, 70, 100, 700, true, true)
	want := c.reference(c.bias)
	eachISA(t, func(t *testing.T) {
		for _, workers := range []int{0, 1, 2, 3, 7} {
			var p *Workers
			if workers > 0 {
				p = testWorkers(t, workers)
			}
			for _, chunk := range []int{70, 33, 16, 7, 1} {
				got := make([]float32, len(want))
				for i := 0; i < c.m; i += chunk {
					rows := min(chunk, c.m-i)
					p.MatMul(got[i*c.n:(i+rows)*c.n], c.x[i*c.k:(i+rows)*c.k], rows, c.weight, c.bias)
				}
				requireSameFloats(t, want, got, fmt.Sprintf("%d workers, chunks of %d", workers, chunk))
			}
		}
	})
}

func TestMatMulNoRows(t *testing.T) {
	w, err := NewWeight(tensor.F32, 2, 2, make([]byte, 16))
	require.NoError(t, err)
	eachISA(t, func(t *testing.T) { (*Workers)(nil).MatMul(nil, nil, 0, w, nil) })
}

func TestMatMulBadLengths(t *testing.T) {
	w, err := NewWeight(tensor.F32, 2, 3, make([]byte, 24))
	require.NoError(t, err)
	var p *Workers
	f := func(n int) []float32 { return make([]float32, n) }
	require.Panics(t, func() { p.MatMul(f(4), f(5), 2, w, nil) })
	require.Panics(t, func() { p.MatMul(f(3), f(6), 2, w, nil) })
	require.Panics(t, func() { p.MatMul(f(4), f(6), 2, w, f(1)) })
	require.Panics(t, func() { p.MatMul(f(4), f(6), 2, Weight{}, nil) })
}

func FuzzMatMul(f *testing.F) {
	f.Add(uint64(1), uint8(1), uint8(16), uint16(64), uint8(0), true)
	f.Add(uint64(2), uint8(9), uint8(50), uint16(33), uint8(1), false)
	f.Add(uint64(3), uint8(17), uint8(3), uint16(1030), uint8(2), true)
	p := NewWorkers(2)
	f.Cleanup(p.Close)
	f.Fuzz(func(t *testing.T, seed uint64, m, n uint8, k uint16, d uint8, tricky bool) {
		r := rand.New(rand.NewPCG(seed, 9))
		end := seed%2 == 0
		c := newProductCase(t, r, floatTypes[d%3], 1+int(m)%48, 1+int(n)%100, 1+int(k)%1100, tricky, end)
		for _, name := range ISAs() {
			useISA(t, name)
			c.check(t, p, end)
		}
	})
}
