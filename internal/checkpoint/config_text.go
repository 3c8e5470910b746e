package checkpoint

import (
	"fmt"
	"slices"
	"strings"
)

// Limits of what a configuration may state: far above every model of this family, and low enough that products of two of
// them cannot overflow.
const (
	maxWidth     = 1 << 17 // hidden sizes
	maxFFN       = 1 << 20
	maxLayers    = 1 << 10
	maxHeads     = 1 << 12
	maxVocab     = 1 << 24
	maxPositions = 1 << 26
)

// A textClass is what transformers' configuration class of a decoder assumes for keys that a file leaves out.
//
// Source: transformers, configuration_llama.py, configuration_mistral.py and configuration_qwen2.py.
type textClass struct {
	hidden, ffn, layers, heads int
	kvHeads                    int // 0: as many as heads
	vocab, positions           int
	bos, eos                   int // -1: none
}

var textClasses = map[string]textClass{
	"llama":   {hidden: 4096, ffn: 11008, layers: 32, heads: 32, vocab: 32000, positions: 2048, bos: 1, eos: 2},
	"mistral": {hidden: 4096, ffn: 14336, layers: 32, heads: 32, kvHeads: 8, vocab: 32000, positions: 4096 * 32, bos: 1, eos: 2},
	"qwen2":   {hidden: 4096, ffn: 22016, layers: 32, heads: 32, kvHeads: 32, vocab: 151936, positions: 32768, bos: -1, eos: -1},
}

const (
	classNormEps       = 1e-6
	classRopeTheta     = 10000
	classSlidingWindow = 4096 // of Mistral; a file that writes null has none
)

// The families that configurations name. Files written before 2024 say "llava" or even "llama" whatever the class.
var (
	familyByModelType = map[string]string{
		"llava": "llama", "llama": "llama", "llava_llama": "llama", "mistral": "mistral", "llava_mistral": "mistral",
		"qwen2": "qwen2", "llava_qwen": "qwen2", "llava_qwen2": "qwen2",
	}
	familyByArchitecture = map[string]string{
		"LlavaLlamaForCausalLM": "llama", "LlamaForCausalLM": "llama", "LlavaMistralForCausalLM": "mistral", "MistralForCausalLM": "mistral",
		"LlavaQwenForCausalLM": "qwen2", "LlavaQwen2ForCausalLM": "qwen2", "Qwen2ForCausalLM": "qwen2",
	}
)

// family settles the decoder's family from `architectures` and `model_type`, which must not contradict each other.
func family(f *fields, modelTypeDefault string) string {
	modelType := f.string("model_type", modelTypeDefault)
	byType, known := familyByModelType[modelType]
	if !known {
		f.fail(ErrUnsupported, "model_type", "is %s, expected a decoder of the llama, mistral or qwen2 family", quote(modelType))
	}
	classes := f.strings("architectures")
	if len(classes) == 0 {
		return byType
	}
	byClass, ok := familyByArchitecture[classes[0]]
	switch {
	case !ok:
		f.fail(ErrUnsupported, "architectures", "names %s, expected a decoder of the llama, mistral or qwen2 family", quote(classes[0]))
	case byClass != byType && modelType != "llava":
		f.fail(ErrMismatch, "architectures", "names %s, but model_type is %s", quote(classes[0]), quote(modelType))
	}
	return byClass
}

// readText reads the decoder's fields out of config.json itself (original layout) or its text_config.
func readText(f *fields, fam string) TextConfig {
	class := textClasses[fam]
	var absent []string
	size := func(key string, def, most int) int {
		if !f.has(key) {
			absent = append(absent, fmt.Sprintf("%s %d", key, def))
		}
		return f.int(key, def, 1, most)
	}
	t := TextConfig{
		Family:       fam,
		Hidden:       size("hidden_size", class.hidden, maxWidth),
		FFN:          size("intermediate_size", class.ffn, maxFFN),
		Layers:       size("num_hidden_layers", class.layers, maxLayers),
		Heads:        size("num_attention_heads", class.heads, maxHeads),
		Vocab:        size("vocab_size", class.vocab, maxVocab),
		MaxPositions: size("max_position_embeddings", class.positions, maxPositions),
		HiddenAct:    f.oneOf("hidden_act", "silu", "silu"),
		BOS:          class.bos,
		Pad:          -1,
		DType:        f.string("torch_dtype", f.string("dtype", "")),
	}
	kv := class.kvHeads
	if kv == 0 || f.written("num_key_value_heads") {
		kv = t.Heads // null, too, means as many as heads
	}
	t.KVHeads = size("num_key_value_heads", kv, maxHeads)
	if !f.has("rms_norm_eps") {
		absent = append(absent, fmt.Sprintf("rms_norm_eps %g", classNormEps))
	}
	t.NormEps = f.float("rms_norm_eps", classNormEps, 1e-30, 1)
	absent = append(absent, readRope(f, &t)...)
	if len(absent) > 0 {
		f.note("%s leaves out %s: the defaults of the %s configuration class", f.where(), strings.Join(absent, ", "), fam)
	}
	readHeadDim(f, &t)
	readBiases(f, &t)
	readWindow(f, &t)
	readTokens(f, &t, class)
	t.TieEmbeddings = f.bool("tie_word_embeddings", false)
	if f.bool("mlp_bias", false) {
		f.fail(ErrUnsupported, "mlp_bias", "is true, which is not implemented")
	}
	return t
}

func readHeadDim(f *fields, t *TextConfig) {
	if t.Heads == 0 || t.KVHeads == 0 {
		return // an error is recorded: sizes that could not be read are 0
	}
	if t.Heads%t.KVHeads != 0 {
		f.fail(ErrMismatch, "num_attention_heads", "is %d, not a multiple of num_key_value_heads %d", t.Heads, t.KVHeads)
	}
	if !f.has("head_dim") && t.Hidden%t.Heads != 0 {
		f.fail(ErrMismatch, "hidden_size", "is %d, not a multiple of num_attention_heads %d", t.Hidden, t.Heads)
	}
	t.HeadDim = f.int("head_dim", t.Hidden/t.Heads, 2, maxWidth)
	if t.HeadDim%2 != 0 {
		f.fail(ErrFormat, "head_dim", "is %d, expected an even number: rotary positions need pairs", t.HeadDim)
	}
}

// readBiases: Qwen2 always has biases on q, k and v; the others where attention_bias says so, then on o too.
func readBiases(f *fields, t *TextConfig) {
	if t.Family == "qwen2" {
		t.QKVBias = true
		return
	}
	t.QKVBias = f.bool("attention_bias", false)
	t.OutBias = t.QKVBias
}

// readWindow settles how many keys a query sees.
func readWindow(f *fields, t *TextConfig) {
	switch t.Family {
	case "mistral":
		if f.has("sliding_window") {
			t.SlidingWindow = f.int("sliding_window", 0, 1, maxPositions)
			f.note("attention window: %d keys, from sliding_window", t.SlidingWindow)
		} else if f.written("sliding_window") {
			f.note("attention window: none, sliding_window is null")
		} else {
			t.SlidingWindow = classSlidingWindow
			f.note("attention window: %d keys, because a Mistral configuration without sliding_window means that", classSlidingWindow)
		}
	case "qwen2":
		if !f.bool("use_sliding_window", false) {
			if f.has("sliding_window") {
				f.note("attention window: none, sliding_window %d is off by use_sliding_window", f.int("sliding_window", 0, 0, maxPositions))
			}
			return
		}
		window := f.int("sliding_window", classSlidingWindow, 1, maxPositions)
		switch first := f.int("max_window_layers", 28, 0, maxLayers); {
		case first == 0:
			t.SlidingWindow = window
			f.note("attention window: %d keys, from sliding_window", window)
		case first < t.Layers:
			f.fail(ErrUnsupported, "max_window_layers", "is %d of %d layers: a window in some layers only is not implemented", first, t.Layers)
		}
	}
}

func readTokens(f *fields, t *TextConfig, class textClass) {
	if f.written("bos_token_id") {
		t.BOS = f.int("bos_token_id", -1, -1, maxVocab)
	}
	if f.written("eos_token_id") {
		t.EOS = f.ids("eos_token_id")
	} else if class.eos >= 0 {
		t.EOS = []int{class.eos}
	}
	t.Pad = f.int("pad_token_id", -1, -1, maxVocab)
}

// readGeneration takes the end tokens of generation_config.json, which win over config.json's when text is generated.
func readGeneration(f *fields, t *TextConfig) {
	if !f.written("eos_token_id") {
		return
	}
	if eos := f.ids("eos_token_id"); !slices.Equal(eos, t.EOS) {
		f.note("end tokens %v from generation_config.json replace %v", eos, t.EOS)
		t.EOS = eos
	}
}

// readRope reads theta and scaling in the three spellings: `rope_scaling` with `type` (old) or `rope_type`, and
// `rope_parameters`, which holds theta as well (transformers 5). It returns what was left out.
func readRope(f *fields, t *TextConfig) (absent []string) {
	s := f.object("rope_scaling")
	theta := f
	if p := f.object("rope_parameters"); len(p.m) > 0 {
		if len(s.m) > 0 {
			f.fail(ErrMismatch, "rope_scaling", "and rope_parameters are both given")
		}
		s = p
		if p.has("rope_theta") {
			theta = p
		}
	}
	if !theta.has("rope_theta") {
		absent = append(absent, fmt.Sprintf("rope_theta %d", classRopeTheta))
	}
	t.RopeTheta = theta.float("rope_theta", classRopeTheta, 1, 1e12)
	kind := s.string("rope_type", s.string("type", ""))
	if other := s.string("type", kind); other != kind {
		s.fail(ErrMismatch, "type", "is %s, but rope_type is %s", quote(other), quote(kind))
	}
	const known = "expected none, default, linear or llama3"
	switch kind {
	case "":
		if len(s.m) > 0 && (s.path != f.path+"rope_parameters." || len(s.m) > 1 || !s.has("rope_theta")) {
			s.fail(ErrFormat, "rope_type", "is missing, %s", known)
		}
	case "default":
	case "linear":
		t.RopeScaling = RopeScaling{Type: kind, Factor: s.required("factor", 1, 1e6)}
	case "llama3":
		t.RopeScaling = RopeScaling{
			Type:           kind,
			Factor:         s.required("factor", 1, 1e6),
			LowFreqFactor:  s.required("low_freq_factor", 1e-6, 1e6),
			HighFreqFactor: s.required("high_freq_factor", 1e-6, 1e6),
		}
		if !s.has("original_max_position_embeddings") {
			s.fail(ErrFormat, "original_max_position_embeddings", "is missing")
		}
		t.RopeScaling.OriginalMaxPositions = s.int("original_max_position_embeddings", 0, 1, maxPositions)
		if r := t.RopeScaling; f.s.err == nil && r.HighFreqFactor <= r.LowFreqFactor {
			s.fail(ErrFormat, "high_freq_factor", "is %g, expected more than low_freq_factor %g", r.HighFreqFactor, r.LowFreqFactor)
		}
	default:
		s.fail(ErrUnsupported, "rope_type", "is %s, %s", quote(kind), known)
	}
	return absent
}

// required reads a number that has no default.
func (f *fields) required(key string, lo, hi float64) float64 {
	if !f.has(key) {
		f.fail(ErrFormat, key, "is missing, expected a number")
	}
	return f.float(key, lo, lo, hi)
}
