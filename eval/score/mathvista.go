package score

import "unicode/utf8"

// A MathVistaQuestion is what normalising an answer of MathVista depends on.
type MathVistaQuestion struct {
	MultiChoice bool
	Choices     []string
	AnswerType  string // "text", "integer", "float", "list"
	// Precision is the number of decimals of a float; without one (HasPrecision false) it is rounded to an integer.
	Precision    int
	HasPrecision bool
}

// MathVistaNormalise is normalize_extracted_answer of lupantech/MathVista (evaluation/calculate_score.py): a letter or the
// nearest text of the choices, a truncated integer, a rounded float. ok is false where upstream has None, which equals
// nothing.
func MathVistaNormalise(extraction string, q MathVistaQuestion) (answer string, ok bool) {
	switch {
	case q.MultiChoice:
		if len(q.Choices) == 0 {
			return "", false
		}
		return mathVistaChoice(extraction, q.Choices), true
	case q.AnswerType == "integer":
		v, ok := ParseFloat(extraction)
		if !ok {
			return "", false
		}
		return FormatInt(v)
	case q.AnswerType == "float":
		v, ok := ParseFloat(extraction)
		if !ok {
			return "", false
		}
		if !q.HasPrecision {
			return FormatInt(Round(v, 0))
		}
		return FormatFloat(Round(v, q.Precision)), true
	}
	return extraction, true
}

// mathVistaChoice is the choice of a letter in parentheses or alone, else the one at the smallest edit distance, the first
// of several.
func mathVistaChoice(extraction string, choices []string) string {
	extraction = Strip(extraction)
	for i := 0; i+2 < len(extraction); i++ {
		if c := extraction[i+1] | 0x20; extraction[i] == '(' && extraction[i+2] == ')' && c >= 'a' && c <= 'z' {
			extraction = string(rune(c - 0x20))
			break
		}
	}
	if letter, size := utf8.DecodeRuneInString(extraction); size == len(extraction) && letter >= 'A' && int(letter-'A') < len(choices) {
		return choices[letter-'A']
	}
	best, nearest := "", -1
	for _, choice := range choices {
		if d := EditDistance(extraction, choice); nearest < 0 || d < nearest {
			best, nearest = choice, d
		}
	}
	return best
}

// MathVistaExtract is the part of extract_answer.py that needs no model: a response that is empty, a choice, or a number of
// the type asked for. ok is false where upstream asks a model.
func MathVistaExtract(response string, q MathVistaQuestion) (extraction string, ok bool) {
	if response == "" {
		return "", true
	}
	if q.MultiChoice {
		for _, choice := range q.Choices {
			if response == choice {
				return response, true
			}
		}
	}
	switch q.AnswerType {
	case "integer": // int() of a text takes no fraction
		if v, ok := ParseInt(response); ok {
			return v, true
		}
	case "float":
		if v, ok := ParseFloat(response); ok {
			return FormatFloat(v), true
		}
	}
	return "", false
}
