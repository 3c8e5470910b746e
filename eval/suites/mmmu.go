package suites

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"

	"llavabench/eval/score"
)

// mmmuDomains are the subjects of MMMU by domain, in upstream's order.
var mmmuDomains = []struct {
	name     string
	subjects []string
}{
	{"Art and Design", []string{"Art", "Art_Theory", "Design", "Music"}},
	{"Business", []string{"Accounting", "Economics", "Finance", "Manage", "Marketing"}},
	{"Science", []string{"Biology", "Chemistry", "Geography", "Math", "Physics"}},
	{"Health and Medicine", []string{"Basic_Medical_Science", "Clinical_Medicine", "Diagnostics_and_Laboratory_Medicine", "Pharmacy", "Public_Health"}},
	{"Humanities and Social Science", []string{"History", "Literature", "Sociology", "Psychology"}},
	{"Tech and Engineering", []string{"Agriculture", "Architecture_and_Engineering", "Computer_Science", "Electronics", "Energy_and_Power", "Materials",
		"Mechanical_Engineering"}},
}

func mmmu() *Suite {
	return &Suite{
		Name:    "mmmu",
		Title:   "MMMU, validation",
		Licence: "Apache 2.0",
		Size:    "answers 0.1 MB, questions with images 0.4 GB",
		Metric:  "accuracy over 900 questions of 30 subjects",
		Items:   900,
		Files: []File{{Path: "answer_dict_val.json", Alternatives: []string{"output.json"}, Source: "https://github.com/MMMU-Benchmark/MMMU, folder mmmu",
			Note: "answers only: the questions are in the parquet files; or output.json, the layout of upstream's stored outputs, in which each answer repeats its question's options and truth"}},
		Open: openMMMU,
		Scorers: []Scorer{
			{Name: "official", Upstream: "MMMU-Benchmark/MMMU bb0b95a, mmmu/utils/eval_utils.py", Score: mmmuScorer{digits: 3,
				choice: score.MMMUChoice, open: mmmuOpenOfficial}.score},
			{Name: "lmms-eval", Upstream: "EvolvingLMMs-Lab/lmms-eval 75571cf, tasks/mmmu", Score: mmmuScorer{digits: 5, strip: true,
				choice: score.MMMUChoiceLmms, open: mmmuOpenLmms, note: "at this commit upstream scores every open question as wrong"}.score},
			{Name: "vlmevalkit", Upstream: "open-compass/VLMEvalKit e8e78f0, vlmeval/dataset/utils/multiple_choice.py, exact_matching", Score: mmmuScorer{digits: -1,
				choice: score.InferVLMEvalKit, open: mmmuOpenVLMEvalKit, note: "open questions are made a choice between the truth and \"Other Answers\", as upstream does"}.score},
		},
		Splits:     []string{"validation", "test"},
		Submission: &Submission{Name: "mmmu_results.json", Write: writeMMMU},
		Answers:    AnswerFormat{Texts: []string{"response"}},
	}
}

// An mmmuReference is the truth of a question. The options are not in the owners' file of answers; outputs repeat them.
type mmmuReference struct {
	open    bool
	answers []string // several are alternatives
	list    bool     // they were written as a list
	choices []score.Choice
}

// mmmuRecord is an entry of answer_dict_val.json or of output.json.
type mmmuRecord struct {
	ID          string            `json:"id"`
	Type        string            `json:"question_type"`
	GroundTruth json.RawMessage   `json:"ground_truth"`
	Answer      json.RawMessage   `json:"answer"`
	AllChoices  []string          `json:"all_choices"`
	Index2Ans   map[string]string `json:"index2ans"`
}

func (r *mmmuRecord) reference() (mmmuReference, error) {
	ref := mmmuReference{open: r.Type != "multiple-choice", choices: r.choices()}
	raw := r.GroundTruth
	if raw == nil {
		raw = r.Answer
	}
	if text, ok := scalar(raw); ok {
		ref.answers = []string{text}
		return ref, nil
	}
	if err := json.Unmarshal(raw, &ref.answers); err != nil {
		return ref, fmt.Errorf("expected the answer as a string or a list of strings, found %.80q", raw)
	}
	ref.list = true
	return ref, nil
}

func (r *mmmuRecord) choices() []score.Choice {
	var list []score.Choice
	for _, letter := range r.AllChoices {
		list = append(list, score.Choice{Letter: letter, Text: r.Index2Ans[letter]})
	}
	return list
}

func openMMMU(d *Dir) (*Data, error) {
	if d.Split == "test" {
		return nil, fmt.Errorf("%s: no parquet files of the split test", d.root)
	}
	name, err := d.First("answer_dict_val.json", "output.json")
	if err != nil {
		return nil, err
	}
	data := &Data{Labelled: true}
	add := func(r mmmuRecord) error {
		ref, err := r.reference()
		if err != nil {
			return fmt.Errorf("%s: question %q: %w", name, r.ID, err)
		}
		parts := strings.Split(r.ID, "_")
		if len(parts) < 3 {
			return fmt.Errorf("%s: id %q has no subject, expected such as validation_Art_1", name, r.ID)
		}
		data.Questions = append(data.Questions, Question{ID: r.ID, Group: r.ID, Category: strings.Join(parts[1:len(parts)-1], "_"), Reference: ref})
		return nil
	}
	if name == "output.json" {
		var list []mmmuRecord
		if err := d.JSON(name, &list); err != nil {
			return nil, err
		}
		for _, r := range list {
			if err := add(r); err != nil {
				return nil, err
			}
		}
	} else {
		raw, err := d.ReadFile(name)
		if err != nil {
			return nil, err
		}
		err = objectInOrder(raw, func(key string, value json.RawMessage) error {
			r := mmmuRecord{}
			if err := json.Unmarshal(value, &r); err != nil {
				return err
			}
			r.ID = key
			return add(r)
		})
		if err != nil {
			return nil, err
		}
	}
	data.Read = d.Read()
	return data, uniqueIDs(name, data.Questions)
}

// mmmuScorer scores MMMU with one harness's parsers. Where upstream draws a random letter, ours has none and counts the answer
// as wrong and as not parsed.
type mmmuScorer struct {
	choice func(text string, choices []score.Choice) string
	open   func(text string, ref mmmuReference) (parsed string, right bool)
	strip  bool
	digits int
	note   string
}

func (s mmmuScorer) score(d *Data, a *Answers) (*Result, error) {
	m := Match(d, a)
	r := m.Result()
	subjects := tallies{}
	var strict, choice, open tally
	for i := range d.Questions {
		ref, ok := d.Questions[i].Reference.(mmmuReference)
		if !ok {
			return nil, unlabelled(d, i)
		}
		sample := m.Sample(d, i)
		if answer := m.Answers[i]; answer != nil {
			right, err := s.sample(&sample, answer, ref)
			if err != nil {
				return nil, fmt.Errorf("%s: question %q: %w", a.File, answer.ID, err)
			}
			if right {
				sample.Score = 1
			}
			if sample.Unparsed {
				r.Unparsed++
			}
			subjects.add(sample.Category, sample.Score)
			if ref.open {
				open.add(sample.Score)
			} else {
				choice.add(sample.Score)
			}
		}
		strict.add(sample.Score)
		r.Samples = append(r.Samples, sample)
	}
	r.Metrics = append([]Metric{s.weighted("Overall", subjects, subjects.names())}, s.domains(subjects)...)
	r.Metrics = append(r.Metrics, choice.ratio("multiple-choice"), open.ratio("open"))
	if r.Missing > 0 {
		r.Metrics = append(r.Metrics, strict.ratio("Overall, missing as wrong"))
		r.Notes = append(r.Notes, fmt.Sprintf("upstream averages over answered questions; %d have no answer", r.Missing))
	}
	if r.Unparsed > 0 {
		r.Notes = append(r.Notes, fmt.Sprintf("%d answers name no option and count as wrong; the official scorers draw a random one", r.Unparsed))
	}
	if s.note != "" {
		r.Notes = append(r.Notes, s.note)
	}
	return r, nil
}

// sample parses one answer.
func (s mmmuScorer) sample(sample *Sample, answer *Answer, ref mmmuReference) (bool, error) {
	text := answer.Text
	if s.strip {
		text = score.Strip(text)
	}
	if ref.open {
		var right bool
		sample.Parsed, right = s.open(text, ref)
		return right, nil
	}
	choices := ref.choices
	if raw, ok := answer.Record.Fields["all_choices"]; ok {
		var r mmmuRecord
		if err := json.Unmarshal(raw, &r.AllChoices); err != nil {
			return false, fmt.Errorf("all_choices: %w", err)
		}
		if err := json.Unmarshal(answer.Record.Fields["index2ans"], &r.Index2Ans); err != nil {
			return false, fmt.Errorf("index2ans: %w", err)
		}
		choices = r.choices()
	}
	if len(choices) == 0 {
		// Without options the answers are letters that were parsed before, as main_eval_only.py takes them.
		sample.Parsed = text
	} else {
		sample.Parsed = s.choice(text, choices)
		sample.Unparsed = sample.Parsed == ""
	}
	return sample.Parsed != "" && slices.Contains(ref.answers, sample.Parsed), nil
}

// weighted is calculate_ins_level_acc: the accuracies of subjects weighted by their questions.
func (s mmmuScorer) weighted(name string, by tallies, subjects []string) Metric {
	sum, n := 0.0, 0
	for _, subject := range subjects {
		if t := by[subject]; t != nil {
			sum += float64(t.mean() * float64(t.n))
			n += t.n
		}
	}
	v := 0.0
	if n > 0 {
		v = sum / float64(n)
	}
	return s.metric(name, v, n)
}

func (s mmmuScorer) metric(name string, v float64, n int) Metric {
	if s.digits >= 0 {
		v = score.Round(v, s.digits)
	}
	return Metric{Name: name, Value: v, N: n, Unit: Ratio, Digits: s.digits}
}

func (s mmmuScorer) domains(by tallies) []Metric {
	var list []Metric
	for _, domain := range mmmuDomains {
		if !slices.ContainsFunc(domain.subjects, func(name string) bool { return by[name] != nil }) {
			continue
		}
		list = append(list, s.weighted("Overall-"+domain.name, by, domain.subjects))
		for _, name := range domain.subjects {
			if t := by[name]; t != nil {
				list = append(list, s.metric(name, t.mean(), t.n))
			}
		}
	}
	return list
}

// writeMMMU writes the object from id to answer that the server takes: of a multiple choice the letter that the official parser
// finds, else the text.
func writeMMMU(w io.Writer, d *Data, a *Answers) ([]string, error) {
	m := Match(d, a)
	b := bytes.NewBufferString("{")
	unparsed := 0
	for i, q := range d.Questions {
		if m.Answers[i] == nil {
			continue
		}
		text := m.Text(i)
		if len(q.Parts.Options) > 0 {
			var choices []score.Choice
			for j, option := range q.Parts.Options {
				choices = append(choices, score.Choice{Letter: score.Letter(j), Text: option})
			}
			if text = score.MMMUChoice(text, choices); text == "" {
				unparsed++
			}
		}
		comma := ","
		if b.Len() == 1 {
			comma = ""
		}
		fmt.Fprintf(b, "%s\n    %s: %s", comma, pyQuote(q.ID), pyQuote(text))
	}
	b.WriteString("\n}\n")
	notes := a.Notes()
	if m.missing > 0 {
		notes = append(notes, fmt.Sprintf("%d of %d questions have no answer and are left out", m.missing, len(d.Questions)))
	}
	if unparsed > 0 {
		notes = append(notes, fmt.Sprintf("%d answers name no option and are submitted as empty", unparsed))
	}
	_, err := b.WriteTo(w)
	return notes, err
}

func mmmuOpenOfficial(text string, ref mmmuReference) (string, bool) {
	parsed := score.MMMUOpen(text)
	return valuesText(parsed), score.MMMUOpenRight(ref.answers, parsed)
}

func valuesText(list []score.Value) string {
	texts := make([]string, len(list))
	for i, v := range list {
		texts[i] = v.Text
		if v.IsNumber {
			texts[i] = score.FormatFloat(v.Number)
		}
	}
	return strings.Join(texts, " | ")
}

// mmmuOpenLmms repeats what lmms-eval does with the one value that it keeps of a set in no fixed order; a verdict that hangs on
// which one is wrong here.
func mmmuOpenLmms(text string, ref mmmuReference) (string, bool) {
	parsed := score.MMMUOpen(text)
	right := len(parsed) > 0
	for _, v := range parsed {
		candidate := v.Text
		if v.IsNumber {
			candidate = score.FormatFloat(v.Number)
		}
		right = right && score.MMMUOpenLmms(ref.answers, candidate)
	}
	return valuesText(parsed), right
}

func mmmuOpenVLMEvalKit(text string, ref mmmuReference) (string, bool) {
	letter := score.InferVLMEvalKit(text, []score.Choice{{Letter: "A", Text: MMMUOption(ref.answers, ref.list)}, {Letter: "B", Text: "Other Answers"}})
	return letter, letter == "A"
}

// MMMUOption is the option A that VLMEvalKit makes of the truth of an open question: the text, or a list as Python prints it.
func MMMUOption(answers []string, list bool) string {
	if !list && len(answers) == 1 {
		return answers[0]
	}
	parts := make([]string, len(answers))
	for i, a := range answers {
		quote := "'"
		if strings.Contains(a, "'") && !strings.Contains(a, `"`) {
			quote = `"`
		}
		a = strings.NewReplacer(`\`, `\\`, "\n", `\n`, "\t", `\t`, "\r", `\r`).Replace(a)
		if quote == "'" {
			a = strings.ReplaceAll(a, "'", `\'`)
		}
		parts[i] = quote + a + quote
	}
	return "[" + strings.Join(parts, ", ") + "]"
}
