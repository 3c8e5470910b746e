// Package llava15 is LLaVA-1.5: one view padded to a square, and a projector of two layers (2310.03744). The llava-hf
// processors crop to the middle square instead unless their do_pad is set.
package llava15

import (
	"llavabench/internal/checkpoint"
	"llavabench/variants"
)

// Variant is the generation.
var Variant = variants.Variant{
	Name:           "llava15",
	Title:          "LLaVA-1.5",
	TrainedContext: 2048,
	Matches: func(c checkpoint.Config) bool {
		if c.Layout == checkpoint.HuggingFace {
			return c.ModelType == "llava"
		}
		return variants.OneView(c) && variants.MLP(c)
	},
	Defaults:   func(c checkpoint.Config) variants.Options { return variants.Base("llava15", c) },
	Check:      variants.Options.Validate,
	Plan:       variants.Plan,
	Merge:      variants.Merge,
	TokenCount: variants.TokenCount,
}
