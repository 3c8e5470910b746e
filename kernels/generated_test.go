package kernels

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

// The assembly in the package is what its generator writes.
func TestGenerated(t *testing.T) {
	tool, err := exec.LookPath("go")
	if err != nil {
		t.Skip("no go command")
	}
	dir := t.TempDir()
	run := exec.Command(tool, "run", "./_gen", "-dir", dir)
	for _, v := range os.Environ() { // the tests may be cross-compiled, the generator runs here
		if len(v) < 7 || v[:7] != "GOARCH=" {
			run.Env = append(run.Env, v)
		}
	}
	out, err := run.CombinedOutput()
	require.NoError(t, err, string(out))
	files, err := os.ReadDir(dir)
	require.NoError(t, err)
	require.NotEmpty(t, files)
	for _, f := range files {
		want, err := os.ReadFile(filepath.Join(dir, f.Name()))
		require.NoError(t, err)
		got, err := os.ReadFile(f.Name())
		require.NoError(t, err)
		require.True(t, string(want) == string(got), "%s is not up to date: go generate ./kernels", f.Name())
	}
}
