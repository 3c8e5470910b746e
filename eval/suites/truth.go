package suites

import "strings"

// Truth is the published answer as a text to be read: of several people's answers the different ones, in their order. It is ""
// where none is published and where a judge decides.
func (q *Question) Truth() string {
	switch ref := q.Reference.(type) {
	case string:
		return ref
	case VQAReference:
		return distinct(ref.Answers)
	case GQAReference:
		return ref.Answer
	case scienceProblem:
		return string(rune('A' + ref.Answer))
	case MMEReference:
		return ref.Label
	case MCQReference:
		return ref.Answer
	case seedReference:
		return ref.answer
	case mmmuReference:
		return distinct(ref.answers)
	case *MathVistaReference:
		return ref.Answer
	case *OCRReference:
		return distinct(ref.Answers)
	case GenericReference:
		return distinct(ref.Answers)
	case []string: // of DocVQA
		return distinct(ref)
	}
	return ""
}

// distinct joins the different ones of some texts.
func distinct(list []string) string {
	seen := map[string]bool{}
	var out []string
	for _, s := range list {
		if !seen[s] {
			seen[s] = true
			out = append(out, s)
		}
	}
	return strings.Join(out, " | ")
}
