package suites

import (
	"encoding/json"
	"fmt"
	"math"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"llavabench/eval/score"
	"llavabench/internal/stats"
)

// popeLike has questions about images with answers that are right with a probability that the image decides.
func popeLike(images, each int) (*Data, *Answers) {
	rng := rand.New(rand.NewPCG(1, 2))
	d, a := &Data{Labelled: true}, &Answers{Format: LLaVALines}
	for i := range images {
		p := 0.5 + rng.Float64()/2
		for q := range each {
			label := []string{score.Yes, score.No}[q%2]
			text := label
			if rng.Float64() > p {
				text = otherLabel(label)
			}
			id := fmt.Sprint(i*each + q)
			d.Questions = append(d.Questions, Question{ID: id, Group: fmt.Sprint("image", i), Category: popeSplits[q%3].name, Reference: label})
			a.List = append(a.List, Answer{ID: id, Text: text})
		}
	}
	return d, a
}

func TestIntervalsOfF1(t *testing.T) {
	d, a := popeLike(120, 6)
	for name, scorer := range map[string]func(*Data, *Answers) (*Result, error){"official": scorePOPE, "lmms": scorePOPELmms, "vlm": scorePOPEVLMEvalKit} {
		r, err := scorer(d, a)
		require.NoError(t, err)
		r.AddIntervals()
		for _, m := range r.Metrics {
			if m.Unit == Count || strings.HasSuffix(m.Name, "ratio") {
				continue
			}
			require.NotNil(t, m.Interval, "%s: %s", name, m.Name)
			require.Less(t, m.Interval.CI.Low, m.Value)
			require.Greater(t, m.Interval.CI.High, m.Value)
			require.Equal(t, 120, m.Interval.Clusters)
		}
		again, err := scorer(d, a)
		require.NoError(t, err)
		again.AddIntervals()
		require.Equal(t, r.Metrics, again.Metrics, "the bootstrap has a seed")
	}

	// The delta method for F1 = 2 TP / (2 TP + FP + FN), clustered: the residual of an image is the sum of its numerators minus
	// F1 times the sum of its denominators.
	r, err := scorePOPELmms(d, a)
	require.NoError(t, err)
	r.AddIntervals()
	f1, ok := r.Metric("f1_score")
	require.True(t, ok)
	residual := map[string]float64{}
	var below float64
	for i, s := range r.Samples {
		var top, bottom float64
		switch label := d.Questions[i].Reference; {
		case s.Parsed == score.Yes && label == score.Yes:
			top, bottom = 2, 2
		case s.Parsed == score.Yes || label == score.Yes:
			bottom = 1
		}
		residual[s.Group] += top - f1.Value*bottom
		below += bottom
	}
	var squares float64
	for _, v := range residual {
		squares += v * v
	}
	se := math.Sqrt(squares) / below
	require.InDelta(t, f1.Value-1.96*se, f1.Interval.CI.Low, 0.15*se)
	require.InDelta(t, f1.Value+1.96*se, f1.Interval.CI.High, 0.15*se)
}

func TestIntervalsOfMeans(t *testing.T) {
	d, a := popeLike(100, 6)
	r, err := scorePOPE(d, a)
	require.NoError(t, err)
	r.AddIntervals()
	var scores []float64
	var images []string
	for _, s := range r.Samples {
		if s.Category == "random" {
			scores, images = append(scores, s.Score), append(images, s.Group)
		}
	}
	e := stats.Mean(scores, images)
	m, ok := r.Metric("random accuracy")
	require.True(t, ok)
	require.Equal(t, e.CI, m.Interval.CI)
	require.Equal(t, e.Naive, *m.Interval.Naive)
	raw, err := json.Marshal(m)
	require.NoError(t, err)
	require.Contains(t, string(raw), `"ci95":{`)
	require.Contains(t, string(raw), `"ci95_naive":{`)
	tp, _ := r.Metric("random TP")
	require.Nil(t, tp.Interval)
	raw, err = json.Marshal(tp)
	require.NoError(t, err)
	require.NotContains(t, string(raw), "ci95")
}

// A figure that is not what its samples say gets no interval.
func TestIntervalsAreNotTakenOnTrust(t *testing.T) {
	r := &Result{
		Samples: []Sample{{Category: "a", Score: 1}, {Category: "a", Score: 0}, {Category: "b", Score: 1}},
		Metrics: []Metric{
			{Name: "accuracy", Value: 66.67, N: 3, Unit: Percent, Digits: 2},
			{Name: "weighted", Value: 75, N: 3, Unit: Percent, Digits: 2},
			{Name: "a", Value: 0.5, N: 2, Unit: Ratio, Digits: -1},
			{Name: "with a picture", Value: 50, N: 2, Unit: Percent, Digits: 1},
			{Name: "score", Value: 2, N: 3, Unit: Points, Digits: 0},
		},
		composites: []composite{{names: []string{"weighted"}, fill: func(_ []int, out []float64) { out[0] = 80 }}},
	}
	r.AddIntervals()
	require.NotNil(t, r.Metrics[0].Interval)
	require.Nil(t, r.Metrics[1].Interval)
	require.NotNil(t, r.Metrics[2].Interval)
	_, half := stats.Proportion(1, 2)
	require.InDelta(t, 100*half.Low, r.Metrics[3].Interval.CI.Low, 1e-12)
	require.InDelta(t, 3*r.Metrics[0].Interval.CI.High/100, r.Metrics[4].Interval.CI.High, 1e-12)
}

// The sums of MME are points of images drawn whole.
func TestIntervalsOfMME(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 4))
	r := &Result{}
	for _, category := range append(append([]string{}, mmePerception...), mmeCognition...) {
		for i := range 30 {
			for range 2 {
				r.Samples = append(r.Samples, Sample{Category: category, Group: fmt.Sprint(category, i), Score: float64(rng.IntN(2)), Answered: true})
			}
		}
	}
	mmeMetrics(r, mmeTasks(r), (*mmeTask).points, "cognition")
	r.AddIntervals()
	for _, m := range r.Metrics {
		require.NotNil(t, m.Interval, m.Name)
		require.Less(t, m.Interval.CI.Low, m.Value, m.Name)
		require.Greater(t, m.Interval.CI.High, m.Value, m.Name)
		require.Equal(t, 30*14, m.Interval.Clusters)
	}
	width := func(name string) float64 {
		m, _ := r.Metric(name)
		return m.Interval.CI.High - m.Interval.CI.Low
	}
	require.InEpsilon(t, math.Sqrt(10)*width("existence"), width("perception"), 0.25, "ten subtasks of alike width add up in squares")
}

func TestIntervalsOfReviews(t *testing.T) {
	rng := rand.New(rand.NewPCG(5, 6))
	r := &Result{}
	var pairs [][2]float64
	for i := range 60 {
		pairs = append(pairs, [2]float64{float64(7 + rng.IntN(4)), float64(4 + rng.IntN(6))})
		r.Samples = append(r.Samples, Sample{ID: fmt.Sprint(i), Category: []string{"conv", "detail"}[i%2], Score: pairs[i][1]})
	}
	r.composites = append(r.composites, reviewComposite(r, pairs))
	r.Metrics = reviewScorer{summarise: score.SummariseReviews}.metrics("all", pairs)
	r.AddIntervals()
	require.NotNil(t, r.Metrics[0].Interval)
	require.Less(t, r.Metrics[0].Interval.CI.High-r.Metrics[0].Interval.CI.Low, 15.0)
}
