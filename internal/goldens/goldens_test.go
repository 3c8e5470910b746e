package goldens

import (
	"context"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"llavabench/internal/sharedtest"
)

func verify(t testing.TB, dir string, o Options) *Report {
	t.Helper()
	r, err := Verify(context.Background(), dir, o)
	require.NoError(t, err)
	return r
}

func failures(r *Report) string {
	var b strings.Builder
	for _, p := range r.Parts {
		for _, f := range p.Failures {
			b.WriteString(p.Name + ": " + f.String() + "\n")
		}
	}
	return b.String()
}

func TestFixtureAgrees(t *testing.T) {
	r := verify(t, newFixture(t).dir, Options{})
	require.Empty(t, failures(r))
	require.Zero(t, r.Failed)
	compared := map[string]bool{}
	for _, p := range r.Parts {
		switch p.Name {
		case "hd/geometry", "hd/preprocess", "hd/outputs", "extra", "anyres_max", "e2e", "tokenizer":
			require.NotEmpty(t, p.Skips, "%s says why nothing was checked", p.Name)
		default:
			require.NotZero(t, p.Checked, p.Name)
		}
		for _, tensor := range p.Tensors {
			compared[tensor.Name] = true
			require.Zero(t, tensor.MaxError, "%s is compared with itself", tensor.Name)
		}
	}
	for _, name := range []string{"logits_all", "logits_rows", "logits_last", "llm_hidden_last", "vision_hidden",
		"vision_feature_layer-1_cls_patch", "projected", "inputs_embeds", "greedy_ids", "greedy_top4_ids", "greedy_top4_logits"} {
		require.True(t, compared[name], name)
	}
}

// TestFixtureDiffers changes one thing at a time and expects a failure that names it, and none elsewhere.
func TestFixtureDiffers(t *testing.T) {
	const outputs = "outputs/tiny.one.safetensors"
	tinyCase := func(root object) object {
		return root["models"].(object)["tiny"].(object)["cases"].(object)["one"].(object)
	}
	output := func(root object, i int) object {
		return root["images"].([]any)[1].(object)["outputs"].([]any)[i].(object)
	}
	template := func(root object) object { return root["templates"].(object)["vicuna_v1"].(object) }
	for _, c := range []struct {
		name  string
		edit  func(f *fixture)
		wants []string // parts of one failure
	}{
		{"byte hash", func(f *fixture) {
			f.editJSON(preprocessManifestFile, func(root object) { output(root, 1)["u8_sha256"] = strings.Repeat("0", 64) })
		}, []string{"preprocess: a.png haotian:crop28: u8_sha256", `want "0000`}},
		{"float hash", func(f *fixture) {
			f.editJSON(preprocessManifestFile, func(root object) { output(root, 2)["f32_sha256"] = "" })
		}, []string{"preprocess: a.png haotian:pad28: f32_sha256"}},
		{"unknown mode", func(f *fixture) {
			f.editJSON(preprocessManifestFile, func(root object) { output(root, 0)["mode"] = "shear28" })
		}, []string{"a.png haotian:shear28: mode", `"shear28" is not understood`}},
		{"unknown flavour", func(f *fixture) {
			f.editJSON(preprocessManifestFile, func(root object) {
				root["flavours"].(object)["martian"] = "?"
				output(root, 1)["flavour"] = "martian"
			})
		}, []string{"a.png martian:crop28: mode", `flavour "martian" is not known`}},
		{"unlisted flavour", func(f *fixture) {
			f.editJSON(preprocessManifestFile, func(root object) { output(root, 1)["flavour"] = "next" })
		}, []string{`the flavour "next" is not among`}},
		{"expected error", func(f *fixture) {
			f.editJSON(preprocessManifestFile, func(root object) { output(root, 1)["error"] = "ValueError: no" })
		}, []string{"a.png haotian:crop28: error", `want "ValueError: no"`}},
		{"expected open error", func(f *fixture) {
			f.editJSON(preprocessManifestFile, func(root object) {
				root["images"].([]any)[1].(object)["open_error"] = "OSError: image file is truncated"
			})
		}, []string{"a.png: open_error", "truncated picture"}},
		{"open error of another kind", func(f *fixture) {
			f.editJSON(preprocessManifestFile, func(root object) {
				root["images"].([]any)[0].(object)["open_error"] = "OSError: image file is truncated (1 bytes not processed)"
			})
		}, []string{"broken.png: open_error", "truncated"}},
		{"other picture", func(f *fixture) { f.picture("b.png", 28, 30) }, []string{"b.png: sha256"}},
		{"norm table", func(f *fixture) {
			data := f.read(normTableFile)
			data[5]++
			f.write(normTableFile, data)
		}, []string{"norm_lut[0 1 1]"}},
		{"unknown key", func(f *fixture) {
			f.editJSON(preprocessManifestFile, func(root object) { output(root, 1)["hue"] = object{"a": 3} })
		}, []string{"preprocess/manifest.json: images.1.outputs.1.hue: the key is not understood"}},
		{"geometry", func(f *fixture) { f.editText(geometryFile, `"image_tokens":`, `"image_tokens":1`) },
			[]string{"geometry: small 40x24", "image_tokens", "counted"}},
		{"geometry file", func(f *fixture) { require.NoError(f, os.Remove(f.path(geometryFile))) }, []string{"geometry/anyres.json", "no such file"}},
		{"unknown column", func(f *fixture) {
			f.editText(geometryFile, `"hf_4_48":`, `"hf_9_99":`)
		}, []string{"hf_9_99: the key is not understood"}},
		{"unknown template", func(f *fixture) {
			f.editJSON(templateFiles[0], func(root object) { root["templates"].(object)["vicuna_v9"] = template(root) })
		}, []string{"prompts_haotian.json vicuna_v9: template"}},
		{"template field", func(f *fixture) {
			f.editJSON(templateFiles[1], func(root object) { template(root)["sep"] = "\n" })
		}, []string{`prompts_next.json vicuna_v1: sep: got " ", want "\n"`}},
		{"unknown template field", func(f *fixture) {
			f.editJSON(templateFiles[1], func(root object) { template(root)["mood"] = []any{"good"} })
		}, []string{"templates.vicuna_v1.mood: the key is not understood"}},
		{"prompt", func(f *fixture) { f.editText(templateFiles[0], "ASSISTANT:\"", "ASSISTANT: \"") },
			[]string{"prompts_haotian.json vicuna_v1 one: prompt"}},
		{"logit", func(f *fixture) { f.editTensor(outputs, "logits_last", 7, 1e-3) },
			[]string{"outputs: tiny.one: logits_last[7]: got", "largest difference 0.001, tolerance 5e-05"}},
		{"not a number", func(f *fixture) { f.editTensor(outputs, "projected", 0, float32nan()) },
			[]string{"tiny.one: projected[0 0 0]", "want NaN"}},
		{"hidden state", func(f *fixture) { f.editTensor(outputs, "vision_hidden", 9, 1e-4) }, []string{"tiny.one: vision_hidden[0 0 1 1]"}},
		{"unknown tensor", func(f *fixture) {
			f.editText(outputs, `"projected"`, `"perplexed"`)
			f.editText(outputsManifestFile, `"projected"`, `"perplexed"`)
		}, []string{"tiny.one: perplexed: the tensor is not understood"}},
		{"unlisted tensor", func(f *fixture) {
			f.editJSON(outputsManifestFile, func(root object) { delete(tinyCase(root)["tensors"].(object), "projected") })
		}, []string{"tiny.one: projected: tiny.one.safetensors holds the tensor, but the manifest does not list it"}},
		{"missing tensor", func(f *fixture) {
			f.editJSON(outputsManifestFile, func(root object) { tinyCase(root)["tensors"].(object)["rows"] = []any{"int64", []int{1}} })
		}, []string{"tiny.one: rows: the manifest lists the tensor, but tiny.one.safetensors does not hold it"}},
		{"shape", func(f *fixture) {
			f.editJSON(outputsManifestFile, func(root object) {
				tinyCase(root)["tensors"].(object)["logits_last"] = []any{"float32", []int{41}}
			})
		}, []string{"tiny.one: logits_last: got F32 [40], want float32 [41]"}},
		{"missing file", func(f *fixture) { require.NoError(f, os.Remove(f.path(outputs))) }, []string{"tiny.one: run", "tiny.one.safetensors"}},
		{"truncated file", func(f *fixture) { f.write(outputs, f.read(outputs)[:500]) }, []string{"tiny.one: run", "tiny.one.safetensors"}},
		{"missing model", func(f *fixture) { require.NoError(f, os.RemoveAll(f.path("models/tiny"))) }, []string{"tiny.one: run: models/tiny"}},
		{"sequence", func(f *fixture) {
			f.editJSON(outputsManifestFile, func(root object) { tinyCase(root)["sequence"] = 99 })
		}, []string{"tiny.one: sequence: got 8, want 99"}},
		{"pixel hash", func(f *fixture) {
			f.editJSON(outputsManifestFile, func(root object) { tinyCase(root)["pixel_u8_sha256"] = "12" })
		}, []string{`tiny.one: pixel_u8_sha256`, `want "12"`}},
		{"a file outside", func(f *fixture) {
			f.editJSON(outputsManifestFile, func(root object) { tinyCase(root)["file"] = "../../secret.safetensors" })
		}, []string{`"../../secret.safetensors" leaves the set`}},
		{"unknown kind of run", func(f *fixture) {
			f.editJSON(outputsManifestFile, func(root object) {
				tinyCase(root)["transformers_4.48.3"] = object{"upside_down": object{"sequence": 3}}
			})
		}, []string{"upside_down: entry: the kind of run is not understood"}},
		{"stray file", func(f *fixture) { f.write("outputs/tiny.two.safetensors", nil) }, []string{"files: outputs/tiny.two.safetensors"}},
		{"unknown part", func(f *fixture) { f.write("audio/manifest.json", []byte("{}")) }, []string{"files: audio/manifest.json"}},
		{"not JSON", func(f *fixture) { f.write(templateFiles[0], []byte(`{"templates": 3}`)) }, []string{"prompts_haotian.json"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			f := newFixture(t)
			c.edit(f)
			r := verify(t, f.dir, Options{})
			text := failures(r)
			require.NotZero(t, r.Failed)
			found := false
			for _, line := range strings.Split(text, "\n") {
				all := true
				for _, w := range c.wants {
					all = all && strings.Contains(line, w)
				}
				found = found || all
			}
			require.True(t, found, "no failure has all of %q in\n%s", c.wants, text)
		})
	}
}

func float32nan() float32 {
	zero := float32(0)
	return zero / zero
}

func TestVerifyRefuses(t *testing.T) {
	ctx := context.Background()
	dir := t.TempDir()
	_, err := Verify(ctx, dir, Options{})
	require.ErrorContains(t, err, "outputs/manifest.json is missing")
	require.NoError(t, os.WriteFile(filepath.Join(dir, "manifest.json"), []byte("{}"), 0o644))
	_, err = Verify(ctx, dir, Options{})
	require.ErrorContains(t, err, "scoring goldens")
	_, err = Verify(ctx, filepath.Join(dir, "manifest.json"), Options{})
	require.ErrorContains(t, err, "expected a directory")
	_, err = Verify(ctx, filepath.Join(dir, "nowhere"), Options{})
	require.ErrorIs(t, err, fs.ErrNotExist)
	_, err = Verify(ctx, newFixture(t).dir, Options{Only: []string{"sounds"}})
	require.ErrorContains(t, err, `part "sounds" is not known`)
	cancelled, cancel := context.WithCancel(ctx)
	cancel()
	_, err = Verify(cancelled, newFixture(t).dir, Options{})
	require.ErrorIs(t, err, context.Canceled)
}

func TestOnlyAndTokenizer(t *testing.T) {
	f := newFixture(t)
	r := verify(t, f.dir, Options{Only: []string{"geometry", "hd"}})
	var names []string
	for _, p := range r.Parts {
		names = append(names, p.Name)
	}
	require.Equal(t, []string{"geometry", "hd/geometry", "hd/preprocess", "hd/outputs"}, names)

	r = verify(t, f.dir, Options{Only: []string{"tokenizer"}})
	require.Equal(t, 1, r.Skipped, "without a model the strings cannot be checked")
	require.Zero(t, r.Failed)
	r = verify(t, f.dir, Options{Only: []string{"tokenizer"}, Tokenizer: f.path("tokenizer.model")})
	require.Contains(t, failures(r), "no such file", "a model that was asked for must be there")
}

func TestReportsAreTheSameEveryTime(t *testing.T) {
	f := newFixture(t)
	f.picture("b.png", 30, 20)
	f.editTensor("outputs/tiny.one.safetensors", "logits_last", 3, 1)
	one := verify(t, f.dir, Options{Threads: 1})
	two := verify(t, f.dir, Options{Threads: 3})
	for _, r := range []*Report{one, two} {
		for _, p := range r.Parts {
			p.Seconds, p.tensors, p.skips, p.information = 0, nil, nil, nil
		}
	}
	require.Equal(t, one, two)
}

// TestSharedGoldens verifies everything that the reference implementations recorded.
func TestSharedGoldens(t *testing.T) {
	if testing.Short() {
		t.Skip("the whole set takes several seconds")
	}
	dir := sharedGoldens(t)
	r := verify(t, dir, Options{})
	require.Empty(t, failures(r))
	require.Zero(t, r.Failed)
	for _, p := range r.Parts {
		t.Logf("%-14s %4d cases, %6d checked, %3d skipped, %5.1f s", p.Name, p.Cases, p.Checked, p.Skipped, p.Seconds)
		for _, tensor := range p.Tensors {
			if !tensor.Exact {
				t.Logf("    %-34s largest error %.2e, tolerance %.2e", tensor.Name, tensor.MaxError, tensor.Tolerance)
			}
		}
	}
}

// sharedGoldens is the folder of the reference data.
func sharedGoldens(t testing.TB) string {
	t.Helper()
	return sharedtest.Path(t, "golden")
}

func TestRepeatedKey(t *testing.T) {
	for text, want := range map[string]string{
		`{"a":1,"a":1}`: "a", `{"b":[{"x":{"a":[],"b":0,"a":{}}}]}`: "a", `[1,{"\u0061":"a","a":"b"}]`: "a", `{"":1,"":2}`: "",
	} {
		got, twice := repeatedKey([]byte(text))
		require.True(t, twice, text)
		require.Equal(t, want, got)
	}
	for _, text := range []string{`{"a":"a","b":{"a":1,"b":["a","a",{"a":1}]},"c":1}`, `["a","a"]`, `"a"`, `{}`, `[[],[]]`, `{"a":[],"b":[{}]}`} {
		_, twice := repeatedKey([]byte(text))
		require.False(t, twice, text)
	}
	require.ErrorContains(t, newPart("x").decodeStrict("m.json", []byte(`{"cases":{"a":{}},"cases":{}}`), new(hdOutputsManifest)), `m.json: duplicate key "cases"`)
}

// FuzzDecodeStrict reads manifests that may be anything: no panic, and where the standard decoder sees an unknown key,
// there is a failure or, for single values, a line of information.
func FuzzDecodeStrict(f *testing.F) {
	f.Add([]byte(`{"cases": {"a.b": {"file": "x", "tensors": {"t": ["int64", [1]]}, "options": {"hue": 1}}}, "extra": 1}`))
	f.Add([]byte(`{"newline_token_id": 13, "cases": {}}`))
	f.Add([]byte(`{"cases": {"a": {"per_image": [{"views": 1}, {"view": 1}]}}}`))
	f.Add([]byte(`{"cases": {"a": {"hue": {}}}, "cases": {}}`))
	f.Add([]byte(`{"cases": {"a": [{"a": {"b": 1}, "b": [1, {"a": 1}]}], "b": {"a": 1}}}`))
	f.Add([]byte(`[]`))
	f.Add([]byte(`{"":10}}`))
	f.Fuzz(func(t *testing.T, raw []byte) {
		p := newPart("fuzz")
		var m, strict hdOutputsManifest
		if p.decodeStrict("file", raw, &m) == nil && strictUnmarshal(raw, &strict) != nil {
			require.NotZero(t, p.Failed+len(p.information))
		}
	})
}
