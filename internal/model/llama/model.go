package llama

import (
	"fmt"

	"llavabench/internal/model/weights"
	"llavabench/internal/tensor"
	"llavabench/kernels"
)

// A Model is the decoder's weights. It is immutable and may serve any number of sessions.
type Model struct {
	cfg     Config
	embed   tensor.Tensor // [vocab, hidden]
	layers  []layer
	norm    []float32      // [hidden]
	head    weights.Matrix // [vocab, hidden]
	invFreq []float32      // [head dim / 2]
}

type layer struct {
	inputNorm []float32      // [hidden]
	q, k, v   weights.Linear // [heads*dim, hidden], [kv*dim, hidden] twice
	out       weights.Linear // [hidden, heads*dim]
	postNorm  []float32      // [hidden]
	gate, up  weights.Linear // [ffn, hidden]
	down      weights.Linear // [hidden, ffn]
}

// New takes a decoder's weights from src, whose tensors have the names of the transformers library
// (`model.layers.0.self_attn.q_proj.weight`). Matrices stay where they are in the mapped file; only norms and biases are
// copied. o says how matrices are held and multiplied. An error names the tensor with the expected and the found shape.
func New(cfg Config, src tensor.Source, o weights.Options) (*Model, error) {
	if err := cfg.check(); err != nil {
		return nil, err
	}
	freq, err := cfg.ropeFrequencies()
	if err != nil {
		return nil, err
	}
	l := weights.NewLoader(src, o)
	m := &Model{cfg: cfg, invFreq: freq}
	attn, kv := cfg.Heads*cfg.HeadDim, cfg.KVHeads*cfg.HeadDim
	m.embed = l.Tensor("model.embed_tokens.weight", cfg.Vocab, cfg.Hidden)
	for i := range cfg.Layers {
		p := fmt.Sprintf("model.layers.%d.", i)
		m.layers = append(m.layers, layer{
			inputNorm: l.Vector(p+"input_layernorm.weight", cfg.Hidden),
			q:         l.Linear(p+"self_attn.q_proj", attn, cfg.Hidden, cfg.QKVBias),
			k:         l.Linear(p+"self_attn.k_proj", kv, cfg.Hidden, cfg.QKVBias),
			v:         l.Linear(p+"self_attn.v_proj", kv, cfg.Hidden, cfg.QKVBias),
			out:       l.Linear(p+"self_attn.o_proj", cfg.Hidden, attn, cfg.OutBias),
			postNorm:  l.Vector(p+"post_attention_layernorm.weight", cfg.Hidden),
			gate:      l.Linear(p+"mlp.gate_proj", cfg.FFN, cfg.Hidden, false),
			up:        l.Linear(p+"mlp.up_proj", cfg.FFN, cfg.Hidden, false),
			down:      l.Linear(p+"mlp.down_proj", cfg.Hidden, cfg.FFN, false),
		})
		if l.Err() != nil {
			break
		}
	}
	m.norm = l.Vector("model.norm.weight", cfg.Hidden)
	if cfg.TieEmbeddings {
		m.head = l.Float("model.embed_tokens.weight", cfg.Vocab, cfg.Hidden)
	} else {
		m.head = l.Float("lm_head.weight", cfg.Vocab, cfg.Hidden)
	}
	if l.Err() != nil {
		return nil, fmt.Errorf("decoder: %w", l.Err())
	}
	return m, nil
}

// Config returns the decoder's sizes.
func (m *Model) Config() Config { return m.cfg }

// Embed writes the embedding rows of ids to dst [len(ids), hidden].
func (m *Model) Embed(dst []float32, ids []int) error {
	d := m.cfg.Hidden
	bytes := d * m.embed.DType.Size()
	for i, id := range ids {
		if id < 0 || id >= m.cfg.Vocab {
			return fmt.Errorf("token id %d at position %d is outside the vocabulary of %d", id, i, m.cfg.Vocab)
		}
		kernels.Widen(dst[i*d:(i+1)*d], m.embed.DType, m.embed.Data[id*bytes:(id+1)*bytes])
	}
	return nil
}

// Logits writes the head's output for hidden [rows, hidden] (as Forward leaves it) to dst [rows, vocab].
func (m *Model) Logits(w *kernels.Workers, dst, hidden []float32, rows int) {
	m.head.Apply(w, dst, hidden, rows, nil)
}
