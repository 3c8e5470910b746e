package study_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"llavabench/internal/rundir"
	"llavabench/reports/study"
	"llavabench/reports/study/studytest"
)

func load(t *testing.T, n int, models ...studytest.Model) study.Study {
	t.Helper()
	runs, err := study.LoadAll(studytest.Write(t, n, models...))
	require.NoError(t, err)
	groups := study.Group(runs)
	require.Len(t, groups, 1)
	return groups[0]
}

func names(s study.Study) (out []string) {
	for _, r := range s.Runs {
		out = append(out, r.Name)
	}
	return out
}

func TestNamesAreShortAndUnique(t *testing.T) {
	require.Equal(t, []string{"llava1", "llava15", "llava15hd", "llava16"}, names(load(t, 3, studytest.Generations...)))
	require.Equal(t, []string{"llava15 f32", "llava15 bf16", "llava15 q8", "llava15 q4"}, names(load(t, 3, studytest.Quantised...)))
	one := studytest.Generations[0]
	require.Equal(t, []string{"llava1 0-llava1-bf16", "llava1 1-llava1-bf16"}, names(load(t, 3, one, one)), "the same thing twice: by directory")
}

func TestLoadRefuses(t *testing.T) {
	paths := studytest.Write(t, 3, studytest.Generations[0])
	_, err := study.LoadAll([]string{paths[0], paths[0] + "/"})
	require.ErrorContains(t, err, "are the same run")
	_, err = study.LoadAll([]string{t.TempDir()})
	require.ErrorContains(t, err, "is not a run directory")

	samples := filepath.Join(paths[0], "samples.jsonl")
	b, err := os.ReadFile(samples)
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(samples, []byte(strings.Replace(string(b), "q00001", "q00000", 1)), 0o644))
	_, err = study.Load(paths[0])
	require.ErrorContains(t, err, `sample 1 has the id "q00000" of an earlier one`)
	require.NoError(t, os.WriteFile(samples, nil, 0o644))
	_, err = study.Load(paths[0])
	require.ErrorContains(t, err, "no sample was answered yet")
}

func TestPairsAndBest(t *testing.T) {
	s := load(t, 210, studytest.Generations...)
	pairs := s.Pairs()
	require.Len(t, pairs, 6)
	for _, p := range pairs {
		require.Equal(t, 210, p.N)
		require.InDelta(t, s.Runs[p.New].Accuracy(nil).Value-s.Runs[p.Base].Accuracy(nil).Value, p.Difference, 1e-12)
		require.GreaterOrEqual(t, p.Holm, p.P)
	}
	best, ok := s.Best(nil)
	require.True(t, ok)
	require.Equal(t, "llava16", s.Runs[best].Name)

	twins := studytest.Generations[1]
	equal := load(t, 70, twins, twins)
	_, ok = equal.Best(nil)
	require.False(t, ok, "two equal runs have no best")

	few := load(t, 4, studytest.Generations[2], studytest.Generations[3])
	_, ok = few.Best(nil)
	require.False(t, ok, "four questions decide nothing")
}

// Questions about other pictures are other questions, whatever their ids.
func TestPairsNeedTheSamePictures(t *testing.T) {
	dir := t.TempDir()
	studytest.WriteRun(t, filepath.Join(dir, "a"), 10, studytest.Generations[0], nil)
	studytest.WriteRun(t, filepath.Join(dir, "b"), 10, studytest.Generations[1], func(_ *rundir.Manifest, s *rundir.Sample) {
		if s.Index < 4 {
			s.PixelSHA256 = strings.Repeat("f", 64)
		}
	})
	runs, err := study.LoadAll([]string{filepath.Join(dir, "a"), filepath.Join(dir, "b")})
	require.NoError(t, err)
	require.Equal(t, 6, study.Group(runs)[0].Pairs()[0].N)
}

func TestGroupBySuite(t *testing.T) {
	dir := t.TempDir()
	for name, suite := range map[string]string{"a": "one", "b": "two", "c": "one"} {
		studytest.WriteRun(t, filepath.Join(dir, name), 3, studytest.Generations[0], func(m *rundir.Manifest, _ *rundir.Sample) { m.Suite.Name = suite })
	}
	runs, err := study.LoadAll([]string{filepath.Join(dir, "a"), filepath.Join(dir, "b"), filepath.Join(dir, "c")})
	require.NoError(t, err)
	groups := study.Group(runs)
	require.Len(t, groups, 2)
	require.Len(t, groups[0].Runs, 2)
	require.Equal(t, "two test, seed 7", groups[1].Title())
}

func TestSettingsPutDifferencesFirst(t *testing.T) {
	settings := load(t, 3, studytest.Quantised...).Settings()
	require.Equal(t, "dtype", settings[0].Name)
	require.Equal(t, []string{"f32", "bf16", "q8", "q4"}, settings[0].Values)
	require.False(t, settings[0].Same)
	for _, s := range settings[1:] {
		require.True(t, s.Same, s.Name)
		if s.Name == "options.pinpoints" {
			require.Equal(t, "[[336,672],[672,336]]", s.Values[0])
		}
	}
}

func TestSpeeds(t *testing.T) {
	r := load(t, 5, studytest.Generations[0]).Runs[0]
	require.Equal(t, []string{"preprocess", "vision", "projector", "prefill", "decode"}, r.Stages())
	require.Len(t, r.Latencies(), 4, "the first is the warm-up")
	require.Len(t, r.FirstToken(), 4)
	for i, d := range r.Decode() {
		i++
		require.InDelta(t, 3/r.Times[i].Milliseconds["decode"]*1000, d.Rate, 1e-9, "the first of four tokens comes from the prefill")
		require.Equal(t, r.Samples[i].PromptTokens+1, d.Positions)
	}
	for i, p := range r.Prefill() {
		require.Equal(t, r.Samples[i+1].PromptTokens, p.Positions)
	}
}

// With a baseline there are fewer comparisons to correct for, and the comparisons are the same.
func TestAgainst(t *testing.T) {
	all := load(t, 70, studytest.Generations...)
	s := study.Against(all.Runs)
	require.Equal(t, all.Suite, s.Suite)
	pairs := s.Pairs()
	require.Len(t, pairs, 3)
	every := map[int]study.Pair{}
	for _, p := range all.Pairs() {
		if p.Base == 0 {
			every[p.New] = p
		}
	}
	for _, p := range pairs {
		require.Equal(t, every[p.New].Paired, p.Paired)
		require.LessOrEqual(t, p.Holm, every[p.New].Holm)
		require.LessOrEqual(t, p.Holm, 3*p.P)
	}
}
