package stats

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestRunningIsMean(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 1))
	for name, draw := range map[string]func() float64{
		"shares": func() float64 { return float64(rng.IntN(2)) },
		"thirds": func() float64 { return float64(rng.IntN(4)) / 3 },
		"points": func() float64 { return rng.Float64()*9 - 2 },
		"right":  func() float64 { return 1 },
	} {
		for _, perImage := range []int{0, 1, 3, 18} {
			var r Running
			var scores []float64
			var clusters []string
			for i := range 100 {
				cluster := ""
				if perImage > 0 {
					cluster = fmt.Sprint("image ", i/perImage)
				}
				scores, clusters = append(scores, draw()), append(clusters, cluster)
				r.Add(scores[i], cluster)
				want, got := Mean(scores, clusters), r.Estimate()
				require.Equal(t, want.Method, got.Method, "%s, %d an image, %d", name, perImage, i)
				require.Equal(t, want.Clusters, got.Clusters)
				require.InDelta(t, want.Value, got.Value, 1e-12)
				require.InDelta(t, want.SE, got.SE, 1e-7)
				if i == 0 && name == "points" {
					continue // one value says nothing: both intervals are infinite
				}
				if want.Clusters > 1 {
					require.InDelta(t, want.CI.Low, got.CI.Low, 1e-6, "%s, %d an image, %d", name, perImage, i)
					require.InDelta(t, want.CI.High, got.CI.High, 1e-6)
				}
			}
		}
	}
}
