package suites

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"sort"

	"llavabench/eval/score"
)

func mathvista() *Suite {
	return &Suite{
		Name:    "mathvista",
		Title:   "MathVista, testmini",
		Licence: "CC BY-SA 4.0 (the new parts; the rest keeps the terms of its sources)",
		Size:    "0.9 GB (all splits)",
		Metric:  "accuracy of the extracted answers",
		Items:   1000,
		Files: []File{
			{Path: "testmini.json", Alternatives: []string{"data/testmini.json", "test.json", "data/test.json"}, Source: "https://github.com/lupantech/MathVista", Note: "test has no labels"},
			{Path: "images/", Source: "https://github.com/lupantech/MathVista", Note: "not needed for scoring", Optional: true},
		},
		Open: openMathVista,
		Scorers: []Scorer{
			{Name: "official", Upstream: "lupantech/MathVista 53d5258, evaluation/calculate_score.py --rerun", Score: mathvistaRule(func(a, b string) bool { return a == b })},
			{Name: "lmms-eval", Upstream: "EvolvingLMMs-Lab/lmms-eval 75571cf, tasks/mathvista", Score: mathvistaRule(func(a, b string) bool {
				return score.Strip(a) == score.Strip(b)
			})},
		},
		Splits:     []string{"testmini", "test"},
		Submission: &Submission{Name: "output.json", Write: writeMathVista},
		Answers:    AnswerFormat{ID: mathvistaID, Text: mathvistaText},
	}
}

func mathvistaID(r *Record) (string, bool) {
	if r.Format == Object {
		return r.Key, true
	}
	return r.Text("question_id", "pid", "index")
}

// mathvistaText is what was generated. The official results repeat the question with its answer, which must not be taken for
// it where there is no response.
func mathvistaText(r *Record) (string, bool) {
	if _, ok := r.Fields["question_type"]; !ok {
		return "", false
	}
	text, _ := r.Text("response")
	return text, true
}

// A MathVistaReference is a question's answer and what the figures are broken down by.
type MathVistaReference struct {
	score.MathVistaQuestion
	Answer string
	// Keys has the values by breakdown: "question_type", "answer_type" and the metadata.
	Keys map[string][]string
}

// mathvistaKeys are the breakdowns in the order of the official script.
var mathvistaKeys = []string{"question_type", "answer_type", "language", "source", "category", "task", "context", "grade", "skills"}

func openMathVista(d *Dir) (*Data, error) {
	var names []string
	for _, split := range []string{"testmini", "test"} {
		if d.Split == "" || d.Split == split {
			names = append(names, split+".json", "data/"+split+".json")
		}
	}
	name, err := d.First(names...)
	if err != nil {
		return nil, err
	}
	raw, err := d.ReadFile(name)
	if err != nil {
		return nil, err
	}
	data := &Data{Labelled: true, Read: d.Read()}
	err = objectInOrder(raw, func(pid string, value json.RawMessage) error {
		q, err := mathvistaQuestion(pid, value)
		if err != nil {
			return fmt.Errorf("pid %q: %w", pid, err)
		}
		if ref, ok := q.Reference.(*MathVistaReference); ok && ref.Answer == "" { // the labels of test are the owners'
			q.Reference, data.Labelled = nil, false
		}
		data.Questions = append(data.Questions, q)
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	return data, uniqueIDs(name, data.Questions)
}

func mathvistaQuestion(pid string, raw json.RawMessage) (Question, error) {
	var q struct {
		Question     string                     `json:"question"`
		Image        string                     `json:"image"`
		Choices      []string                   `json:"choices"`
		Precision    *float64                   `json:"precision"`
		Unit         *string                    `json:"unit"`
		Query        string                     `json:"query"`
		Answer       string                     `json:"answer"`
		QuestionType string                     `json:"question_type"`
		AnswerType   string                     `json:"answer_type"`
		Metadata     map[string]json.RawMessage `json:"metadata"`
	}
	if err := json.Unmarshal(raw, &q); err != nil {
		return Question{}, err
	}
	ref := &MathVistaReference{Answer: q.Answer, Keys: map[string][]string{"question_type": {q.QuestionType}, "answer_type": {q.AnswerType}}}
	ref.MultiChoice, ref.Choices, ref.AnswerType = q.QuestionType == "multi_choice", q.Choices, q.AnswerType
	if p := q.Precision; p != nil {
		if *p < 0 || *p > 100 || *p != float64(int(*p)) {
			return Question{}, fmt.Errorf("precision is %v, expected a small whole number", *p)
		}
		ref.Precision, ref.HasPrecision = int(*p), true
	}
	for _, key := range mathvistaKeys[2:] {
		list, err := mathvistaValues(q.Metadata[key])
		if err != nil {
			return Question{}, fmt.Errorf("metadata: %s: %w", key, err)
		}
		ref.Keys[key] = list
	}
	parts := Item{Options: q.Choices, AnswerType: q.AnswerType, Precision: ref.Precision, Query: q.Query}
	if q.Unit != nil {
		parts.Unit = *q.Unit
	}
	return Question{ID: pid, Images: []string{q.Image}, Text: q.Question, Group: q.Image, Category: q.QuestionType, Reference: ref, Parts: parts}, nil
}

// mathvistaValues are those of one key of the metadata: a text or a list.
func mathvistaValues(raw json.RawMessage) ([]string, error) {
	if len(raw) == 0 {
		return nil, nil
	}
	if text, ok := scalar(raw); ok {
		return []string{text}, nil
	}
	var list []string
	err := json.Unmarshal(raw, &list)
	return list, err
}

// mathvistaBreakdown is the values of each key for a question. The official script takes them from the results file, which
// repeats the question as it was when the answers were made.
func mathvistaBreakdown(a *Answer, ref *MathVistaReference) map[string][]string {
	var metadata map[string]json.RawMessage
	if a == nil || json.Unmarshal(a.Record.Fields["metadata"], &metadata) != nil {
		return ref.Keys
	}
	keys := maps.Clone(ref.Keys)
	for key, raw := range metadata {
		if list, err := mathvistaValues(raw); err == nil {
			keys[key] = list
		}
	}
	return keys
}

// mathvistaExtraction is the answer taken out of a response: the one stored with it, or the response itself where no model
// is needed for that.
func mathvistaExtraction(a *Answer, q score.MathVistaQuestion) (string, bool) {
	raw, ok := a.Record.Fields["extraction"]
	if !ok {
		return score.MathVistaExtract(a.Text, q)
	}
	if text, ok := scalar(raw); ok {
		return text, true
	}
	// str() of what is no text.
	text, ok := map[string]string{"null": "None", "true": "True", "false": "False"}[string(raw)]
	return text, ok
}

func mathvistaRule(equal func(prediction, answer string) bool) func(*Data, *Answers) (*Result, error) {
	return func(d *Data, a *Answers) (*Result, error) {
		m := Match(d, a)
		r := m.Result()
		all := tally{}
		groups := map[string]tallies{}
		for _, key := range mathvistaKeys {
			groups[key] = tallies{}
		}
		for i := range d.Questions {
			ref, ok := d.Questions[i].Reference.(*MathVistaReference)
			if !ok {
				return nil, unlabelled(d, i)
			}
			sample := m.Sample(d, i)
			if sample.Answered {
				if text, ok := mathvistaExtraction(m.Answers[i], ref.MathVistaQuestion); ok {
					prediction, ok := score.MathVistaNormalise(text, ref.MathVistaQuestion)
					sample.Parsed = prediction
					if ok && equal(prediction, ref.Answer) {
						sample.Score = 1
					}
				} else {
					sample.Unparsed = true
					r.Unparsed++
				}
			}
			r.Samples = append(r.Samples, sample)
			if !sample.Answered {
				continue // the official script goes over the results
			}
			all.add(sample.Score)
			for key, values := range mathvistaBreakdown(m.Answers[i], ref) {
				for _, value := range values {
					if t := groups[key]; t != nil {
						t.add(value, sample.Score)
					}
				}
			}
		}
		r.Metrics = append(r.Metrics, all.ratio("average"))
		if r.Missing > 0 {
			r.Metrics = append(r.Metrics, Metric{Name: "average, missing as wrong", Value: all.sum / float64(r.Questions), N: r.Questions, Unit: Ratio, Digits: -1})
			r.Notes = append(r.Notes, answeredOnlyNote(all.n, r.Missing))
		}
		for _, key := range mathvistaKeys {
			// The official file lists the best group first.
			list := groups[key].ratios(key + ": ")
			sort.SliceStable(list, func(i, j int) bool { return list[i].Value > list[j].Value })
			r.Metrics = append(r.Metrics, list...)
		}
		if r.Unparsed > 0 {
			r.Notes = append(r.Notes, fmt.Sprintf("%d responses need a model to extract the answer and have no stored extraction; they count as wrong", r.Unparsed))
		}
		return r, nil
	}
}

// writeMathVista writes the results file that the owners' scripts go on with: by pid the question as published, what was asked and the
// response, with the extracted answer where no model is needed to extract it.
func writeMathVista(w io.Writer, d *Data, a *Answers) ([]string, error) {
	m := Match(d, a)
	type result struct {
		Pid          string   `json:"pid"`
		Question     string   `json:"question"`
		QuestionType string   `json:"question_type"`
		AnswerType   string   `json:"answer_type"`
		Choices      []string `json:"choices"`
		Precision    *int     `json:"precision"`
		Unit         string   `json:"unit,omitempty"`
		Query        string   `json:"query"`
		Response     string   `json:"response"`
		Extraction   *string  `json:"extraction,omitempty"`
	}
	b := bytes.NewBufferString("{")
	for i, q := range d.Questions {
		if m.Answers[i] == nil {
			continue
		}
		r := result{Pid: q.ID, Question: q.Text, QuestionType: q.Category, AnswerType: q.Parts.AnswerType, Choices: q.Parts.Options, Unit: q.Parts.Unit,
			Query: q.Parts.Query, Response: m.Text(i)}
		ask := score.MathVistaQuestion{MultiChoice: q.Category == "multi_choice", Choices: q.Parts.Options, AnswerType: q.Parts.AnswerType}
		if q.Parts.AnswerType == "float" {
			r.Precision = &q.Parts.Precision
		}
		if text, ok := mathvistaExtraction(m.Answers[i], ask); ok {
			r.Extraction = &text
		}
		raw, err := json.MarshalIndent(r, "    ", "    ")
		if err != nil {
			return nil, err
		}
		comma := ","
		if b.Len() == 1 {
			comma = ""
		}
		fmt.Fprintf(b, "%s\n    %s: %s", comma, pyQuote(q.ID), raw)
	}
	b.WriteString("\n}\n")
	notes := a.Notes()
	if m.missing > 0 {
		notes = append(notes, fmt.Sprintf("%d of %d questions have no answer and are left out", m.missing, len(d.Questions)))
	}
	_, err := b.WriteTo(w)
	return notes, err
}
