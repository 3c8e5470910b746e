package imaging

import (
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"
)

// Doing a run of steps in one go gives the same pixels as doing them one by one.
func TestFusedStepsEqualSingleSteps(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	between := func(lo, hi int) int { return lo + r.IntN(hi-lo+1) }
	for range 300 {
		src := noise(between(1, 40), between(1, 40))
		canvas := Size{between(1, 70), between(1, 70)}
		to := Size{between(1, 60), between(1, 60)}
		steps := []Step{
			{Paste: &Paste{Canvas: canvas, X: between(-20, 40), Y: between(-20, 40), Fill: Color{122, 116, 104}}},
			{Resize: &Resize{Size: to, Filter: Bicubic}},
			{Crop: &Rect{between(-9, 40), between(-9, 40), between(1, 50), between(1, 50)}},
		}
		switch r.IntN(3) {
		case 0:
			steps[1].Resize.Size.W = canvas.W
		case 1:
			steps[1].Resize.Size.H = canvas.H
		}
		for skip := range 4 {
			var chosen []Step
			for i, s := range steps {
				if i != skip {
					chosen = append(chosen, s)
				}
			}
			want := src
			for _, s := range chosen {
				var err error
				want, err = apply(want, []Step{s}, nil)
				require.NoError(t, err)
			}
			got, err := apply(src, chosen, parallel)
			require.NoError(t, err)
			require.Equal(t, want, got, "source %v, steps %+v %+v %+v without %d", src.Size(), steps[0].Paste, steps[1].Resize, steps[2].Crop, skip)
		}
	}
}

func TestPasteAndCrop(t *testing.T) {
	src := &RGB{2, 1, []uint8{1, 2, 3, 4, 5, 6}}
	got, err := apply(src, []Step{{Paste: &Paste{Canvas: Size{3, 2}, X: 1, Y: 1, Fill: Color{7, 8, 9}}}}, nil)
	require.NoError(t, err)
	require.Equal(t, &RGB{3, 2, []uint8{7, 8, 9, 7, 8, 9, 7, 8, 9, 7, 8, 9, 1, 2, 3, 4, 5, 6}}, got)

	// What a crop takes from outside is zero, not fill.
	got, err = apply(got, []Step{{Crop: &Rect{2, 1, 2, 2}}}, nil)
	require.NoError(t, err)
	require.Equal(t, &RGB{2, 2, []uint8{4, 5, 6, 0, 0, 0, 0, 0, 0, 0, 0, 0}}, got)

	got, err = apply(src, []Step{{Crop: &Rect{-5, -5, 2, 1}}}, nil)
	require.NoError(t, err)
	require.Equal(t, NewRGB(Size{2, 1}), got, "all outside")
}

func TestRowsAsChannels(t *testing.T) {
	src := &RGB{2, 3, []uint8{
		10, 11, 12, 13, 14, 15,
		20, 21, 22, 23, 24, 25,
		30, 31, 32, 33, 34, 35,
	}}
	got, err := apply(src, []Step{{RowsAsChannels: true}}, nil)
	require.NoError(t, err)
	require.Equal(t, &RGB{3, 2, []uint8{
		10, 20, 30, 11, 21, 31, 12, 22, 32,
		13, 23, 33, 14, 24, 34, 15, 25, 35,
	}}, got)
	_, err = apply(noise(4, 4), []Step{{RowsAsChannels: true}}, nil)
	require.ErrorContains(t, err, "4 pixels high, not 3")
}

func TestRenderOrderAndChecks(t *testing.T) {
	src := noise(8, 4)
	left, right := Rect{0, 0, 4, 4}, Rect{4, 0, 4, 4}
	plan := Plan{Side: 4, Canvases: []Canvas{
		{Steps: []Step{{Resize: &Resize{Size{4, 4}, Bicubic}}}},
		{Cuts: []Cut{{Rect: right}, {Rect: left}, {Rect: Rect{0, 0, 4, 2}, Steps: []Step{{Resize: &Resize{Size{4, 4}, Bilinear}}}}}},
	}}
	views, err := Render(src, plan, nil)
	require.NoError(t, err)
	require.Len(t, views, plan.Views())
	small, err := ResizeRGB(src, Size{4, 4}, Bicubic, nil)
	require.NoError(t, err)
	require.Equal(t, small, views[0])
	for y := range 4 {
		require.Equal(t, src.row(y)[12:], views[1].row(y))
		require.Equal(t, src.row(y)[:12], views[2].row(y))
	}

	_, err = Render(nil, plan, nil)
	require.ErrorContains(t, err, "no picture")
	_, err = Render(src, Plan{Side: 3, Canvases: plan.Canvases}, nil)
	require.ErrorContains(t, err, "view 0 (canvas 0) has 4x4 pixels, the plan's side is 3")
	for want, step := range map[string]Step{
		"exactly one of":                  {},
		"this one has 2":                  {RowsAsChannels: true, Crop: &left},
		"paste on a canvas of 0x3 pixels": {Paste: &Paste{Canvas: Size{0, 3}}},
		"crop: 4x0 pixels":                {Crop: &Rect{0, 0, 4, 0}},
		"above the limit":                 {Crop: &Rect{0, 0, 1 << 20, 1 << 20}},
		"resize to 0x5":                   {Resize: &Resize{Size{0, 5}, Bicubic}},
		`unknown filter "box"`:            {Resize: &Resize{Size{3, 5}, "box"}},
		"step 0: rows as channels":        {RowsAsChannels: true},
	} {
		_, err := Render(src, Plan{Side: 4, Canvases: []Canvas{{Steps: []Step{step}}}}, nil)
		require.ErrorContains(t, err, want)
	}
	_, err = Render(src, Plan{Side: 4, Canvases: []Canvas{{Cuts: []Cut{{Rect: Rect{0, 0, 0, 0}}}}}}, nil)
	require.ErrorContains(t, err, "canvas 0: cut 0")
}

// Very long pictures are padded to squares that would not fit in memory, and their middle is cut out of resized pictures
// that would not either.
func TestRenderExtremeShapes(t *testing.T) {
	for _, size := range []Size{{1, 30_000}, {30_000, 2}, {1, 1}, {2, 2}, {4, 4}, {5, 7}, {3665, 50}} {
		src := NewRGB(size)
		src.Fill(Color{200, 100, 50})
		p := squareClip(56)
		p.GuessLayout = false
		for _, pad := range []bool{false, true} {
			c, err := planClip(size, p)
			if pad {
				c, err = planPadSquare(size, Color{122, 116, 104}, p)
			}
			require.NoError(t, err)
			views, err := Render(src, Plan{Side: 56, Canvases: []Canvas{c}}, parallel)
			require.NoError(t, err, "%v pad %v", size, pad)
			corner, middle := [3]uint8(views[0].Pix[:3]), [3]uint8(views[0].row(28)[3*28:])
			switch {
			case !pad || size.W == size.H:
				require.Equal(t, [3]uint8{200, 100, 50}, middle, "%v", size)
				require.Equal(t, middle, corner, "%v", size)
			case max(size.W, size.H) > 8*min(size.W, size.H):
				require.Equal(t, [3]uint8{122, 116, 104}, corner, "%v", size)
			}
		}
	}
}
