package variants_test

import (
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/require"

	"llavabench/internal/imaging"
	"llavabench/variants"
	"llavabench/variants/variantstest"
)

// hdOptions are the defaults of llava15hd at a tile side.
func hdOptions(t testing.TB, side int) (variants.Variant, variants.Options) {
	v := variant(t, "llava15hd")
	o := v.Defaults(variantstest.LLaVA15(side))
	require.NoError(t, v.Check(o))
	return v, o
}

func TestHDGeometryGolden(t *testing.T) {
	type kept2 struct {
		Grid       [2]int  `json:"grid_hw"`
		Tokens     int     `json:"image_tokens"`
		TokensEnds int     `json:"image_tokens_row_end"`
		First      *[2]int `json:"first_cell_yx"`
	}
	type bySide struct {
		Best    [2]int `json:"best_wh"`
		Tiles   [2]int `json:"tiles_wh"`
		Resized [2]int `json:"resized_wh"`
		Paste   [2]int `json:"paste_xy"`
		Cover   kept2  `json:"cover"`
		Unpad16 kept2  `json:"unpad16"`
		None    kept2  `json:"none"`
	}
	var file struct {
		Grids [][2]int                     `json:"grids_ab"`
		Sizes []map[string]json.RawMessage `json:"sizes"`
	}
	readGolden(t, &file, "hd", "geometry.json")
	require.NotEmpty(t, file.Sizes)
	rows := 0
	for key, side := range map[string]int{"s224": 224, "s336": 336} {
		v, base := hdOptions(t, side)
		for i, g := range file.Grids {
			require.Equal(t, [2]int{g[0] * side, g[1] * side}, base.Pinpoints[i])
		}
		for _, row := range file.Sizes {
			var size [2]int
			require.NoError(t, json.Unmarshal(row["size_wh"], &size))
			var want bySide
			require.NoError(t, json.Unmarshal(row[key], &want))
			for strip, w := range map[string]kept2{"cover": want.Cover, "unpad16": want.Unpad16, "none": want.None} {
				o := set(t, base, "strip", strip)
				require.Equal(t, variants.RowEndNone, o.RowEnd)
				l, err := v.Plan(o, imaging.Size{W: size[0], H: size[1]})
				require.NoError(t, err)
				where := []any{"%s %v %s", key, size, strip}
				require.Equal(t, want.Best, hw(l.Canvas.W, l.Canvas.H), where...)
				require.Equal(t, want.Tiles, hw(l.Grid.Cols, l.Grid.Rows), where...)
				require.Equal(t, want.Resized, hw(l.Resized.W, l.Resized.H), where...)
				require.Equal(t, want.Paste, hw(l.Paste.X, l.Paste.Y), where...)
				require.Equal(t, w.Grid, kept(l), where...)
				require.Equal(t, w.Tokens, l.Tokens, where...)
				require.Len(t, v.Merge(o, l), w.Tokens, where...)
				row, col, ok := l.FirstCell()
				require.Equal(t, w.First != nil, ok, where...)
				if ok {
					require.Equal(t, *w.First, hw(row, col), where...)
				}
				o = set(t, o, "row_end", "zero")
				n, err := v.TokenCount(o, imaging.Size{W: size[0], H: size[1]})
				require.NoError(t, err)
				require.Equal(t, w.TokensEnds, n, where...)
				rows++
			}
		}
	}
	t.Logf("%d rows", rows)
}

func TestHDPreprocessGolden(t *testing.T) {
	var file struct {
		Images []struct {
			File    string `json:"file"`
			Outputs []struct {
				Side     int    `json:"s"`
				PadColor string `json:"pad_color"`
				Global   string `json:"global"`
				Best     [2]int `json:"best_wh"`
				Shape    []int  `json:"shape"`
				U8       string `json:"u8_sha256"`
				F32      string `json:"f32_sha256"`
			} `json:"outputs"`
		} `json:"images"`
	}
	readGolden(t, &file, "hd", "preprocess.json")
	pictures := readPictures(t)
	n := 0
	for i, image := range file.Images {
		if raceEnabled && i%12 != 0 {
			continue
		}
		picture := pictures.open(t, image.File)
		render := newRenderer(picture, i%4 == 0)
		for _, want := range image.Outputs {
			v, o := hdOptions(t, want.Side)
			o = set(t, o, "global", want.Global, "canvas_color", want.PadColor)
			l, err := v.Plan(o, picture.Size())
			require.NoError(t, err)
			require.Equal(t, want.Best, hw(l.Canvas.W, l.Canvas.H))
			render.require(t, l, want.Shape, want.U8, want.F32, "%s %d %s %s", image.File, want.Side, want.PadColor, want.Global)
			n++
		}
	}
	t.Logf("%d outputs", n)
}
