package goldens

import (
	"context"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"image"
	"image/color"
	"image/png"
	"maps"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"llavabench/internal/imaging"
	"llavabench/internal/pipeline"
	"llavabench/internal/prompt"
	"llavabench/variants"
)

// The fixture is a set of goldens recorded from this build itself: it shows that the checker accepts what agrees, and
// with one change at a time, that it sees what does not. Whether the build is right is told by the reference's goldens.
type fixture struct {
	testing.TB
	dir string
}

// object is a JSON object under construction.
type object = map[string]any

const (
	fixtureSide  = 28
	fixturePatch = 14
)

func newFixture(t testing.TB) *fixture {
	t.Helper()
	f := &fixture{t, t.TempDir()}
	f.picture("a.png", 40, 24)
	f.picture("b.png", 28, 28)
	f.write("preprocess/images/broken.png", []byte("no picture"))
	f.preprocess()
	f.geometry()
	f.prompts()
	f.model()
	f.outputs()
	return f
}

func (f *fixture) path(name string) string { return filepath.Join(f.dir, filepath.FromSlash(name)) }

func (f *fixture) write(name string, data []byte) {
	f.Helper()
	require.NoError(f, os.MkdirAll(filepath.Dir(f.path(name)), 0o755))
	require.NoError(f, os.WriteFile(f.path(name), data, 0o644))
}

func (f *fixture) writeJSON(name string, v any) {
	f.Helper()
	data, err := json.Marshal(v)
	require.NoError(f, err)
	f.write(name, data)
}

func (f *fixture) read(name string) []byte {
	f.Helper()
	data, err := os.ReadFile(f.path(name))
	require.NoError(f, err)
	return data
}

// editJSON changes a JSON file.
func (f *fixture) editJSON(name string, edit func(root object)) {
	f.Helper()
	var root object
	require.NoError(f, json.Unmarshal(f.read(name), &root))
	edit(root)
	f.writeJSON(name, root)
}

// editText replaces the first occurrence of old in a file.
func (f *fixture) editText(name, old, new string) {
	f.Helper()
	text := string(f.read(name))
	require.Contains(f, text, old, name)
	f.write(name, []byte(strings.Replace(text, old, new, 1)))
}

// picture draws a smooth picture with some structure.
func (f *fixture) picture(name string, w, h int) {
	m := image.NewNRGBA(image.Rect(0, 0, w, h))
	for y := range h {
		for x := range w {
			m.SetNRGBA(x, y, color.NRGBA{uint8(255 * x / w), uint8(255 * y / h), uint8(40 * ((x/3 + y/5) % 6)), 255})
		}
	}
	var b strings.Builder
	require.NoError(f, png.Encode(&b, m))
	f.write("preprocess/images/"+name, []byte(b.String()))
}

func (f *fixture) decode(name string) *imaging.RGB {
	m, _, err := imaging.DecodeFile(f.path("preprocess/images/"+name), imaging.DecodeOptions{})
	require.NoError(f, err)
	return m
}

// fixtureModes are the modes of the fixture's pictures with the settings that they stand for.
func fixtureModes(t testing.TB) map[string]variants.Options {
	modes := map[string]variants.Options{}
	for mode, aspect := range map[string]string{"crop28": "square", "pad28": "pad", "anyres": "anyres"} {
		variant := "llava15"
		if aspect == "anyres" {
			variant = "llava16"
		}
		o, err := defaults(variant, fixtureSide, fixturePatch)
		require.NoError(t, err)
		o.AspectRatio = aspect
		o.Pinpoints = [][2]int{{28, 56}, {56, 28}, {56, 56}}
		modes[mode] = o
	}
	return modes
}

func (f *fixture) preprocess() {
	var table []byte
	for _, row := range imaging.ClipNormalizer().Table() {
		table = appendFloats(table, row[:])
	}
	f.write(normTableFile, table)
	broken := f.read("preprocess/images/broken.png")
	images := []any{object{
		"file": "images/broken.png", "bytes": len(broken), "sha256": sha256Hex(broken), "note": "no picture",
		"open_error": "UnidentifiedImageError: cannot identify image file 'broken.png'",
	}}
	for _, name := range []string{"a.png", "b.png"} {
		m, raw := f.decode(name), f.read("preprocess/images/"+name)
		entry := object{
			"file": "images/" + name, "bytes": len(raw), "sha256": sha256Hex(raw), "pil_mode": "RGB", "pil_format": "PNG",
			"width": m.Width, "height": m.Height, "rgb_sha256": m.PixelSHA256(), "rgb": "same as the file (lossless RGB)",
		}
		var outputs []any
		for _, mode := range slices.Sorted(maps.Keys(fixtureModes(f))) {
			o := fixtureModes(f)[mode]
			l, err := variants.Plan(o, m.Size())
			require.NoError(f, err)
			views, err := imaging.Render(m, l.Plan, nil)
			require.NoError(f, err)
			if mode == "anyres" {
				entry["best_resolution_wh"] = []int{l.Canvas.W, l.Canvas.H}
			}
			hashes := newRenderer(m).hashes(views)
			outputs = append(outputs, object{
				"flavour": "haotian", "mode": mode, "shape": []int{len(views), 3, fixtureSide, fixtureSide},
				"u8_sha256": hashes.u8, "f32_sha256": hashes.f32, "lut_exact": true,
			})
		}
		entry["outputs"] = outputs
		images = append(images, entry)
	}
	f.writeJSON(preprocessManifestFile, object{
		"what":     "fixture",
		"flavours": object{"haotian": "the original"},
		"modes":    object{"anyres": "pinpoints [[28,56],[56,28],[56,56]]"},
		"images":   images,
	})
}

func (f *fixture) geometry() {
	o := fixtureModes(f)["anyres"]
	o.ChannelsGuess = false
	var rows []any
	for _, size := range []imaging.Size{{W: 40, H: 24}, {W: 10, H: 30}, {W: 90, H: 1}} {
		l, err := variants.Plan(o, size)
		require.NoError(f, err)
		original := object{
			"best_wh": []int{l.Canvas.W, l.Canvas.H}, "tiles_wh": []int{l.Grid.Cols, l.Grid.Rows},
			"resized_wh": []int{l.Resized.W, l.Resized.H}, "paste_xy": []int{l.Paste.X, l.Paste.Y},
			"grid_hw": keptGrid(l), "image_tokens": l.Tokens,
		}
		if row, col, ok := l.FirstCell(); ok {
			original["first_cell_yx"] = []int{row, col}
		}
		hf := o
		hf.Flavour = variants.Transformers447
		h, err := variants.Plan(hf, size)
		require.NoError(f, err)
		rows = append(rows, object{"size_wh": []int{size.W, size.H}, "original": original, "hf_4_48": object{
			"best_hw": []int{h.Canvas.H, h.Canvas.W}, "tiles_hw": []int{h.Grid.Rows, h.Grid.Cols}, "grid_hw": keptGrid(h), "image_tokens": h.Tokens,
		}})
	}
	f.writeJSON(geometryFile, object{
		"patch": fixturePatch, "tile": fixtureSide, "base_tokens": 4,
		"pinpoints": object{"small": o.Pinpoints}, "sets": object{"small": rows},
	})
}

func (f *fixture) prompts() {
	t, err := prompt.ByName("vicuna_v1")
	require.NoError(f, err)
	pieces, err := prompt.Render(prompt.Ask(t, prompt.ImageQuestion(1, "Why?", false)))
	require.NoError(f, err)
	file := object{"image_token_index": prompt.ImageID, "templates": object{"vicuna_v1": object{
		"sep_style": t.Style, "sep": t.Sep, "sep2": t.Sep2, "roles": t.Roles, "system": t.System, "version": "v1", "stop_str": t.Sep2,
		"cases": object{"one": object{"turns": []any{"<image>\nWhy?", nil}, "prompt": prompt.String(pieces), "ids": []int{1}}},
	}}}
	for _, name := range templateFiles {
		f.writeJSON(name, file)
	}
	f.writeJSON(llavaHFPrompts, object{"tokenizer": "with <image>=32000 added", "cases": []any{}})
	f.writeJSON(tokenizerCasesFile, object{"cases": []any{object{
		"text": "a", "sp_ids": []int{263}, "ids": []int{1, 263}, "decode": "<s> a", "decode_skip_special": "a", "sp_decode": "a",
	}}, "prefix": []any{}})
}

// A saved is a tensor to write.
type saved struct {
	name  string
	dtype string // as in files: F32, I64, U8
	shape []int
	data  []byte
}

func (f *fixture) writeTensors(name string, tensors ...saved) {
	header := object{}
	var body []byte
	for _, t := range tensors {
		header[t.name] = object{"dtype": t.dtype, "shape": t.shape, "data_offsets": []int{len(body), len(body) + len(t.data)}}
		body = append(body, t.data...)
	}
	text, err := json.Marshal(header)
	require.NoError(f, err)
	out := binary.LittleEndian.AppendUint64(nil, uint64(len(text)))
	f.write(name, append(append(out, text...), body...))
}

func floatTensor(name string, shape []int, values []float32) saved {
	return saved{name, "F32", shape, appendFloats(nil, values)}
}

func intTensor(name string, values ...int) saved {
	t := saved{name: name, dtype: "I64", shape: []int{len(values)}}
	for _, v := range values {
		t.data = binary.LittleEndian.AppendUint64(t.data, uint64(v))
	}
	return t
}

// model writes a checkpoint of random weights in the original layout with its tower beside it.
func (f *fixture) model() {
	const hidden, ffn, vocab, width, layers = 16, 24, 40, 8, 2
	f.writeJSON("models/tiny/config.json", object{
		"architectures": []string{"LlavaLlamaForCausalLM"}, "model_type": "llava_llama", "hidden_act": "silu",
		"max_position_embeddings": 256, "rms_norm_eps": 1e-5, "tie_word_embeddings": false, "torch_dtype": "float32",
		"bos_token_id": 1, "eos_token_id": 2, "pad_token_id": 0, "hidden_size": hidden, "num_hidden_layers": layers,
		"num_attention_heads": 2, "num_key_value_heads": 2, "intermediate_size": ffn, "vocab_size": vocab,
		"mm_vision_tower": "clip_tiny", "mm_hidden_size": width, "mm_vision_select_layer": -2, "mm_use_im_start_end": false,
		"mm_use_im_patch_token": false, "use_mm_proj": true, "mm_projector_type": "mlp2x_gelu",
		"mm_vision_select_feature": "patch", "image_aspect_ratio": "pad",
	})
	f.writeJSON("models/clip_tiny/config.json", object{"architectures": []string{"CLIPModel"}, "model_type": "clip", "vision_config": object{
		"model_type": "clip_vision_model", "hidden_act": "quick_gelu", "layer_norm_eps": 1e-5, "num_channels": 3, "hidden_size": width,
		"num_hidden_layers": layers, "num_attention_heads": 2, "intermediate_size": ffn, "image_size": fixtureSide, "patch_size": fixturePatch,
	}})
	clip := imaging.ClipNormalizer()
	f.writeJSON("models/clip_tiny/preprocessor_config.json", object{
		"crop_size": fixtureSide, "size": fixtureSide, "do_center_crop": true, "do_normalize": true, "do_resize": true,
		"feature_extractor_type": "CLIPFeatureExtractor", "image_mean": clip.Mean, "image_std": clip.Std, "resample": 3,
	})
	rng := rand.New(rand.NewPCG(1, 2))
	random := func(name string, shape ...int) saved {
		n := 1
		for _, d := range shape {
			n *= d
		}
		values := make([]float32, n)
		for i := range values {
			values[i] = float32(rng.NormFloat64()) * 0.3
		}
		return floatTensor(name, shape, values)
	}
	llm := []saved{
		random("model.embed_tokens.weight", vocab, hidden), random("model.norm.weight", hidden), random("lm_head.weight", vocab, hidden),
		random("model.mm_projector.0.weight", hidden, width), random("model.mm_projector.0.bias", hidden),
		random("model.mm_projector.2.weight", hidden, hidden), random("model.mm_projector.2.bias", hidden),
	}
	const v = "vision_model."
	patches := (fixtureSide / fixturePatch) * (fixtureSide / fixturePatch)
	tower := []saved{
		random(v+"embeddings.class_embedding", width), random(v+"embeddings.position_embedding.weight", patches+1, width),
		random(v+"embeddings.patch_embedding.weight", width, 3, fixturePatch, fixturePatch),
		random(v+"pre_layrnorm.weight", width), random(v+"pre_layrnorm.bias", width),
		random(v+"post_layernorm.weight", width), random(v+"post_layernorm.bias", width),
	}
	for i := range layers {
		p := fmt.Sprintf("model.layers.%d.", i)
		for _, name := range []string{"q_proj", "k_proj", "v_proj", "o_proj"} {
			llm = append(llm, random(p+"self_attn."+name+".weight", hidden, hidden))
		}
		llm = append(llm, random(p+"mlp.gate_proj.weight", ffn, hidden), random(p+"mlp.up_proj.weight", ffn, hidden),
			random(p+"mlp.down_proj.weight", hidden, ffn), random(p+"input_layernorm.weight", hidden), random(p+"post_attention_layernorm.weight", hidden))
		p = fmt.Sprintf(v+"encoder.layers.%d.", i)
		for _, name := range []string{"self_attn.q_proj", "self_attn.k_proj", "self_attn.v_proj", "self_attn.out_proj"} {
			tower = append(tower, random(p+name+".weight", width, width), random(p+name+".bias", width))
		}
		for _, name := range []string{"layer_norm1", "layer_norm2"} {
			tower = append(tower, random(p+name+".weight", width), random(p+name+".bias", width))
		}
		tower = append(tower, random(p+"mlp.fc1.weight", ffn, width), random(p+"mlp.fc1.bias", ffn),
			random(p+"mlp.fc2.weight", width, ffn), random(p+"mlp.fc2.bias", width))
	}
	f.writeTensors("models/tiny/model.safetensors", llm...)
	f.writeTensors("models/clip_tiny/model.safetensors", tower...)
}

// outputs records one case of the model.
func (f *fixture) outputs() {
	p, err := pipeline.Open(context.Background(), f.path("models/tiny"), pipeline.Options{})
	require.NoError(f, err)
	defer p.Close()
	probe, err := pipeline.Open(context.Background(), f.path("models/tiny"), pipeline.Options{Set: []string{"select_layer=-1"}})
	require.NoError(f, err)
	defer probe.Close()

	img := f.decode("a.png")
	ids := []int{1, 7, pipeline.ImageID, 9, 11}
	rec := newRecorder()
	rec.want("pixel_values", "vision_features", "projected", "inputs_embeds", "logits", stepLogits)
	rec.states = []string{"llm_hidden_"}
	const steps = 6
	a, err := p.Answer(context.Background(), pipeline.Request{
		Images: []*imaging.RGB{img}, IDs: ids, Observer: rec, Generate: pipeline.GenerateOptions{MaxNewTokens: steps},
	})
	require.NoError(f, err)
	tower := newRecorder()
	tower.states = []string{"vision_hidden_"}
	_, err = probe.Look(context.Background(), []*imaging.RGB{img}, tower, &pipeline.Timings{})
	require.NoError(f, err)

	tensors := []saved{intTensor("input_ids", ids...), intTensor("greedy_ids", a.IDs...), intTensor("logits_rows_idx", 0, 3)}
	add := func(name string, shape []int, values []float32) {
		tensors = append(tensors, floatTensor(name, shape, values))
	}
	logits := rec.got["logits"]
	add("logits_all", logits.shape, logits.data)
	add("logits_rows", []int{2, logits.width()}, logits.rows([]int{0, 3}))
	add("logits_last", []int{logits.width()}, logits.last())
	for name, as := range map[string]string{"vision_features": "vision_feature", "projected": "projected", "inputs_embeds": "inputs_embeds"} {
		add(as, rec.got[name].shape, rec.got[name].data)
	}
	states := func(r *recorder, prefix string, rows func(observed) []float32) (int, []float32) {
		var out []float32
		for _, s := range r.hidden(prefix) {
			out = append(out, rows(s)...)
		}
		return len(r.hidden(prefix)), out
	}
	n, values := states(rec, "llm_hidden_", observed.last)
	add("llm_hidden_last", []int{n, len(values) / n}, values)
	n, values = states(tower, "vision_hidden_", func(o observed) []float32 { return o.data })
	first := tower.got["vision_hidden_00"]
	add("vision_hidden", append([]int{n}, first.shape...), values)
	last := tower.got[fmt.Sprintf("vision_hidden_%02d", n-1)]
	add("vision_feature_layer-1_cls_patch", last.shape, last.data)

	top := saved{name: "greedy_top4_ids", dtype: "I64", shape: []int{len(a.IDs), topTokens}}
	var topLogits []float32
	for _, l := range rec.steps {
		for _, id := range topIDs(l, topTokens) {
			top.data = binary.LittleEndian.AppendUint64(top.data, uint64(id))
			topLogits = append(topLogits, l[id])
		}
	}
	tensors = append(tensors, top)
	add("greedy_top4_logits", top.shape, topLogits)

	f.writeTensors("outputs/tiny.one.safetensors", tensors...)
	c := object{
		"file": "tiny.one.safetensors", "images": []string{"a.png"}, "sizes_wh": [][2]int{{40, 24}}, "tiles": []int{1},
		"prompt_ids": len(ids), "sequence": a.PromptTokens, "greedy_min_margin": 0.1, "tensors": listing(tensors),
	}
	f.writeJSON(outputsManifestFile, object{
		"what":   "fixture",
		"models": object{"tiny": object{"dir": "models/tiny", "vision_dir": "models/clip_tiny", "cases": object{"one": c}}},
	})
}

// listing is how a manifest lists tensors.
func listing(tensors []saved) object {
	names := map[string]string{"F32": "float32", "I64": "int64", "U8": "uint8"}
	out := object{}
	for _, t := range tensors {
		out[t.name] = []any{names[t.dtype], t.shape}
	}
	return out
}

// editTensor changes one number of a float tensor in place.
func (f *fixture) editTensor(file, name string, index int, by float32) {
	f.Helper()
	data := f.read(file)
	n := binary.LittleEndian.Uint64(data)
	var header map[string]struct {
		Offsets [2]int `json:"data_offsets"`
	}
	require.NoError(f, json.Unmarshal(data[8:8+n], &header))
	at := data[8+int(n)+header[name].Offsets[0]+4*index:]
	v := math.Float32frombits(binary.LittleEndian.Uint32(at))
	binary.LittleEndian.PutUint32(at, math.Float32bits(v+by))
	f.write(file, data)
}
