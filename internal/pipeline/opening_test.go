package pipeline

import (
	"context"
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"llavabench/internal/imaging"
)

// What prompts about different pictures begin with is read once, over all batches, and the answers have the bits that they get alone.
func TestOpeningIsReadOnce(t *testing.T) {
	rows := 0 // of all prefills
	p := open(t, "llava15", Options{Progress: func(stage string, done, total int) {
		if stage == "prefill" && done == total {
			rows += total
		}
	}})
	var reqs []Request
	ask := func(template, name string) {
		prompt, err := p.Prompt(Question{Text: "What colour is " + name + "?", Images: 1, Template: template})
		require.NoError(t, err)
		reqs = append(reqs, Request{Images: []*imaging.RGB{picture(t, name)}, IDs: prompt.IDs, Generate: GenerateOptions{MaxNewTokens: 3}})
	}
	for i := range 7 {
		ask("vicuna_v1", []string{"tall.png", "square.png", "wide.png"}[i%3])
	}
	opening := len(openingOf(reqs[0]))
	require.Greater(t, opening, minOpening)
	var want []*Answer
	positions := 0
	for _, r := range reqs {
		a, err := p.Answer(context.Background(), r)
		require.NoError(t, err)
		want, positions = append(want, a), positions+a.PromptTokens
	}
	check := func(first int, o Together, saved int) {
		rows = 0
		positions := 0
		require.NoError(t, p.AnswerAll(context.Background(), reqs[first:], o, func(i int, r Result) error {
			require.NoError(t, r.Err)
			require.Equal(t, want[first+i].Generation, r.Answer.Generation)
			require.Equal(t, want[first+i].PromptTokens, r.Answer.PromptTokens)
			require.Positive(t, r.Answer.Timings.Prefill)
			positions += r.Answer.PromptTokens
			return nil
		}))
		require.Equal(t, positions-saved*opening, rows, fmt.Sprint(o))
	}
	check(0, Together{Batch: 4, NoShare: true}, 0)
	check(0, Together{Batch: 1}, 0)
	check(0, Together{Batch: 3}, len(reqs)-1)
	check(0, Together{Batch: 7}, len(reqs))
	check(2, Together{Batch: 1}, len(reqs)-2)
	check(0, Together{Batch: 7, NoShare: true}, 0)

	// Prompts that begin in another way have an opening of their own, and those of before are read again.
	reqs = nil
	for _, name := range []string{"tall.png", "square.png", "wide.png"} {
		ask("llava_v1", name)
	}
	want = nil
	for _, r := range reqs {
		a, err := p.Answer(context.Background(), r)
		require.NoError(t, err)
		want = append(want, a)
	}
	opening = len(openingOf(reqs[0]))
	check(0, Together{Batch: 3}, len(reqs)-1)
}
