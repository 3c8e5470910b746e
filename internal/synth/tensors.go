package synth

import (
	"fmt"

	"llavabench/internal/checkpoint"
	"llavabench/internal/model/projector"
)

// A spec is one tensor to be written.
type spec struct {
	name  string
	shape []int
	kind  kind
}

// A kind says how a tensor's values are distributed.
type kind int

const (
	matrix kind = iota // mean 0, deviation 1/sqrt(columns), so that activations keep their size
	table              // embeddings: mean 0, deviation 0.02
	scale              // norm weights: near 1
	shift              // biases: near 0
)

// tensors lists what a checkpoint of this configuration holds, in the order of the networks, with the names of the
// original layout and the vision tower inside.
func tensors(c checkpoint.Config) ([]spec, error) {
	var list []spec
	add := func(k kind, name string, shape ...int) { list = append(list, spec{name, shape, k}) }
	t, v := c.Text, c.Vision
	q, kv := t.Heads*t.HeadDim, t.KVHeads*t.HeadDim
	add(table, "model.embed_tokens.weight", t.Vocab, t.Hidden)
	for i := range t.Layers {
		p := fmt.Sprintf("model.layers.%d.", i)
		add(scale, p+"input_layernorm.weight", t.Hidden)
		for _, x := range []struct {
			name string
			rows int
		}{{"q", q}, {"k", kv}, {"v", kv}} {
			add(matrix, p+"self_attn."+x.name+"_proj.weight", x.rows, t.Hidden)
			if t.QKVBias {
				add(shift, p+"self_attn."+x.name+"_proj.bias", x.rows)
			}
		}
		add(matrix, p+"self_attn.o_proj.weight", t.Hidden, q)
		add(scale, p+"post_attention_layernorm.weight", t.Hidden)
		add(matrix, p+"mlp.gate_proj.weight", t.FFN, t.Hidden)
		add(matrix, p+"mlp.up_proj.weight", t.FFN, t.Hidden)
		add(matrix, p+"mlp.down_proj.weight", t.Hidden, t.FFN)
	}
	add(scale, "model.norm.weight", t.Hidden)
	if !t.TieEmbeddings {
		add(matrix, "lm_head.weight", t.Vocab, t.Hidden)
	}

	layers, err := projector.Layers(c.Multimodal.ProjectorType)
	if err != nil {
		return nil, err
	}
	in := v.Hidden
	for i := range layers {
		name := fmt.Sprintf("model.mm_projector.%d.", 2*i)
		if c.Multimodal.ProjectorType == "linear" {
			name = "model.mm_projector."
		}
		add(matrix, name+"weight", t.Hidden, in)
		add(shift, name+"bias", t.Hidden)
		in = t.Hidden
	}
	if c.Multimodal.HasNewline {
		add(table, "model.image_newline", t.Hidden)
	}

	const tower = "model.vision_tower.vision_tower.vision_model."
	norm := func(name string) {
		add(scale, tower+name+".weight", v.Hidden)
		add(shift, tower+name+".bias", v.Hidden)
	}
	linear := func(name string, out, in int) {
		add(matrix, tower+name+".weight", out, in)
		add(shift, tower+name+".bias", out)
	}
	add(table, tower+"embeddings.class_embedding", v.Hidden)
	add(matrix, tower+"embeddings.patch_embedding.weight", v.Hidden, v.Channels, v.Patch, v.Patch)
	add(table, tower+"embeddings.position_embedding.weight", v.Grid()*v.Grid()+1, v.Hidden)
	norm("pre_layrnorm")
	for i := range v.Layers {
		p := fmt.Sprintf("encoder.layers.%d.", i)
		for _, proj := range []string{"k", "v", "q", "out"} {
			linear(p+"self_attn."+proj+"_proj", v.Hidden, v.Hidden)
		}
		norm(p + "layer_norm1")
		linear(p+"mlp.fc1", v.FFN, v.Hidden)
		linear(p+"mlp.fc2", v.Hidden, v.FFN)
		norm(p + "layer_norm2")
	}
	norm("post_layernorm")
	return list, nil
}
