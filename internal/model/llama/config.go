// Package llama is the decoder of the LLaVA models: a pre-norm transformer with rotary positions, grouped key-value
// heads and a gated feed-forward part, as LLaMA, Vicuna, Mistral, Yi and Qwen2 have it. A Model holds the immutable
// weights, a Session the key-value cache of one sequence; one forward pass may advance several sessions at once, and
// each gets the bits that it would have got alone.
//
// Reference: transformers, models/llama/modeling_llama.py (and mistral, qwen2 where they differ).
package llama

import (
	"fmt"
	"math"

	"llavabench/internal/checkpoint"
	"llavabench/kernels"
)

// A Config gives the sizes of a decoder.
type Config struct {
	Hidden        int // width of the residual stream
	Layers        int
	Heads         int // query heads
	KVHeads       int // key and value heads; Heads is a multiple
	HeadDim       int
	FFN           int // width of the feed-forward part
	Vocab         int // rows of the embedding and of the head
	MaxPositions  int
	NormEps       float32
	RopeTheta     float64
	RopeScaling   checkpoint.RopeScaling
	Window        int  // keys that a query sees, itself included; 0 for all
	TieEmbeddings bool // the head is the embedding
	QKVBias       bool
	OutBias       bool
}

// FromCheckpoint takes the decoder's sizes from a checkpoint's configuration.
func FromCheckpoint(c checkpoint.TextConfig) Config {
	return Config{
		Hidden:        c.Hidden,
		Layers:        c.Layers,
		Heads:         c.Heads,
		KVHeads:       c.KVHeads,
		HeadDim:       c.HeadDim,
		FFN:           c.FFN,
		Vocab:         c.Vocab,
		MaxPositions:  c.MaxPositions,
		NormEps:       float32(c.NormEps),
		RopeTheta:     c.RopeTheta,
		RopeScaling:   c.RopeScaling,
		Window:        c.SlidingWindow,
		TieEmbeddings: c.TieEmbeddings,
		QKVBias:       c.QKVBias,
		OutBias:       c.OutBias,
	}
}

func (c Config) check() error {
	for _, f := range []struct {
		name  string
		value int
	}{
		{"hidden size", c.Hidden}, {"layers", c.Layers}, {"heads", c.Heads}, {"KV heads", c.KVHeads},
		{"head dimension", c.HeadDim}, {"feed-forward size", c.FFN}, {"vocabulary", c.Vocab},
	} {
		if f.value <= 0 {
			return fmt.Errorf("decoder: %s is %d, expected a positive number", f.name, f.value)
		}
	}
	if c.Heads%c.KVHeads != 0 {
		return fmt.Errorf("decoder: %d heads are not a multiple of %d KV heads", c.Heads, c.KVHeads)
	}
	if c.HeadDim%2 != 0 {
		return fmt.Errorf("decoder: head dimension %d is odd, rotary positions need pairs", c.HeadDim)
	}
	return nil
}

// ropeFrequencies gives the inverse frequencies [HeadDim/2] after scaling, in float32 step by step as the reference
// computes them.
//
// Reference: transformers, modeling_rope_utils.py: _compute_linear_scaling_rope_parameters (inverse frequencies divided
// by the factor) and _compute_llama3_parameters (low frequencies divided, high ones kept, a linear blend between).
func (c Config) ropeFrequencies() ([]float32, error) {
	inv := kernels.RopeFrequencies(c.RopeTheta, c.HeadDim)
	s := c.RopeScaling
	factor := float32(s.Factor)
	switch s.Type {
	case "":
	case "linear":
		for i := range inv {
			inv[i] /= factor
		}
	case "llama3":
		context := float32(s.OriginalMaxPositions)
		low, high := float32(s.LowFreqFactor), float32(s.HighFreqFactor)
		for i, f := range inv {
			wave := float32(2*math.Pi) / f
			switch {
			case wave > context/low:
				inv[i] = f / factor
			case wave < context/high:
			default:
				blend := (float32(context/wave) - low) / (high - low)
				scaled := float32((1-blend)*f) / factor
				inv[i] = scaled + float32(blend*f)
			}
		}
	default:
		return nil, fmt.Errorf("decoder: rope scaling %q is not known, expected none, linear or llama3", s.Type)
	}
	return inv, nil
}
