package score

import (
	"math"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestReviews(t *testing.T) {
	for _, c := range []struct {
		review      string
		llava, lmms [2]float64
	}{
		{"8 9\nBecause", [2]float64{8, 9}, [2]float64{8, 9}},
		{"8, 9", FailedReview, [2]float64{8, 9}},
		{"8,9", [2]float64{8, 9}, [2]float64{8, 9}},
		{"\n8 9", FailedReview, [2]float64{8, 9}},
		{"8/10 -7.5/10", FailedReview, [2]float64{8, 10}},
		{"x -7.5;2.", FailedReview, [2]float64{-7.5, 2}},
		{"inf 1e1", [2]float64{math.Inf(1), 10}, [2]float64{1, 1}},
		{"٣ ٤", [2]float64{3, 4}, [2]float64{3, 4}},
		{"--8", FailedReview, FailedReview},
		{"", FailedReview, FailedReview},
	} {
		got, ok := ReviewLLaVA(c.review)
		require.Equal(t, c.llava, got, "%q", c.review)
		require.Equal(t, c.llava != FailedReview, ok)
		got, ok = ReviewLmms(c.review)
		require.Equal(t, c.lmms, got, "%q", c.review)
		require.Equal(t, c.lmms != FailedReview, ok)
	}
	s := SummariseReviews([][2]float64{{9, 8}, {8, 7}, {9, 9}})
	require.Equal(t, ReviewSummary{Relative: 92.3, Reference: 86.7, Candidate: 80}, s)
	require.Equal(t, s, SummariseReviewsVLMEvalKit([][2]float64{{9, 8}, {8, 7}, {9, 9}}))
	require.True(t, math.IsNaN(SummariseReviews([][2]float64{{0, 1}}).Relative))
}

func TestReviewsGolden(t *testing.T) {
	var expected struct {
		Cases []struct {
			Review string
			LLaVA  [2]float64
			Lmms   [2]float64 `json:"lmms_eval"`
		} `json:"parse_cases"`
	}
	goldenFile(t, "llava_bench/expected.json", &expected)
	require.NotEmpty(t, expected.Cases)
	for _, c := range expected.Cases {
		got, _ := ReviewLLaVA(c.Review)
		require.Equal(t, c.LLaVA, got, "%q", c.Review)
		got, _ = ReviewLmms(c.Review)
		require.Equal(t, c.Lmms, got, "%q", c.Review)
	}
}

func TestMMVet(t *testing.T) {
	s := SummariseMMVet([]MMVetItem{
		{[]string{"rec", "ocr", "rec"}, []float64{0.5, 1}},
		{[]string{"ocr"}, []float64{0, 0.2}},
		{[]string{"ocr", "rec"}, []float64{1, 0.4}},
	}, 2)
	require.Equal(t, MMVetScore{Name: "total", N: 3, Score: 51.7, Runs: []float64{50, 1.6 / 3 * 100}}, s.Total)
	require.Equal(t, 1.7, s.Std)
	require.Equal(t, []string{"ocr", "rec"}, []string{s.Capabilities[0].Name, s.Capabilities[1].Name})
	require.Equal(t, "ocr", s.Combinations[0].Name)
	require.Equal(t, MMVetScore{Name: "ocr_rec", N: 2, Score: 72.5, Runs: []float64{75, 70}}, s.Combinations[1])
	require.Equal(t, 0.2, NumpyRound(0.25, 1))
	require.Equal(t, 1e300, NumpyRound(1e300, 10))
}

func TestScienceQA(t *testing.T) {
	for text, want := range map[string][2]string{
		"B":                                 {"B", "b"},
		" B":                                {"", "b"},
		"B.":                                {"", "b"},
		"B. x":                              {"B", "b"},
		"B.x":                               {"", "b"},
		"F":                                 {"", "f"},
		"b":                                 {"", "b"},
		"The answer is C.":                  {"C", ""},
		"The answer is CA.":                 {"C", ""},
		"The answer is C":                   {"", ""},
		"The answer is C\n":                 {"", ""},
		"The answer is C. The answer is C.": {"", ""},
		"The answer is CThe answer is B.":   {"C", ""},
		"So it goes. The answer is G.":      {"G", ""},
		"É. The answer":                     {"", "é"},
		"":                                  {"", ""},
	} {
		require.Equal(t, want[0], ScienceQALLaVA(text), "%q", text)
		require.Equal(t, want[1], ScienceQALmms(text), "%q", text)
	}
	require.Equal(t, []int{1, -1, -1, -1}, []int{ScienceQAIndex("B", 2), ScienceQAIndex("C", 2), ScienceQAIndex("G", 5), ScienceQAIndex("", 5)})
	require.Equal(t, "d", SEEDLmms(" D. yes"))
	require.Equal(t, "B", AI2DFilter("\u2003B. yes"))
	require.Equal(t, []string{"A", "Z", "", ""}, []string{Letter(0), Letter(25), Letter(26), Letter(-1)})
}
