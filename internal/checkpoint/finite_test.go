package checkpoint

import (
	"context"
	"testing"

	"github.com/stretchr/testify/require"

	"llavabench/internal/tensor"
)

func TestCheckFinite(t *testing.T) {
	for _, c := range []struct {
		dtype tensor.DType
		bits  []byte
		at    string // "" for finite
	}{
		{tensor.F16, []byte{0xff, 0x7b, 0x01, 0x00}, ""},                // largest, smallest
		{tensor.F16, []byte{0, 0, 0x00, 0xfc}, "element 1"},             // -Inf
		{tensor.BF16, []byte{0x7f, 0x7f, 0xff, 0x7b}, ""},               // largest
		{tensor.BF16, []byte{0xc0, 0x7f}, "element 0"},                  // NaN
		{tensor.F32, []byte{0xff, 0xff, 0x7f, 0x7f}, ""},                // largest
		{tensor.F32, []byte{0, 0, 0, 0, 0, 0, 0xc0, 0xff}, "element 1"}, // NaN
		{tensor.I64, []byte{255, 255, 255, 255, 255, 255, 255, 255}, ""},
	} {
		x := tensor.Tensor{Name: "w", DType: c.dtype, Shape: []int{len(c.bits) / c.dtype.Size()}, Data: c.bits, File: "f"}
		err := CheckFinite(context.Background(), tensor.NewMap(x))
		if c.at == "" {
			require.NoError(t, err)
			continue
		}
		require.ErrorIs(t, err, ErrFormat)
		require.ErrorContains(t, err, `f: tensor "w" holds an infinite value or NaN at `+c.at)
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	require.ErrorIs(t, CheckFinite(ctx, tensor.NewMap(tensor.Tensor{Name: "w"})), context.Canceled)
}
