package kernels

import (
	"math"
	"math/big"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"
)

// ulps is the distance of got from want in units of the last place of float32(want).
func ulps(got float32, want float64) float64 {
	w := float32(want)
	if math.IsInf(float64(w), 0) || math.IsInf(float64(got), 0) {
		return math.Abs(float64(math.Float32bits(got)) - float64(math.Float32bits(w)))
	}
	return math.Abs(float64(got)-want) / ulp(w)
}

func ulp(x float32) float64 {
	b := math.Float32bits(x) &^ (1 << 31)
	e := int(b >> 23)
	return math.Ldexp(1, max(e, 1)-150)
}

// sweep calls f for float32 numbers of both signs with magnitudes in [lo, hi]: all of them in a full sweep, else about n.
func sweep(lo, hi float32, n int, f func(x float32)) {
	a, b := math.Float32bits(lo), math.Float32bits(hi)
	step := max(1, (b-a)/uint32(n))
	if fullSweep() {
		step = 1
	}
	for u := a; u <= b && u >= a; u += step {
		f(math.Float32frombits(u))
		f(-math.Float32frombits(u))
	}
}

func TestExpAccuracy(t *testing.T) {
	worst, at := 0.0, float32(0)
	sweep(0, 110, 400_000, func(x float32) {
		if e := ulps(expf(x), math.Exp(float64(x))); e > worst {
			worst, at = e, x
		}
	})
	t.Logf("expf: at most %.4f ulp, at %g", worst, at)
	require.Less(t, worst, 1.02)
}

func TestLogAccuracy(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for range 200_000 {
		x := math.Exp(r.Float64()*50 - 5)
		if r.IntN(2) == 0 {
			x = 1 + r.Float64()*r.Float64()*1e-3
		}
		want := math.Log(x)
		require.LessOrEqual(t, math.Abs(log(x)-want), max(0x1p-53, 2*(math.Nextafter(math.Abs(want), math.Inf(1))-math.Abs(want))), "log(%v)", x)
	}
	require.Equal(t, 0.0, log(1))
	require.Equal(t, math.Ln2, log(2))
}

func TestExpSpecial(t *testing.T) {
	inf := float32(math.Inf(1))
	nan := float32(math.NaN())
	for _, c := range []struct{ x, want float32 }{
		{0, 1}, {float32(math.Copysign(0, -1)), 1}, {inf, inf}, {-inf, 0}, {89, inf}, {-104, 0}, {-1e30, 0}, {3e38, inf}, {1e-45, 1},
	} {
		require.Equal(t, math.Float32bits(c.want), math.Float32bits(expf(c.x)), "expf(%g)", c.x)
	}
	y := expf(nan)
	require.True(t, y != y)
	y = erff(nan)
	require.True(t, y != y)
}

// The first argument with an infinite result and the last with a zero one are the correctly rounded ones.
func TestExpEnds(t *testing.T) {
	require.False(t, math.IsInf(float64(expf(0x1.62e42ep6)), 0))
	require.True(t, math.IsInf(float64(expf(0x1.62e430p6)), 0))
	require.Equal(t, float32(0x1p-149), expf(-0x1.9fe368p6))
	require.Equal(t, float32(0), expf(-0x1.9fe36ap6))
}

func TestErfAccuracy(t *testing.T) {
	worst, at := 0.0, float32(0)
	sweep(1e-38, 6, 400_000, func(x float32) {
		if e := ulps(erff(x), math.Erf(float64(x))); e > worst {
			worst, at = e, x
		}
	})
	t.Logf("erff: at most %.4f ulp, at %g", worst, at)
	require.Less(t, worst, 1.08)
	require.Equal(t, float32(1), erff(4))
	require.Equal(t, float32(-1), erff(float32(math.Inf(-1))))
	require.Equal(t, uint32(1<<31), math.Float32bits(erff(float32(math.Copysign(0, -1)))))
}

// The activations against their formulas in float64: the error is measured against the larger of the result and the last
// places of x that the argument of exp loses.
func TestActivationAccuracy(t *testing.T) {
	sigmoid := func(z float64) float64 { return 1 / (1 + math.Exp(-z)) }
	for _, c := range []struct {
		name string
		got  func(float32) float32
		want func(float64) float64
		// abs bounds |got - want| / max(1, |x|); rel bounds the ulps for x >= 0.
		abs, rel float64
	}{
		{"quickGELU", quickGELUf, func(x float64) float64 { return x * sigmoid(1.702*x) }, 2e-7, 3},
		{"silu", siluf, func(x float64) float64 { return x * sigmoid(x) }, 2e-7, 3},
		{"gelu", geluf, func(x float64) float64 { return x / 2 * (1 + math.Erf(x*math.Sqrt(0.5))) }, 2e-7, 3},
		{"geluTanh", geluTanhf, func(x float64) float64 {
			return x / 2 * (1 + math.Tanh(math.Sqrt(2/math.Pi)*(x+0.044715*x*x*x)))
		}, 2e-7, 3},
	} {
		t.Run(c.name, func(t *testing.T) {
			worstAbs, worstRel := 0.0, 0.0
			sweep(1e-30, 200, 100_000, func(x float32) {
				got, want := c.got(x), c.want(float64(x))
				worstAbs = max(worstAbs, math.Abs(float64(got)-want)/max(1, math.Abs(float64(x))))
				if x >= 0 {
					worstRel = max(worstRel, ulps(got, want))
				}
			})
			t.Logf("%s: at most %.3g absolute, %.3f ulp for x >= 0", c.name, worstAbs, worstRel)
			require.Less(t, worstAbs, c.abs)
			require.Less(t, worstRel, c.rel)
			for _, x := range []float32{1e30, float32(math.Inf(1))} {
				require.Equal(t, x, c.got(x))
			}
			require.Zero(t, c.got(-1e30))
			require.Equal(t, float32(0), c.got(0))
			y := c.got(float32(math.NaN()))
			require.True(t, y != y)
		})
	}
}

// big returns sin and cos of a float64 to 120 bits by reduction with a long π and Taylor series.
func bigSinCos(x float64) (sin, cos float64) {
	const prec = 300
	f := func(v float64) *big.Float { return new(big.Float).SetPrec(prec).SetFloat64(v) }
	pi, _, err := big.ParseFloat("3.14159265358979323846264338327950288419716939937510582097494459230781640628620899862803482534211706798214808651", 10, prec, big.ToNearestEven)
	if err != nil {
		panic(err)
	}
	half := new(big.Float).Quo(pi, f(2))
	q, _ := new(big.Float).Quo(f(x), half).Float64()
	n := math.RoundToEven(q)
	r := new(big.Float).Sub(f(x), new(big.Float).Mul(f(n), half))
	r2 := new(big.Float).Mul(r, r)
	series := func(first *big.Float, k float64) float64 {
		term, sum := new(big.Float).Copy(first), new(big.Float).Copy(first)
		for range 30 {
			term.Mul(term, r2)
			term.Quo(term, f(-k*(k+1)))
			sum.Add(sum, term)
			k += 2
		}
		v, _ := sum.Float64()
		return v
	}
	s, c := series(r, 2), series(f(1), 1)
	switch int64(n) & 3 {
	case 0:
		return s, c
	case 1:
		return c, -s
	case 2:
		return -s, -c
	}
	return -c, s
}

func TestSinCos(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	wrong := 0
	check := func(x float32) {
		s, c := sinCos(float64(x))
		ws, wc := bigSinCos(float64(x))
		require.InDelta(t, ws, s, 3e-16, "sin %g", x)
		require.InDelta(t, wc, c, 3e-16, "cos %g", x)
		if float32(s) != float32(ws) || float32(c) != float32(wc) {
			wrong++
		}
	}
	for _, x := range []float32{0, 1e-40, 1e-8, 1, 100, 11, 22, 355, 355 * 113, 1e6, 1 << 24, 0.78539816, 1.5707964, 3.1415927, 6.2831855} {
		check(x)
		check(-x)
	}
	for range 5000 {
		check(float32(math.Exp2(rng.Float64()*44 - 20)))
		check(float32(rng.IntN(1 << 20)))
	}
	require.Zero(t, wrong, "results that are not the correctly rounded float32")
}

func TestRopeFrequencies(t *testing.T) {
	for _, theta := range []float64{10000, 500000, 1e6, 5e6, 10000 * math.Pow(8, 128.0/126), 2, 1} {
		for _, dim := range []int{2, 10, 16, 64, 72, 80, 96, 128, 256} {
			inv := RopeFrequencies(theta, dim)
			require.Len(t, inv, dim/2)
			for i, got := range inv {
				e := float64(float32(2*i) / float32(dim))
				require.Equal(t, 1/float32(math.Pow(theta, e)), got, "theta %g, dim %d, %d", theta, dim, i)
			}
		}
	}
	// Powers of 10 that a decimal table confirms.
	require.Equal(t, []float32{1, 0.1, 0.01, 0.001}, RopeFrequencies(10000, 8))
}

func TestRopeTable(t *testing.T) {
	inv := RopeFrequencies(10000, 128)
	cos, sin := RopeTable(inv, 5000, 3)
	for r := range 3 {
		for i, f := range inv {
			a := float64(float32(float32(5000+r) * f))
			require.Equal(t, float32(math.Cos(a)), cos[r*64+i])
			require.Equal(t, float32(math.Sin(a)), sin[r*64+i])
		}
	}
	// A part of a table is the table of a part.
	c2, s2 := RopeTable(inv, 5001, 1)
	require.Equal(t, cos[64:128], c2)
	require.Equal(t, sin[64:128], s2)
}
