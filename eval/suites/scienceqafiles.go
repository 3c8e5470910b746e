package suites

import (
	"bytes"
	"fmt"
	"strings"

	"llavabench/eval/score"
)

// ScienceQAReport is what eval_science_qa.py prints, of a result of LLaVA's scorer.
func ScienceQAReport(r *Result) string {
	all, _ := r.Metric("Accuracy")
	image, _ := r.Metric("IMG-Accuracy")
	correct, _ := r.Metric("Correct")
	return fmt.Sprintf("Total: %d, Correct: %.0f, Accuracy: %s%%, IMG-Accuracy: %s%%", all.N, correct.Value, all.Text(), image.Text())
}

// ScienceQAFiles are the two files that eval_science_qa.py writes for answers, with the bytes of Python's json.dump with indent 2:
// the verdicts with their texts, and the chosen options with the outputs.
func ScienceQAFiles(d *Data, a *Answers) (output, result []byte, err error) {
	m := Match(d, a)
	var correct, incorrect []string
	var results, outputs bytes.Buffer
	for i, q := range d.Questions {
		p, ok := q.Reference.(scienceProblem)
		if !ok {
			return nil, nil, unlabelled(d, i)
		}
		letter, prompt, text := "FAILED", "Unknown", "FAILED"
		if answer := m.Answers[i]; answer != nil {
			prompt, text = answer.Prompt, answer.Text
			if found := score.ScienceQALLaVA(text); found != "" {
				letter = found
			}
		}
		index := score.ScienceQAIndex(letter, len(p.Choices))
		entry := fmt.Sprintf("    {\n      \"question_id\": %s,\n      \"parsed_ans\": %s,\n      \"ground_truth\": %s,\n      \"question\": %s,\n      \"pred\": %s,\n      \"is_multimodal\": %t\n    }",
			pyQuote(q.ID), pyQuote(letter), pyQuote(score.Letter(p.Answer)), pyQuote(prompt), pyQuote(text), strings.Contains(prompt, "<image>"))
		if index == p.Answer {
			correct = append(correct, entry)
		} else {
			incorrect = append(incorrect, entry)
		}
		comma := ",\n"
		if i == len(d.Questions)-1 {
			comma = "\n"
		}
		fmt.Fprintf(&results, "    %s: %d%s", pyQuote(q.ID), index, comma)
		fmt.Fprintf(&outputs, "    %s: %s%s", pyQuote(q.ID), pyQuote(text), comma)
	}
	output = fmt.Appendf(nil, "{\n  \"correct\": %s,\n  \"incorrect\": %s\n}", indentedList(correct), indentedList(incorrect))
	if len(d.Questions) == 0 {
		return output, nil, fmt.Errorf("no questions")
	}
	acc := float64(len(correct)) / float64(len(d.Questions)) * 100
	result = fmt.Appendf(nil, "{\n  \"acc\": %s,\n  \"correct\": %d,\n  \"count\": %d,\n  \"results\": {\n%s  },\n  \"outputs\": {\n%s  }\n}",
		score.FormatFloat(acc), len(correct), len(d.Questions), results.Bytes(), outputs.Bytes())
	return output, result, nil
}

func indentedList(entries []string) string {
	if len(entries) == 0 {
		return "[]"
	}
	return "[\n" + strings.Join(entries, ",\n") + "\n  ]"
}
