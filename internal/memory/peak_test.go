package memory

import (
	"os"
	"runtime"
	"runtime/debug"
	"testing"

	"github.com/stretchr/testify/require"
)

// The peak shows memory that is gone again, until it is reset.
func TestPeak(t *testing.T) {
	if runtime.GOOS != "linux" {
		require.Zero(t, Peak())
		return
	}
	const size = 64 << 20
	ResetPeak()
	before := Peak()
	require.Positive(t, before)
	b := make([]byte, size)
	for i := 0; i < size; i += 4096 {
		b[i] = 1
	}
	runtime.KeepAlive(b)
	b = nil
	debug.FreeOSMemory()
	high := Peak()
	require.Greater(t, high, before+size/2)
	if os.WriteFile("/proc/self/clear_refs", []byte("5"), 0) != nil {
		t.Skip("the system does not let a process reset its peak")
	}
	ResetPeak()
	require.Less(t, Peak(), high-size/2)
}
