package main

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"llavabench/internal/rundir"
)

// Draws depend on the question and the seed, not on what is answered together; greedy runs record nothing of them.
func TestEvalDraws(t *testing.T) {
	out := t.TempDir()
	ask := func(name string, more ...string) []byte {
		run := filepath.Join(out, name)
		code, _, stderr := llavabench(t, append([]string{"eval", "--model", shipped(t, "models/llava15"), "--limit", "5", "--max-new-tokens", "4", "--out", run}, more...)...)
		require.Zero(t, code, stderr)
		samples, err := os.ReadFile(filepath.Join(run, rundir.SamplesFile))
		require.NoError(t, err)
		return samples
	}
	greedy := ask("greedy")
	drawn := ask("drawn", "--temperature", "2", "--sample-seed", "3")
	require.NotEqual(t, greedy, drawn)
	require.Equal(t, drawn, ask("alone", "--temperature", "2", "--sample-seed", "3", "--batch", "1"))
	require.NotEqual(t, drawn, ask("seed", "--temperature", "2", "--sample-seed", "4"))
	code, _, stderr := llavabench(t, "reproduce", filepath.Join(out, "drawn"))
	require.Zero(t, code, stderr)
	m, err := rundir.ReadManifest(filepath.Join(out, "greedy"))
	require.NoError(t, err)
	require.NotContains(t, string(m.Settings), "top_p")

	for _, bad := range [][]string{{"--temperature", "-1"}, {"--top-p", "0.5"}, {"--sample-seed", "1"}, {"--temperature", "1", "--top-p", "2"}, {"--categories", "x"}} {
		code, _, stderr := llavabench(t, append([]string{"eval", "--model", shipped(t, "models/llava15"), "--out", filepath.Join(out, "bad")}, bad...)...)
		require.Equal(t, exitUsage, code, stderr)
	}
}

// Items of some categories are those of the whole suite, and their pictures are found again.
func TestEvalOfCategories(t *testing.T) {
	run := filepath.Join(t.TempDir(), "run")
	code, stdout, stderr := llavabench(t, "eval", "--model", shipped(t, "models/llava15"), "--limit", "5", "--max-new-tokens", "1", "--categories", "wide,counting", "--out", run)
	require.Zero(t, code, stderr)
	require.Contains(t, stdout, "wide")
	samples, err := rundir.ReadSamples(run)
	require.NoError(t, err)
	var ids []string
	for _, s := range samples {
		ids = append(ids, s.ID+" "+s.Category)
	}
	require.Equal(t, []string{"test-7-000002 counting", "test-7-000005 wide", "test-7-000009 counting", "test-7-000012 wide", "test-7-000016 counting"}, ids)
	code, _, stderr = llavabench(t, "report", run, "--out", filepath.Join(t.TempDir(), "report"))
	require.Zero(t, code, stderr)
	require.NotContains(t, stderr, "another one now")
	code, _, stderr = llavabench(t, "reproduce", run)
	require.Zero(t, code, stderr)
}
