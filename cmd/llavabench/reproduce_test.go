package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// flip changes one bit of a file; a negative place counts from the end. It returns what undoes that.
func flip(t *testing.T, path string, at int) (undo func()) {
	t.Helper()
	whole, err := os.ReadFile(path)
	require.NoError(t, err)
	changed := append([]byte(nil), whole...)
	if at < 0 {
		at += len(changed)
	}
	changed[at] ^= 1
	require.NoError(t, os.WriteFile(path, changed, 0o644))
	return func() { require.NoError(t, os.WriteFile(path, whole, 0o644)) }
}

// A run is reproduced from a moved copy of its whole tree, with the files of the copy; one changed byte of anything is named.
func TestReproduceAMovedCopy(t *testing.T) {
	root := t.TempDir()
	original, moved := filepath.Join(root, "original"), filepath.Join(root, "moved")
	require.NoError(t, os.CopyFS(filepath.Join(original, "testdata/models/llava15"), os.DirFS(shipped(t, "models/llava15"))))
	t.Chdir(original)
	code, _, stderr := llavabench(t, "suite", "make", "--seed", "3", "--count", "7", "--out", "data")
	require.Zero(t, code, stderr)
	// The model is given relative, the pictures absolute.
	code, _, stderr = llavabench(t, "eval", "--model", "testdata/models/llava15", "--questions", "data/questions.jsonl",
		"--images", filepath.Join(original, "data/images"), "--max-new-tokens", "2", "--threads", "1", "--out", "runs/a")
	require.Zero(t, code, stderr)
	t.Chdir(root)
	require.NoError(t, os.CopyFS(moved, os.DirFS(original)))
	run := filepath.Join(moved, "runs/a")
	reproduce := func(more ...string) (int, string, string) {
		return llavabench(t, append([]string{"reproduce", filepath.Join(run, "manifest.json")}, more...)...)
	}

	code, stdout, stderr := reproduce()
	require.Zero(t, code, stderr)
	require.Contains(t, stdout, "model: "+filepath.Join(moved, "testdata/models/llava15"))
	require.Contains(t, stdout, "data: "+filepath.Join(moved, "data/questions.jsonl")+" and 7 pictures")
	require.Contains(t, stdout, "machine: the same")
	require.Contains(t, stdout, "reproduced: samples.jsonl is the same")

	for _, c := range []struct {
		file string
		at   int
	}{
		{"testdata/models/llava15/model.safetensors", 30000},
		{"testdata/models/llava15/config.json", 4},
		{"testdata/models/llava15/tokenizer.model", 100},
		{"data/images/test-3-000004.png", -1},
		{"data/questions.jsonl", 30},
	} {
		undo := flip(t, filepath.Join(moved, c.file), c.at)
		code, _, stderr = reproduce()
		require.Equal(t, exitFailed, code, c.file)
		require.Contains(t, stderr, filepath.Base(c.file)+" has the SHA-256")
		require.Contains(t, stderr, filepath.Join(moved, c.file))
		undo()
	}
	require.NoError(t, os.Rename(filepath.Join(moved, "data/images/test-3-000004.png"), filepath.Join(moved, "x.png")))
	code, _, stderr = reproduce("--check")
	require.Equal(t, exitFailed, code)
	require.Contains(t, stderr, "test-3-000004.png is missing")
	code, _, stderr = reproduce("--check", "--images", filepath.Join(original, "data/images"))
	require.Zero(t, code, stderr)
	require.NoError(t, os.Rename(filepath.Join(moved, "x.png"), filepath.Join(moved, "data/images/test-3-000004.png")))

	edit := func(file, old, new string) (undo func()) {
		path := filepath.Join(run, file)
		whole, err := os.ReadFile(path)
		require.NoError(t, err)
		require.Contains(t, string(whole), old)
		require.NoError(t, os.WriteFile(path, []byte(strings.Replace(string(whole), old, new, 1)), 0o644))
		return func() { require.NoError(t, os.WriteFile(path, whole, 0o644)) }
	}
	for _, c := range []struct{ file, old, new, want string }{
		{"manifest.json", `"max_new_tokens": 2`, `"max_new_tokens": 3`, "settings.max_new_tokens is 3 in the manifest, but what its command gives is 2"},
		{"manifest.json", `"select_layer": -2`, `"select_layer": -1`, "system.options.select_layer is -1 in the manifest, but what its command gives is -2"},
		{"manifest.json", `"--max-new-tokens",`, `"--max-new-tokens=1", "--limit",`, "suite.items is 7 in the manifest, but what its command gives is 2"},
		{"samples.jsonl", `"output_ids":[`, `"output_ids":[9,`, "output_ids in 1 of 7 samples, first in \"test-3-000000\": [9 "},
	} {
		undo := edit(c.file, c.old, c.new)
		code, _, stderr = reproduce()
		require.Equal(t, exitFailed, code, c.want)
		require.Contains(t, stderr, c.want)
		undo()
	}
	code, _, stderr = reproduce("--threads", "2", "--out", filepath.Join(root, "again"))
	require.Zero(t, code, stderr)
	require.FileExists(t, filepath.Join(root, "again/manifest.json"))
}

func TestChecklist(t *testing.T) {
	run := filepath.Join(t.TempDir(), "run")
	code, _, stderr := llavabench(t, "eval", "--model", shipped(t, "models/llava1"), "--limit", "7", "--max-new-tokens", "2", "--out", run)
	require.Zero(t, code, stderr)
	code, stdout, stderr := llavabench(t, "checklist", run)
	require.Zero(t, code, stderr)
	for _, want := range []string{
		"95 % interval", "`settings.max_new_tokens` | `2`", "drawn from seed 7", "| threads |", "Apache-2.0, drawn by the program",
		"\nllavabench eval --model ", "\nllavabench reproduce " + run, "method: Wilson", "`model.safetensors` |", "`tokenizer.model` |",
	} {
		require.Contains(t, stdout, want)
	}
	file := filepath.Join(t.TempDir(), "checklist.md")
	code, _, stderr = llavabench(t, "checklist", run, "--out", file)
	require.Zero(t, code, stderr)
	written, err := os.ReadFile(file)
	require.NoError(t, err)
	require.Equal(t, stdout, string(written))
}
