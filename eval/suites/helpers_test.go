package suites

import (
	"bytes"
	"encoding/json"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"llavabench/internal/sharedtest"
)

// sharedDir is a folder of the reference data.
func sharedDir(t *testing.T, parts ...string) string {
	t.Helper()
	return sharedtest.Path(t, parts...)
}

// readJSON reads a JSON file, decompressed if need be.
func readJSON(t *testing.T, file string, v any) {
	t.Helper()
	raw, err := readPlain(file)
	require.NoError(t, err)
	require.NoError(t, json.Unmarshal(raw, v), file)
}

// opened is a suite with its data and answers.
type opened struct {
	*Suite
	data    *Data
	answers *Answers
}

func open(t *testing.T, name, dir, answers string) opened {
	t.Helper()
	s, err := Find(name)
	require.NoError(t, err)
	d, err := OpenDir(dir)
	require.NoError(t, err)
	data, err := s.Open(d)
	require.NoError(t, err)
	a, err := s.ReadAnswers(filepath.Join(dir, answers))
	require.NoError(t, err)
	return opened{s, data, a}
}

// score runs a scorer and indexes the samples.
func (o opened) score(t *testing.T, scorer string) (*Result, map[string]Sample) {
	t.Helper()
	sc, err := o.Scorer(scorer)
	require.NoError(t, err)
	r, err := sc.Score(o.data, o.answers)
	require.NoError(t, err)
	samples := map[string]Sample{}
	for _, s := range r.Samples {
		samples[s.ID] = s
	}
	require.Len(t, samples, len(o.data.Questions))
	return r, samples
}

// value is the metric of a name.
func value(t *testing.T, r *Result, name string) float64 {
	t.Helper()
	m, ok := r.Metric(name)
	require.True(t, ok, "no metric %q", name)
	return m.Value
}

func (o opened) upload(t *testing.T) string {
	t.Helper()
	var b bytes.Buffer
	_, err := o.Submission.Write(&b, o.data, o.answers)
	require.NoError(t, err)
	return b.String()
}
