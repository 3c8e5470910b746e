package suites

import (
	"fmt"
	"slices"
	"strings"

	"llavabench/eval/score"
)

func ai2d() *Suite {
	return &Suite{
		Name:    "ai2d",
		Title:   "AI2D, test",
		Licence: "CC BY-SA 4.0",
		Size:    "0.6 GB with images",
		Metric:  "accuracy of letters",
		Items:   3088,
		Files: []File{{Path: "AI2D_TEST.tsv", Alternatives: []string{"AI2D_TEST_NO_MASK.tsv"}, Source: "https://github.com/open-compass/VLMEvalKit",
			Note: "masked and unmasked diagrams are different benchmarks; the file says which"}},
		Open: func(d *Dir) (*Data, error) { return openMCQ(d, "AI2D_TEST.tsv", "AI2D_TEST_NO_MASK.tsv") },
		Scorers: []Scorer{
			{Name: "lmms-eval", Upstream: "EvolvingLMMs-Lab/lmms-eval 75571cf, tasks/ai2d", Score: mcqScorer(func(text string, ref MCQReference) (string, bool) {
				text = score.AI2DFilter(score.Strip(text))
				return text, score.LettersOnlyLower(text) == score.LettersOnlyLower(ref.Answer)
			})},
			{Name: "vlmevalkit", Upstream: "open-compass/VLMEvalKit e8e78f0, vlmeval/dataset/utils/multiple_choice.py, exact_matching", Score: mcqScorer(inferMCQ)},
		},
		Answers: AnswerFormat{ID: tableIndex},
	}
}

func realworldqa() *Suite {
	return &Suite{
		Name:    "realworldqa",
		Title:   "RealWorldQA",
		Licence: "CC BY-ND 4.0",
		Size:    "0.7 GB with images",
		Metric:  "exact match, of letters or words",
		Items:   765,
		Files:   []File{{Path: "RealWorldQA.tsv", Source: "https://github.com/open-compass/VLMEvalKit"}},
		Open:    func(d *Dir) (*Data, error) { return openMCQ(d, "RealWorldQA.tsv") },
		Scorers: []Scorer{
			{Name: "lmms-eval", Upstream: "EvolvingLMMs-Lab/lmms-eval 75571cf, tasks/realworldqa", Score: mcqScorer(func(text string, ref MCQReference) (string, bool) {
				right, parsed := score.RealWorldQA(text, ref.Answer)
				return parsed, right
			})},
			{Name: "vlmevalkit", Upstream: "open-compass/VLMEvalKit e8e78f0, vlmeval/dataset/utils/multiple_choice.py, exact_matching", Score: mcqScorer(inferMCQ)},
		},
		Answers: AnswerFormat{ID: tableIndex},
	}
}

func tableIndex(r *Record) (string, bool) { return r.Text("index", "question_id") }

// inferMCQ is VLMEvalKit's rule of a single question.
func inferMCQ(text string, ref MCQReference) (string, bool) {
	letter := score.InferVLMEvalKit(text, ref.HarnessChoices())
	return letter, letter != "" && letter == ref.Answer
}

// openMCQ reads a table of VLMEvalKit: index, question, options in columns of letters, answer, image in base64.
func openMCQ(d *Dir, names ...string) (*Data, error) {
	name, err := d.First(names...)
	if err != nil {
		return nil, err
	}
	t, err := readTSV(d, name)
	if err != nil {
		return nil, err
	}
	for _, column := range []string{"index", "question", "answer"} {
		if !slices.Contains(t.columns, column) {
			return nil, fmt.Errorf("%s: the table has no column %q", name, column)
		}
	}
	data := &Data{Labelled: true, Read: d.Read(), Notes: []string{"the questions are those of " + name}}
	pictures := t.pictures(d)
	for i, row := range t.list {
		answer := row.cells["answer"]
		if answer == "" {
			return nil, fmt.Errorf("%s: line %d: no answer", name, row.line)
		}
		group := row.cells["index"]
		if path := row.cells["image_path"]; path != "" {
			group = path
		}
		list := choices(row.cells)
		data.Questions = append(data.Questions, Question{ID: row.cells["index"], Text: row.cells["question"], Images: pictures[i : i+1], Group: group, Category: row.cells["category"],
			Reference: MCQReference{Answer: answer, Choices: list}, Parts: Item{Hint: row.cells["hint"], Options: optionTexts(list)}})
	}
	return data, uniqueIDs(name, data.Questions)
}

// mcqScorer scores single questions by a rule; the mean counts missing answers as wrong.
func mcqScorer(rule func(text string, ref MCQReference) (parsed string, right bool)) func(*Data, *Answers) (*Result, error) {
	return func(d *Data, a *Answers) (*Result, error) {
		m := Match(d, a)
		r := m.Result()
		var all tally
		by := tallies{}
		for i := range d.Questions {
			ref, ok := d.Questions[i].Reference.(MCQReference)
			if !ok {
				return nil, unlabelled(d, i)
			}
			sample := m.Sample(d, i)
			if sample.Answered {
				var right bool
				if sample.Parsed, right = rule(m.Text(i), ref); right {
					sample.Score = 1
				}
				sample.Unparsed = strings.TrimSpace(sample.Parsed) == ""
				if sample.Unparsed {
					r.Unparsed++
				}
			}
			all.add(sample.Score)
			if sample.Category != "" {
				by.add(sample.Category, sample.Score)
			}
			r.Samples = append(r.Samples, sample)
		}
		r.Metrics = append([]Metric{all.ratio("exact_match")}, by.ratios("")...)
		return r, nil
	}
}
