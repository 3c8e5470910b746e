package llama

import (
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"

	"llavabench/internal/checkpoint"
	"llavabench/internal/model/weights"
	"llavabench/internal/tensor"
	"llavabench/kernels"
)

func tinyConfig() Config {
	return Config{Hidden: 24, Layers: 2, Heads: 6, KVHeads: 2, HeadDim: 4, FFN: 40, Vocab: 50, MaxPositions: 64, NormEps: 1e-5, RopeTheta: 1e4}
}

// randomWeights holds every tensor of cfg, of the given type, with reproducible values.
func randomWeights(cfg Config, d tensor.DType) *tensor.Map {
	rng := rand.New(rand.NewPCG(1, 2))
	m := tensor.NewMap()
	add := func(name string, shape ...int) {
		v := make([]float32, tensor.Elements(shape))
		for i := range v {
			v[i] = float32(rng.NormFloat64()) * 0.2
			if len(shape) == 1 {
				v[i]++
			}
		}
		data := make([]byte, len(v)*d.Size())
		kernels.Narrow(data, d, v)
		m.Add(tensor.Tensor{Name: name, DType: d, Shape: shape, Data: data, File: "test"})
	}
	attn, kv := cfg.Heads*cfg.HeadDim, cfg.KVHeads*cfg.HeadDim
	add("model.embed_tokens.weight", cfg.Vocab, cfg.Hidden)
	for i := range cfg.Layers {
		p := fmt.Sprintf("model.layers.%d.", i)
		add(p+"input_layernorm.weight", cfg.Hidden)
		add(p+"post_attention_layernorm.weight", cfg.Hidden)
		add(p+"self_attn.q_proj.weight", attn, cfg.Hidden)
		add(p+"self_attn.k_proj.weight", kv, cfg.Hidden)
		add(p+"self_attn.v_proj.weight", kv, cfg.Hidden)
		add(p+"self_attn.o_proj.weight", cfg.Hidden, attn)
		for _, proj := range []string{"q", "k", "v"} {
			width := kv
			if proj == "q" {
				width = attn
			}
			add(p+"self_attn."+proj+"_proj.bias", width)
		}
		add(p+"mlp.gate_proj.weight", cfg.FFN, cfg.Hidden)
		add(p+"mlp.up_proj.weight", cfg.FFN, cfg.Hidden)
		add(p+"mlp.down_proj.weight", cfg.Hidden, cfg.FFN)
	}
	add("model.norm.weight", cfg.Hidden)
	add("lm_head.weight", cfg.Vocab, cfg.Hidden)
	return m
}

func promptOf(n int) []float32 {
	rng := rand.New(rand.NewPCG(3, uint64(n)))
	x := make([]float32, n*tinyConfig().Hidden)
	for i := range x {
		x[i] = float32(rng.NormFloat64())
	}
	return x
}

// hiddenOf runs a prompt in chunks of the given sizes and returns the final hidden states' bits.
func hiddenOf(t *testing.T, m *Model, w *kernels.Workers, x []float32, chunks ...int) []uint32 {
	t.Helper()
	s, err := m.NewSession(len(x)/m.cfg.Hidden, tensor.F32)
	require.NoError(t, err)
	y := append([]float32(nil), x...)
	var sc Scratch
	first := 0
	for i := 0; first*m.cfg.Hidden < len(y); i++ {
		n := min(chunks[i%len(chunks)], len(y)/m.cfg.Hidden-first)
		part := y[first*m.cfg.Hidden : (first+n)*m.cfg.Hidden]
		require.NoError(t, m.Forward(w, &sc, part, []Segment{{s, n, 0}}, nil))
		first += n
	}
	require.Equal(t, first, s.Len())
	return bitsOf(y)
}

func bitsOf(x []float32) []uint32 {
	b := make([]uint32, len(x))
	for i, v := range x {
		b[i] = math.Float32bits(v)
	}
	return b
}

func TestChunksAndThreadsNeverChangeABit(t *testing.T) {
	for _, c := range []struct {
		name   string
		dtype  tensor.DType
		change func(*Config)
	}{
		{"fp32", tensor.F32, func(*Config) {}},
		{"bf16 with a window", tensor.BF16, func(c *Config) { c.Window = 5 }},
		{"fp16, biases, tied", tensor.F16, func(c *Config) { c.QKVBias, c.TieEmbeddings = true, true }},
	} {
		t.Run(c.name, func(t *testing.T) {
			cfg := tinyConfig()
			c.change(&cfg)
			m, err := New(cfg, randomWeights(cfg, c.dtype), weights.Options{})
			require.NoError(t, err)
			x := promptOf(23)
			one, three := kernels.NewWorkers(1), kernels.NewWorkers(3)
			defer one.Close()
			defer three.Close()
			want := hiddenOf(t, m, one, x, 23)
			require.Equal(t, want, hiddenOf(t, m, three, x, 23), "threads")
			require.Equal(t, want, hiddenOf(t, m, three, x, 1), "token by token")
			require.Equal(t, want, hiddenOf(t, m, one, x, 7, 1, 4), "uneven chunks")
			require.Equal(t, want, hiddenOf(t, m, nil, x, 16), "without workers")
		})
	}
}

func TestABatchGivesEachSequenceItsOwnBits(t *testing.T) {
	cfg := tinyConfig()
	m, err := New(cfg, randomWeights(cfg, tensor.BF16), weights.Options{})
	require.NoError(t, err)
	w := kernels.NewWorkers(2)
	defer w.Close()
	a, b := promptOf(9), promptOf(4)
	sa, err := m.NewSession(9, tensor.F32)
	require.NoError(t, err)
	sb, err := m.NewSession(4, tensor.F32)
	require.NoError(t, err)
	both := append(append([]float32(nil), a...), b...)
	var sc Scratch
	require.NoError(t, m.Forward(w, &sc, both, []Segment{{sa, 9, 0}, {sb, 4, 0}}, nil))
	require.Equal(t, hiddenOf(t, m, w, a, 9), bitsOf(both[:len(a)]))
	require.Equal(t, hiddenOf(t, m, w, b, 4), bitsOf(both[len(a):]))
}

// Rows that are skipped change neither the others nor what follows them.
func TestSkippedRowsChangeNoBit(t *testing.T) {
	for _, change := range []func(*Config){func(*Config) {}, func(c *Config) { c.Window = 5 }, func(c *Config) { c.QKVBias, c.TieEmbeddings = true, true }} {
		cfg := tinyConfig()
		change(&cfg)
		m, err := New(cfg, randomWeights(cfg, tensor.BF16), weights.Options{})
		require.NoError(t, err)
		w := kernels.NewWorkers(2)
		defer w.Close()
		a, b := promptOf(9), promptOf(14)
		wantA, wantB := hiddenOf(t, m, w, a, 9), hiddenOf(t, m, w, b, 14)
		var sc Scratch
		for _, c := range []struct{ a, b int }{{0, 0}, {3, 0}, {0, 8}, {8, 7}, {9, 8}, {8, 8}, {9, 0}} {
			sa, err := m.NewSession(9, tensor.F32)
			require.NoError(t, err)
			sb, err := m.NewSession(14, tensor.F32)
			require.NoError(t, err)
			first, rest := append(append([]float32(nil), a...), b[:8*cfg.Hidden]...), append([]float32(nil), b[8*cfg.Hidden:]...)
			taps := 0
			tap := func(int, []float32) error { taps++; return nil }
			require.NoError(t, m.Forward(w, &sc, first, []Segment{{sa, 9, c.a}, {sb, 8, c.b}}, tap))
			require.Equal(t, cfg.Layers+1, taps)
			require.Equal(t, wantA[c.a*cfg.Hidden:], bitsOf(first[c.a*cfg.Hidden:len(a)]), "%+v", c)
			require.Equal(t, wantB[c.b*cfg.Hidden:8*cfg.Hidden], bitsOf(first[len(a)+c.b*cfg.Hidden:]), "%+v", c)
			require.NoError(t, m.Forward(w, &sc, rest, []Segment{{sb, 6, 5}}, nil))
			require.Equal(t, wantB[13*cfg.Hidden:], bitsOf(rest[5*cfg.Hidden:]), "%+v", c)
		}
		all, err := m.NewSession(14, tensor.F32)
		require.NoError(t, err)
		first, rest := append([]float32(nil), b[:8*cfg.Hidden]...), append([]float32(nil), b[8*cfg.Hidden:]...)
		require.NoError(t, m.Forward(w, &sc, first, []Segment{{all, 8, 8}}, nil), "all rows")
		require.NoError(t, m.Forward(w, &sc, rest, []Segment{{all, 6, 0}}, nil))
		require.Equal(t, wantB[8*cfg.Hidden:], bitsOf(rest))
	}
}

func TestTruncatedSessionContinuesAsIfItHadNeverGoneFurther(t *testing.T) {
	cfg := tinyConfig()
	m, err := New(cfg, randomWeights(cfg, tensor.F32), weights.Options{})
	require.NoError(t, err)
	x := promptOf(8)
	s, err := m.NewSession(8, tensor.F32)
	require.NoError(t, err)
	var sc Scratch
	junk := promptOf(6)
	require.NoError(t, m.Forward(nil, &sc, append([]float32(nil), x[:3*cfg.Hidden]...), []Segment{{s, 3, 0}}, nil))
	require.NoError(t, m.Forward(nil, &sc, junk[:5*cfg.Hidden], []Segment{{s, 5, 0}}, nil))
	s.Truncate(3)
	rest := append([]float32(nil), x[3*cfg.Hidden:]...)
	require.NoError(t, m.Forward(nil, &sc, rest, []Segment{{s, 5, 0}}, nil))
	require.Equal(t, hiddenOf(t, m, nil, x, 8)[3*cfg.Hidden:], bitsOf(rest))
}

func TestTapSeesEveryStateAndMayStop(t *testing.T) {
	cfg := tinyConfig()
	m, err := New(cfg, randomWeights(cfg, tensor.F32), weights.Options{})
	require.NoError(t, err)
	var seen []int
	run := func(stopAt int) error {
		s, err := m.NewSession(2, tensor.F32)
		require.NoError(t, err)
		seen = nil
		var sc Scratch
		return m.Forward(nil, &sc, promptOf(2), []Segment{{s, 2, 0}}, func(i int, h []float32) error {
			seen = append(seen, i)
			require.Len(t, h, 2*cfg.Hidden)
			if i == stopAt {
				return errors.New("stop")
			}
			return nil
		})
	}
	require.NoError(t, run(-1))
	require.Equal(t, []int{0, 1, 2}, seen)
	require.EqualError(t, run(1), "stop")
	require.Equal(t, []int{0, 1}, seen)
}

func TestNewNamesWhatIsWrong(t *testing.T) {
	cfg := tinyConfig()
	for _, c := range []struct {
		want   string
		change func(*Config)
	}{
		{`test: tensor "model.layers.0.self_attn.k_proj.weight" has shape [8, 24], expected [12, 24]`, func(c *Config) { c.KVHeads = 3 }},
		{`tensor "model.layers.2.input_layernorm.weight" is missing`, func(c *Config) { c.Layers = 3 }},
		{`6 heads are not a multiple of 4 KV heads`, func(c *Config) { c.KVHeads = 4 }},
		{`head dimension 3 is odd`, func(c *Config) { c.HeadDim = 3 }},
		{`vocabulary is 0, expected a positive number`, func(c *Config) { c.Vocab = 0 }},
		{`rope scaling "yarn" is not known`, func(c *Config) { c.RopeScaling.Type = "yarn" }},
	} {
		bad := cfg
		c.change(&bad)
		_, err := New(bad, randomWeights(cfg, tensor.F32), weights.Options{})
		require.ErrorContains(t, err, c.want)
	}
	m, err := New(cfg, randomWeights(cfg, tensor.F32), weights.Options{})
	require.NoError(t, err)
	_, err = m.NewSession(65, tensor.F32)
	require.ErrorContains(t, err, "65 positions is longer than the context of 64")
	require.ErrorContains(t, m.Embed(make([]float32, 24), []int{50}), "token id 50 at position 0 is outside the vocabulary of 50")
}

func TestRopeFrequencyScaling(t *testing.T) {
	cfg := tinyConfig()
	cfg.HeadDim, cfg.RopeTheta = 16, 10000
	plain, err := cfg.ropeFrequencies()
	require.NoError(t, err)
	cfg.RopeScaling = checkpoint.RopeScaling{Type: "linear", Factor: 4}
	linear, err := cfg.ropeFrequencies()
	require.NoError(t, err)
	cfg.RopeScaling = checkpoint.RopeScaling{Type: "llama3", Factor: 8, LowFreqFactor: 1, HighFreqFactor: 4, OriginalMaxPositions: 64}
	llama3, err := cfg.ropeFrequencies()
	require.NoError(t, err)
	for i, f := range plain {
		require.Equal(t, f/4, linear[i])
		wave := 2 * math.Pi / float64(f)
		blend := (64/wave - 1) / 3
		want := float64(f)
		switch {
		case blend < 0:
			want /= 8
		case blend <= 1:
			want = (1-blend)*want/8 + blend*want
		}
		require.InEpsilon(t, want, float64(llama3[i]), 1e-6, "frequency %d", i)
	}
}
