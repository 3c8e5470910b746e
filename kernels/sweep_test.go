package kernels

import (
	"fmt"
	"math"
	"os"
	"testing"

	"github.com/stretchr/testify/require"
)

// fullSweep turns sampled sweeps over float32 into complete ones; that takes many minutes.
func fullSweep() bool { return os.Getenv("LLAVABENCH_FULL_SWEEP") != "" }

// available are the sets that this machine can run.
func available() map[string]*vectorSet {
	sets := map[string]*vectorSet{}
	for i := range isas {
		if isas[i].missing == "" && isas[i].name != "purego" {
			sets[isas[i].name] = &isas[i].vectorSet
		}
	}
	return sets
}

// allBits calls f with blocks of float32 numbers whose bits are the multiples of step, all numbers in a full sweep.
func allBits(step uint32, f func(x []float32)) {
	if fullSweep() {
		step = 1
	}
	x := make([]float32, 1<<12)
	for u, more := uint32(0), true; more; {
		for i := range x {
			x[i] = math.Float32frombits(u)
			more = more && u+step > u
			u += step
		}
		f(x)
	}
}

func requireSameBytes(t *testing.T, want, got []byte, what string, x []float32) {
	t.Helper()
	for i := range want {
		if want[i] != got[i] {
			require.FailNow(t, "bits differ", "%s of %x", what, math.Float32bits(x[i/2]))
		}
	}
}

// Every 16-bit number widens, and every float32 of a sweep narrows, as in the reference, NaN payloads included.
func TestConversionSweep(t *testing.T) {
	src := make([]byte, 1<<17)
	for h := range 1 << 16 {
		src[2*h], src[2*h+1] = byte(h), byte(h>>8)
	}
	want, got := make([]float32, 1<<16), make([]float32, 1<<16)
	for name, v := range available() {
		for _, c := range [][2]conversion{{reference.f16, v.f16}, {reference.bf16, v.bf16}} {
			c[0].widen(want, src)
			c[1].widen(got, src)
			for i := range want {
				require.Equal(t, math.Float32bits(want[i]), math.Float32bits(got[i]), "%s %#04x", name, i)
			}
		}
	}
	a, b := make([]byte, 1<<13), make([]byte, 1<<13)
	allBits(4099, func(x []float32) {
		reference.f16.narrow(a, x)
		for name, v := range available() {
			v.f16.narrow(b, x)
			requireSameBytes(t, a, b, name+" f16", x)
		}
		reference.bf16.narrow(a, x)
		for name, v := range available() {
			v.bf16.narrow(b, x)
			requireSameBytes(t, a, b, name+" bf16", x)
		}
	})
}

// The activations over all magnitudes, every set against the reference.
func TestActivationSweep(t *testing.T) {
	want, got, ones := make([]float32, 1<<12), make([]float32, 1<<12), make([]float32, 1<<12)
	for i := range ones {
		ones[i] = 1
	}
	allBits(7919, func(x []float32) {
		for i, f := range []func(v *vectorSet, x []float32){
			func(v *vectorSet, x []float32) { v.gelu(x) },
			func(v *vectorSet, x []float32) { v.quickGELU(x) },
			func(v *vectorSet, x []float32) { v.geluTanh(x) },
			func(v *vectorSet, x []float32) { v.siluMul(x, ones) },
		} {
			copy(want, x)
			f(&reference, want)
			for name, v := range available() {
				copy(got, x)
				f(v, got)
				requireSameFloats(t, want, got, fmt.Sprint(name, " activation ", i))
			}
		}
	})
}
