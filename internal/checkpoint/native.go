package checkpoint

import (
	"strconv"
	"strings"
)

// The names under which a file of the configuration's layout holds a tensor, for writers: the inverse of the canonical
// names. The Hugging Face layout is written as transformers before 4.52 does, which every release reads.

// LLMName is the name of a tensor of the decoder.
func (c Config) LLMName(canonical string) string {
	if c.Layout == HuggingFace {
		return "language_model." + canonical
	}
	return canonical
}

// VisionName is the name of a tensor of the vision tower, inside the checkpoint.
func (c Config) VisionName(canonical string) string {
	if c.Layout == HuggingFace {
		return "vision_tower.vision_model." + canonical
	}
	return "model.vision_tower.vision_tower.vision_model." + canonical
}

// ProjectorName is the name of a tensor of the projector.
func (c Config) ProjectorName(canonical string) string {
	index, rest, _ := strings.Cut(canonical, ".")
	switch {
	case c.Layout == HuggingFace:
		n, _ := strconv.Atoi(index)
		return "multi_modal_projector.linear_" + strconv.Itoa(n/2+1) + "." + rest
	case c.Multimodal.ProjectorType == "linear":
		return "model.mm_projector." + rest
	}
	return "model.mm_projector." + canonical
}

// ExtraName is the name of a row-end vector.
func (c Config) ExtraName(canonical string) string {
	if c.Layout == HuggingFace {
		return canonical
	}
	return "model." + canonical
}
