package synth

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"llavabench/internal/checkpoint"
	"llavabench/internal/tensor"
	"llavabench/kernels"
)

// Options choose what Write makes.
type Options struct {
	DType tensor.DType // of every tensor: F32, F16 or BF16
	Seed  uint64
	// Layout is the original one where empty. Both hold the same values: element by element they depend on the original
	// name. The llava-hf layout exists for projectors of two layers only.
	Layout checkpoint.Layout
	// Sparse leaves the weights zero, as holes that take no room on disk: shapes and memory are real, numbers are not.
	Sparse bool
	// Progress is told how many of total megabytes are written. It may be nil.
	Progress func(stage string, done, total int)
}

// maxShardBytes is the size of a file of a large checkpoint, as the released ones have it.
const maxShardBytes = 5_000_000_000

// Write makes a checkpoint of a configuration in dir, which must be empty or absent: weights, configuration, tokenizer. It
// needs little memory however large the checkpoint, and the same arguments give the same bytes on every machine.
func Write(ctx context.Context, w *kernels.Workers, n Named, dir string, o Options) (err error) {
	if !o.DType.IsFloat() {
		return fmt.Errorf("weight type %s is not known, expected F32, F16 or BF16", o.DType)
	}
	c, name := n.Config, func(original string) string { return original }
	switch o.Layout {
	case "", checkpoint.Original:
	case checkpoint.HuggingFace:
		if c, err = transformers(c); err != nil {
			return err
		}
		name = transformersName
	default:
		return fmt.Errorf("layout %q is not known, expected %s or %s", o.Layout, checkpoint.Original, checkpoint.HuggingFace)
	}
	list, err := tensors(c)
	if err != nil {
		return err
	}
	if err := emptyDir(dir); err != nil {
		return err
	}
	var specs []checkpoint.Spec
	var total int64
	for _, s := range list {
		spec := checkpoint.Spec{Name: name(s.name), DType: o.DType, Shape: s.shape}
		bytes, err := spec.Bytes()
		if err != nil {
			return err
		}
		specs = append(specs, spec)
		total += bytes
	}
	out, err := checkpoint.NewWriter(dir, specs, checkpoint.WriterOptions{
		Metadata:      map[string]string{"format": "pt", "source": o.source(n.Name)},
		MaxShardBytes: maxShardBytes,
	})
	if err != nil {
		return err
	}
	defer out.Close()
	// Blocks are filled by all workers at once and written in order.
	const block = 1 << 20 // bytes; even numbers of elements
	buf := make([]byte, max(w.N(), 1)*block)
	var done int64
	for _, s := range list {
		if err := out.Begin(name(s.name)); err != nil {
			return err
		}
		if o.Sparse {
			if err := out.Hole(); err != nil {
				return err
			}
			continue
		}
		v := newValues(o.Seed, s, o.DType)
		size := tensor.Elements(s.shape) * o.DType.Size()
		for at := 0; at < size; at += len(buf) {
			part := buf[:min(len(buf), size-at)]
			w.Do((len(part)+block-1)/block, func(_, i int) {
				end := min((i+1)*block, len(part))
				v.fill(part[i*block:end], (at+i*block)/v.size)
			})
			if _, err := out.Write(part); err != nil {
				return err
			}
			done += int64(len(part))
			if o.Progress != nil {
				o.Progress("writing MB", int(done/1e6), int(total/1e6))
			}
			if err := ctx.Err(); err != nil {
				return err
			}
		}
	}
	if err := writeTokenizer(dir, n.Config); err != nil {
		return err
	}
	if c.Layout == checkpoint.HuggingFace {
		err = writeTransformers(dir, c, o.DType)
	} else {
		err = writeOriginal(dir, c, o.DType)
	}
	if err != nil {
		return err
	}
	return out.Commit()
}

// source says in the files where the weights come from.
func (o Options) source(config string) string {
	if o.Sparse {
		return fmt.Sprintf("weights of zero in the shape of configuration %s", config)
	}
	return fmt.Sprintf("random weights of configuration %s, seed %d", config, o.Seed)
}

// writeTokenizer writes a tokenizer of the configuration's size.
func writeTokenizer(dir string, c checkpoint.Config) error {
	model := tokenizerModel(c.Text.Vocab, specials(c))
	if err := os.WriteFile(filepath.Join(dir, "tokenizer.model"), model, 0o644); err != nil {
		return err
	}
	return writeJSON(filepath.Join(dir, "tokenizer_config.json"), map[string]any{
		"tokenizer_class": "LlamaTokenizer", "add_bos_token": true, "add_eos_token": false, "legacy": false,
		"bos_token": "<s>", "eos_token": "</s>", "unk_token": "<unk>",
	})
}

// emptyDir makes dir, or checks that there is nothing in it: a synthetic checkpoint must never replace a real one.
func emptyDir(dir string) error {
	entries, err := os.ReadDir(dir)
	switch {
	case os.IsNotExist(err):
		return os.MkdirAll(dir, 0o755)
	case err != nil:
		return err
	case len(entries) > 0:
		return fmt.Errorf("%s is not empty (it holds %s): a checkpoint is written to a new or empty directory only", dir, entries[0].Name())
	}
	return nil
}

// writeOriginal writes config.json of the original layout, and for a tower without a released name its directory with both
// of its files.
func writeOriginal(dir string, c checkpoint.Config, d tensor.DType) error {
	t, m := c.Text, c.Multimodal
	config := textFields(t)
	for key, value := range map[string]any{
		"architectures":            []string{map[string]string{"llama": "LlavaLlamaForCausalLM", "mistral": "LlavaMistralForCausalLM", "qwen2": "LlavaQwenForCausalLM"}[t.Family]},
		"model_type":               c.ModelType,
		"pad_token_id":             t.Pad,
		"torch_dtype":              torchType(d),
		"mm_vision_tower":          m.VisionTower,
		"mm_hidden_size":           c.Vision.Hidden,
		"mm_vision_select_layer":   m.SelectLayer,
		"mm_vision_select_feature": m.SelectFeature,
		"mm_projector_type":        m.ProjectorType,
		"mm_use_im_start_end":      m.UseStartEnd,
		"mm_use_im_patch_token":    m.UsePatchToken,
		"image_aspect_ratio":       m.AspectRatio,
		"mm_patch_merge_type":      m.MergeType,
	} {
		config[key] = value
	}
	if m.GridPinpoints != nil {
		config["image_grid_pinpoints"] = m.GridPinpoints
	}
	if m.TokenizerMaxLength > 0 {
		config["tokenizer_model_max_length"] = m.TokenizerMaxLength
	}
	if err := writeJSON(filepath.Join(dir, "config.json"), config); err != nil {
		return err
	}
	if strings.Contains(m.VisionTower, "/") {
		return nil // a released tower, whose numbers are known by its name
	}
	tower := filepath.Join(dir, m.VisionTower)
	if err := os.MkdirAll(tower, 0o755); err != nil {
		return err
	}
	if err := writeJSON(filepath.Join(tower, "config.json"), visionFields(c.Vision)); err != nil {
		return err
	}
	return writeJSON(filepath.Join(tower, "preprocessor_config.json"), processorFields(c.Processor))
}

// textFields are the decoder's fields, which both layouts spell alike.
func textFields(t checkpoint.TextConfig) map[string]any {
	fields := map[string]any{
		"hidden_size": t.Hidden, "num_hidden_layers": t.Layers, "num_attention_heads": t.Heads, "num_key_value_heads": t.KVHeads,
		"intermediate_size": t.FFN, "vocab_size": t.Vocab, "max_position_embeddings": t.MaxPositions, "rms_norm_eps": t.NormEps,
		"rope_theta": t.RopeTheta, "hidden_act": t.HiddenAct, "tie_word_embeddings": t.TieEmbeddings, "bos_token_id": t.BOS, "eos_token_id": t.EOS[0],
	}
	if t.Family != "llama" {
		fields["sliding_window"] = nil
	}
	return fields
}

func visionFields(v checkpoint.VisionConfig) map[string]any {
	return map[string]any{
		"model_type": "clip_vision_model", "hidden_size": v.Hidden, "intermediate_size": v.FFN, "num_hidden_layers": v.Layers,
		"num_attention_heads": v.Heads, "patch_size": v.Patch, "image_size": v.Image, "num_channels": v.Channels,
		"hidden_act": v.HiddenAct, "layer_norm_eps": v.NormEps,
	}
}

func processorFields(p checkpoint.Processor) map[string]any {
	return map[string]any{
		"image_processor_type": p.Class, "size": p.ShortestEdge, "crop_size": p.CropHeight, "do_resize": true, "do_center_crop": true,
		"do_normalize": true, "resample": p.Resample, "image_mean": p.Mean, "image_std": p.Std,
	}
}

func torchType(d tensor.DType) string {
	return map[tensor.DType]string{tensor.F32: "float32", tensor.F16: "float16", tensor.BF16: "bfloat16"}[d]
}

func writeJSON(path string, v any) error {
	b, err := json.MarshalIndent(v, "", "  ")
	if err != nil {
		return err
	}
	return os.WriteFile(path, append(b, '\n'), 0o644)
}
