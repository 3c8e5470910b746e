package kernels

import (
	"math"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"
)

// randomRows are rows whose mean and scale differ from 0 and 1.
func randomRows(seed uint64, rows, width int) []float32 {
	rng := rand.New(rand.NewPCG(seed, 1))
	x := make([]float32, rows*width)
	for r := range rows {
		mean, scale := rng.NormFloat64()*3, math.Exp(rng.NormFloat64())
		for i := range width {
			x[r*width+i] = float32(mean + scale*rng.NormFloat64())
		}
	}
	return x
}

func TestLayerNormAccuracy(t *testing.T) {
	eachISA(t, func(t *testing.T) {
		for _, width := range []int{1, 2, 63, 64, 100, 1024, 4096} {
			const rows = 5
			x, weight, bias := randomRows(1, rows, width), randomRows(2, 1, width), randomRows(3, 1, width)
			dst := make([]float32, len(x))
			testWorkers(t, 2).LayerNorm(dst, x, rows, width, weight, bias, 1e-5)
			for r := range rows {
				row := x[r*width : (r+1)*width]
				mean, variance := 0.0, 0.0
				for _, v := range row {
					mean += float64(v) / float64(width)
				}
				for _, v := range row {
					variance += (float64(v) - mean) * (float64(v) - mean) / float64(width)
				}
				for i, v := range row {
					want := (float64(v)-mean)/math.Sqrt(variance+1e-5)*float64(weight[i]) + float64(bias[i])
					require.InDelta(t, want, dst[r*width+i], 2e-6*(1+math.Abs(float64(weight[i])))*3, "width %d", width)
				}
			}
		}
	})
}

func TestRMSNormAccuracy(t *testing.T) {
	eachISA(t, func(t *testing.T) {
		for _, width := range []int{1, 2, 63, 64, 100, 1024, 4096} {
			const rows = 5
			x, weight := randomRows(4, rows, width), randomRows(5, 1, width)
			dst := append([]float32(nil), x...)
			testWorkers(t, 2).RMSNorm(dst, dst, rows, width, weight, 1e-6) // in place
			for r := range rows {
				row := x[r*width : (r+1)*width]
				ms := 0.0
				for _, v := range row {
					ms += float64(v) * float64(v) / float64(width)
				}
				for i, v := range row {
					want := float64(v) / math.Sqrt(ms+1e-6) * float64(weight[i])
					require.InDelta(t, want, dst[r*width+i], 1e-6*(1+math.Abs(want)), "width %d", width)
				}
			}
		}
	})
}

// A row's bits do not depend on the rows beside it, on the workers, or on whether bias is nil or dst is x.
func TestNormRowsAreIndependent(t *testing.T) {
	eachISA(t, func(t *testing.T) {
		const rows, width = 40, 777
		x, weight := randomRows(6, rows, width), randomRows(7, 1, width)
		all := make([]float32, len(x))
		testWorkers(t, 3).LayerNorm(all, x, rows, width, weight, nil, 1e-5)
		for r := range rows {
			one := append([]float32(nil), x[r*width:(r+1)*width]...)
			(*Workers)(nil).LayerNorm(one, one, 1, width, weight, nil, 1e-5)
			requireSameFloats(t, one, all[r*width:(r+1)*width], "row")
		}
	})
}

func TestNormSpecials(t *testing.T) {
	eachISA(t, func(t *testing.T) {
		inf, nan := float32(math.Inf(1)), float32(math.NaN())
		weight := []float32{1, 2, 3, 4}
		norm := func(x ...float32) (layer, rms []float32) {
			layer, rms = make([]float32, 4), make([]float32, 4)
			(*Workers)(nil).LayerNorm(layer, x, 1, 4, weight, nil, 1e-5)
			(*Workers)(nil).RMSNorm(rms, x, 1, 4, weight, 1e-5)
			return layer, rms
		}
		allNaN := []float32{nan, nan, nan, nan}
		layer, rms := norm(1, nan, 2, 3)
		requireSameFloats(t, allNaN, layer, "layer norm with NaN")
		requireSameFloats(t, allNaN, rms, "rms norm with NaN")
		layer, rms = norm(1, inf, 2, 3)
		requireSameFloats(t, allNaN, layer, "layer norm with Inf")
		requireSameFloats(t, []float32{0, nan, 0, 0}, rms, "rms norm with Inf")
		layer, rms = norm(0, 0, 0, 0)
		requireSameFloats(t, []float32{0, 0, 0, 0}, layer, "layer norm of zeros")
		requireSameFloats(t, []float32{0, 0, 0, 0}, rms, "rms norm of zeros")
		layer, _ = norm(7, 7, 7, 7)
		requireSameFloats(t, []float32{0, 0, 0, 0}, layer, "layer norm of a constant")
	})
}

func TestRope(t *testing.T) {
	eachISA(t, func(t *testing.T) {
		for _, dim := range []int{2, 6, 64, 72, 80, 128} {
			const rows, heads, pos = 7, 3, 11
			half := dim / 2
			x := randomRows(8, rows, heads*dim)
			cos, sin := RopeTable(RopeFrequencies(1e4, dim), pos, rows)
			got := append([]float32(nil), x...)
			testWorkers(t, 2).Rope(got, rows, heads, dim, cos, sin)
			for r := range rows {
				for h := range heads {
					for i := range half {
						a, b := x[(r*heads+h)*dim+i], x[(r*heads+h)*dim+half+i]
						angle := float64(float32(pos+r)) * math.Pow(1e4, -float64(2*i)/float64(dim))
						s, c := math.Sincos(angle)
						at := (r*heads+h)*dim + i
						require.InDelta(t, float64(a)*c-float64(b)*s, got[at], 5e-5)
						require.InDelta(t, float64(b)*c+float64(a)*s, got[at+half], 5e-5)
						require.Equal(t, FMA32(-b, sin[r*half+i], float32(a*cos[r*half+i])), got[at])
						require.Equal(t, FMA32(a, sin[r*half+i], float32(b*cos[r*half+i])), got[at+half])
					}
				}
			}
		}
	})
}

func TestWrongLengthsPanic(t *testing.T) {
	var w *Workers
	x := make([]float32, 12)
	kv := NewKV(1, 4, 8, 2)
	for name, f := range map[string]func(){
		"layer norm": func() { w.LayerNorm(x, x, 3, 4, x[:4], x[:3], 1e-5) },
		"rms norm":   func() { w.RMSNorm(x, x, 3, 4, x, 1e-5) },
		"silu":       func() { w.SiLUMul(x, x[:11]) },
		"add":        func() { w.Add(x, x[:11]) },
		"rope":       func() { w.Rope(x, 3, 1, 4, x[:6], x[:5]) },
		"widen":      func() { Widen(x, 3, make([]byte, 23)) },
		"type":       func() { Widen(x, 5, make([]byte, 96)) },
		"append":     func() { kv.Append(w, x, x[:8], 3) },
		"attend":     func() { w.Attend(x, x[:8], 3, 1, kv, Attention{}) },
		"heads":      func() { w.Attend(x, x, 1, 3, NewKV(2, 4, 8, 2), Attention{}) },
		"causal":     func() { w.Attend(x, x, 3, 1, kv, Attention{Causal: true}) },
	} {
		require.Panics(t, f, name)
	}
}
