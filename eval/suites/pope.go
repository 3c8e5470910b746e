package suites

import (
	"encoding/json"
	"fmt"
	"strconv"
	"strings"

	"llavabench/eval/score"
)

// popeSplits are the categories of POPE, in the order of LLaVA's question file, with what it adds to the numbers of their questions.
var popeSplits = []struct {
	name string
	base int
}{{"adversarial", 0}, {"random", 10_000_000}, {"popular", 20_000_000}}

func pope() *Suite {
	return &Suite{
		Name:    "pope",
		Title:   "POPE on COCO",
		Licence: "MIT; images of COCO: CC BY 4.0",
		Size:    "questions 2 MB, images (COCO val2014) 6.6 GB",
		Metric:  "mean of three F1 scores, percent",
		Items:   8910,
		Files: []File{
			{Path: "coco/", Source: "https://github.com/AoiDragon/POPE, folder output/coco",
				Note: "coco_pope_random.json, coco_pope_popular.json and coco_pope_adversarial.json of commit e3e3926, whose random split has 2,910 lines"},
			{Path: "llava_pope_test.jsonl", Source: "eval.zip of LLaVA (docs/Evaluation.md)", Note: "LLaVA's numbering; made from the labels where it is absent", Optional: true},
			{Path: "val2014/", Source: "https://cocodataset.org/#download", Note: "images; not needed for scoring", Optional: true},
		},
		Open: openPOPE,
		Scorers: []Scorer{
			{Name: "official", Upstream: "haotian-liu/LLaVA c121f04, llava/eval/eval_pope.py (the rule of RUCAIBox/POPE)", Score: popeRows(scorePOPE)},
			{Name: "lmms-eval", Upstream: "EvolvingLMMs-Lab/lmms-eval 75571cf, tasks/pope", Score: popeRows(scorePOPELmms)},
			{Name: "vlmevalkit", Upstream: "open-compass/VLMEvalKit e8e78f0, vlmeval/dataset/utils/yorn.py, exact_matching", Score: popeRows(scorePOPEVLMEvalKit)},
		},
		Answers: AnswerFormat{ID: popeID},
	}
}

// popeID is LLaVA's number of a question; lmms-eval's logs have the number within the category.
func popeID(r *Record) (string, bool) {
	if r.Format != LMMSSamples {
		return "", false
	}
	id, ok := r.Text("question_id")
	category, _ := r.Text("category")
	n, err := strconv.Atoi(id)
	if !ok || err != nil {
		return id, ok
	}
	for _, s := range popeSplits {
		if s.name == category && n < 10_000_000 {
			n += s.base
		}
	}
	return strconv.Itoa(n), true
}

// popeLine is a line of the label files, which are JSON lines despite their names.
type popeLine struct {
	QuestionID ID     `json:"question_id"`
	Image      string `json:"image"`
	Text       string `json:"text"`
	Label      string `json:"label"`
}

func openPOPE(d *Dir) (*Data, error) {
	listed := map[string][]llavaQuestion{}
	const questionFile = "llava_pope_test.jsonl"
	if d.Exists(questionFile) {
		list, err := readLLaVAQuestions(d, questionFile)
		if err != nil {
			return nil, err
		}
		for _, q := range list {
			listed[string(q.Category)] = append(listed[string(q.Category)], q)
		}
	}
	data := &Data{Labelled: true}
	for _, split := range popeSplits {
		name := "coco/coco_pope_" + split.name + ".json"
		if !d.Exists(name) {
			data.Notes = append(data.Notes, name+" is absent")
			continue
		}
		var labels []popeLine
		err := d.JSONLines(name, func(_ int, raw []byte) error {
			var l popeLine
			err := json.Unmarshal(raw, &l)
			labels = append(labels, l)
			return err
		})
		if err != nil {
			return nil, err
		}
		questions := listed[split.name]
		if len(listed) > 0 && len(questions) != len(labels) {
			return nil, fmt.Errorf("%s: expected as many %s questions as %s has labels, %d, found %d: the label files are of another version (LLaVA uses e3e3926)",
				questionFile, split.name, name, len(labels), len(questions))
		}
		for i, l := range labels {
			q := Question{Category: split.name, Text: l.Text, Group: l.Image, Images: []string{"val2014/" + l.Image}, Reference: popeLabel(l.Label)}
			if len(questions) > 0 {
				if questions[i].Image != l.Image {
					return nil, fmt.Errorf("%s: %s question %d is about %q, but label %d of %s about %q", questionFile, split.name, i+1, questions[i].Image, i+1, name, l.Image)
				}
				q.ID, q.Asked = string(questions[i].QuestionID), questions[i].Text
			} else {
				q.ID = strconv.Itoa(split.base + i + 1)
			}
			data.Questions = append(data.Questions, q)
		}
	}
	if len(data.Questions) == 0 {
		_, err := d.First("coco/coco_pope_random.json")
		if err == nil {
			err = fmt.Errorf("%s: no questions in coco/coco_pope_*.json", d.Root())
		}
		return nil, err
	}
	data.Read = d.Read()
	return data, uniqueIDs(questionFile, data.Questions)
}

// popeLabel is how upstream reads a label: no, or yes for all else.
func popeLabel(label string) string {
	if label == score.No {
		return score.No
	}
	return score.Yes
}

// popeRows lets a scorer take the questions of a table of VLMEvalKit from the table itself, as upstream does: it numbers them in
// its own way, names no images, and has a question once for several categories.
func popeRows(scorer func(*Data, *Answers) (*Result, error)) func(*Data, *Answers) (*Result, error) {
	return func(d *Data, a *Answers) (*Result, error) {
		if a.Format != Table {
			return scorer(d, a)
		}
		questions, rows := &Data{Labelled: true}, &Answers{File: a.File, Format: LLaVALines}
		for i, answer := range a.List {
			categories, named := answer.Record.Text("category")
			label, labelled := answer.Record.Text("answer")
			if !named || !labelled {
				return nil, fmt.Errorf("%s: row %d: expected the columns category and answer", a.File, answer.Line)
			}
			text, _ := answer.Record.Text("question")
			for _, category := range strings.Split(categories, ",") {
				answer.ID = fmt.Sprintf("%s row %d", category, i+1)
				questions.Questions = append(questions.Questions, Question{ID: answer.ID, Text: text, Group: answer.ID, Category: category,
					Reference: popeLabel(score.Lower(label))})
				rows.List = append(rows.List, answer)
			}
		}
		r, err := scorer(questions, rows)
		if err == nil {
			r.Notes = append(r.Notes, "labels and categories are those of the table, whose rows count once for each category")
		}
		return r, err
	}
}

// popeScore runs a rule over all questions. Each category's confusion counts a missing answer as the wrong label.
func popeScore(d *Data, a *Answers, label func(string) string, understood func(string) bool) (*Result, map[string]*score.Confusion, error) {
	m := Match(d, a)
	r := m.Result()
	counts := map[string]*score.Confusion{}
	for i := range d.Questions {
		gold, ok := d.Questions[i].Reference.(string)
		if !ok {
			return nil, nil, unlabelled(d, i)
		}
		sample := m.Sample(d, i)
		predicted := otherLabel(gold)
		if sample.Answered {
			predicted = label(m.Text(i))
			sample.Parsed = predicted
			if !understood(predicted) {
				sample.Unparsed = true
				r.Unparsed++
			}
		}
		if predicted == gold {
			sample.Score = 1
		}
		if counts[sample.Category] == nil {
			counts[sample.Category] = &score.Confusion{}
		}
		counts[sample.Category].Add(predicted, gold)
		r.Samples = append(r.Samples, sample)
	}
	if r.Missing > 0 {
		r.Notes = append(r.Notes, fmt.Sprintf("%d missing answers count as the wrong label; upstream pairs answers with labels by position and goes astray", r.Missing))
	}
	return r, counts, nil
}

func otherLabel(label string) string {
	if label == score.Yes {
		return score.No
	}
	return score.Yes
}

func yesOrNo(label string) bool { return label == score.Yes || label == score.No }

func scorePOPE(d *Data, a *Answers) (*Result, error) {
	r, counts, err := popeScore(d, a, score.POPELabel, yesOrNo)
	if err != nil {
		return nil, err
	}
	var f1 []float64
	var metrics []Metric
	for _, split := range popeSplits {
		c := counts[split.name]
		if c == nil {
			continue
		}
		f1 = append(f1, c.F1())
		if c.TP+c.FP == 0 {
			r.Notes = append(r.Notes, fmt.Sprintf("%s: nothing is predicted yes, F1 is taken as 0 where upstream divides by zero", split.name))
		}
		for _, v := range []struct {
			name  string
			value float64
		}{{"F1", c.F1()}, {"accuracy", c.Accuracy()}, {"precision", c.Precision()}, {"recall", c.Recall()}, {"yes ratio", c.YesRatio()}} {
			metrics = append(metrics, Metric{Name: split.name + " " + v.name, Value: v.value, N: c.N(), Unit: Ratio, Digits: -1})
		}
		for _, v := range []struct {
			name string
			n    int
		}{{"TP", c.TP}, {"FP", c.FP}, {"TN", c.TN}, {"FN", c.FN}} {
			metrics = append(metrics, Metric{Name: split.name + " " + v.name, Value: float64(v.n), N: c.N(), Unit: Count})
		}
	}
	r.composites = append(r.composites, yesNoComposite(d, r, popeCategories(false), predictedOr(d, r), []confusionFigure{
		{"F1", 1, score.Confusion.F1}, {"precision", 1, score.Confusion.Precision},
		{"recall", 1, score.Confusion.Recall}, {"yes ratio", 1, score.Confusion.YesRatio},
	}, "mean F1"))
	r.Metrics = append([]Metric{{Name: "mean F1", Value: mean(f1) * 100, N: r.Questions, Unit: Percent, Digits: -1}}, metrics...)
	return r, nil
}

// popeCategories are the names of the categories, after "" for all of them if whole.
func popeCategories(whole bool) []string {
	var names []string
	if whole {
		names = append(names, "")
	}
	for _, split := range popeSplits {
		names = append(names, split.name)
	}
	return names
}

// POPEReport is what eval_pope.py prints for a category, of a result of the official scorer.
func POPEReport(r *Result, category string) string {
	value := func(name string) float64 {
		m, _ := r.Metric(category + " " + name)
		return m.Value
	}
	m, _ := r.Metric(category + " F1")
	f1, acc, precision, recall, ratio := value("F1"), value("accuracy"), value("precision"), value("recall"), value("yes ratio")
	return fmt.Sprintf("Category: %s, # samples: %d\nTP\tFP\tTN\tFN\t\n%.0f\t%.0f\t%.0f\t%.0f\n", category, m.N, value("TP"), value("FP"), value("TN"), value("FN")) +
		fmt.Sprintf("Accuracy: %s\nPrecision: %s\nRecall: %s\nF1 score: %s\nYes ratio: %s\n", score.FormatFloat(acc), score.FormatFloat(precision),
			score.FormatFloat(recall), score.FormatFloat(f1), score.FormatFloat(ratio)) +
		fmt.Sprintf("%.3f, %.3f, %.3f, %.3f, %.3f\n====================================\n", f1, acc, precision, recall, ratio)
}

func scorePOPELmms(d *Data, a *Answers) (*Result, error) {
	r, counts, err := popeScore(d, a, score.POPELmms, yesOrNo)
	if err != nil {
		return nil, err
	}
	all := score.Confusion{}
	yes := map[string]int{}
	for i := range d.Questions {
		if d.Questions[i].Reference == score.Yes {
			yes[d.Questions[i].Category]++
			yes[""]++
		}
	}
	add := func(prefix string, c score.Confusion, yes int) {
		for _, v := range []struct {
			name  string
			value float64
		}{
			{"accuracy", c.Accuracy()}, {"precision", c.Precision()}, {"recall", c.Recall()}, {"f1_score", c.F1()},
			{"yes_ratio", float64(yes) / float64(c.N())}, // upstream counts the labels
		} {
			r.Metrics = append(r.Metrics, Metric{Name: prefix + v.name, Value: v.value, N: c.N(), Unit: Ratio, Digits: -1})
		}
	}
	for _, split := range popeSplits {
		if c := counts[split.name]; c != nil {
			all = sumConfusion(all, *c)
		}
	}
	r.composites = append(r.composites, yesNoComposite(d, r, popeCategories(true), predictedOr(d, r), []confusionFigure{
		{"precision", 1, score.Confusion.Precision}, {"recall", 1, score.Confusion.Recall}, {"f1_score", 1, score.Confusion.F1},
	}, ""))
	add("", all, yes[""])
	for _, split := range popeSplits {
		if c := counts[split.name]; c != nil {
			add(split.name+" ", *c, yes[split.name])
		}
	}
	return r, nil
}

func sumConfusion(a, b score.Confusion) score.Confusion {
	return score.Confusion{TP: a.TP + b.TP, FP: a.FP + b.FP, TN: a.TN + b.TN, FN: a.FN + b.FN, Neither: a.Neither + b.Neither}
}

func scorePOPEVLMEvalKit(d *Data, a *Answers) (*Result, error) {
	r, _, err := popeScore(d, a, score.YesNoVLMEvalKit, yesOrNo)
	if err != nil {
		return nil, err
	}
	counts := map[string]*score.Confusion{}
	right := tallies{}
	for i, s := range r.Samples {
		predicted := s.Parsed
		if s.Unparsed { // precision and recall take what is not yes for no
			predicted = score.No
		} else if !s.Answered {
			predicted = otherLabel(d.Questions[i].Reference.(string))
		}
		for _, key := range []string{"", s.Category} {
			if counts[key] == nil {
				counts[key] = &score.Confusion{}
			}
			counts[key].Add(predicted, d.Questions[i].Reference.(string))
			right.add(key, s.Score)
		}
	}
	predicted := predictedOr(d, r)
	r.composites = append(r.composites, yesNoComposite(d, r, popeCategories(true), func(i int) string {
		if r.Samples[i].Unparsed {
			return score.No
		}
		return predicted(i)
	}, []confusionFigure{{"Overall", 100, score.Confusion.F1}, {"precision", 100, score.Confusion.Precision}, {"recall", 100, score.Confusion.Recall}}, ""))
	for _, key := range []string{"", "adversarial", "random", "popular"} {
		c := counts[key]
		if c == nil {
			continue
		}
		prefix := strings.TrimPrefix(key+" ", " ")
		for _, v := range []struct {
			name  string
			value float64
		}{{"Overall", c.F1()}, {"acc", right[key].mean()}, {"precision", c.Precision()}, {"recall", c.Recall()}} {
			r.Metrics = append(r.Metrics, Metric{Name: prefix + v.name, Value: v.value * 100, N: c.N(), Unit: Percent, Digits: -1})
		}
	}
	return r, nil
}
