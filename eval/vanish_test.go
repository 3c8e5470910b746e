package eval_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"llavabench/eval"
	"llavabench/eval/jsonl"
	"llavabench/internal/rundir"
)

// Pictures that vanish under a run end it before a question counts as failed for it; when they are back it goes on to the bytes of
// the unbroken run. A picture that never was there is its question's failure, as is one that is no picture.
func TestPicturesVanish(t *testing.T) {
	dir := t.TempDir()
	images, away := filepath.Join(dir, "images"), filepath.Join(dir, "away")
	require.NoError(t, os.Mkdir(images, 0o755))
	picture, err := os.ReadFile("../testdata/images/square.png")
	require.NoError(t, err)
	lines := ""
	for i := range items {
		lines += fmt.Sprintf("{\"question_id\": \"q%d\", \"image\": \"%d.png\", \"text\": \"?\", \"answer\": \"yes\"}\n", i, i)
		if i == 1 {
			continue // absent from the beginning
		}
		content := picture
		if i == 2 {
			content = []byte("no picture")
		}
		require.NoError(t, os.WriteFile(filepath.Join(images, fmt.Sprint(i, ".png")), content, 0o644))
	}
	file := filepath.Join(dir, "questions.jsonl")
	require.NoError(t, os.WriteFile(file, []byte(lines), 0o644))
	ask := func(sys eval.System, out string, resume bool) error {
		s, err := jsonl.Suite(file, images, 0)
		require.NoError(t, err)
		m := rundir.Manifest{Suite: s.Info, System: rundir.System{Model: "table"}, Settings: []byte(`{}`)}
		start := rundir.Create
		if resume {
			start = rundir.Resume
		}
		run, err := start(filepath.Join(dir, out), m)
		require.NoError(t, err)
		defer run.Close()
		_, err = eval.Run(context.Background(), s, sys, run, m, eval.Options{Now: fixed, Batch: 3})
		return err
	}
	read := func(out string) string {
		b, err := os.ReadFile(filepath.Join(dir, out, rundir.SamplesFile))
		require.NoError(t, err)
		return string(b)
	}
	require.NoError(t, ask(answers(), "whole", false))
	require.Contains(t, read("whole"), "no such file")

	for name, vanish := range map[string]struct{ gone, back func() error }{
		"the folder":  {func() error { return os.Rename(images, away) }, func() error { return os.Rename(away, images) }},
		"one picture": {func() error { return os.Rename(filepath.Join(images, "8.png"), away) }, func() error { return os.Rename(away, filepath.Join(images, "8.png")) }},
	} {
		t.Run(name, func(t *testing.T) {
			sys := answers()
			sys.stop = func(id string) {
				if id == "q6" {
					require.NoError(t, vanish.gone())
				}
			}
			err := ask(sys, name, false)
			require.ErrorIs(t, err, eval.ErrBroken)
			require.ErrorContains(t, err, "was there when the run began")
			samples, err := rundir.ReadSamples(filepath.Join(dir, name))
			require.NoError(t, err)
			for _, s := range samples {
				require.Equal(t, s.ID == "q1" || s.ID == "q2" || s.ID == "q5", s.Error != "", s.ID)
			}
			require.NoError(t, vanish.back())
			again := answers()
			require.NoError(t, ask(again, name, true))
			require.Equal(t, read("whole"), read(name))
			for id, n := range again.asked {
				require.LessOrEqual(t, n+sys.asked[id], 1, "%s is asked twice", id)
			}
		})
	}
}
