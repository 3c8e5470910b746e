package suites

import (
	"strings"

	"llavabench/eval/score"
)

// An Option is one of the answers that a question offers.
type Option struct {
	Letter string // that the prompts show it with; "" where there are no letters
	Text   string
	Answer string // the answer that chooses it, as the scorers want it
}

// Options are the answers to choose from, in their order: those of a multiple choice, and Yes and No in POPE and MME. It is nil for an
// open question.
func (s *Suite) Options(q *Question) []Option {
	texts := q.Parts.Options
	switch s.Name {
	case "pope", "mme":
		return []Option{{Text: "Yes", Answer: "Yes"}, {Text: "No", Answer: "No"}}
	case "realworldqa":
		if len(texts) == 0 {
			texts = listedOptions(q.Text) // the hub's questions have them in their text
		}
	}
	if len(texts) < 2 || len(texts) > maxChoices {
		return nil
	}
	var out []Option
	for i, text := range texts {
		o := Option{Letter: score.Letter(i), Text: text, Answer: score.Letter(i)}
		if s.Name == "mathvista" { // whose scorer needs no judge for the text of a choice
			o.Answer = text
		}
		out = append(out, o)
	}
	return out
}

// listedOptions are the options on lines of their own in a question: "A. …", "B. …" and so on, one after the other.
func listedOptions(text string) []string {
	var out []string
	for _, line := range strings.Split(text, "\n") {
		if option, ok := strings.CutPrefix(strings.TrimSpace(line), score.Letter(len(out))+". "); ok {
			out = append(out, option)
		} else if len(out) > 0 {
			break
		}
	}
	return out
}
