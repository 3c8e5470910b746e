package checkpoint

import (
	"testing"

	"github.com/stretchr/testify/require"
)

// Every name that a writer gives is read back as the tensor that it was given for.
func TestNativeNamesReadBack(t *testing.T) {
	linear := Config{Layout: Original, Multimodal: Multimodal{ProjectorType: "linear"}}
	mlp := Config{Layout: Original, Multimodal: Multimodal{ProjectorType: "mlp2x_gelu"}}
	hf := Config{Layout: HuggingFace, Multimodal: Multimodal{ProjectorType: "mlp2x_gelu"}}
	for _, c := range []Config{linear, mlp, hf} {
		check := func(want part, canonical, name string) {
			t.Helper()
			p, got := classify(name)
			require.Equal(t, want, p, name)
			require.Equal(t, canonical, got, name)
		}
		for _, name := range []string{"model.embed_tokens.weight", "model.layers.3.mlp.up_proj.weight", "lm_head.weight", "model.layers.0.self_attn.q_proj.weight.q8.codes"} {
			check(partLLM, name, c.LLMName(name))
		}
		for _, name := range []string{"embeddings.class_embedding", "encoder.layers.1.mlp.fc1.bias", "encoder.layers.1.mlp.fc1.weight.q4.scales"} {
			check(partVision, name, c.VisionName(name))
		}
		check(partExtra, "image_newline", c.ExtraName("image_newline"))
		projector := []string{"0.weight", "0.bias", "0.weight.q4g64.codes", "2.weight", "2.bias"}
		if c.Multimodal.ProjectorType == "linear" {
			projector = projector[:3]
		}
		for _, name := range projector {
			check(partProjector, name, c.ProjectorName(name))
		}
	}
	for _, name := range []string{"model.norm.weight.q8.zeros", "model.layers.0.self_attn.q_proj.bias.q8.codes", "rotary_emb.inv_freq.q8.codes", "x.q8.codes"} {
		p, _ := classify(name)
		require.Equal(t, unknown, p, name)
	}
}
