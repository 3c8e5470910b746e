package pipeline

import (
	"testing"

	"github.com/stretchr/testify/require"

	"llavabench/internal/inspect"
)

// The work agrees with the parameters that the configuration gives, by another way of counting.
func TestWork(t *testing.T) {
	p := open(t, "llava15", Options{})
	w, c := p.Work(), p.llm.Config()
	a := inspect.Describe(p.ckpt.Config, 1, 0)
	matrices := int64(c.Layers) * int64(c.Hidden) * int64(2*c.Heads*c.HeadDim+2*c.KVHeads*c.HeadDim+3*c.FFN)
	head := int64(c.Vocab) * int64(c.Hidden)
	require.Equal(t, 2*matrices, w.PositionOps)
	require.Equal(t, 2*(matrices+head), w.DecodeBytes, "bf16")
	require.Equal(t, a.KVBytesPerToken, w.KVBytes)
	_, used := a.Total()
	require.InEpsilon(t, 2*used, w.WeightBytes, 0.2, "norms, biases and positions are left out")
	require.Less(t, w.WeightBytes, 2*used)

	narrow := open(t, "llava15", Options{Weights: "q8"})
	require.Equal(t, w.PositionOps, narrow.Work().PositionOps)
	require.Less(t, narrow.Work().DecodeBytes, w.DecodeBytes)
}
