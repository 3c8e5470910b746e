package suites

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
)

// A llavaQuestion is a line of the question files that LLaVA's authors release (docs/Evaluation.md): the text has the suffix
// that asks for a short answer.
type llavaQuestion struct {
	QuestionID ID     `json:"question_id"`
	Image      string `json:"image"`
	Text       string `json:"text"`
	Category   ID     `json:"category"` // SEED: the number of a type
}

// readLLaVAQuestions reads such a file.
func readLLaVAQuestions(d *Dir, name string) ([]llavaQuestion, error) {
	var list []llavaQuestion
	err := d.JSONLines(name, func(_ int, raw []byte) error {
		var q llavaQuestion
		if err := json.Unmarshal(raw, &q); err != nil {
			return err
		}
		if q.QuestionID == "" {
			return fmt.Errorf("the question has no question_id")
		}
		list = append(list, q)
		return nil
	})
	return list, err
}

// untilEmpty cuts a list of options at the first that is not there.
func untilEmpty(options ...string) []string {
	if i := slices.Index(options, ""); i >= 0 {
		options = options[:i]
	}
	return options
}

// firstLine is the question without the lines that LLaVA's files add.
func firstLine(text string) string {
	line, _, _ := strings.Cut(text, "\n")
	return line
}

// uniqueIDs refuses questions that share an id.
func uniqueIDs(file string, questions []Question) error {
	if len(questions) == 0 {
		return fmt.Errorf("%s holds no questions", file)
	}
	seen := make(map[string]int, len(questions))
	for i, q := range questions {
		if j, ok := seen[q.ID]; ok {
			return fmt.Errorf("%s: questions %d and %d have the same id %q", file, j+1, i+1, q.ID)
		}
		seen[q.ID] = i
	}
	return nil
}
