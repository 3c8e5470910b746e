package npy

import (
	"encoding/binary"
	"math"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestWriteLaysTheFileOutAsSpecified(t *testing.T) {
	for _, shape := range [][]int{{6}, {2, 3}, {1, 2, 3}, {6, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1}} {
		path := filepath.Join(t.TempDir(), "a.npy")
		data := []float32{0, 1, -2.5, float32(math.Inf(1)), 1e-40, 3}
		require.NoError(t, Write(path, shape, data))
		b, err := os.ReadFile(path)
		require.NoError(t, err)
		require.Equal(t, "\x93NUMPY\x01\x00", string(b[:8]))
		n := int(binary.LittleEndian.Uint16(b[8:]))
		require.Zero(t, (10+n)%64, "data begin at a multiple of 64")
		require.Contains(t, string(b[10:10+n]), "'descr': '<f4', 'fortran_order': False, 'shape': (")
		if len(shape) == 1 {
			require.Contains(t, string(b[10:10+n]), "'shape': (6,), }")
		}
		require.Equal(t, byte('\n'), b[9+n])
		require.Len(t, b, 10+n+4*len(data))
		for i, v := range data {
			require.Equal(t, math.Float32bits(v), binary.LittleEndian.Uint32(b[10+n+4*i:]))
		}
	}
}

func TestWriteRefusesAShapeThatDoesNotFit(t *testing.T) {
	dir := t.TempDir()
	err := Write(filepath.Join(dir, "a.npy"), []int{2, 2}, make([]float32, 3))
	require.ErrorContains(t, err, "shape [2 2] has 4 elements, but there are 3 values")
	entries, _ := os.ReadDir(dir)
	require.Empty(t, entries, "nothing is left behind")
}
