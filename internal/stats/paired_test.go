package stats

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"
)

// pairs are 0/1 scores of which the new system wins b items, loses c and shares the rest.
func pairs(b, c, both, neither int) (base, new []float64) {
	for _, k := range []struct {
		n         int
		base, new float64
	}{{b, 0, 1}, {c, 1, 0}, {both, 1, 1}, {neither, 0, 0}} {
		for range k.n {
			base, new = append(base, k.base), append(new, k.new)
		}
	}
	return base, new
}

func TestComparePairedProportions(t *testing.T) {
	base, new := pairs(9, 2, 60, 29)
	r := Compare(base, new, nil)
	require.Equal(t, []int{100, 9, 2}, []int{r.N, r.Better, r.Worse})
	require.InDelta(t, 0.07, r.Difference, 1e-12)
	require.Equal(t, "exact McNemar", r.Test)
	require.InDelta(t, 2*(1+11+55)/2048., r.P, 1e-12)
	require.Equal(t, r.P, *r.McNemar)
	// Bonett and Price: shares 10/102 and 3/102.
	d, v := 7/102., (13/102.-49/102./102.)/102
	require.InDelta(t, d-1.959964*math.Sqrt(v), r.CI.Low, 1e-6)
	require.InDelta(t, d+1.959964*math.Sqrt(v), r.CI.High, 1e-6)

	same := Compare(base, base, nil)
	require.Zero(t, same.Difference)
	require.Equal(t, 1.0, same.P)
	require.Less(t, same.CI.Low, 0.0)
	require.Greater(t, same.CI.High, 0.0)
	require.Equal(t, 1.0, Compare(nil, nil, nil).P)
}

func TestCompareOtherScores(t *testing.T) {
	// Differences 0.1, 0.3, -0.1, 0.5: mean 0.2, sd 0.2581989; t = 1.549193 at 3 degrees of freedom, p = 0.2190.
	r := Compare([]float64{0.1, 0.2, 0.3, 0.4}, []float64{0.2, 0.5, 0.2, 0.9}, nil)
	require.Equal(t, "paired t", r.Test)
	require.InDelta(t, 0.2, r.Difference, 1e-12)
	require.InDelta(t, 0.1290994, r.SE, 1e-7)
	require.InDelta(t, 0.2-3.182446*0.1290994, r.CI.Low, 1e-6)
	require.InDelta(t, 0.2191, r.P, 1e-3)
	require.Nil(t, r.McNemar)

	c := Compare([]float64{0.1, 0.2, 0.3, 0.4}, []float64{0.2, 0.5, 0.2, 0.9}, []string{"a", "a", "b", "b"})
	require.Equal(t, "paired t, clustered", c.Test)
	require.InDelta(t, 0, c.SE, 1e-12, "each image differs by 0.4 altogether")
}

// bruteFlips is SignFlip by going through every choice of signs.
func bruteFlips(sums []int) float64 {
	total := 0
	for _, s := range sums {
		total += s
	}
	far := 0
	for signs := range 1 << len(sums) {
		t := 0
		for i, s := range sums {
			if signs>>i&1 == 1 {
				s = -s
			}
			t += s
		}
		if abs(t) >= abs(total) {
			far++
		}
	}
	return float64(far) / float64(int(1)<<len(sums))
}

func TestSignFlip(t *testing.T) {
	rng := rand.New(rand.NewPCG(5, 6))
	for range 200 {
		sums := make([]int, rng.IntN(11))
		for i := range sums {
			sums[i] = rng.IntN(9) - 4
		}
		p, ok := SignFlip(sums)
		require.True(t, ok)
		require.InDelta(t, bruteFlips(sums), p, 1e-12, "%v", sums)
	}
	for _, c := range [][2]int{{0, 7}, {3, 3}, {40, 61}} {
		var sums []int
		for i := range c[0] + c[1] {
			sums = append(sums, 1)
			if i < c[1] {
				sums[i] = -1
			}
		}
		p, ok := SignFlip(sums)
		require.True(t, ok)
		require.InDelta(t, McNemar(c[0], c[1]), p, 1e-10)
	}
	many := make([]int, 20000)
	for i := range many {
		many[i] = 1
	}
	_, ok := SignFlip(many)
	require.False(t, ok)
}

// Under the null hypothesis a p-value below 0.05 comes in at most 5 of 100 cases, also where questions share images;
// McNemar's test, which does not know of images, is wrong far more often there.
func TestCompareKeepsItsLevel(t *testing.T) {
	rng := rand.New(rand.NewPCG(7, 8))
	const trials = 600
	found, mcnemar, covered := 0, 0, 0
	for range trials {
		var base, new []float64
		var clusters []string
		for i := range 60 {
			// On a third of the images one system, either one, is better at all five questions.
			kind := rng.IntN(6)
			for range 5 {
				a, b := float64(rng.IntN(2)), float64(rng.IntN(2))
				switch kind {
				case 0:
					a, b = 1, 0
				case 1:
					a, b = 0, 1
				}
				base, new, clusters = append(base, a), append(new, b), append(clusters, fmt.Sprint(i))
			}
		}
		r := Compare(base, new, clusters)
		require.Equal(t, "exact sign flips, clustered", r.Test)
		if r.P <= 0.05 {
			found++
		}
		if *r.McNemar <= 0.05 {
			mcnemar++
		}
		if r.CI.Low <= 0 && 0 <= r.CI.High {
			covered++
		}
	}
	require.Less(t, float64(found)/trials, 0.065)
	require.Greater(t, float64(mcnemar)/trials, 0.10)
	require.InDelta(t, 0.95, float64(covered)/trials, 0.03)
}

func TestPairedRatio(t *testing.T) {
	// The ranks are those of binomial tables: 6 of 20, 2 of 10, 1 of 6, none of 5.
	for n, k := range map[int]int{5: 0, 6: 1, 8: 1, 9: 2, 10: 2, 20: 6} {
		require.Equal(t, k, medianRank(n), n)
	}
	base, slow := make([]float64, 100), make([]float64, 100)
	rng := rand.New(rand.NewPCG(9, 10))
	for i := range base {
		base[i] = 10 + rng.Float64()
		slow[i] = base[i] * 1.3
	}
	r := PairedRatio(base, slow)
	require.InDelta(t, 1.3, r.Value, 1e-9)
	require.InDelta(t, 1.3, r.CI.Low, 1e-9)
	require.InDelta(t, 1.3, r.CI.High, 1e-9)
	require.Equal(t, 20, r.Blocks)
	// A third of the run was slow for another reason: the interval shows the doubt.
	for i := range 34 {
		slow[i] *= 3
	}
	r = PairedRatio(base, slow)
	require.InDelta(t, 1.3, r.CI.Low, 1e-9)
	require.Greater(t, r.CI.High, 3.0)
	require.True(t, math.IsInf(PairedRatio(base[:5], slow[:5]).CI.High, 1))
	require.True(t, math.IsNaN(PairedRatio(nil, nil).Value))
}

func TestQuantile(t *testing.T) {
	// R: quantile(c(1, 2, 4, 8), c(0, 0.1, 0.5, 0.9, 1))
	for q, want := range map[float64]float64{0: 1, 0.1: 1.3, 0.5: 3, 0.9: 6.8, 1: 8} {
		require.InDelta(t, want, Quantile([]float64{8, 1, 4, 2}, q), 1e-12)
	}
}
