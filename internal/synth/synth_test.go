package synth

import (
	"bytes"
	"context"
	"io/fs"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"llavabench/internal/checkpoint"
	"llavabench/internal/tensor"
	"llavabench/internal/tokenizer"
	"llavabench/kernels"
)

func write(t *testing.T, name string, threads int, o Options) string {
	t.Helper()
	n, err := ByName(name)
	require.NoError(t, err)
	dir := filepath.Join(t.TempDir(), "model")
	w := kernels.NewWorkers(threads)
	defer w.Close()
	require.NoError(t, Write(context.Background(), w, n, dir, o))
	return dir
}

// Every configuration, made small where it is large, opens again as what it was written from.
func TestWrittenCheckpointsReadBack(t *testing.T) {
	for _, n := range Configs() {
		t.Run(n.Name, func(t *testing.T) {
			c := n.Config
			if c.Text.Hidden > 64 {
				c.Text.Layers, c.Text.FFN, c.Text.Vocab = 1, 32, 400
				c.Text.Hidden, c.Text.HeadDim = 2*c.Text.Heads, 2
			}
			small := n
			small.Config = c
			// A released tower is known by its name and has its real size: its weights alone are 600 MB.
			if c.Vision.Hidden > 64 {
				t.Run("numbers", func(t *testing.T) {
					list, err := tensors(c)
					require.NoError(t, err)
					require.NotEmpty(t, list)
				})
				return
			}
			dir := filepath.Join(t.TempDir(), "model")
			require.NoError(t, Write(context.Background(), nil, small, dir, Options{DType: tensor.BF16, Seed: 3}))
			got, err := checkpoint.Open(dir, checkpoint.OpenOptions{})
			require.NoError(t, err)
			defer got.Close()
			require.Equal(t, c.Text.Hidden, got.Config.Text.Hidden)
			require.Equal(t, c.Vision, got.Config.Vision)
			want := c.Multimodal
			require.Equal(t, want, got.Config.Multimodal)
			tok, err := tokenizer.Open(dir, tokenizer.Options{})
			require.NoError(t, err)
			require.NoError(t, tok.CheckVocabulary(c.Text.Vocab))
			for _, text := range []string{"What is this?", "naïve 漢字 \t x", "the thing and the other"} {
				require.Equal(t, text, tok.Decode(tok.Encode(text), true))
			}
		})
	}
}

// The llava-hf layout holds the same tensors, with more rows in the embeddings.
func TestLayouts(t *testing.T) {
	for _, name := range []string{"tiny-llava15", "tiny-llava16"} {
		t.Run(name, func(t *testing.T) {
			open := func(l checkpoint.Layout) *checkpoint.Checkpoint {
				c, err := checkpoint.Open(write(t, name, 2, Options{DType: tensor.F16, Seed: 4, Layout: l}), checkpoint.OpenOptions{})
				require.NoError(t, err)
				t.Cleanup(func() { require.NoError(t, c.Close()) })
				require.Equal(t, l, c.Config.Layout)
				return c
			}
			a, b := open(checkpoint.Original), open(checkpoint.HuggingFace)
			require.Equal(t, a.Config.Vision, b.Config.Vision)
			rows := a.Config.Text.Vocab
			require.Equal(t, rows, b.Config.Multimodal.ImageTokenIndex)
			require.Equal(t, 576, b.Config.Text.Vocab)
			for i, src := range []tensor.Source{a.LLM(), a.Vision(), a.Projector(), a.Extra()} {
				other := []tensor.Source{b.LLM(), b.Vision(), b.Projector(), b.Extra()}[i]
				require.Equal(t, src.Names(), other.Names())
				for _, name := range src.Names() {
					x, _ := src.Tensor(name)
					y, _ := other.Tensor(name)
					require.True(t, bytes.HasPrefix(y.Data, x.Data), name)
				}
			}
			tok, err := tokenizer.Open(b.Dir, tokenizer.Options{})
			require.NoError(t, err)
			require.NoError(t, tok.CheckVocabulary(576))
			id, ok := tok.ID("<image>")
			require.True(t, ok)
			require.Equal(t, rows, id)
		})
	}
}

func files(t *testing.T, dir string) map[string]string {
	t.Helper()
	out := map[string]string{}
	require.NoError(t, filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		b, err := os.ReadFile(path)
		rel, _ := filepath.Rel(dir, path)
		out[filepath.ToSlash(rel)] = string(b)
		return err
	}))
	return out
}

func TestBytesDependOnConfigurationTypeAndSeedAlone(t *testing.T) {
	o := Options{DType: tensor.F16, Seed: 9}
	one := files(t, write(t, "tiny-llava16", 1, o))
	require.Equal(t, one, files(t, write(t, "tiny-llava16", 3, o)))
	o.Seed = 10
	require.NotEqual(t, one["model.safetensors"], files(t, write(t, "tiny-llava16", 1, o))["model.safetensors"])
}

// The checkpoints that ship are what this package writes: `make testdata` remakes them.
func TestShippedCheckpoints(t *testing.T) {
	for _, name := range []string{"llava1", "llava15", "llava15hd", "llava16"} {
		want := files(t, filepath.Join("../../testdata/models", name))
		require.NotEmpty(t, want)
		got := files(t, write(t, "tiny-"+name, 2, Options{DType: tensor.BF16, Seed: 1}))
		for file := range want {
			require.True(t, want[file] == got[file], "%s/%s differs from what synth writes", name, file)
		}
		require.Len(t, got, len(want))
	}
}

func TestWriteRefuses(t *testing.T) {
	n, err := ByName("tiny-llava15")
	require.NoError(t, err)
	dir := t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(dir, "precious"), nil, 0o644))
	err = Write(context.Background(), nil, n, dir, Options{DType: tensor.BF16})
	require.ErrorContains(t, err, "is not empty (it holds precious)")
	err = Write(context.Background(), nil, n, filepath.Join(dir, "x"), Options{DType: tensor.I8})
	require.ErrorContains(t, err, "weight type I8 is not known")
	err = Write(context.Background(), nil, n, filepath.Join(dir, "x"), Options{DType: tensor.BF16, Layout: "gguf"})
	require.ErrorContains(t, err, `layout "gguf" is not known`)
	one, err := ByName("tiny-llava1")
	require.NoError(t, err)
	err = Write(context.Background(), nil, one, filepath.Join(dir, "x"), Options{DType: tensor.BF16, Layout: checkpoint.HuggingFace})
	require.ErrorContains(t, err, "mlp2x_gelu only, not linear")
	_, err = ByName("llava-9")
	require.ErrorContains(t, err, `configuration "llava-9" is not known, expected one of llava-1-7b`)
}

// A cancelled run leaves no weights under their final name.
func TestCancelledWriteLeavesNoCheckpoint(t *testing.T) {
	n, err := ByName("tiny-llava15")
	require.NoError(t, err)
	dir := filepath.Join(t.TempDir(), "model")
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	require.ErrorIs(t, Write(ctx, nil, n, dir, Options{DType: tensor.BF16}), context.Canceled)
	entries, err := os.ReadDir(dir)
	require.NoError(t, err)
	require.Empty(t, entries)
}

func TestValuesAreNearlyNormal(t *testing.T) {
	s := spec{name: "x", shape: []int{400, 400}, kind: matrix}
	v := newValues(5, s, tensor.F32)
	raw := make([]byte, 4*400*400)
	v.fill(raw, 0)
	x := make([]float32, 400*400)
	kernels.Widen(x, tensor.F32, raw)
	var mean, square float64
	for _, f := range x {
		mean += float64(f)
		square += float64(f) * float64(f)
	}
	n := float64(len(x))
	require.InDelta(t, 0, mean/n, 0.0005)
	require.InEpsilon(t, 1./400, square/n, 0.02, "deviation 1/sqrt(columns)")
	part := make([]byte, 4*100)
	v.fill(part, 1000)
	require.Equal(t, raw[4*1000:4*1100], part, "any part can be made by itself")
}

func BenchmarkFill(b *testing.B) {
	v := newValues(1, spec{name: "x", shape: []int{4096, 4096}, kind: matrix}, tensor.BF16)
	buf := make([]byte, 1<<20)
	b.SetBytes(int64(len(buf)))
	for b.Loop() {
		v.fill(buf, 0)
	}
}
