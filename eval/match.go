package eval

import "strings"

// ExactMatch is 1 when an answer is the right one, but for case, white space around it and a final period; else 0.
func ExactMatch(text, want string) float64 {
	if clean(text) == clean(want) {
		return 1
	}
	return 0
}

func clean(s string) string {
	return strings.ToLower(strings.TrimSpace(strings.TrimSuffix(strings.TrimSpace(s), ".")))
}

// ScoreExact is ExactMatch with a question's reference, as Suite.Score.
func ScoreExact(q Question, text string) (float64, error) { return ExactMatch(text, q.Reference), nil }
