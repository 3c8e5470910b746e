package kernels

import (
	"math"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestNonFinite(t *testing.T) {
	require.NoError(t, Init())
	nan, inf := float32(math.NaN()), float32(math.Inf(1))
	w := NewWorkers(2)
	defer w.Close()
	require.Equal(t, -1, w.NonFinite(nil))
	for _, n := range []int{1, 7, 4096, 4097, 1<<17 + 3, 3 << 17} {
		for _, set := range [][]float32{{nan}, {inf}, {-inf}, {inf, -inf}, {nan, inf}} {
			x := make([]float32, n+len(set)-1)
			require.Equal(t, -1, w.NonFinite(x))
			at := n * 9 / 10
			copy(x[at:], set)
			require.Equal(t, at, w.NonFinite(x), "%d elements, %v", n, set)
		}
	}
	huge := make([]float32, 100)
	for i := range huge {
		huge[i] = math.MaxFloat32
	}
	require.Equal(t, -1, w.NonFinite(huge), "finite, though the sum is not")
	huge[99] = nan
	require.Equal(t, 99, w.NonFinite(huge))
}

// BenchmarkNonFinite is a layer's output of a 7B decoder for a chunk of 512 positions.
func BenchmarkNonFinite(b *testing.B) {
	x := make([]float32, 512*4096)
	w := NewWorkers(0)
	defer w.Close()
	b.SetBytes(int64(4 * len(x)))
	for b.Loop() {
		if w.NonFinite(x) >= 0 {
			b.Fatal("found one")
		}
	}
}
