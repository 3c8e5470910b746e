package variants

import (
	"strings"

	"llavabench/internal/checkpoint"
)

// OneView reports whether a checkpoint in the original layout names a vision tower and shows it one view per picture.
// What decides is the configuration's structure: `model_type` was "llava" or even "llama" in the early files, and
// transformers' own classes use "llava" too.
func OneView(c checkpoint.Config) bool {
	m := c.Multimodal
	if c.Layout != checkpoint.Original || m.VisionTower == "" || strings.HasPrefix(m.MergeType, "spatial") {
		return false
	}
	switch m.AspectRatio {
	case "", "square", "pad":
		return true
	}
	return false
}

// MLP reports whether the projector has more than one layer.
func MLP(c checkpoint.Config) bool { return strings.HasPrefix(c.Multimodal.ProjectorType, "mlp") }
