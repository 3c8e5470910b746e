package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"llavabench/internal/goldens"
	"llavabench/internal/sharedtest"
)

func TestGoldenVerifyRefuses(t *testing.T) {
	empty, scoring := t.TempDir(), t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(scoring, "manifest.json"), []byte("{}"), 0o644))
	for _, c := range []struct {
		name string
		args []string
		code int
		want string
	}{
		{"no directory named", nil, exitUsage, "accepts 1 arg"},
		{"no such directory", []string{filepath.Join(empty, "no")}, exitFailed, "no such file"},
		{"no goldens", []string{empty}, exitFailed, "outputs/manifest.json is missing"},
		{"scoring goldens", []string{scoring}, exitFailed, "scoring goldens"},
		{"unknown part", []string{empty, "--only", "sounds"}, exitUsage, `"sounds" is no part`},
		{"threads", []string{empty, "--threads", "-1"}, exitUsage, "--threads"},
	} {
		t.Run(c.name, func(t *testing.T) {
			code, stdout, stderr := llavabench(t, append([]string{"golden", "verify"}, c.args...)...)
			require.Equal(t, c.code, code)
			require.Empty(t, stdout)
			require.Contains(t, stderr, c.want)
		})
	}
}

// A goldens directory whose parts are missing fails, says which, and ends with the totals and exit code 1.
func TestGoldenVerifyFails(t *testing.T) {
	dir := t.TempDir()
	for _, name := range []string{"outputs", "preprocess"} {
		require.NoError(t, os.MkdirAll(filepath.Join(dir, name), 0o755))
		require.NoError(t, os.WriteFile(filepath.Join(dir, name, "manifest.json"), []byte(`{"hue": {}}`), 0o644))
	}
	code, stdout, stderr := llavabench(t, "golden", "verify", dir)
	require.Equal(t, exitFailed, code)
	require.Contains(t, stdout, "failed: preprocess/manifest.json: hue: the key is not understood")
	require.Contains(t, stdout, "geometry/anyres.json")
	require.Contains(t, stdout, "skipped 1: the set has no extra")
	lines := strings.Split(strings.TrimSpace(stdout), "\n")
	require.Regexp(t, `^\d+ checked, \d+ skipped, \d+ failed$`, lines[len(lines)-1])
	require.Contains(t, stderr, "checks failed")

	code, stdout, _ = llavabench(t, "golden", "verify", dir, "--json")
	require.Equal(t, exitFailed, code)
	var r goldens.Report
	require.NoError(t, json.Unmarshal([]byte(stdout), &r))
	require.NotZero(t, r.Failed)
	require.Equal(t, dir, r.Dir)
}

func TestGoldenVerifyShared(t *testing.T) {
	code, stdout, stderr := llavabench(t, "golden", "verify", sharedtest.Path(t, "golden"), "--only", "extra", "--only", "geometry")
	require.Equal(t, exitOK, code, stdout+stderr)
	require.Contains(t, stdout, "logits_last")
	require.Contains(t, stdout, "5.00e-05")
	require.True(t, strings.HasSuffix(stdout, " 0 failed\n"))
}
