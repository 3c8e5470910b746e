package goldens

import (
	"context"
	"math"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestCompareWeights(t *testing.T) {
	dir := sharedGoldens(t)
	all, err := CompareWeights(context.Background(), dir, "q8", Options{})
	require.NoError(t, err)
	require.NotEmpty(t, all)
	for _, c := range all {
		require.Positive(t, c.Cases)
		require.GreaterOrEqual(t, c.Cosine, 0.999, c.Model)
		require.LessOrEqual(t, c.Worst, c.Cosine+1e-9)
		require.Less(t, c.Worst, 1.0, "quantising changes something")
	}
	_, err = CompareWeights(context.Background(), dir, "q3", Options{})
	require.ErrorContains(t, err, `weight type "q3" is not known`)
	_, err = CompareWeights(context.Background(), t.TempDir(), "q8", Options{})
	require.ErrorContains(t, err, "no set of goldens")
}

func TestCosineAndDivergence(t *testing.T) {
	a, b := []float32{1, 2, 3}, []float32{2, 4, 6}
	require.InDelta(t, 1, cosine(a, b), 1e-12)
	require.InDelta(t, -1, cosine(a, []float32{-1, -2, -3}), 1e-12)
	require.InDelta(t, 0, divergence(a, []float32{11, 12, 13}), 1e-12, "a shift of all logits changes nothing")
	// p = (1/2, 1/2), q = (1/3, 2/3): sum p ln(p/q)
	want := 0.5*math.Log(1.5) + 0.5*math.Log(0.75)
	require.InDelta(t, want, divergence([]float32{0, 0}, []float32{0, float32(math.Log(2))}), 1e-7)
}
