package pipeline

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"llavabench/internal/imaging"
	"llavabench/internal/tensor"
)

// mixedRequests are questions about two pictures, several each, about none, and ones that cannot be answered.
func mixedRequests(t *testing.T, p *Pipeline) []Request {
	t.Helper()
	tall, square := picture(t, "tall.png"), picture(t, "square.png")
	flat := imaging.NewRGB(imaging.Size{W: 4000, H: 1}) // no view can be cut from it where pictures are padded to tiles
	var reqs []Request
	ask := func(text string, tokens int, images ...*imaging.RGB) {
		prompt, err := p.Prompt(Question{Text: text, Images: len(images)})
		require.NoError(t, err)
		reqs = append(reqs, Request{Images: images, IDs: prompt.IDs, Generate: GenerateOptions{MaxNewTokens: tokens, Stop: prompt.Stop, EOS: prompt.EOS}})
	}
	ask("Is there a dog in the image?", 4, tall)
	ask("Is there a cat in the image?", 6, tall)
	ask("Is there a cat in the image?", 6, tall)
	ask("What is this?", 1, tall)
	ask("Hello", 5)
	ask("What is written on the sign?", 3, square)
	reqs = append(reqs, Request{Images: []*imaging.RGB{square}, IDs: []int{1, 2}, Generate: GenerateOptions{MaxNewTokens: 2}})
	reqs = append(reqs, Request{Images: []*imaging.RGB{square}, IDs: []int{1, ImageID, 1 << 40}, Generate: GenerateOptions{MaxNewTokens: 2}})
	ask("Which one, "+Placeholder+"?", 3, square)
	ask("Nothing?", 0, square)
	ask("How many?", 3, flat)
	ask("How many then?", 3, flat)
	ask("And both?", 2, tall, square)
	return reqs
}

// However requests are put together, each gets the answer that it gets by itself, to the bit.
func TestTogetherChangesNoAnswer(t *testing.T) {
	for _, c := range []struct {
		model string
		o     Options
	}{
		{"llava1", Options{}},
		{"llava15", Options{PrefillChunk: 100}},
		{"llava15", Options{Weights: "q8"}},
		{"llava15", Options{Numerics: "bf16", KV: tensor.BF16, Set: []string{"tokenizer_max_length=600"}}},
		{"llava15hd", Options{Variant: "llava15hd"}},
		{"llava16", Options{Threads: 1}},
	} {
		t.Run(fmt.Sprint(c.model, c.o.Weights), func(t *testing.T) {
			p := open(t, c.model, c.o)
			reqs := mixedRequests(t, p)
			var want []Result
			for _, r := range reqs {
				a, err := p.Answer(context.Background(), r)
				want = append(want, Result{a, err})
			}
			require.Error(t, want[6].Err)
			require.Error(t, want[7].Err)
			for _, c := range []struct {
				o     Together
				calls int // requests of a call
			}{
				{Together{}, len(reqs)}, {Together{Batch: 3}, 5}, {Together{Batch: 100}, len(reqs)}, {Together{Batch: 100, NoShare: true}, len(reqs)},
				{Together{Batch: 100, KVBytes: 1}, 2}, {Together{Batch: 100, KVBytes: 2 * p.kvBytes(700, p.kvType)}, len(reqs)},
			} {
				o, calls := c.o, c.calls
				got := 0
				for first := 0; first < len(reqs); first += calls {
					part := reqs[first:min(first+calls, len(reqs))]
					last := &part[len(part)-1]
					last.More = first+calls < len(reqs) && (&company{images: last.Images}).about(reqs[first+calls])
					require.NoError(t, p.AnswerAll(context.Background(), part, o, func(i int, r Result) error {
						require.Equal(t, got, first+i)
						require.Equal(t, want[got].Err, r.Err)
						if r.Err == nil {
							w := want[got].Answer
							require.Equal(t, w.Generation, r.Answer.Generation, "%+v %d", o, got)
							require.Equal(t, []int{w.PromptTokens, w.TextTokens, w.ImageTokens}, []int{r.Answer.PromptTokens, r.Answer.TextTokens, r.Answer.ImageTokens})
							require.Equal(t, w.Notes, r.Answer.Notes)
							require.LessOrEqual(t, r.Answer.Together, max(1, o.Batch))
							require.LessOrEqual(t, r.Answer.Shared.Prefill, r.Answer.Timings.Prefill)
						}
						got++
						return nil
					}))
					last.More = false
				}
				require.Equal(t, len(reqs), got)
				require.Nil(t, p.kept, "%+v", o)
			}
		})
	}
}

// A picture is looked at once, whatever the batches, and the shares of the time add up to what passed.
func TestSharedWorkIsDoneOnceAndAddsUp(t *testing.T) {
	looks := 0
	p := open(t, "llava15", Options{Progress: func(stage string, done, total int) {
		if stage == "vision tower" && done == total {
			looks++
		}
	}})
	img := picture(t, "square.png")
	var reqs []Request
	for i := range 7 {
		prompt, err := p.Prompt(Question{Text: fmt.Sprint("Is there a ", i), Images: 1})
		require.NoError(t, err)
		reqs = append(reqs, Request{Images: []*imaging.RGB{img}, IDs: prompt.IDs, Generate: GenerateOptions{MaxNewTokens: 3}})
	}
	for _, o := range []Together{{Batch: 7}, {Batch: 3}, {Batch: 1}, {Batch: 7, KVBytes: 1}} {
		looks = 0
		var sum time.Duration
		start := time.Now()
		require.NoError(t, p.AnswerAll(context.Background(), reqs, o, func(_ int, r Result) error {
			require.NoError(t, r.Err)
			sum += r.Answer.Timings.beforeDecode() + r.Answer.Timings.Decode
			return nil
		}))
		require.Equal(t, 1, looks, "%+v", o)
		require.LessOrEqual(t, sum, time.Since(start))
	}
	stop := errors.New("stop")
	require.ErrorIs(t, p.AnswerAll(context.Background(), reqs, Together{Batch: 3}, func(i int, _ Result) error {
		if i == 1 {
			return stop
		}
		return nil
	}), stop)
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	require.ErrorIs(t, p.AnswerAll(ctx, reqs, Together{Batch: 3}, nil), context.Canceled)
}
