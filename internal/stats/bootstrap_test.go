package stats

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"
)

// For a mean the bootstrap agrees with the formula, clusters or not.
func TestBootstrapAgreesWithTheFormula(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	var scores []float64
	var clusters []string
	for i := range 150 {
		p := 0.2 + 0.7*rng.Float64()
		for range 4 {
			s := 0.0
			if rng.Float64() < p {
				s = 1
			}
			scores, clusters = append(scores, s), append(clusters, fmt.Sprint(i))
		}
	}
	figure := func(times []int, out []float64) {
		var hits, n float64
		for i, w := range times {
			hits += float64(w) * scores[i]
			n += float64(w)
		}
		out[0], out[1] = hits/n, math.NaN()
	}
	for _, c := range [][]string{nil, clusters} {
		e := Mean(scores, c)
		b := NewBootstrap(len(scores), c, 4000, 0)
		require.Equal(t, e.Clusters, b.Clusters())
		got := b.Interval(2, figure)
		require.InDelta(t, e.Value-1.96*e.SE, got[0].Low, 0.003)
		require.InDelta(t, e.Value+1.96*e.SE, got[0].High, 0.003)
		require.True(t, math.IsNaN(got[1].Low), "a figure that never is a number has no interval")
		again := NewBootstrap(len(scores), c, 4000, 0).Interval(2, figure)
		require.Equal(t, got[0], again[0])
		require.NotEqual(t, got[0], NewBootstrap(len(scores), c, 4000, 5).Interval(2, figure)[0])
	}
}
