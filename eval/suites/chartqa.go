package suites

import (
	"fmt"
	"strings"

	"llavabench/eval/score"
)

func chartqa() *Suite {
	return &Suite{
		Name:    "chartqa",
		Title:   "ChartQA, test",
		Licence: "GPL-3.0",
		Size:    "0.9 GB (all splits)",
		Metric:  "relaxed accuracy (numbers within 5 %)",
		Items:   2500,
		Files: []File{
			{Path: "test/test_human.json", Source: "https://github.com/vis-nlp/ChartQA"},
			{Path: "test/test_augmented.json", Source: "https://github.com/vis-nlp/ChartQA"},
			{Path: "test/png/", Source: "https://github.com/vis-nlp/ChartQA", Note: "not needed for scoring", Optional: true},
		},
		Open: openChartQA,
		Scorers: []Scorer{
			{Name: "lmms-eval", Upstream: "EvolvingLMMs-Lab/lmms-eval 75571cf, tasks/chartqa", Score: scoreChartQA},
			{Name: "vlmevalkit", Upstream: "open-compass/VLMEvalKit e8e78f0, vlmeval/dataset/utils/vqa_eval.py", Score: scoreChartQAKit},
		},
		Answers: AnswerFormat{ID: chartqaID},
	}
}

// chartqaSplits are the two halves of the test split.
var chartqaSplits = []string{"human", "augmented"}

// openChartQA numbers the questions of each half from 0: "human-0"; a chart has several questions.
func openChartQA(d *Dir) (*Data, error) {
	data := &Data{Labelled: true}
	for _, split := range chartqaSplits {
		var list []struct {
			ImgName string `json:"imgname"`
			Query   string `json:"query"`
			Label   string `json:"label"`
		}
		if err := d.JSON("test/test_"+split+".json", &list); err != nil {
			return nil, err
		}
		for i, q := range list {
			data.Questions = append(data.Questions, Question{ID: fmt.Sprintf("%s-%d", split, i), Text: q.Query, Group: q.ImgName, Category: split,
				Images: []string{"test/png/" + q.ImgName}, Reference: q.Label})
		}
	}
	data.Read = d.Read()
	return data, nil
}

// chartqaID joins what the layouts have instead of an id: the half, the chart and the question.
func chartqaID(r *Record) (string, bool) {
	if r.Format == LLaVALines {
		return r.Text("question_id")
	}
	split, _ := r.Text("split", "type")
	image, _ := r.Text("imgname")
	question, _ := r.Text("query", "question")
	split = strings.TrimSuffix(strings.TrimPrefix(split, "test_"), "_test")
	return split + "\x00" + image + "\x00" + question, image != "" || question != ""
}

// matchChartQA pairs by the numbers of openChartQA, else by all of half, chart and question that a record has; where several
// questions fit, they are taken in order.
func matchChartQA(d *Data, a *Answers) *Matching {
	byID := map[string]int{}
	byKey := map[string][]int{}
	for i, q := range d.Questions {
		byID[q.ID] = i
		for _, split := range []string{q.Category, ""} {
			for _, image := range []string{q.Group, ""} {
				for _, text := range []string{q.Text, ""} {
					key := split + "\x00" + image + "\x00" + text
					byKey[key] = append(byKey[key], i)
				}
			}
		}
	}
	taken := make([]bool, len(d.Questions))
	return MatchBy(d, a, func(answer *Answer) (int, bool) {
		if i, ok := byID[answer.ID]; ok {
			return i, true
		}
		fit := byKey[answer.ID]
		for n, i := range fit {
			if !taken[i] || n == len(fit)-1 {
				taken[i] = true
				return i, true
			}
		}
		return 0, false
	})
}

func scoreChartQA(d *Data, a *Answers) (*Result, error) {
	r, overall, splits := chartqaTally(d, a, score.RelaxedCorrect)
	r.Metrics = append(r.Metrics, overall.ratio("relaxed_overall"))
	for _, name := range splits.names() {
		r.Metrics = append(r.Metrics, splits[name].ratio("relaxed_"+name+"_split"))
	}
	return r, nil
}

// scoreChartQAKit takes a label that is a list for its elements, as VLMEvalKit does.
func scoreChartQAKit(d *Data, a *Answers) (*Result, error) {
	r, overall, splits := chartqaTally(d, a, score.RelaxedCorrectList)
	percent := func(name string, t tally) Metric {
		return Metric{Name: name, Value: t.mean() * 100, N: t.n, Unit: Percent, Digits: -1}
	}
	r.Metrics = append(r.Metrics, percent("Overall", overall))
	for _, name := range splits.names() {
		r.Metrics = append(r.Metrics, percent("test_"+name, *splits[name]))
	}
	return r, nil
}

func chartqaTally(d *Data, a *Answers, correct func(prediction, label string) bool) (*Result, tally, tallies) {
	m := matchChartQA(d, a)
	r := m.Result()
	overall, splits := tally{}, tallies{}
	for i := range d.Questions {
		sample := m.Sample(d, i)
		if sample.Answered {
			label, _ := d.Questions[i].Reference.(string)
			sample.Parsed = score.Strip(m.Text(i))
			if correct(sample.Parsed, label) {
				sample.Score = 1
			}
		}
		overall.add(sample.Score)
		splits.add(sample.Category, sample.Score)
		r.Samples = append(r.Samples, sample)
	}
	return r, overall, splits
}
