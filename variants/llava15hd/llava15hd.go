// Package llava15hd is LLaVA-1.5-HD: split, encode, stitch, with a view of the whole picture (2310.03744, Sec. 3.4). No
// code and no weights were released; what the paper leaves open is fixed here and stated in Variant.Notes.
package llava15hd

import (
	"fmt"

	"llavabench/internal/checkpoint"
	"llavabench/variants"
)

// Variant is the generation. It runs on any LLaVA-1.5 or 1.6 checkpoint, whose image_aspect_ratio, mm_patch_merge_type
// and image_grid_pinpoints it does not look at, and is chosen by name.
var Variant = variants.Variant{
	Name:           "llava15hd",
	Title:          "LLaVA-1.5-HD",
	TrainedContext: 2048,
	Notes: []string{
		"derived: no weights of LLaVA-1.5-HD were released, results are those of another checkpoint run this way",
		"only a checkpoint with a trained row-end vector (row_end checkpoint) can be called HD proper",
	},
	Matches:    func(checkpoint.Config) bool { return false },
	Defaults:   defaults,
	Check:      check,
	Plan:       variants.Plan,
	Merge:      variants.Merge,
	TokenCount: variants.TokenCount,
}

func defaults(c checkpoint.Config) variants.Options {
	o := variants.Base("llava15hd", c)
	o.Flavour = variants.Original
	o.AspectRatio = "anyres"
	o.MergeType = "spatial_unpad"
	o.Pinpoints, _ = variants.NamedGrid("hd", o.Side)
	o.ShortestEdge = o.Side
	o.CanvasColor = o.PadColor
	o.Strip = variants.StripCover
	o.RowEnd = variants.RowEndNone
	if c.Multimodal.HasNewline {
		o.RowEnd = variants.RowEndCheckpoint
	}
	o.ChannelsGuess = false
	o.TokenizerMaxLength = 0
	return o
}

// check refuses what would no longer be the definition.
func check(o variants.Options) error {
	if err := o.Validate(); err != nil {
		return err
	}
	switch {
	case o.Side%o.Patch != 0:
		return fmt.Errorf("llava15hd: side is %d, expected a multiple of the patch %d", o.Side, o.Patch)
	case o.Flavour != variants.Original:
		return fmt.Errorf("llava15hd: flavour is %q, expected %q: no other code has this variant", o.Flavour, variants.Original)
	case o.AspectRatio != "anyres" || o.MergeType != "spatial_unpad":
		return fmt.Errorf("llava15hd: aspect_ratio is %q and merge_type %q, expected \"anyres\" and \"spatial_unpad\"",
			o.AspectRatio, o.MergeType)
	case o.SelectFeature != variants.FeaturePatch:
		return fmt.Errorf("llava15hd: select_feature is %q, expected %q", o.SelectFeature, variants.FeaturePatch)
	case o.ChannelsGuess:
		return fmt.Errorf("llava15hd: channels_guess is true, but every size takes the same path here")
	case o.TokenizerMaxLength != 0:
		return fmt.Errorf("llava15hd: tokenizer_max_length is %d, but sequences are never cut silently here", o.TokenizerMaxLength)
	}
	return nil
}
