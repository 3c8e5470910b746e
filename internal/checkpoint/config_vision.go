package checkpoint

import (
	"fmt"
	"math"
	"path"
	"strings"
)

const (
	maxPatch     = 1 << 10
	maxImageSide = 1 << 13
)

// readVision reads the fields of a CLIP vision tower; absent ones take the defaults of transformers' CLIPVisionConfig.
func readVision(f *fields) VisionConfig {
	if t := f.string("model_type", "clip_vision_model"); t != "clip_vision_model" && t != "clip" {
		f.fail(ErrUnsupported, "model_type", "is %s, expected clip_vision_model", quote(t))
	}
	var absent []string
	size := func(key string, def, most int) int {
		if !f.has(key) {
			absent = append(absent, fmt.Sprintf("%s %d", key, def))
		}
		return f.int(key, def, 1, most)
	}
	v := VisionConfig{
		Hidden:    size("hidden_size", 768, maxWidth),
		FFN:       size("intermediate_size", 3072, maxFFN),
		Layers:    size("num_hidden_layers", 12, maxLayers),
		Heads:     size("num_attention_heads", 12, maxHeads),
		Patch:     size("patch_size", 32, maxPatch),
		Image:     size("image_size", 224, maxImageSide),
		Channels:  f.int("num_channels", 3, 1, 1024),
		HiddenAct: f.oneOf("hidden_act", "quick_gelu", "quick_gelu", "gelu", "gelu_pytorch_tanh"),
		NormEps:   f.float("layer_norm_eps", 1e-5, 1e-30, 1),
	}
	if len(absent) > 0 {
		f.note("%s leaves out %s: the defaults of the CLIP configuration class", f.where(), strings.Join(absent, ", "))
	}
	switch {
	case v.Image%v.Patch != 0:
		f.fail(ErrMismatch, "image_size", "is %d, not a multiple of patch_size %d", v.Image, v.Patch)
	case v.Hidden%v.Heads != 0:
		f.fail(ErrMismatch, "hidden_size", "is %d, not a multiple of num_attention_heads %d", v.Hidden, v.Heads)
	case v.Channels != 3:
		f.fail(ErrUnsupported, "num_channels", "is %d, expected 3", v.Channels)
	}
	return v
}

// readTowerDir reads config.json and preprocessor_config.json of a CLIP model's directory.
func readTowerDir(dir string) (VisionConfig, Processor, []string, error) {
	f, _, err := readObject(dir, "config.json")
	if err != nil {
		return VisionConfig{}, Processor{}, nil, err
	}
	vf := f
	if f.has("vision_config") {
		vf = f.object("vision_config")
	}
	v := readVision(vf)
	if f.s.err != nil {
		return VisionConfig{}, Processor{}, nil, f.s.err
	}
	p, notes, err := readProcessor(dir, v)
	return v, p, append(f.s.notes, notes...), err
}

// The towers that released checkpoints name, for checkpoints that hold the tower's weights themselves: then its directory
// is needed for nothing but these numbers.
//
// Source: config.json and preprocessor_config.json of openai/clip-vit-large-patch14 and -336.
var knownTowers = map[string]VisionConfig{
	"clip-vit-large-patch14":     clipLarge(224),
	"clip-vit-large-patch14-336": clipLarge(336),
}

func clipLarge(side int) VisionConfig {
	return VisionConfig{Hidden: 1024, FFN: 4096, Layers: 24, Heads: 16, Patch: 14, Image: side, Channels: 3, HiddenAct: "quick_gelu", NormEps: 1e-5}
}

// knownTower looks up a tower by the last part of its name.
func knownTower(name string) (VisionConfig, bool) {
	v, ok := knownTowers[path.Base(strings.ReplaceAll(name, `\`, "/"))]
	return v, ok
}

// CLIPProcessor is the image processor of OpenAI's CLIP for views of side x side pixels: the shorter side resized to side,
// the middle square taken, bytes divided by 255 and normalised per channel.
func CLIPProcessor(side int) Processor {
	return Processor{
		Class: "CLIPImageProcessor", ShortestEdge: side, CropHeight: side, CropWidth: side,
		DoResize: true, DoCenterCrop: true, DoRescale: true, DoNormalize: true, RescaleFactor: 1.0 / 255,
		Mean:     [3]float64{0.48145466, 0.4578275, 0.40821073},
		Std:      [3]float64{0.26862954, 0.26130258, 0.27577711},
		Resample: resampleBicubic,
	}
}

// Pillow's codes of the filters that exist here.
const (
	resampleLanczos  = 1
	resampleBilinear = 2
	resampleBicubic  = 3
)

// readProcessor reads preprocessor_config.json of a directory, or, where transformers 5 has put the same object, the
// `image_processor` of processor_config.json. Without either the processor of OpenAI's CLIP applies.
func readProcessor(dir string, v VisionConfig) (Processor, []string, error) {
	const name, newer, inner = "preprocessor_config.json", "processor_config.json", "image_processor"
	var f *fields
	var err error
	if hasFile(dir, name) {
		f, _, err = readObject(dir, name)
	} else if hasFile(dir, newer) {
		if f, _, err = readObject(dir, newer); err == nil && f.has(inner) {
			f = f.object(inner)
		} else {
			f = nil
		}
	}
	if err != nil {
		return Processor{}, nil, err
	}
	if f == nil {
		return CLIPProcessor(v.Image), []string{fmt.Sprintf("%s has no %s: the processor of OpenAI's CLIP at %d pixels is used", dir, name, v.Image)}, nil
	}
	p := parseProcessor(f, v)
	return p, f.s.notes, f.s.err
}

// parseProcessor reads a processor's fields; absent ones take the defaults of transformers' CLIPImageProcessor.
func parseProcessor(f *fields, v VisionConfig) Processor {
	p := CLIPProcessor(224)
	p.Class = f.string("image_processor_type", f.string("feature_extractor_type", ""))
	p.DoResize = f.bool("do_resize", true)
	p.DoCenterCrop = f.bool("do_center_crop", true)
	p.DoRescale = f.bool("do_rescale", true)
	p.DoNormalize = f.bool("do_normalize", true)
	p.RescaleFactor = f.float("rescale_factor", p.RescaleFactor, 1e-9, 1e9)
	if f.has("size") {
		p.ShortestEdge = f.edge("size")
	}
	if f.has("crop_size") {
		p.CropHeight, p.CropWidth = f.heightWidth("crop_size")
	}
	p.Mean = f.triple("image_mean", p.Mean, 0, 1)
	p.Std = f.triple("image_std", p.Std, 1e-6, 1e3)
	p.Resample = f.int("resample", resampleBicubic, 0, 5)
	if p.Resample != resampleLanczos && p.Resample != resampleBilinear && p.Resample != resampleBicubic {
		f.fail(ErrUnsupported, "resample", "is %d, expected 1 (Lanczos), 2 (bilinear) or 3 (bicubic)", p.Resample)
	}
	// Only LlavaImageProcessor pads the picture; LlavaNextImageProcessor's do_pad pads lists of tiles.
	if strings.HasPrefix(p.Class, "LlavaImageProcessor") {
		p.DoPad = f.bool("do_pad", false)
	} else if f.bool("do_pad", false) && !strings.HasPrefix(p.Class, "LlavaNext") {
		f.note("do_pad is ignored, as the class %s does", quote(p.Class))
	}
	if f.s.err != nil {
		return p
	}
	switch {
	case p.CropHeight != v.Image || p.CropWidth != v.Image:
		f.fail(ErrMismatch, "crop_size", "is %dx%d, but the tower takes %dx%d", p.CropWidth, p.CropHeight, v.Image, v.Image)
	case p.ShortestEdge < v.Image:
		f.fail(ErrMismatch, "size", "is %d, less than the tower's %d", p.ShortestEdge, v.Image)
	}
	return p
}

// edge reads `size`: an integer, {"shortest_edge"} or a square {"height", "width"}.
func (f *fields) edge(key string) int {
	m, ok := f.m[key].(map[string]any)
	if !ok {
		return f.int(key, 0, 1, maxImageSide)
	}
	s := f.object(key)
	_, hasEdge := m["shortest_edge"]
	_, hasHeight := m["height"]
	_, hasWidth := m["width"]
	switch {
	case hasEdge && !hasHeight && !hasWidth:
		return s.int("shortest_edge", 0, 1, maxImageSide)
	case !hasEdge && hasHeight && hasWidth:
		h, w := f.heightWidth(key)
		if h != w {
			f.fail(ErrUnsupported, key, "is %dx%d, expected a square", w, h)
		}
		return h
	}
	f.fail(ErrFormat, key, "has neither shortest_edge alone nor height and width")
	return 0
}

// heightWidth reads an integer (a square) or {"height", "width"}.
func (f *fields) heightWidth(key string) (h, w int) {
	if _, ok := f.m[key].(map[string]any); !ok {
		n := f.int(key, 0, 1, maxImageSide)
		return n, n
	}
	s := f.object(key)
	if !s.has("height") || !s.has("width") {
		f.fail(ErrFormat, key, "has no height or no width")
	}
	return s.int("height", 0, 1, maxImageSide), s.int("width", 0, 1, maxImageSide)
}

// triple reads one number per colour.
func (f *fields) triple(key string, def [3]float64, lo, hi float64) [3]float64 {
	v := f.m[key]
	if v == nil {
		return def
	}
	list, ok := v.([]any)
	if !ok || len(list) != 3 {
		f.fail(ErrFormat, key, "is %s, expected three numbers", f.describe(v))
		return def
	}
	var out [3]float64
	for i, e := range list {
		out[i] = f.asFloat(key, e, math.NaN(), lo, hi)
	}
	return out
}
