package clip

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"

	"llavabench/internal/model/weights"
	"llavabench/internal/tensor"
	"llavabench/kernels"
)

func tinyConfig() Config {
	return Config{Hidden: 12, FFN: 20, Layers: 3, Heads: 3, Patch: 2, Image: 7, Channels: 3, Act: "quick_gelu", NormEps: 1e-5, SelectLayer: -2}
}

func randomWeights(cfg Config) *tensor.Map {
	rng := rand.New(rand.NewPCG(5, 6))
	m := tensor.NewMap()
	add := func(name string, shape ...int) {
		v := make([]float32, tensor.Elements(shape))
		for i := range v {
			v[i] = float32(rng.NormFloat64()) * 0.3
		}
		data := make([]byte, 4*len(v))
		kernels.Narrow(data, tensor.F32, v)
		m.Add(tensor.Tensor{Name: name, DType: tensor.F32, Shape: shape, Data: data, File: "test"})
	}
	w := cfg.Hidden
	norm := func(name string) { add(name+".weight", w); add(name+".bias", w) }
	linear := func(name string, out, in int) { add(name+".weight", out, in); add(name+".bias", out) }
	add("embeddings.class_embedding", w)
	add("embeddings.patch_embedding.weight", w, 3, cfg.Patch, cfg.Patch)
	add("embeddings.position_embedding.weight", cfg.Tokens(), w)
	norm("pre_layrnorm")
	for i := range cfg.Layers {
		p := fmt.Sprintf("encoder.layers.%d.", i)
		for _, proj := range []string{"q", "k", "v", "out"} {
			linear(p+"self_attn."+proj+"_proj", w, w)
		}
		norm(p + "layer_norm1")
		norm(p + "layer_norm2")
		linear(p+"mlp.fc1", cfg.FFN, w)
		linear(p+"mlp.fc2", w, cfg.FFN)
	}
	return m
}

func pixels(cfg Config) []float32 {
	rng := rand.New(rand.NewPCG(7, 8))
	x := make([]float32, 3*cfg.Image*cfg.Image)
	for i := range x {
		x[i] = float32(rng.NormFloat64())
	}
	return x
}

func encode(t *testing.T, cfg Config, src tensor.Source, w *kernels.Workers) (features []float32, states [][]float32) {
	t.Helper()
	m, err := New(cfg, src, weights.Options{})
	require.NoError(t, err)
	features = make([]float32, cfg.Features()*cfg.Hidden)
	var sc Scratch
	for range 2 { // the second run over a used scratch gives the same
		states = nil
		require.NoError(t, m.Encode(w, &sc, features, pixels(cfg), func(i int, h []float32) error {
			require.Len(t, states, i)
			states = append(states, append([]float32(nil), h...))
			return nil
		}))
	}
	return features, states
}

func TestSelectedLayerAndRows(t *testing.T) {
	base := tinyConfig()
	src := randomWeights(base)
	full := base
	full.SelectLayer, full.KeepClass = -1, true
	last, states := encode(t, full, src, nil)
	require.Len(t, states, base.Layers+1)
	require.Equal(t, states[3], last)
	for _, layer := range []int{-4, -3, -2, -1, 0, 1, 2, 3} {
		cfg := base
		cfg.SelectLayer = layer
		got, taps := encode(t, cfg, src, nil)
		index := layer
		if index < 0 {
			index += base.Layers + 1
		}
		require.Len(t, taps, index+1, "layers above the selected one are not computed")
		require.Equal(t, states[index][base.Hidden:], got, "layer %d without the class token", layer)
	}
	w := kernels.NewWorkers(3)
	defer w.Close()
	threads, _ := encode(t, full, src, w)
	require.Equal(t, last, threads)
}

// A patch is a row of the product: channel, row, column within it; the border that no whole patch fits is left out.
func TestUnfold(t *testing.T) {
	m := &Model{cfg: Config{Patch: 2, Image: 5, Channels: 2}}
	x := make([]float32, 2*5*5)
	for i := range x {
		x[i] = float32(i)
	}
	got := m.unfold(make([]float32, 4*8), x)
	require.Equal(t, []float32{
		0, 1, 5, 6, 25, 26, 30, 31,
		2, 3, 7, 8, 27, 28, 32, 33,
		10, 11, 15, 16, 35, 36, 40, 41,
		12, 13, 17, 18, 37, 38, 42, 43,
	}, got)
}

func TestNewNamesWhatIsWrong(t *testing.T) {
	src := randomWeights(tinyConfig())
	for _, c := range []struct {
		want   string
		change func(*Config)
	}{
		{"select layer -5 is outside the 4 hidden states of 3 layers", func(c *Config) { c.SelectLayer = -5 }},
		{"select layer 4 is outside", func(c *Config) { c.SelectLayer = 4 }},
		{`activation "relu" is not known`, func(c *Config) { c.Act = "relu" }},
		{"hidden size 12 is not a multiple of 5 heads", func(c *Config) { c.Heads = 5 }},
		{"patch size is 0", func(c *Config) { c.Patch = 0 }},
		{`"embeddings.position_embedding.weight" has shape [10, 12], expected [17, 12]`, func(c *Config) { c.Image = 9 }},
	} {
		cfg := tinyConfig()
		c.change(&cfg)
		_, err := New(cfg, src, weights.Options{})
		require.ErrorContains(t, err, c.want)
	}
}
