package cost_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"llavabench/internal/cost"
	"llavabench/internal/rundir"
)

func joules(processors, dram float64) *rundir.Energy {
	return &rundir.Energy{Package: processors, DRAM: &dram}
}

// record is n answers in batches of size, each batch of which took a second; the first batch is cold and takes ten.
func record(n, size int) (samples []rundir.Sample, timings []rundir.Timing) {
	for i := range n {
		t := rundir.Timing{Index: i, Together: size, NewTokens: 3, PeakRSS: int64(1000 + i), WarmUp: i < size, Energy: joules(0, 0),
			Milliseconds: map[string]float64{"vision": 20 + float64(i), "decode": 40, "prefill": 7, "first_token": 900, "total": 990, "other": 1}}
		if i%size == 0 {
			t.Wall, t.Energy = 1000, joules(6, 2)
			if i == 0 {
				t.Wall = 10_000
			}
		}
		samples = append(samples, rundir.Sample{Index: i, PromptTokens: 600 + i, ImageTokens: 576})
		timings = append(timings, t)
	}
	return samples, timings
}

func TestFigures(t *testing.T) {
	c := cost.Of(record(104, 4))
	require.Equal(t, []int{100, 4, 4}, []int{c.Answers, c.WarmUp, c.Together})
	require.False(t, c.Cold)
	var names []string
	for _, f := range c.Figures {
		names = append(names, f.Name)
		require.Equal(t, 100, f.N)
	}
	require.Equal(t, []string{"vision", "prefill", "decode", "other", "decode_per_token", "first_token", "total", "image_tokens", "prompt_tokens", "new_tokens"}, names)
	vision, ok := c.Figure("vision") // 24 to 123
	require.True(t, ok)
	require.Equal(t, []float64{73.5, 73.5}, []float64{vision.Mean, vision.P50})
	require.InDelta(t, 113.1, vision.P90, 1e-9)
	require.InDelta(t, 122.01, vision.P99, 1e-9)
	token, _ := c.Figure(cost.PerToken)
	require.Equal(t, 20.0, token.P99, "the first of three tokens is the prefill's")
	prompt, _ := c.Figure("prompt_tokens")
	require.Equal(t, []float64{653.5, 0.5}, []float64{prompt.Mean, prompt.P50 - 653})
	require.InDelta(t, 35, c.Wall, 1e-9)
	require.InDelta(t, 4*3600, c.QuestionsPerHour, 1e-9, "without the warm-up")
	require.EqualValues(t, 1103, c.PeakRSS)
	require.InDelta(t, 26*6, c.Energy.Package, 1e-9)
	require.InDelta(t, 26*2, *c.Energy.DRAM, 1e-9)
	require.InDelta(t, 1.5, c.Energy.PerAnswer.Package, 1e-9)
	require.InDelta(t, 0.5, *c.Energy.PerAnswer.DRAM, 1e-9)
	require.Equal(t, []string{"4 of the warm-up left out (the first batch)", "up to 4 answered at the same time, the stages each answer's share of that"}, c.Notes())
}

// Every session of a run that was broken off begins cold, and its time counts.
func TestSessions(t *testing.T) {
	samples, timings := record(12, 2)
	timings[6].WarmUp, timings[7].WarmUp = true, true
	timings[6].Wall = 5000
	c := cost.Of(samples, timings)
	require.Equal(t, []int{8, 4}, []int{c.Answers, c.WarmUp})
	require.InDelta(t, 10+4+5, c.Wall, 1e-9)
	require.InDelta(t, 2*3600, c.QuestionsPerHour, 1e-9)
}

// What was not measured of the whole run is absent: no figure is made of a part, and none is 0.
func TestAbsent(t *testing.T) {
	samples, timings := record(12, 2)
	timings[9].Energy = nil
	require.Nil(t, cost.Of(samples, timings).Energy)

	samples, timings = record(12, 2)
	timings[9].Energy.DRAM = nil
	c := cost.Of(samples, timings)
	require.Nil(t, c.Energy.DRAM)
	require.Nil(t, c.Energy.PerAnswer.DRAM)
	require.Positive(t, c.Energy.Package)

	samples, timings = record(12, 2)
	for i := range timings {
		timings[i] = rundir.Timing{Index: i, Milliseconds: map[string]float64{"total": 3}}
		samples[i].ImageTokens = 0 // a server that does not say
	}
	c = cost.Of(samples, timings)
	require.Zero(t, c.QuestionsPerHour+c.Wall+float64(c.PeakRSS))
	require.Equal(t, []int{11, 1}, []int{c.Answers, c.WarmUp}, "of older runs the first question is the warm-up")
	_, ok := c.Figure("image_tokens")
	require.False(t, ok)
	_, ok = c.Figure("vision")
	require.False(t, ok)

	require.Nil(t, cost.Of(nil, nil))
	var none *cost.Cost
	_, ok = none.Figure("total")
	require.False(t, ok)
	require.Nil(t, cost.Of(samples, []rundir.Timing{{Index: 0}, {Index: 1}}), "all failed")
}

// A run of one batch has nothing but the warm-up, and says so.
func TestOneBatch(t *testing.T) {
	c := cost.Of(record(4, 4))
	require.Equal(t, []int{4, 0}, []int{c.Answers, c.WarmUp})
	require.True(t, c.Cold)
	require.Contains(t, c.Notes()[0], "warm-up included")
}

// A question that failed has no times, but its time counts.
func TestFailures(t *testing.T) {
	samples, timings := record(10, 1)
	timings[4].Milliseconds = nil
	c := cost.Of(samples, timings)
	require.Equal(t, []int{8, 1}, []int{c.Answers, c.WarmUp})
	require.InDelta(t, 8./9*3600, c.QuestionsPerHour, 1e-9)
}
