package pipeline

import (
	"context"
	"errors"
	"fmt"
	"math"

	"llavabench/internal/checkpoint"
	"llavabench/internal/tensor"
)

// ErrNotFinite is the class of errors about activations or logits that are infinite or NaN. Nothing that is computed from them
// is an answer.
var ErrNotFinite = errors.New("not finite")

// guarded runs work that reads the weights. When a file of theirs shrinks, fails or is written to meanwhile, the result is an
// error of class checkpoint.ErrChanged that names it, and the pipeline is of no further use.
func (p *Pipeline) guarded(work func() error) error {
	err := checkpoint.CatchFault(work)
	if errors.Is(err, checkpoint.ErrChanged) {
		return err
	}
	if changed := p.ckpt.Unchanged(); changed != nil {
		return changed
	}
	return err
}

// checkTower looks at hidden state layer (0: the embedding) of the vision tower.
func (p *Pipeline) checkTower(layer int, h []float32) error {
	cfg := p.tower.Config()
	name, prefix := "vision tower, patch embedding", "embeddings."
	if layer > 0 {
		name, prefix = fmt.Sprintf("vision tower, layer %d of %d", layer, cfg.Layers), fmt.Sprintf("encoder.layers.%d.", layer-1)
	}
	prefixes := []string{prefix}
	if layer == 0 {
		prefixes = append(prefixes, "pre_layrnorm.")
	}
	return p.checkFinite(name, h, cfg.Hidden, 0, p.ckpt.Vision(), prefixes...)
}

// checkDecoder looks at hidden state layer (0: the input) of the decoder for positions from first on.
func (p *Pipeline) checkDecoder(layer, first int, h []float32) error {
	cfg := p.llm.Config()
	name, prefixes := "prompt embedding", []string{"model.embed_tokens."}
	if layer > 0 {
		name, prefixes = fmt.Sprintf("decoder, layer %d of %d", layer, cfg.Layers), []string{fmt.Sprintf("model.layers.%d.", layer-1)}
	}
	if layer == cfg.Layers {
		prefixes = append(prefixes, "model.norm.")
	}
	return p.checkFinite(name, h, cfg.Hidden, first, p.ckpt.LLM(), prefixes...)
}

// checkLogits looks at the logits of one position.
func (p *Pipeline) checkLogits(position int, logits []float32) error {
	head := "lm_head."
	if p.llm.Config().TieEmbeddings {
		head = "model.embed_tokens."
	}
	return p.checkFinite("logits", logits, p.llm.Config().Vocab, position, p.ckpt.LLM(), head)
}

// checkFinite returns an error of class ErrNotFinite when values, rows of the given width from row first on, hold an infinity
// or NaN. It names where, and the weight among those below prefixes that is not finite itself, if one is.
func (p *Pipeline) checkFinite(where string, values []float32, width, first int, src tensor.Source, prefixes ...string) error {
	i := p.workers.NonFinite(values)
	if i < 0 {
		return nil
	}
	what := "NaN"
	if !math.IsNaN(float64(values[i])) {
		what = "an infinite value"
	}
	err := fmt.Errorf("%s: %s at position %d, element %d: %w", where, what, first+i/width, i%width, ErrNotFinite)
	cause := checkpoint.CheckFinite(context.Background(), src, prefixes...)
	if cause == nil {
		return fmt.Errorf("%w (its weights in %s are finite: a product or sum overflowed)", err, p.ckpt.Dir)
	}
	return fmt.Errorf("%w: %w", err, cause)
}
