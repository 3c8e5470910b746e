package eval_test

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"llavabench/eval"
	"llavabench/internal/rundir"
	"llavabench/internal/stats"
)

// Six questions about each of 50 pictures are 50 draws, not 300: the interval says so, with the naive one beside it.
func TestSummaryKnowsSharedImages(t *testing.T) {
	var samples []rundir.Sample
	right, wrong := 1.0, 0.0
	for image := range 50 {
		for q := range 6 {
			s := rundir.Sample{Category: "presence", Reference: "yes", Score: &right, PixelSHA256: fmt.Sprint("picture", image)}
			if image%3 == 0 && q != 2 {
				s.Score = &wrong
			}
			samples = append(samples, s)
		}
	}
	g := eval.Summarise(samples, nil).Total
	require.Equal(t, []int{300, 50}, []int{g.N, g.Clusters})
	_, naive := stats.Proportion(300*g.Accuracy, 300)
	require.InDelta(t, naive.Low, g.Naive.Low, 1e-12)
	require.Greater(t, g.CI.High-g.CI.Low, 1.8*(naive.High-naive.Low))
	require.Equal(t, "Wilson, clustered", g.Method)

	// A question whose image could not be read stands alone and counts as wrong.
	samples = append(samples, rundir.Sample{Category: "presence", Reference: "no", Error: "no such file"})
	g = eval.Summarise(samples, nil).Total
	require.Equal(t, []int{301, 51}, []int{g.N, g.Clusters})
}
