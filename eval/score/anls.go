package score

import (
	"strings"
	"unicode/utf8"

	"golang.org/x/text/cases"
	"golang.org/x/text/language"
)

// anlsThreshold is the similarity below which an answer counts nothing.
const anlsThreshold = 0.5

// ANLS is the average normalised Levenshtein similarity of one question as lmms-eval and VLMEvalKit compute it: distances
// are of the texts in lower case with single spaces, but lengths those of the texts as they are (in capitals). The best
// answer counts; 0 without answers.
func ANLS(prediction string, answers []string) float64 {
	if len(answers) == 0 {
		return 0
	}
	text := squeeze(prediction)
	nearest := 1.0
	for i, answer := range answers {
		distance := 0.0
		if length := max(upperLen(answer), upperLen(prediction)); length > 0 {
			distance = float64(EditDistance(squeeze(answer), text)) / float64(length)
		}
		if i == 0 || distance < nearest {
			nearest = distance
		}
	}
	if s := 1 - nearest; s >= anlsThreshold {
		return s
	}
	return 0
}

func squeeze(s string) string { return strings.Join(Fields(Lower(Strip(s))), " ") }

// upperLen is len(s.upper()): capitals can be longer, as of "ß".
func upperLen(s string) int {
	for i := range len(s) {
		if s[i] >= 0x80 {
			return utf8.RuneCountInString(cases.Upper(language.Und).String(s))
		}
	}
	return len(s)
}

// STVQA is the ANLS of m4c_evaluator's STVQAANLSEvaluator: lengths are those of the texts as compared, and each answer
// below the threshold counts nothing. Two empty texts have no similarity (upstream divides by zero): ok is false.
func STVQA(prediction string, answers []string) (anls float64, ok bool) {
	text := Lower(Strip(prediction))
	for _, answer := range answers {
		answer = Lower(Strip(answer))
		length := max(utf8.RuneCountInString(answer), utf8.RuneCountInString(text))
		if length == 0 {
			return 0, false
		}
		if s := 1 - float64(EditDistance(text, answer))/float64(length); s >= anlsThreshold {
			anls = max(anls, s)
		}
	}
	return anls, true
}
