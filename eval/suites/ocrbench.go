package suites

import (
	"encoding/json"
	"fmt"

	"llavabench/eval/score"
)

func ocrbench() *Suite {
	return &Suite{
		Name:    "ocrbench",
		Title:   "OCRBench",
		Licence: "for research; the pictures keep the terms of their sources",
		Size:    "85 MB",
		Metric:  "correct answers, out of 1000",
		Items:   1000,
		Files: []File{
			{Path: "OCRBench.json", Source: "https://github.com/Yuliang-Liu/MultimodalOCR"},
			{Path: "OCRBench_Images/", Source: "https://github.com/Yuliang-Liu/MultimodalOCR", Note: "not needed for scoring", Optional: true},
		},
		Open: openOCRBench,
		Scorers: []Scorer{
			{Name: "official", Upstream: "Yuliang-Liu/MultimodalOCR 794c36d, example.py", Score: ocrRule(func(text string, q *OCRReference) bool {
				return score.OCRContains(text, q.Answers, q.Dataset == ocrFormulas)
			})},
			{Name: "lmms-eval", Upstream: "EvolvingLMMs-Lab/lmms-eval 75571cf, tasks/ocrbench", Score: ocrRule(func(text string, q *OCRReference) bool {
				text = score.FoldFullWidth(score.Strip(text))
				folded := make([]string, len(q.Answers))
				for i, a := range q.Answers {
					folded[i] = score.FoldFullWidth(a)
				}
				return score.OCRContains(text, folded, q.Dataset == ocrFormulas)
			})},
			{Name: "vlmevalkit", Upstream: "open-compass/VLMEvalKit e8e78f0, vlmeval/dataset/image_vqa.py (OCRBench)", Score: ocrRule(func(text string, q *OCRReference) bool {
				return score.OCRContains(text, q.Answers, q.Type == ocrFormulaType)
			})},
		},
		// The official script skips items without "predict".
		Answers: AnswerFormat{Partial: true},
	}
}

// The handwritten formulas, by data set and by type.
const (
	ocrFormulas    = "HME100k"
	ocrFormulaType = "Handwritten Mathematical Expression Recognition"
)

// ocrGroups are the five parts of the total, with their types.
var ocrGroups = []struct {
	name  string
	types []string
}{
	{"Text Recognition", []string{"Regular Text Recognition", "Irregular Text Recognition", "Artistic Text Recognition", "Handwriting Recognition",
		"Digit String Recognition", "Non-Semantic Text Recognition"}},
	{"Scene Text-centric VQA", []string{"Scene Text-centric VQA"}},
	{"Doc-oriented VQA", []string{"Doc-oriented VQA"}},
	{"Key Information Extraction", []string{"Key Information Extraction"}},
	{ocrFormulaType, []string{ocrFormulaType}},
}

// An OCRReference is what OCRBench says about a question.
type OCRReference struct {
	Dataset, Type string
	Answers       []string
}

func openOCRBench(d *Dir) (*Data, error) {
	const name = "OCRBench.json"
	var list []struct {
		Dataset  string          `json:"dataset_name"`
		ID       ID              `json:"id"`
		Image    string          `json:"image_path"`
		Question string          `json:"question"`
		Answers  json.RawMessage `json:"answers"`
		Type     string          `json:"type"`
	}
	if err := d.JSON(name, &list); err != nil {
		return nil, err
	}
	data := &Data{Labelled: true, Read: d.Read()}
	for i, q := range list {
		ref := &OCRReference{Dataset: q.Dataset, Type: q.Type}
		if len(q.Answers) > 0 && q.Answers[0] == '[' {
			var items []json.RawMessage
			if err := json.Unmarshal(q.Answers, &items); err != nil {
				return nil, fmt.Errorf("%s: item %d: answers: %w", name, i+1, err)
			}
			for _, raw := range items {
				text, ok := scalar(raw)
				if !ok {
					return nil, fmt.Errorf("%s: item %d: answers: expected strings, found %.40q", name, i+1, raw)
				}
				ref.Answers = append(ref.Answers, text)
			}
		} else if text, ok := scalar(q.Answers); ok {
			ref.Answers = []string{text}
		} else {
			return nil, fmt.Errorf("%s: item %d: answers: expected a string or a list, found %.40q", name, i+1, q.Answers)
		}
		data.Questions = append(data.Questions, Question{ID: string(q.ID), Text: q.Question, Group: q.Image, Category: q.Type,
			Images: []string{"OCRBench_Images/" + q.Image}, Reference: ref})
	}
	return data, uniqueIDs(name, data.Questions)
}

// ocrRule counts the questions that rule finds right: in all, by group and by type.
func ocrRule(rule func(text string, q *OCRReference) bool) func(*Data, *Answers) (*Result, error) {
	return func(d *Data, a *Answers) (*Result, error) {
		m := Match(d, a)
		r := m.Result()
		total, types := tally{}, tallies{}
		for i := range d.Questions {
			ref, ok := d.Questions[i].Reference.(*OCRReference)
			if !ok {
				return nil, unlabelled(d, i)
			}
			sample := m.Sample(d, i)
			if sample.Answered {
				sample.Parsed = m.Text(i)
				if rule(sample.Parsed, ref) {
					sample.Score = 1
				}
			}
			total.add(sample.Score)
			types.add(ref.Type, sample.Score)
			r.Samples = append(r.Samples, sample)
		}
		count := func(name string, t tally) Metric {
			return Metric{Name: name, Value: t.sum, N: t.n, Unit: Count}
		}
		r.Metrics = append(r.Metrics, count("Final Score", total))
		for _, g := range ocrGroups {
			sum := tally{}
			for _, name := range g.types {
				if t := types[name]; t != nil {
					sum.sum += t.sum
					sum.n += t.n
				}
			}
			r.Metrics = append(r.Metrics, count("group: "+g.name, sum))
		}
		for _, name := range types.names() {
			r.Metrics = append(r.Metrics, count("type: "+name, *types[name]))
		}
		return r, nil
	}
}
