package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestBench(t *testing.T) {
	out := filepath.Join(t.TempDir(), "bench")
	args := []string{"bench", "../../testdata/models/llava1", "../../testdata/models/llava15=llava15hd", "--limit", "14", "--out", out}
	code, stdout, stderr := llavabench(t, args...)
	require.Equal(t, exitOK, code, stderr)
	for _, want := range []string{"14 items", "most frequent answer", "mean colour", "gain by seeing", "llava15-llava15hd - llava1", "first token"} {
		require.Contains(t, stdout, want)
	}
	require.NotContains(t, stdout, "run before")
	require.Contains(t, stdout, "Report: "+filepath.Join(out, "report", "index.html"))
	require.FileExists(t, filepath.Join(out, "report", "index.html"))
	for _, dir := range []string{"llava1", "llava1-mean-colour", "llava15-llava15hd", "llava15-llava15hd-mean-colour"} {
		require.FileExists(t, filepath.Join(out, dir, "summary.json"))
	}
	code, stdout, stderr = llavabench(t, "reproduce", filepath.Join(out, "llava15-llava15hd-mean-colour", "manifest.json"))
	require.Equal(t, exitOK, code, stderr)
	require.Contains(t, stdout, "samples.jsonl is the same")

	code, again, stderr := llavabench(t, append(args, "--baselines=false", "--json")...)
	require.Equal(t, exitOK, code, stderr)
	var runs []benchRun
	require.NoError(t, json.Unmarshal([]byte(again), &runs))
	require.Len(t, runs, 2)
	for _, r := range runs {
		require.Equal(t, "same", r.Before, "the same answers as before")
		require.Equal(t, 14, r.Summary.Samples)
	}
}

func TestBenchLeavesOtherDirectoriesAlone(t *testing.T) {
	out := t.TempDir()
	require.NoError(t, os.MkdirAll(filepath.Join(out, "llava1"), 0o755))
	mine := filepath.Join(out, "llava1", "thesis.txt")
	require.NoError(t, os.WriteFile(mine, []byte("x"), 0o644))
	code, _, stderr := llavabench(t, "bench", "../../testdata/models/llava1", "--limit", "7", "--out", out)
	require.Equal(t, exitFailed, code)
	require.Contains(t, stderr, "is not empty")
	require.FileExists(t, mine)

	code, _, stderr = llavabench(t, "bench", "../../testdata/models/llava1", "../../testdata/models/llava1", "--limit", "7", "--out", t.TempDir())
	require.Equal(t, exitUsage, code)
	require.Contains(t, stderr, "two models would write to")
}
