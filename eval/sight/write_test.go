package sight

import (
	"bufio"
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"llavabench/internal/imaging"
)

func TestWriteDir(t *testing.T) {
	const n = 14
	dirs := []string{filepath.Join(t.TempDir(), "a"), t.TempDir()}
	for _, d := range dirs {
		done := 0
		require.NoError(t, WriteDir(context.Background(), d, Val, 9, n, func(i int) { done = i }))
		require.Equal(t, n, done)
	}
	f, err := os.Open(filepath.Join(dirs[0], QuestionsFile))
	require.NoError(t, err)
	defer f.Close()
	lines := bufio.NewScanner(f)
	for i := range n {
		require.True(t, lines.Scan())
		var r record
		require.NoError(t, json.Unmarshal(lines.Bytes(), &r))
		it, err := New(Val, 9, i)
		require.NoError(t, err)
		require.Equal(t, it.ID, r.ID)
		require.Equal(t, it.Question, r.Text)
		require.Equal(t, it.Answer, r.Answer)
		require.Equal(t, it.Seed, r.Seed)
		file := filepath.Join(dirs[0], ImagesDir, r.Image)
		img, _, err := imaging.DecodeFile(file, imaging.DecodeOptions{})
		require.NoError(t, err)
		require.Equal(t, Draw(it.Scene), img, "the file holds the pixels that the runner gets without it")
		a, err := os.ReadFile(file)
		require.NoError(t, err)
		b, err := os.ReadFile(filepath.Join(dirs[1], ImagesDir, r.Image))
		require.NoError(t, err)
		require.True(t, string(a) == string(b), "the same bytes each time")
	}
	require.False(t, lines.Scan())
}

func TestWriteDirRefuses(t *testing.T) {
	dir := t.TempDir()
	require.ErrorContains(t, WriteDir(context.Background(), dir, Val, 9, 0, nil), "expected 1 or more")
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	require.ErrorIs(t, WriteDir(ctx, dir, Val, 9, 1, nil), context.Canceled)
	require.NoFileExists(t, filepath.Join(dir, QuestionsFile))
	require.ErrorContains(t, WriteDir(context.Background(), dir, Val, 9, 1, nil), "is not empty")
}
