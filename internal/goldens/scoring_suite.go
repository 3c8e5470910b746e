package goldens

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math"
	"path"
	"path/filepath"
	"strconv"

	"llavabench/eval/suites"
)

// A scoringSuite is a suite with the data of a folder.
type scoringSuite struct {
	*suites.Suite
	set    *scoringSet
	folder string
	data   *suites.Data
}

// suite opens the data of a folder as the suite of a name.
func (s *scoringSet) suite(name, folder string) (*scoringSuite, error) {
	suite, err := suites.Find(name)
	if err != nil {
		return nil, err
	}
	d, err := suites.OpenDir(filepath.Join(s.dir, filepath.FromSlash(folder)))
	if err != nil {
		return nil, err
	}
	data, err := suite.Open(d)
	if err != nil {
		return nil, err
	}
	for _, file := range d.Read() {
		s.used[path.Join(folder, file)] = true
	}
	return &scoringSuite{Suite: suite, set: s, folder: folder, data: data}, nil
}

// answers reads a file of answers in the suite's folder.
func (s *scoringSuite) answers(file string) (*suites.Answers, error) {
	s.set.used[path.Join(s.folder, file)] = true
	return s.ReadAnswers(filepath.Join(s.set.dir, filepath.FromSlash(s.folder), filepath.FromSlash(file)))
}

// A scored is the result of a scorer with its samples by question.
type scored struct {
	*suites.Result
	samples map[string]suites.Sample
}

// score runs a scorer.
func (s *scoringSuite) score(scorer string, a *suites.Answers) (*scored, error) {
	sc, err := s.Scorer(scorer)
	if err != nil {
		return nil, err
	}
	r, err := sc.Score(s.data, a)
	if err != nil {
		return nil, fmt.Errorf("scorer %s: %w", scorer, err)
	}
	out := &scored{Result: r, samples: make(map[string]suites.Sample, len(r.Samples))}
	for _, sample := range r.Samples {
		out.samples[sample.ID] = sample
	}
	return out, nil
}

// value is the metric of a name; NaN if there is none, which equals no expectation.
func (s *scored) value(name string) float64 {
	if m, ok := s.Metric(name); ok {
		return m.Value
	}
	return math.NaN()
}

// submission is what the suite's writer makes of answers.
func (s *scoringSuite) submission(a *suites.Answers) (string, error) {
	var b bytes.Buffer
	_, err := s.Submission.Write(&b, s.data, a)
	return b.String(), err
}

// A scoreValue is a float of an expectation, where non-finite ones are strings and null is absent.
type scoreValue struct {
	value float64
	null  bool
}

// UnmarshalJSON reads a number, "NaN", "Infinity", "-Infinity" or null.
func (v *scoreValue) UnmarshalJSON(raw []byte) error {
	switch string(raw) {
	case "null":
		v.null = true
		return nil
	case "true":
		v.value = 1
		return nil
	case "false":
		return nil
	case `"NaN"`:
		v.value = math.NaN()
		return nil
	case `"Infinity"`:
		v.value = math.Inf(1)
		return nil
	case `"-Infinity"`:
		v.value = math.Inf(-1)
		return nil
	}
	return json.Unmarshal(raw, &v.value)
}

// closeTo compares a score in full precision.
func (p *Part) closeTo(where, check string, got float64, want scoreValue) bool {
	return p.scoreWithin(where, check, got, want.value, scoreTolerance)
}

// same compares a score that upstream rounds, or that is a count.
func (p *Part) same(where, check string, got float64, want scoreValue) bool {
	return p.scoreWithin(where, check, got, want.value, 0)
}

func (p *Part) scoreWithin(where, check string, got, want, tolerance float64) bool {
	if got == want || math.IsNaN(got) && math.IsNaN(want) || math.Abs(got-want) <= tolerance {
		p.Checked++
		return true
	}
	text := func(v float64) string { return strconv.FormatFloat(v, 'g', -1, 64) }
	p.fail(Failure{Case: where, Check: check, Got: text(got), Want: text(want)})
	return false
}
