package stats

import (
	"math"
	"testing"

	"github.com/stretchr/testify/require"
)

// enumerate is the power by the sum over all outcomes of the trinomial distribution of better, worse and equal items.
func enumerate(n int, discordance, d, alpha float64) float64 {
	up, down := (discordance+d)/2, (discordance-d)/2
	var power float64
	for b := 0; b <= n; b++ {
		for c := 0; b+c <= n; c++ {
			if McNemar(b, c) > alpha {
				continue
			}
			ways := math.Exp(logChoose(n, b+c) + logChoose(b+c, b))
			power += ways * math.Pow(up, float64(b)) * math.Pow(down, float64(c)) * math.Pow(1-discordance, float64(n-b-c))
		}
	}
	return power
}

func TestPowerIsTheSumOverAllOutcomes(t *testing.T) {
	for _, c := range []struct {
		n              int
		discordance, d float64
	}{{12, 0.5, 0.3}, {40, 0.3, 0.2}, {25, 1, 0.4}, {30, 0.2, 0.2}, {5, 0.3, 0.1}, {90, 0.1, 0.05}} {
		got, err := Design{c.discordance, 0.05}.Power(c.n, c.d)
		require.NoError(t, err)
		require.InDelta(t, enumerate(c.n, c.discordance, c.d, 0.05), got, 1e-9, "%+v", c)
	}
}

func TestItems(t *testing.T) {
	w := Design{0.2, 0.05}
	// (1.959964 sqrt(0.2) + 0.841621 sqrt(0.19))^2 / 0.01 = 154.60
	n, err := w.ItemsNormal(0.1, 0.8)
	require.NoError(t, err)
	require.Equal(t, 155, n)
	exact, err := w.Items(0.1, 0.8)
	require.NoError(t, err)
	require.InDelta(t, n, exact, 20, "the exact test needs a few more")
	require.GreaterOrEqual(t, enumerate(exact, 0.2, 0.1, 0.05), 0.8)
	require.Less(t, enumerate(exact-1, 0.2, 0.1, 0.05), 0.8)

	d, ok, err := w.Detectable(exact, 0.8)
	require.NoError(t, err)
	require.True(t, ok)
	require.InDelta(t, 0.1, d, 0.001)
	_, ok, err = w.Detectable(10, 0.8)
	require.NoError(t, err)
	require.False(t, ok)

	// Large numbers are quick and near the approximation.
	n, err = w.Items(0.005, 0.9)
	require.NoError(t, err)
	approximate, err := w.ItemsNormal(0.005, 0.9)
	require.NoError(t, err)
	require.InEpsilon(t, approximate, n, 0.01)

	for _, bad := range []struct {
		w Design
		d float64
	}{{Design{0.1, 0.05}, 0.2}, {Design{0, 0.05}, 0.1}, {Design{0.1, 0}, 0.05}, {Design{0.1, 0.05}, 0}, {Design{math.NaN(), 0.05}, 0.1}} {
		_, err := bad.w.Items(bad.d, 0.8)
		require.Error(t, err, "%+v", bad)
	}
	_, err = w.Items(0.1, 1)
	require.Error(t, err)

	// (1.959964 + 0.841621)^2 * 0.25 / 0.0025 = 784.89
	n, err = ItemsMean(0.05, 0.5, 0.05, 0.8)
	require.NoError(t, err)
	require.Equal(t, 785, n)
	require.InDelta(t, 2.7, DesignEffect(18, 0.1), 1e-12)
}
