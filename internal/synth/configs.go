// Package synth writes random checkpoints of any built-in configuration: real shapes without real weights, so that memory,
// speed and token counts can be measured by anyone, and tests have models of every generation.
package synth

import (
	"fmt"
	"strings"

	"llavabench/internal/checkpoint"
)

// A Named is a built-in configuration, in the original layout.
type Named struct {
	Name   string
	Title  string // what it is, in one line
	Config checkpoint.Config
}

// The released towers by the name that configurations give them, and the folder of a small one within its checkpoint.
const (
	clip224   = "openai/clip-vit-large-patch14"
	clip336   = "openai/clip-vit-large-patch14-336"
	tinyTower = "vision_tower"
)

// Configs lists the built-in configurations: the released models, and small ones of every generation in real geometry.
//
// Source of the released numbers: the config.json of each checkpoint.
func Configs() []Named {
	vicuna7 := decoder("llama", 32, 4096, 32, 32, 11008, 32000, 4096, 1e-5, 1e4)
	vicuna7v1 := decoder("llama", 32, 4096, 32, 32, 11008, 32003, 2048, 1e-6, 1e4)
	vicuna13 := decoder("llama", 40, 5120, 40, 40, 13824, 32000, 4096, 1e-5, 1e4)
	mistral := decoder("mistral", 32, 4096, 32, 8, 14336, 32000, 32768, 1e-5, 1e6)
	yi := decoder("llama", 60, 7168, 56, 8, 20480, 64000, 4096, 1e-5, 5e6)
	llama3 := decoder("llama", 32, 4096, 32, 8, 14336, 128256, 8192, 1e-5, 5e5)
	qwen := decoder("qwen2", 80, 8192, 64, 64, 24576, 152064, 32768, 1e-6, 1e6)
	qwen.QKVBias = true
	tiny := decoder("llama", 2, 64, 4, 4, 160, 512, 4096, 1e-5, 1e4)
	return []Named{
		{"llava-1-7b", "LLaVA-1 (v1.1) 7B: CLIP L/14 at 224, one linear layer, start and end tokens", llava1(clip224, vicuna7v1, true)},
		{"llava-1-7b-plain", "the same without start and end tokens", llava1(clip224, vicuna7, false)},
		{"llava-1.5-7b", "LLaVA-1.5 7B: CLIP L/14 at 336, two layers with GELU between", llava15(clip336, vicuna7)},
		{"llava-1.5-13b", "LLaVA-1.5 13B", llava15(clip336, vicuna13)},
		{"llava-1.6-vicuna-7b", "LLaVA-1.6 on Vicuna 7B: AnyRes, unpadding, newline", llava16(clip336, vicuna7)},
		{"llava-1.6-vicuna-13b", "LLaVA-1.6 on Vicuna 13B", llava16(clip336, vicuna13)},
		{"llava-1.6-mistral-7b", "LLaVA-1.6 on Mistral 7B", llava16(clip336, mistral)},
		{"llava-1.6-34b", "LLaVA-1.6 on Yi 34B", llava16(clip336, yi)},
		{"llama3-llava-next-8b", "LLaVA-NeXT on Llama 3 8B", llava16(clip336, llama3)},
		{"llava-next-72b", "LLaVA-NeXT on Qwen1.5 72B", llava16(clip336, qwen)},
		{"tiny-llava1", "small LLaVA-1 in real geometry: 224 pixels, 256 image tokens", small(llava1(tinyTower, tiny, false), 224)},
		{"tiny-llava15", "small LLaVA-1.5: 336 pixels, 576 image tokens", small(llava15(tinyTower, tiny), 336)},
		{"tiny-llava15hd", "small LLaVA-1.5 for HD with tiles of 224 pixels, with a row-end vector", small(rowEnd(llava15(tinyTower, tiny)), 224)},
		{"tiny-llava16", "small LLaVA-1.6: tiles of 336 pixels, up to 2,928 image tokens", small(llava16(tinyTower, tiny), 336)},
	}
}

// ByName finds a built-in configuration.
func ByName(name string) (Named, error) {
	var names []string
	for _, n := range Configs() {
		if n.Name == name {
			return n, nil
		}
		names = append(names, n.Name)
	}
	return Named{}, fmt.Errorf("configuration %q is not known, expected one of %s", name, strings.Join(names, ", "))
}

func decoder(family string, layers, hidden, heads, kv, ffn, vocab, positions int, eps, theta float64) checkpoint.TextConfig {
	return checkpoint.TextConfig{
		Family: family, Layers: layers, Hidden: hidden, Heads: heads, KVHeads: kv, HeadDim: hidden / heads, FFN: ffn, Vocab: vocab,
		MaxPositions: positions, NormEps: eps, RopeTheta: theta, HiddenAct: "silu", BOS: 1, EOS: []int{2}, Pad: 0,
	}
}

// model is what the generations share: CLIP L/14, features of the layer before the last, without the class token.
func model(tower string, text checkpoint.TextConfig) checkpoint.Config {
	side := 336
	if tower == clip224 {
		side = 224
	}
	kind := map[string]string{"llama": "llava_llama", "mistral": "llava_mistral", "qwen2": "llava_qwen"}[text.Family]
	return checkpoint.Config{
		Layout: checkpoint.Original, ModelType: kind, Text: text,
		Vision:    checkpoint.VisionConfig{Layers: 24, Hidden: 1024, FFN: 4096, Heads: 16, Patch: 14, Image: side, Channels: 3, HiddenAct: "quick_gelu", NormEps: 1e-5},
		Processor: checkpoint.CLIPProcessor(side),
		Multimodal: checkpoint.Multimodal{
			VisionTower: tower, ProjectorType: "mlp2x_gelu", ProjectorBias: true, SelectLayer: -2, SelectFeature: "patch",
			AspectRatio: "square", MergeType: "flat", ImageTokenIndex: -1,
		},
	}
}

func llava1(tower string, text checkpoint.TextConfig, startEnd bool) checkpoint.Config {
	c := model(tower, text)
	c.Multimodal.ProjectorType = "linear"
	c.Multimodal.UseStartEnd, c.Multimodal.UsePatchToken = startEnd, startEnd
	return c
}

func llava15(tower string, text checkpoint.TextConfig) checkpoint.Config {
	c := model(tower, text)
	c.Multimodal.AspectRatio = "pad"
	return c
}

func llava16(tower string, text checkpoint.TextConfig) checkpoint.Config {
	c := model(tower, text)
	m := &c.Multimodal
	m.AspectRatio, m.MergeType, m.HasNewline = "anyres", "spatial_unpad", true
	m.GridPinpoints = [][2]int{{336, 672}, {672, 336}, {672, 672}, {1008, 336}, {336, 1008}}
	m.TokenizerMaxLength = 4096
	return c
}

// rowEnd gives a LLaVA-1.5 model the vector that HD puts after each row of features.
func rowEnd(c checkpoint.Config) checkpoint.Config {
	c.Multimodal.HasNewline = true
	return c
}

// small replaces the tower by a narrow one of the given side.
func small(c checkpoint.Config, side int) checkpoint.Config {
	c.Vision = checkpoint.VisionConfig{Layers: 3, Hidden: 64, FFN: 128, Heads: 2, Patch: 14, Image: side, Channels: 3, HiddenAct: "quick_gelu", NormEps: 1e-5}
	c.Processor = checkpoint.CLIPProcessor(side)
	return c
}
