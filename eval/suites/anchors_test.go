package suites

import (
	"encoding/json"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

// Released answers; those of ../shared/golden-eval are checked by internal/goldens.

func TestVizWizAnchor(t *testing.T) {
	dir := sharedDir(t, "anchors", "vizwiz")
	o := open(t, "vizwiz", dir, "answers/llava-v1.5-13b.jsonl.gz")
	raw, err := readPlain(filepath.Join(dir, "expected_upload.json.gz"))
	require.NoError(t, err)
	require.True(t, string(raw) == o.upload(t))
	_, err = o.Scorers[0].Score(o.data, o.answers)
	require.ErrorContains(t, err, "no published answers")
}

func TestMathVistaAnchor(t *testing.T) {
	dir := sharedDir(t, "anchors", "mathvista")
	type group struct {
		Accuracy       float64
		Correct, Total int
	}
	var want struct {
		Models map[string]struct {
			Scores  map[string]json.RawMessage
			Correct []string `json:"correct_pids"`
		}
	}
	readJSON(t, filepath.Join(dir, "expected.json"), &want)
	require.NotEmpty(t, want.Models)
	check := func(r *Result, name string, w group) {
		m, ok := r.Metric(name)
		require.True(t, ok, name)
		require.Equal(t, w.Total, m.N, name)
		require.Equal(t, w.Accuracy, m.Value, name)
	}
	for model, w := range want.Models {
		o := open(t, "mathvista", dir, "results/output_"+model+".json.gz")
		r, samples := o.score(t, "official")
		right := 0
		for _, s := range samples {
			right += int(s.Score)
		}
		require.Len(t, w.Correct, right)
		for _, pid := range w.Correct {
			require.Equal(t, 1.0, samples[pid].Score, pid)
		}
		for key, raw := range w.Scores {
			if key == "average" {
				var g group
				require.NoError(t, json.Unmarshal(raw, &g))
				check(r, key, g)
				continue
			}
			var groups map[string]group
			require.NoError(t, json.Unmarshal(raw, &groups))
			for name, g := range groups {
				check(r, key+": "+name, g)
			}
		}
	}
}
