package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"llavabench/reports"
)

// A report on two small models over the shipped suite has the pictures, drawn again, with the views of both on them.
func TestReport(t *testing.T) {
	dir := t.TempDir()
	var runs []string
	for _, m := range []string{"llava1", "llava16"} {
		run := filepath.Join(dir, m)
		code, _, stderr := llavabench(t, "eval", "--model", shipped(t, "models/"+m), "--limit", "7", "--max-new-tokens", "3", "--out", run)
		require.Zero(t, code, stderr)
		runs = append(runs, run)
	}
	out := filepath.Join(dir, "report")
	code, stdout, stderr := llavabench(t, append(append([]string{"report"}, runs...), "--out", out)...)
	require.Zero(t, code, stderr)
	require.Contains(t, stdout, "llava16")
	require.Contains(t, stdout, filepath.Join(out, "index.html"))
	page, err := os.ReadFile(filepath.Join(out, "index.html"))
	require.NoError(t, err)
	require.Contains(t, string(page), `"pictures":["`)
	require.Contains(t, string(page), `["tile",`)
	require.Contains(t, string(page), `["whole",`)

	code, stdout, stderr = llavabench(t, append(append([]string{"report"}, runs...), "--out", out, "--json", "--no-pictures")...)
	require.Zero(t, code, stderr)
	var index reports.Index
	require.NoError(t, json.Unmarshal([]byte(stdout), &index))
	require.Equal(t, runs, index.Runs)

	for _, c := range []struct {
		args []string
		code int
		says string
	}{
		{[]string{"report", "--out", out}, exitUsage, "requires at least 1 arg"},
		{[]string{"report", runs[0]}, exitUsage, `"out" not set`},
		{[]string{"report", runs[0], "--out", out, "--picture-mb", "-1"}, exitUsage, "--picture-mb is -1"},
		{[]string{"report", runs[0], runs[0], "--out", out}, exitFailed, "are the same run"},
		{[]string{"report", dir, "--out", out}, exitFailed, "is not a run directory"},
		{[]string{"report", runs[0], "--out", runs[0]}, exitFailed, "is not a report of before"},
	} {
		code, _, stderr := llavabench(t, c.args...)
		require.Equal(t, c.code, code, c.says)
		require.Contains(t, stderr, c.says)
	}
}
