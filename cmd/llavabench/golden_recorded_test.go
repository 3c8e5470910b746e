package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

// A golden is recorded, holds, notices a changed weight with the first tensor that moved, and is accepted by update.
func TestGoldenRecordVerifyUpdate(t *testing.T) {
	root := t.TempDir()
	model := filepath.Join(root, "model")
	require.NoError(t, os.CopyFS(model, os.DirFS(shipped(t, "models/llava15"))))
	dir := filepath.Join(root, "goldens")
	record := []string{"golden", "record", dir, "--name", "hello", "--model", model, "--prompt", "Hello", "--max-new-tokens", "3"}
	code, stdout, stderr := llavabench(t, record...)
	require.Zero(t, code, stderr)
	require.Contains(t, stdout, "3 generated ids")
	code, _, stderr = llavabench(t, record...)
	require.Equal(t, exitFailed, code)
	require.Contains(t, stderr, "is there already")
	code, stdout, stderr = llavabench(t, "golden", "verify", dir)
	require.Zero(t, code, stderr)
	require.Regexp(t, `^1 goldens on purego.*: \d+ checked, 0 failed\n$`, stdout)

	// The last tensor of the file belongs to the decoder.
	weights := filepath.Join(model, "model.safetensors")
	raw, err := os.ReadFile(weights)
	require.NoError(t, err)
	for i := range 64 {
		raw[len(raw)-1-2*i] ^= 1
	}
	require.NoError(t, os.WriteFile(weights, raw, 0o644))
	code, stdout, stderr = llavabench(t, "golden", "verify", dir, "--isa", "purego")
	require.Equal(t, exitFailed, code)
	require.Contains(t, stdout, "hello (purego):\n  the checkpoint itself changed: model.safetensors has the SHA-256")
	require.Contains(t, stderr, "'llavabench golden update "+dir+"' accepts it")
	code, stdout, _ = llavabench(t, "golden", "verify", dir, "--isa", "purego", "--json")
	require.Equal(t, exitFailed, code)
	var report recordedReport
	require.NoError(t, json.Unmarshal([]byte(stdout), &report))
	require.Equal(t, 1, report.Failed)
	require.NotEmpty(t, report.Cases[0].Lines)

	code, stdout, stderr = llavabench(t, "golden", "update", dir)
	require.Zero(t, code, stderr)
	require.Contains(t, stdout, "1 goldens, 1 moved and accepted")
	code, stdout, _ = llavabench(t, "golden", "verify", dir)
	require.Zero(t, code, stdout)
	code, stdout, _ = llavabench(t, "golden", "update", dir)
	require.Zero(t, code)
	require.Equal(t, "1 goldens, 0 moved and accepted\n", stdout)

	for _, c := range []struct {
		args []string
		want string
	}{
		{[]string{"golden", "verify", dir, "--only", "none"}, `has no golden "none"`},
		{[]string{"golden", "verify", dir, "--dtype", "q8"}, "--dtype"},
		{[]string{"golden", "verify", model, "--isa", "avx2"}, "--isa"},
		{[]string{"golden", "record", dir, "--name", "../x", "--model", model, "--prompt", "x"}, "--name"},
	} {
		code, _, stderr := llavabench(t, c.args...)
		require.Equal(t, exitUsage, code)
		require.Contains(t, stderr, c.want)
	}
	code, _, stderr = llavabench(t, "golden", "update", model)
	require.Equal(t, exitFailed, code)
	require.Contains(t, stderr, "no recorded goldens")
}
