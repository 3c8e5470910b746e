package kernels

import (
	"testing"

	"github.com/stretchr/testify/require"

	"llavabench/internal/tensor"
)

func TestNewWeight(t *testing.T) {
	w, err := NewWeight(tensor.BF16, 3, 5, make([]byte, 30))
	require.NoError(t, err)
	require.Equal(t, 3, w.Rows())
	require.Equal(t, 5, w.Cols())
	require.Equal(t, tensor.BF16, w.DType())
	require.EqualValues(t, 30, w.Bytes())

	for _, c := range []struct {
		dtype      tensor.DType
		rows, cols int
		bytes      int
		want       string
	}{
		{tensor.I8, 2, 2, 4, "weight matrix of type I8, expected F32, F16 or BF16"},
		{tensor.Invalid, 2, 2, 4, "weight matrix of type invalid, expected F32, F16 or BF16"},
		{tensor.F32, 0, 2, 0, "weight matrix [0, 2] is empty or negative"},
		{tensor.F32, 2, -1, 0, "weight matrix [2, -1] is empty or negative"},
		{tensor.F32, 2, 2, 15, "weight matrix [2, 2] of F32 does not fit its 15 bytes"},
		{tensor.F16, 1 << 62, 1 << 62, 0, "weight matrix [4611686018427387904, 4611686018427387904] of F16 does not fit its 0 bytes"},
	} {
		_, err := NewWeight(c.dtype, c.rows, c.cols, make([]byte, c.bytes))
		require.EqualError(t, err, c.want)
	}
}
