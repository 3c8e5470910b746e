package score

import (
	"math"
	"strings"
)

// FailedReview are the scores that upstream gives a review that it cannot read; it then averages them in.
var FailedReview = [2]float64{-1, -1}

// ReviewLLaVA is parse_score of LLaVA's eval_gpt_review scripts: the first line, commas as spaces, is exactly two numbers with one space
// between. ok is false when it is not. VLMEvalKit does the same.
func ReviewLLaVA(review string) (scores [2]float64, ok bool) {
	line, _, _ := strings.Cut(review, "\n")
	fields := strings.Split(strings.ReplaceAll(line, ",", " "), " ")
	if len(fields) != 2 {
		return FailedReview, false
	}
	for i, f := range fields {
		if scores[i], ok = ParseFloat(f); !ok {
			return FailedReview, false
		}
	}
	return scores, true
}

// ReviewLmms is _parse_comparative_scores of lmms-eval: the first two numbers in the first line of the stripped review.
func ReviewLmms(review string) (scores [2]float64, ok bool) {
	line, _, _ := strings.Cut(Strip(review), "\n")
	text := []rune(line)
	n := 0
	for i := 0; i < len(text) && n < 2; {
		start := i
		if text[i] == '-' {
			start++
		}
		end := digits(text, start)
		if end == start {
			i++
			continue
		}
		if end < len(text) && text[end] == '.' {
			if m := digits(text, end+1); m > end+1 {
				end = m
			}
		}
		// A run of digits is always a number.
		scores[n], _ = ParseFloat(string(text[i:end]))
		n++
		i = end
	}
	if n < 2 {
		return FailedReview, false
	}
	return scores, true
}

// A ReviewSummary is what LLaVA's summarize_gpt_review prints: the means of reference and candidate, times ten, and the
// candidate's as a percentage of the reference's, each rounded to one decimal.
type ReviewSummary struct {
	Relative, Reference, Candidate float64
}

// SummariseReviews averages pairs of scores as summarize_gpt_review does: in order, the means rounded to three decimals before
// they are divided. Without pairs, or where the reference's mean is zero, Relative is NaN.
func SummariseReviews(pairs [][2]float64) ReviewSummary {
	var sum [2]float64
	for _, p := range pairs {
		sum[0] += p[0]
		sum[1] += p[1]
	}
	n := float64(len(pairs))
	reference, candidate := Round(sum[0]/n, 3), Round(sum[1]/n, 3)
	s := ReviewSummary{Relative: math.NaN(), Reference: Round(reference*10, 1), Candidate: Round(candidate*10, 1)}
	if reference != 0 {
		s.Relative = Round(float64(candidate/reference)*100, 1)
	}
	return s
}

// SummariseReviewsVLMEvalKit averages as VLMEvalKit's LLaVABench_score does, without rounding the means first.
func SummariseReviewsVLMEvalKit(pairs [][2]float64) ReviewSummary {
	reference, candidate := make([]float64, len(pairs)), make([]float64, len(pairs))
	for i, p := range pairs {
		reference[i], candidate[i] = p[0], p[1]
	}
	r, c := NumpyMean(reference), NumpyMean(candidate)
	return ReviewSummary{NumpyRound(float64(c/r)*100, 1), NumpyRound(r*10, 1), NumpyRound(c*10, 1)}
}

// NumpyRound is round of numpy, pandas and of a numpy number: scaled, rounded to an integer with ties to even, scaled back.
func NumpyRound(v float64, digits int) float64 {
	scale := math.Pow10(digits)
	scaled := float64(v * scale)
	if math.IsNaN(scaled) || math.IsInf(scaled, 0) {
		return v
	}
	return math.RoundToEven(scaled) / scale
}
