// Package clip is the CLIP vision transformer: patches of one view to hidden states.
//
// Reference: openai/CLIP, clip/model.py (VisionTransformer); transformers, models/clip/modeling_clip.py; LLaVA,
// llava/model/multimodal_encoder/clip_encoder.py for the choice of layer and rows.
package clip

import (
	"fmt"
	"math"

	"llavabench/internal/checkpoint"
	"llavabench/internal/model/weights"
	"llavabench/internal/tensor"
	"llavabench/kernels"
)

// A Config gives the sizes of a tower and what is taken from it.
type Config struct {
	Hidden   int
	FFN      int
	Layers   int
	Heads    int
	Patch    int // pixels
	Image    int // pixels; the side of a view
	Channels int
	Act      string // "quick_gelu", "gelu" (exact) or "gelu_pytorch_tanh"
	NormEps  float32
	// SelectLayer indexes the hidden states: 0 is after the first norm, i is after layer i, negative counts from the end
	// (-1 is after the last layer).
	SelectLayer int
	// KeepClass keeps the class token's row (strategy `cls_patch`); without it the features are the patches alone.
	KeepClass bool
}

// FromCheckpoint takes the tower's sizes from a checkpoint's configuration.
func FromCheckpoint(v checkpoint.VisionConfig, selectLayer int, selectFeature string) Config {
	return Config{
		Hidden: v.Hidden, FFN: v.FFN, Layers: v.Layers, Heads: v.Heads, Patch: v.Patch, Image: v.Image,
		Channels: v.Channels, Act: v.HiddenAct, NormEps: float32(v.NormEps),
		SelectLayer: selectLayer, KeepClass: selectFeature == "cls_patch",
	}
}

// Grid is the number of patches along one side.
func (c Config) Grid() int { return c.Image / c.Patch }

// Tokens is the length of the tower's sequence: the class token and all patches.
func (c Config) Tokens() int { return c.Grid()*c.Grid() + 1 }

// Features is the number of rows that the tower hands on per view.
func (c Config) Features() int {
	if c.KeepClass {
		return c.Tokens()
	}
	return c.Tokens() - 1
}

// Depth is the number of layers that are computed for SelectLayer.
func (c Config) Depth() (int, error) {
	i := c.SelectLayer
	if i < 0 {
		i += c.Layers + 1
	}
	if i < 0 || i > c.Layers {
		return 0, fmt.Errorf("vision tower: select layer %d is outside the %d hidden states of %d layers", c.SelectLayer, c.Layers+1, c.Layers)
	}
	return i, nil
}

func (c Config) check() error {
	for _, f := range []struct {
		name  string
		value int
	}{
		{"hidden size", c.Hidden}, {"feed-forward size", c.FFN}, {"layers", c.Layers}, {"heads", c.Heads},
		{"patch size", c.Patch}, {"image size", c.Image}, {"channels", c.Channels},
	} {
		if f.value <= 0 {
			return fmt.Errorf("vision tower: %s is %d, expected a positive number", f.name, f.value)
		}
	}
	if c.Hidden%c.Heads != 0 {
		return fmt.Errorf("vision tower: hidden size %d is not a multiple of %d heads", c.Hidden, c.Heads)
	}
	if c.Image < c.Patch {
		return fmt.Errorf("vision tower: image size %d is smaller than a patch of %d", c.Image, c.Patch)
	}
	switch c.Act {
	case "quick_gelu", "gelu", "gelu_pytorch_tanh":
		return nil
	}
	return fmt.Errorf("vision tower: activation %q is not known, expected quick_gelu, gelu or gelu_pytorch_tanh", c.Act)
}

// A Model is a tower's weights up to the selected layer; it is immutable.
type Model struct {
	cfg      Config
	class    []float32      // [hidden]
	patch    weights.Matrix // [hidden, channels*patch*patch]
	position []float32      // [tokens, hidden]
	preNorm  weights.Norm
	layers   []layer
}

type layer struct {
	norm1        weights.Norm
	q, k, v, out weights.Linear // [hidden, hidden]
	norm2        weights.Norm
	fc1          weights.Linear // [ffn, hidden]
	fc2          weights.Linear // [hidden, ffn]
}

// New takes the tower's weights from src, whose names are those of the transformers library without the prefix
// `vision_model.`. Layers above the selected one and the last norm are not read: no feature depends on them. o says how matrices are held and multiplied.
func New(cfg Config, src tensor.Source, o weights.Options) (*Model, error) {
	if err := cfg.check(); err != nil {
		return nil, err
	}
	depth, err := cfg.Depth()
	if err != nil {
		return nil, err
	}
	l := weights.NewLoader(src, o)
	w, f := cfg.Hidden, cfg.FFN
	m := &Model{
		cfg:      cfg,
		class:    l.Vector("embeddings.class_embedding", w),
		position: l.Vector("embeddings.position_embedding.weight", cfg.Tokens(), w),
		patch:    l.Float("embeddings.patch_embedding.weight", w, cfg.Channels, cfg.Patch, cfg.Patch),
		preNorm:  l.Norm("pre_layrnorm", w),
	}
	for i := range depth {
		p := fmt.Sprintf("encoder.layers.%d.", i)
		m.layers = append(m.layers, layer{
			norm1: l.Norm(p+"layer_norm1", w),
			q:     l.Linear(p+"self_attn.q_proj", w, w, true),
			k:     l.Linear(p+"self_attn.k_proj", w, w, true),
			v:     l.Linear(p+"self_attn.v_proj", w, w, true),
			out:   l.Linear(p+"self_attn.out_proj", w, w, true),
			norm2: l.Norm(p+"layer_norm2", w),
			fc1:   l.Linear(p+"mlp.fc1", f, w, true),
			fc2:   l.Linear(p+"mlp.fc2", w, f, true),
		})
	}
	if l.Err() != nil {
		return nil, fmt.Errorf("vision tower: %w", l.Err())
	}
	return m, nil
}

// Config returns the tower's sizes.
func (m *Model) Config() Config { return m.cfg }

// A Tap receives hidden state i [tokens, hidden], the class token first: 0 is after the first norm, i after layer i. The
// slice is only valid during the call. An error ends the pass.
type Tap func(index int, hidden []float32) error

// Scratch holds the intermediate values of one view. One goroutine uses it at a time.
type Scratch struct {
	columns, x, normed, q, k, v, attn, ffn []float32
	kv                                     *kernels.KV
}

// Encode writes the features [Features(), hidden] of one view to dst. pixels is the normalised view [channels, image,
// image]. tap may be nil; the only error is the tap's.
func (m *Model) Encode(w *kernels.Workers, sc *Scratch, dst, pixels []float32, tap Tap) error {
	cfg := m.cfg
	n, width := cfg.Tokens(), cfg.Hidden
	x := weights.Grow(&sc.x, n*width)
	normed := weights.Grow(&sc.normed, n*width)
	q, k, v := weights.Grow(&sc.q, n*width), weights.Grow(&sc.k, n*width), weights.Grow(&sc.v, n*width)
	attn := weights.Grow(&sc.attn, n*width)
	ffn := weights.Grow(&sc.ffn, n*cfg.FFN)
	if sc.kv == nil {
		sc.kv = kernels.NewKV(cfg.Heads, width/cfg.Heads, n, tensor.F32)
	}

	columns := m.unfold(weights.Grow(&sc.columns, (n-1)*cfg.Channels*cfg.Patch*cfg.Patch), pixels)
	m.patch.Apply(w, x[width:], columns, n-1, nil)
	copy(x, m.class)
	w.Add(x, m.position)
	w.LayerNorm(x, x, n, width, m.preNorm.Weight, m.preNorm.Bias, cfg.NormEps)
	if tap == nil {
		tap = func(int, []float32) error { return nil }
	}
	if err := tap(0, x); err != nil {
		return err
	}
	attention := kernels.Attention{Scale: float32(1 / math.Sqrt(float64(width/cfg.Heads)))}
	for i := range m.layers {
		l := &m.layers[i]
		w.LayerNorm(normed, x, n, width, l.norm1.Weight, l.norm1.Bias, cfg.NormEps)
		l.q.Apply(w, q, normed, n)
		l.k.Apply(w, k, normed, n)
		l.v.Apply(w, v, normed, n)
		sc.kv.Truncate(0)
		sc.kv.Append(w, k, v, n)
		w.Attend(attn, q, n, cfg.Heads, sc.kv, attention)
		l.out.Apply(w, normed, attn, n)
		w.Add(x, normed)

		w.LayerNorm(normed, x, n, width, l.norm2.Weight, l.norm2.Bias, cfg.NormEps)
		l.fc1.Apply(w, ffn, normed, n)
		activate(w, cfg.Act, ffn)
		l.fc2.Apply(w, normed, ffn, n)
		w.Add(x, normed)
		if err := tap(i+1, x); err != nil {
			return err
		}
	}
	if cfg.KeepClass {
		copy(dst, x)
	} else {
		copy(dst, x[width:])
	}
	return nil
}

// unfold lays the patches out as rows [grid*grid, channels*patch*patch], patches row by row and the values of one in the
// order channel, row, column: the patch convolution is then a matrix product. A border narrower than a patch is left out.
func (m *Model) unfold(dst, pixels []float32) []float32 {
	g, p, s := m.cfg.Grid(), m.cfg.Patch, m.cfg.Image
	o := 0
	for row := range g {
		for col := range g {
			for ch := range m.cfg.Channels {
				for i := range p {
					from := (ch*s+row*p+i)*s + col*p
					o += copy(dst[o:o+p], pixels[from:from+p])
				}
			}
		}
	}
	return dst
}

func activate(w *kernels.Workers, name string, x []float32) {
	switch name {
	case "quick_gelu":
		w.QuickGELU(x)
	case "gelu":
		w.GELU(x)
	case "gelu_pytorch_tanh":
		w.GELUTanh(x)
	}
}
