package kernels

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"

	"llavabench/internal/tensor"
)

// reference is the set that defines the bits.
var reference = vectorsGo()

// sizes are lengths around the widths of registers and the blocks of sums.
var sizes = []int{1, 2, 3, 5, 7, 8, 9, 11, 15, 16, 17, 23, 31, 32, 33, 47, 63, 64, 65, 79, 95, 96, 127, 128, 129, 160, 191, 200, 255, 257, 1000}

// The kinds of data that a kernel is tried on.
var kinds = []struct {
	name string
	draw func(r *rand.Rand) float32
}{
	{"normal", func(r *rand.Rand) float32 { return float32(r.NormFloat64()) }},
	{"wide", func(r *rand.Rand) float32 { return float32(r.NormFloat64() * math.Exp2(float64(r.IntN(20)-6))) }},
	{"few specials", func(r *rand.Rand) float32 {
		if r.IntN(100) == 0 {
			return trickyFloat(r)
		}
		return float32(r.NormFloat64())
	}},
	{"tricky", trickyFloat},
	{"subnormal", func(r *rand.Rand) float32 { return math.Float32frombits(r.Uint32N(1<<24) | uint32(r.IntN(2))<<31) }},
}

// eachVector calls f with random data for every instruction set, kind of data and size, at both ends of guarded pages and,
// inside them, at every alignment of a float32.
func eachVector(t *testing.T, f func(t *testing.T, v *vectorSet, n int, data func(n int) []float32)) {
	eachISA(t, func(t *testing.T) {
		for _, kind := range kinds {
			rng := rand.New(rand.NewPCG(11, 12))
			for _, n := range sizes {
				for _, end := range []bool{false, true} {
					f(t, vector(), n, func(n int) []float32 {
						x := guarded[float32](t, n, end)
						for i := range x {
							x[i] = kind.draw(rng)
						}
						return x
					})
				}
			}
		}
	})
}

func clone[T any](x []T) []T { return append([]T(nil), x...) }

func TestUnary(t *testing.T) {
	for name, f := range map[string]func(v *vectorSet) func([]float32){
		"quickGELU": func(v *vectorSet) func([]float32) { return v.quickGELU },
		"gelu":      func(v *vectorSet) func([]float32) { return v.gelu },
		"geluTanh":  func(v *vectorSet) func([]float32) { return v.geluTanh },
	} {
		t.Run(name, func(t *testing.T) {
			eachVector(t, func(t *testing.T, v *vectorSet, n int, data func(int) []float32) {
				x := data(n)
				want := clone(x)
				f(&reference)(want)
				in := clone(x)
				f(v)(x)
				requireSameFloats(t, want, x, fmt.Sprintf("of %g", in))
			})
		})
	}
}

func TestBinary(t *testing.T) {
	for name, f := range map[string]func(v *vectorSet) func(a, b []float32){
		"siluMul": func(v *vectorSet) func(a, b []float32) { return v.siluMul },
		"add":     func(v *vectorSet) func(a, b []float32) { return v.add },
		"divide": func(v *vectorSet) func(a, b []float32) {
			return func(a, b []float32) { v.attention.divide(a, b, b[0]) }
		},
	} {
		t.Run(name, func(t *testing.T) {
			eachVector(t, func(t *testing.T, v *vectorSet, n int, data func(int) []float32) {
				a, b := data(n), data(n)
				want := clone(a)
				f(&reference)(want, b)
				f(v)(a, b)
				requireSameFloats(t, want, a, name)
			})
		})
	}
}

func TestRotate(t *testing.T) {
	eachVector(t, func(t *testing.T, v *vectorSet, n int, data func(int) []float32) {
		a, b, c, s := data(n), data(n), data(n), data(n)
		wantA, wantB := clone(a), clone(b)
		reference.rotate(wantA, wantB, c, s)
		v.rotate(a, b, c, s)
		requireSameFloats(t, wantA, a, "first half")
		requireSameFloats(t, wantB, b, "second half")
	})
}

func TestNormSteps(t *testing.T) {
	eachVector(t, func(t *testing.T, v *vectorSet, n int, data func(int) []float32) {
		x, w, b := data(n), data(n), data(n)
		requireSameFloat(t, reference.sumRow(x), v.sumRow(x), "sum of %d", n)
		for _, mean := range []float32{0, 0.25} {
			requireSameFloat(t, reference.sumSquares(x, mean), v.sumSquares(x, mean), "squares of %d", n)
			for _, bias := range [][]float32{nil, b} {
				want, got := make([]float32, n), data(n)
				reference.normRow(want, x, w, bias, mean, 1.7)
				v.normRow(got, x, w, bias, mean, 1.7)
				requireSameFloats(t, want, got, "row")
			}
		}
	})
}

func TestConversions(t *testing.T) {
	for name, f := range map[string]func(v *vectorSet) conversion{
		"f16":  func(v *vectorSet) conversion { return v.f16 },
		"bf16": func(v *vectorSet) conversion { return v.bf16 },
	} {
		t.Run(name, func(t *testing.T) {
			eachVector(t, func(t *testing.T, v *vectorSet, n int, data func(int) []float32) {
				x := data(n)
				want, got := make([]byte, 2*n), make([]byte, 2*n+1)[1:]
				f(&reference).narrow(want, x)
				f(v).narrow(got, x)
				require.Equal(t, want, got)
				got = guardedCopy(t, got, n%2 == 0)
				wide := make([]float32, n)
				f(&reference).widen(wide, got)
				f(v).widen(x, got)
				for i := range wide {
					require.Equal(t, math.Float32bits(wide[i]), math.Float32bits(x[i]))
				}
			})
		})
	}
}

func TestArgmax(t *testing.T) {
	eachVector(t, func(t *testing.T, v *vectorSet, n int, data func(int) []float32) {
		x := data(n)
		want, got := reference.largest(x), v.largest(x)
		require.True(t, want == got || want != want && got != got, "largest is %g, expected %g", got, want)
		best := 0
		for i, v := range x {
			if x[best] == x[best] && (v != v || v > x[best]) {
				best = i
			}
		}
		require.Equal(t, best, Argmax(x))
	})
	inf, nan := float32(math.Inf(1)), float32(math.NaN())
	zero := float32(math.Copysign(0, -1))
	for _, c := range []struct {
		x    []float32
		want int
	}{
		{nil, -1}, {[]float32{3}, 0}, {[]float32{1, 2, 2}, 1}, {[]float32{zero, 0}, 0}, {[]float32{0, zero}, 0},
		{[]float32{-inf, -inf}, 0}, {[]float32{1, nan, inf, nan}, 1}, {[]float32{-inf, -5}, 1},
	} {
		require.Equal(t, c.want, Argmax(c.x), "%g", c.x)
	}
	long := make([]float32, 3*elementChunk+5)
	long[2*elementChunk+7] = 1
	long[3*elementChunk+1] = 1
	require.Equal(t, 2*elementChunk+7, Argmax(long))
	long[elementChunk] = nan
	require.Equal(t, elementChunk, Argmax(long))
}

func TestSoftmax(t *testing.T) {
	eachVector(t, func(t *testing.T, v *vectorSet, n int, data func(int) []float32) {
		x := data(n)
		m, sum := negInf, [16]float32{}
		e := make([]float32, n)
		for _, v := range x {
			m = max(m, v)
		}
		for i, v := range x {
			e[i] = expf(v - m)
			sum[i%16] += e[i]
		}
		l := foldLanes(sum[:])
		for i := range e {
			e[i] /= l
		}
		(*Workers)(nil).Softmax(x, 1, n)
		requireSameFloats(t, e, x, "softmax")
	})
}

func TestLogSumExp(t *testing.T) {
	eachVector(t, func(t *testing.T, v *vectorSet, n int, data func(int) []float32) {
		x := data(n)
		m, l, exact := negInf, 0.0, 0.0
		for _, v := range x {
			m = max(m, v)
		}
		for _, v := range x {
			l += float64(expf(v - m))
			exact += math.Exp(float64(v) - float64(m))
		}
		var got [1]float64
		(*Workers)(nil).LogSumExp(got[:], x, 1, n)
		if m-m != 0 || n == 0 {
			require.True(t, math.IsNaN(got[0]))
			return
		}
		require.Equal(t, math.Float64bits(float64(m)+log(l)), math.Float64bits(got[0]))
		require.InDelta(t, float64(m)+math.Log(exact), got[0], 2e-7+math.Abs(float64(m))*0x1p-50)
	})
	var dst [2]float64
	(*Workers)(nil).LogSumExp(dst[:], []float32{0, 0, 0, negInf, negInf, negInf}, 2, 3)
	require.InDelta(t, math.Log(3), dst[0], 1e-12)
	require.True(t, math.IsNaN(dst[1]))
}

func TestExpBlocks(t *testing.T) {
	eachVector(t, func(t *testing.T, v *vectorSet, n int, data func(int) []float32) {
		blocks, rows := n%9+1, n%3+1
		step := rows * keyPanel
		x := data((blocks-1)*step + keyPanel)
		if n%4 == 0 {
			x[1] = negInf
		}
		want := clone(x)
		sum := reference.attention.expBlocks(want, step, blocks)
		got := v.attention.expBlocks(x, step, blocks)
		requireSameFloat(t, sum, got, "sum")
		if sum == sum { // with a NaN the weights do not matter: every output is divided by it
			requireSameFloats(t, want, x, "weights")
		}
	})
}

// The steps of attention for every shape of tile.
func TestAttentionSteps(t *testing.T) {
	eachISA(t, func(t *testing.T) {
		set := &vector().attention
		for _, d := range []tensor.DType{tensor.F32, tensor.F16, tensor.BF16} {
			for _, rows := range set.tileRows {
				for _, kind := range kinds {
					rng := rand.New(rand.NewPCG(13, 14))
					for _, end := range []bool{false, true} {
						draw := func(n int) []float32 {
							x := guarded[float32](t, n, end)
							for i := range x {
								x[i] = kind.draw(rng)
							}
							return x
						}
						dim, blocks := 1+rng.IntN(40), 1+rng.IntN(9)
						full := roundUp(blocks, 4)
						q := draw(rows * dim)
						keys := guarded[byte](t, full*dim*keyPanel*d.Size(), end)
						Narrow(keys, d, draw(full*dim*keyPanel))
						want, got := make([]float32, full*rows*keyPanel), draw(full*rows*keyPanel)
						reference.attention.scores(d, want, q, keys, rows, blocks, dim, 0.7)
						set.scores(d, got, q, keys, rows, blocks, dim, 0.7)
						used := blocks * rows * keyPanel
						what := fmt.Sprintf("%s, %d rows, %d blocks of %d, %s", d, rows, blocks, dim, kind.name)
						requireSameFloats(t, want[:used], got[:used], "scores: "+what)

						width, n, lane := 16*(1+rng.IntN(12)), 1+rng.IntN(70), rng.IntN(keyPanel)
						step := (rows + rng.IntN(3)) * keyPanel
						last := lane + n - 1
						p := draw(last/keyPanel*step + (rows-1)*keyPanel + last%keyPanel + 1)
						values := guarded[byte](t, n*width*d.Size(), end)
						Narrow(values, d, draw(n*width))
						got = draw(rows * width)
						want = clone(got)
						reference.attention.weightedSum(d, want, p, values, rows, n, lane, step, width)
						set.weightedSum(d, got, p, values, rows, n, lane, step, width)
						requireSameFloats(t, want, got, fmt.Sprintf("sums: %s, width %d, %d keys from lane %d", what, width, n, lane))
					}
				}
			}
		}
	})
}
