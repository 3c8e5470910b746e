package suites

import (
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"

	"llavabench/eval/score"
)

func mmbench() *Suite {
	return mmbenchSuite("mmbench", "MMBench, dev", []string{"mmbench_dev_20230712.tsv", "MMBench_DEV_EN.tsv", "MMBench_DEV_EN_V11.tsv"})
}

func mmbenchCN() *Suite {
	return mmbenchSuite("mmbench_cn", "MMBench-CN, dev", []string{"mmbench_dev_cn_20231003.tsv", "MMBench_DEV_CN.tsv", "MMBench_DEV_CN_V11.tsv"})
}

func mmbenchSuite(name, title string, files []string) *Suite {
	return &Suite{
		Name:    name,
		Title:   title,
		Licence: "Apache 2.0",
		Size:    "50 MB with images",
		Metric:  "circular accuracy: every rotation of a question answered with the right letter, percent",
		Items:   4377,
		Files: []File{{Path: files[0], Alternatives: files[1:], Source: "https://github.com/open-compass/MMBench",
			Note: "images are in the table; another name is taken if it is the only .tsv"}},
		Open: func(d *Dir) (*Data, error) { return openMMBench(d, files) },
		Scorers: []Scorer{
			{Name: "official", Upstream: "the MMBench server on letters: equality and the circular rule", Score: scoreMMBench},
			{Name: "vlmevalkit", Upstream: "open-compass/VLMEvalKit e8e78f0, vlmeval/dataset/utils/multiple_choice.py, exact_matching", Score: scoreMMBenchVLMEvalKit},
			{Name: "lmms-eval", Upstream: "EvolvingLMMs-Lab/lmms-eval 75571cf, tasks/mmbench, static", Score: scoreMMBenchLmms},
		},
		Submission: &Submission{Name: name + "_upload.xlsx", Write: writeMMBench},
		Answers: AnswerFormat{ID: func(r *Record) (string, bool) {
			return r.Text("index", "question_id")
		}},
	}
}

// circularStep is what the index of a rotation differs by from that of the question before it.
const circularStep = 1_000_000

// An MCQReference is a multiple-choice question of a table.
type MCQReference struct {
	Answer  string
	Choices []score.Choice // without the empty cells
	Base    int            // index of the question whose rotation it is
	Index   int
	L2      string // the coarser category
	Split   string
	// Columns are the table's cells that a submission repeats.
	Columns map[string]string
}

// mmbenchColumns are what LLaVA's upload keeps, in the order of the table, around its own column prediction.
var mmbenchDropped = []string{"hint", "category", "source", "image", "comment", "l2-category"}

// mmbenchData is the order of the table's columns.
type mmbenchData struct {
	columns []string
}

// openMMBench reads the owners' table: tab-separated, quoted where needed, images in base64.
func openMMBench(d *Dir, names []string) (*Data, error) {
	name, err := d.First(names...)
	if err != nil {
		all, globErr := d.Glob("*.tsv")
		if globErr != nil || len(all) != 1 {
			return nil, err
		}
		name = all[0]
	}
	rows, err := readTSV(d, name)
	if err != nil {
		return nil, err
	}
	data := &Data{Labelled: true, Read: d.Read(), Extra: mmbenchData{columns: rows.columns}}
	for _, column := range []string{"index", "question", "A"} {
		if !slices.Contains(rows.columns, column) {
			return nil, fmt.Errorf("%s: the table has no column %q", name, column)
		}
	}
	pictures := rows.pictures(d)
	for i, row := range rows.list {
		index, err := row.rowIndex()
		if err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		ref := MCQReference{Answer: row.cells["answer"], Index: index, Base: index % circularStep, L2: row.cells["l2-category"], Split: row.cells["split"], Columns: row.cells}
		ref.Choices = choices(row.cells)
		switch {
		case ref.Answer == "":
			data.Labelled = false
		case !slices.ContainsFunc(ref.Choices, func(c score.Choice) bool { return c.Letter == ref.Answer }):
			return nil, fmt.Errorf("%s: line %d: the answer is %q, which is none of the %d options", name, row.line, ref.Answer, len(ref.Choices))
		}
		data.Questions = append(data.Questions, Question{ID: strconv.Itoa(index), Text: row.cells["question"], Group: strconv.Itoa(ref.Base),
			Images: pictures[i : i+1], Category: row.cells["category"], Reference: ref, Parts: Item{Hint: row.cells["hint"], Options: optionTexts(ref.Choices)}})
	}
	return data, uniqueIDs(name, data.Questions)
}

// choices are the options A, B, ... that the table fills in.
func choices(cells map[string]string) []score.Choice {
	var list []score.Choice
	for i := range 26 {
		letter := score.Letter(i)
		if text := cells[letter]; text != "" {
			list = append(list, score.Choice{Letter: letter, Text: text})
		}
	}
	return list
}

// optionTexts are the options as a prompt shows them: up to the first that is absent, as every harness does.
func optionTexts(list []score.Choice) []string {
	var texts []string
	for i, c := range list {
		if c.Letter != score.Letter(i) {
			break
		}
		texts = append(texts, c.Text)
	}
	return texts
}

// circular scores rotations together: each question has the verdict of its group. groups are in the order of their indices.
type circular struct {
	groups []circularGroup
	orphan int // rotations without their question
}

type circularGroup struct {
	rows []int // indices into Data.Questions, by index of the table
}

func circularGroups(d *Data) circular {
	byBase := map[int][]int{}
	for i, q := range d.Questions {
		ref := q.Reference.(MCQReference)
		byBase[ref.Base] = append(byBase[ref.Base], i)
	}
	var c circular
	index := func(i int) int { return d.Questions[i].Reference.(MCQReference).Index }
	for _, rows := range byBase {
		slices.SortFunc(rows, func(a, b int) int { return index(a) - index(b) })
		if index(rows[0]) >= circularStep {
			c.orphan += len(rows)
			continue
		}
		c.groups = append(c.groups, circularGroup{rows})
	}
	slices.SortFunc(c.groups, func(a, b circularGroup) int { return index(a.rows[0]) - index(b.rows[0]) })
	return c
}

// mcqScore answers every row with a letter, "" for none; a rotation group is right if all its rows are.
func mcqScore(d *Data, a *Answers, unit string, letter func(text string, ref MCQReference) string) (*Result, error) {
	m := Match(d, a)
	r := m.Result()
	var rowSum tally
	first := tally{}
	rowsBy := tallies{}
	for i := range d.Questions {
		ref, ok := d.Questions[i].Reference.(MCQReference)
		if !ok || ref.Answer == "" {
			return nil, unlabelled(d, i)
		}
		sample := m.Sample(d, i)
		if sample.Answered {
			sample.Parsed = letter(m.Text(i), ref)
			sample.Unparsed = sample.Parsed == ""
			if sample.Unparsed {
				r.Unparsed++
			}
			if sample.Parsed == ref.Answer {
				sample.Score = 1
			}
		}
		rowSum.add(sample.Score)
		if ref.Index < circularStep {
			first.add(sample.Score)
		}
		addCategories(rowsBy, d.Questions[i].Category, ref.L2, sample.Score)
		r.Samples = append(r.Samples, sample)
	}
	c := circularGroups(d)
	var all tally
	groupsBy := tallies{}
	for _, g := range c.groups {
		hit := 1.0
		for _, i := range g.rows {
			hit *= r.Samples[i].Score
		}
		all.add(hit)
		q := &d.Questions[g.rows[0]]
		addCategories(groupsBy, q.Category, q.Reference.(MCQReference).L2, hit)
	}
	metric := func(name string, t tally) Metric {
		if unit == Percent {
			return Metric{Name: name, Value: 100 * t.mean(), N: t.n, Unit: Percent, Digits: 2}
		}
		return t.ratio(name)
	}
	r.Metrics = []Metric{metric("circular", all), metric("vanilla (first rotation)", first), metric("vanilla (all rows)", rowSum)}
	for _, name := range groupsBy.names() {
		r.Metrics = append(r.Metrics, metric("circular "+name, *groupsBy[name]))
	}
	for _, name := range rowsBy.names() {
		r.Metrics = append(r.Metrics, metric("vanilla (all rows) "+name, *rowsBy[name]))
	}
	if c.orphan > 0 {
		r.Notes = append(r.Notes, fmt.Sprintf("%d rotations belong to questions that the table does not have and count in no circular score", c.orphan))
	}
	return r, nil
}

// addCategories counts a score for its category and its coarser one.
func addCategories(t tallies, category, l2 string, v float64) {
	if category != "" {
		t.add("category "+category, v)
	}
	if l2 != "" {
		t.add("l2-category "+l2, v)
	}
}

func scoreMMBench(d *Data, a *Answers) (*Result, error) {
	return mcqScore(d, a, Percent, func(text string, ref MCQReference) string {
		if slices.ContainsFunc(ref.Choices, func(c score.Choice) bool { return c.Letter == text }) || text == ref.Answer {
			return text
		}
		return ""
	})
}

func scoreMMBenchVLMEvalKit(d *Data, a *Answers) (*Result, error) {
	return mcqScore(d, a, Ratio, func(text string, ref MCQReference) string {
		return score.InferVLMEvalKit(text, ref.HarnessChoices())
	})
}

func scoreMMBenchLmms(d *Data, a *Answers) (*Result, error) {
	return mcqScore(d, a, Ratio, func(text string, ref MCQReference) string {
		text = score.Strip(text)
		list := ref.HarnessChoices()
		if letter := score.MMBenchLmms(text, list); letter != "" {
			return letter
		}
		letters := make([]string, len(list))
		for i, c := range list {
			letters[i] = c.Letter
		}
		return score.ExtractLetter(text, letters)
	})
}

// pandasMissing are the texts that pandas 1.5 reads as a missing cell; harnesses lose options that are spelled so.
var pandasMissing = []string{"#N/A", "#N/A N/A", "#NA", "-1.#IND", "-1.#QNAN", "-NaN", "-nan", "1.#IND", "1.#QNAN", "<NA>", "N/A", "NA", "NULL",
	"NaN", "n/a", "nan", "null"}

// HarnessChoices are the options that a harness sees, which reads its tables with pandas.
func (r MCQReference) HarnessChoices() []score.Choice {
	var out []score.Choice
	for _, c := range r.Choices {
		if !slices.Contains(pandasMissing, c.Text) {
			out = append(out, c)
		}
	}
	return out
}

// writeMMBench writes the upload as LLaVA's convert_mmbench_for_submission.py does: the table in its own order without the columns
// that the server knows, with the answers, as they are, in the seventh column.
func writeMMBench(w io.Writer, d *Data, a *Answers) ([]string, error) {
	m := Match(d, a)
	extra, ok := d.Extra.(mmbenchData)
	if !ok {
		return nil, errors.New("the data are no table of MMBench")
	}
	var columns []string
	for _, c := range extra.columns {
		if !slices.Contains(mmbenchDropped, c) {
			columns = append(columns, c)
		}
	}
	const at = 6
	if len(columns) < at {
		return nil, fmt.Errorf("the table has %d columns to submit, expected at least %d", len(columns), at)
	}
	columns = slices.Insert(columns, at, "prediction")
	rows := [][]xlsxCell{make([]xlsxCell, len(columns))}
	for i, c := range columns {
		rows[0][i] = xlsxCell{text: c}
	}
	for i := range d.Questions {
		ref, _ := d.Questions[i].Reference.(MCQReference)
		row := make([]xlsxCell, len(columns))
		for j, c := range columns {
			switch c {
			case "index":
				row[j] = xlsxCell{text: ref.Columns[c], number: true}
			case "prediction":
				row[j] = xlsxCell{text: m.Text(i)}
			default:
				if !slices.Contains(pandasMissing, ref.Columns[c]) {
					row[j] = xlsxCell{text: ref.Columns[c]}
				}
			}
		}
		rows = append(rows, row)
	}
	notes := a.Notes()
	if m.missing > 0 {
		notes = append(notes, fmt.Sprintf("%d rows have no answer and an empty prediction", m.missing))
	}
	return notes, writeXLSX(w, rows)
}
