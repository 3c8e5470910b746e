package tables

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"llavabench/internal/rundir"
	"llavabench/internal/stats"
	"llavabench/reports/published"
	"llavabench/reports/study/studytest"
)

// scoredRun makes a run of a public benchmark with its owners' score: figures of n questions.
func scoredRun(t *testing.T, path, model, suite, prompts string, settings string, figures ...rundir.Figure) {
	t.Helper()
	studytest.WriteRun(t, path, 21, studytest.Generations[1], func(m *rundir.Manifest, _ *rundir.Sample) {
		m.System.Model, m.Suite = model, rundir.Suite{Name: suite, Version: "1", Prompts: prompts, Items: 21}
		if settings != "" {
			m.Settings = json.RawMessage(settings)
		}
	})
	o := rundir.Official{Scorer: suite, Upstream: "upstream", Figures: figures, Answered: 21}
	b, err := json.Marshal(map[string]any{"samples": 21, "official": o})
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(filepath.Join(path, rundir.SummaryFile), b, 0o644))
}

func scored(name, unit string, v float64, n int) rundir.Figure {
	return rundir.Figure{Name: name, Value: &v, Text: "text", N: n, Unit: unit, CI: &stats.Interval{Low: v - 1, High: v + 1}}
}

func columns(t Table) (keys []string) {
	for _, c := range t.Columns {
		if c.Published {
			keys = append(keys, c.Key)
		}
	}
	return keys
}

// Official scores stand beside what is published for the same quantity, marked as not measured.
func TestOfficialScores(t *testing.T) {
	dir := t.TempDir()
	scoredRun(t, filepath.Join(dir, "a"), "llava-hf/llava-1.5-7b-hf", "pope", "llava", "", scored("mean F1", "percent", 85.2, 8910), scored("random F1", "ratio", 0.87, 2910))
	scoredRun(t, filepath.Join(dir, "b"), "mine", "pope", "llava", "", scored("mean F1", "percent", 80, 21))
	s := load(t, filepath.Join(dir, "a"), filepath.Join(dir, "b"))
	all := All(s)
	o := all[0]
	require.Equal(t, "official", o.Name)
	require.Len(t, o.Rows, 2)
	for _, row := range o.Rows {
		require.Len(t, row, len(o.Columns))
	}
	require.Equal(t, "85.2 [84.2, 86.2]", o.Rows[0][2].String())
	require.Equal(t, "0.870 [-0.130, 1.870]", o.Rows[1][2].String())
	require.Equal(t, []string{"8910", "80.0 [79.0, 81.0]", "21"}, []string{o.Rows[0][3].String(), o.Rows[0][4].String(), o.Rows[0][5].String()})
	require.Len(t, columns(o), 8, "every released model with this quantity")
	require.Equal(t, "85.9", o.Rows[0][6].String())
	require.Empty(t, o.Rows[1][6].String(), "of the other figure nothing is published")
	require.Contains(t, strings.Join(o.Notes, " "), "not measured here")
	require.Contains(t, strings.Join(o.Notes, " "), "mine is not comparable with them")
	for _, format := range []string{"md", "tex", "txt"} {
		require.Contains(t, strings.ToLower(write(t, o, format)), "published")
	}
	require.Contains(t, write(t, o, "csv"), "LLaVA-1.5-7B_published")
	require.Contains(t, write(t, o, "tex"), "\\textit{85.9}")

	acc := byName(t, all, "accuracy")
	require.Equal(t, []string{"published_not_measured"}, columns(acc))
	require.Equal(t, []string{"85.2 [84.2, 86.2]", "85.9"}, []string{acc.Rows[0][8].String(), acc.Rows[0][9].String()})
	require.Equal(t, []string{"80.0 [79.0, 81.0]", ""}, []string{acc.Rows[1][8].String(), acc.Rows[1][9].String()})
	require.Empty(t, columns(byName(t, all, "categories")), "accuracy by category is another quantity")
	s.Baseline = true
	require.Equal(t, "85.2 [84.2, 86.2]", byName(t, All(s), "comparison").Rows[0][2].String())
}

// Only the same split, metric and way of answering is compared.
func TestPublishedOnlyWhereItIsTheSame(t *testing.T) {
	for name, c := range map[string]struct {
		model, suite, prompts, settings string
		figure                          rundir.Figure
		want                            int // published columns
	}{
		"a part of the split":        {"llava-v1.5-7b", "pope", "llava", "", scored("mean F1", "percent", 85, 8909), 0},
		"another figure":             {"llava-v1.5-7b", "pope", "llava", "", scored("random F1", "percent", 85, 8910), 0},
		"without seeing":             {"llava-v1.5-7b", "pope", "llava", `{"blind":true}`, scored("mean F1", "percent", 85, 8910), 0},
		"by likelihood":              {"llava-v1.5-7b", "pope", "llava", `{"choose":"likelihood"}`, scored("mean F1", "percent", 85, 8910), 0},
		"with OCR tokens as 1.5":     {"llava-v1.5-7b", "textvqa", "llava", "", scored("accuracy", "percent", 58, 5000), 4},
		"without OCR tokens as 1.6":  {"llava-v1.5-7b", "textvqa", "lmms-eval", "", scored("accuracy", "percent", 58, 5000), 4},
		"scored by a server":         {"llava-v1.5-7b", "vqav2", "llava", "", scored("overall", "percent", 78, 107394), 0},
		"the wrong split":            {"llava-v1.6-vicuna-7b", "mmmu", "llava", "", scored("Overall", "ratio", 0.36, 900), 0},
		"a suite with no such value": {"llava-v1.5-7b", "made-up", "", "", scored("accuracy", "percent", 58, 21), 0},
	} {
		path := filepath.Join(t.TempDir(), "run")
		scoredRun(t, path, c.model, c.suite, c.prompts, c.settings, c.figure)
		o := byName(t, All(load(t, path)), "official")
		require.Len(t, columns(o), c.want, name)
	}
	same := &published.Quantity{Figure: "Overall", N: 900, Split: "validation"}
	v := 0.36
	_, ok := same.Of(rundir.Suite{Split: "validation"}, &rundir.Official{Figures: []rundir.Figure{{Name: "Overall", N: 900, Value: &v}}})
	require.True(t, ok)
	require.Equal(t, 0.358, inUnit(35.8, "ratio"))
}

// Runs that nobody scored have neither official nor published columns, whatever their suite is called.
func TestNoOfficialScore(t *testing.T) {
	path := filepath.Join(t.TempDir(), "run")
	studytest.WriteRun(t, path, 21, studytest.Generations[1], func(m *rundir.Manifest, _ *rundir.Sample) {
		m.System.Model, m.Suite.Name = "llava-hf/llava-1.5-7b-hf", "pope"
	})
	for _, table := range All(load(t, path)) {
		require.NotEqual(t, "official", table.Name)
		if table.Name != "published" {
			require.Empty(t, columns(table), table.Name)
		}
	}
	for _, table := range All(load(t, studytest.Write(t, 21, studytest.Generations[1])...)) {
		require.NotContains(t, strings.ToLower(write(t, table, "md")), "published", "a suite of one's own has no published values")
	}
}
