package atomicfile

import (
	"errors"
	"io"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestWrite(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a.txt")
	text := func(s string) func(io.Writer) error {
		return func(w io.Writer) error {
			_, err := io.WriteString(w, s)
			return err
		}
	}
	require.NoError(t, Write(path, text("one")))
	require.NoError(t, Write(path, text("two")))
	broken := errors.New("broken")
	require.ErrorIs(t, Write(path, func(w io.Writer) error {
		_, _ = io.WriteString(w, "three")
		return broken
	}), broken)
	b, err := os.ReadFile(path)
	require.NoError(t, err)
	require.Equal(t, "two", string(b), "a failed write leaves the old file")
	entries, err := os.ReadDir(filepath.Dir(path))
	require.NoError(t, err)
	require.Len(t, entries, 1, "and nothing beside it")
	require.Error(t, Write(filepath.Join(path, "below-a-file"), text("x")))
}
