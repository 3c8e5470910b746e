package kernels

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"

	"llavabench/internal/tensor"
)

// An attendCase is one call of Attend over a history: the keys and values of all positions, the queries of the last rows.
type attendCase struct {
	heads, kvHeads, dim int
	keys, rows          int
	dtype               tensor.DType
	a                   Attention
	q, k, v             []float32
}

func (c attendCase) String() string {
	return fmt.Sprintf("%dx%d/%d of %d over %d, %s, causal %v, window %d", c.rows, c.heads, c.kvHeads, c.dim, c.keys, c.dtype, c.a.Causal, c.a.Window)
}

func (c attendCase) fill(seed uint64) attendCase {
	rng := rand.New(rand.NewPCG(seed, 7))
	normal := func(n int) []float32 {
		x := make([]float32, n)
		for i := range x {
			x[i] = float32(rng.NormFloat64())
		}
		return x
	}
	c.q, c.k, c.v = normal(c.rows*c.heads*c.dim), normal(c.keys*c.kvHeads*c.dim), normal(c.keys*c.kvHeads*c.dim)
	if c.a.Scale == 0 {
		c.a.Scale = float32(1 / math.Sqrt(float64(c.dim)))
	}
	return c
}

// kv is the cache that holds the case's keys and values.
func (c attendCase) kv(w *Workers) *KV {
	kv := NewKV(c.kvHeads, c.dim, c.keys, c.dtype)
	kv.Append(w, c.k, c.v, c.keys)
	return kv
}

// stored is the value of x after a round trip through type d.
func stored(d tensor.DType, x float32) float32 {
	switch d {
	case tensor.F16:
		return halfToFloat(floatToHalf(x))
	case tensor.BF16:
		return bfloatToFloat(floatToBfloat(x))
	}
	return x
}

// sees lists the keys that a row sees, straight from the definition.
func (c attendCase) sees(row int) []int {
	var keys []int
	i := c.keys - c.rows + row
	for j := range c.keys {
		if !c.a.Causal || j <= i && (c.a.Window == 0 || j > i-c.a.Window) {
			keys = append(keys, j)
		}
	}
	return keys
}

// reference is the definition of Attend, one row and head at a time.
func (c attendCase) reference() []float32 {
	out := make([]float32, len(c.q))
	for row := range c.rows {
		for h := range c.heads {
			at := (row*c.heads + h) * c.dim
			g := h / (c.heads / c.kvHeads)
			keys := c.sees(row)
			p := map[int]float32{}
			m := float32(math.Inf(-1))
			for _, j := range keys {
				var s float32
				for d := range c.dim {
					s = FMA32(c.q[at+d], stored(c.dtype, c.k[(j*c.kvHeads+g)*c.dim+d]), s)
				}
				p[j] = float32(s * c.a.Scale)
				m = max(m, p[j])
			}
			var l [16]float32
			for _, j := range keys {
				p[j] = expf(p[j] - m)
				l[j%16] += p[j]
			}
			for n := 8; n > 0; n /= 2 {
				for i := range n {
					l[i] += l[i+n]
				}
			}
			for d := range c.dim {
				var o float32
				for _, j := range keys {
					o = FMA32(p[j], stored(c.dtype, c.v[(j*c.kvHeads+g)*c.dim+d]), o)
				}
				out[at+d] = o / l[0]
			}
		}
	}
	return out
}

// exact is the same in float64.
func (c attendCase) exact() []float64 {
	out := make([]float64, len(c.q))
	for row := range c.rows {
		for h := range c.heads {
			at := (row*c.heads + h) * c.dim
			g := h / (c.heads / c.kvHeads)
			keys := c.sees(row)
			sum := 0.0
			for _, j := range keys {
				s := 0.0
				for d := range c.dim {
					s += float64(c.q[at+d]) * float64(stored(c.dtype, c.k[(j*c.kvHeads+g)*c.dim+d]))
				}
				e := math.Exp(s * float64(c.a.Scale))
				sum += e
				for d := range c.dim {
					out[at+d] += e * float64(stored(c.dtype, c.v[(j*c.kvHeads+g)*c.dim+d]))
				}
			}
			for d := range c.dim {
				out[at+d] /= sum
			}
		}
	}
	return out
}

func (c attendCase) attend(w *Workers) []float32 {
	dst := make([]float32, len(c.q))
	w.Attend(dst, c.q, c.rows, c.heads, c.kv(w), c.a)
	return dst
}

func attendCases() []attendCase {
	causal := Attention{Causal: true}
	return []attendCase{
		{heads: 2, kvHeads: 2, dim: 64, keys: 97, rows: 97, dtype: tensor.F32},
		{heads: 1, kvHeads: 1, dim: 80, keys: 50, rows: 50, dtype: tensor.F32},
		{heads: 2, kvHeads: 2, dim: 72, keys: 33, rows: 33, dtype: tensor.F16},
		{heads: 1, kvHeads: 1, dim: 7, keys: 20, rows: 20, dtype: tensor.BF16},
		{heads: 3, kvHeads: 1, dim: 1, keys: 5, rows: 5, dtype: tensor.F32, a: causal},
		{heads: 2, kvHeads: 2, dim: 128, keys: 70, rows: 70, dtype: tensor.F32, a: causal},
		{heads: 2, kvHeads: 2, dim: 128, keys: 81, rows: 17, dtype: tensor.BF16, a: causal},
		{heads: 4, kvHeads: 2, dim: 128, keys: 65, rows: 1, dtype: tensor.F16, a: causal},
		{heads: 7, kvHeads: 1, dim: 64, keys: 40, rows: 9, dtype: tensor.BF16, a: causal},
		{heads: 14, kvHeads: 2, dim: 64, keys: 200, rows: 1, dtype: tensor.F32, a: causal},
		{heads: 8, kvHeads: 1, dim: 128, keys: 129, rows: 3, dtype: tensor.F16, a: causal},
		{heads: 2, kvHeads: 1, dim: 64, keys: 150, rows: 60, dtype: tensor.F32, a: Attention{Causal: true, Window: 20}},
		{heads: 1, kvHeads: 1, dim: 64, keys: 200, rows: 40, dtype: tensor.BF16, a: Attention{Causal: true, Window: 70}},
		{heads: 1, kvHeads: 1, dim: 48, keys: 30, rows: 30, dtype: tensor.F32, a: Attention{Causal: true, Window: 1}},
		{heads: 1, kvHeads: 1, dim: 24, keys: 30, rows: 30, dtype: tensor.F32, a: Attention{Causal: true, Window: 100}},
		{heads: 1, kvHeads: 1, dim: 16, keys: 1, rows: 1, dtype: tensor.F32, a: causal},
	}
}

func TestAttend(t *testing.T) {
	cases := attendCases()
	want := make([][]float32, len(cases))
	for i := range cases {
		cases[i] = cases[i].fill(uint64(i))
		want[i] = cases[i].reference()
	}
	eachISA(t, func(t *testing.T) {
		for _, workers := range []int{1, 3} {
			w := testWorkers(t, workers)
			for i, c := range cases {
				requireSameFloats(t, want[i], c.attend(w), c.String())
			}
		}
	})
}

func TestAttendAccuracy(t *testing.T) {
	for i, c := range attendCases() {
		c = c.fill(uint64(i))
		got := c.attend(nil)
		for j, want := range c.exact() {
			require.InDelta(t, want, got[j], 3e-6, "%s: %d", c, j)
		}
	}
}

// A prompt has the same bits as a whole, in chunks of any size and token by token, and after a prefix was copied.
func TestAttendChunks(t *testing.T) {
	eachISA(t, func(t *testing.T) {
		for _, window := range []int{0, 9} {
			c := attendCase{heads: 4, kvHeads: 2, dim: 40, keys: 61, rows: 61, dtype: tensor.BF16, a: Attention{Causal: true, Window: window}}.fill(5)
			whole := c.attend(nil)
			qw, kw := c.heads*c.dim, c.kvHeads*c.dim
			chunked := func(kv *KV, sizes func() int) []float32 {
				out := make([]float32, len(c.q))
				for at := kv.Len(); at < c.keys; {
					n := min(sizes(), c.keys-at)
					kv.Append(nil, c.k[at*kw:(at+n)*kw], c.v[at*kw:(at+n)*kw], n)
					(*Workers)(nil).Attend(out[at*qw:(at+n)*qw], c.q[at*qw:(at+n)*qw], n, c.heads, kv, c.a)
					at += n
				}
				return out
			}
			rng := rand.New(rand.NewPCG(8, 9))
			for _, sizes := range []func() int{
				func() int { return 1 }, func() int { return 16 }, func() int { return 13 }, func() int { return 1 + rng.IntN(30) },
			} {
				requireSameFloats(t, whole, chunked(NewKV(c.kvHeads, c.dim, c.keys+5, c.dtype), sizes), "chunks")
			}
			prefix := NewKV(c.kvHeads, c.dim, 200, c.dtype)
			prefix.CopyPrefix(c.kv(nil), 37)
			out := chunked(prefix, func() int { return 7 })
			requireSameFloats(t, whole[37*qw:], out[37*qw:], "after a copied prefix")
		}
	})
}

// A fork gives the bits of the sequence that it continues, wherever it begins and whatever its base does afterwards.
func TestAttendForks(t *testing.T) {
	eachISA(t, func(t *testing.T) {
		for _, window := range []int{0, 9, 90} {
			for _, d := range []tensor.DType{tensor.F32, tensor.BF16} {
				c := attendCase{heads: 4, kvHeads: 2, dim: 40, keys: 217, rows: 217, dtype: d, a: Attention{Causal: true, Window: window}}.fill(7)
				whole := c.attend(nil)
				qw, kw := c.heads*c.dim, c.kvHeads*c.dim
				for _, n := range []int{0, 1, 63, 64, 65, 127, 128, 150, 192, 216} {
					base := NewKV(c.kvHeads, c.dim, 220, d)
					base.Append(nil, c.k[:n*kw], c.v[:n*kw], n)
					fork := base.Fork(n, c.keys)
					base.Append(nil, c.v[:2*kw], c.k[:2*kw], 2)
					out := make([]float32, len(c.q))
					for at, size := n, 1; at < c.keys; size += 6 {
						rows := min(size, c.keys-at)
						fork.Append(nil, c.k[at*kw:(at+rows)*kw], c.v[at*kw:(at+rows)*kw], rows)
						(*Workers)(nil).Attend(out[at*qw:(at+rows)*qw], c.q[at*qw:(at+rows)*qw], rows, c.heads, fork, c.a)
						at += rows
					}
					requireSameFloats(t, whole[n*qw:], out[n*qw:], "fork")
				}
			}
		}
	})
}

// A fork of a fork needs nothing but the base: the fork between may be cut and written anew.
func TestAttendForksOfForks(t *testing.T) {
	c := attendCase{heads: 4, kvHeads: 2, dim: 40, keys: 217, rows: 217, dtype: tensor.F16, a: Attention{Causal: true}}.fill(7)
	whole := c.attend(nil)
	qw, kw := c.heads*c.dim, c.kvHeads*c.dim
	for _, n := range []int{0, 30, 64, 100, 128} { // of the base
		base := NewKV(c.kvHeads, c.dim, 128, c.dtype)
		base.Append(nil, c.k[:n*kw], c.v[:n*kw], n)
		for _, m := range []int{max(1, n/2), n, n + 1, n + 50, 200} { // of the first fork
			fork := base.Fork(n, 217)
			fork.Append(nil, c.k[n*kw:max(n, m)*kw], c.v[n*kw:max(n, m)*kw], max(n, m)-n)
			second := fork.Fork(m, c.keys)
			if n >= 64 { // else it shares nothing and is the base of the second itself
				fork.Truncate(n)
				fork.Append(nil, c.v[:50*kw], c.k[:50*kw], 50)
			}
			second.Append(nil, c.k[m*kw:], c.v[m*kw:], c.keys-m)
			out := make([]float32, (c.keys-m)*qw)
			(*Workers)(nil).Attend(out, c.q[m*qw:], c.keys-m, c.heads, second, c.a)
			requireSameFloats(t, whole[m*qw:], out, "fork of a fork")
		}
	}
}

func TestForkRefusesWhatWouldReadLostKeys(t *testing.T) {
	c := attendCase{heads: 2, kvHeads: 2, dim: 8, keys: 140, rows: 3, dtype: tensor.F32, a: Attention{Causal: true}}.fill(3)
	kv := c.kv(nil)
	fork := kv.Fork(130, 150)
	require.Equal(t, 130, fork.Len())
	require.Equal(t, 150, fork.Cap())
	require.Equal(t, int64(2*64*(8+16)*4), fork.Bytes(), "22 keys of its own")
	fork.Truncate(128)
	require.Panics(t, func() { fork.Truncate(127) })
	require.Panics(t, func() { fork.Fork(129, 150) })
	require.Panics(t, func() { fork.Clone() })
	require.Panics(t, func() { kv.Fork(141, 150) })
	require.Panics(t, func() { kv.Fork(10, 9) })
}

// What a masked key holds plays no part: later tokens of a chunk and tokens before the window may be NaN or infinite, and
// the sign of a zero does not depend on the tile either.
func TestAttendMaskedKeysAreAbsent(t *testing.T) {
	eachISA(t, func(t *testing.T) {
		c := attendCase{heads: 1, kvHeads: 1, dim: 16, keys: 40, rows: 40, dtype: tensor.F32, a: Attention{Causal: true, Window: 12}}.fill(6)
		for d := range c.dim {
			c.k[3*c.dim+d] = float32(math.NaN())
			c.v[25*c.dim+d] = float32(math.Inf(1))
			c.v[27*c.dim+d] = -1e-45 // products that round to -0
			c.v[38*c.dim+d] = -1e-45
		}
		for d := range c.dim {
			c.k[26*c.dim+d] *= 100
		}
		requireSameFloats(t, c.reference(), c.attend(nil), c.String())
	})
}

func TestKV(t *testing.T) {
	c := attendCase{heads: 2, kvHeads: 2, dim: 8, keys: 40, rows: 3, dtype: tensor.F16, a: Attention{Causal: true}}.fill(3)
	kv := c.kv(nil)
	require.Equal(t, 40, kv.Len())
	require.Equal(t, 40, kv.Cap())
	require.Equal(t, int64(2*64*(8+16)*2), kv.Bytes())
	out := func(kv *KV) []float32 {
		dst := make([]float32, len(c.q))
		(*Workers)(nil).Attend(dst, c.q, c.rows, c.heads, kv, c.a)
		return dst
	}
	before := out(kv)
	clone := kv.Clone()
	kv.Truncate(10)
	kv.Append(nil, c.v[:16], c.k[:16], 1)
	require.Equal(t, 11, kv.Len())
	require.NotEqual(t, before, out(kv))
	require.Equal(t, before, out(clone))
	kv.Truncate(10)
	kv.Append(nil, c.k[10*16:], c.v[10*16:], 30)
	require.Equal(t, before, out(kv))
	require.Panics(t, func() { kv.Append(nil, c.k[:16], c.v[:16], 1) })
	require.Panics(t, func() { kv.Truncate(41) })
	require.Panics(t, func() { NewKV(2, 8, 39, tensor.F16).CopyPrefix(kv, 40) })
	require.Panics(t, func() { NewKV(2, 8, 40, tensor.F32).CopyPrefix(kv, 1) })
}
