//go:build unix

package imaging

import (
	"path/filepath"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"
)

// Opening a pipe would wait for a writer, and reading a device may never end.
func TestDecodeFileRefusesPipesAndDevices(t *testing.T) {
	fifo := filepath.Join(t.TempDir(), "pipe")
	require.NoError(t, syscall.Mkfifo(fifo, 0o600))
	_, _, err := DecodeFile(fifo, DecodeOptions{})
	require.ErrorIs(t, err, ErrUnsupported)
	require.ErrorContains(t, err, "is a named pipe")
	_, _, err = DecodeFile("/dev/zero", DecodeOptions{})
	require.ErrorContains(t, err, "is a device")
}
