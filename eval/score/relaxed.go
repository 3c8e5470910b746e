package score

import (
	"math"
	"strings"
)

// relaxedTolerance is the relative error that ChartQA allows.
const relaxedTolerance = 0.05

// RelaxedCorrect is relaxed_correctness of ChartQA: numbers within 5 % of the target, everything else equal but for case. A
// percent sign divides by 100, and a target of zero is compared as text.
func RelaxedCorrect(prediction, target string) bool {
	p, ok := chartNumber(prediction)
	t, isNumber := chartNumber(target)
	if ok && isNumber && t != 0 {
		return math.Abs(p-t)/math.Abs(t) <= relaxedTolerance
	}
	return Lower(prediction) == Lower(target)
}

func chartNumber(s string) (float64, bool) {
	if strings.HasSuffix(s, "%") {
		v, ok := ParseFloat(strings.TrimRight(s, "%"))
		return v / 100, ok
	}
	return ParseFloat(s)
}

// RelaxedCorrectList is what VLMEvalKit makes of it: a label that is a Python list stands for its elements, one of which has
// to fit.
func RelaxedCorrectList(prediction, label string) bool {
	targets, ok := PythonList(label)
	if !ok {
		return RelaxedCorrect(prediction, label)
	}
	for _, target := range targets {
		if RelaxedCorrect(prediction, target) {
			return true
		}
	}
	return false
}
