package synth

import (
	"fmt"
	"path/filepath"
	"strings"

	"llavabench/internal/checkpoint"
	"llavabench/internal/tensor"
)

// rowsMultiple is the number to a multiple of which the conversion scripts of transformers pad the embeddings.
const rowsMultiple = 64

// transformers turns a configuration of the original layout into that of the llava-hf layout: everything in one directory, two
// more tokens (the picture's and padding), and embeddings of a multiple of 64 rows.
//
// Source: transformers, convert_llava_weights_to_hf.py and convert_llava_next_weights_to_hf.py.
func transformers(c checkpoint.Config) (checkpoint.Config, error) {
	m := &c.Multimodal
	if m.ProjectorType != "mlp2x_gelu" {
		return c, fmt.Errorf("layout %s: its classes know the projector mlp2x_gelu only, not %s", checkpoint.HuggingFace, m.ProjectorType)
	}
	c.Layout = checkpoint.HuggingFace
	c.ModelType = "llava"
	if m.AspectRatio == "anyres" {
		c.ModelType = "llava_next"
	}
	m.VisionTower = ""
	m.ImageTokenIndex = c.Text.Vocab
	c.Text.Pad = c.Text.Vocab + 1
	c.Text.Vocab = (c.Text.Vocab + 2 + rowsMultiple - 1) / rowsMultiple * rowsMultiple
	return c, nil
}

// transformersName is a tensor's name in the llava-hf layout, as all published files have it.
func transformersName(name string) string {
	for _, r := range []struct{ from, to string }{
		{"model.vision_tower.vision_tower.", "vision_tower."},
		{"model.mm_projector.0.", "multi_modal_projector.linear_1."},
		{"model.mm_projector.2.", "multi_modal_projector.linear_2."},
		{"model.image_newline", "image_newline"},
	} {
		if rest, ok := strings.CutPrefix(name, r.from); ok {
			return r.to + rest
		}
	}
	return "language_model." + name
}

// writeTransformers writes the configuration files of the llava-hf layout.
func writeTransformers(dir string, c checkpoint.Config, d tensor.DType) error {
	t, m := c.Text, c.Multimodal
	dtype := torchType(d)
	text := textFields(t)
	text["model_type"] = t.Family
	text["torch_dtype"] = dtype
	config := map[string]any{
		"architectures": []string{map[string]string{"llava": "LlavaForConditionalGeneration", "llava_next": "LlavaNextForConditionalGeneration"}[c.ModelType]},
		"model_type":    c.ModelType, "text_config": text, "vision_config": visionFields(c.Vision), "image_token_index": m.ImageTokenIndex,
		"pad_token_id": t.Pad, "projector_hidden_act": "gelu", "vision_feature_layer": m.SelectLayer, "vision_feature_select_strategy": "default",
		"image_seq_length": c.Vision.Grid() * c.Vision.Grid(), "tie_word_embeddings": t.TieEmbeddings, "torch_dtype": dtype,
	}
	p := c.Processor
	processor := processorFields(p)
	processor["size"] = map[string]int{"shortest_edge": p.ShortestEdge}
	processor["crop_size"] = map[string]int{"height": p.CropHeight, "width": p.CropWidth}
	if c.ModelType == "llava_next" {
		// Listed as (height, width) there; the released list means the same either way.
		config["image_grid_pinpoints"], processor["image_grid_pinpoints"] = m.GridPinpoints, m.GridPinpoints
		config["use_image_newline_parameter"] = true
		processor["image_processor_type"] = "LlavaNextImageProcessor"
	}
	for _, f := range []struct {
		name string
		v    any
	}{
		{"config.json", config},
		{"preprocessor_config.json", processor},
		{"added_tokens.json", map[string]int{"<image>": m.ImageTokenIndex, "<pad>": t.Pad}},
	} {
		if err := writeJSON(filepath.Join(dir, f.name), f.v); err != nil {
			return err
		}
	}
	return nil
}
