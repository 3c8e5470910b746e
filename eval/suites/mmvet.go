package suites

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"

	"llavabench/eval/score"
)

func mmvet() *Suite {
	return &Suite{
		Name:    "mmvet",
		Title:   "MM-Vet, grades of a judge",
		Licence: "Apache 2.0",
		Size:    "70 MB",
		Metric:  "mean grade over the judge's runs, percent",
		Items:   218,
		Judged:  true,
		Files: []File{
			{Path: "mm-vet.json", Source: "https://github.com/yuweihao/MM-Vet/releases/download/v1/mm-vet.zip"},
			{Path: "bard_set.json", Source: "https://github.com/yuweihao/MM-Vet", Note: "the subset without people's faces", Optional: true},
			{Path: "images/", Source: "https://github.com/yuweihao/MM-Vet/releases/download/v1/mm-vet.zip", Note: "not needed for scoring", Optional: true},
		},
		Open: openMMVet,
		Scorers: []Scorer{
			{Name: "official", Upstream: "yuweihao/MM-Vet acde843, mm-vet_evaluator.py, on a stored grade file", Score: scoreMMVet},
			{Name: "bardset", Upstream: "the same with --use_sub_set", Score: scoreMMVetSubset},
			{Name: "lmms-eval", Upstream: "EvolvingLMMs-Lab/lmms-eval 75571cf, tasks/mmvet, on the grades of the first run", Score: scoreMMVetLmms},
			{Name: "vlmevalkit", Upstream: "open-compass/VLMEvalKit e8e78f0, vlmeval/dataset/utils/mmvet.py, on the grades of the first run", Score: scoreMMVetVLMEvalKit},
		},
		Submission: &Submission{Name: "mmvet_results.json", Write: writeMMVet},
		Answers:    AnswerFormat{ID: mmvetID, Text: mmvetText, Write: func(q *Question) string { return strings.TrimPrefix(q.ID, "v1_") }},
	}
}

// mmvetID is the id as MM-Vet has it; LLaVA's files have only its number.
func mmvetID(r *Record) (string, bool) {
	if r.Format == Object {
		return r.Key, true
	}
	id, ok := r.Text("question_id")
	if ok && !strings.HasPrefix(id, "v1_") {
		id = "v1_" + id
	}
	return id, ok
}

// mmvetText is the judge's first content in a record of grades.
func mmvetText(r *Record) (string, bool) {
	var content []string
	if json.Unmarshal(r.Fields["content"], &content) != nil || len(content) == 0 {
		return "", false
	}
	return content[0], true
}

// mmvetCapabilities are what a question asks for; its answer is the judge's business.
type mmvetCapabilities []string

// mmvetSubset is the ids of bard_set.json; nil where there is no such file.
type mmvetSubset map[string]bool

func openMMVet(d *Dir) (*Data, error) {
	raw, err := d.ReadFile("mm-vet.json")
	if err != nil {
		return nil, err
	}
	data := &Data{}
	err = objectInOrder(raw, func(key string, value json.RawMessage) error {
		var q struct {
			Image      string   `json:"imagename"`
			Question   string   `json:"question"`
			Capability []string `json:"capability"`
		}
		if err := json.Unmarshal(value, &q); err != nil {
			return err
		}
		it := score.MMVetItem{Capabilities: q.Capability}
		data.Questions = append(data.Questions, Question{ID: key, Text: q.Question, Group: q.Image, Images: []string{"images/" + q.Image},
			Category: it.Combination(), Reference: mmvetCapabilities(q.Capability)})
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("mm-vet.json: %w", err)
	}
	if d.Exists("bard_set.json") {
		var ids []string
		if err := d.JSON("bard_set.json", &ids); err != nil {
			return nil, err
		}
		subset := mmvetSubset{}
		for _, id := range ids {
			subset[id] = true
		}
		data.Extra = subset
	}
	data.Read = d.Read()
	return data, uniqueIDs("mm-vet.json", data.Questions)
}

// mmvetGrades are the grades of an answer's record.
func mmvetGrades(a *Answer) ([]float64, error) {
	var grades []float64
	raw, ok := a.Record.Fields["score"]
	if !ok {
		return nil, errors.New("the file has answers, not a judge's grades: MM-Vet is scored on a grade file {id: {model, content, score}}")
	}
	if err := json.Unmarshal(raw, &grades); err != nil {
		return nil, fmt.Errorf("question %q: score: expected a list of grades, found %.60q", a.ID, raw)
	}
	for _, g := range grades {
		if !(g >= 0 && g <= 1) {
			return nil, fmt.Errorf("question %q: grade %v, expected 0 to 1", a.ID, g)
		}
	}
	return grades, nil
}

// mmvetItems are the graded questions in the order of the grades, then those without, whose grades are 0; and the number of runs
// that all have.
func mmvetItems(d *Data, a *Answers, in func(id string) bool) ([]score.MMVetItem, int, *Result, error) {
	kept := &Data{}
	index := map[string]int{}
	for _, q := range d.Questions {
		if in == nil || in(q.ID) {
			index[q.ID] = len(kept.Questions)
			kept.Questions = append(kept.Questions, q)
		}
	}
	m := Match(kept, a)
	r := m.Result()
	if in != nil {
		r.Unknown = 0 // the rest of the set is not unknown
	}
	runs, fewer := -1, false
	var items []score.MMVetItem
	for i := range a.List {
		answer := &a.List[i]
		q, ok := index[answer.ID]
		if !ok || m.Answers[q] != answer {
			continue
		}
		grades, err := mmvetGrades(answer)
		if err != nil {
			return nil, 0, nil, fmt.Errorf("%s: %w", a.File, err)
		}
		fewer = fewer || runs >= 0 && len(grades) != runs
		if runs < 0 || len(grades) < runs {
			runs = len(grades)
		}
		items = append(items, score.MMVetItem{Capabilities: kept.Questions[q].Reference.(mmvetCapabilities), Grades: grades})
		sample := m.Sample(kept, q)
		sample.Parsed = answer.Text
		r.Samples = append(r.Samples, sample)
	}
	if runs <= 0 {
		return nil, 0, nil, fmt.Errorf("%s: no grades for the questions of mm-vet.json", a.File)
	}
	if fewer {
		r.Notes = append(r.Notes, fmt.Sprintf("not all questions have the same number of grades; the first %d count", runs))
	}
	for i, it := range items {
		r.Samples[i].Score = score.Mean(it.Grades[:runs])
	}
	for q, answer := range m.Answers {
		if answer == nil {
			items = append(items, score.MMVetItem{Capabilities: kept.Questions[q].Reference.(mmvetCapabilities), Grades: make([]float64, runs)})
			r.Samples = append(r.Samples, m.Sample(kept, q))
		}
	}
	if r.Missing > 0 {
		r.Notes = append(r.Notes, fmt.Sprintf("%d questions have no grade and count as 0", r.Missing))
	}
	return items, runs, r, nil
}

func scoreMMVet(d *Data, a *Answers) (*Result, error) { return mmvetScore(d, a, nil) }

func scoreMMVetSubset(d *Data, a *Answers) (*Result, error) {
	subset, ok := d.Extra.(mmvetSubset)
	if !ok {
		return nil, errors.New("the subset needs bard_set.json in the data directory")
	}
	return mmvetScore(d, a, func(id string) bool { return subset[id] })
}

func mmvetScore(d *Data, a *Answers, in func(string) bool) (*Result, error) {
	items, runs, r, err := mmvetItems(d, a, in)
	if err != nil {
		return nil, err
	}
	s := score.SummariseMMVet(items, runs)
	percent := func(name string, v float64, n int) {
		r.Metrics = append(r.Metrics, Metric{Name: name, Value: v, N: n, Unit: Percent, Digits: 1})
	}
	percent("total", s.Total.Score, s.Total.N)
	percent("std", s.Std, runs)
	for i, v := range s.Total.Runs {
		percent(fmt.Sprintf("run %d", i+1), score.NumpyRound(v, 1), s.Total.N)
		r.Metrics = append(r.Metrics, Metric{Name: fmt.Sprintf("run %d unrounded", i+1), Value: v, N: s.Total.N, Unit: Percent, Digits: -1})
	}
	for _, c := range s.Capabilities {
		percent(c.Name, c.Score, c.N)
	}
	for _, c := range s.Combinations {
		percent("only "+c.Name, c.Score, c.N)
	}
	return r, nil
}

// MMVetRow is the row that mm-vet_evaluator.py writes for a model, of a result of the official scorer, in the order of the given columns:
// capabilities, total, std and runs. It fails for a column that the result does not have.
func MMVetRow(r *Result, model string, columns []string) (string, error) {
	row := []string{model}
	for _, name := range columns {
		if name == "runs" {
			row = append(row, mmvetRuns(r))
			continue
		}
		m, ok := r.Metric(name)
		if !ok {
			return "", fmt.Errorf("no score for the column %q", name)
		}
		row = append(row, score.FormatFloat(m.Value))
	}
	return strings.Join(row, ","), nil
}

// mmvetRuns is the list of the runs' scores as Python prints it, quoted for the table if it has a comma.
func mmvetRuns(r *Result) string {
	var runs []string
	for i := 1; ; i++ {
		m, ok := r.Metric(fmt.Sprintf("run %d", i))
		if !ok {
			break
		}
		runs = append(runs, score.FormatFloat(m.Value))
	}
	list := "[" + strings.Join(runs, ", ") + "]"
	if len(runs) > 1 {
		list = `"` + list + `"`
	}
	return list
}

// scoreMMVetLmms averages the first grades, by capability too.
func scoreMMVetLmms(d *Data, a *Answers) (*Result, error) {
	items, _, r, err := mmvetItems(d, a, nil)
	if err != nil {
		return nil, err
	}
	s := score.SummariseMMVet(items, 1)
	for _, c := range append([]score.MMVetScore{s.Total}, s.Capabilities...) {
		name := c.Name
		if name == "total" {
			name = "overall"
		}
		r.Metrics = append(r.Metrics, Metric{Name: name, Value: c.Runs[0], N: c.N, Unit: Percent, Digits: -1})
	}
	for i, it := range items {
		r.Samples[i].Score = it.Grades[0]
	}
	return r, nil
}

// scoreMMVetVLMEvalKit averages the first grades by capability. Upstream keeps the sums of capabilities and of combinations under
// the same names, so that a question of a single capability counts twice for it.
func scoreMMVetVLMEvalKit(d *Data, a *Answers) (*Result, error) {
	items, _, r, err := mmvetItems(d, a, nil)
	if err != nil {
		return nil, err
	}
	var all tally
	by := tallies{}
	for i, it := range items {
		grade := it.Grades[0]
		r.Samples[i].Score = grade
		names := strings.Split(it.Combination(), "_")
		for _, name := range names {
			by.add(name, grade)
		}
		if len(names) == 1 {
			by.add(names[0], grade)
		}
		all.add(grade)
	}
	metric := func(name string, t tally) {
		r.Metrics = append(r.Metrics, Metric{Name: name, Value: t.mean() * 100, N: t.n, Unit: Percent, Digits: -1})
	}
	metric("Overall", all)
	for _, name := range by.names() {
		metric(name, *by[name])
	}
	return r, nil
}

// writeMMVet writes the object from id to answer that the judge's scripts take, as LLaVA's convert_mmvet_for_eval.py does.
func writeMMVet(w io.Writer, _ *Data, a *Answers) ([]string, error) {
	last := map[string]int{}
	for i, answer := range a.List {
		last[answer.ID] = i
	}
	var rows []string
	done := map[string]bool{}
	for _, answer := range a.List { // Python's dict keeps the place of the first and the value of the last
		if !done[answer.ID] {
			done[answer.ID] = true
			rows = append(rows, "  "+pyQuote(answer.ID)+": "+pyQuote(a.List[last[answer.ID]].Text))
		}
	}
	text := "{}"
	if len(rows) > 0 {
		text = "{\n" + strings.Join(rows, ",\n") + "\n}"
	}
	_, err := io.WriteString(w, text)
	return a.Notes(), err
}
