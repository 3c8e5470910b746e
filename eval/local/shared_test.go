package local_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"llavabench/eval"
	"llavabench/eval/local"
	"llavabench/internal/imaging"
	"llavabench/internal/pipeline"
	"llavabench/internal/rundir"
)

// gallery is a suite of questions about few pictures: many about one, one about another, none, a broken one, and a question
// that is too long for a context.
func gallery(context int) eval.Suite {
	var all []eval.Question
	add := func(key string, size imaging.Size, texts ...string) {
		for _, text := range texts {
			q := eval.Question{ID: fmt.Sprint("q", len(all)), Text: text, ImageKey: key}
			if key != "" {
				q.Image = func() (*imaging.RGB, error) {
					if key == "broken" {
						return nil, fmt.Errorf("%s cannot be read", key)
					}
					return checks(size), nil
				}
			}
			all = append(all, q)
		}
	}
	add("a", imaging.Size{W: 40, H: 30}, "Is there a cat?", "Is there a dog?", "Is there a dog?", "What colour is the small thing at the top?", "Is it")
	add("b", imaging.Size{W: 20, H: 60}, "Say yes.")
	add("", imaging.Size{}, "Hello", "Hello you")
	add("broken", imaging.Size{}, "Why?")
	add("c", imaging.Size{W: 31, H: 31}, "Is there a cat?", strings.Repeat("~", context), "And a bird?")
	add("same as c", imaging.Size{W: 31, H: 31}, "And a fish?")
	add("", imaging.Size{}, "Bye")
	add("d", imaging.Size{W: 64, H: 10}, "One", "Two", "Three")
	return eval.Suite{
		Info: rundir.Suite{Name: "gallery", Items: len(all)},
		Questions: func(yield func(eval.Question, error) bool) {
			for _, q := range all {
				if !yield(q, nil) {
					return
				}
			}
		},
	}
}

// checks is a picture that depends on its size.
func checks(size imaging.Size) *imaging.RGB {
	m := imaging.NewRGB(size)
	for i := range m.Pix {
		m.Pix[i] = uint8(i * (size.W + 7*size.H))
	}
	return m
}

// Whatever is shared and however questions are batched, the samples have the bytes of one question at a time.
func TestSharedRunsHaveTheSameBytes(t *testing.T) {
	for _, c := range []struct{ model, weights string }{{"llava1", ""}, {"llava15", ""}, {"llava15hd", ""}, {"llava16", ""}, {"llava15", "q8"}} {
		t.Run(c.model+c.weights, func(t *testing.T) {
			p, err := pipeline.Open(context.Background(), "../../testdata/models/"+c.model, pipeline.Options{Weights: c.weights})
			require.NoError(t, err)
			defer func() { require.NoError(t, p.Close()) }()
			want := samples(t, p, pipeline.Together{Batch: 1, NoShare: true})
			if p.Settings().TokenizerMaxLength == 0 { // else it is cut
				require.Contains(t, want, "longer than the context")
			}
			require.Contains(t, want, "broken cannot be read")
			for _, how := range []pipeline.Together{{Batch: 1}, {Batch: 4}, {Batch: 16}, {Batch: 16, KVBytes: 1}} {
				require.Equal(t, want, samples(t, p, how), "%+v", how)
			}
		})
	}
}

// samples runs the gallery and returns the bytes of its samples.
func samples(t *testing.T, p *pipeline.Pipeline, how pipeline.Together) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "run")
	s := gallery(p.Context())
	m := rundir.Manifest{Suite: s.Info, Settings: []byte(`{}`), System: rundir.System{Options: []byte(`{}`)}}
	d, err := rundir.Create(path, m)
	require.NoError(t, err)
	_, err = eval.Run(context.Background(), s, local.New(p, local.Options{MaxNewTokens: 5}, how), d, m, eval.Options{Batch: how.Batch})
	require.NoError(t, err)
	require.NoError(t, d.Close())
	b, err := os.ReadFile(filepath.Join(path, rundir.SamplesFile))
	require.NoError(t, err)
	return string(b)
}
