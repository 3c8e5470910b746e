package variants_test

import (
	"encoding/json"
	"os"
	"testing"

	"github.com/stretchr/testify/require"

	"llavabench/internal/imaging"
	"llavabench/internal/sharedtest"
	"llavabench/variants"
	"llavabench/variants/all"
	"llavabench/variants/variantstest"
)

// golden gives the path of a file of the reference data.
func golden(t testing.TB, parts ...string) string {
	t.Helper()
	return sharedtest.Path(t, append([]string{"golden"}, parts...)...)
}

func readGolden(t testing.TB, into any, parts ...string) {
	t.Helper()
	data, err := os.ReadFile(golden(t, parts...))
	require.NoError(t, err)
	require.NoError(t, json.Unmarshal(data, into))
}

func variant(t testing.TB, name string) variants.Variant {
	t.Helper()
	v, err := all.ByName(name)
	require.NoError(t, err)
	return v
}

// set changes fields given as name, value, name, value.
func set(t testing.TB, o variants.Options, pairs ...string) variants.Options {
	t.Helper()
	for i := 0; i < len(pairs); i += 2 {
		var err error
		o, err = o.Set(pairs[i], pairs[i+1])
		require.NoError(t, err)
	}
	return o
}

// hw is a height and a width, or rows and columns.
func hw(h, w int) [2]int { return [2]int{h, w} }

// kept gives the rows and columns of tokens; no rows are reported with no columns.
func kept(l variants.Layout) [2]int {
	cols, rows := l.GridTokens()
	if rows == 0 {
		cols = 0
	}
	return hw(rows, cols)
}

func TestAnyResGolden(t *testing.T) {
	type column struct {
		Best    *[2]int `json:"best_wh"`
		BestHW  *[2]int `json:"best_hw"`
		Tiles   *[2]int `json:"tiles_wh"`
		TilesHW *[2]int `json:"tiles_hw"`
		Resized *[2]int `json:"resized_wh"`
		Paste   *[2]int `json:"paste_xy"`
		Grid    *[2]int `json:"grid_hw"`
		Tokens  *int    `json:"image_tokens"`
		First   *[2]int `json:"first_cell_yx"`
	}
	var file struct {
		Pinpoints map[string]json.RawMessage              `json:"pinpoints"`
		Tile      int                                     `json:"tile"`
		Sets      map[string][]map[string]json.RawMessage `json:"sets"`
	}
	readGolden(t, &file, "geometry", "anyres.json")
	require.NotEmpty(t, file.Sets)
	flavours := map[string]string{"original": "original", "next": "next", "hf_4_40": "hf440", "hf_4_48": "hf448"}
	rows := 0
	for name, sizes := range file.Sets {
		var pinpoints [][2]int
		if json.Unmarshal(file.Pinpoints[name], &pinpoints) != nil {
			var err error
			pinpoints, err = variants.NamedGrid("(1x1),...,(6x6)", file.Tile)
			require.NoError(t, err)
		}
		for _, row := range sizes {
			var size [2]int
			require.NoError(t, json.Unmarshal(row["size_wh"], &size))
			var original column
			require.NoError(t, json.Unmarshal(row["original"], &original))
			for key, data := range row {
				flavour, ok := flavours[key]
				if !ok {
					continue
				}
				want := original
				if string(data) != `"same"` {
					want = column{}
					require.NoError(t, json.Unmarshal(data, &want))
				} else {
					want.Resized, want.Paste, want.First = nil, nil, nil
				}
				f, err := variants.ParseFlavour(flavour)
				require.NoError(t, err)
				v := variant(t, "llava16")
				o := v.Defaults(variantstest.LLaVA16(file.Tile))
				o.Flavour, o.Pinpoints, o.ChannelsGuess = f, pinpoints, false
				if key == "next" {
					o.AspectRatio = "anyres_max_9"
				}
				l, err := v.Plan(o, imaging.Size{W: size[0], H: size[1]})
				require.NoError(t, err, "%s %s %v", name, key, size)
				rows++
				check := func(what string, want *[2]int, got [2]int) {
					if want != nil {
						require.Equal(t, *want, got, "%s %s %v: %s", name, key, size, what)
					}
				}
				check("best", want.Best, hw(l.Canvas.W, l.Canvas.H))
				check("best", want.BestHW, hw(l.Canvas.H, l.Canvas.W))
				check("tiles", want.Tiles, hw(l.Grid.Cols, l.Grid.Rows))
				check("tiles", want.TilesHW, hw(l.Grid.Rows, l.Grid.Cols))
				check("resized", want.Resized, hw(l.Resized.W, l.Resized.H))
				check("paste", want.Paste, hw(l.Paste.X, l.Paste.Y))
				check("grid", want.Grid, kept(l))
				require.NotNil(t, want.Tokens)
				require.Equal(t, *want.Tokens, l.Tokens, "%s %s %v", name, key, size)
				require.Len(t, v.Merge(o, l), l.Tokens)
				row, col, ok := l.FirstCell()
				if string(data) != `"same"` && (key == "original") {
					require.Equal(t, want.First != nil, ok)
					check("first cell", want.First, hw(row, col))
				}
			}
		}
	}
	t.Logf("%d rows", rows)
}
