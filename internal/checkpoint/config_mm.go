package checkpoint

import (
	"regexp"
	"strings"
)

var (
	mlpType   = regexp.MustCompile(`^mlp[1-9]\d?x_gelu$`)
	anyresMax = regexp.MustCompile(`^anyres_max_[1-9]\d{0,2}$`)
)

const (
	knownProjectors = "linear, mlpNx_gelu, identity"
	knownAspects    = "square, pad, anyres, anyres_max_N, highres, crop_split"
)

// releasedPinpoints is what transformers' LlavaNextConfig assumes, as (height, width); all released files state it.
var releasedPinpoints = [][2]int{{336, 672}, {672, 336}, {672, 672}, {1008, 336}, {336, 1008}}

// readMultimodal reads the flat `mm_*` fields of the original layout, all but the grid list.
//
// Source of the defaults: LLaVA, llava/model/llava_arch.py, multimodal_projector/builder.py, multimodal_encoder/
// clip_encoder.py and builder.py (getattr calls).
func readMultimodal(f *fields) Multimodal {
	m := Multimodal{
		VisionTower:          f.string("mm_vision_tower", f.string("vision_tower", "")),
		ProjectorType:        f.string("mm_projector_type", "linear"),
		ProjectorBias:        true,
		SelectLayer:          f.int("mm_vision_select_layer", -2, -maxLayers, maxLayers),
		SelectFeature:        f.oneOf("mm_vision_select_feature", "patch", "patch", "cls_patch"),
		UseStartEnd:          f.bool("mm_use_im_start_end", false),
		UsePatchToken:        f.bool("mm_use_im_patch_token", true),
		AspectRatio:          f.string("image_aspect_ratio", "square"),
		MergeType:            f.oneOf("mm_patch_merge_type", "flat", "flat", "spatial", "spatial_unpad"),
		ImageCropResolution:  f.int("image_crop_resolution", 0, 1, maxImageSide),
		ImageSplitResolution: f.int("image_split_resolution", 0, 1, maxImageSide),
		TokenizerMaxLength:   f.int("tokenizer_model_max_length", 0, 1, maxPositions),
		MaxSequenceLength:    f.int("max_sequence_length", 0, 1, maxPositions),
		ImageTokenIndex:      -1,
	}
	for _, d := range []struct{ key, value string }{
		{"mm_projector_type", "linear"}, {"mm_vision_select_layer", "-2"}, {"mm_vision_select_feature", "patch"},
		{"image_aspect_ratio", "square"}, {"mm_patch_merge_type", "flat"}, {"mm_use_im_patch_token", "true"},
	} {
		if !f.has(d.key) {
			f.note("%s is absent, which means %s", d.key, d.value)
		}
	}
	if k := m.ProjectorType; k != "linear" && k != "identity" && !mlpType.MatchString(k) {
		f.fail(ErrUnsupported, "mm_projector_type", "is %s, expected one of %s", quote(k), knownProjectors)
	}
	switch a := m.AspectRatio; a {
	case "square", "pad", "anyres", "highres", "crop_split":
	default:
		if !anyresMax.MatchString(a) {
			f.fail(ErrUnsupported, "image_aspect_ratio", "is %s, expected one of %s", quote(a), knownAspects)
		}
	}
	if r := f.m["mm_resampler_type"]; r != nil {
		f.fail(ErrUnsupported, "mm_resampler_type", "is %s, expected null: no resampler is implemented", f.describe(r))
	}
	if f.bool("s2", false) {
		f.fail(ErrUnsupported, "s2", "is true: the multi-scale tower S2 is not implemented")
	}
	return m
}

// readTransformers reads the multimodal fields of the Hugging Face layout, all but the grid list.
//
// Source of the defaults: transformers, configuration_llava.py and configuration_llava_next.py.
func readTransformers(f *fields) Multimodal {
	m := Multimodal{
		ProjectorType: "mlp2x_gelu",
		ProjectorBias: f.bool("multimodal_projector_bias", true),
		SelectLayer:   readFeatureLayer(f),
		SelectFeature: "patch",
		AspectRatio:   "square",
		MergeType:     "flat",
	}
	if f.oneOf("vision_feature_select_strategy", "default", "default", "full") == "full" {
		m.SelectFeature = "cls_patch"
	}
	f.oneOf("projector_hidden_act", "gelu", "gelu")
	if f.oneOf("model_type", "llava", "llava", "llava_next") == "llava_next" {
		m.AspectRatio, m.MergeType = "anyres", "spatial_unpad"
	}
	m.ImageTokenIndex = f.int("image_token_index", f.int("image_token_id", 32000, 0, maxVocab), 0, maxVocab)
	if id := f.int("image_token_id", m.ImageTokenIndex, 0, maxVocab); id != m.ImageTokenIndex {
		f.fail(ErrMismatch, "image_token_id", "is %d, but image_token_index is %d", id, m.ImageTokenIndex)
	}
	if !f.has("image_token_index") && !f.has("image_token_id") {
		f.note("image_token_index is absent, which means 32000")
	}
	return m
}

// readFeatureLayer reads `vision_feature_layer`: a number, or a list of one.
func readFeatureLayer(f *fields) int {
	const key = "vision_feature_layer"
	if list, ok := f.m[key].([]any); ok {
		if len(list) != 1 {
			f.fail(ErrUnsupported, key, "lists %d layers, expected one", len(list))
			return -2
		}
		return f.asInt(key, list[0], -2, -maxLayers, maxLayers)
	}
	return f.int(key, -2, -maxLayers, maxLayers)
}

// readGrids reads the grid list once the tower is known, and checks what depends on the tower.
func readGrids(f *fields, c *Config) {
	const key = "image_grid_pinpoints"
	m := &c.Multimodal
	m.GridPinpoints = readPinpoints(f, key, c.Vision.Image)
	tiled := strings.HasPrefix(m.AspectRatio, "anyres")
	if tiled && m.GridPinpoints == nil {
		if c.Layout == Original {
			f.fail(ErrFormat, key, "is missing, but image_aspect_ratio is %q", m.AspectRatio)
			return
		}
		m.GridPinpoints = releasedPinpoints
		f.note("%s is absent, which means %v", key, releasedPinpoints)
	}
	if tiled {
		for _, p := range m.GridPinpoints {
			if p[0]%c.Vision.Image != 0 || p[1]%c.Vision.Image != 0 {
				f.fail(ErrMismatch, key, "holds [%d, %d], not multiples of the tower's side %d", p[0], p[1], c.Vision.Image)
				return
			}
		}
	}
	depth := m.SelectLayer
	if depth < 0 {
		depth += c.Vision.Layers + 1
	}
	if depth < 0 || depth > c.Vision.Layers {
		name := "mm_vision_select_layer"
		if c.Layout == HuggingFace {
			name = "vision_feature_layer"
		}
		f.fail(ErrFormat, name, "is %d, outside the %d hidden states of a tower of %d layers", m.SelectLayer, c.Vision.Layers+1, c.Vision.Layers)
	}
	if width := f.int("mm_hidden_size", c.Vision.Hidden, 1, maxWidth); width != c.Vision.Hidden {
		f.fail(ErrMismatch, "mm_hidden_size", "is %d, but the tower's width is %d", width, c.Vision.Hidden)
	}
}
