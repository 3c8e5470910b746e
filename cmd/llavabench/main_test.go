package main

import (
	"bytes"
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"llavabench/eval"
	"llavabench/internal/rundir"
)

func shipped(t *testing.T, parts ...string) string {
	return filepath.Join(append([]string{repository(t), "testdata"}, parts...)...)
}

func TestExitCodesAndMessages(t *testing.T) {
	model, image := shipped(t, "models/llava15"), shipped(t, "images/square.png")
	text := filepath.Join(t.TempDir(), "notes.jpg")
	require.NoError(t, os.WriteFile(text, []byte("not a picture"), 0o644))
	for _, c := range []struct {
		name string
		args []string
		code int
		want string // in standard error
	}{
		{"unknown command", []string{"rnu"}, exitUsage, `unknown command "rnu"`},
		{"unknown flag", []string{"run", "--modle", "x"}, exitUsage, "unknown flag: --modle"},
		{"missing flag", []string{"run", "--prompt", "x"}, exitUsage, `required flag(s) "model" not set`},
		{"a flag that is no number", []string{"run", "--model", model, "--prompt", "x", "--threads", "two"}, exitUsage, "--threads"},
		{"neither prompt nor ids", []string{"run", "--model", model}, exitUsage, "either --prompt or --input-ids"},
		{"both", []string{"run", "--model", model, "--prompt", "x", "--input-ids", "1"}, exitUsage, "either --prompt or --input-ids"},
		{"ids that are none", []string{"run", "--model", model, "--input-ids", "1,two"}, exitUsage, `"two" is not a token id`},
		{"type", []string{"run", "--model", model, "--prompt", "x", "--dtype", "q3"}, exitUsage, `--dtype: "q3" is not a type, expected f32, f16, bf16, q8, q4, q4g64, q4-all, q4g64-all`},
		{"temperature", []string{"run", "--model", model, "--prompt", "x", "--temperature", "-1"}, exitUsage, "temperature is -1"},
		{"no such model", []string{"run", "--model", "/nowhere", "--prompt", "x"}, exitFailed, "/nowhere"},
		{"no such variant", []string{"run", "--model", model, "--prompt", "x", "--variant", "llava9"}, exitFailed, `variant "llava9" is not known, expected one of llava1, llava15, llava15hd, llava16`},
		{"no such setting", []string{"run", "--model", model, "--prompt", "x", "--set", "colour=red"}, exitFailed, `option "colour" is not known`},
		{"no such template", []string{"run", "--model", model, "--prompt", "x", "--template", "v9"}, exitFailed, `template "v9"`},
		{"no such picture", []string{"run", "--model", model, "--prompt", "x", "--image", "/nowhere.png"}, exitFailed, "/nowhere.png"},
		{"no picture at all", []string{"run", "--model", model, "--prompt", "x", "--image", text}, exitFailed, "notes.jpg"},
		{"more places than pictures", []string{"run", "--model", model, "--image", image, "--input-ids", "1,-200,-200"}, exitFailed, "places for 2 pictures, but 1 are given"},
		{"an id outside", []string{"run", "--model", model, "--input-ids", "1,512"}, exitFailed, "token id 512"},
		{"longer than the context", []string{"run", "--model", model, "--prompt", strings.Repeat("word ", 4096)}, exitFailed, "longer than the context"},
		{"placeholders", []string{"run", "--model", model, "--image", image, "--prompt", "<image-placeholder> and <image-placeholder>"}, exitFailed, "2 times <image-placeholder>, but there are 1 pictures"},
		{"inspect without anything", []string{"inspect"}, exitUsage, "either --model M or --compare"},
		{"png without image", []string{"inspect", "--compare", "--png", "x.png"}, exitUsage, "--png needs --image"},
		{"synth without out", []string{"synth", "--config", "tiny-llava15"}, exitUsage, "--config NAME and --out DIR"},
		{"synth of the unknown", []string{"synth", "--config", "gpt", "--out", "x"}, exitUsage, `configuration "gpt" is not known`},
		{"latency of nothing", []string{"latency", "--repeat", "0"}, exitUsage, "at least 1"},
	} {
		t.Run(c.name, func(t *testing.T) {
			code, stdout, stderr := llavabench(t, c.args...)
			require.Equal(t, c.code, code, stderr)
			require.Contains(t, stderr, c.want)
			require.Empty(t, stdout, "nothing on standard output")
			require.NotContains(t, stderr, "goroutine")
		})
	}
}

func TestHelpAndCompletion(t *testing.T) {
	for _, args := range [][]string{{"--help"}, {"run", "--help"}, {"inspect", "--help"}, {"synth", "--help"}, {"bench", "--help"}, {"golden", "verify", "--help"}} {
		code, stdout, stderr := llavabench(t, args...)
		require.Zero(t, code, stderr)
		require.Contains(t, stdout, "Usage:")
		require.Contains(t, stdout, "llavabench")
	}
	for _, shell := range []string{"bash", "zsh", "fish"} {
		code, stdout, _ := llavabench(t, "completion", shell)
		require.Zero(t, code)
		require.Contains(t, stdout, "llavabench")
	}
}

func runJSON(t *testing.T, args ...string) runOutput {
	t.Helper()
	code, stdout, stderr := llavabench(t, append([]string{"run", "--json", "--max-new-tokens", "6"}, args...)...)
	require.Zero(t, code, stderr)
	var out runOutput
	require.NoError(t, json.Unmarshal([]byte(stdout), &out))
	return out
}

func TestRunJSON(t *testing.T) {
	for _, c := range []struct {
		model, image string
		more         []string
		variant      string
		tokens       int
		tiles        int
		grid         [2]int
	}{
		{"llava1", "wide.png", nil, "llava1", 256, 1, [2]int{}},
		{"llava15", "wide.png", nil, "llava15", 576, 1, [2]int{}},
		{"llava15", "square.png", []string{"--variant", "llava15hd"}, "llava15hd", 1152, 2, [2]int{1, 1}},
		{"llava15hd", "square.png", []string{"--variant", "llava15hd"}, "llava15hd", 1312, 5, [2]int{2, 2}},
		{"llava16", "wide.png", nil, "llava16", 2328, 4, [2]int{3, 1}},
		{"llava16", "wide.png", []string{"--set", "pinpoints=article"}, "llava16", 2328, 5, [2]int{4, 1}},
	} {
		out := runJSON(t, append([]string{"--model", shipped(t, "models", c.model), "--image", shipped(t, "images", c.image), "--prompt", "What is this?"}, c.more...)...)
		require.Equal(t, c.variant, out.Variant)
		require.Equal(t, c.tokens, out.ImageTokens)
		require.Equal(t, c.tiles, out.Tiles)
		require.Equal(t, c.grid, out.Grid)
		require.Greater(t, out.PromptTokens, out.ImageTokens)
		require.NotEmpty(t, out.TokenIDs)
		require.Equal(t, "bf16", out.DType)
		for _, stage := range []string{"load", "preprocess", "vision", "projector", "prefill", "first_token", "decode"} {
			require.Contains(t, out.TimingsMS, stage)
		}
		require.Positive(t, out.PeakRSSBytes)
	}
}

func TestSeveralPicturesAndTheirPlaces(t *testing.T) {
	model := shipped(t, "models/llava15")
	a, b := shipped(t, "images/square.png"), shipped(t, "images/photo.jpg")
	before := runJSON(t, "--model", model, "--image", a, "--image", b, "--prompt", "What changed?")
	require.Equal(t, 2*576, before.ImageTokens)
	require.Len(t, before.Images, 2)
	placed := runJSON(t, "--model", model, "--image", a, "--image", b, "--prompt", "Here <image-placeholder> and there <image-placeholder>: what changed?")
	require.Equal(t, 2*576, placed.ImageTokens)
	literal := runJSON(t, "--model", model, "--image", a, "--prompt", "What does <image> mean in HTML?")
	require.Equal(t, 576, literal.ImageTokens, "a literal <image> is text")
}

// The dumped tensors are the same bytes for any number of threads and any chunks.
func TestDumpNeverChanges(t *testing.T) {
	args := []string{"run", "--json", "--model", shipped(t, "models/llava16"), "--image", shipped(t, "images/square.png"),
		"--prompt", "Read it.", "--max-new-tokens", "3", "--dump-hidden", "0,2"}
	dump := func(more ...string) map[string][]byte {
		dir := t.TempDir()
		code, _, stderr := llavabench(t, append(append(append([]string(nil), args...), "--dump", dir), more...)...)
		require.Zero(t, code, stderr)
		files := map[string][]byte{}
		entries, err := os.ReadDir(dir)
		require.NoError(t, err)
		for _, e := range entries {
			files[e.Name()], err = os.ReadFile(filepath.Join(dir, e.Name()))
			require.NoError(t, err)
		}
		return files
	}
	want := dump("--threads", "1")
	require.Len(t, want, 7)
	for _, name := range []string{"pixel_values", "vision_hidden_00", "vision_hidden_02", "vision_features", "projected", "inputs_embeds", "logits"} {
		require.NotEmpty(t, want[name+".npy"], name)
	}
	for _, more := range [][]string{{"--threads", "2"}, {"--threads", "3", "--prefill-chunk", "100"}, {"--prefill-chunk", "1"}} {
		got := dump(more...)
		for name := range want {
			require.True(t, bytes.Equal(want[name], got[name]), "%s with %v", name, more)
		}
	}
}

func TestSamplingFollowsItsSeed(t *testing.T) {
	args := []string{"--model", shipped(t, "models/llava15"), "--prompt", "Hello", "--temperature", "1"}
	one := runJSON(t, append(args, "--seed", "1")...)
	require.Equal(t, one.TokenIDs, runJSON(t, append(args, "--seed", "1")...).TokenIDs)
	require.NotEqual(t, one.TokenIDs, runJSON(t, append(args, "--seed", "2")...).TokenIDs)
}

func TestWeightTypeInMemory(t *testing.T) {
	args := []string{"--model", shipped(t, "models/llava15"), "--prompt", "Hello"}
	require.Equal(t, "f16", runJSON(t, append(args, "--dtype", "f16")...).DType)
	exact := runJSON(t, append(args, "--dtype", "f32")...)
	require.Equal(t, "f32", exact.DType)
	require.Equal(t, runJSON(t, args...).TokenIDs, exact.TokenIDs, "widening changes nothing")
}

func TestInterruptEndsCleanly(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	var out, errs bytes.Buffer
	code := run(ctx, strings.NewReader(""), &out, &errs, []string{"run", "--model", shipped(t, "models/llava15"), "--prompt", "Hello"})
	require.Equal(t, exitFailed, code)
	require.Equal(t, "llavabench: interrupted\n", errs.String())
}

func TestInspectCompareJSON(t *testing.T) {
	code, stdout, stderr := llavabench(t, "inspect", "--compare", "--image", shipped(t, "images/wide.png"), "--json")
	require.Zero(t, code, stderr)
	var c comparison
	require.NoError(t, json.Unmarshal([]byte(stdout), &c))
	var tokens []int
	for _, m := range c.Models {
		tokens = append(tokens, m.Image.ImageTokens)
	}
	require.Equal(t, []int{256, 576, 2304, 2328, 2328}, tokens)
	require.Equal(t, int64(303_507_456), c.Towers[3].Parameters)
	most := map[string][2]int{}
	for _, m := range c.Models {
		most[m.Model] = [2]int{m.Most.Tokens, m.Most.Tokens - m.Most.Newlines}
	}
	require.Equal(t, [2]int{2928, 2880}, most["LLaVA-1.6"])
	require.Equal(t, 2976, most["LLaVA-1.6, the article's grids"][0])
}

func TestInspectDrawsEveryVariant(t *testing.T) {
	for _, model := range []string{"llava1", "llava15", "llava16"} {
		for _, image := range []string{"wide.png", "tall.png"} {
			file := filepath.Join(t.TempDir(), "tiles.png")
			code, stdout, stderr := llavabench(t, "inspect", "--model", shipped(t, "models", model), "--image", shipped(t, "images", image), "--png", file)
			require.Zero(t, code, stderr)
			require.Contains(t, stdout, "image tokens")
			info, err := os.Stat(file)
			require.NoError(t, err)
			require.Greater(t, info.Size(), int64(1000))
		}
	}
}

func TestLatencyPrintsEveryModelAndPicture(t *testing.T) {
	t.Chdir(repository(t))
	code, stdout, stderr := llavabench(t, "latency", "--repeat", "1", "--max-new-tokens", "2", "--image", "testdata/images/square.png")
	require.Zero(t, code, stderr)
	for _, model := range []string{"llava1 ", "llava15 ", "llava15hd ", "llava16 "} {
		require.Contains(t, stdout, "\n "+model)
	}
	require.Contains(t, stdout, "random weights")
	t.Chdir(t.TempDir())
	code, _, stderr = llavabench(t, "latency")
	require.Equal(t, exitFailed, code)
	require.Contains(t, stderr, "run this from the repository's root")
}

func TestConvertKeepsTheAnswers(t *testing.T) {
	model := shipped(t, "models/llava16")
	out := filepath.Join(t.TempDir(), "copy")
	code, stdout, stderr := llavabench(t, "convert", "--model", model, "--out", out)
	require.Zero(t, code, stderr)
	require.Equal(t, out+": written\n", stdout)
	args := []string{"--image", shipped(t, "images/square.png"), "--prompt", "Hello", "--vision-dir", filepath.Join(model, "vision_tower")}
	require.Equal(t, runJSON(t, append(args, "--model", model)...).TokenIDs, runJSON(t, append(args, "--model", out)...).TokenIDs)
	code, _, stderr = llavabench(t, "convert", "--model", model, "--out", out)
	require.Equal(t, exitFailed, code)
	require.Contains(t, stderr, out)
	for _, bad := range [][]string{{"--base", "x"}, {"--base", "x", "--delta", "y", "--model", "z"}, {}} {
		code, _, _ = llavabench(t, append([]string{"convert", "--out", "o"}, bad...)...)
		require.Equal(t, exitUsage, code, bad)
	}
}

func TestQuantizedCheckpointsAreAcceptedEverywhere(t *testing.T) {
	out := filepath.Join(t.TempDir(), "q4")
	code, stdout, stderr := llavabench(t, "quantize", "--model", shipped(t, "models/llava16"), "--dtype", "q4", "--keep-vision", "f16", "--out", out)
	require.Zero(t, code, stderr)
	require.Contains(t, stdout, "matrices converted to q4")
	o := runJSON(t, "--model", out, "--image", shipped(t, "images/square.png"), "--prompt", "Hello")
	require.Equal(t, "q4", o.DType)
	require.Equal(t, "q4", o.Numerics)
	code, stdout, stderr = llavabench(t, "inspect", "--model", out)
	require.Zero(t, code, stderr)
	require.Contains(t, stdout, "vision tower")
	code, _, stderr = llavabench(t, "quantize", "--model", out, "--dtype", "q8", "--out", out+"2")
	require.Equal(t, exitFailed, code)
	require.Contains(t, stderr, "quantised already")
}

func TestCPU(t *testing.T) {
	code, stdout, stderr := llavabench(t, "cpu", "--no-measure")
	require.Zero(t, code, stderr)
	require.Contains(t, stdout, "in use")
}

func TestSynthInBothLayouts(t *testing.T) {
	image := shipped(t, "images/photo.jpg") // of a size for which both flavours choose the same tiles
	var ids [][]int
	for _, layout := range []string{"original", "hf"} {
		out := filepath.Join(t.TempDir(), layout)
		code, _, stderr := llavabench(t, "synth", "--config", "tiny-llava16", "--layout", layout, "--out", out)
		require.Zero(t, code, stderr)
		ids = append(ids, runJSON(t, "--model", out, "--image", image, "--input-ids", "1,70,-200,80").TokenIDs)
	}
	require.Equal(t, ids[0], ids[1], "the same weights answer alike in both layouts")
}

// A run that is broken off goes on with another number of threads, and ends with the bytes of the unbroken one.
func TestEvalResumes(t *testing.T) {
	dir := t.TempDir()
	args := func(out string, more ...string) []string {
		return append([]string{"eval", "--model", shipped(t, "models/llava1"), "--limit", "9", "--max-new-tokens", "3", "--out", filepath.Join(dir, out)}, more...)
	}
	code, stdout, stderr := llavabench(t, args("whole", "--threads", "1")...)
	require.Zero(t, code, stderr)
	require.Contains(t, stdout, "presence")
	want, err := os.ReadFile(filepath.Join(dir, "whole/samples.jsonl"))
	require.NoError(t, err)
	require.Equal(t, 9, bytes.Count(want, []byte("\n")))

	code, _, stderr = llavabench(t, args("broken", "--threads", "2")...)
	require.Zero(t, code, stderr)
	samples := filepath.Join(dir, "broken/samples.jsonl")
	require.NoError(t, os.Truncate(samples, int64(len(want)/2)))
	code, _, stderr = llavabench(t, args("broken")...)
	require.Equal(t, exitFailed, code)
	require.Contains(t, stderr, "is not empty: resume the run")
	code, _, stderr = llavabench(t, args("broken", "--resume", "--blind")...)
	require.Equal(t, exitFailed, code)
	require.Contains(t, stderr, "settings.blind was false in the run, but is true now")
	code, _, stderr = llavabench(t, args("broken", "--resume", "--threads", "1")...)
	require.Zero(t, code, stderr)
	require.Contains(t, stderr, "the question is answered again")
	got, err := os.ReadFile(samples)
	require.NoError(t, err)
	require.Equal(t, string(want), string(got))
	for _, name := range []string{"manifest.json", "timings.jsonl", "summary.json"} {
		require.FileExists(t, filepath.Join(dir, "broken", name))
	}
	summary, err := eval.ReadSummary(filepath.Join(dir, "broken"))
	require.NoError(t, err)
	require.NotNil(t, summary.Cost)
	require.Positive(t, summary.Cost.QuestionsPerHour)
	for _, name := range []string{"preprocess", "vision", "projector", "prefill", "decode", "first_token", "total", "image_tokens", "prompt_tokens"} {
		f, ok := summary.Cost.Figure(name)
		require.True(t, ok, name)
		require.LessOrEqual(t, f.P50, f.P99, name)
	}
	if runtime.GOOS == "linux" {
		require.Greater(t, summary.Cost.PeakRSS, int64(1<<20))
	}
	code, _, stderr = llavabench(t, "eval", "--model", "x", "--suite", "pupe", "--out", "y")
	require.Equal(t, exitUsage, code)
	require.Contains(t, stderr, `suite "pupe" is not known`)
	code, _, stderr = llavabench(t, "eval", "--model", "x", "--suite", "pope", "--out", "y")
	require.Equal(t, exitUsage, code)
	require.Contains(t, stderr, "needs --data")
}

// A suite written to disk and asked as a question file gives the answers of the suite drawn on the way, and LLaVA's answer
// file has one line for each.
func TestEvalOfAQuestionFile(t *testing.T) {
	dir := t.TempDir()
	suite := filepath.Join(dir, "suite")
	code, _, stderr := llavabench(t, "suite", "make", "--seed", "7", "--count", "7", "--out", suite)
	require.Zero(t, code, stderr)
	model := shipped(t, "models/llava1")
	code, _, stderr = llavabench(t, "eval", "--model", model, "--limit", "7", "--max-new-tokens", "3", "--out", filepath.Join(dir, "drawn"))
	require.Zero(t, code, stderr)
	answers := filepath.Join(dir, "answers.jsonl")
	code, stdout, stderr := llavabench(t, "eval", "--model", model, "--questions", filepath.Join(suite, "questions.jsonl"), "--images", filepath.Join(suite, "images"),
		"--max-new-tokens", "3", "--out", filepath.Join(dir, "asked"), "--answers", answers, "--json")
	require.Zero(t, code, stderr)
	require.Contains(t, stdout, `"samples": 7`)
	drawn, err := rundir.ReadSamples(filepath.Join(dir, "drawn"))
	require.NoError(t, err)
	asked, err := rundir.ReadSamples(filepath.Join(dir, "asked"))
	require.NoError(t, err)
	require.Len(t, asked, 7)
	for i := range drawn {
		require.Empty(t, asked[i].Error)
		require.Equal(t, drawn[i].PixelSHA256, asked[i].PixelSHA256)
		require.Equal(t, drawn[i].OutputIDs, asked[i].OutputIDs)
		require.NotEmpty(t, asked[i].Question)
		require.Equal(t, asked[i].ID+".png", asked[i].Image)
		require.Equal(t, []int{drawn[i].Width, drawn[i].Height}, []int{asked[i].Width, asked[i].Height})
		require.Positive(t, asked[i].Width)
	}
	m, err := rundir.ReadManifest(filepath.Join(dir, "asked"))
	require.NoError(t, err)
	require.Equal(t, filepath.Join(suite, "images"), m.Pictures)
	require.Positive(t, m.Work.DecodeBytes)
	b, err := os.ReadFile(answers)
	require.NoError(t, err)
	require.Equal(t, 7, bytes.Count(b, []byte(`"question_id":`)))
}
