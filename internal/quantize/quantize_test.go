package quantize

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"llavabench/internal/checkpoint"
	"llavabench/internal/model/weights"
	"llavabench/internal/pipeline"
	"llavabench/kernels"
)

const shipped = "../../testdata/models"

// convert writes a shipped checkpoint in other types.
func convert(t *testing.T, model string, o Options) (dir string, errs []Error) {
	t.Helper()
	ckpt, err := checkpoint.Open(filepath.Join(shipped, model), checkpoint.OpenOptions{})
	require.NoError(t, err)
	defer ckpt.Close()
	w := kernels.NewWorkers(2)
	defer w.Close()
	dir = filepath.Join(t.TempDir(), "out")
	errs, err = Write(context.Background(), w, ckpt, dir, o)
	require.NoError(t, err)
	return dir, errs
}

// logits runs a prompt and returns the logits behind it.
func logits(t *testing.T, model string, o pipeline.Options) []float32 {
	t.Helper()
	p, err := pipeline.Open(context.Background(), model, o)
	require.NoError(t, err)
	defer p.Close()
	prompt, err := p.Prompt(pipeline.Question{Text: "What is this?"})
	require.NoError(t, err)
	a, err := p.Answer(context.Background(), pipeline.Request{IDs: prompt.IDs})
	require.NoError(t, err)
	return a.Logits
}

// A quantised checkpoint gives the bits of the same checkpoint quantised on loading, in every generation.
func TestWrittenEqualsQuantisedOnLoading(t *testing.T) {
	for _, model := range []string{"llava1", "llava15", "llava16"} {
		for _, format := range weights.RecipeNames() {
			dir, errs := convert(t, model, Options{Matrices: format})
			require.NotEmpty(t, errs)
			for _, e := range errs {
				inMLP := strings.Contains(e.Tensor, ".mlp.") && strings.Contains(e.Tensor, "_proj")
				want := map[bool]string{true: strings.TrimSuffix(format, "-all"), false: "q8"}[inMLP || strings.HasSuffix(format, "-all")]
				require.Equal(t, want, e.Type, e.Tensor)
				require.Greater(t, e.Cosine, map[string]float64{"q8": 0.9999, "q4": 0.99, "q4g64": 0.99}[e.Type], e.Tensor)
				require.Positive(t, e.Max)
				require.LessOrEqual(t, e.RMS, e.Max)
			}
			want := logits(t, filepath.Join(shipped, model), pipeline.Options{Weights: format})
			require.Equal(t, want, logits(t, dir, pipeline.Options{}), "%s as %s", model, format)
		}
	}
}

func TestKeepVision(t *testing.T) {
	dir, errs := convert(t, "llava16", Options{Matrices: "q4", KeepVision: "f16"})
	types := map[string]int{}
	for _, e := range errs {
		types[e.Type]++
	}
	require.Equal(t, 3, len(types), "the decoder in q4 and q8, vision in f16: %v", types)
	ckpt, err := checkpoint.Open(dir, checkpoint.OpenOptions{})
	require.NoError(t, err)
	defer ckpt.Close()
	_, ok := ckpt.Vision().Tensor("encoder.layers.0.mlp.fc1.weight")
	require.True(t, ok)
	_, ok = ckpt.LLM().Tensor("model.layers.0.mlp.up_proj.weight.q4.codes")
	require.True(t, ok)
	_, ok = ckpt.LLM().Tensor("lm_head.weight")
	require.True(t, ok, "the head is not quantised")
}

func TestFloatConversion(t *testing.T) {
	dir, errs := convert(t, "llava15", Options{Matrices: "f16"})
	for _, e := range errs {
		require.Zero(t, e.Max, "bf16 weights of this size fit fp16: %s", e.Tensor)
	}
	require.Equal(t, logits(t, filepath.Join(shipped, "llava15"), pipeline.Options{}), logits(t, dir, pipeline.Options{}))
}

func TestWriteRefuses(t *testing.T) {
	ckpt, err := checkpoint.Open(filepath.Join(shipped, "llava15"), checkpoint.OpenOptions{})
	require.NoError(t, err)
	defer ckpt.Close()
	dir := t.TempDir()
	for _, c := range []struct {
		o    Options
		want string
	}{
		{Options{Matrices: "q3"}, `type "q3" is not known, expected f16, bf16, q8, q4, q4g64, q4-all, q4g64-all`},
		{Options{Matrices: "q8", KeepVision: "q4"}, `type "q4" for the vision tower is not known`},
	} {
		_, err := Write(context.Background(), nil, ckpt, filepath.Join(dir, "out"), c.o)
		require.ErrorContains(t, err, c.want)
	}
	quantised, _ := convert(t, "llava15", Options{Matrices: "q8"})
	again, err := checkpoint.Open(quantised, checkpoint.OpenOptions{})
	require.NoError(t, err)
	defer again.Close()
	_, err = Write(context.Background(), nil, again, filepath.Join(dir, "twice"), Options{Matrices: "q4"})
	require.ErrorContains(t, err, "is quantised already")

	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	_, err = Write(ctx, nil, ckpt, filepath.Join(dir, "cancelled"), Options{Matrices: "q8"})
	require.ErrorIs(t, err, context.Canceled)
	entries, err := os.ReadDir(dir)
	require.NoError(t, err)
	require.Empty(t, entries, "nothing is left behind")
}
