package inspect

import (
	"testing"

	"github.com/stretchr/testify/require"

	"llavabench/internal/imaging"
	"llavabench/variants"
	"llavabench/variants/llava1"
	"llavabench/variants/llava15"
	"llavabench/variants/llava16"
	"llavabench/variants/variantstest"
)

func overlay(t *testing.T, v variants.Variant, o variants.Options, w, h int) []Region {
	t.Helper()
	l, err := v.Plan(o, imaging.Size{W: w, H: h})
	require.NoError(t, err)
	return Overlay(l)
}

// Worked by hand from the rules: the middle square is cropped, the square is padded, tiles lie on a scaled and centred canvas.
func TestOverlay(t *testing.T) {
	crop := overlay(t, llava1.Variant, llava1.Variant.Defaults(variantstest.LLaVA1(224)), 640, 480)
	require.Len(t, crop, 1)
	require.Equal(t, variants.ViewWhole, crop[0].Kind)
	require.InDelta(t, 80, crop[0].X, 2)
	require.InDelta(t, 0, crop[0].Y, 1e-9)
	require.InDelta(t, 480, crop[0].W, 2)
	require.InDelta(t, 480, crop[0].H, 1e-9)

	pad := overlay(t, llava15.Variant, llava15.Variant.Defaults(variantstest.LLaVA15(336)), 640, 480)
	require.Equal(t, []Region{{variants.ViewWhole, 0, -80, 640, 640}}, pad)

	// 640x480 goes to the canvas 672x672 at scale 1.05, 84 rows of padding above and below: 80 pixels of the picture.
	tiles := overlay(t, llava16.Variant, llava16.Variant.Defaults(variantstest.LLaVA16(336)), 640, 480)
	require.Len(t, tiles, 6)
	require.Equal(t, Region{variants.ViewGlobal, 0, 0, 640, 480}, tiles[0])
	for i, want := range []Region{{variants.ViewTile, 0, -80, 320, 320}, {variants.ViewTile, 320, -80, 320, 320}, {variants.ViewTile, 0, 240, 320, 320}, {variants.ViewTile, 320, 240, 320, 320},
		{KindKept, 0, 0, 640, 480}} {
		got := tiles[i+1]
		require.Equal(t, want.Kind, got.Kind)
		for _, pair := range [][2]float64{{want.X, got.X}, {want.Y, got.Y}, {want.W, got.W}, {want.H, got.H}} {
			require.InDelta(t, pair[0], pair[1], 1e-6)
		}
	}
}
