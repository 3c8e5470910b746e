package local_test

import (
	"context"
	"encoding/json"
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
	"llavabench/internal/tensor"
)

// choices is a suite of questions that offer options, about few pictures, among some that offer none or cannot be answered.
func choices() eval.Suite {
	s := gallery(10_000)
	texts := []string{"a cat", "a dog that runs", " x ", "a cat"}
	questions := s.Questions
	s.Questions = func(yield func(eval.Question, error) bool) {
		n := 0
		for q, err := range questions {
			switch n % 4 {
			case 0, 1:
				for i, text := range texts[:2+n%3] {
					letter := string(rune('A' + i))
					q.Options = append(q.Options, eval.Option{Letter: letter, Text: text, Answer: letter})
				}
			case 2:
				q.Options = []eval.Option{{Text: "yes", Answer: "yes"}, {Text: "no", Answer: "no"}}
			}
			if n == 4 {
				q.Options[1].Text = " "
			}
			n++
			if !yield(q, err) {
				return
			}
		}
	}
	return s
}

// Options that are scored behind one reading of picture and question, in batches of any size and by any number of threads, give the
// bytes of a run that scores one question at a time.
func TestChosenRunsHaveTheSameBytes(t *testing.T) {
	for _, c := range []struct {
		model string
		o     pipeline.Options
	}{
		{"llava15", pipeline.Options{}},
		{"llava16", pipeline.Options{}},
		{"llava15", pipeline.Options{Weights: "q8"}},
		{"llava1", pipeline.Options{Numerics: "bf16", KV: tensor.BF16}},
	} {
		t.Run(c.model+c.o.Weights+c.o.Numerics, func(t *testing.T) {
			o := local.Options{MaxNewTokens: 3, Choice: local.Choice{Choose: local.Likelihood, ChooseBy: local.ByText, ChooseNorm: local.NormToken, ChooseEnd: true}}
			var want string
			for i, how := range []pipeline.Together{{Batch: 1, NoShare: true}, {Batch: 5}, {Batch: 16}, {Batch: 16, KVBytes: 1}} {
				po := c.o
				po.Threads, po.PrefillChunk = 1+i%3, []int{0, 33}[i%2]
				p, err := pipeline.Open(context.Background(), "../../testdata/models/"+c.model, po)
				require.NoError(t, err)
				got := chosen(t, p, o, how)
				require.NoError(t, p.Close())
				if i == 0 {
					want = got
				}
				require.Equal(t, want, got, "%+v", how)
			}
			require.Contains(t, want, "option 2 is empty")
			require.Contains(t, want, `"options":[{"answer":"A","scored":"a cat","tokens":`)
			require.Contains(t, want, `"scored":"x"`)
			require.Contains(t, want, `"options":[{"answer":"yes","tokens":`)
		})
	}
}

// The recorded log-likelihoods give the choice, and what is scored and how it is divided change it as they say.
func TestChoiceFollowsFromTheRecord(t *testing.T) {
	p, err := pipeline.Open(context.Background(), "../../testdata/models/llava15", pipeline.Options{})
	require.NoError(t, err)
	defer func() { require.NoError(t, p.Close()) }()
	divide := map[string]func(text string, tokens int) int{
		local.NormSum:   func(string, int) int { return 1 },
		local.NormToken: func(_ string, tokens int) int { return tokens },
		local.NormByte:  func(text string, _ int) int { return len(text) },
		local.NormChar:  func(text string, _ int) int { return len([]rune(text)) },
	}
	q := eval.Question{ID: "q", Text: "Which?"}
	for i, text := range []string{"été", "été", "a much longer answer than others", "d"} {
		letter := string(rune('A' + i))
		q.Options = append(q.Options, eval.Option{Letter: letter, Text: text, Answer: letter})
	}
	seen := map[string]bool{}
	for _, by := range local.ChooseBy {
		for _, norm := range local.ChooseNorm {
			s := local.New(p, local.Options{Choice: local.Choice{Choose: local.Likelihood, ChooseBy: by, ChooseNorm: norm}}, pipeline.Together{})
			a, err := s.Answer(context.Background(), q, checks(imaging.Size{W: 9, H: 9}))
			require.NoError(t, err)
			require.Len(t, a.Options, 4)
			best := 0
			value := func(i int) float64 {
				scored := a.Options[i].Scored
				if scored == "" {
					scored = a.Options[i].Answer
				}
				require.Equal(t, map[string]string{local.ByLetter: q.Options[i].Letter, local.ByText: q.Options[i].Text}[by], scored)
				return float64(a.Options[i].LogProb) / float64(divide[norm](scored, a.Options[i].Tokens))
			}
			for i := range a.Options {
				if value(i) > value(best) {
					best = i
				}
			}
			require.Equal(t, q.Options[best].Answer, a.Text)
			if by == local.ByText {
				require.NotEqual(t, "B", a.Text, "the first of equal options")
				require.Equal(t, a.Options[0].LogProb, a.Options[1].LogProb)
			}
			seen[a.Text] = true
		}
	}
	require.Greater(t, len(seen), 1)
	q.Options = nil
	a, err := local.New(p, local.Options{MaxNewTokens: 2, Choice: local.Choice{Choose: local.Likelihood}}, pipeline.Together{}).Answer(context.Background(), q, nil)
	require.NoError(t, err)
	require.Nil(t, a.Options)
	require.NotEmpty(t, a.IDs)
}

// chosen runs the suite of choices and returns the bytes of its samples.
func chosen(t *testing.T, p *pipeline.Pipeline, o local.Options, how pipeline.Together) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "run")
	s := choices()
	settings, err := json.Marshal(o)
	require.NoError(t, err)
	m := rundir.Manifest{Suite: s.Info, Settings: settings, System: rundir.System{Options: []byte(`{}`)}}
	d, err := rundir.Create(path, m)
	require.NoError(t, err)
	_, err = eval.Run(context.Background(), s, local.New(p, o, how), d, m, eval.Options{Batch: how.Batch})
	require.NoError(t, err)
	require.NoError(t, d.Close())
	b, err := os.ReadFile(filepath.Join(path, rundir.SamplesFile))
	require.NoError(t, err)
	require.Equal(t, s.Items(), strings.Count(string(b), "\n"))
	return string(b)
}
