// Package llava16 is LLaVA-1.6, also called LLaVA-NeXT: the picture is fitted to one of several canvases, tiled, stitched
// to one map, unpadded and sent with a newline vector after every row, behind a view of the whole picture.
//
// Source: the LLaVA and LLaVA-NeXT repositories; there is no paper (project blog, 2024-01-30).
package llava16

import (
	"strings"

	"llavabench/internal/checkpoint"
	"llavabench/variants"
)

// Variant is the generation.
var Variant = variants.Variant{
	Name:  "llava16",
	Title: "LLaVA-1.6 (NeXT)",
	Notes: []string{
		"unpadding computes from the picture's original size and may keep no row of a very flat picture: then only the global view is seen",
	},
	Matches: func(c checkpoint.Config) bool {
		if c.Layout == checkpoint.HuggingFace {
			return c.ModelType == "llava_next"
		}
		return c.Multimodal.VisionTower != "" && !variants.OneView(c)
	},
	Defaults:   defaults,
	Check:      variants.Options.Validate,
	Plan:       variants.Plan,
	Merge:      variants.Merge,
	TokenCount: variants.TokenCount,
}

func defaults(c checkpoint.Config) variants.Options {
	o := variants.Base("llava16", c)
	if c.Layout == checkpoint.HuggingFace {
		o.AspectRatio = "anyres"
		o.MergeType = "spatial_unpad"
	}
	if strings.HasPrefix(o.AspectRatio, "highres") {
		// `image_grid_pinpoints` lists sides there, of which the reference always takes the largest.
		for _, p := range o.Pinpoints {
			o.HighRes = max(o.HighRes, p[0], p[1])
		}
	}
	return o
}
