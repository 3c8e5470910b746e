package variants

import "llavabench/internal/checkpoint"

// Template picks a conversation template from a checkpoint's structure. The reference picks by substrings of the
// directory's name (run_llava.py), which a configuration does not know; where the two may part, the one that the published
// evaluation scripts pass is taken.
func Template(c checkpoint.Config) string {
	switch c.Text.Family {
	case "mistral":
		return "mistral_instruct"
	case "qwen2":
		return "qwen_1_5"
	}
	v := c.Text.Vocab
	switch {
	case v >= 128256: // Llama 3
		return "llava_llama_3"
	case v >= 64000: // Yi
		return "chatml_direct"
	case MLP(c) || c.Layout == checkpoint.HuggingFace:
		return "vicuna_v1"
	case v == 32004: // Vicuna v0 and the three image tokens and [PAD]
		return "llava_v0"
	case c.Text.MaxPositions >= 4096: // the Llama 2 previews; Vicuna before 1.5 has 2048
		return "llava_llama_2"
	}
	return "llava_v1"
}
