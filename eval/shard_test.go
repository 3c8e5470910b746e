package eval_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"llavabench/eval"
	"llavabench/internal/rundir"
)

// album is the toy suite with perImage questions about each picture.
func album(perImage int) eval.Suite {
	s := suite()
	all := s.Questions
	s.Questions = func(yield func(eval.Question, error) bool) {
		i := 0
		for q, err := range all {
			q.ImageKey = fmt.Sprint("picture ", i/perImage)
			if i++; !yield(q, err) {
				return
			}
		}
	}
	return s
}

func ids(t *testing.T, s eval.Suite) []string {
	t.Helper()
	var out []string
	for q, err := range s.Questions {
		require.NoError(t, err)
		out = append(out, q.ID)
	}
	require.Len(t, out, s.Items())
	return out
}

// The shards of any cut are the suite, in order, and no picture is in two of them.
func TestShardsAreTheSuite(t *testing.T) {
	for _, perImage := range []int{1, 2, 5, 12} {
		whole := album(perImage)
		for count := 1; count <= items+2; count++ {
			var all []string
			for number := 1; number <= count; number++ {
				part, err := whole.Shard(number, count)
				require.NoError(t, err)
				require.Equal(t, &rundir.Shard{Number: number, Count: count, First: len(all), Items: part.Items()}, part.Part)
				require.Zero(t, part.Part.First%perImage*(items-part.Part.First), "a picture is cut")
				all = append(all, ids(t, part)...)
			}
			require.Equal(t, ids(t, whole), all, "%d an image, %d shards", perImage, count)
		}
	}
	for _, bad := range [][2]int{{0, 3}, {4, 3}, {1, 0}, {-1, -1}} {
		_, err := suite().Shard(bad[0], bad[1])
		require.Error(t, err)
	}
}

// runShard runs a shard of the toy suite.
func runShard(t *testing.T, path string, number, count int, o eval.Options) error {
	t.Helper()
	s, err := album(2).Shard(number, count)
	require.NoError(t, err)
	m := manifest()
	m.Shard = s.Part
	m.Command = []string{"llavabench", "eval", "--shard", s.Part.String(), "--limit", "12"}
	m.Data = []rundir.File{{Name: "questions", Size: 1}, {Name: fmt.Sprint("picture", number), Size: 2}}
	d, err := rundir.Create(path, m)
	require.NoError(t, err)
	o.Now = fixed
	_, err = eval.Run(context.Background(), s, answers(), d, m, o)
	require.NoError(t, d.Close())
	return err
}

func summarise(s []rundir.Sample, t []rundir.Timing) any { return eval.Summarise(s, t) }

func TestMergedShardsAreTheRun(t *testing.T) {
	dir := t.TempDir()
	whole := filepath.Join(dir, "whole")
	d, err := rundir.Create(whole, manifest())
	require.NoError(t, err)
	_, err = eval.Run(context.Background(), album(2), answers(), d, manifest(), eval.Options{Now: fixed})
	require.NoError(t, err)
	require.NoError(t, d.Close())
	for _, count := range []int{1, 3, 5, 9} {
		var parts []string
		for number := count; number > 0; number-- {
			path := filepath.Join(dir, fmt.Sprint(count, " ", number))
			require.NoError(t, runShard(t, path, number, count, eval.Options{}))
			parts = append(parts, path)
		}
		out := filepath.Join(dir, fmt.Sprint("merged ", count))
		require.NoError(t, rundir.Merge(parts, out, summarise))
		require.Equal(t, read(t, filepath.Join(whole, "samples.jsonl")), read(t, filepath.Join(out, "samples.jsonl")))
		require.Equal(t, results(t, whole), results(t, out))
		times, err := rundir.ReadTimings(out)
		require.NoError(t, err)
		require.Len(t, times, items)
		warm := 0
		for i, x := range times {
			require.Equal(t, i, x.Index)
			if x.WarmUp {
				warm++
			}
		}
		require.Equal(t, min(count, items/2), warm, "each shard begins cold")
		m, err := rundir.ReadManifest(out)
		require.NoError(t, err)
		require.Nil(t, m.Shard)
		require.NotNil(t, m.Ended)
		require.Len(t, m.Merged, count)
		require.Len(t, m.Data, count+1)
		require.Equal(t, []string{"llavabench", "eval", "--limit", "12"}, m.Command)
	}
}

func TestMergeRefuses(t *testing.T) {
	dir := t.TempDir()
	at := func(name string) string { return filepath.Join(dir, name) }
	for number := 1; number <= 3; number++ {
		require.NoError(t, runShard(t, at(fmt.Sprint(number)), number, 3, eval.Options{}))
	}
	require.NoError(t, runShard(t, at("half"), 1, 2, eval.Options{}))
	_, err := run(t, context.Background(), answers(), at("whole"), false)
	require.NoError(t, err)
	other := func(name, from string, change func(*rundir.Manifest)) {
		require.NoError(t, os.CopyFS(at(name), os.DirFS(at(from))))
		m, err := rundir.ReadManifest(at(name))
		require.NoError(t, err)
		change(&m)
		require.NoError(t, os.Remove(at(name+"/manifest.json")))
		d, err := rundir.Create(at(name+" new"), m)
		require.NoError(t, err)
		require.NoError(t, d.Close())
		require.NoError(t, os.Rename(at(name+" new/manifest.json"), at(name+"/manifest.json")))
	}
	other("settings", "2", func(m *rundir.Manifest) { m.Settings = []byte(`{"max_new_tokens":5}`) })
	other("cut", "2", func(m *rundir.Manifest) { m.Shard.First-- })
	other("data", "2", func(m *rundir.Manifest) { m.Data[0].Size = 7 })
	other("unfinished", "2", func(*rundir.Manifest) {})
	require.NoError(t, os.Truncate(at("unfinished/samples.jsonl"), 400))
	for _, c := range []struct {
		parts []string
		want  string
	}{
		{[]string{"1", "3"}, "missing: shard 2/3"},
		{[]string{"2"}, "missing: shard 1/3, 3/3"},
		{[]string{"1", "2", "3", "2"}, "shard 2/3 is given twice"},
		{[]string{"1", "2", "half"}, "they are of different cuts"},
		{[]string{"1", "whole"}, "is a whole run, not a shard"},
		{[]string{"1", "settings", "3"}, "settings.max_new_tokens is 4 and 5"},
		{[]string{"1", "cut", "3"}, "begins at question 3, expected 4"},
		{[]string{"1", "data", "3"}, "questions had 7 bytes"},
		{[]string{"1", "unfinished", "3"}, "not complete: shard 2/3"},
		{[]string{"1", "2", "none"}, "none"},
	} {
		var paths []string
		for _, p := range c.parts {
			paths = append(paths, at(p))
		}
		require.ErrorContains(t, rundir.Merge(paths, at("out"), summarise), c.want)
		require.NoDirExists(t, at("out"))
	}
}

func TestStrictEndsAtTheFirstFailure(t *testing.T) {
	path := filepath.Join(t.TempDir(), "run")
	err := runShard(t, path, 1, 1, eval.Options{Strict: true})
	require.EqualError(t, err, `question "q5": no answer in the table`)
	samples, err := rundir.ReadSamples(path)
	require.NoError(t, err)
	require.Len(t, samples, 5)
}

// A stopped run has the summary of what it recorded, and goes on to the bytes of an unbroken one.
func TestStop(t *testing.T) {
	dir := t.TempDir()
	stop := make(chan struct{})
	var seen []eval.Progress
	o := eval.Options{Stop: stop, Progress: func(p eval.Progress) {
		if seen = append(seen, p); p.Done == 7 {
			close(stop)
		}
	}}
	d, err := rundir.Create(filepath.Join(dir, "run"), manifest())
	require.NoError(t, err)
	s, err := eval.Run(context.Background(), suite(), answers(), d, manifest(), o)
	require.ErrorIs(t, err, eval.ErrStopped)
	require.NoError(t, d.Close())
	require.Equal(t, 7, s.Samples)
	require.FileExists(t, filepath.Join(dir, "run/summary.json"))
	require.Equal(t, items, seen[6].Total)
	require.Equal(t, 1, seen[6].Failed)
	require.InDelta(t, s.Total.Accuracy, seen[6].Accuracy.Value, 1e-12)
	require.InDelta(t, s.Total.CI.High, seen[6].Accuracy.CI.High, 1e-9)
	_, err = run(t, context.Background(), answers(), filepath.Join(dir, "run"), true)
	require.NoError(t, err)
	_, err = run(t, context.Background(), answers(), filepath.Join(dir, "whole"), false)
	require.NoError(t, err)
	require.Equal(t, read(t, filepath.Join(dir, "whole/samples.jsonl")), read(t, filepath.Join(dir, "run/samples.jsonl")))
	require.Equal(t, results(t, filepath.Join(dir, "whole")), results(t, filepath.Join(dir, "run")))
}
