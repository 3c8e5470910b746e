package suites

import (
	"encoding/json"
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"llavabench/eval/score"
)

// genericFile holds the questions of a test set of one's own.
const genericFile = "questions.jsonl"

// generic is a user's own test set: questions.jsonl, one object a line in LLaVA's question format, with the answers.
//
//	question_id  string or integer, unique
//	image        path from the data directory or from its folder images, or a list of such; may be absent
//	text         the question, as it is to be asked
//	answer       the right answer, or answers, a list of them; of a multiple choice the letter
//	choices      the options of a multiple choice, without letters
//	category     figures are given for each; may be absent
//
// Other keys are passed over.
func generic() *Suite {
	text := func(rule func(prediction string, answers []string) float64) func(*Data, *Answers) (*Result, error) {
		return genericRule(func(prediction string, ref GenericReference) (float64, string, bool) {
			return rule(prediction, ref.Answers), prediction, true
		})
	}
	return &Suite{
		Name:    "jsonl",
		Title:   "A test set of your own",
		Licence: "yours",
		Size:    "any",
		Metric:  "exact match, or the right letter; other rules by --scorer",
		Files: []File{
			{Path: genericFile, Source: "you", Note: "a line a question: question_id, image, text, answer or answers, choices, category"},
			{Path: "images/", Source: "you", Note: "not needed for scoring", Optional: true},
		},
		Open: openGeneric,
		Scorers: []Scorer{
			{Name: "exact", Upstream: "equal but for case, white space around it and a final period; the letter of a choice as VLMEvalKit finds it", Score: genericRule(genericExact)},
			{Name: "contains", Upstream: "an answer occurs in the text, but for case (OCRBench's rule)", Score: text(func(prediction string, answers []string) float64 {
				return oneIf(score.OCRContains(prediction, answers, false))
			})},
			{Name: "vqa", Upstream: "soft accuracy against several people's answers, normalised as m4c does", Score: text(func(prediction string, answers []string) float64 {
				normal := make([]string, len(answers))
				for i, a := range answers {
					normal[i] = score.NormaliseM4C(a)
				}
				return score.SoftAccuracy(score.NormaliseM4C(prediction), normal)
			})},
			{Name: "anls", Upstream: "average normalised Levenshtein similarity (DocVQA's rule in lmms-eval)", Score: text(func(prediction string, answers []string) float64 {
				return score.ANLS(score.Strip(prediction), answers)
			})},
			{Name: "relaxed", Upstream: "numbers within 5 % (ChartQA's rule in lmms-eval)", Score: text(func(prediction string, answers []string) float64 {
				for _, a := range answers {
					if score.RelaxedCorrect(score.Strip(prediction), a) {
						return 1
					}
				}
				return 0
			})},
		},
	}
}

func oneIf(b bool) float64 {
	if b {
		return 1
	}
	return 0
}

// A GenericReference is what a test set of one's own says about a question.
type GenericReference struct {
	Answers []string
	Choices []score.Choice
}

// maxChoices is how many options have a letter.
const maxChoices = 26

func openGeneric(d *Dir) (*Data, error) {
	data := &Data{Labelled: true}
	err := d.JSONLines(genericFile, func(_ int, raw []byte) error {
		var q struct {
			QuestionID ID       `json:"question_id"`
			Image      oneMany  `json:"image"`
			Text       *string  `json:"text"`
			Answer     oneMany  `json:"answer"`
			Answers    oneMany  `json:"answers"`
			Choices    []string `json:"choices"`
			Category   string   `json:"category"`
		}
		if err := json.Unmarshal(raw, &q); err != nil {
			return err
		}
		ref := GenericReference{Answers: append(q.Answer, q.Answers...)}
		switch {
		case q.QuestionID == "":
			return fmt.Errorf("the question has no question_id")
		case q.Text == nil:
			return fmt.Errorf("question %q has no text", q.QuestionID)
		case len(ref.Answers) == 0:
			return fmt.Errorf("question %q has neither answer nor answers", q.QuestionID)
		case len(q.Choices) == 1 || len(q.Choices) > maxChoices:
			return fmt.Errorf("question %q has %d choices, expected 2 to %d", q.QuestionID, len(q.Choices), maxChoices)
		}
		if text, twice := repeated(q.Choices); twice {
			return fmt.Errorf("question %q has two choices %q", q.QuestionID, text)
		}
		for i, text := range q.Choices {
			ref.Choices = append(ref.Choices, score.Choice{Letter: string(rune('A' + i)), Text: text})
		}
		if len(ref.Choices) > 0 && !slices.ContainsFunc(ref.Choices, func(c score.Choice) bool { return len(ref.Answers) == 1 && c.Letter == ref.Answers[0] }) {
			return fmt.Errorf("question %q has %d choices, but its answer is %q, expected one of their letters", q.QuestionID, len(q.Choices), ref.Answers)
		}
		question := Question{ID: string(q.QuestionID), Text: *q.Text, Category: q.Category, Reference: ref, Parts: Item{Options: q.Choices}}
		for _, image := range q.Image {
			if !filepath.IsLocal(filepath.FromSlash(image)) || strings.ContainsAny(image, "\\\x00") {
				return fmt.Errorf("question %q: image %q leads out of the data directory", q.QuestionID, image)
			}
			if inside := "images/" + image; !d.Exists(image) && d.Exists(inside) {
				image = inside
			}
			question.Images = append(question.Images, image)
		}
		question.Group = strings.Join(question.Images, " ")
		data.Questions = append(data.Questions, question)
		return nil
	})
	if err != nil {
		return nil, err
	}
	data.Read = d.Read()
	return data, uniqueIDs(genericFile, data.Questions)
}

// oneMany is a JSON string or number, or a list of them.
type oneMany []string

// UnmarshalJSON reads either; null is none.
func (m *oneMany) UnmarshalJSON(raw []byte) error {
	if text, ok := scalar(raw); ok {
		*m = oneMany{text}
		return nil
	}
	var list []json.RawMessage
	if err := json.Unmarshal(raw, &list); err != nil {
		return fmt.Errorf("expected a string or a list of strings, found %.40q", raw)
	}
	for _, item := range list {
		text, ok := scalar(item)
		if !ok {
			return fmt.Errorf("expected a list of strings, found %.40q in it", item)
		}
		*m = append(*m, text)
	}
	return nil
}

// genericExact is 1 for the right letter of a choice, or for an answer in other case.
func genericExact(prediction string, ref GenericReference) (value float64, parsed string, ok bool) {
	if len(ref.Choices) > 0 {
		letter := score.InferVLMEvalKit(prediction, ref.Choices)
		return oneIf(letter != "" && letter == ref.Answers[0]), letter, letter != ""
	}
	parsed = plainAnswer(prediction)
	for _, a := range ref.Answers {
		if plainAnswer(a) == parsed {
			return 1, parsed, true
		}
	}
	return 0, parsed, true
}

// plainAnswer is an answer in lower case without white space around it and a final period.
func plainAnswer(s string) string {
	return strings.ToLower(strings.TrimSpace(strings.TrimSuffix(strings.TrimSpace(s), ".")))
}

// genericRule averages a rule over all questions and by category.
func genericRule(rule func(prediction string, ref GenericReference) (value float64, parsed string, ok bool)) func(*Data, *Answers) (*Result, error) {
	return func(d *Data, a *Answers) (*Result, error) {
		m := Match(d, a)
		r := m.Result()
		all, categories := tally{}, tallies{}
		for i := range d.Questions {
			ref, ok := d.Questions[i].Reference.(GenericReference)
			if !ok {
				return nil, unlabelled(d, i)
			}
			sample := m.Sample(d, i)
			if sample.Answered {
				sample.Score, sample.Parsed, ok = rule(m.Text(i), ref)
				if !ok {
					sample.Unparsed = true
					r.Unparsed++
				}
			}
			all.add(sample.Score)
			if sample.Category != "" {
				categories.add(sample.Category, sample.Score)
			}
			r.Samples = append(r.Samples, sample)
		}
		r.Metrics = append([]Metric{all.ratio("accuracy")}, categories.ratios("category: ")...)
		return r, nil
	}
}
