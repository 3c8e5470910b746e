// Package variantstest holds what tests of generations share: configurations like those of the released checkpoints, and
// the contract that every generation keeps.
package variantstest

import (
	"llavabench/internal/checkpoint"
	"llavabench/internal/imaging"
)

// LLaVA15 is the configuration of a LLaVA-1.5 checkpoint whose tower takes side x side pixels in patches of 14.
func LLaVA15(side int) checkpoint.Config {
	norm := imaging.ClipNormalizer()
	return checkpoint.Config{
		Layout:    checkpoint.Original,
		ModelType: "llava",
		Text:      checkpoint.TextConfig{Family: "llama", Vocab: 32000, MaxPositions: 4096},
		Vision:    checkpoint.VisionConfig{Image: side, Patch: 14},
		Multimodal: checkpoint.Multimodal{
			VisionTower:   "openai/clip-vit-large-patch14-336",
			ProjectorType: "mlp2x_gelu",
			SelectLayer:   -2,
			SelectFeature: "patch",
			AspectRatio:   "pad",
			MergeType:     "flat",
		},
		Processor: checkpoint.Processor{
			ShortestEdge: side, CropHeight: side, CropWidth: side, Resample: 3, Mean: norm.Mean, Std: norm.Std,
		},
	}
}

// LLaVA1 is the configuration of a LLaVA-1 checkpoint (v1.1).
func LLaVA1(side int) checkpoint.Config {
	c := LLaVA15(side)
	c.Text.Vocab, c.Text.MaxPositions = 32003, 2048
	c.Multimodal.VisionTower = "openai/clip-vit-large-patch14"
	c.Multimodal.ProjectorType = "linear"
	c.Multimodal.AspectRatio = "square"
	c.Multimodal.UseStartEnd = true
	return c
}

// LLaVA16 is the configuration of a LLaVA-1.6 checkpoint with the released canvases, in units of side.
func LLaVA16(side int) checkpoint.Config {
	c := LLaVA15(side)
	c.ModelType = "llava_llama"
	c.Multimodal.AspectRatio = "anyres"
	c.Multimodal.MergeType = "spatial_unpad"
	c.Multimodal.GridPinpoints = [][2]int{{side, 2 * side}, {2 * side, side}, {2 * side, 2 * side}, {3 * side, side}, {side, 3 * side}}
	c.Multimodal.TokenizerMaxLength = 4096
	c.Multimodal.HasNewline = true
	return c
}
