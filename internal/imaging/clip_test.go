package imaging

import (
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestShortestEdge(t *testing.T) {
	for _, c := range []struct {
		size Size
		edge int
		want Size
	}{
		{Size{640, 480}, 336, Size{448, 336}},
		{Size{480, 640}, 336, Size{336, 448}},
		{Size{336, 336}, 224, Size{224, 224}},
		{Size{1000, 333}, 336, Size{1009, 336}}, // 1009.009
		{Size{333, 1000}, 336, Size{336, 1009}},
		{Size{1, 1_000_000}, 336, Size{336, 336_000_000}},
	} {
		require.Equal(t, c.want, ShortestEdge(c.size, c.edge), "%v to %d", c.size, c.edge)
	}
	// int(edge * long / short) with a correctly rounded quotient is the integer quotient.
	r := rand.New(rand.NewPCG(5, 6))
	for range 100_000 {
		s, edge := Size{1 + r.IntN(20_000), 1 + r.IntN(20_000)}, 1+r.IntN(1000)
		long, short := max(s.W, s.H), min(s.W, s.H)
		require.Equal(t, int(float64(edge*long)/float64(short)), max(ShortestEdge(s, edge).W, ShortestEdge(s, edge).H))
	}
}

func TestCenterCropRect(t *testing.T) {
	for _, c := range []struct {
		size, crop Size
		want       Rect
	}{
		{Size{448, 336}, Size{336, 336}, Rect{56, 0, 336, 336}},
		{Size{337, 336}, Size{336, 336}, Rect{0, 0, 336, 336}},
		{Size{339, 336}, Size{336, 336}, Rect{1, 0, 336, 336}},
		{Size{335, 336}, Size{336, 336}, Rect{-1, 0, 336, 336}}, // one column of zeros on the left
		{Size{333, 10}, Size{336, 12}, Rect{-2, -1, 336, 12}},
	} {
		require.Equal(t, c.want, CenterCropRect(c.size, c.crop), "%v of %v", c.crop, c.size)
	}
}

func TestNormalizer(t *testing.T) {
	n := ClipNormalizer()
	require.Equal(t, Color{122, 116, 104}, n.MeanColor())
	table := n.Table()
	require.Equal(t, float32(-1.7922626), table[0][0])
	require.Equal(t, float32(1.9303361), table[0][255])

	raw := Normalizer{}.Table()
	require.Equal(t, [3]float32{0, 128, 255}, [3]float32{raw[0][0], raw[1][128], raw[2][255]})
	half := Normalizer{Rescale: true, Factor: 1.0 / 255, Normalize: true, Mean: [3]float64{0.5, 0.5, 0.5}, Std: [3]float64{0.5, 0.5, 0.5}}.Table()
	require.Equal(t, [2]float32{-1, 1}, [2]float32{half[1][0], half[1][255]})

	views := []*RGB{{2, 1, []uint8{1, 2, 3, 4, 5, 6}}, {2, 1, []uint8{7, 8, 9, 10, 11, 12}}}
	require.Equal(t, []float32{1, 4, 2, 5, 3, 6, 7, 10, 8, 11, 9, 12}, Normalizer{}.Tensor(views))
	require.Nil(t, Normalizer{}.Tensor(nil))
}
