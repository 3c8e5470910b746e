package pipeline

import (
	"context"
	"fmt"
	"math"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"llavabench/internal/imaging"
	"llavabench/internal/model/llama"
	"llavabench/internal/tensor"
	"llavabench/internal/tokenizer"
)

// choiceRequests are questions with answers to choose from, about two pictures and none, with ones between them that generate and ones
// that cannot be scored.
func choiceRequests(t *testing.T, p *Pipeline) []Request {
	t.Helper()
	tall, square := picture(t, "tall.png"), picture(t, "square.png")
	var reqs []Request
	ask := func(text string, answers []string, images ...*imaging.RGB) {
		q := Question{Text: text, Images: len(images)}
		prompt, continuations, err := p.Choices(q, answers, len(answers) == 3)
		require.NoError(t, err)
		reqs = append(reqs, Request{Images: images, IDs: prompt.IDs, Generate: GenerateOptions{Continuations: continuations}})
	}
	long := "a cat that sits on a wall and looks at the birds in the tree behind it, which it will never catch"
	ask("Is there a dog?", []string{"yes", "no"}, tall)
	ask("What is it? A. cat B. dog", []string{"A", "B", "C"}, tall)
	reqs = append(reqs, Request{Images: []*imaging.RGB{tall}, IDs: reqs[0].IDs, Generate: GenerateOptions{MaxNewTokens: 4}})
	ask("What is it?", []string{"A cat", "A dog", long, "x", "A cat"}, tall)
	ask("Hello", []string{"Hello", long + ". " + long})
	ask("What is it?", []string{"A cat", "A dog", "A cat and a dog"}, square)
	reqs = append(reqs, Request{Images: []*imaging.RGB{square}, IDs: []int{1, ImageID, 5}, Generate: GenerateOptions{Continuations: [][]int{{4}, {}}}})
	reqs = append(reqs, Request{Images: []*imaging.RGB{square}, IDs: []int{1, ImageID, 5}, Generate: GenerateOptions{Continuations: [][]int{{1 << 40}}}})
	ask("And this?", []string{"no", "yes"}, square)
	return reqs
}

// Answers that are scored in one pass behind a prompt that is read once have the bits that each gets by itself.
func TestScoresAreThoseOfOneAnswerAlone(t *testing.T) {
	for _, c := range []struct {
		model string
		o     Options
	}{
		{"llava15", Options{}},
		{"llava15", Options{Weights: "q8"}},
		{"llava1", Options{PrefillChunk: 7, Threads: 1}},
		{"llava16", Options{Numerics: "bf16", KV: tensor.BF16, Threads: 3}},
	} {
		t.Run(fmt.Sprint(c.model, c.o.Weights, c.o.Numerics), func(t *testing.T) {
			alone := c.o
			alone.PrefillChunk, alone.Threads = 0, 2
			single := open(t, c.model, alone)
			var want [][]float32 // nil where it cannot be
			reqs := choiceRequests(t, single)
			for _, r := range reqs {
				var probs []float32
				for _, ids := range r.Generate.Continuations {
					one := r
					one.Generate.Continuations = [][]int{ids}
					a, err := single.Answer(context.Background(), one)
					if err != nil {
						probs = nil
						break
					}
					require.Equal(t, FinishScored, a.Finish)
					require.Empty(t, a.IDs)
					require.Less(t, a.LogProbs[0], float32(0))
					probs = append(probs, a.LogProbs...)
				}
				want = append(want, probs)
			}
			require.Equal(t, want[3][0], want[3][4], "the same answer twice")
			require.NotEqual(t, want[0][0], want[0][1])
			require.Nil(t, want[6])
			require.Nil(t, want[7])
			p := open(t, c.model, c.o)
			reqs = choiceRequests(t, p) // with pictures of its own
			for _, o := range []Together{{}, {Batch: 3}, {Batch: 100}, {Batch: 100, NoShare: true}, {Batch: 100, KVBytes: 1}, {Batch: 100, KVBytes: 3 * p.kvBytes(900, p.kvType)}} {
				require.NoError(t, p.AnswerAll(context.Background(), reqs, o, func(i int, r Result) error {
					if i == 2 {
						require.NoError(t, r.Err)
						require.Len(t, r.Answer.IDs, 4)
						return nil
					}
					if want[i] == nil {
						require.ErrorContains(t, r.Err, "continuation")
						return nil
					}
					require.NoError(t, r.Err)
					require.Equal(t, want[i], r.Answer.LogProbs, "%+v %d", o, i)
					require.Positive(t, r.Answer.Timings.FirstToken)
					return nil
				}))
			}
		})
	}
}

// logitsOf keeps the logits of all prompt positions.
type logitsOf struct{ width, values []float32 }

func (*logitsOf) Wants(name string) bool { return name == "logits" }
func (l *logitsOf) Tensor(_ string, shape []int, data []float32) error {
	l.width, l.values = make([]float32, shape[1]), slices.Clone(data)
	return nil
}

// The score of an answer is the sum of the logarithms of the softmax over what a prompt with that answer gives at each position.
func TestScoreIsTheSumOfLogSoftmax(t *testing.T) {
	p := open(t, "llava15", Options{})
	for i, r := range choiceRequests(t, p)[:6] {
		if i == 2 {
			continue
		}
		scored, err := p.Answer(context.Background(), r)
		require.NoError(t, err)
		for k, ids := range r.Generate.Continuations {
			l := &logitsOf{}
			whole := Request{Images: r.Images, IDs: slices.Concat(r.IDs, ids), Observer: l}
			_, err := p.Answer(context.Background(), whole)
			require.NoError(t, err)
			want, width := 0.0, len(l.width)
			rows := len(l.values) / width
			for n, id := range ids {
				row := l.values[(rows-len(ids)-1+n)*width:][:p.vocabulary()]
				sum := 0.0
				for _, v := range row {
					sum += math.Exp(float64(v) - float64(row[id]))
				}
				want -= math.Log(sum)
			}
			require.InDelta(t, want, scored.LogProbs[k], 1e-6*float64(len(ids))+1e-7*math.Abs(want), "request %d, answer %d", i, k)
		}
	}
}

// merging is a tokenizer that makes one token of several.
type merging struct {
	tokenizer.Tokenizer
	from []int
	to   int
}

func (m merging) EncodeSpans(spans []tokenizer.Span) []int {
	var out []int
	for _, id := range m.Tokenizer.EncodeSpans(spans) {
		out = append(out, id)
		if at := len(out) - len(m.from); at >= 0 && slices.Equal(out[at:], m.from) {
			out = append(out[:at], m.to)
		}
	}
	return out
}

// Where the end of the prompt and an answer become one token, all answers begin before it.
func TestChoicesWhereTokensMerge(t *testing.T) {
	p := open(t, "llava15", Options{})
	q := Question{Text: "Which?", Images: 1}
	answers := []string{"A", "B", "A cat"}
	prompt, plain, err := p.Choices(q, answers, false)
	require.NoError(t, err)
	whole, err := p.Prompt(q)
	require.NoError(t, err)
	require.Equal(t, whole.IDs, prompt.IDs, "nothing merges")
	for i, answer := range answers {
		require.Equal(t, answer, p.tok.Decode(plain[i], true))
	}
	_, ended, err := p.Choices(q, answers, true)
	require.NoError(t, err)
	eos, _ := p.tok.EOS()
	for i := range answers {
		require.Equal(t, append(slices.Clone(plain[i]), eos), ended[i])
	}

	last := prompt.IDs[len(prompt.IDs)-1]
	p.tok = merging{p.tok, append([]int{last}, plain[1]...), 7}
	merged, continuations, err := p.Choices(q, answers, false)
	require.NoError(t, err)
	require.Equal(t, whole.IDs[:len(whole.IDs)-1], merged.IDs)
	require.Equal(t, append([]int{last}, plain[0]...), continuations[0])
	require.Equal(t, []int{7}, continuations[1])
	require.Equal(t, append([]int{last}, plain[2]...), continuations[2])
	q.Template = "mpt" // which puts nothing before an answer
	_, _, err = p.Choices(q, []string{"A", ""}, false)
	require.ErrorContains(t, err, `answer "" adds no token`)
}

// Picture and question are read once for all answers, and of an answer only the tokens that another one follows.
func TestAnswersShareOneReading(t *testing.T) {
	rows, looks := map[string]int{}, 0
	p := open(t, "llava15", Options{Progress: func(stage string, done, total int) {
		if stage == "vision tower" && done == total {
			looks++
		}
		if stage != "vision tower" && done == total {
			rows[stage] += total
		}
	}})
	img := picture(t, "square.png")
	var reqs []Request
	further := 0
	for _, text := range []string{"What is it?", "What is this?", "Is it a cat?"} {
		prompt, continuations, err := p.Choices(Question{Text: text, Images: 1}, []string{"A", "a cat", "a dog that runs"}, false)
		require.NoError(t, err)
		reqs = append(reqs, Request{Images: []*imaging.RGB{img}, IDs: prompt.IDs, Generate: GenerateOptions{Continuations: continuations}})
		for _, ids := range continuations {
			further += len(ids) - 1
		}
	}
	positions, shared := 0, butLast(reqs[0].IDs)
	require.NoError(t, p.AnswerAll(context.Background(), reqs, Together{Batch: 3}, func(i int, r Result) error {
		require.NoError(t, r.Err)
		positions += r.Answer.PromptTokens
		shared = shared[:commonPrefix(shared, reqs[i].IDs)]
		return nil
	}))
	require.Equal(t, 1, looks)
	picture := p.tower.Config().Features() - 1 // positions beyond the one id
	require.Equal(t, positions-2*(len(shared)+picture), rows["prefill"])
	require.Equal(t, further, rows["score"])
}

// The room that is set aside for a continuation's cache is enough for it.
func TestContinuationBytes(t *testing.T) {
	p := open(t, "llava15", Options{})
	for _, n := range []int{2, 3, 64, 65, 66, 130} {
		for _, held := range []int{0, 1, 63, 64, 100, 128} { // of another sequence
			for _, own := range []int{1, 30, 64, 90} {
				company, err := p.llm.NewSession(held, p.kvType)
				require.NoError(t, err)
				hidden := p.llm.Config().Hidden
				advance := func(s *llama.Session, rows int) {
					if rows > 0 {
						require.NoError(t, p.llm.Forward(p.workers, &llama.Scratch{}, make([]float32, rows*hidden), []llama.Segment{{Session: s, Rows: rows}}, nil))
					}
				}
				advance(company, held)
				s, err := p.newSequence(held+own, GenerateOptions{Continuations: [][]int{make([]int, n)}}, nil, &Timings{})
				require.NoError(t, err)
				if s.session, err = company.Fork(held, held+own); held > 0 {
					s.copied += own
				}
				require.NoError(t, err)
				advance(s.session, own)
				fork, err := s.session.Fork(held+own, held+own+n-1)
				require.NoError(t, err)
				require.LessOrEqual(t, fork.Bytes(), p.continuationBytes(s, make([]int, n)), "%d %d %d", n, held, own)
			}
		}
	}
}
