package suites

import (
	"encoding/json"
	"fmt"
	"io"
	"strings"

	"llavabench/eval/score"
)

func gqa() *Suite {
	return &Suite{
		Name:    "gqa",
		Title:   "GQA, test-dev balanced",
		Licence: "CC BY 4.0",
		Size:    "questions 1.4 GB (all splits), images 20.3 GB",
		Metric:  "exact match, percent",
		Items:   12578,
		Files: []File{
			{Path: "testdev_balanced_questions.json", Alternatives: []string{"data/questions1.2/testdev_balanced_questions.json", "questions1.2/testdev_balanced_questions.json",
				"data/testdev_balanced_questions.json"}, Source: "https://cs.stanford.edu/people/dorarad/gqa/download.html"},
			{Path: "images/", Alternatives: []string{"data/images/"}, Source: "https://cs.stanford.edu/people/dorarad/gqa/download.html", Note: "not needed for scoring", Optional: true},
		},
		Open: openGQA,
		Scorers: []Scorer{
			{Name: "official", Upstream: "GQA eval.py with guards for files that were never released; answers by LLaVA's scripts/convert_gqa_for_eval.py", Score: scoreGQA},
			{Name: "lmms-eval", Upstream: "EvolvingLMMs-Lab/lmms-eval 75571cf, tasks/gqa", Score: exactMatch{score.LettersOnlyLower, Ratio, score.Mean, 1}.score},
			{Name: "vlmevalkit", Upstream: "open-compass/VLMEvalKit e8e78f0, vlmeval/dataset/utils/vqa_eval.py", Score: exactMatch{func(s string) string {
				return score.Lower(score.Strip(s))
			}, Percent, score.NumpyMean, 100}.score},
		},
		Submission: &Submission{Name: "testdev_balanced_predictions.json", Write: writeGQA},
	}
}

// A GQAReference is what the evaluation needs of a question.
type GQAReference struct {
	Answer               string
	Balanced             bool
	Structural, Semantic string
	Steps, Words         int
	Group                string // the global group of answers
	Grouped              bool   // false: the question is in no group
}

type gqaQuestion struct {
	Question string `json:"question"`
	ImageID  string `json:"imageId"`
	Answer   string `json:"answer"`
	Balanced bool   `json:"isBalanced"`
	Groups   struct {
		Global *string `json:"global"`
	} `json:"groups"`
	Types struct {
		Structural string `json:"structural"`
		Semantic   string `json:"semantic"`
	} `json:"types"`
	Semantic []struct {
		Operation string          `json:"operation"`
		Argument  json.RawMessage `json:"argument"`
	} `json:"semantic"`
}

func openGQA(d *Dir) (*Data, error) {
	name, err := d.First("testdev_balanced_questions.json", "data/questions1.2/testdev_balanced_questions.json", "questions1.2/testdev_balanced_questions.json",
		"data/testdev_balanced_questions.json")
	if err != nil {
		return nil, err
	}
	raw, err := d.ReadFile(name)
	if err != nil {
		return nil, err
	}
	images := "images"
	if d.Exists("data/images") {
		images = "data/images"
	}
	data := &Data{Labelled: true, Read: d.Read()}
	err = objectInOrder(raw, func(id string, value json.RawMessage) error {
		var q gqaQuestion
		if err := json.Unmarshal(value, &q); err != nil {
			return fmt.Errorf("question %q: %w", id, err)
		}
		ref := GQAReference{Answer: q.Answer, Balanced: q.Balanced, Structural: q.Types.Structural, Semantic: q.Types.Semantic,
			Words: len(score.Fields(q.Question)), Steps: gqaSteps(&q)}
		if q.Groups.Global != nil {
			ref.Group, ref.Grouped = *q.Groups.Global, true
		}
		data.Questions = append(data.Questions, Question{ID: id, Text: q.Question, Group: q.ImageID, Category: ref.Structural,
			Images: []string{images + "/" + q.ImageID + ".jpg"}, Reference: ref})
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	return data, uniqueIDs(name, data.Questions)
}

// gqaSteps counts the steps of reasoning (getStepsNum): all but those that only read off the result.
func gqaSteps(q *gqaQuestion) int {
	n := 0
	for _, s := range q.Semantic {
		argument, ok := scalar(s.Argument)
		if !ok {
			argument = string(s.Argument)
		}
		if gqaStep(s.Operation, argument) {
			n++
		}
	}
	return n
}

func gqaStep(operation, argument string) bool {
	step := operation + ": " + argument
	return !strings.Contains(step, "exist") && !strings.Contains(step, "query: name") && !strings.Contains(step, "choose name")
}

// gqaPrediction is the text as compared: predictions in the official layout as they are, other answers as LLaVA's converter
// leaves them.
func gqaPrediction(a *Answer) string {
	if _, ok := a.Record.Fields["prediction"]; ok && a.Record.Format == Array {
		return a.Text
	}
	return score.Lower(strings.TrimRight(a.Text, "."))
}

// scoreGQA is eval.py: strict equality over the balanced questions.
func scoreGQA(d *Data, a *Answers) (*Result, error) {
	m := Match(d, a)
	r := m.Result()
	var all, binary, open tally
	structural, semantic, steps, words := tallies{}, tallies{}, tallies{}, tallies{}
	var dist gqaDistribution
	for i := range d.Questions {
		ref, ok := d.Questions[i].Reference.(GQAReference)
		if !ok {
			return nil, unlabelled(d, i)
		}
		sample := m.Sample(d, i)
		if sample.Answered {
			sample.Parsed = gqaPrediction(m.Answers[i])
			if sample.Parsed == ref.Answer {
				sample.Score = 1
			}
		}
		r.Samples = append(r.Samples, sample)
		if !ref.Balanced {
			continue
		}
		all.add(sample.Score)
		structural.add(ref.Structural, sample.Score)
		semantic.add(ref.Semantic, sample.Score)
		steps.add(fmt.Sprintf("%3d", ref.Steps), sample.Score)
		words.add(fmt.Sprintf("%3d", ref.Words), sample.Score)
		if ref.Structural == "query" {
			open.add(sample.Score)
		} else {
			binary.add(sample.Score)
		}
		if ref.Grouped {
			dist.add(ref.Group, ref.Answer, sample.Parsed, sample.Answered)
		}
	}
	named := func(name string, t tally) Metric {
		return Metric{Name: name, Value: t.mean() * 100, N: t.n, Unit: Percent, Digits: 2}
	}
	r.Metrics = append(r.Metrics, named("Accuracy", all), named("Binary", binary), named("Open", open),
		// Both need a file of plausible answers, which testdev never had; the official script prints zero.
		Metric{Name: "Validity", Unit: Percent, Digits: 2}, Metric{Name: "Plausibility", Unit: Percent, Digits: 2},
		Metric{Name: "Distribution", Value: dist.chiSquare() / 100, N: dist.n, Unit: Points, Digits: 2})
	for _, group := range []struct {
		prefix string
		t      tallies
	}{{"structural type: ", structural}, {"semantic type: ", semantic}, {"steps number: ", steps}, {"words number: ", words}} {
		for _, name := range group.t.names() {
			r.Metrics = append(r.Metrics, named(group.prefix+strings.TrimLeft(name, " "), *group.t[name]))
		}
	}
	if n := len(d.Questions) - all.n; n > 0 {
		r.Notes = append(r.Notes, fmt.Sprintf("%d questions are outside the balanced set and are not in the figures", n))
	}
	if r.Missing > 0 {
		r.Notes = append(r.Notes, "upstream refuses incomplete predictions; questions without an answer count as wrong")
	}
	return r, nil
}

// A gqaDistribution compares how often answers are given and how often they are right, group by group.
type gqaDistribution struct {
	order []*gqaHistogram // by first appearance, which is the order of upstream's sums
	index map[string]*gqaHistogram
	n     int
}

type gqaHistogram struct {
	answers         []string
	gold, predicted map[string]int
}

func (g *gqaDistribution) add(group, gold, predicted string, answered bool) {
	if g.index == nil {
		g.index = map[string]*gqaHistogram{}
	}
	h := g.index[group]
	if h == nil {
		h = &gqaHistogram{gold: map[string]int{}, predicted: map[string]int{}}
		g.index[group] = h
		g.order = append(g.order, h)
	}
	if h.gold[gold] == 0 {
		h.answers = append(h.answers, gold)
	}
	h.gold[gold]++
	if answered {
		h.predicted[predicted]++
	}
	g.n++
}

// chiSquare is the mean over the groups, weighted by their sizes; 0 without groups, where upstream divides by zero.
func (g *gqaDistribution) chiSquare() float64 {
	sum, total := 0.0, 0
	for _, h := range g.order {
		chi, size := 0.0, 0
		for _, answer := range h.answers {
			e, o := float64(h.gold[answer]), float64(h.predicted[answer])
			chi += (o - e) * (o - e) / e
			size += h.gold[answer]
		}
		sum += float64(chi * float64(size))
		total += size
	}
	if total == 0 {
		return 0
	}
	return sum / float64(total)
}

// GQAReport is what eval.py prints for a result of the official scorer.
func GQAReport(r *Result) string {
	var b strings.Builder
	line := func(name string) {
		m, _ := r.Metric(name)
		suffix := "%"
		if name == "Distribution" {
			suffix = " (lower is better)"
		}
		fmt.Fprintf(&b, "%s: %.2f%s\n", name, m.Value, suffix)
	}
	b.WriteString("\n")
	for _, name := range []string{"Binary", "Open", "Accuracy", "Validity", "Plausibility", "Distribution"} {
		line(name)
	}
	for _, prefix := range []string{"structural type", "semantic type", "steps number", "words number"} {
		fmt.Fprintf(&b, "\nAccuracy / %s:\n", prefix)
		for _, m := range r.Metrics {
			if name, ok := strings.CutPrefix(m.Name, prefix+": "); ok {
				fmt.Fprintf(&b, "  %s: %.2f%% (%d questions)\n", name, m.Value, m.N)
			}
		}
	}
	return b.String()
}

// writeGQA is scripts/convert_gqa_for_eval.py of LLaVA, in the order of the answers.
func writeGQA(w io.Writer, _ *Data, a *Answers) ([]string, error) {
	rows := make([]pyRow, len(a.List))
	for i := range a.List {
		rows[i] = pyRow{"questionId", pyQuote(a.List[i].ID), "prediction", pyQuote(gqaPrediction(&a.List[i]))}
	}
	return a.Notes(), writePyArray(w, rows)
}
