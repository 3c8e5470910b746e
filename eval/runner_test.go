package eval_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"llavabench/eval"
	"llavabench/internal/imaging"
	"llavabench/internal/rundir"
)

// table answers from a map and counts how often each question was asked.
type table struct {
	answers map[string]string
	asked   map[string]int
	stop    func(id string) // called before an answer
}

func (t *table) Answer(_ context.Context, q eval.Question, image *imaging.RGB) (eval.Answer, error) {
	if t.stop != nil {
		t.stop(q.ID)
	}
	t.asked[q.ID]++
	text, ok := t.answers[q.ID]
	if !ok {
		return eval.Answer{}, errors.New("no answer in the table")
	}
	return eval.Answer{Text: text, IDs: []int{len(text)}, Prompt: q.Text, PromptTokens: 7, ImageTokens: image.Width, Milliseconds: map[string]float64{"decode": 1}}, nil
}

const items = 12

func suite() eval.Suite {
	return eval.Suite{
		Info:   rundir.Suite{Name: "toy", Version: "1", Items: items},
		Scorer: "equal",
		Score: func(q eval.Question, text string) (float64, error) {
			if text == q.Reference {
				return 1, nil
			}
			return 0, nil
		},
		Questions: func(yield func(eval.Question, error) bool) {
			for i := range items {
				q := eval.Question{ID: fmt.Sprint("q", i), Category: []string{"even", "odd"}[i%2], Text: "<b>?", Reference: "yes",
					Image: func() (*imaging.RGB, error) { return imaging.NewRGB(imaging.Size{W: 4 + i, H: 4}), nil }}
				if !yield(q, nil) {
					return
				}
			}
		},
	}
}

func answers() *table {
	t := &table{answers: map[string]string{}, asked: map[string]int{}}
	for i := range items {
		t.answers[fmt.Sprint("q", i)] = []string{"yes", "no", "yes"}[i%3]
	}
	delete(t.answers, "q5")
	return t
}

func manifest() rundir.Manifest {
	return rundir.Manifest{Suite: suite().Info, System: rundir.System{Model: "table"}, Settings: []byte(`{"max_new_tokens":4}`)}
}

func fixed() time.Time { return time.Unix(0, 0).UTC() }

func run(t *testing.T, ctx context.Context, sys eval.System, path string, resume bool) (eval.Summary, error) {
	t.Helper()
	start := rundir.Create
	if resume {
		start = rundir.Resume
	}
	d, err := start(path, manifest())
	require.NoError(t, err)
	s, err := eval.Run(ctx, suite(), sys, d, manifest(), eval.Options{Now: fixed})
	require.NoError(t, d.Close())
	return s, err
}

// results are those of a run's summary.
func results(t *testing.T, path string) eval.Summary {
	t.Helper()
	s, err := eval.ReadSummary(path)
	require.NoError(t, err)
	require.NotNil(t, s.Cost)
	return s.Results()
}

func read(t *testing.T, path string) string {
	t.Helper()
	b, err := os.ReadFile(path)
	require.NoError(t, err)
	return string(b)
}

func TestRunRecordsEverything(t *testing.T) {
	path := filepath.Join(t.TempDir(), "run")
	s, err := run(t, context.Background(), answers(), path, false)
	require.NoError(t, err)
	require.Equal(t, items, s.Samples)
	require.Equal(t, 1, s.Failed)
	require.InDelta(t, 7./items, s.Total.Accuracy, 1e-9, "8 right answers but for the one that failed")
	require.Equal(t, []string{"even", "odd"}, []string{s.Categories[0].Name, s.Categories[1].Name})
	require.Less(t, s.Total.CI.Low, s.Total.Accuracy)
	require.Greater(t, s.Total.CI.High, s.Total.Accuracy)
	samples, err := rundir.ReadSamples(path)
	require.NoError(t, err)
	require.Len(t, samples, items)
	require.Equal(t, "no answer in the table", samples[5].Error)
	require.Nil(t, samples[5].Score)
	require.Equal(t, "<b>?", samples[0].Prompt)
	require.NotEqual(t, samples[0].PixelSHA256, samples[1].PixelSHA256)
	timings, err := rundir.ReadTimings(path)
	require.NoError(t, err)
	require.Len(t, timings, items)
	m, err := rundir.ReadManifest(path)
	require.NoError(t, err)
	require.NotNil(t, m.Ended)
}

// However a run is broken off, going on gives the bytes of the unbroken run, asks nothing twice and loses nothing.
func TestBrokenRunsContinue(t *testing.T) {
	whole := filepath.Join(t.TempDir(), "whole")
	_, err := run(t, context.Background(), answers(), whole, false)
	require.NoError(t, err)
	want := read(t, filepath.Join(whole, "samples.jsonl"))
	for _, c := range []struct {
		name string
		tear func(t *testing.T, path string)
	}{
		{"cancelled", func(*testing.T, string) {}},
		{"a torn line", func(t *testing.T, path string) {
			f := filepath.Join(path, "samples.jsonl")
			info, err := os.Stat(f)
			require.NoError(t, err)
			require.NoError(t, os.Truncate(f, info.Size()-9))
		}},
		{"timings lost", func(t *testing.T, path string) {
			require.NoError(t, os.Truncate(filepath.Join(path, "timings.jsonl"), 3))
		}},
		{"nothing left", func(t *testing.T, path string) {
			require.NoError(t, os.Remove(filepath.Join(path, "samples.jsonl")))
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "run")
			ctx, cancel := context.WithCancel(context.Background())
			sys := answers()
			sys.stop = func(id string) {
				if id == "q7" {
					cancel()
				}
			}
			_, err := run(t, ctx, sys, path, false)
			require.ErrorIs(t, err, context.Canceled)
			require.NoFileExists(t, filepath.Join(path, "summary.json"))
			c.tear(t, path)
			sys = answers()
			_, err = run(t, context.Background(), sys, path, true)
			require.NoError(t, err)
			require.Equal(t, want, read(t, filepath.Join(path, "samples.jsonl")))
			require.Equal(t, results(t, whole), results(t, path))
			for id, n := range sys.asked {
				require.Equal(t, 1, n, id)
			}
			again := answers()
			_, err = run(t, context.Background(), again, path, true)
			require.NoError(t, err)
			require.Empty(t, again.asked, "a finished run asks nothing")
		})
	}
}

// A system that is broken ends the run without a record of the question under way.
func TestBrokenSystemEndsTheRun(t *testing.T) {
	path := filepath.Join(t.TempDir(), "run")
	sys := answers()
	_, err := run(t, context.Background(), broken{sys, "q4"}, path, false)
	require.ErrorIs(t, err, eval.ErrBroken)
	require.ErrorContains(t, err, "gone")
	samples, err := rundir.ReadSamples(path)
	require.NoError(t, err)
	require.Len(t, samples, 4)
	_, err = run(t, context.Background(), sys, path, true)
	require.NoError(t, err)
}

// An answer that cannot be scored is not recorded as wrong: the run ends, and goes on once the scorer can.
func TestBrokenScorerEndsTheRun(t *testing.T) {
	path := filepath.Join(t.TempDir(), "run")
	dir, err := rundir.Create(path, manifest())
	require.NoError(t, err)
	s := suite()
	s.Score = func(q eval.Question, text string) (float64, error) {
		if q.ID == "q4" {
			return 0, errors.New("no label")
		}
		return suite().Score(q, text)
	}
	_, err = eval.Run(context.Background(), s, answers(), dir, manifest(), eval.Options{Now: fixed})
	require.EqualError(t, err, `scoring the answer to question "q4": no label`)
	require.NoError(t, dir.Close())
	samples, err := rundir.ReadSamples(path)
	require.NoError(t, err)
	require.Len(t, samples, 4)
	_, err = run(t, context.Background(), answers(), path, true)
	require.NoError(t, err)
}

// broken is a system that breaks down at one question.
type broken struct {
	*table
	at string
}

func (b broken) Answer(ctx context.Context, q eval.Question, image *imaging.RGB) (eval.Answer, error) {
	if q.ID == b.at {
		return eval.Answer{}, fmt.Errorf("%w: weights are gone", eval.ErrBroken)
	}
	return b.table.Answer(ctx, q, image)
}

func TestResumeRefusesAnotherRun(t *testing.T) {
	path := filepath.Join(t.TempDir(), "run")
	_, err := run(t, context.Background(), answers(), path, false)
	require.NoError(t, err)
	other := manifest()
	other.Settings = []byte(`{"max_new_tokens":5}`)
	_, err = rundir.Resume(path, other)
	require.ErrorContains(t, err, "settings.max_new_tokens was 4 in the run, but is 5 now")
	_, err = rundir.Create(path, manifest())
	require.ErrorContains(t, err, "is not empty")
	_, err = rundir.Resume(filepath.Join(t.TempDir(), "none"), manifest())
	require.Error(t, err)

	require.NoError(t, os.WriteFile(filepath.Join(path, "samples.jsonl"), []byte("{\"index\":0}\nnonsense\n{\"index\":2}\n"), 0o644))
	_, err = rundir.Resume(path, manifest())
	require.ErrorContains(t, err, "line 2")
}

func TestOneProcessAtATime(t *testing.T) {
	path := filepath.Join(t.TempDir(), "run")
	d, err := rundir.Create(path, manifest())
	require.NoError(t, err)
	_, err = rundir.Resume(path, manifest())
	require.ErrorContains(t, err, "in use by another process")
	require.NoError(t, d.Close())
	d, err = rundir.Resume(path, manifest())
	require.NoError(t, err)
	require.NoError(t, d.Close())
}
