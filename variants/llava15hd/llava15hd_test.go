package llava15hd_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"llavabench/internal/imaging"
	"llavabench/variants"
	"llavabench/variants/llava15hd"
	"llavabench/variants/variantstest"
)

func options(t testing.TB, side int, pairs ...string) variants.Options {
	t.Helper()
	o := llava15hd.Variant.Defaults(variantstest.LLaVA15(side))
	for i := 0; i < len(pairs); i += 2 {
		var err error
		o, err = o.Set(pairs[i], pairs[i+1])
		require.NoError(t, err)
	}
	require.NoError(t, llava15hd.Variant.Check(o))
	return o
}

// TestTokens is the table of the variant's definition: grid, cells kept and tokens with row ends, at 224 and 336 pixels
// a tile.
func TestTokens(t *testing.T) {
	type kept struct{ cols, rows, tokens int }
	type want struct {
		grid          variants.Grid
		cover, unpad6 kept
	}
	for _, test := range []struct {
		sizes    []imaging.Size
		s224     want
		s336     want
		unpadded bool // unpad16 keeps other cells than cover at one of the sides
	}{
		{[]imaging.Size{{W: 224, H: 224}}, want{variants.Grid{Cols: 1, Rows: 1}, kept{16, 16, 528}, kept{16, 16, 528}},
			want{variants.Grid{Cols: 1, Rows: 1}, kept{24, 24, 1176}, kept{24, 24, 1176}}, false},
		{[]imaging.Size{{W: 336, H: 336}}, want{variants.Grid{Cols: 2, Rows: 2}, kept{32, 32, 1312}, kept{32, 32, 1312}},
			want{variants.Grid{Cols: 1, Rows: 1}, kept{24, 24, 1176}, kept{24, 24, 1176}}, false},
		{[]imaging.Size{{W: 448, H: 448}}, want{variants.Grid{Cols: 2, Rows: 2}, kept{32, 32, 1312}, kept{32, 32, 1312}},
			want{variants.Grid{Cols: 2, Rows: 2}, kept{48, 48, 2928}, kept{48, 48, 2928}}, false},
		{[]imaging.Size{{W: 337, H: 336}}, want{variants.Grid{Cols: 2, Rows: 2}, kept{32, 32, 1312}, kept{32, 32, 1312}},
			want{variants.Grid{Cols: 2, Rows: 1}, kept{25, 24, 1200}, kept{24, 24, 1176}}, true},
		{[]imaging.Size{{W: 640, H: 480}}, want{variants.Grid{Cols: 3, Rows: 2}, kept{44, 32, 1696}, kept{42, 32, 1632}},
			want{variants.Grid{Cols: 2, Rows: 2}, kept{48, 36, 2340}, kept{48, 36, 2340}}, true},
		{[]imaging.Size{{W: 480, H: 640}}, want{variants.Grid{Cols: 2, Rows: 3}, kept{32, 44, 1708}, kept{32, 42, 1642}},
			want{variants.Grid{Cols: 2, Rows: 2}, kept{36, 48, 2352}, kept{36, 48, 2352}}, true},
		{[]imaging.Size{{W: 672, H: 448}}, want{variants.Grid{Cols: 3, Rows: 2}, kept{48, 32, 1824}, kept{48, 32, 1824}},
			want{variants.Grid{Cols: 2, Rows: 2}, kept{48, 32, 2144}, kept{48, 32, 2144}}, false},
		{[]imaging.Size{{W: 448, H: 672}}, want{variants.Grid{Cols: 2, Rows: 3}, kept{32, 48, 1840}, kept{32, 48, 1840}},
			want{variants.Grid{Cols: 2, Rows: 2}, kept{32, 48, 2160}, kept{32, 48, 2160}}, false},
		{[]imaging.Size{{W: 1280, H: 720}, {W: 1920, H: 1080}}, want{variants.Grid{Cols: 3, Rows: 2}, kept{48, 28, 1628}, kept{48, 28, 1628}},
			want{variants.Grid{Cols: 3, Rows: 2}, kept{72, 42, 3642}, kept{72, 40, 3496}}, true},
		{[]imaging.Size{{W: 1000, H: 300}}, want{variants.Grid{Cols: 4, Rows: 1}, kept{54, 16, 1136}, kept{54, 16, 1136}},
			want{variants.Grid{Cols: 3, Rows: 1}, kept{72, 22, 2182}, kept{72, 22, 2182}}, false},
		{[]imaging.Size{{W: 300, H: 1000}}, want{variants.Grid{Cols: 1, Rows: 4}, kept{16, 54, 1174}, kept{16, 54, 1174}},
			want{variants.Grid{Cols: 1, Rows: 3}, kept{22, 72, 2232}, kept{22, 72, 2232}}, false},
		{[]imaging.Size{{W: 2000, H: 200}}, want{variants.Grid{Cols: 6, Rows: 1}, kept{96, 10, 1226}, kept{96, 10, 1226}},
			want{variants.Grid{Cols: 6, Rows: 1}, kept{144, 16, 2896}, kept{144, 14, 2606}}, true},
		{[]imaging.Size{{W: 899, H: 1024}}, want{variants.Grid{Cols: 2, Rows: 3}, kept{32, 38, 1510}, kept{32, 36, 1444}},
			want{variants.Grid{Cols: 2, Rows: 3}, kept{48, 56, 3320}, kept{48, 54, 3222}}, true},
		{[]imaging.Size{{W: 1, H: 2000}}, want{variants.Grid{Cols: 1, Rows: 1}, kept{1, 16, 288}, kept{0, 16, 272}},
			want{variants.Grid{Cols: 1, Rows: 6}, kept{2, 144, 1008}, kept{0, 144, 720}}, true},
		{[]imaging.Size{{W: 2000, H: 1}}, want{variants.Grid{Cols: 1, Rows: 1}, kept{16, 1, 273}, kept{16, 0, 256}},
			want{variants.Grid{Cols: 6, Rows: 1}, kept{144, 2, 866}, kept{144, 0, 576}}, true},
	} {
		for _, size := range test.sizes {
			differ := false
			for side, w := range map[int]want{224: test.s224, 336: test.s336} {
				for strip, k := range map[string]kept{"cover": w.cover, "unpad16": w.unpad6} {
					o := options(t, side, "strip", strip, "row_end", "zero")
					l, err := llava15hd.Variant.Plan(o, size)
					require.NoError(t, err)
					cols, rows := l.GridTokens()
					require.Equal(t, w.grid, l.Grid, "%v at %d", size, side)
					require.Equal(t, k, kept{cols, rows, l.Tokens}, "%v at %d, %s", size, side, strip)
					n, err := llava15hd.Variant.TokenCount(options(t, side, "strip", strip), size)
					require.NoError(t, err)
					require.Equal(t, k.tokens-rows, n, "without row ends")
				}
				differ = differ || w.cover != w.unpad6
			}
			require.Equal(t, test.unpadded, differ)
		}
	}
}

// TestFullCanvases has the largest token counts.
func TestFullCanvases(t *testing.T) {
	for _, test := range []struct{ side, cols, rows, ends, bare int }{
		{224, 1, 6, 1888, 1792},
		{336, 1, 6, 4176, 4032},
		{336, 2, 3, 4104, 4032},
		{336, 3, 2, 4080, 4032},
		{336, 6, 1, 4056, 4032},
	} {
		size := imaging.Size{W: test.cols * test.side, H: test.rows * test.side}
		n, err := llava15hd.Variant.TokenCount(options(t, test.side, "row_end", "mean_row"), size)
		require.NoError(t, err)
		require.Equal(t, test.ends, n, "%v", size)
		n, err = llava15hd.Variant.TokenCount(options(t, test.side), size)
		require.NoError(t, err)
		require.Equal(t, test.bare, n, "%v", size)
	}
}

func TestDefaults(t *testing.T) {
	o := options(t, 336)
	require.Equal(t, variants.RowEndNone, o.RowEnd)
	require.Equal(t, imaging.Color{122, 116, 104}, o.CanvasColor)
	require.Len(t, o.Pinpoints, 14)

	// A 1.6 checkpoint brings its row end; its aspect ratio, merge type, canvases and length limit are not looked at.
	from16 := llava15hd.Variant.Defaults(variantstest.LLaVA16(336))
	require.Equal(t, []string{`row_end: "none" -> "checkpoint"`}, changes(from16.Diff(o)))
	require.False(t, llava15hd.Variant.Matches(variantstest.LLaVA15(336)))
}

func changes(list []variants.Change) []string {
	var s []string
	for _, c := range list {
		s = append(s, c.String())
	}
	return s
}

func TestCheck(t *testing.T) {
	for field, value := range map[string]string{
		"flavour": "hf", "aspect_ratio": "pad", "merge_type": "flat", "select_feature": "cls_patch", "channels_guess": "true",
		"tokenizer_max_length": "4096", "patch": "15", "max_tiles": "0",
	} {
		o, err := options(t, 336).Set(field, value)
		require.NoError(t, err)
		require.ErrorContains(t, llava15hd.Variant.Check(o), field)
	}
}

// TestOrder reads the tokens of a small picture one by one: 2 x 1 tiles of 2 x 2 cells, the lower row of which is padding.
func TestOrder(t *testing.T) {
	o := options(t, 28, "row_end", "zero", "pinpoints", "[[56,28]]")
	size := imaging.Size{W: 56, H: 14}
	feature := func(view, row, col int32) variants.Ref {
		return variants.Ref{Kind: variants.Feature, View: view, Row: row, Col: col}
	}
	global := []variants.Ref{feature(0, 0, 0), feature(0, 0, 1), feature(0, 1, 0), feature(0, 1, 1)}
	tiles := []variants.Ref{
		feature(1, 0, 0), feature(1, 0, 1), feature(2, 0, 0), feature(2, 0, 1), {Kind: variants.Newline},
		feature(1, 1, 0), feature(1, 1, 1), feature(2, 1, 0), feature(2, 1, 1), {Kind: variants.Newline, Row: 1},
	}
	refs := func(o variants.Options) []variants.Ref {
		l, err := llava15hd.Variant.Plan(o, size)
		require.NoError(t, err)
		require.Equal(t, variants.Point{Y: 7}, l.Paste)
		return llava15hd.Variant.Merge(o, l)
	}
	require.Equal(t, append(global, tiles...), refs(o), "half a cell of padding on both sides: everything is covered")
	o.GlobalLast = true
	require.Equal(t, append(tiles, global...), refs(o))
	o.Global = variants.GlobalNone
	without := refs(o)
	require.Len(t, without, 10)
	require.Equal(t, feature(0, 0, 0), without[0], "the first view is a tile now")
	o.Strip = variants.StripUnpad
	require.Len(t, refs(o), 10, "(2-1)/2 is 0 rows dropped")
}
