package imaging

import (
	"encoding/json"
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

func TestPlanClip(t *testing.T) {
	p := SquareClip(336)
	for _, c := range []struct {
		size Size
		pad  bool
		want string
	}{
		{Size{640, 480}, false, `{"steps":[{"resize":{"size":{"w":448,"h":336},"filter":"bicubic"}},{"crop":{"x":56,"y":0,"w":336,"h":336}}]}`},
		{Size{336, 336}, false, `{"steps":[{"resize":{"size":{"w":336,"h":336},"filter":"bicubic"}}]}`},
		{Size{50, 3}, false, `{"steps":[{"rows_as_channels":true},{"resize":{"size":{"w":336,"h":5600},"filter":"bicubic"}},{"crop":{"x":0,"y":2632,"w":336,"h":336}}]}`},
		{Size{641, 480}, true, `{"steps":[{"paste":{"canvas":{"w":641,"h":641},"x":0,"y":80,"fill":[122,116,104]}},{"resize":{"size":{"w":336,"h":336},"filter":"bicubic"}}]}`},
		{Size{480, 480}, true, `{"steps":[{"resize":{"size":{"w":336,"h":336},"filter":"bicubic"}}]}`},
		{Size{2, 3}, true, `{"steps":[{"paste":{"canvas":{"w":3,"h":3},"x":0,"y":0,"fill":[122,116,104]}},{"rows_as_channels":true},{"resize":{"size":{"w":336,"h":336},"filter":"bicubic"}}]}`},
	} {
		canvas, err := PlanClip(c.size, p)
		if c.pad {
			canvas, err = PlanPadSquare(c.size, ClipNormalizer().MeanColor(), p)
		}
		require.NoError(t, err)
		got, err := json.Marshal(canvas)
		require.NoError(t, err)
		require.JSONEq(t, c.want, string(got), "%v pad %v", c.size, c.pad)
	}

	_, err := PlanClip(Size{20, 1}, p)
	require.ErrorContains(t, err, "picture of 20x1 pixels: the reference takes a picture 1 pixel high for channels-first")
	_, err = PlanPadSquare(Size{1, 1}, Color{}, p)
	require.ErrorContains(t, err, "1x1")
	_, err = PlanClip(Size{0, 5}, p)
	require.ErrorContains(t, err, "0x5")

	p.Resize = false
	canvas, err := PlanClip(Size{300, 400}, p)
	require.NoError(t, err)
	require.Equal(t, Canvas{Steps: []Step{{Crop: &Rect{-18, 32, 336, 336}}}}, canvas)
	canvas, err = PlanClip(Size{300, 400}, ClipParams{Resize: true, Exact: Size{30, 40}, Filter: Lanczos})
	require.NoError(t, err)
	require.Equal(t, Canvas{Steps: []Step{{Resize: &Resize{Size{30, 40}, Lanczos}}}}, canvas)
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
