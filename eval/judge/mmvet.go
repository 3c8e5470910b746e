package judge

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"strings"

	"llavabench/eval/score"
	"llavabench/eval/suites"
	"llavabench/internal/openai"
)

// MMVetPrompt is the SHA-256 of the few-shot prompt of MM-Vet's evaluator.
//
// Source: yuweihao/MM-Vet acde843, mm-vet_evaluator.py.
const MMVetPrompt = "d1b3e0a5b4e72c888b77164489d705bba4dd149934fff564dfba6443d81afe3f"

// gradeTries is how often a grade that is no number is asked for again, each time with a higher temperature.
const gradeTries = 5

// A Grading is one answer to MM-Vet with what the judge is asked.
type Grading struct {
	ID   string
	text string
}

// Gradings prepares the questions to the judge: the few-shot prompt, then question, reference and answer. Notes say where the
// prompt is not the released one.
func Gradings(d *suites.Dir, a *suites.Answers, prompt string) (list []Grading, notes []string, err error) {
	if digest(prompt) != MMVetPrompt {
		notes = append(notes, fmt.Sprintf("the prompt is not the released one (SHA-256 %s, expected %s): grades are not comparable", digest(prompt), MMVetPrompt))
	}
	var questions map[string]struct{ Question, Answer string }
	if err := d.JSON("mm-vet.json", &questions); err != nil {
		return nil, nil, err
	}
	seen := map[string]bool{}
	for i := len(a.List) - 1; i >= 0; i-- { // of several answers the last one counts
		answer := a.List[i]
		q, ok := questions[answer.ID]
		if !ok {
			return nil, nil, fmt.Errorf("%s: question %q is not in mm-vet.json", a.File, answer.ID)
		}
		if seen[answer.ID] {
			continue
		}
		seen[answer.ID] = true
		reference := strings.NewReplacer("<AND>", " <AND> ", "<OR>", " <OR> ").Replace(q.Answer)
		list = append(list, Grading{answer.ID, prompt + "\n" + strings.Join([]string{q.Question, reference, answer.Text, ""}, " | ")})
	}
	for i, j := 0, len(list)-1; i < j; i, j = i+1, j-1 {
		list[i], list[j] = list[j], list[i]
	}
	if missing := len(questions) - len(list); missing > 0 {
		notes = append(notes, fmt.Sprintf("%d questions have no answer and get no grade", missing))
	}
	return list, notes, nil
}

// grades are the judge's of one answer, one for each run, as MM-Vet's grade files have them.
type grades struct {
	Model   []string  `json:"model"`
	Content []string  `json:"content"`
	Score   []float64 `json:"score"`
}

// WriteGrades asks the judge for every grade, runs times, and writes MM-Vet's grade file. failed counts the grades that were
// no number between 0 and 1 in five tries; upstream makes them 0.
func WriteGrades(ctx context.Context, w io.Writer, log *Log, judge Asker, list []Grading, model string, runs int, progress func(done, total int)) (failed int, err error) {
	all := make([]grades, len(list))
	for run := 1; run <= runs; run++ {
		for i, g := range list {
			content, grade, ok, err := ask(ctx, log, judge, g, model, run)
			if err != nil {
				return failed, err
			}
			if !ok {
				failed++
			}
			all[i].Model = append(all[i].Model, model)
			all[i].Content = append(all[i].Content, content)
			all[i].Score = append(all[i].Score, grade)
			if progress != nil {
				progress((run-1)*len(list)+i+1, runs*len(list))
			}
		}
	}
	// An object in the order of the answers, which a map would lose.
	sep := "{"
	for i, g := range list {
		key, err := json.Marshal(g.ID)
		if err != nil {
			return failed, err
		}
		value, err := json.Marshal(all[i])
		if err != nil {
			return failed, err
		}
		if _, err := fmt.Fprintf(w, "%s\n    %s: %s", sep, key, value); err != nil {
			return failed, err
		}
		sep = ","
	}
	_, err = io.WriteString(w, "\n}\n")
	return failed, err
}

// ask asks for one grade until it is a number: the text before the first space, 0 to 1.
func ask(ctx context.Context, log *Log, judge Asker, g Grading, model string, run int) (content string, grade float64, ok bool, err error) {
	text := g.text
	for try := range gradeTries {
		content, err = log.Ask(ctx, judge, g.ID, run, openai.Request{
			Model: model, MaxTokens: 3, Temperature: 0.5 * float64(try), Messages: []openai.Message{{Role: "user", Text: text}},
		})
		if err != nil {
			return "", 0, false, err
		}
		first, _, _ := strings.Cut(content, " ")
		if grade, ok = score.ParseFloat(first); ok && grade >= 0 && grade <= 1 {
			return content, grade, true, nil
		}
		text = g.text + "\nPredict the correctness of the answer (digit): "
	}
	return content, 0, false, nil
}
