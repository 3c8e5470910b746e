package checkpoint

import (
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"llavabench/internal/sharedtest"
	"llavabench/internal/tensor"
)

// golden gives a path in the reference data.
func golden(t testing.TB, parts ...string) string {
	t.Helper()
	return sharedtest.Path(t, append([]string{"golden"}, parts...)...)
}

// goldenModels lists the LLaVA checkpoints of a folder.
func goldenModels(t *testing.T, parts ...string) []string {
	root := golden(t, parts...)
	entries, err := os.ReadDir(root)
	require.NoError(t, err)
	var out []string
	for _, e := range entries {
		if !strings.HasPrefix(e.Name(), "clip_") {
			out = append(out, filepath.Join(root, e.Name()))
		}
	}
	require.NotEmpty(t, out)
	return out
}

// noEnv hides the hub cache.
func noEnv(string) string { return "" }

func TestOpenGolden(t *testing.T) {
	dirs := append(goldenModels(t, "models"), goldenModels(t, "extra", "models")...)
	for _, dir := range dirs {
		t.Run(filepath.Base(dir), func(t *testing.T) {
			c, err := Open(dir, OpenOptions{Env: noEnv})
			require.NoError(t, err)
			defer c.Close()
			requireComplete(t, c)
			require.NotEmpty(t, c.Files)
			require.NoError(t, c.Prefault())
			t.Log(c.Config, c.Config.Notes)
		})
	}
}

// requireComplete checks that every tensor that the configuration asks for is there with its shape, and nothing else.
func requireComplete(t *testing.T, c *Checkpoint) {
	want := wanted(c.Config)
	for i, src := range []tensor.Source{c.LLM(), c.Vision(), c.Projector()} {
		for name, shape := range want[i] {
			_, err := tensor.Float(src, name, shape...)
			require.NoError(t, err)
		}
		for _, name := range src.Names() {
			require.Contains(t, want[i], name)
		}
	}
	for _, name := range c.Extra().Names() {
		_, err := tensor.Float(c.Extra(), name, c.Config.Text.Hidden)
		require.NoError(t, err)
	}
}

// wanted lists the tensors of decoder, tower and projector.
func wanted(c Config) (out [3]map[string][]int) {
	t, v := c.Text, c.Vision
	q, kv := t.Heads*t.HeadDim, t.KVHeads*t.HeadDim
	llm := map[string][]int{"model.embed_tokens.weight": {t.Vocab, t.Hidden}, "model.norm.weight": {t.Hidden}}
	if !t.TieEmbeddings {
		llm["lm_head.weight"] = []int{t.Vocab, t.Hidden}
	}
	for i := range t.Layers {
		p := "model.layers." + strconv.Itoa(i) + "."
		llm[p+"input_layernorm.weight"] = []int{t.Hidden}
		llm[p+"post_attention_layernorm.weight"] = []int{t.Hidden}
		for name, rows := range map[string]int{"q": q, "k": kv, "v": kv} {
			llm[p+"self_attn."+name+"_proj.weight"] = []int{rows, t.Hidden}
			if t.QKVBias {
				llm[p+"self_attn."+name+"_proj.bias"] = []int{rows}
			}
		}
		llm[p+"self_attn.o_proj.weight"] = []int{t.Hidden, q}
		llm[p+"mlp.gate_proj.weight"] = []int{t.FFN, t.Hidden}
		llm[p+"mlp.up_proj.weight"] = []int{t.FFN, t.Hidden}
		llm[p+"mlp.down_proj.weight"] = []int{t.Hidden, t.FFN}
	}
	w := v.Hidden
	vision := map[string][]int{
		"embeddings.class_embedding":           {w},
		"embeddings.patch_embedding.weight":    {w, 3, v.Patch, v.Patch},
		"embeddings.position_embedding.weight": {v.Grid()*v.Grid() + 1, w},
	}
	norm := func(name string) { vision[name+".weight"], vision[name+".bias"] = []int{w}, []int{w} }
	linear := func(name string, out, in int) {
		vision[name+".weight"], vision[name+".bias"] = []int{out, in}, []int{out}
	}
	norm("pre_layrnorm")
	norm("post_layernorm")
	for i := range v.Layers {
		p := "encoder.layers." + strconv.Itoa(i) + "."
		norm(p + "layer_norm1")
		norm(p + "layer_norm2")
		for _, name := range []string{"q", "k", "v", "out"} {
			linear(p+"self_attn."+name+"_proj", w, w)
		}
		linear(p+"mlp.fc1", v.FFN, w)
		linear(p+"mlp.fc2", w, v.FFN)
	}
	projector := map[string][]int{"0.weight": {t.Hidden, w}, "0.bias": {t.Hidden}}
	if c.Multimodal.ProjectorType == "mlp2x_gelu" {
		projector["2.weight"], projector["2.bias"] = []int{t.Hidden, t.Hidden}, []int{t.Hidden}
	}
	return [3]map[string][]int{llm, vision, projector}
}

// requireSame checks that two sources hold the same tensors; rows gives the number of leading rows to compare where the
// sources may differ in height, 0 for all.
func requireSame(t *testing.T, a, b tensor.Source, rows int) {
	require.ElementsMatch(t, a.Names(), b.Names())
	for _, name := range a.Names() {
		x, _ := a.Tensor(name)
		y, _ := b.Tensor(name)
		require.Equal(t, x.DType, y.DType, name)
		if rows > 0 && (name == "model.embed_tokens.weight" || name == "lm_head.weight") {
			n := rows * x.Shape[1] * x.DType.Size()
			require.Equal(t, x.Data[:n], y.Data[:n], name)
			continue
		}
		require.Equal(t, x.Shape, y.Shape, name)
		require.Equal(t, x.Data, y.Data, name)
	}
}

// The pickled copy of a model and the Hugging Face layout hold the same tensors as the original.
func TestGoldenCopies(t *testing.T) {
	root := golden(t, "models")
	open := func(name string) *Checkpoint {
		c, err := Open(filepath.Join(root, name), OpenOptions{Env: noEnv})
		require.NoError(t, err)
		t.Cleanup(func() { require.NoError(t, c.Close()) })
		return c
	}
	for _, model := range []string{"llava15", "llava16_vicuna", "llava16_mistral"} {
		for _, suffix := range []string{"_bin", "_hf"} {
			if !isDir(filepath.Join(root, model+suffix)) {
				continue
			}
			t.Run(model+suffix, func(t *testing.T) {
				a, b := open(model), open(model+suffix)
				requireSame(t, a.LLM(), b.LLM(), a.Config.Text.Vocab)
				requireSame(t, a.Projector(), b.Projector(), 0)
				requireSame(t, a.Extra(), b.Extra(), 0)
				requireSame(t, a.Vision(), b.Vision(), 0)
			})
		}
	}
}
