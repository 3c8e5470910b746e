package pipeline

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"llavabench/internal/imaging"
	"llavabench/internal/tensor"
	"llavabench/kernels"
	"llavabench/variants"
)

const shipped = "../../testdata/"

func open(t *testing.T, model string, o Options) *Pipeline {
	t.Helper()
	p, err := Open(context.Background(), shipped+"models/"+model, o)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, p.Close()) })
	return p
}

func picture(t *testing.T, file string) *imaging.RGB {
	t.Helper()
	img, _, err := imaging.DecodeFile(shipped+"images/"+file, imaging.DecodeOptions{})
	require.NoError(t, err)
	return img
}

// keeper keeps every tensor that it is asked to.
type keeper struct {
	want []string
	got  map[string][]float32
	dims map[string][]int
}

func keep(names ...string) *keeper {
	return &keeper{want: names, got: map[string][]float32{}, dims: map[string][]int{}}
}

func (k *keeper) Wants(name string) bool { return slices.Contains(k.want, name) }

func (k *keeper) Tensor(name string, shape []int, data []float32) error {
	k.got[name], k.dims[name] = slices.Clone(data), slices.Clone(shape)
	return nil
}

// The merged sequence holds, position by position, the text's embeddings and the features that the variant's references
// name; here it is put together again from the other tensors.
func TestMergedSequenceIsWhatTheReferencesSay(t *testing.T) {
	for _, c := range []struct {
		model string
		o     Options
	}{
		{"llava1", Options{}},
		{"llava15", Options{}},
		{"llava15", Options{Set: []string{"select_feature=cls_patch"}}},
		{"llava15hd", Options{Variant: "llava15hd"}},
		{"llava15hd", Options{Variant: "llava15hd", Set: []string{"global_last=true", "strip=none"}}},
		{"llava16", Options{}},
		{"llava16", Options{Set: []string{"pinpoints=article"}}},
		{"llava16", Options{Set: []string{"merge_type=flat"}}},
	} {
		t.Run(strings.Join(append([]string{c.model, c.o.Variant}, c.o.Set...), " "), func(t *testing.T) {
			p := open(t, c.model, c.o)
			k := keep("projected", "inputs_embeds")
			images := []*imaging.RGB{picture(t, "tall.png"), picture(t, "square.png")}
			ids := []int{1, 70, ImageID, 71, ImageID}
			if slices.Contains(c.o.Set, "pinpoints=article") { // its square canvas is too large for both
				images, ids = images[:1], ids[:4]
			}
			a, err := p.Answer(context.Background(), Request{Images: images, IDs: ids, Observer: k})
			require.NoError(t, err)
			hidden := p.llm.Config().Hidden
			var want []float32
			view, next := 0, 0
			rows := k.dims["projected"][1]
			for _, id := range ids {
				if id != ImageID {
					row := make([]float32, hidden)
					require.NoError(t, p.llm.Embed(row, []int{id}))
					want = append(want, row...)
					continue
				}
				l, err := p.variant.Plan(p.opts, images[next].Size())
				require.NoError(t, err)
				for _, r := range p.variant.Merge(p.opts, l) {
					if r.Kind == variants.Newline {
						want = append(want, p.rowEnd...)
						continue
					}
					at := (view+int(r.View))*rows + l.Index(r)
					want = append(want, k.got["projected"][at*hidden:(at+1)*hidden]...)
				}
				view += len(l.Views)
				next++
			}
			require.Equal(t, []int{a.PromptTokens, hidden}, k.dims["inputs_embeds"])
			require.Equal(t, want, k.got["inputs_embeds"])
			require.Equal(t, a.PromptTokens, a.TextTokens+a.ImageTokens)
		})
	}
}

func TestRowEnds(t *testing.T) {
	hd := func(end string) *Pipeline {
		return open(t, "llava15hd", Options{Variant: "llava15hd", Set: []string{"row_end=" + end}})
	}
	hidden := hd("zero").llm.Config().Hidden
	require.Equal(t, make([]float32, hidden), hd("zero").rowEnd)
	require.Nil(t, hd("none").rowEnd)

	p := hd("newline_embedding")
	id, ok := p.tok.ID("<0x0A>")
	require.True(t, ok)
	want := make([]float32, hidden)
	require.NoError(t, p.llm.Embed(want, []int{id}))
	require.Equal(t, want, p.rowEnd)

	p = hd("mean_row")
	sum := make([]float64, hidden)
	row := make([]float32, hidden)
	for id := range p.llm.Config().Vocab {
		require.NoError(t, p.llm.Embed(row, []int{id}))
		for i, v := range row {
			sum[i] += float64(v)
		}
	}
	for i := range sum {
		require.Equal(t, float32(sum[i]/float64(p.llm.Config().Vocab)), p.rowEnd[i])
	}

	vector, ok := hd("checkpoint").ckpt.Extra().Tensor("image_newline")
	require.True(t, ok)
	kernels.Widen(want, vector.DType, vector.Data)
	require.Equal(t, want, hd("checkpoint").rowEnd)

	plain := open(t, "llava15", Options{Variant: "llava15hd", Set: []string{"row_end=checkpoint"}})
	_, err := plain.Answer(context.Background(), Request{Images: []*imaging.RGB{picture(t, "square.png")}, IDs: []int{1, ImageID}})
	require.ErrorContains(t, err, "neither image_newline nor row_end")
}

func TestMaxTokenizerLengthCutsAndSaysSo(t *testing.T) {
	p := open(t, "llava16", Options{Set: []string{"tokenizer_max_length=48"}})
	k := keep("inputs_embeds")
	a, err := p.Answer(context.Background(), Request{Images: []*imaging.RGB{picture(t, "square.png")}, IDs: []int{1, ImageID, 9}, Observer: k})
	require.NoError(t, err)
	require.Equal(t, 48, a.PromptTokens)
	require.Equal(t, 48, k.dims["inputs_embeds"][0])
	require.Contains(t, strings.Join(a.Notes, "\n"), "is cut to 48 on the right")
}

func TestTooLongAPromptIsRefusedByParts(t *testing.T) {
	p := open(t, "llava15", Options{})
	images := make([]*imaging.RGB, 8)
	ids := []int{1}
	for i := range images {
		images[i] = picture(t, "square.png")
		ids = append(ids, ImageID)
	}
	_, err := p.Answer(context.Background(), Request{Images: images, IDs: ids})
	require.ErrorContains(t, err, "1 text tokens and 4608 image tokens make 4609 positions, but the model has 4096")
}

func TestGenerationEndsWhereTheContextDoes(t *testing.T) {
	p := open(t, "llava15", Options{})
	ids := make([]int, p.Context()-2)
	for i := range ids {
		ids[i] = 60 + i%100
	}
	a, err := p.Answer(context.Background(), Request{IDs: ids, Generate: GenerateOptions{MaxNewTokens: 50}})
	require.NoError(t, err)
	require.Len(t, a.IDs, 2)
	require.Equal(t, FinishLength, a.Finish)
}

func TestStreamedTextIsTheAnswer(t *testing.T) {
	p := open(t, "llava16", Options{})
	prompt, err := p.Prompt(Question{Text: "Hello"})
	require.NoError(t, err)
	var streamed strings.Builder
	a, err := p.Answer(context.Background(), Request{IDs: prompt.IDs, Generate: GenerateOptions{
		MaxNewTokens: 12, Stream: func(s string) { streamed.WriteString(s) },
	}})
	require.NoError(t, err)
	require.Equal(t, a.Text, streamed.String())
	require.Equal(t, p.tok.Decode(a.IDs, true), a.Text)
}

func TestEndTokensEndTheAnswer(t *testing.T) {
	p := open(t, "llava16", Options{})
	prompt, err := p.Prompt(Question{Text: "Hello"})
	require.NoError(t, err)
	free, err := p.Answer(context.Background(), Request{IDs: prompt.IDs, Generate: GenerateOptions{MaxNewTokens: 6}})
	require.NoError(t, err)
	end := free.IDs[2]
	a, err := p.Answer(context.Background(), Request{IDs: prompt.IDs, Generate: GenerateOptions{MaxNewTokens: 6, EOS: []int{end}}})
	require.NoError(t, err)
	require.Equal(t, FinishEOS, a.Finish)
	require.Equal(t, free.IDs[:slices.Index(free.IDs, end)+1], a.IDs, "the ending id is included")
}

// An error of the observer and a cancelled context end an answer.
func TestAnswersCanBeStopped(t *testing.T) {
	p := open(t, "llava16", Options{})
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	_, err := p.Answer(ctx, Request{Images: []*imaging.RGB{picture(t, "square.png")}, IDs: []int{1, ImageID}})
	require.ErrorIs(t, err, context.Canceled)
	full := errors.New("disk full")
	_, err = p.Answer(context.Background(), Request{IDs: []int{1, 2}, Observer: failing{full}})
	require.ErrorIs(t, err, full)
}

type failing struct{ err error }

func (f failing) Wants(string) bool                     { return true }
func (f failing) Tensor(string, []int, []float32) error { return f.err }

func TestOpenNamesWhatIsWrong(t *testing.T) {
	for _, c := range []struct {
		o    Options
		want string
	}{
		{Options{Variant: "llava9"}, `variant "llava9" is not known`},
		{Options{Set: []string{"strip"}}, `setting "strip": expected name=value`},
		{Options{Set: []string{"strip=all"}}, "strip"},
		{Options{Weights: "q3"}, `_weights "q3" is not known`},
		{Options{Numerics: "fast"}, `numeric profile "fast" is not known`},
		{Options{Weights: "f16", Numerics: "bf16"}, "but the numeric profile bf16 needs BF16 matrices"},
		{Options{Tokenizer: "/nowhere"}, "tokenizer"},
	} {
		_, err := Open(context.Background(), shipped+"models/llava15", c.o)
		require.ErrorContains(t, err, c.want, "%+v", c.o)
	}
}

func TestCasterCountsWhatIsLost(t *testing.T) {
	values := []float32{1, 1e-9, 70000, -1e-10, 0, 3}
	data := make([]byte, 4*len(values))
	kernels.Narrow(data, tensor.F32, values)
	src := tensor.NewMap(
		tensor.Tensor{Name: "matrix", DType: tensor.F32, Shape: []int{2, 3}, Data: data},
		tensor.Tensor{Name: "vector", DType: tensor.F32, Shape: []int{6}, Data: data})
	c := &caster{Source: src, part: "decoder", to: tensor.F16}
	m, ok := c.Tensor("matrix")
	require.True(t, ok)
	require.Equal(t, tensor.F16, m.DType)
	wide := make([]float32, 6)
	kernels.Widen(wide, m.DType, m.Data)
	require.Equal(t, fmt.Sprint([]float32{1, 0, float32(math.Inf(1)), float32(math.Copysign(0, -1)), 0, 3}), fmt.Sprint(wide))
	require.EqualValues(t, 1, c.overflow)
	require.EqualValues(t, 2, c.underflow)
	v, _ := c.Tensor("vector")
	require.Equal(t, tensor.F32, v.DType, "vectors keep their type")
}
