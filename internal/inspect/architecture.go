// Package inspect describes a model and what it makes of a picture: shapes, parameters, memory, tiles and image tokens. It
// computes everything from configurations and runs no network.
package inspect

import (
	"fmt"

	"llavabench/internal/checkpoint"
	"llavabench/internal/model/projector"
)

// A Stage is one step of the architecture.
type Stage struct {
	Name       string `json:"name"`
	Detail     string `json:"detail"`
	Shape      string `json:"shape"`      // of its output, such as "[1, 24x24, 1024]"
	Parameters int64  `json:"parameters"` // 0 where there are none
	// Used counts the parameters that an answer depends on; it is smaller for a tower whose last layers are not read.
	Used int64 `json:"used_parameters"`
	// matrices is the part of Used that weight types apply to; norms, biases and tables stay in half precision.
	matrices int64
}

// An Architecture is a model, stage by stage.
type Architecture struct {
	Stages []Stage `json:"stages"`
	// Memory is the weights' size in bytes by weight type.
	Memory []Memory `json:"memory"`
	// KVBytesPerToken is the size of keys and values of one position in fp32; half of it in fp16 and bf16.
	KVBytesPerToken int64 `json:"kv_bytes_per_token"`
}

// Memory is the size of the used weights under one weight type.
type Memory struct {
	Type  string `json:"type"`
	Bytes int64  `json:"bytes"`
}

// Describe computes the architecture of a configuration for a picture of the given number of views and image tokens; with
// views 0 it is described for one view.
func Describe(c checkpoint.Config, views, tokens int) Architecture {
	v, t, m := c.Vision, c.Text, c.Multimodal
	if views == 0 {
		views = 1
	}
	grid := v.Grid()
	if tokens == 0 {
		tokens = grid * grid
	}
	features := fmt.Sprintf("%dx%d", grid, grid)
	if m.SelectFeature == "cls_patch" {
		features = fmt.Sprintf("1+%dx%d", grid, grid)
	}
	tower, used, towerMatrices := towerParameters(v, m.SelectLayer)
	proj := projectorParameters(m.ProjectorType, v.Hidden, t.Hidden, m.ProjectorBias)
	decoder, decoderMatrices := decoderParameters(t)
	embeddings := int64(t.Vocab) * int64(t.Hidden)
	head := embeddings
	if t.TieEmbeddings {
		head = 0
	}
	a := Architecture{Stages: []Stage{
		{Name: "pixels", Detail: fmt.Sprintf("views of %dx%d, normalised", v.Image, v.Image), Shape: fmt.Sprintf("[%d, %d, %d, %d]", views, v.Channels, v.Image, v.Image)},
		{Name: "vision tower", Detail: TowerName(v) + fmt.Sprintf(": %d layers, width %d, MLP %d, %d heads of %d, patch %d; feature layer %d",
			v.Layers, v.Hidden, v.FFN, v.Heads, v.Hidden/v.Heads, v.Patch, m.SelectLayer),
			Shape: fmt.Sprintf("[%d, %s, %d]", views, features, v.Hidden), Parameters: tower, Used: used, matrices: towerMatrices},
		{Name: "projector", Detail: m.ProjectorType, Shape: fmt.Sprintf("[%d, %s, %d]", views, features, t.Hidden),
			Parameters: proj, Used: proj, matrices: proj},
		{Name: "merge", Detail: "features in order, row ends, unpadding", Shape: fmt.Sprintf("[%d, %d]", tokens, t.Hidden)},
		{Name: "embeddings", Detail: fmt.Sprintf("%d tokens", t.Vocab), Shape: fmt.Sprintf("[%d + text, %d]", tokens, t.Hidden),
			Parameters: embeddings, Used: embeddings},
		{Name: "decoder", Detail: fmt.Sprintf("%s: %d layers, width %d, MLP %d, %d heads of %d, %d KV heads; context %d",
			t.Family, t.Layers, t.Hidden, t.FFN, t.Heads, t.HeadDim, t.KVHeads, t.MaxPositions),
			Shape: fmt.Sprintf("[%d + text, %d]", tokens, t.Hidden), Parameters: decoder, Used: decoder, matrices: decoderMatrices},
		{Name: "head", Detail: headDetail(t), Shape: fmt.Sprintf("[1, %d]", t.Vocab), Parameters: head, Used: head},
	}}
	for _, w := range []struct {
		name string
		bits float64 // per weight of a matrix
	}{{"f32", 32}, {"f16 or bf16", 16}, {"q8", 8 + 16.0/128}, {"q4", 4 + 16.0/32}} {
		var bytes float64
		for _, s := range a.Stages {
			rest := 16.0
			if w.bits == 32 {
				rest = 32
			}
			bytes += (float64(s.matrices)*w.bits + float64(s.Used-s.matrices)*rest) / 8
		}
		a.Memory = append(a.Memory, Memory{Type: w.name, Bytes: int64(bytes)})
	}
	a.KVBytesPerToken = 2 * 4 * int64(t.Layers) * int64(t.KVHeads) * int64(t.HeadDim)
	return a
}

// Total sums the stages' parameters.
func (a Architecture) Total() (parameters, used int64) {
	for _, s := range a.Stages {
		parameters += s.Parameters
		used += s.Used
	}
	return parameters, used
}

func headDetail(t checkpoint.TextConfig) string {
	if t.TieEmbeddings {
		return "tied to the embeddings"
	}
	return "linear"
}

// TowerName is the usual name of a tower's shape, such as "CLIP ViT-L/14 at 336".
func TowerName(v checkpoint.VisionConfig) string {
	size := fmt.Sprintf("%d wide", v.Hidden)
	switch {
	case v.Hidden == 768 && v.Layers == 12:
		size = "B"
	case v.Hidden == 1024 && v.Layers == 24:
		size = "L"
	case v.Hidden == 1280 && v.Layers == 32:
		size = "H"
	case v.Hidden == 1664 && v.Layers == 48:
		size = "bigG"
	}
	return fmt.Sprintf("CLIP ViT-%s/%d at %d", size, v.Patch, v.Image)
}

// Towers are the vision transformers that the LLaVA literature names: B/16, L/16, L/14 and H/14, and L/14 at 336 pixels,
// which LLaVA-1.5 and 1.6 use.
func Towers() []checkpoint.VisionConfig {
	tower := func(layers, hidden, heads, patch, side int, act string) checkpoint.VisionConfig {
		return checkpoint.VisionConfig{Layers: layers, Hidden: hidden, FFN: 4 * hidden, Heads: heads, Patch: patch, Image: side,
			Channels: 3, HiddenAct: act, NormEps: 1e-5}
	}
	return []checkpoint.VisionConfig{
		tower(12, 768, 12, 16, 224, "quick_gelu"),
		tower(24, 1024, 16, 16, 224, "quick_gelu"),
		tower(24, 1024, 16, 14, 224, "quick_gelu"),
		tower(24, 1024, 16, 14, 336, "quick_gelu"),
		tower(32, 1280, 16, 14, 224, "gelu"),
	}
}

// TowerParameters counts all parameters of a CLIP tower without its output projection.
func TowerParameters(v checkpoint.VisionConfig) int64 {
	n, _, _ := towerParameters(v, -1)
	return n
}

// towerParameters counts all parameters of a CLIP tower without its output projection, those up to the selected layer,
// and the matrices among the latter.
func towerParameters(v checkpoint.VisionConfig, selectLayer int) (all, used, matrices int64) {
	w, f := int64(v.Hidden), int64(v.FFN)
	tokens := int64(v.Grid())*int64(v.Grid()) + 1
	patch := w * int64(v.Channels) * int64(v.Patch) * int64(v.Patch)
	embeddings := patch + w + tokens*w + 2*w // patches, class token, positions, first norm
	layerMatrices := 4*w*w + 2*w*f
	layer := layerMatrices + 4*w + f + w + 4*w // and biases, two norms
	depth := int64(selectLayer)
	if depth < 0 {
		depth += int64(v.Layers) + 1
	}
	depth = min(max(depth, 0), int64(v.Layers))
	all = embeddings + int64(v.Layers)*layer + 2*w // last norm
	return all, embeddings + depth*layer, patch + depth*layerMatrices
}

func projectorParameters(kind string, in, out int, bias bool) int64 {
	n, err := projector.Layers(kind)
	if err != nil {
		return 0
	}
	var total int64
	for range n {
		total += int64(in) * int64(out)
		if bias {
			total += int64(out)
		}
		in = out
	}
	return total
}

// decoderParameters counts the decoder's layers and final norm, and the matrices among them; embeddings and head apart.
func decoderParameters(t checkpoint.TextConfig) (all, matrices int64) {
	d, f := int64(t.Hidden), int64(t.FFN)
	q, kv := int64(t.Heads)*int64(t.HeadDim), int64(t.KVHeads)*int64(t.HeadDim)
	layerMatrices := 2*d*q + 2*d*kv + 3*d*f
	layer := layerMatrices + 2*d
	if t.QKVBias {
		layer += q + 2*kv
	}
	if t.OutBias {
		layer += d
	}
	return int64(t.Layers)*layer + d, int64(t.Layers) * layerMatrices
}
