package inspect

import (
	"testing"

	"github.com/stretchr/testify/require"

	"llavabench/internal/checkpoint"
)

// The counts are those of the towers themselves, summed over their tensors.
func TestTowerParameters(t *testing.T) {
	for _, c := range []struct {
		name                                string
		layers, width, mlp, heads, patch, s int
		all, used                           int64
	}{
		{"CLIP ViT-B/16 at 224", 12, 768, 3072, 12, 16, 224, 85_799_424, 78_710_016},
		{"CLIP ViT-L/16 at 224", 24, 1024, 4096, 16, 16, 224, 303_302_656, 290_704_384},
		{"CLIP ViT-L/14 at 224", 24, 1024, 4096, 16, 14, 224, 303_179_776, 290_581_504},
		{"CLIP ViT-L/14 at 336", 24, 1024, 4096, 16, 14, 336, 303_507_456, 290_909_184},
		{"CLIP ViT-H/14 at 224", 32, 1280, 5120, 16, 14, 224, 630_766_080, 611_086_080},
		{"CLIP ViT-bigG/14 at 224", 48, 1664, 8192, 16, 14, 224, 1_842_777_344, 1_804_412_288},
	} {
		v := checkpoint.VisionConfig{Layers: c.layers, Hidden: c.width, FFN: c.mlp, Heads: c.heads, Patch: c.patch, Image: c.s, Channels: 3}
		all, used, _ := towerParameters(v, -2)
		require.Equal(t, c.all, all, c.name)
		require.Equal(t, c.used, used, c.name)
		require.Equal(t, c.name, TowerName(v))
	}
}

func TestDecoderAndProjectorParameters(t *testing.T) {
	for _, c := range []struct {
		name string
		cfg  checkpoint.TextConfig
		want int64
	}{
		{"Vicuna-7B", checkpoint.TextConfig{Layers: 32, Hidden: 4096, Heads: 32, KVHeads: 32, HeadDim: 128, FFN: 11008, Vocab: 32000}, 6_738_415_616},
		{"Vicuna-13B", checkpoint.TextConfig{Layers: 40, Hidden: 5120, Heads: 40, KVHeads: 40, HeadDim: 128, FFN: 13824, Vocab: 32000}, 13_015_864_320},
		{"Mistral-7B", checkpoint.TextConfig{Layers: 32, Hidden: 4096, Heads: 32, KVHeads: 8, HeadDim: 128, FFN: 14336, Vocab: 32000}, 7_241_732_096},
		{"Yi-34B", checkpoint.TextConfig{Layers: 60, Hidden: 7168, Heads: 56, KVHeads: 8, HeadDim: 128, FFN: 20480, Vocab: 64000}, 34_388_917_248},
		{"Qwen1.5-72B", checkpoint.TextConfig{Layers: 80, Hidden: 8192, Heads: 64, KVHeads: 64, HeadDim: 128, FFN: 24576, Vocab: 152064, QKVBias: true}, 72_287_920_128},
	} {
		n, _ := decoderParameters(c.cfg)
		require.Equal(t, c.want, n+2*int64(c.cfg.Vocab)*int64(c.cfg.Hidden), c.name)
	}
	require.EqualValues(t, 4_198_400, projectorParameters("linear", 1024, 4096, true))
	require.EqualValues(t, 31_467_520, projectorParameters("mlp2x_gelu", 1024, 5120, true))
	require.EqualValues(t, 0, projectorParameters("identity", 4096, 4096, true))
}
