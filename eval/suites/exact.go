package suites

// exactMatch scores GQA by equality after a normaliser of both sides, over all questions.
type exactMatch struct {
	normalise func(string) string
	unit      string
	average   func([]float64) float64
	scale     float64
}

func (s exactMatch) score(d *Data, a *Answers) (*Result, error) {
	m := Match(d, a)
	r := m.Result()
	var values []float64
	for i := range d.Questions {
		ref, ok := d.Questions[i].Reference.(GQAReference)
		if !ok {
			return nil, unlabelled(d, i)
		}
		sample := m.Sample(d, i)
		if sample.Answered {
			sample.Parsed = s.normalise(m.Text(i))
			if sample.Parsed == s.normalise(ref.Answer) {
				sample.Score = 1
			}
		}
		values = append(values, sample.Score)
		r.Samples = append(r.Samples, sample)
	}
	r.Metrics = []Metric{{Name: "accuracy", Value: s.average(values) * s.scale, N: len(values), Unit: s.unit, Digits: -1}}
	return r, nil
}
