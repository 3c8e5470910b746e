package rundir

import (
	"context"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestRelocate(t *testing.T) {
	root := t.TempDir()
	make := func(path string) string {
		full := filepath.Join(root, filepath.FromSlash(path))
		require.NoError(t, os.MkdirAll(full, 0o755))
		return full
	}
	exists := func(path string) bool { _, err := os.Stat(path); return err == nil }
	run := make("copy/runs/a")
	model := make("copy/testdata/models/m")
	beside := make("copy/runs/other")
	make("original/testdata/models/m")
	elsewhere := make("elsewhere/models/x")
	for _, c := range []struct{ path, want string }{
		{"testdata/models/m", model},
		{"./testdata/models/m", model},
		{"/home/someone/repo/testdata/models/m", model},
		{"../other", beside},
		{"/runs/other", beside},
		{elsewhere, elsewhere},
		{filepath.Join(root, "copy/testdata/models/m"), model},
		{filepath.Join(root, "original/testdata/models/m"), model},
		{"org/name", "org/name"},
		{"models/m", "models/m"},
	} {
		require.Equal(t, c.want, Relocate(run, c.path, exists), c.path)
	}
}

func TestFileCheck(t *testing.T) {
	path := filepath.Join(t.TempDir(), "f")
	require.NoError(t, os.WriteFile(path, []byte("abc"), 0o644))
	f, err := HashFile(context.Background(), path, "f")
	require.NoError(t, err)
	require.Equal(t, File{"f", 3, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"}, f)
	say := func() string {
		s, err := f.Check(context.Background(), path)
		require.NoError(t, err)
		return s
	}
	require.Empty(t, say())
	require.NoError(t, os.WriteFile(path, []byte("abd"), 0o644))
	require.Contains(t, say(), "f has the SHA-256 a52d159f")
	require.NoError(t, os.WriteFile(path, []byte("ab"), 0o644))
	require.Contains(t, say(), "f has 2 bytes, it had 3 in the run")
	require.NoError(t, os.Remove(path))
	require.Contains(t, say(), "f is missing")
}
