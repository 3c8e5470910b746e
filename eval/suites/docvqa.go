package suites

import (
	"fmt"
	"io"
	"slices"
	"strings"

	"llavabench/eval/score"
)

func docvqa() *Suite {
	return documentSuite(&Suite{
		Name:  "docvqa",
		Title: "DocVQA",
		Size:  "annotations 10 MB, images 9 GB",
		Items: 5349,
	}, "val_v1.0_withQT.json", "val_v1.0.json", "test_v1.0.json")
}

func infovqa() *Suite {
	return documentSuite(&Suite{
		Name:  "infovqa",
		Title: "InfographicVQA",
		Size:  "annotations 10 MB, images 2.5 GB",
		Items: 2801,
	}, "infographicsVQA_val_v1.0_withQT.json", "infographicVQA_val_v1.0.json", "infographicsVQA_test_v1.0.json", "infographicVQA_test_v1.0.json")
}

// documentSuite fills in what the two suites of the Document VQA challenge share.
func documentSuite(s *Suite, files ...string) *Suite {
	const site = "https://rrc.cvc.uab.es/?ch=17&com=downloads"
	s.Licence = "terms of the challenge (registration)"
	s.Metric = "ANLS (average normalised Levenshtein similarity)"
	s.Files = []File{
		{Path: files[0], Alternatives: files[1:], Source: site, Note: "test has no labels"},
		{Path: "documents/", Alternatives: []string{"images/"}, Source: site, Note: "not needed for scoring", Optional: true},
	}
	s.Splits = []string{"val", "test"}
	s.Open = func(d *Dir) (*Data, error) { return openDocVQA(d, files) }
	s.Scorers = []Scorer{
		{Name: "lmms-eval", Upstream: "EvolvingLMMs-Lab/lmms-eval 75571cf, api/metrics.py (anls)", Score: scoreANLS},
		{Name: "vlmevalkit", Upstream: "open-compass/VLMEvalKit e8e78f0, vlmeval/dataset/utils/vqa_eval.py", Score: scoreANLSKit},
		{Name: "m4c", Upstream: "haotian-liu/LLaVA c121f04, llava/eval/m4c_evaluator.py (STVQAANLSEvaluator)", Score: scoreSTVQA},
	}
	s.Submission = &Submission{Name: s.Name + "_results.json", Write: writeDocVQA}
	return s
}

func openDocVQA(d *Dir, files []string) (*Data, error) {
	name, err := d.First(slices.DeleteFunc(slices.Clone(files), func(name string) bool { return !strings.Contains(name, d.Split) })...)
	if err != nil {
		return nil, err
	}
	var file struct {
		Data []struct {
			QuestionID ID       `json:"questionId"`
			Question   string   `json:"question"`
			Image      string   `json:"image"`
			ImageLocal string   `json:"image_local_name"` // of InfographicVQA
			Answers    []string `json:"answers"`
		} `json:"data"`
	}
	if err := d.JSON(name, &file); err != nil {
		return nil, err
	}
	data := &Data{Read: d.Read()}
	for _, q := range file.Data {
		image := q.Image
		if image == "" {
			image = "images/" + q.ImageLocal
		}
		question := Question{ID: string(q.QuestionID), Text: q.Question, Group: image, Images: []string{image}}
		if q.Answers != nil {
			question.Reference = q.Answers
			data.Labelled = true
		}
		data.Questions = append(data.Questions, question)
	}
	return data, uniqueIDs(name, data.Questions)
}

// anlsScores goes over the questions with rule, which may have no result (ok false).
func anlsScores(d *Data, a *Answers, rule func(text string, answers []string) (float64, bool)) (*Result, []float64, error) {
	m := Match(d, a)
	r := m.Result()
	var values []float64
	for i := range d.Questions {
		answers, ok := d.Questions[i].Reference.([]string)
		if !ok {
			return nil, nil, unlabelled(d, i)
		}
		sample := m.Sample(d, i)
		defined := true
		if sample.Answered {
			sample.Parsed = m.Text(i)
			sample.Score, defined = rule(sample.Parsed, answers)
			sample.Unparsed = !defined
		}
		if defined {
			values = append(values, sample.Score)
		} else {
			r.Unparsed++
		}
		r.Samples = append(r.Samples, sample)
	}
	return r, values, nil
}

func scoreANLS(d *Data, a *Answers) (*Result, error) {
	r, values, err := anlsScores(d, a, func(text string, answers []string) (float64, bool) {
		return score.ANLS(score.Strip(text), answers), true
	})
	if err != nil {
		return nil, err
	}
	r.Metrics = []Metric{{Name: "anls", Value: score.NumpyMean(values), N: len(values), Unit: Ratio, Digits: -1}}
	return r, nil
}

func scoreANLSKit(d *Data, a *Answers) (*Result, error) {
	r, values, err := anlsScores(d, a, func(text string, answers []string) (float64, bool) { return score.ANLS(text, answers), true })
	if err != nil {
		return nil, err
	}
	r.Metrics = []Metric{{Name: "Overall", Value: score.NumpyMean(values) * 100, N: len(values), Unit: Percent, Digits: -1}}
	return r, nil
}

func scoreSTVQA(d *Data, a *Answers) (*Result, error) {
	r, values, err := anlsScores(d, a, score.STVQA)
	if err != nil {
		return nil, err
	}
	r.Metrics = []Metric{{Name: "anls", Value: score.NumpyMean(values), N: len(values), Unit: Ratio, Digits: -1}}
	if r.Unparsed > 0 {
		r.Notes = append(r.Notes, fmt.Sprintf("%d questions compare two empty texts, for which upstream divides by zero; they are not in the figure", r.Unparsed))
	}
	return r, nil
}

// writeDocVQA writes the results that the challenge's server takes.
func writeDocVQA(w io.Writer, d *Data, a *Answers) ([]string, error) {
	m := Match(d, a)
	var rows []pyRow
	for i, q := range d.Questions {
		if m.Answers[i] != nil {
			rows = append(rows, pyRow{"questionId", pyID(q.ID), "answer", pyQuote(strings.TrimSpace(m.Text(i)))})
		}
	}
	notes := a.Notes()
	if m.missing > 0 {
		notes = append(notes, fmt.Sprintf("%d of %d questions have no answer and are left out", m.missing, len(d.Questions)))
	}
	return notes, writePyArray(w, rows)
}
