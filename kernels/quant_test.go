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

var allQuantFormats = []QuantFormat{Q8, Q4, Q4G64}

func floatWeight(t testing.TB, rows, cols int, v []float32) Weight {
	data := make([]byte, 4*len(v))
	for i, x := range v {
		binary.LittleEndian.PutUint32(data[4*i:], math.Float32bits(x))
	}
	w, err := NewWeight(tensor.F32, rows, cols, data)
	require.NoError(t, err)
	return w
}

func TestQuantFormat(t *testing.T) {
	for _, f := range allQuantFormats {
		g, err := ParseQuantFormat(f.String())
		require.NoError(t, err)
		require.Equal(t, f, g)
	}
	_, err := ParseQuantFormat("q5")
	require.EqualError(t, err, `unknown quantised format "q5" (known are q8, q4, q4g64)`)
	require.Equal(t, "QuantFormat(9)", QuantFormat(9).String())
}

func TestNewQuantWeightErrors(t *testing.T) {
	for _, c := range []struct {
		f             QuantFormat
		rows, cols    int
		codes, scales int
		want          string
	}{
		{0, 1, 1, 0, 0, "weight matrix of unknown quantised format 0"},
		{9, 1, 1, 0, 0, "weight matrix of unknown quantised format 9"},
		{Q8, 0, 1, 0, 0, "weight matrix [0, 1] is empty, negative or too large"},
		{Q8, math.MaxInt, math.MaxInt, 0, 0, "weight matrix [9223372036854775807, 9223372036854775807] is empty, negative or too large"},
		{Q4, 17, 33, 5, 6, "weight matrix [17, 33] of q4 has 5 bytes of codes and 6 of scales, expected 1024 and 128"},
	} {
		_, err := NewQuantWeight(c.f, c.rows, c.cols, make([]byte, c.codes), make([]byte, c.scales))
		require.EqualError(t, err, c.want)
	}
}

// Weights that lie on the grid of a format come back exactly.
func TestQuantizeExact(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for _, f := range allQuantFormats {
		rows, cols := 19, 200
		v := make([]float32, rows*cols)
		for n := range rows {
			for k := range cols {
				scale := float32(math.Ldexp(1, -k/f.Group()-3))
				code := r.IntN(255) - 127
				if k%f.Group() == 3 {
					code = 127
				}
				if f != Q8 {
					code = r.IntN(16) - 8
					if k%f.Group() == 3 {
						code = -8
					}
				}
				v[n*cols+k] = float32(code) * scale
			}
		}
		w := floatWeight(t, rows, cols, v)
		codes, scales, err := testWorkers(t, 2).Quantize(f, w)
		require.NoError(t, err)
		q, err := NewQuantWeight(f, rows, cols, codes, scales)
		require.NoError(t, err)
		require.Equal(t, f, q.Quant())
		row := make([]float32, cols)
		for n := range rows {
			q.Row(row, n)
			requireSameFloats(t, v[n*cols:(n+1)*cols], row, f.String())
		}
	}
}

func TestQuantizeError(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	for _, c := range []struct {
		format QuantFormat
		most   float64
	}{{Q8, 0.0001}, {Q4, 0.01}, {Q4G64, 0.015}} {
		rows, cols := 8, 512
		w := floatWeight(t, rows, cols, randomFloats(r, rows*cols))
		codes, scales, err := (*Workers)(nil).Quantize(c.format, w)
		require.NoError(t, err)
		q, err := NewQuantWeight(c.format, rows, cols, codes, scales)
		require.NoError(t, err)
		a, b := make([]float32, cols), make([]float32, cols)
		var noise, signal float64
		for n := range rows {
			w.Row(a, n)
			q.Row(b, n)
			for k := range a {
				noise += math.Pow(float64(a[k])-float64(b[k]), 2)
				signal += math.Pow(float64(a[k]), 2)
			}
		}
		t.Logf("%s: noise to signal %.6f", c.format, noise/signal)
		require.Less(t, noise/signal, c.most, c.format.String())
	}
}

func TestQuantizeRefuses(t *testing.T) {
	v := make([]float32, 3*40)
	v[2*40+35] = float32(math.Inf(1))
	_, _, err := (*Workers)(nil).Quantize(Q8, floatWeight(t, 3, 40, v))
	require.EqualError(t, err, "row 2: column 35 is +Inf, which cannot be quantised")
	v[2*40+35] = 1e30
	_, _, err = (*Workers)(nil).Quantize(Q4, floatWeight(t, 3, 40, v))
	require.EqualError(t, err, "row 2: columns 32 to 63 are too large for an fp16 scale")
	q := newQuantCase(t, rand.New(rand.NewPCG(1, 1)), Q8, 1, 1, 1, false)
	_, _, err = (*Workers)(nil).Quantize(Q8, q.weight)
	require.EqualError(t, err, "weight matrix is already quantised (q8)")
}

// newQuantCase is a product with random codes and scales, extreme and unusual ones among them.
func newQuantCase(t testing.TB, r *rand.Rand, f QuantFormat, m, n, k int, end bool) productCase {
	c := productCase{m: m, n: n, k: k, dtype: tensor.U8}
	c.x, c.bias = guarded[float32](t, m*k, end), guarded[float32](t, n, end)
	for i := range c.x {
		c.x[i] = float32(r.NormFloat64())
	}
	for i := range m { // rows of zeros, of tiny numbers, with an infinity or NaN
		row := c.x[i*k : (i+1)*k]
		switch r.IntN(12) {
		case 0:
			clear(row)
		case 1:
			for j := range row {
				row[j] *= 0x1p-100
			}
		case 2:
			row[r.IntN(k)] = trickyFloat(r)
		}
	}
	for i := range c.bias {
		c.bias[i] = float32(r.NormFloat64())
	}
	codes, scales := f.Sizes(n, k)
	c.data = guarded[byte](t, int(codes), end)
	s := guarded[byte](t, int(scales), end)
	for i := range c.data {
		c.data[i] = byte(r.Uint32())
	}
	for i := 0; i < len(s); i += 2 {
		binary.LittleEndian.PutUint16(s[i:], floatToHalf(float32(r.NormFloat64())))
		if r.IntN(200) == 0 {
			binary.LittleEndian.PutUint16(s[i:], uint16(r.Uint32()))
		}
	}
	w, err := NewQuantWeight(f, n, k, c.data, s)
	require.NoError(t, err)
	c.weight = w
	return c
}

func (c productCase) checkQuant(t testing.TB, p *Workers, end bool) {
	t.Helper()
	for _, bias := range [][]float32{nil, c.bias} {
		want := make([]float32, c.m*c.n)
		matMulQuantRef(want, c.x, c.m, c.weight, bias)
		got := guarded[float32](t, c.m*c.n, end)
		p.MatMul(got, c.x, c.m, c.weight, bias)
		requireSameFloats(t, want, got, fmt.Sprintf("%s %s bias=%t", c.weight.quant, c, bias != nil))
	}
}

func TestMatMulQuant(t *testing.T) {
	p := testWorkers(t, 2)
	eachISA(t, func(t *testing.T) {
		r := rand.New(rand.NewPCG(5, 6))
		for i := range 90 {
			newQuantCase(t, r, allQuantFormats[i%3], 1+r.IntN(20), 1+r.IntN(70), 1+r.IntN(400), i/3%2 == 0).checkQuant(t, p, i/3%2 == 0)
		}
		for m := 1; m <= 24; m++ {
			newQuantCase(t, r, allQuantFormats[m%3], m, 67, 256, true).checkQuant(t, p, true)
		}
		newQuantCase(t, r, Q8, 130, 100, 300, true).checkQuant(t, p, true)
		newQuantCase(t, r, Q4, 130, 100, 300, true).checkQuant(t, p, true)
	})
}

func TestMatMulQuantOneOrder(t *testing.T) {
	r := rand.New(rand.NewPCG(7, 8))
	for _, f := range allQuantFormats {
		c := newQuantCase(t, r, f, 50, 100, 300, true)
		want := make([]float32, c.m*c.n)
		matMulQuantRef(want, c.x, c.m, c.weight, c.bias)
		eachISA(t, func(t *testing.T) {
			for _, workers := range []int{1, 3} {
				p := testWorkers(t, workers)
				for _, chunk := range []int{50, 13, 7, 1} {
					got := make([]float32, len(want))
					for i := 0; i < c.m; i += chunk {
						rows := min(chunk, c.m-i)
						p.MatMul(got[i*c.n:(i+rows)*c.n], c.x[i*c.k:(i+rows)*c.k], rows, c.weight, c.bias)
					}
					requireSameFloats(t, want, got, fmt.Sprintf("%s, %d workers, chunks of %d", f, workers, chunk))
				}
			}
		})
	}
}

func FuzzMatMulQuant(f *testing.F) {
	f.Add(uint64(1), uint8(1), uint8(16), uint16(128), uint8(0))
	f.Add(uint64(2), uint8(9), uint8(50), uint16(33), uint8(1))
	f.Add(uint64(3), uint8(40), uint8(3), uint16(1030), uint8(2))
	p := NewWorkers(2)
	f.Cleanup(p.Close)
	f.Fuzz(func(t *testing.T, seed uint64, m, n uint8, k uint16, format uint8) {
		r := rand.New(rand.NewPCG(seed, 9))
		end := seed%2 == 0
		c := newQuantCase(t, r, allQuantFormats[format%3], 1+int(m)%40, 1+int(n)%100, 1+int(k)%1100, end)
		for _, name := range ISAs() {
			useISA(t, name)
			c.checkQuant(t, p, end)
		}
	})
}
