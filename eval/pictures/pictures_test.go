package pictures

import (
	"context"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"llavabench/eval/sight"
	"llavabench/internal/rundir"
)

func TestOf(t *testing.T) {
	dir := t.TempDir()
	require.NoError(t, sight.WriteDir(context.Background(), filepath.Join(dir, "s"), sight.Test, 7, 2, nil))
	it, err := sight.New(sight.Test, 7, 1)
	require.NoError(t, err)
	digest := sight.Draw(it.Scene).PixelSHA256()
	drawn := rundir.Manifest{Suite: rundir.Suite{Name: "sight", Version: sight.Version, Split: "test", Seed: 7}}
	file := rundir.Manifest{Suite: rundir.Suite{Name: "questions.jsonl"}, Pictures: filepath.Join(dir, "s", sight.ImagesDir)}
	old := drawn
	old.Suite.Version = "0"
	var f Finder
	for _, c := range []struct {
		m   rundir.Manifest
		s   rundir.Sample
		err string
	}{
		{drawn, rundir.Sample{Index: 1, ID: it.ID, PixelSHA256: digest}, ""},
		{drawn, rundir.Sample{Index: 0, ID: it.ID}, "item 0 of the suite is"},
		{old, rundir.Sample{Index: 1, ID: it.ID}, "this program draws"},
		{drawn, rundir.Sample{Index: 1, ID: it.ID, PixelSHA256: strings.Repeat("0", 64)}, "is another one now"},
		{file, rundir.Sample{Index: 1, ID: it.ID, Image: it.ID + ".png", PixelSHA256: digest}, ""},
		{file, rundir.Sample{ID: "x", Image: "../questions.jsonl"}, "escapes"},
		{file, rundir.Sample{ID: "x", Image: "gone.png"}, "no such file"},
		{rundir.Manifest{}, rundir.Sample{ID: "x", Image: "a.png"}, "does not say where"},
		{rundir.Manifest{}, rundir.Sample{ID: "x"}, ErrNone.Error()},
	} {
		img, err := f.Of(c.m, c.s)
		if c.err != "" {
			require.ErrorContains(t, err, c.err)
			continue
		}
		require.NoError(t, err)
		require.Equal(t, digest, img.PixelSHA256())
	}
	require.NoError(t, f.Close())
}
