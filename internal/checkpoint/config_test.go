package checkpoint

import (
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// An edit sets a key of a JSON object to raw JSON; "" removes it. Keys of inner objects are written "outer.inner".
type edit struct{ key, value string }

// object builds JSON from raw values.
func object(values map[string]string, edits ...edit) string {
	values = maps.Clone(values)
	inner := map[string][]edit{}
	for _, e := range edits {
		if outer, rest, ok := strings.Cut(e.key, "."); ok {
			inner[outer] = append(inner[outer], edit{rest, e.value})
		} else if e.value == "" {
			delete(values, e.key)
		} else {
			values[e.key] = e.value
		}
	}
	for outer, list := range inner {
		var sub map[string]json.RawMessage
		if err := json.Unmarshal([]byte(values[outer]), &sub); err != nil {
			panic(err)
		}
		raw := map[string]string{}
		for k, v := range sub {
			raw[k] = string(v)
		}
		values[outer] = object(raw, list...)
	}
	var parts []string
	for k, v := range values {
		parts = append(parts, fmt.Sprintf("%q: %s", k, v))
	}
	return "{" + strings.Join(parts, ", ") + "}"
}

// The smallest configurations of both layouts, of a tower and of its processor.
var (
	originalConfig = map[string]string{
		"architectures": `["LlavaLlamaForCausalLM"]`, "model_type": `"llava_llama"`, "hidden_size": "16", "num_hidden_layers": "2",
		"num_attention_heads": "4", "num_key_value_heads": "2", "intermediate_size": "24", "vocab_size": "40", "max_position_embeddings": "2048",
		"rms_norm_eps": "1e-05", "rope_theta": "10000.0", "bos_token_id": "1", "eos_token_id": "2", "pad_token_id": "0", "mm_vision_tower": `"tower"`,
		"mm_hidden_size": "8", "mm_vision_select_layer": "-2", "mm_vision_select_feature": `"patch"`, "mm_projector_type": `"mlp2x_gelu"`,
		"mm_use_im_start_end": "false", "mm_use_im_patch_token": "false", "image_aspect_ratio": `"pad"`, "mm_patch_merge_type": `"flat"`,
	}
	visionConfig = map[string]string{
		"model_type": `"clip_vision_model"`, "hidden_size": "8", "intermediate_size": "12", "num_hidden_layers": "3", "num_attention_heads": "2",
		"patch_size": "14", "image_size": "28", "hidden_act": `"quick_gelu"`, "layer_norm_eps": "1e-05", "num_channels": "3",
	}
	textConfig = map[string]string{
		"model_type": `"llama"`, "hidden_size": "16", "num_hidden_layers": "2", "num_attention_heads": "4", "num_key_value_heads": "2",
		"intermediate_size": "24", "vocab_size": "40", "max_position_embeddings": "2048", "rms_norm_eps": "1e-05", "rope_theta": "10000.0",
	}
	hfConfig = map[string]string{
		"architectures": `["LlavaForConditionalGeneration"]`, "model_type": `"llava"`, "image_token_index": "32", "vision_feature_layer": "-2",
		"vision_feature_select_strategy": `"default"`, "projector_hidden_act": `"gelu"`, "text_config": object(textConfig), "vision_config": object(visionConfig),
	}
	processorConfig = map[string]string{
		"image_processor_type": `"CLIPImageProcessor"`, "size": `{"shortest_edge": 28}`, "crop_size": `{"height": 28, "width": 28}`, "resample": "3",
		"image_mean": "[0.48145466, 0.4578275, 0.40821073]", "image_std": "[0.26862954, 0.26130258, 0.27577711]", "do_center_crop": "true",
		"do_resize": "true", "do_normalize": "true",
	}
)

// writeFiles fills a directory.
func writeFiles(t testing.TB, dir string, files map[string]string) string {
	for name, data := range files {
		path := filepath.Join(dir, filepath.FromSlash(name))
		require.NoError(t, os.MkdirAll(filepath.Dir(path), 0o755))
		require.NoError(t, os.WriteFile(path, []byte(data), 0o644))
	}
	return dir
}

// originalDir writes the configuration files of the original layout with its tower beside it.
func originalDir(t testing.TB, edits ...edit) string {
	root := writeFiles(t, t.TempDir(), map[string]string{
		"model/config.json":              object(originalConfig, edits...),
		"tower/config.json":              `{"model_type": "clip", "vision_config": ` + object(visionConfig) + `}`,
		"tower/preprocessor_config.json": object(processorConfig),
	})
	return filepath.Join(root, "model")
}

func hfDir(t testing.TB, edits ...edit) string {
	return writeFiles(t, t.TempDir(), map[string]string{
		"config.json": object(hfConfig, edits...), "preprocessor_config.json": object(processorConfig),
	})
}

func readConfigOf(dir string) (Config, error) { return ReadConfig(dir, OpenOptions{Env: noEnv}) }

// All that a configuration may say, one field at a time.
func TestConfigFields(t *testing.T) {
	for _, c := range []struct {
		name  string
		edits []edit
		want  func(Config) any
		is    any
	}{
		{"KV heads absent", []edit{{"num_key_value_heads", ""}}, func(c Config) any { return c.Text.KVHeads }, 4},
		{"KV heads null", []edit{{"num_key_value_heads", "null"}}, func(c Config) any { return c.Text.KVHeads }, 4},
		{"KV heads of Mistral absent", []edit{{"num_key_value_heads", ""}, {"model_type", `"llava_mistral"`}, {"architectures", ""}, {"num_attention_heads", "8"}}, func(c Config) any { return c.Text.KVHeads }, 8},
		{"head dim", []edit{{"head_dim", "6"}}, func(c Config) any { return c.Text.HeadDim }, 6},
		{"theta absent", []edit{{"rope_theta", ""}}, func(c Config) any { return c.Text.RopeTheta }, 10000.0},
		{"theta", []edit{{"rope_theta", "1e6"}}, func(c Config) any { return c.Text.RopeTheta }, 1e6},
		{"theta in rope_parameters", []edit{{"rope_theta", ""}, {"rope_parameters", `{"rope_theta": 5e5, "rope_type": "default"}`}}, func(c Config) any { return c.Text.RopeTheta }, 5e5},
		{"rope_parameters of theta alone", []edit{{"rope_theta", ""}, {"rope_parameters", `{"rope_theta": 5e5}`}}, func(c Config) any { return c.Text.RopeScaling }, RopeScaling{}},
		{"eps absent", []edit{{"rms_norm_eps", ""}}, func(c Config) any { return c.Text.NormEps }, 1e-6},
		{"linear, old spelling", []edit{{"rope_scaling", `{"type": "linear", "factor": 4.0}`}}, func(c Config) any { return c.Text.RopeScaling }, RopeScaling{Type: "linear", Factor: 4}},
		{"linear, both spellings", []edit{{"rope_scaling", `{"type": "linear", "rope_type": "linear", "factor": 4}`}}, func(c Config) any { return c.Text.RopeScaling }, RopeScaling{Type: "linear", Factor: 4}},
		{"linear in rope_parameters", []edit{{"rope_parameters", `{"rope_type": "linear", "factor": 2, "rope_theta": 1e4}`}}, func(c Config) any { return c.Text.RopeScaling }, RopeScaling{Type: "linear", Factor: 2}},
		{"llama3", []edit{{"rope_scaling", `{"rope_type": "llama3", "factor": 8, "low_freq_factor": 1, "high_freq_factor": 4, "original_max_position_embeddings": 64}`}},
			func(c Config) any { return c.Text.RopeScaling }, RopeScaling{"llama3", 8, 1, 4, 64}},
		{"no scaling", []edit{{"rope_scaling", "null"}}, func(c Config) any { return c.Text.RopeScaling }, RopeScaling{}},
		{"window of LLaMA", []edit{{"sliding_window", "16"}}, func(c Config) any { return c.Text.SlidingWindow }, 0},
		{"window of Mistral absent", mistral(), func(c Config) any { return c.Text.SlidingWindow }, 4096},
		{"window of Mistral null", mistral(edit{"sliding_window", "null"}), func(c Config) any { return c.Text.SlidingWindow }, 0},
		{"window of Mistral", mistral(edit{"sliding_window", "24"}), func(c Config) any { return c.Text.SlidingWindow }, 24},
		{"window of Qwen2 off", qwen(edit{"sliding_window", "16"}), func(c Config) any { return c.Text.SlidingWindow }, 0},
		{"window of Qwen2 off in all layers", qwen(edit{"sliding_window", "16"}, edit{"use_sliding_window", "true"}, edit{"max_window_layers", "2"}), func(c Config) any { return c.Text.SlidingWindow }, 0},
		{"window of Qwen2 in all layers", qwen(edit{"sliding_window", "16"}, edit{"use_sliding_window", "true"}, edit{"max_window_layers", "0"}), func(c Config) any { return c.Text.SlidingWindow }, 16},
		{"biases of Qwen2", qwen(), func(c Config) any { return [2]bool{c.Text.QKVBias, c.Text.OutBias} }, [2]bool{true, false}},
		{"biases of LLaMA", []edit{{"attention_bias", "true"}}, func(c Config) any { return [2]bool{c.Text.QKVBias, c.Text.OutBias} }, [2]bool{true, true}},
		{"family by class", []edit{{"model_type", `"llava"`}, {"architectures", `["LlavaMistralForCausalLM"]`}}, func(c Config) any { return c.Text.Family }, "mistral"},
		{"family of the first files", []edit{{"model_type", `"llama"`}, {"architectures", `["LlamaForCausalLM"]`}}, func(c Config) any { return c.Text.Family }, "llama"},
		{"several end tokens", []edit{{"eos_token_id", "[2, 7]"}}, func(c Config) any { return c.Text.EOS }, []int{2, 7}},
		{"no end token", []edit{{"eos_token_id", "null"}}, func(c Config) any { return len(c.Text.EOS) }, 0},
		{"no first token", []edit{{"bos_token_id", "null"}}, func(c Config) any { return c.Text.BOS }, -1},
		{"pad -1 is none", []edit{{"pad_token_id", "-1"}}, func(c Config) any { return c.Text.Pad }, -1},
		{"projector absent", []edit{{"mm_projector_type", ""}}, func(c Config) any { return c.Multimodal.ProjectorType }, "linear"},
		{"patch token absent", []edit{{"mm_use_im_patch_token", ""}}, func(c Config) any { return c.Multimodal.UsePatchToken }, true},
		{"aspect absent", []edit{{"image_aspect_ratio", ""}}, func(c Config) any { return c.Multimodal.AspectRatio }, "square"},
		{"aspect null", []edit{{"image_aspect_ratio", "null"}}, func(c Config) any { return c.Multimodal.AspectRatio }, "square"},
		{"merge absent", []edit{{"mm_patch_merge_type", ""}}, func(c Config) any { return c.Multimodal.MergeType }, "flat"},
		{"at most 9 tiles", []edit{{"image_aspect_ratio", `"anyres_max_9"`}, {"image_grid_pinpoints", "[[28,56]]"}}, func(c Config) any { return c.Multimodal.AspectRatio }, "anyres_max_9"},
		{"grids", []edit{{"image_grid_pinpoints", "[[28,56],[56,28]]"}}, func(c Config) any { return c.Multimodal.GridPinpoints }, [][2]int{{28, 56}, {56, 28}}},
		{"grids in Python's notation", []edit{{"image_grid_pinpoints", `"[(28, 56), (56, 28)]"`}}, func(c Config) any { return c.Multimodal.GridPinpoints }, [][2]int{{28, 56}, {56, 28}}},
		{"sides", []edit{{"image_aspect_ratio", `"highres"`}, {"image_grid_pinpoints", `"28,56"`}}, func(c Config) any { return c.Multimodal.GridPinpoints }, [][2]int{{28, 28}, {56, 56}}},
		{"no layout's image token", nil, func(c Config) any { return c.Multimodal.ImageTokenIndex }, -1},
		{"byte type", []edit{{"torch_dtype", `"bfloat16"`}}, func(c Config) any { return c.Text.DType }, "bfloat16"},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, err := readConfigOf(originalDir(t, c.edits...))
			require.NoError(t, err)
			require.Equal(t, c.is, c.want(got))
			require.Equal(t, Original, got.Layout)
			require.True(t, json.Valid(got.Raw))
		})
	}
}

func mistral(more ...edit) []edit {
	return append([]edit{{"model_type", `"llava_mistral"`}, {"architectures", `["LlavaMistralForCausalLM"]`}}, more...)
}

func qwen(more ...edit) []edit {
	return append([]edit{{"model_type", `"llava_qwen"`}, {"architectures", `["LlavaQwenForCausalLM"]`}}, more...)
}

func TestConfigFieldsOfTransformers(t *testing.T) {
	next := edit{"model_type", `"llava_next"`}
	for _, c := range []struct {
		name  string
		edits []edit
		want  func(Config) any
		is    any
	}{
		{"projector", nil, func(c Config) any { return [2]any{c.Multimodal.ProjectorType, c.Multimodal.ProjectorBias} }, [2]any{"mlp2x_gelu", true}},
		{"projector without bias", []edit{{"multimodal_projector_bias", "false"}}, func(c Config) any { return c.Multimodal.ProjectorBias }, false},
		{"class token kept", []edit{{"vision_feature_select_strategy", `"full"`}}, func(c Config) any { return c.Multimodal.SelectFeature }, "cls_patch"},
		{"one layer in a list", []edit{{"vision_feature_layer", "[-1]"}}, func(c Config) any { return c.Multimodal.SelectLayer }, -1},
		{"newer name of the image token", []edit{{"image_token_index", ""}, {"image_token_id", "33"}}, func(c Config) any { return c.Multimodal.ImageTokenIndex }, 33},
		{"grids of 1.6", []edit{next, {"image_grid_pinpoints", "[[28,56]]"}}, func(c Config) any { return c.Multimodal.GridPinpoints }, [][2]int{{28, 56}}},
		{"1.6 is tiled", []edit{next, {"image_grid_pinpoints", "[[28,56]]"}}, func(c Config) any { return c.Multimodal.AspectRatio + " " + c.Multimodal.MergeType }, "anyres spatial_unpad"},
		{"tied inside", []edit{{"text_config.tie_word_embeddings", "true"}}, func(c Config) any { return c.Text.TieEmbeddings }, true},
		{"tied outside", []edit{{"tie_word_embeddings", "true"}}, func(c Config) any { return c.Text.TieEmbeddings }, true},
		{"tied outside only", []edit{{"tie_word_embeddings", "true"}, {"text_config.tie_word_embeddings", "false"}}, func(c Config) any { return c.Text.TieEmbeddings }, false},
		{"class defaults of LLaMA", []edit{{"text_config", `{"vocab_size": 32064, "max_position_embeddings": 4096, "rms_norm_eps": 1e-5}`}}, func(c Config) any { return c.Text },
			TextConfig{Family: "llama", Hidden: 4096, Layers: 32, Heads: 32, KVHeads: 32, HeadDim: 128, FFN: 11008, Vocab: 32064, MaxPositions: 4096, NormEps: 1e-5, RopeTheta: 10000, HiddenAct: "silu", BOS: 1, EOS: []int{2}, Pad: -1}},
		{"class defaults of Mistral", []edit{{"text_config", `{"model_type": "mistral", "vocab_size": 32064}`}}, func(c Config) any { return c.Text },
			TextConfig{Family: "mistral", Hidden: 4096, Layers: 32, Heads: 32, KVHeads: 8, HeadDim: 128, FFN: 14336, Vocab: 32064, MaxPositions: 131072, NormEps: 1e-6, RopeTheta: 10000, SlidingWindow: 4096, HiddenAct: "silu", BOS: 1, EOS: []int{2}, Pad: -1}},
		{"class defaults of Qwen2", []edit{{"text_config", `{"model_type": "qwen2"}`}}, func(c Config) any { return c.Text },
			TextConfig{Family: "qwen2", Hidden: 4096, Layers: 32, Heads: 32, KVHeads: 32, HeadDim: 128, FFN: 22016, Vocab: 151936, MaxPositions: 32768, NormEps: 1e-6, RopeTheta: 10000, QKVBias: true, HiddenAct: "silu", BOS: -1, Pad: -1}},
		{"class defaults of CLIP", []edit{{"vision_config.hidden_size", ""}, {"vision_config.num_attention_heads", ""}, {"vision_config.layer_norm_eps", ""}, {"vision_config.hidden_act", ""}}, func(c Config) any { return c.Vision },
			VisionConfig{Hidden: 768, FFN: 12, Layers: 3, Heads: 12, Patch: 14, Image: 28, Channels: 3, HiddenAct: "quick_gelu", NormEps: 1e-5}},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, err := readConfigOf(hfDir(t, c.edits...))
			require.NoError(t, err)
			require.Equal(t, c.is, c.want(got))
			require.Equal(t, HuggingFace, got.Layout)
		})
	}
}

// The defaults that matter are said.
func TestConfigNotes(t *testing.T) {
	for _, c := range []struct {
		edits []edit
		says  string
	}{
		{mistral(), "attention window: 4096 keys, because a Mistral configuration without sliding_window means that"},
		{mistral(edit{"sliding_window", "null"}), "attention window: none, sliding_window is null"},
		{qwen(edit{"sliding_window", "16"}), "attention window: none, sliding_window 16 is off by use_sliding_window"},
		{[]edit{{"rope_theta", ""}}, "config.json leaves out rope_theta 10000: the defaults of the llama configuration class"},
		{[]edit{{"auto_map", `{"AutoModel": "x.py"}`}}, "auto_map is ignored: no code is loaded"},
		{[]edit{{"mm_projector_type", ""}}, "mm_projector_type is absent, which means linear"},
	} {
		got, err := readConfigOf(originalDir(t, c.edits...))
		require.NoError(t, err)
		require.Contains(t, got.Notes, c.says)
	}
}

func TestGenerationConfig(t *testing.T) {
	dir := originalDir(t)
	writeFiles(t, dir, map[string]string{"generation_config.json": `{"eos_token_id": [7, 2], "bos_token_id": 1}`})
	got, err := readConfigOf(dir)
	require.NoError(t, err)
	require.Equal(t, []int{7, 2}, got.Text.EOS)
	require.Contains(t, got.Notes, "end tokens [7 2] from generation_config.json replace [2]")
}

func TestProcessor(t *testing.T) {
	clip := CLIPProcessor(28)
	for _, c := range []struct {
		name  string
		edits []edit
		want  func(*Processor)
	}{
		{"objects", nil, func(*Processor) {}},
		{"integers", []edit{{"size", "28"}, {"crop_size", "28"}, {"image_processor_type", ""}, {"feature_extractor_type", `"CLIPFeatureExtractor"`}}, func(p *Processor) { p.Class = "CLIPFeatureExtractor" }},
		{"a square", []edit{{"size", `{"height": 28, "width": 28}`}}, func(*Processor) {}},
		{"larger edge", []edit{{"size", "40"}}, func(p *Processor) { p.ShortestEdge = 40 }},
		{"pads", []edit{{"image_processor_type", `"LlavaImageProcessor"`}, {"do_pad", "true"}}, func(p *Processor) { p.Class, p.DoPad = "LlavaImageProcessor", true }},
		{"pads tiles only", []edit{{"image_processor_type", `"LlavaNextImageProcessor"`}, {"do_pad", "true"}}, func(p *Processor) { p.Class = "LlavaNextImageProcessor" }},
		{"ignored by the class", []edit{{"do_pad", "true"}}, func(*Processor) {}},
		{"bilinear", []edit{{"resample", "2"}}, func(p *Processor) { p.Resample = 2 }},
		{"no crop", []edit{{"do_center_crop", "false"}}, func(p *Processor) { p.DoCenterCrop = false }},
		{"mean", []edit{{"image_mean", "[0.5, 0.5, 0.5]"}}, func(p *Processor) { p.Mean = [3]float64{0.5, 0.5, 0.5} }},
	} {
		t.Run(c.name, func(t *testing.T) {
			dir := writeFiles(t, t.TempDir(), map[string]string{"config.json": object(hfConfig), "preprocessor_config.json": object(processorConfig, c.edits...)})
			got, err := readConfigOf(dir)
			require.NoError(t, err)
			want := clip
			c.want(&want)
			require.Equal(t, want, got.Processor)
		})
	}
	newer := `{"patch_size": 14, "image_processor": ` + object(processorConfig, edit{"image_mean", "[0.5, 0.5, 0.5]"}) + "}"
	got, err := readConfigOf(writeFiles(t, t.TempDir(), map[string]string{"config.json": object(hfConfig), "processor_config.json": newer}))
	require.NoError(t, err)
	require.Equal(t, [3]float64{0.5, 0.5, 0.5}, got.Processor.Mean)

	got, err = readConfigOf(writeFiles(t, t.TempDir(), map[string]string{"config.json": object(hfConfig)}))
	require.NoError(t, err)
	require.Equal(t, clip, got.Processor)
	require.Contains(t, strings.Join(got.Notes, "\n"), "no preprocessor_config.json")
}
