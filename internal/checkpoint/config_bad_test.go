package checkpoint

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestMalformedConfig(t *testing.T) {
	for _, c := range []struct {
		name  string
		edits []edit
		class error
		says  string
	}{
		{"CF-02 huge number", []edit{{"rms_norm_eps", "1e999"}}, ErrFormat, `rms_norm_eps is "1e999"`},
		{"CF-02 above 2^53", []edit{{"hidden_size", "9007199254740993"}}, ErrFormat, "hidden_size"},
		{"CF-02 number as a string", []edit{{"hidden_size", `"16"`}}, ErrFormat, `the string "16"`},
		{"CF-02 fraction", []edit{{"hidden_size", "16.0"}}, ErrFormat, "expected an integer"},
		{"CF-03 no heads", []edit{{"num_attention_heads", "0"}}, ErrFormat, "num_attention_heads"},
		{"CF-03 negative", []edit{{"num_hidden_layers", "-1"}}, ErrFormat, "num_hidden_layers"},
		{"CF-03 huge width", []edit{{"hidden_size", "1099511627776"}}, ErrFormat, "hidden_size"},
		{"CF-03 a million layers", []edit{{"num_hidden_layers", "1000000"}}, ErrFormat, "num_hidden_layers"},
		{"CF-03 heads do not divide", []edit{{"num_attention_heads", "5"}, {"num_key_value_heads", "5"}}, ErrMismatch, "not a multiple of num_attention_heads"},
		{"CF-03 KV heads do not divide", []edit{{"num_key_value_heads", "3"}}, ErrMismatch, "num_key_value_heads"},
		{"CF-03 odd head", []edit{{"head_dim", "5"}}, ErrFormat, "even"},
		{"CF-04 token outside", []edit{{"eos_token_id", "40"}}, ErrMismatch, "token id 40 lies outside the vocabulary of 40"},
		{"CF-05 layer outside", []edit{{"mm_vision_select_layer", "-5"}}, ErrFormat, "outside the 4 hidden states"},
		{"CF-05 feature", []edit{{"mm_vision_select_feature", `"cls"`}}, ErrUnsupported, "patch, cls_patch"},
		{"CF-06 empty", []edit{{"image_grid_pinpoints", "[]"}}, ErrFormat, "empty"},
		{"CF-06 not pairs", []edit{{"image_grid_pinpoints", "[[28]]"}}, ErrFormat, "pair"},
		{"CF-06 not integers", []edit{{"image_grid_pinpoints", `[[28, "56"]]`}}, ErrFormat, "pair of integers"},
		{"CF-06 zero", []edit{{"image_grid_pinpoints", "[[0, 28]]"}}, ErrFormat, "expected sides"},
		{"CF-06 not a multiple", []edit{{"image_aspect_ratio", `"anyres"`}, {"image_grid_pinpoints", "[[28, 57]]"}}, ErrMismatch, "not multiples of the tower's side 28"},
		{"CF-06 code in the string", []edit{{"image_grid_pinpoints", `"__import__('os').system('x')"`}}, ErrFormat, "expected a range such as"},
		{"CF-06 missing", []edit{{"image_aspect_ratio", `"anyres"`}}, ErrFormat, "image_grid_pinpoints is missing"},
		{"CF-06 an object", []edit{{"image_grid_pinpoints", "{}"}}, ErrFormat, "an object"},
		{"CF-07 projector", []edit{{"mm_projector_type", `"qformer"`}}, ErrUnsupported, "linear, mlpNx_gelu, identity"},
		{"CF-07 merge", []edit{{"mm_patch_merge_type", `"unpad"`}}, ErrUnsupported, "flat, spatial, spatial_unpad"},
		{"CF-07 aspect", []edit{{"image_aspect_ratio", `"stretch"`}}, ErrUnsupported, "square, pad, anyres"},
		{"CF-07 aspect without a number", []edit{{"image_aspect_ratio", `"anyres_max_0"`}}, ErrUnsupported, "anyres_max_N"},
		{"CF-08 rope type", []edit{{"rope_scaling", `{"type": "yarn", "factor": 2}`}}, ErrUnsupported, `"yarn"`},
		{"CF-08 rope types", []edit{{"rope_scaling", `{"type": "linear", "rope_type": "llama3"}`}}, ErrMismatch, "rope_type"},
		{"CF-08 no rope type", []edit{{"rope_scaling", `{"factor": 2}`}}, ErrFormat, "is missing"},
		{"CF-08 no factor", []edit{{"rope_scaling", `{"type": "linear"}`}}, ErrFormat, "factor is missing"},
		{"CF-08 no original length", []edit{{"rope_scaling", `{"rope_type": "llama3", "factor": 8, "low_freq_factor": 1, "high_freq_factor": 4}`}}, ErrFormat, "original_max_position_embeddings"},
		{"CF-08 equal factors", []edit{{"rope_scaling", `{"rope_type": "llama3", "factor": 8, "low_freq_factor": 1, "high_freq_factor": 1, "original_max_position_embeddings": 64}`}}, ErrFormat, "more than low_freq_factor"},
		{"CF-08 two spellings", []edit{{"rope_scaling", `{"type": "linear", "factor": 2}`}, {"rope_parameters", `{"rope_type": "default"}`}}, ErrMismatch, "both given"},
		{"CF-08 theta", []edit{{"rope_theta", "0"}}, ErrFormat, "rope_theta"},
		{"CF-08 eps", []edit{{"rms_norm_eps", "0"}}, ErrFormat, "rms_norm_eps"},
		{"CF-08 negative eps", []edit{{"rms_norm_eps", "-1e-5"}}, ErrFormat, "rms_norm_eps"},
		{"activation", []edit{{"hidden_act", `"relu"`}}, ErrUnsupported, "silu"},
		{"resampler", []edit{{"mm_resampler_type", `"spatial_pool"`}}, ErrUnsupported, "resampler"},
		{"S2", []edit{{"s2", "true"}}, ErrUnsupported, "S2"},
		{"quantised elsewhere", []edit{{"quantization_config", `{"bits": 4}`}}, ErrUnsupported, "quantization_config"},
		{"other decoder", []edit{{"model_type", `"llava_mpt"`}, {"architectures", `["LlavaMptForCausalLM"]`}}, ErrUnsupported, "llava_mpt"},
		{"other class", []edit{{"model_type", `"llava"`}, {"architectures", `["LlavaMixtralForCausalLM"]`}}, ErrUnsupported, "LlavaMixtralForCausalLM"},
		{"class and type", []edit{{"model_type", `"llava_mistral"`}}, ErrMismatch, "model_type"},
		{"both layouts", []edit{{"text_config", "{}"}}, ErrMismatch, "both"},
		{"neither layout", []edit{{"mm_vision_tower", ""}, {"mm_hidden_size", ""}}, ErrUnsupported, "not a LLaVA configuration"},
		{"tower of another width", []edit{{"mm_hidden_size", "9"}}, ErrMismatch, "width is 8"},
		{"MLP biases", []edit{{"mlp_bias", "true"}}, ErrUnsupported, "mlp_bias"},
		{"window in some layers", qwen(edit{"use_sliding_window", "true"}, edit{"max_window_layers", "1"}), ErrUnsupported, "max_window_layers"},
		{"tower elsewhere", []edit{{"mm_vision_tower", `"../../tower"`}}, ErrNotFound, "leads out"},
		{"no tower", []edit{{"mm_vision_tower", `"absent/nothing"`}}, ErrNotFound, "no such directory"},
		{"boolean", []edit{{"mm_use_im_start_end", "1"}}, ErrFormat, "expected true or false"},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := readConfigOf(originalDir(t, c.edits...))
			require.ErrorIs(t, err, c.class)
			require.ErrorContains(t, err, c.says)
			require.NotContains(t, err.Error(), "\n")
		})
	}
}

func TestMalformedTransformersConfig(t *testing.T) {
	for _, c := range []struct {
		name  string
		edits []edit
		class error
		says  string
	}{
		{"CF-03 patch 0", []edit{{"vision_config.patch_size", "0"}}, ErrFormat, "vision_config.patch_size"},
		{"CF-03 image and patch", []edit{{"vision_config.image_size", "30"}}, ErrMismatch, "not a multiple of patch_size 14"},
		{"CF-03 heads", []edit{{"vision_config.num_attention_heads", "3"}}, ErrMismatch, "num_attention_heads"},
		{"channels", []edit{{"vision_config.num_channels", "4"}}, ErrUnsupported, "num_channels"},
		{"other tower", []edit{{"vision_config.model_type", `"siglip_vision_model"`}}, ErrUnsupported, "siglip_vision_model"},
		{"tower's activation", []edit{{"vision_config.hidden_act", `"relu"`}}, ErrUnsupported, "quick_gelu, gelu, gelu_pytorch_tanh"},
		{"projector's activation", []edit{{"projector_hidden_act", `"relu"`}}, ErrUnsupported, "projector_hidden_act"},
		{"strategy", []edit{{"vision_feature_select_strategy", `"cls"`}}, ErrUnsupported, "default, full"},
		{"several layers", []edit{{"vision_feature_layer", "[-2, -5]"}}, ErrUnsupported, "2 layers"},
		{"image token twice", []edit{{"image_token_id", "31"}}, ErrMismatch, "image_token_index is 32"},
		{"other model", []edit{{"model_type", `"llava_onevision"`}}, ErrUnsupported, "llava_onevision"},
		{"other decoder", []edit{{"text_config.model_type", `"gemma"`}}, ErrUnsupported, "gemma"},
		{"text_config not an object", []edit{{"text_config", "[]"}}, ErrFormat, "expected an object"},
		{"CF-05 layer outside", []edit{{"vision_feature_layer", "4"}}, ErrFormat, "vision_feature_layer is 4"},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := readConfigOf(hfDir(t, c.edits...))
			require.ErrorIs(t, err, c.class)
			require.ErrorContains(t, err, c.says)
		})
	}
}

func TestMalformedProcessor(t *testing.T) {
	for _, c := range []struct {
		name  string
		edits []edit
		class error
		says  string
	}{
		{"CF-10 deviation 0", []edit{{"image_std", "[0.2, 0, 0.2]"}}, ErrFormat, "image_std"},
		{"CF-10 mean above 1", []edit{{"image_mean", "[0.5, 0.5, 122]"}}, ErrFormat, "image_mean"},
		{"CF-10 two means", []edit{{"image_mean", "[0.5, 0.5]"}}, ErrFormat, "three numbers"},
		{"CF-10 resampling", []edit{{"resample", "0"}}, ErrUnsupported, "expected 1 (Lanczos), 2 (bilinear) or 3 (bicubic)"},
		{"CF-10 size given in two ways", []edit{{"size", `{"shortest_edge": 28, "height": 28, "width": 28}`}}, ErrFormat, "shortest_edge alone"},
		{"CF-10 size of neither kind", []edit{{"size", `{"longest_edge": 28}`}}, ErrFormat, "shortest_edge"},
		{"not a square", []edit{{"size", `{"height": 28, "width": 30}`}}, ErrUnsupported, "square"},
		{"CF-11 crop", []edit{{"crop_size", "56"}}, ErrMismatch, "the tower takes 28x28"},
		{"CF-11 patch", []edit{{"patch_size", "16"}}, ErrMismatch, "patch_size is 16"},
		{"CF-11 grids", []edit{{"image_grid_pinpoints", "[[28, 56]]"}}, ErrMismatch, "config.json has"},
		{"size below the crop", []edit{{"size", "20"}}, ErrMismatch, "less than"},
	} {
		t.Run(c.name, func(t *testing.T) {
			config := object(hfConfig, edit{"model_type", `"llava_next"`}, edit{"image_grid_pinpoints", "[[28, 28]]"})
			_, err := readConfigOf(writeFiles(t, t.TempDir(), map[string]string{"config.json": config, "preprocessor_config.json": object(processorConfig, c.edits...)}))
			require.ErrorIs(t, err, c.class)
			require.ErrorContains(t, err, c.says)
		})
	}
}

// CF-01: texts that are not the JSON of a configuration.
func TestConfigText(t *testing.T) {
	good := object(hfConfig)
	for _, c := range []struct {
		name, text string
		class      error
		says       string
	}{
		{"empty", "", ErrFormat, "empty file"},
		{"not JSON", "model: llava", ErrFormat, "expected a JSON object"},
		{"comment", "{ // x\n}", ErrFormat, "JSON at byte 2"},
		{"trailing comma", `{"a": 1,}`, ErrFormat, "JSON at byte 8"},
		{"UTF-16", "\xff\xfe{\x00}\x00", ErrFormat, "UTF-16"},
		{"array", "[]", ErrFormat, "expected a JSON object"},
		{"NaN", `{"a": NaN}`, ErrFormat, "NaN"},
		{"Infinity", `{"a": -Infinity}`, ErrFormat, "JSON at byte 7"},
		{"leading zero", `{"a": 01}`, ErrFormat, "leading zero"},
		{"duplicate key", `{"a": 1, "a": 2}`, ErrFormat, `duplicate key "a"`},
		{"two objects", "{}{}", ErrFormat, "end of the text"},
		{"LFS pointer", "version https://git-lfs.github.com/spec/v1\n", ErrFormat, "Git LFS"},
		{"web page", "<!DOCTYPE html>", ErrFormat, "web page"},
		{"bare word", `{"a": nul}`, ErrFormat, "expected a value"},
		{"control character", "{\"a\x01\": 1}", ErrFormat, "control character"},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := readConfigOf(writeFiles(t, t.TempDir(), map[string]string{"config.json": c.text}))
			require.ErrorIs(t, err, c.class)
			require.ErrorContains(t, err, c.says)
			require.ErrorContains(t, err, "config.json")
		})
	}
	_, err := readConfigOf(writeFiles(t, t.TempDir(), map[string]string{"config.json": "\xef\xbb\xbf" + good}))
	require.NoError(t, err, "a byte order mark is accepted")
	_, err = readConfigOf(t.TempDir())
	require.ErrorIs(t, err, ErrNotFound)
	dir := t.TempDir()
	require.NoError(t, os.Truncate(filepath.Join(writeFiles(t, dir, map[string]string{"config.json": ""}), "config.json"), 1<<40))
	_, err = readConfigOf(dir)
	require.ErrorIs(t, err, ErrTooLarge)
}

func TestPinpoints(t *testing.T) {
	for _, c := range []struct {
		text string
		side int
		want [][2]int // nil: refused
	}{
		{"[(336, 672), (672, 336)]", 336, [][2]int{{336, 672}, {672, 336}}},
		{"[[336,672],[672,336],]", 336, [][2]int{{336, 672}, {672, 336}}},
		{" ( (1,2,) , [3,4] ) ", 1, [][2]int{{1, 2}, {3, 4}}},
		{"(1x1),...,(2x3)", 336, [][2]int{{336, 336}, {336, 672}, {336, 1008}, {672, 336}, {672, 672}, {672, 1008}}},
		{"(1x2)", 224, [][2]int{{224, 448}}},
		{"224,448, 672", 224, [][2]int{{224, 224}, {448, 448}, {672, 672}}},
		{"(1x1),...,(2x3)", 28, nil},
		{"(2x2),...,(1x1)", 336, nil},
		{"(1x1),...,(999x999)", 336, nil},
		{"(0x1)", 336, nil},
		{"(1x1) + exit()", 336, nil},
		{"[(336, 672)", 336, nil},
		{"[(336, 672)] ()", 336, nil},
		{"[(336 672)]", 336, nil},
		{"[(336, 672, 1)]", 336, nil},
		{"[336, 672]", 336, nil},
		{"[(-336, 672)]", 336, nil},
		{"[(99999999999999999999, 1)]", 336, nil},
		{"", 336, nil},
		{"[]", 336, nil},
	} {
		got, err := parsePinpoints(c.text, c.side)
		if err == nil {
			err = checkPinpoints(got)
		}
		if c.want == nil {
			require.Error(t, err, c.text)
			continue
		}
		require.NoError(t, err, c.text)
		require.Equal(t, c.want, got)
	}
	all, err := parsePinpoints("(1x1),...,(6x6)", 384)
	require.NoError(t, err)
	require.Len(t, all, 36)
	require.Equal(t, [2]int{384, 768}, all[1], "the second number runs faster")
}

func FuzzPinpoints(f *testing.F) {
	for _, s := range []string{"[(336, 672), (672, 336)]", "(1x1),...,(6x6)", "224,448", "[[1,2]]", "((1,2),)", "(0x0)", "[", "x"} {
		f.Add(s, 336)
	}
	f.Fuzz(func(t *testing.T, s string, side int) {
		pairs, err := parsePinpoints(s, side)
		if err == nil && checkPinpoints(pairs) == nil {
			require.LessOrEqual(t, len(pairs), maxPinpoints)
			for _, p := range pairs {
				require.Positive(t, p[0])
				require.Positive(t, p[1])
			}
		}
	})
}

func FuzzConfig(f *testing.F) {
	f.Add(object(originalConfig), false)
	f.Add(object(hfConfig), false)
	f.Add(object(hfConfig, edit{"model_type", `"llava_next"`}), false)
	f.Add(object(processorConfig), true)
	f.Add(object(originalConfig, edit{"image_grid_pinpoints", `"(1x1),...,(6x6)"`}, edit{"rope_scaling", `{"type":"linear","factor":2}`}), false)
	root := originalDir(f)
	f.Fuzz(func(t *testing.T, text string, processor bool) {
		o, _, err := parseObject("config.json", []byte(text))
		if err != nil {
			return
		}
		if processor {
			parseProcessor(o, VisionConfig{Image: 28, Patch: 14})
			return
		}
		r := &configReader{dir: root}
		if r.detect(o) != nil {
			return
		}
		if r.cfg.Layout == HuggingFace {
			err = r.transformers(o)
		} else {
			err = r.original(o, OpenOptions{Env: noEnv}, true)
		}
		if err != nil {
			return
		}
		c := r.cfg.Text
		require.Zero(t, c.Heads%c.KVHeads)
		require.Positive(t, c.HeadDim)
		require.Zero(t, r.cfg.Vision.Image%r.cfg.Vision.Patch)
	})
}
