// Package llava1 is LLaVA-1: one view cropped to the middle square, and a linear projector (2304.08485).
package llava1

import (
	"llavabench/internal/checkpoint"
	"llavabench/variants"
)

// Variant is the generation.
var Variant = variants.Variant{
	Name:           "llava1",
	Title:          "LLaVA-1",
	TrainedContext: 2048,
	Notes: []string{
		"the picture is cropped to its middle square: what lies outside is not seen",
	},
	Matches: func(c checkpoint.Config) bool {
		return c.Layout == checkpoint.Original && variants.OneView(c) && !variants.MLP(c)
	},
	Defaults:   func(c checkpoint.Config) variants.Options { return variants.Base("llava1", c) },
	Check:      variants.Options.Validate,
	Plan:       variants.Plan,
	Merge:      variants.Merge,
	TokenCount: variants.TokenCount,
}
