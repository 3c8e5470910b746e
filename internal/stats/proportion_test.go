package stats

import (
	"encoding/json"
	"math"
	"testing"

	"github.com/stretchr/testify/require"
)

// The intervals are those of R's prop.test(correct = FALSE).
func TestProportion(t *testing.T) {
	for _, c := range []struct {
		hits      float64
		n         int
		low, high float64
	}{
		{0, 10, 0, 0.2775328},
		{5, 10, 0.2365931, 0.7634069},
		{10, 10, 0.7224672, 1},
		{81, 263, 0.2552397, 0.3661654},
	} {
		p, ci := Proportion(c.hits, c.n)
		require.InDelta(t, c.hits/float64(c.n), p, 1e-12)
		require.InDelta(t, c.low, ci.Low, 2e-4)
		require.InDelta(t, c.high, ci.High, 2e-4)
	}
	p, ci := Proportion(0, 0)
	require.True(t, math.IsNaN(p))
	require.Equal(t, Interval{0, 1}, ci)
}

func TestIntervalJSON(t *testing.T) {
	for text, i := range map[string]Interval{
		`{"high":0.75,"low":0.25}`: {0.25, 0.75},
		`{"high":null,"low":0}`:    {0, math.Inf(1)},
		`{"high":1,"low":null}`:    {math.Inf(-1), 1},
	} {
		raw, err := json.Marshal(i)
		require.NoError(t, err)
		require.JSONEq(t, text, string(raw))
		var back Interval
		require.NoError(t, json.Unmarshal(raw, &back))
		require.Equal(t, i, back)
	}
}

func TestMcNemar(t *testing.T) {
	require.Equal(t, 1.0, McNemar(0, 0))
	require.Equal(t, 1.0, McNemar(3, 3))
	require.InDelta(t, 2*(1+6)/64., McNemar(1, 5), 1e-12)
	require.InDelta(t, 2./1024, McNemar(0, 10), 1e-12)
	require.InDelta(t, McNemar(30, 60), McNemar(60, 30), 1e-15)
	require.Less(t, McNemar(400, 600), 1e-9)
}
