package suites

import (
	"fmt"
	"strings"

	"llavabench/eval/score"
)

// A VQAReference is what people answered: ten of them, as a rule.
type VQAReference struct {
	Answers      []string
	AnswerType   string // "yes/no", "number", "other"
	QuestionType string // the question's first words
}

// softVQA scores by the soft accuracy after a normaliser, as the harnesses do: the mean over all questions, those without an
// answer as zero, unless answeredOnly, where they are left out. The mean is that of the function average times scale.
type softVQA struct {
	normalise    func(string) string
	prepare      func(string) string // applied to predictions before; may be nil
	average      func([]float64) float64
	sample       func(accuracies []float64) float64 // mean over the people
	unit         string
	scale        float64
	digits       int
	answeredOnly bool
	match        func(*Data, *Answers) *Matching
}

func (s softVQA) score(d *Data, a *Answers) (*Result, error) {
	match := s.match
	if match == nil {
		match = Match
	}
	m := match(d, a)
	r := m.Result()
	var values []float64
	normalised := map[string]string{} // people give the same few answers over and over
	for i := range d.Questions {
		ref, ok := d.Questions[i].Reference.(VQAReference)
		if !ok {
			return nil, unlabelled(d, i)
		}
		sample := m.Sample(d, i)
		if sample.Answered {
			text := m.Text(i)
			if s.prepare != nil {
				text = s.prepare(text)
			}
			sample.Parsed = s.normalise(text)
			normal := make([]string, len(ref.Answers))
			for j, answer := range ref.Answers {
				text, ok := normalised[answer]
				if !ok {
					text = s.normalise(answer)
					normalised[answer] = text
				}
				normal[j] = text
			}
			sample.Score = s.sample(score.SoftAccuracies(sample.Parsed, normal))
		}
		if sample.Answered || !s.answeredOnly {
			values = append(values, sample.Score)
		}
		r.Samples = append(r.Samples, sample)
	}
	r.Metrics = append(r.Metrics, Metric{Name: "accuracy", Value: s.average(values) * s.scale, N: len(values), Unit: s.unit, Digits: s.digits})
	if s.answeredOnly && r.Missing > 0 {
		r.Metrics = append(r.Metrics, Metric{Name: "accuracy, missing as wrong", Value: score.Sum(values) / float64(r.Questions) * s.scale,
			N: r.Questions, Unit: s.unit, Digits: s.digits})
		r.Notes = append(r.Notes, answeredOnlyNote(len(values), r.Missing))
	}
	return r, nil
}

// answeredOnlyNote says that a figure leaves out the questions without an answer.
func answeredOnlyNote(answered, missing int) string {
	return fmt.Sprintf("upstream averages over the %d answered questions; %d have no answer", answered, missing)
}

// unlabelled is the error for question i without a reference.
func unlabelled(d *Data, i int) error {
	return fmt.Errorf("%s: question %q has no published answers: this split can only be submitted to the owners' server (--upload)", strings.Join(d.Read, ", "), d.Questions[i].ID)
}

// answerTexts takes the texts out of annotations.
func answerTexts(list []struct {
	Answer string `json:"answer"`
}) []string {
	out := make([]string, len(list))
	for i, a := range list {
		out[i] = a.Answer
	}
	return out
}
