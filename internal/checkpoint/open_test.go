package checkpoint

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"llavabench/internal/tensor"
)

// numbered makes tensors of the given names and shapes whose bytes differ from each other.
func numbered(shapes map[string][]int) []tensor.Tensor {
	var out []tensor.Tensor
	for i, name := range slices.Sorted(maps.Keys(shapes)) {
		t := tensor.Tensor{Name: name, DType: tensor.F16, Shape: shapes[name]}
		for j := range t.Elements() {
			t.Data = append(t.Data, byte(j), byte(i)&0x3f)
		}
		out = append(out, t)
	}
	return out
}

// writeTensors puts tensors into model.safetensors, or shards of it.
func writeTensors(t testing.TB, dir string, shard int64, tensors ...tensor.Tensor) {
	var specs []Spec
	for _, x := range tensors {
		specs = append(specs, Spec{x.Name, x.DType, x.Shape})
	}
	require.NoError(t, os.MkdirAll(dir, 0o755))
	w, err := NewWriter(dir, specs, WriterOptions{MaxShardBytes: shard})
	require.NoError(t, err)
	defer w.Close()
	for _, x := range tensors {
		require.NoError(t, w.Tensor(x.Name, x.Data))
	}
	require.NoError(t, w.Commit())
}

// A naming maps a part and a canonical name to the name in a file; "" leaves the tensor out.
type naming func(p part, canonical string) string

func originalNames(p part, n string) string {
	switch p {
	case partVision:
		return "model.vision_tower.vision_tower.vision_model." + n
	case partProjector:
		return "model.mm_projector." + n
	case partExtra:
		return "model." + n
	}
	return n
}

// without leaves a part out.
func (f naming) without(left part) naming {
	return func(p part, n string) string {
		if p == left {
			return ""
		}
		return f(p, n)
	}
}

// parts are the tensors that a configuration asks for, by part, with image_newline.
func partsOf(c Config) map[part]map[string][]int {
	w := wanted(c)
	return map[part]map[string][]int{partLLM: w[0], partVision: w[1], partProjector: w[2], partExtra: {"image_newline": {c.Text.Hidden}}}
}

// tensorsNamed makes the tensors of a configuration under a naming.
func tensorsNamed(c Config, name naming) []tensor.Tensor {
	var out []tensor.Tensor
	for _, p := range []part{partLLM, partVision, partProjector, partExtra} {
		for _, t := range numbered(partsOf(c)[p]) {
			if t.Name = name(p, t.Name); t.Name != "" {
				out = append(out, t)
			}
		}
	}
	return out
}

// model writes a complete small checkpoint and returns its directory.
func model(t testing.TB, dir string, name naming, more ...tensor.Tensor) string {
	c, err := readConfigOf(dir)
	require.NoError(t, err)
	writeTensors(t, dir, 1<<13, append(tensorsNamed(c, name), more...)...)
	return dir
}

func openNoEnv(dir string) (*Checkpoint, error) { return Open(dir, OpenOptions{Env: noEnv}) }

// Every nesting gives the same tensors under the same names.
func TestNestings(t *testing.T) {
	old := func(p part, n string) string {
		switch p {
		case partVision:
			return "vision_tower.vision_model." + n
		case partProjector:
			return "multi_modal_projector." + strings.NewReplacer("0.", "linear_1.", "2.", "linear_2.").Replace(n)
		case partExtra:
			return n
		}
		return "language_model." + n
	}
	recent := func(p part, n string) string {
		if n == "lm_head.weight" {
			return n
		}
		if p == partLLM {
			return "model.language_model." + strings.TrimPrefix(n, "model.")
		}
		return "model." + old(p, n)
	}
	for name, f := range map[string]naming{
		"before 4.52": old,
		"since 4.52":  recent,
		"wrapped": func(p part, n string) string {
			return strings.Replace("model."+recent(p, n), "model.lm_head", "lm_head", 1)
		},
		"no inner name of the tower": func(p part, n string) string {
			return strings.Replace(recent(p, n), "vision_tower.vision_model.", "vision_tower.", 1)
		},
		"newline inside the decoder": func(p part, n string) string {
			if p == partExtra {
				return "language_model.model." + n
			}
			return old(p, n)
		},
	} {
		t.Run(name, func(t *testing.T) {
			c, err := openNoEnv(model(t, hfDir(t), f))
			require.NoError(t, err)
			defer c.Close()
			requireComplete(t, c)
			for i, src := range []tensor.Source{c.LLM(), c.Vision(), c.Projector(), c.Extra()} {
				for _, want := range numbered(partsOf(c.Config)[[]part{partLLM, partVision, partProjector, partExtra}[i]]) {
					got, ok := src.Tensor(want.Name)
					require.True(t, ok, want.Name)
					require.Equal(t, want.Data, got.Data, want.Name)
				}
			}
			require.True(t, c.Config.Multimodal.HasNewline)
		})
	}
}

// The tower comes from the checkpoint, or else from the directory that it names, whose names may lack the prefix.
func TestTowers(t *testing.T) {
	inner := model(t, originalDir(t), originalNames)
	c, err := openNoEnv(inner)
	require.NoError(t, err)
	requireComplete(t, c)
	require.Equal(t, inner, c.VisionDir)
	require.NoError(t, c.Close())

	for _, prefix := range []string{"vision_model.", ""} {
		dir := model(t, originalDir(t), naming(originalNames).without(partVision))
		tower := filepath.Join(dir, "..", "tower")
		_, err = openNoEnv(dir)
		require.ErrorIs(t, err, ErrNotFound)
		require.ErrorContains(t, err, "vision tower: "+tower+" holds no weights")

		cfg, err := readConfigOf(dir)
		require.NoError(t, err)
		towerTensors := tensorsNamed(cfg, func(p part, n string) string {
			if p != partVision {
				return ""
			}
			return prefix + n
		})
		towerTensors = append(towerTensors, numbered(map[string][]int{"logit_scale": nil, "text_model.final_layer_norm.weight": {3},
			"visual_projection.weight": {2, 8}, "text_projection.weight": {2, 2}, prefix + "embeddings.position_ids": {1, 5}})...)
		writeTensors(t, tower, 0, towerTensors...)
		c, err = openNoEnv(dir)
		require.NoError(t, err)
		requireComplete(t, c)
		require.Equal(t, tower, c.VisionDir)
		require.NoError(t, c.Close())

		elsewhere := filepath.Join(t.TempDir(), "elsewhere")
		require.NoError(t, os.Rename(tower, elsewhere))
		_, err = openNoEnv(dir)
		require.ErrorIs(t, err, ErrNotFound)
		require.ErrorContains(t, err, tower+" (no such directory)")
		c, err = Open(dir, OpenOptions{Env: noEnv, VisionDir: elsewhere})
		require.NoError(t, err)
		requireComplete(t, c)
		require.Equal(t, elsewhere, c.VisionDir)
		require.NoError(t, c.Close())
	}
}

// A checkpoint with its own tower needs no directory of a released tower.
func TestKnownTower(t *testing.T) {
	large := clipLarge(336)
	dir := originalDir(t, edit{"mm_vision_tower", `"openai/clip-vit-large-patch14-336"`}, edit{"mm_hidden_size", "1024"})
	c, err := readConfigOf(dir)
	require.NoError(t, err)
	require.Equal(t, large, c.Vision)
	require.Equal(t, CLIPProcessor(336), c.Processor)
	require.Contains(t, strings.Join(c.Notes, "\n"), "the numbers of the released model of that name are used")
	_, err = readConfig(dir, OpenOptions{Env: noEnv}, false)
	require.ErrorIs(t, err, ErrNotFound, "but one without does")
}

func TestProjectorFile(t *testing.T) {
	dir := model(t, originalDir(t), naming(originalNames).without(partProjector))
	p := newPickler().op(opEmptyDict, opMark)
	var storages []zipItem
	cfg, err := readConfigOf(dir)
	require.NoError(t, err)
	for i, x := range numbered(partsOf(cfg)[partProjector]) {
		stride := []int{1}
		if len(x.Shape) == 2 {
			stride = []int{x.Shape[1], 1}
		}
		p.str("model.mm_projector." + x.Name).tensor(tensorSpec{"", "HalfStorage", fmt.Sprint(i), x.Elements(), 0, x.Shape, stride})
		storages = append(storages, zipItem{name: fmt.Sprint(i), data: x.Data})
	}
	p.str("model.embed_tokens.weight").tensor(tensorSpec{"", "HalfStorage", "0", len(storages[0].data) / 2, 0, []int{1}, []int{1}})
	require.NoError(t, os.WriteFile(filepath.Join(dir, "mm_projector.bin"), torchFile(p.op(opSetItems).stop(), storages...), 0o644))
	c, err := openNoEnv(dir)
	require.NoError(t, err)
	defer c.Close()
	requireComplete(t, c)
	require.Contains(t, c.Config.Notes, "projector: from mm_projector.bin")
}

// What must not be opened silently.
func TestOpenRefuses(t *testing.T) {
	extra := func(name string, shape ...int) tensor.Tensor {
		return numbered(map[string][]int{name: shape})[0]
	}
	rename := func(from, to string) naming {
		return func(p part, n string) string {
			if n == from {
				return to
			}
			return originalNames(p, n)
		}
	}
	for _, c := range []struct {
		name  string
		dir   string
		names naming
		more  []tensor.Tensor
		class error
		says  string
	}{
		{"unknown tensor", originalDir(t), originalNames, []tensor.Tensor{extra("model.layers.0.self_attn.q_norm.weight", 4)}, ErrUnsupported, "1 tensors have unknown names"},
		{"unknown tensors", originalDir(t), originalNames, []tensor.Tensor{extra("a", 1), extra("b", 1), extra("c", 1), extra("d", 1), extra("e", 1), extra("f", 1)}, ErrUnsupported, `"a"; "b"; "c"; "d"; "e"; and 1 more`},
		{"adapter inside", originalDir(t), originalNames, []tensor.Tensor{extra("model.vision_resampler.mm_projector.weight", 4)}, ErrUnsupported, "vision_resampler"},
		{"openai tower", originalDir(t), originalNames, []tensor.Tensor{extra("model.vision_tower.transformer.resblocks.0.attn.in_proj_weight", 24, 8)}, ErrUnsupported, "openai/CLIP"},
		{"layer too many", originalDir(t), originalNames, []tensor.Tensor{extra("model.layers.2.mlp.up_proj.weight", 24, 16)}, ErrMismatch, "layer 2 of the decoder, but the configuration has 2"},
		{"tower layer too many", originalDir(t), originalNames, []tensor.Tensor{extra("model.vision_tower.vision_tower.vision_model.encoder.layers.3.mlp.fc1.bias", 12)}, ErrMismatch, "layer 3 of the vision tower"},
		{"bias that the configuration lacks", originalDir(t), originalNames, []tensor.Tensor{extra("model.layers.0.self_attn.q_proj.bias", 16)}, ErrMismatch, "is a bias"},
		{"one name twice", hfDir(t), originalNames, []tensor.Tensor{extra("language_model.model.norm.weight", 16)}, ErrMismatch, "already holds"},
		{"CF-04 rows of the embedding", originalDir(t), rename("model.embed_tokens.weight", ""), []tensor.Tensor{extra("model.embed_tokens.weight", 41, 16)}, ErrMismatch, "shape [41, 16], but vocab_size is 40"},
		{"GG-25 rows of the positions", originalDir(t), rename("embeddings.position_embedding.weight", ""), []tensor.Tensor{extra("vision_tower.embeddings.position_embedding.weight", 4, 8)}, ErrMismatch, "make 5 rows"},
		{"no tower in one directory", hfDir(t), naming(originalNames).without(partVision), nil, ErrMismatch, "no tensors of the vision tower"},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := openNoEnv(model(t, c.dir, c.names, c.more...))
			require.ErrorIs(t, err, c.class)
			require.ErrorContains(t, err, c.says)
		})
	}
}

// PK-25: both containers present.
func TestBothContainers(t *testing.T) {
	dir := model(t, originalDir(t), originalNames)
	writeFiles(t, dir, map[string]string{"pytorch_model.bin": "something else"})
	c, err := openNoEnv(dir)
	require.NoError(t, err)
	defer c.Close()
	require.Contains(t, strings.Join(c.Config.Notes, "\n"), "pytorch_model.bin: model.safetensors.index.json is used")
}

func TestNoWeights(t *testing.T) {
	for file, says := range map[string]string{
		"adapter_config.json":              "LoRA adapter",
		"consolidated.00.pth":              "Meta's own layout",
		"model.gguf":                       "GGUF",
		"model-00001-of-00002.safetensors": "no index file",
		"README.md":                        "holds no weights",
	} {
		_, err := openNoEnv(writeFiles(t, hfDir(t), map[string]string{file: "{}"}))
		require.ErrorContains(t, err, says)
	}
}

func TestTiedHead(t *testing.T) {
	dir := model(t, originalDir(t, edit{"tie_word_embeddings", "true"}), originalNames, numbered(map[string][]int{"lm_head.weight": {40, 16}})...)
	c, err := openNoEnv(dir)
	require.NoError(t, err)
	defer c.Close()
	require.Contains(t, c.Config.Notes, "lm_head.weight is not used: the embeddings are tied")
}

func TestDigest(t *testing.T) {
	c, err := openNoEnv(model(t, originalDir(t), originalNames))
	require.NoError(t, err)
	defer c.Close()
	var last, total int64
	files, err := c.Digest(context.Background(), func(done, of int64) { last, total = done, of })
	require.NoError(t, err)
	require.Equal(t, total, last)
	var names []string
	for _, f := range files {
		names = append(names, filepath.Base(f.Path))
		data, err := os.ReadFile(f.Path)
		require.NoError(t, err)
		sum := sha256.Sum256(data)
		require.Equal(t, hex.EncodeToString(sum[:]), f.SHA256)
		require.Len(t, data, int(f.Size))
	}
	require.Equal(t, files, c.Files)
	require.Subset(t, names, []string{"config.json", "preprocessor_config.json", "model.safetensors.index.json"})
	require.True(t, slices.IsSorted(names[len(names)-3:]))

	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	_, err = c.Digest(ctx, nil)
	require.ErrorIs(t, err, context.Canceled)
	require.NoError(t, os.Truncate(files[len(files)-1].Path, 10))
	_, err = c.Digest(context.Background(), nil)
	require.ErrorIs(t, err, ErrTruncated)
}
