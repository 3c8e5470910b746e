package sample

import (
	"math"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestGreedyTakesTheFirstMaximum(t *testing.T) {
	id, err := New(Options{}).Next([]float32{1, 5, 5, 2})
	require.NoError(t, err)
	require.Equal(t, 1, id)
}

func draws(o Options, logits []float32, n int) []int {
	s := New(o)
	counts := make([]int, len(logits))
	for range n {
		id, err := s.Next(logits)
		if err != nil {
			panic(err)
		}
		counts[id]++
	}
	return counts
}

func TestDrawsFollowTheProbabilities(t *testing.T) {
	logits := []float32{0, float32(math.Log(2)), float32(math.Log(5)), float32(math.Log(2))} // 0.1, 0.2, 0.5, 0.2
	const n = 20000
	for _, c := range []struct {
		name string
		o    Options
		want []float64
	}{
		{"all tokens", Options{Temperature: 1, TopP: 1}, []float64{.1, .2, .5, .2}},
		{"half of the mass", Options{Temperature: 1, TopP: .5}, []float64{0, 0, 1, 0}},
		{"equal ones in the order of ids", Options{Temperature: 1, TopP: .6}, []float64{0, 2. / 7, 5. / 7, 0}},
		{"colder", Options{Temperature: .5}, []float64{1. / 34, 4. / 34, 25. / 34, 4. / 34}},
	} {
		got := draws(c.o, logits, n)
		for i, p := range c.want {
			require.InDelta(t, p, float64(got[i])/n, .015, "%s: token %d", c.name, i)
		}
	}
}

func TestASeedFixesTheDraws(t *testing.T) {
	logits := []float32{.3, .1, .2, .25, -1}
	sequence := func(seed uint64) (ids []int) {
		s := New(Options{Temperature: 1, TopP: .9, Seed: seed})
		for range 12 {
			id, err := s.Next(logits)
			require.NoError(t, err)
			ids = append(ids, id)
		}
		return ids
	}
	require.Equal(t, sequence(7), sequence(7))
	require.NotEqual(t, sequence(7), sequence(8))
}

func TestLogitsThatAreNotFiniteAreAnError(t *testing.T) {
	for _, bad := range []float32{float32(math.NaN()), float32(math.Inf(1)), float32(math.Inf(-1))} {
		_, err := New(Options{}).Next([]float32{1, 2, bad})
		require.ErrorContains(t, err, "logit of token 2 is")
	}
}

func TestCheck(t *testing.T) {
	require.NoError(t, Options{Temperature: .2, TopP: .7}.Check())
	for _, o := range []Options{{Temperature: -1}, {Temperature: math.NaN()}, {Temperature: math.Inf(1)}, {TopP: 1.5}, {TopP: -.1}, {TopP: math.NaN()}} {
		require.Error(t, o.Check(), "%+v", o)
	}
}
