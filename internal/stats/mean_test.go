package stats

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestMeanByHand(t *testing.T) {
	// Residuals of the clusters: 1, -1, 0. se = sqrt(3/2 * 2) / 6; t at 2 degrees of freedom is 4.302653.
	e := Mean([]float64{1, 1, 0, 0, 1, 0}, []string{"a", "a", "b", "b", "c", "c"})
	require.Equal(t, 3, e.Clusters)
	require.InDelta(t, 0.5, e.Value, 1e-15)
	require.InDelta(t, math.Sqrt(3)/6, e.SE, 1e-15)
	n, z := 0.25/(3./36), 4.302652729749464
	half := z / (1 + z*z/n) * math.Sqrt(0.25/n+z*z/(4*n*n))
	require.InDelta(t, 0.5-half, e.CI.Low, 1e-9)
	require.InDelta(t, 0.5+half, e.CI.High, 1e-9)
	_, naive := Proportion(3, 6)
	require.Equal(t, naive, e.Naive)
	require.Equal(t, "Wilson, clustered", e.Method)

	// Items of their own: the sample's standard deviation over sqrt(n), and Wilson's interval.
	e = Mean([]float64{1, 1, 0, 0, 1, 0}, nil)
	require.InDelta(t, math.Sqrt(0.3/6), e.SE, 1e-15)
	require.Equal(t, e.Naive, e.CI)
	require.Equal(t, naive, e.CI)
	require.Equal(t, e, Mean([]float64{1, 1, 0, 0, 1, 0}, make([]string, 6)), "an unnamed cluster is none")

	// mean 5, sd 2, n 4: R's t.test(c(3, 7, 3, 7)) has sd 2.309401 and the interval 1.325217 to 8.674783.
	e = Mean([]float64{3, 7, 3, 7}, nil)
	require.InDelta(t, 1.3252, e.CI.Low, 1e-4)
	require.InDelta(t, 8.6748, e.CI.High, 1e-4)
	require.Equal(t, "t", e.Method)
}

func TestMeanAtTheEdges(t *testing.T) {
	require.True(t, math.IsNaN(Mean(nil, nil).Value))
	one := Mean([]float64{1, 1, 1}, []string{"a", "a", "a"})
	require.Zero(t, one.SE)
	_, single := Proportion(1, 1)
	require.Equal(t, single, one.CI, "one cluster is worth one item")
	e := Mean([]float64{1, 1, 1, 1}, []string{"a", "a", "b", "b"})
	_, two := Proportion(2, 2)
	require.Equal(t, two, e.CI)
	e = Mean([]float64{1, 0, 0, 1}, []string{"a", "a", "b", "b"})
	require.Equal(t, Interval{0.5, 0.5}, e.CI, "each image is half right by design")
	require.Panics(t, func() { Mean([]float64{1}, []string{"a", "b"}) })
}

// Of 95 % intervals 95 in 100 hold the true value. Naive ones do not where questions share an image.
func TestMeanCovers(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 4))
	for _, c := range []struct {
		p            float64 // true mean
		images, each int
		fractional   bool
	}{{0.8, 40, 6, false}, {0.5, 100, 3, false}, {0.93, 60, 5, false}, {0.7, 60, 4, true}} {
		const trials = 1000
		covered, naive := 0, 0
		for range trials {
			var scores []float64
			var clusters []string
			for i := range c.images {
				easy := rng.Float64() < c.p
				for range c.each {
					// With probability 0.6 as the image is, else afresh: intra-cluster correlation 0.36.
					right := easy
					if rng.Float64() > 0.6 {
						right = rng.Float64() < c.p
					}
					s := 0.0
					if right {
						s = 1
						if c.fractional {
							s = float64(7+rng.IntN(4)) / 10
						}
					}
					scores = append(scores, s)
					clusters = append(clusters, fmt.Sprint(i))
				}
			}
			truth := c.p
			if c.fractional {
				truth *= 0.85
			}
			e := Mean(scores, clusters)
			if e.CI.Low <= truth && truth <= e.CI.High {
				covered++
			}
			if e.Naive.Low <= truth && truth <= e.Naive.High {
				naive++
			}
		}
		require.InDelta(t, 0.95, float64(covered)/trials, 0.03, "%+v", c)
		require.Less(t, naive, covered-trials/50, "%+v: naive intervals are too narrow", c)
	}
}

func TestHolm(t *testing.T) {
	// R: p.adjust(c(0.03, 0.01, 0.05, 0.02, 0.04), "holm") and p.adjust(c(0.01, 0.5, 0.6), "holm")
	require.InDeltaSlice(t, []float64{0.09, 0.05, 0.09, 0.08, 0.09}, Holm([]float64{0.03, 0.01, 0.05, 0.02, 0.04}), 1e-15)
	require.InDeltaSlice(t, []float64{0.03, 1, 1}, Holm([]float64{0.01, 0.5, 0.6}), 1e-15)
	require.Empty(t, Holm(nil))
}
