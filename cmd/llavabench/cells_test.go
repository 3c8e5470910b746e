package main

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"llavabench/reports/study"
)

// Cells are ordinary runs in directories of their names, complete ones are left alone on resume, and changed files are noticed.
func TestCells(t *testing.T) {
	out, model := t.TempDir(), filepath.Join(t.TempDir(), "m")
	require.NoError(t, os.CopyFS(model, os.DirFS(shipped(t, "models/llava15"))))
	var stdout, stderr bytes.Buffer
	env := &environment{stdin: strings.NewReader(""), stdout: &stdout, stderr: &stderr, args: []string{"outer"}}
	args := []string{"--model", model, "--limit", "7", "--max-new-tokens", "2"}
	cells := []cell{{"as-it-is", args}, {"hd", append([]string{"--variant", "llava15hd"}, args...)}}

	runs, err := runCells(context.Background(), env, out, cells, false)
	require.NoError(t, err, stderr.String())
	require.Len(t, runs, 2)
	require.Equal(t, "hd", runs[1].Name)
	require.Equal(t, []string{"llavabench", "eval", "--variant", "llava15hd", "--model", model}, runs[1].Manifest.Command[:6])
	require.Empty(t, stdout.String())
	require.NoError(t, printCells(env, study.Group(runs), false))
	for _, want := range []string{"paired differences to as-it-is", "difference, points", "image tokens", "p, Holm"} {
		require.Contains(t, stdout.String(), want)
	}
	code, _, _ := llavabench(t, "reproduce", filepath.Join(out, "hd"))
	require.Zero(t, code)

	_, err = runCells(context.Background(), env, out, cells, false)
	require.ErrorContains(t, err, "is not empty")

	stat := func() time.Time {
		info, err := os.Stat(filepath.Join(out, "hd", "manifest.json"))
		require.NoError(t, err)
		return info.ModTime()
	}
	before := stat()
	require.True(t, cells[1].complete(filepath.Join(out, "hd")))
	_, err = runCells(context.Background(), env, out, cells, true)
	require.NoError(t, err)
	require.Equal(t, before, stat(), "a complete run is left alone")

	other := []cell{{"hd", append([]string{"--variant", "llava15"}, args...)}}
	_, err = runCells(context.Background(), env, out, other, true)
	require.ErrorContains(t, err, `hd: `+filepath.Join(out, "hd")+` cannot be resumed: system.options.aspect_ratio was "anyres" in the run, but is "pad" now`)

	undo := flip(t, filepath.Join(model, "model.safetensors"), -1)
	_, err = runCells(context.Background(), env, out, cells, true)
	require.ErrorContains(t, err, "as-it-is cannot be resumed: system.files")
	undo()
	_, err = runCells(context.Background(), env, out, cells, true)
	require.NoError(t, err, "newer files of the same bytes are no others")
}

func TestCellsRefuseNames(t *testing.T) {
	for name, want := range map[string]string{
		"": "cannot be that of a run directory", "../x": "cannot be", ".hidden": "cannot be", "a\nb": "cannot be", strings.Repeat("x", 200): "cannot be", "A": "would write to",
	} {
		require.ErrorContains(t, checkCells([]cell{{name: "a"}, {name: name}}), want, name)
	}
	require.NoError(t, checkCells([]cell{{name: "llava15 q4"}, {name: "llava15 q4g64"}}))
}

// A cell whose questions all fail does not stop the others.
func TestCellsWithoutAnswers(t *testing.T) {
	out := t.TempDir()
	env := &environment{stdin: strings.NewReader(""), stdout: &bytes.Buffer{}, stderr: &bytes.Buffer{}}
	args := []string{"--model", shipped(t, "models/llava15"), "--limit", "2", "--max-new-tokens", "1"}
	cells := []cell{{"none", append([]string{"--set", "max_image_tokens=1"}, args...)}, {"all", args}}
	for _, resume := range []bool{false, true} {
		runs, err := runCells(context.Background(), env, out, cells, resume)
		require.ErrorContains(t, err, "none: none of 2 questions was answered")
		require.Len(t, runs, 2)
		require.NoError(t, printCells(env, study.Group(runs), true))
	}
}
