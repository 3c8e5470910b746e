package main

import (
	"bytes"
	"strings"
)

// key is a case in which one key of a JSON file has another value; the error must name the file and the key.
func key(file, name, key string, value any, says ...string) listed {
	last := key[strings.LastIndexByte(key, '.')+1:]
	return listed{name + " " + last, set(file, map[string]any{key: value}), append(says, last, file[strings.LastIndexByte(file, '/')+1:])}
}

// badJSON are the ways in which any file of JSON is none.
func badJSON(file string) []listed {
	base := file[strings.LastIndexByte(file, '/')+1:]
	whole := func(name, content string, says ...string) listed {
		return listed{name, replaced(file, []byte(content)), append(says, base)}
	}
	return []listed{
		whole("CF-01 empty", ""),
		whole("CF-01 not JSON", "architectures: x", "JSON"),
		whole("CF-01 comment", "{\n// sizes\n\"a\": 1}", "byte"),
		whole("CF-01 trailing comma", `{"a": 1,}`, "byte"),
		whole("CF-01 UTF-16", "\xff\xfe{\x00}\x00", "UTF-16"),
		whole("CF-01 a list", "[]"),
		whole("CF-01 null", "null"),
		whole("CF-01 nested deep", strings.Repeat(`{"a":`, 100_000)+"1"+strings.Repeat("}", 100_000), "nested deeper"),
		whole("CF-01 two objects", "{} {}", "end of the text"),
		whole("CF-01 a key twice", `{"model_type":"llava_llama","model_type":"llava_llama"}`, "duplicate key"),
		whole("CF-01 NaN", `{"a": NaN}`, "byte"),
		whole("CF-01 megabytes", `{"a":"`+strings.Repeat("x", 2<<20)+`"}`, "bytes, expected at most"),
		{"CF-01 byte order mark", edited(file, func(data []byte) []byte { return append([]byte("\xef\xbb\xbf"), data...) }), valid},
	}
}

func configCases() []*trial {
	const c = "config.json"
	var list []listed
	list = append(list, badJSON(c)...)
	list = append(list,
		listed{"CF-01 missing", removed(c), []string{c}},
		listed{"CF-02 1e999", swapped(c, `"rope_theta": 10000`, `"rope_theta": 1e999`), []string{c, "rope_theta"}},
		listed{"CF-02 beyond 2^53", swapped(c, `"hidden_size": 64`, `"hidden_size": 9007199254740993`), []string{c, "hidden_size"}},
		key(c, "CF-02 a string", "num_hidden_layers", "2", "the string"),
		key(c, "CF-03 zero", "num_attention_heads", 0),
		key(c, "CF-03 negative", "num_key_value_heads", -4),
		key(c, "CF-03 2^40", "hidden_size", 1<<40),
		key(c, "CF-03 a million", "num_hidden_layers", 1_000_000),
		key(c, "CF-03 zero", "intermediate_size", 0),
		key(c, "CF-03 zero", "vocab_size", 0),
		key(c, "CF-03 negative", "max_position_embeddings", -1),
		listed{"CF-03 heads that do not divide", set(c, map[string]any{"num_attention_heads": 5, "num_key_value_heads": 5}), []string{c, "num_attention_heads"}},
		listed{"CF-04 vocabulary below the embedding", set(c, map[string]any{"vocab_size": 500}), []string{"vocab_size is 500", "[512, 64]"}},
		listed{"CF-04 vocabulary above the embedding", set(c, map[string]any{"vocab_size": 600}), []string{"vocab_size is 600", "[512, 64]"}},
		key(c, "CF-05 outside the tower", "mm_vision_select_layer", -9),
		key(c, "CF-05 unknown", "mm_vision_select_feature", "all"),
		key(c, "CF-06 empty", "image_grid_pinpoints", []any{}),
		key(c, "CF-06 not pairs", "image_grid_pinpoints", []any{[]int{336}}),
		key(c, "CF-06 zero", "image_grid_pinpoints", []any{[]int{0, 336}}),
		listed{"CF-06 not a multiple", set(c, map[string]any{"image_grid_pinpoints": []any{[]int{337, 336}}, "image_aspect_ratio": "anyres"}), []string{"337"}},
		key(c, "CF-06 too many", "image_grid_pinpoints", manyPoints()),
		key(c, "CF-06 code", "image_grid_pinpoints", "__import__('os').system('touch /tmp/torture-was-here')"),
		key(c, "CF-07 unknown", "mm_projector_type", "mlp2x_relu"),
		key(c, "CF-07 unknown", "mm_patch_merge_type", "spatial_pad"),
		key(c, "CF-07 unknown", "image_aspect_ratio", "stretch"),
		key(c, "CF-08 unknown", "rope_scaling", map[string]any{"type": "yarn9", "factor": 2}),
		key(c, "CF-08 zero", "rope_theta", 0),
		key(c, "CF-08 zero", "rms_norm_eps", 0),
		key(c, "CF-08 negative", "rms_norm_eps", -1e-5),
		listed{"CF-09 code in the repository", set(c, map[string]any{"auto_map": map[string]any{"AutoModel": "evil.Model"}, "trust_remote_code": true}), valid},
		key(c, "unknown", "hidden_act", "relu7"),
		key(c, "unknown", "model_type", "mpt9"),
		listed{"tower that leaves the folder", steps(set(c, map[string]any{"mm_vision_tower": "../../../etc"}), func(dir string) error { return nil }), []string{"../../../etc"}},
		listed{"tower with a NUL", set(c, map[string]any{"mm_vision_tower": "a\x00b"}), []string{`a\x00b`}},
	)
	return trials(list)
}

func manyPoints() []any {
	var out []any
	for range 1001 {
		out = append(out, []int{336, 672})
	}
	return out
}

func hfCases() []*trial {
	const c, p = "config.json", "preprocessor_config.json"
	return trials([]listed{
		key(c, "CF-03 zero", "text_config.num_attention_heads", 0),
		key(c, "CF-03 zero", "vision_config.patch_size", 0),
		key(c, "CF-03 2^40", "text_config.hidden_size", 1<<40),
		key(c, "CF-04 image token outside the vocabulary", "image_token_index", 1<<30),
		key(c, "CF-07 unknown", "projector_hidden_act", "relu7"),
		key(c, "CF-05 outside the tower", "vision_feature_layer", 12),
		key(c, "CF-05 unknown", "vision_feature_select_strategy", "some"),
		key(p, "CF-10 unknown", "resample", 9),
		key(p, "CF-10 zero", "image_std", []float64{0, 1, 1}),
	})
}

func towerCases() []*trial {
	const c = "vision_tower/config.json"
	return trials(append(badJSON(c),
		key(c, "CF-03 zero", "patch_size", 0),
		key(c, "CF-03 zero", "num_attention_heads", 0),
		key(c, "CF-03 2^40", "hidden_size", 1<<40),
		key(c, "CF-03 a million", "num_hidden_layers", 1_000_000),
		key(c, "CF-03 not a multiple of the patch", "image_size", 337),
		key(c, "CF-03 huge", "image_size", 1<<30),
		key(c, "unknown", "hidden_act", "relu7"),
		key(c, "negative", "layer_norm_eps", -1),
		listed{"GG-25 positions that do not fit", steps(set(c, map[string]any{"image_size": 224}), set("vision_tower/preprocessor_config.json", map[string]any{"size": 224, "crop_size": 224})), []string{"position_embedding"}},
	))
}

func preprocessorCases() []*trial {
	const c = "vision_tower/preprocessor_config.json"
	return trials(append(badJSON(c),
		key(c, "CF-10 zero", "image_std", []float64{0, 0.2, 0.2}),
		key(c, "CF-10 two", "image_std", []float64{0.2, 0.2}),
		key(c, "CF-10 outside", "image_mean", []float64{-3, 0.5, 0.5}),
		key(c, "CF-10 unknown", "resample", 7),
		key(c, "CF-10 negative", "size", -336),
		key(c, "CF-11 another size", "crop_size", 224),
		key(c, "CF-10 zero", "rescale_factor", 0),
		listed{"CF-10 size as an object", set(c, map[string]any{"size": map[string]any{"shortest_edge": 336}}), valid},
	))
}

func tokenizerConfigCases() []*trial {
	const c = "tokenizer_config.json"
	return trials([]listed{
		{"CF-01 not JSON", replaced(c, []byte("{")), []string{c}},
		{"CF-01 a list", replaced(c, []byte("[]")), []string{c}},
		key(c, "a number", "bos_token", 7),
		key(c, "a string", "add_bos_token", "yes"),
		{"TK-05 an added token without text", set(c, map[string]any{"added_tokens_decoder": map[string]any{"5": map[string]any{"content": ""}}}), []string{c, "empty"}},
		{"TK-03 an added token beyond the vocabulary", set(c, map[string]any{"added_tokens_decoder": map[string]any{"99999": map[string]any{"content": "<x>"}}}), []string{"99999"}},
		{"TK-10 a chat template with code", set(c, map[string]any{"chat_template": "{{ cycler.__init__.__globals__.os.popen('touch /tmp/torture-was-here') }}"}), valid},
	})
}

func sentencePieceCases(dir string) []*trial {
	const m = "tokenizer.model"
	whole := func(name string, content []byte, says ...string) listed {
		return listed{name, replaced(m, content), append(says, m)}
	}
	// piece is a field 1 of a ModelProto: text (1), score (2), type (3).
	piece := func(text string, kind byte) []byte {
		p := append([]byte{0x0a, byte(len(text))}, text...)
		p = append(p, 0x15, 0, 0, 0, 0, 0x18, kind)
		return append([]byte{0x0a, byte(len(p))}, p...)
	}
	appended := func(name string, more []byte, says ...string) listed {
		return listed{name, edited(m, func(data []byte) []byte { return append(data, more...) }), append(says, m)}
	}
	return trials([]listed{
		whole("TK-01 empty", nil),
		whole("TK-01 text", []byte("not a model")),
		whole("TK-01 varint of eleven bytes", append([]byte{0x0a}, bytes.Repeat([]byte{0xff}, 11)...)),
		whole("TK-01 length beyond the file", []byte{0x0a, 0xff, 0xff, 0xff, 0xff, 0x0f}),
		whole("TK-01 group", []byte{0x0b, 0x0c}),
		whole("TK-01 wrong type of a field", []byte{0x08, 0x01}),
		appended("TK-02 a piece twice", piece("<unk>", 1), "<unk>"),
		appended("TK-02 an empty piece", piece("", 1), "empty"),
		appended("TK-02 score NaN", []byte{0x0a, 0x08, 0x0a, 0x01, 'q', 0x15, 0, 0, 0xc0, 0x7f}, "score"),
		appended("TK-02 two unknown pieces", piece("<unk2>", 2)),
		appended("CF-04 more pieces than the embedding has rows", piece("zebra", 1), "zebra", "512 rows"),
		whole("JSON in its place", []byte(`{"model":{}}`)),
		{"a directory", as(m, mkdir), []string{m}},
	})
}

func tokenizerJSONCases() []*trial {
	const j = "tokenizer.json"
	return trials([]listed{
		{"CF-01 empty", replaced(j, nil), []string{j}},
		{"CF-01 not JSON", replaced(j, []byte("x")), []string{j}},
		{"TK-03 unknown model", set(j, map[string]any{"model.type": "WordMagic"}), []string{j, "WordMagic"}},
		{"TK-03 a merge of absent tokens", set(j, map[string]any{"model.merges": []any{"zz qq"}}), []string{j, "zz"}},
		{"TK-03 a merge that is none", set(j, map[string]any{"model.merges": []any{"zz"}}), []string{j, "merge"}},
		{"TK-03 an id twice", set(j, map[string]any{"model.vocab.zebra": 7}), []string{j, "7"}},
		{"TK-03 a gap", set(j, map[string]any{"model.vocab.zebra": 500}), []string{j}},
		{"TK-03 an id beyond int32", set(j, map[string]any{"model.vocab.zebra": 1 << 40}), []string{j, "1099511627776"}},
		{"TK-03 a negative id", set(j, map[string]any{"model.vocab.zebra": -1}), []string{j, "-1"}},
		{"TK-04 a pattern that is not known", set(j, map[string]any{"pre_tokenizer": map[string]any{"type": "Split", "pattern": map[string]any{"Regex": "(a+)+$"}, "behavior": "Isolated", "invert": false}}), []string{j, "(a+)+$"}},
		{"TK-05 an added token without text", set(j, map[string]any{"added_tokens": []any{map[string]any{"id": 400, "content": ""}}}), []string{j, "empty"}},
		{"no model", set(j, map[string]any{"model": nil}), []string{j, "model"}},
		{"unknown normaliser", set(j, map[string]any{"normalizer": map[string]any{"type": "Magic"}}), []string{j, "Magic"}},
	})
}
