package main

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"llavabench/eval"
	"llavabench/internal/rundir"
)

// Several models and weight types are asked the same questions, each as by itself; what is missing is made on resume.
func TestEvalOfSeveralModels(t *testing.T) {
	dir := t.TempDir()
	out := filepath.Join(dir, "all")
	llava1, llava15 := shipped(t, "models/llava1"), shipped(t, "models/llava15")
	common := []string{"--limit", "7", "--max-new-tokens", "2"}
	args := append([]string{"eval", "--model", llava1, "--model", llava15 + "=llava15hd", "--dtype", "stored,q8", "--out", out}, common...)
	stdout := mustRun(t, args...)
	names := []string{"llava1-stored", "llava1-q8", "llava15-llava15hd-stored", "llava15-llava15hd-q8"}
	at := 0
	for _, name := range names {
		next := strings.Index(stdout, "\n "+name+" ")
		require.Greater(t, next, at, stdout)
		at = next
	}
	require.Contains(t, stdout, "paired differences to llava1-stored")
	require.Contains(t, stdout, "questions/h")

	alone := filepath.Join(dir, "alone")
	mustRun(t, append([]string{"eval", "--model", llava15 + "=llava15hd", "--dtype", "q8", "--out", alone}, common...)...)
	read := func(dir string) string {
		b, err := os.ReadFile(filepath.Join(dir, rundir.SamplesFile))
		require.NoError(t, err)
		return string(b)
	}
	require.Equal(t, read(alone), read(filepath.Join(out, names[3])))
	m, err := rundir.ReadManifest(alone)
	require.NoError(t, err)
	require.Equal(t, []string{"llava15hd", "q8"}, []string{m.System.Variant, m.System.DType})
	mustRun(t, "reproduce", alone)

	want := read(filepath.Join(out, names[1]))
	require.NoError(t, os.RemoveAll(filepath.Join(out, names[1])))
	code, _, stderr := llavabench(t, args...)
	require.Equal(t, exitFailed, code)
	require.Contains(t, stderr, "is not empty")
	require.Equal(t, stdout[:strings.Index(stdout, "\n")], mustRun(t, append(args, "--resume")...)[:strings.Index(stdout, "\n")])
	require.Equal(t, want, read(filepath.Join(out, names[1])))
	require.Contains(t, mustRun(t, append(args, "--resume", "--json")...), `"run": "llava15-llava15hd-q8"`)
}

// The shards of several models are put together model by model.
func TestShardsOfSeveralModels(t *testing.T) {
	dir := t.TempDir()
	at := func(name string) string { return filepath.Join(dir, name) }
	ask := func(out string, more ...string) {
		mustRun(t, append([]string{"eval", "--model", shipped(t, "models/llava1"), "--model", shipped(t, "models/llava15"), "--limit", "14", "--max-new-tokens", "2", "--out", at(out)}, more...)...)
	}
	ask("1", "--shard", "1/2")
	ask("2", "--shard", "2/2")
	ask("whole")
	out := mustRun(t, "merge", at("2"), at("1"), "--out", at("merged"))
	require.Contains(t, out, "llava15\n")
	for _, name := range []string{"llava1", "llava15"} {
		want, err := eval.ReadSummary(at("whole/" + name))
		require.NoError(t, err)
		got, err := eval.ReadSummary(at("merged/" + name))
		require.NoError(t, err)
		require.Equal(t, want.Results(), got.Results())
		require.Equal(t, 14, got.Samples)
	}
	require.NoError(t, os.RemoveAll(at("2/llava15")))
	code, _, stderr := llavabench(t, "merge", at("1"), at("2"), "--out", at("again"))
	require.Equal(t, exitFailed, code)
	require.Contains(t, stderr, `holds a run "llava15", but`)
	code, _, stderr = llavabench(t, "merge", at("1"), dir+"/none", "--out", at("again"))
	require.Equal(t, exitFailed, code)
	require.Contains(t, stderr, "is no run directory and holds none")
}

// A model on a server stands beside a checkpoint; weight types are the checkpoint's.
func TestEvalOfAServerBesideACheckpoint(t *testing.T) {
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		fmt.Fprint(w, `{"choices":[{"message":{"content":"yes"}}],"usage":{"prompt_tokens":600,"completion_tokens":2}}`)
	}))
	defer srv.Close()
	out := filepath.Join(t.TempDir(), "out")
	stdout := mustRun(t, "eval", "--model", shipped(t, "models/llava1"), "--model", "openai:"+srv.URL+"#tiny", "--dtype", "stored,q8", "--limit", "3", "--max-new-tokens", "2", "--out", out)
	for _, name := range []string{"llava1-stored", "llava1-q8", "tiny"} {
		require.Contains(t, stdout, "\n "+name+" ")
	}
	s, err := eval.ReadSummary(filepath.Join(out, "tiny"))
	require.NoError(t, err)
	f, ok := s.Cost.Figure("total")
	require.True(t, ok)
	require.Equal(t, []int{2, 1}, []int{f.N, s.Cost.WarmUp}, "one question at a time: the first is the warm-up")
	require.Positive(t, s.Cost.QuestionsPerHour)
	require.Zero(t, s.Cost.PeakRSS, "that of the server is not known")
	require.Nil(t, s.Cost.Energy)
}

func TestSeveralModelsAreRefused(t *testing.T) {
	model, out := shipped(t, "models/llava1"), filepath.Join(t.TempDir(), "out")
	for _, c := range []struct {
		args []string
		want string
	}{
		{[]string{"--model", model, "--model", model}, "is named twice"},
		{[]string{"--model", model, "--dtype", "q8,q8"}, "is named twice"},
		{[]string{"--model", model, "--dtype", "q8,"}, "names an empty type"},
		{[]string{"--model", model, "--dtype", "q8,q9"}, `"q9" is not a type`},
		{[]string{"--model", model + "=llava15", "--variant", "llava16"}, "name a generation both"},
		{[]string{"--model", model, "--model", model + "-none"}, "llava1-none"},
		{[]string{"--model", model, "--model", "openai:http://x"}, "openai:URL#NAME"},
		{[]string{"--model", model, "--model", "openai:http://x#y", "--blind"}, "are about a checkpoint"},
		{[]string{"--model", model, "--dtype", "f32,q8", "--launcher", "slurm", "--shards", "2"}, "one --model and one --dtype"},
		{[]string{"--model", model, "--dtype", "f32,q8", "--answers", "x"}, "write one file, but 2 runs are made"},
		{[]string{"--model", model, "--dtype", "f32,q8", "--suite", "sight,pupe"}, `"pupe" is not known`},
		{[]string{"--model", "openai:http://x#y", "--dtype", "q8"}, "are about a checkpoint"},
	} {
		code, _, stderr := llavabench(t, append([]string{"eval", "--out", out}, c.args...)...)
		require.NotZero(t, code, c.args)
		require.Contains(t, stderr, c.want, c.args)
		require.NoDirExists(t, out)
	}
}

// Runs are named by as much of the path as tells the models apart.
func TestNamesOfModels(t *testing.T) {
	for _, c := range []struct{ models, types, want string }{
		{"a/llava b/llava", "", "a-llava b-llava"},
		{"org/llava-v1.5-7b other", "", "llava-v1.5-7b other"},
		{"a/llava", "stored,q4", "llava-stored llava-q4"},
		{"a/llava a/llava=llava15hd", "", "llava llava-llava15hd"},
		{"openai:http://one:8080#llava openai:http://two:8080/v1#llava", "", "8080-llava v1-llava"},
		{"openai:http://one#a/b c/", "", "b c"},
		{"..", "f32,f16", "model-f32 model-f16"},
	} {
		f := evalFlags{models: strings.Fields(c.models)}
		f.model.dtype = c.types
		all, err := f.subjects()
		require.NoError(t, err)
		var names []string
		for _, s := range all {
			names = append(names, s.name)
		}
		require.Equal(t, c.want, strings.Join(names, " "))
	}
}
