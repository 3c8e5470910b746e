//go:build linux || darwin

package checkpoint

import (
	"fmt"
	"os"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// ST-28: a mapped file that shrinks gives an error, not the end of the program.
func TestFileShrinksWhileMapped(t *testing.T) {
	path := filepath.Join(t.TempDir(), "model.safetensors")
	const size = 1 << 20
	require.NoError(t, os.WriteFile(path, append(withHeader("{"+entry("a", "U8", fmt.Sprintf("[%d]", size), 0, size)+"}", 0), make([]byte, size)...), 0o644))
	f, err := OpenSafetensors(path)
	require.NoError(t, err)
	defer f.Close()
	a, ok := f.Tensor("a")
	require.True(t, ok)
	require.NoError(t, os.Truncate(path, 100))
	sum := 0
	err = CatchFault(func() error {
		for _, b := range a.Data {
			sum += int(b)
		}
		return nil
	})
	require.ErrorIs(t, err, ErrChanged)
	require.ErrorContains(t, err, path+" was changed while it was in use: it had")
	require.NoError(t, os.Remove(path))
	err = CatchFault(func() error { sum += int(a.Data[size-1]); return nil })
	require.ErrorIs(t, err, ErrChanged)
	require.ErrorContains(t, err, path+" can no longer be read at byte")
	require.Panics(t, func() {
		_ = CatchFault(func() error { panic("a bug is not a fault") })
	})
}

// ST-29: what is not a regular file is refused at once.
func TestNotARegularFile(t *testing.T) {
	dir := t.TempDir()
	fifo := filepath.Join(dir, "fifo.safetensors")
	require.NoError(t, syscall.Mkfifo(fifo, 0o644))
	done := make(chan struct{})
	go func() {
		defer close(done)
		for path, what := range map[string]string{fifo: "named pipe", dir: "directory", "/dev/null": "device"} {
			_, err := OpenSafetensors(path)
			require.ErrorIs(t, err, ErrFormat)
			require.ErrorContains(t, err, what)
		}
	}()
	select {
	case <-done:
	case <-time.After(5 * time.Second):
		t.Fatal("blocked")
	}
}
