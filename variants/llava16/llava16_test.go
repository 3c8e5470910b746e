package llava16_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"llavabench/internal/imaging"
	"llavabench/variants"
	"llavabench/variants/llava16"
	"llavabench/variants/variantstest"
)

func options(t testing.TB, side int, pairs ...string) variants.Options {
	t.Helper()
	o := llava16.Variant.Defaults(variantstest.LLaVA16(side))
	for i := 0; i < len(pairs); i += 2 {
		var err error
		o, err = o.Set(pairs[i], pairs[i+1])
		require.NoError(t, err)
	}
	require.NoError(t, llava16.Variant.Check(o))
	return o
}

// TestReleasedGrid has pictures of common sizes under the grid of the released checkpoints.
func TestReleasedGrid(t *testing.T) {
	type want struct {
		canvas     imaging.Size
		cols, rows int // cells kept
		tokens     int
	}
	tall, wide := imaging.Size{W: 336, H: 672}, imaging.Size{W: 672, H: 336}
	square := imaging.Size{W: 672, H: 672}
	flat3, tall3 := imaging.Size{W: 1008, H: 336}, imaging.Size{W: 336, H: 1008}
	for _, test := range []struct {
		sizes    []imaging.Size
		original want
		hf       want // transformers from 4.47 on; zero where it agrees
	}{
		{[]imaging.Size{{W: 1, H: 1}, {W: 200, H: 200}, {W: 336, H: 336}}, want{tall, 24, 24, 1176}, want{wide, 24, 24, 1176}},
		{[]imaging.Size{{W: 2, H: 1}}, want{tall, 24, 12, 876}, want{wide, 48, 24, 1752}},
		{[]imaging.Size{{W: 336, H: 672}}, want{tall, 24, 48, 1776}, want{}},
		{[]imaging.Size{{W: 672, H: 336}}, want{wide, 48, 24, 1752}, want{}},
		{[]imaging.Size{{W: 337, H: 337}, {W: 672, H: 672}, {W: 1024, H: 1024}}, want{square, 48, 48, 2928}, want{}},
		{[]imaging.Size{{W: 500, H: 375}, {W: 640, H: 480}, {W: 800, H: 600}, {W: 1024, H: 768}}, want{square, 48, 36, 2340}, want{}},
		{[]imaging.Size{{W: 480, H: 640}, {W: 375, H: 500}}, want{square, 36, 48, 2352}, want{}},
		{[]imaging.Size{{W: 1024, H: 899}}, want{square, 48, 42, 2634}, want{}},
		{[]imaging.Size{{W: 899, H: 1024}}, want{square, 42, 48, 2640}, want{}},
		{[]imaging.Size{{W: 1280, H: 720}, {W: 1920, H: 1080}}, want{square, 48, 28, 1948}, want{}},
		{[]imaging.Size{{W: 720, H: 1280}, {W: 1080, H: 1920}}, want{square, 28, 48, 1968}, want{}},
		{[]imaging.Size{{W: 3072, H: 1856}}, want{square, 48, 30, 2046}, want{}},
		{[]imaging.Size{{W: 1000, H: 300}}, want{flat3, 72, 22, 2182}, want{}},
		{[]imaging.Size{{W: 1008, H: 336}}, want{flat3, 72, 24, 2328}, want{}},
		{[]imaging.Size{{W: 336, H: 1008}}, want{tall3, 24, 72, 2376}, want{}},
		{[]imaging.Size{{W: 1344, H: 336}}, want{flat3, 72, 18, 1890}, want{}},
		{[]imaging.Size{{W: 336, H: 1344}}, want{tall3, 18, 72, 1944}, want{}},
		{[]imaging.Size{{W: 376, H: 799}}, want{tall3, 24, 50, 576 + 50*25}, want{tall3, 24, 52, 1876}},
		{[]imaging.Size{{W: 100, H: 1000}}, want{tall3, 8, 72, 1224}, want{}},
		{[]imaging.Size{{W: 3665, H: 50}}, want{flat3, 72, 0, 576}, want{}},
		{[]imaging.Size{{W: 50, H: 3665}}, want{tall3, 0, 72, 648}, want{}},
	} {
		for _, size := range test.sizes {
			for flavour, w := range map[variants.Flavour]want{
				variants.Original: test.original, variants.Transformers: test.hf, variants.Transformers447: test.hf,
			} {
				if w == (want{}) {
					w = test.original
				}
				o := options(t, 336)
				o.Flavour, o.ChannelsGuess = flavour, false
				l, err := llava16.Variant.Plan(o, size)
				require.NoError(t, err)
				cols, rows := l.GridTokens()
				require.Equal(t, w, want{l.Canvas, cols, rows, l.Tokens}, "%v %s", size, flavour)
				require.Len(t, l.Views, 1+l.Grid.Cols*l.Grid.Rows)
			}
		}
	}
}

// TestLargeGrid has the same under "(1x1),...,(6x6)", with and without the bilinear reduction.
func TestLargeGrid(t *testing.T) {
	for _, test := range []struct {
		size           imaging.Size
		canvas         imaging.Size
		unlimited, max int
	}{
		{imaging.Size{W: 336, H: 336}, imaging.Size{W: 336, H: 336}, 1176, 1176},
		{imaging.Size{W: 1024, H: 768}, imaging.Size{W: 1344, H: 1008}, 7560, 5784},
		{imaging.Size{W: 1920, H: 1080}, imaging.Size{W: 2016, H: 1344}, 12466, 5760},
		{imaging.Size{W: 1080, H: 1920}, imaging.Size{W: 1344, H: 2016}, 12528, 5801},
		{imaging.Size{W: 300, H: 2000}, imaging.Size{W: 336, H: 2016}, 3888, 3888},
		{imaging.Size{W: 2016, H: 2016}, imaging.Size{W: 2016, H: 2016}, 21456, 5832},
	} {
		for aspect, tokens := range map[string]int{"anyres": test.unlimited, "anyres_max_9": test.max} {
			l, err := llava16.Variant.Plan(options(t, 336, "pinpoints", "(1x1),...,(6x6)", "aspect_ratio", aspect), test.size)
			require.NoError(t, err)
			require.Equal(t, test.canvas, l.Canvas, "%v", test.size)
			require.Equal(t, tokens, l.Tokens, "%v %s", test.size, aspect)
		}
	}
	l, err := llava16.Variant.Plan(options(t, 336, "pinpoints", "(1x1),...,(6x6)", "aspect_ratio", "anyres_max_9"), imaging.Size{W: 1024, H: 768})
	require.NoError(t, err)
	require.Equal(t, variants.Pool{Kind: variants.PoolBilinear, Cols: 83, Rows: 62}, l.Pool)
}

// TestMostTokens walks the sizes at which unpadding keeps different cells and finds the upper bound of each setting.
func TestMostTokens(t *testing.T) {
	for _, test := range []struct {
		grid, aspect, merge string
		side                int
		want                int
	}{
		{"released", "anyres", "flat", 336, 2880},
		{"released", "anyres", "spatial", 336, 2880},
		{"released", "anyres", "spatial_unpad", 336, 2928},
		{"article", "anyres", "spatial_unpad", 336, 2976},
		{"released", "anyres", "spatial_unpad", 384, 3699}, // 27 cells a side and a border of 6 pixels
		{"(1x1),...,(6x6)", "anyres", "spatial_unpad", 336, 21456},
		{"(1x1),...,(6x6)", "anyres_max_9", "spatial_unpad", 336, 6946},
		{"(1x1),...,(6x6)", "anyres_max_4", "spatial_unpad", 336, 3476},
		{"(1x1),...,(6x6)", "anyres_max_5", "spatial_unpad", 336, 4176},
		{"(1x1),...,(6x6)", "anyres_max_6", "spatial_unpad", 336, 4824},
		{"(1x1),...,(6x6)", "anyres_max_9", "spatial_unpad", 384, 8765}, // 8829 (49x162 of 1920x2304) needs a picture that fits another canvas better
	} {
		o := options(t, test.side, "pinpoints", test.grid, "aspect_ratio", test.aspect, "merge_type", test.merge)
		most := 0
		step := test.side / 24 // a canvas differs by less than a cell
		for w := step; w <= 6*test.side; w += step {
			for h := step; h <= 6*test.side; h += step {
				n, err := llava16.Variant.TokenCount(o, imaging.Size{W: w, H: h})
				require.NoError(t, err)
				most = max(most, n)
			}
		}
		require.Equal(t, test.want, most, "%+v", test)
	}
}

// TestCanvasBounds has the tokens of each released canvas when a picture fills it.
func TestCanvasBounds(t *testing.T) {
	for size, want := range map[imaging.Size]int{
		{W: 336, H: 672}: 1776, {W: 672, H: 336}: 1752, {W: 336, H: 1008}: 2376, {W: 1008, H: 336}: 2328, {W: 672, H: 672}: 2928,
	} {
		n, err := llava16.Variant.TokenCount(options(t, 336), size)
		require.NoError(t, err)
		require.Equal(t, want, n, "%v", size)
	}
	for size, want := range map[imaging.Size]int{{W: 336, H: 1344}: 2976, {W: 1344, H: 336}: 2904, {W: 672, H: 672}: 2928} {
		n, err := llava16.Variant.TokenCount(options(t, 336, "pinpoints", "article"), size)
		require.NoError(t, err)
		require.Equal(t, want, n, "%v", size)
	}
}

func TestMergeTypes(t *testing.T) {
	size := imaging.Size{W: 672, H: 672}
	for _, test := range []struct {
		pairs         []string
		views, tokens int
	}{
		{nil, 5, 2928},
		{[]string{"row_end", "none"}, 5, 2880},
		{[]string{"merge_type", "flat"}, 5, 2880},
		{[]string{"merge_type", "flat", "select_feature", "cls_patch"}, 5, 5 * 577},
		{[]string{"merge_type", "spatial"}, 5, 2880},
		{[]string{"merge_type", "spatial_nobase"}, 4, 2304},
		{[]string{"merge_type", "spatial_unpad_nobase"}, 4, 2352},
		{[]string{"global", "none"}, 4, 2352},
		{[]string{"merge_type", "spatial_maxpool2x2"}, 5, 576 + 576},
		{[]string{"aspect_ratio", "highres"}, 5, 2928},
		{[]string{"aspect_ratio", "highres", "merge_type", "flat"}, 5, 2880},
		{[]string{"aspect_ratio", "highres", "merge_type", "flat", "high_res", "1008"}, 10, 5760},
		{[]string{"aspect_ratio", "crop_split", "merge_type", "flat"}, 4, 2304},
		{[]string{"aspect_ratio", "pad"}, 1, 576},
		{[]string{"aspect_ratio", "pad", "single_view_newline", "true"}, 1, 577},
		{[]string{"aspect_ratio", "pad", "single_view_newline", "true", "select_feature", "cls_patch"}, 1, 578},
		{[]string{"aspect_ratio", "pad", "single_view_newline", "true", "merge_type", "spatial"}, 1, 576},
	} {
		o := options(t, 336, test.pairs...)
		planned, err := variantstest.Contract(llava16.Variant, o, size)
		require.NoError(t, err, "%v", test.pairs)
		require.True(t, planned, "%v", test.pairs)
		l, err := llava16.Variant.Plan(o, size)
		require.NoError(t, err)
		require.Len(t, l.Views, test.views, "%v", test.pairs)
		require.Equal(t, test.tokens, l.Tokens, "%v", test.pairs)
	}
}

// TestRefused has combinations that the reference fails on as well.
func TestRefused(t *testing.T) {
	for _, test := range []struct {
		size  imaging.Size
		want  string
		pairs []string
	}{
		{imaging.Size{W: 640, H: 480}, "the reference refuses it", []string{"select_feature", "cls_patch"}},
		{imaging.Size{W: 640, H: 480}, "needs a global view and 2x2 tiles, here are 10 views with 3x3",
			[]string{"aspect_ratio", "highres", "high_res", "1008"}},
		{imaging.Size{W: 640, H: 480}, "needs a global view and 2x2 tiles", []string{"aspect_ratio", "crop_split"}},
		{imaging.Size{W: 640, H: 480}, "holds no tile of 700",
			[]string{"aspect_ratio", "crop_split", "merge_type", "flat", "split_resolution", "700"}},
		{imaging.Size{W: 640, H: 480}, `strip "cover" is not defined`, []string{"aspect_ratio", "highres", "strip", "cover"}},
		{imaging.Size{W: 20, H: 1}, "set channels_guess to false", []string{"flavour", "hf"}},
		{imaging.Size{W: 20, H: 1}, "set channels_guess to false", []string{"aspect_ratio", "square"}},
		{imaging.Size{W: 1, H: 1}, "set channels_guess to false", []string{"aspect_ratio", "pad"}},
		{imaging.Size{W: 2405, H: 1202}, "transformers 4.40 tiles a canvas of 672x336 pixels and merges one of 1008x336", []string{"flavour", "hf440"}},
		{imaging.Size{W: 40000, H: 14}, "shrinks a map of 200 columns and 2 rows to 20 by 0",
			[]string{"side", "28", "shortest_edge", "28", "pinpoints", "[[2800,28]]", "aspect_ratio", "anyres_max_1", "strip", "none"}},
	} {
		o := llava16.Variant.Defaults(variantstest.LLaVA16(336))
		for i := 0; i < len(test.pairs); i += 2 {
			var err error
			o, err = o.Set(test.pairs[i], test.pairs[i+1])
			require.NoError(t, err)
		}
		_, err := llava16.Variant.Plan(o, test.size)
		require.ErrorContains(t, err, test.want, "%v", test.pairs)
		_, err = llava16.Variant.TokenCount(o, test.size)
		require.Error(t, err)
	}
}

func TestWarnings(t *testing.T) {
	warnings := func(size imaging.Size, pairs ...string) []string {
		l, err := llava16.Variant.Plan(options(t, 336, pairs...), size)
		require.NoError(t, err)
		return l.Warnings()
	}
	require.Empty(t, warnings(imaging.Size{W: 640, H: 480}))
	require.Contains(t, warnings(imaging.Size{W: 3665, H: 50})[0], "no row")
	require.Contains(t, warnings(imaging.Size{W: 50, H: 3665})[0], "no column")
	require.Contains(t, warnings(imaging.Size{W: 3665, H: 50}, "global", "none"), "the picture gives no image token")
	require.Contains(t, warnings(imaging.Size{W: 50, H: 3}, "flavour", "hf")[0], "scrambles")
}
