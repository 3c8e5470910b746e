package suites

import (
	"fmt"
	"strings"

	"llavabench/eval/score"
)

func scienceqa() *Suite {
	return &Suite{
		Name:    "scienceqa",
		Title:   "ScienceQA, test",
		Licence: "CC BY-NC-SA 4.0",
		Size:    "problems 30 MB, images 0.6 GB",
		Metric:  "accuracy of the questions with an image (ScienceQA-IMG), percent",
		Items:   4241,
		Files: []File{
			{Path: "problems.json", Source: "https://github.com/lupantech/ScienceQA/tree/main/data/scienceqa"},
			{Path: "pid_splits.json", Source: "https://github.com/lupantech/ScienceQA/tree/main/data/scienceqa"},
			{Path: "llava_test_CQM-A.json", Source: "eval.zip of LLaVA (docs/Evaluation.md)", Note: "LLaVA's prompts; not needed for scoring", Optional: true},
			{Path: "images/test/", Source: "https://scienceqa.github.io", Note: "not needed for scoring", Optional: true},
		},
		Open: openScienceQA,
		Scorers: []Scorer{
			{Name: "llava", Upstream: "haotian-liu/LLaVA c121f04, llava/eval/eval_science_qa.py", Score: scoreScienceQA},
			{Name: "lmms-eval", Upstream: "EvolvingLMMs-Lab/lmms-eval 75571cf, tasks/scienceqa", Score: scoreScienceQALmms},
		},
	}
}

// A scienceProblem is an entry of problems.json.
type scienceProblem struct {
	Question string   `json:"question"`
	Choices  []string `json:"choices"`
	Answer   int      `json:"answer"`
	Hint     string   `json:"hint"`
	Image    *string  `json:"image"`
	Subject  string   `json:"subject"`
}

func openScienceQA(d *Dir) (*Data, error) {
	const problemFile, splitFile = "problems.json", "pid_splits.json"
	var problems map[string]scienceProblem
	var splits map[string][]ID
	if err := d.JSON(problemFile, &problems); err != nil {
		return nil, err
	}
	if err := d.JSON(splitFile, &splits); err != nil {
		return nil, err
	}
	test, ok := splits["test"]
	if !ok {
		return nil, fmt.Errorf("%s: no split test", splitFile)
	}
	data := &Data{Labelled: true, Read: d.Read()}
	for _, id := range test {
		p, ok := problems[string(id)]
		if !ok {
			return nil, fmt.Errorf("%s: no problem %q, which is in the split test of %s", problemFile, id, splitFile)
		}
		if p.Answer < 0 || p.Answer >= len(p.Choices) {
			return nil, fmt.Errorf("%s: problem %q: answer %d of %d choices", problemFile, id, p.Answer, len(p.Choices))
		}
		q := Question{ID: string(id), Text: p.Question, Group: string(id), Category: p.Subject, Reference: p, Parts: Item{Hint: p.Hint, Options: p.Choices}}
		if p.Image != nil {
			q.Images = []string{"images/test/" + string(id) + "/" + *p.Image}
		}
		data.Questions = append(data.Questions, q)
	}
	return data, uniqueIDs(splitFile, data.Questions)
}

// scoreScienceQA repeats eval_science_qa.py. Whether a question has an image is read off the prompt in the answer, as upstream
// does; a missing answer drops out of the questions with an image. Answers without a prompt go by the problem.
func scoreScienceQA(d *Data, a *Answers) (*Result, error) {
	m := Match(d, a)
	r := m.Result()
	var all, image, text tally
	bare := 0
	for i := range d.Questions {
		p, ok := d.Questions[i].Reference.(scienceProblem)
		if !ok {
			return nil, unlabelled(d, i)
		}
		sample := m.Sample(d, i)
		hasImage := false
		if answer := m.Answers[i]; answer != nil {
			sample.Parsed = score.ScienceQALLaVA(answer.Text)
			if sample.Parsed == "" {
				sample.Unparsed = true
				r.Unparsed++
			}
			if score.ScienceQAIndex(sample.Parsed, len(p.Choices)) == p.Answer {
				sample.Score = 1
			}
			hasImage = strings.Contains(answer.Prompt, "<image>")
			if answer.Prompt == "" {
				bare++
				hasImage = p.Image != nil
			}
		}
		all.add(sample.Score)
		if hasImage {
			image.add(sample.Score)
		} else {
			text.add(sample.Score)
		}
		r.Samples = append(r.Samples, sample)
	}
	percent := func(name string, t tally) Metric {
		return Metric{Name: name, Value: t.mean() * 100, N: t.n, Unit: Percent, Digits: 2}
	}
	r.Metrics = []Metric{percent("IMG-Accuracy", image), percent("Accuracy", all), percent("text-only accuracy", text),
		{Name: "Correct", Value: all.sum, N: all.n, Unit: Count}, {Name: "IMG-Correct", Value: image.sum, N: image.n, Unit: Count}}
	if bare > 0 {
		r.Notes = append(r.Notes, fmt.Sprintf("%d answers have no prompt: whether they have an image is taken from problems.json", bare))
	}
	return r, nil
}

// scoreScienceQALmms gives the mean over all questions, and over those with an image, which are a task of their own upstream.
func scoreScienceQALmms(d *Data, a *Answers) (*Result, error) {
	m := Match(d, a)
	r := m.Result()
	var all, image tally
	for i := range d.Questions {
		p, ok := d.Questions[i].Reference.(scienceProblem)
		if !ok {
			return nil, unlabelled(d, i)
		}
		sample := m.Sample(d, i)
		if sample.Answered {
			sample.Parsed = score.ScienceQALmms(m.Text(i))
			sample.Unparsed = sample.Parsed == ""
			if sample.Unparsed {
				r.Unparsed++
			}
			if sample.Parsed == score.Lower(score.Letter(p.Answer)) {
				sample.Score = 1
			}
		}
		all.add(sample.Score)
		if p.Image != nil {
			image.add(sample.Score)
		}
		r.Samples = append(r.Samples, sample)
	}
	r.Metrics = []Metric{image.ratio("exact_match, with image"), all.ratio("exact_match")}
	return r, nil
}
