package variants_test

import (
	"encoding/json"
	"reflect"
	"testing"

	"github.com/stretchr/testify/require"

	"llavabench/internal/checkpoint"
	"llavabench/internal/imaging"
	"llavabench/variants"
	"llavabench/variants/all"
	"llavabench/variants/variantstest"
)

func TestOptionsRoundTrip(t *testing.T) {
	for _, v := range all.All {
		o := defaultsOf(v, 336)
		data, err := json.Marshal(o)
		require.NoError(t, err)
		var back variants.Options
		require.NoError(t, json.Unmarshal(data, &back))
		require.Empty(t, back.Diff(o), v.Name)
		require.Equal(t, o, back)
	}
}

// TestOptionsTags sees to it that every field is serialised under a name.
func TestOptionsTags(t *testing.T) {
	typ := reflect.TypeFor[variants.Options]()
	names := map[string]bool{}
	for i := range typ.NumField() {
		tag := typ.Field(i).Tag.Get("json")
		require.Regexp(t, `^[a-z_]+$`, tag, typ.Field(i).Name)
		require.False(t, names[tag])
		names[tag] = true
	}
}

func TestDiff(t *testing.T) {
	base := defaultsOf(variant(t, "llava16"), 336)
	o := set(t, base, "strip", "cover", "global_last", "true", "pinpoints", "article", "canvas_color", "mean", "side", "224")
	var got []string
	for _, c := range o.Diff(base) {
		got = append(got, c.String())
	}
	require.Equal(t, []string{
		`side: 336 -> 224`,
		`canvas_color: [0,0,0] -> [122,116,104]`,
		`pinpoints: [[336,672],[672,336],[672,672],[1008,336],[336,1008]] -> [[672,672],[336,1344],[1344,336]]`,
		`strip: "unpad16" -> "cover"`,
		`global_last: false -> true`,
	}, got)
	require.Empty(t, base.Diff(base))
}

func TestWith(t *testing.T) {
	base := defaultsOf(variant(t, "llava16"), 336)
	o, err := base.With([]byte(`{"pinpoints": [[672, 672]], "row_end": "none"}`))
	require.NoError(t, err)
	require.Equal(t, [][2]int{{672, 672}}, o.Pinpoints)
	require.Equal(t, variants.RowEndNone, o.RowEnd)
	require.Equal(t, [2]int{336, 672}, base.Pinpoints[0], "the list given is not written to")
	for object, want := range map[string]string{
		`{"stripe": "cover"}`:       "unknown field",
		`{"side": "336"}`:           "options",
		`{} {}`:                     "more than one",
		`{"strip": "cover"`:         "unexpected EOF",
		`{"canvas_color":[1,2,300]`: "options",
	} {
		_, err := base.With([]byte(object))
		require.ErrorContains(t, err, want, object)
	}
}

func TestSet(t *testing.T) {
	base := defaultsOf(variant(t, "llava16"), 336)
	o := set(t, base, "max_image_tokens", "12", "canvas_color", "[1,2,3]", "template", `a "quoted" name`)
	require.Equal(t, 12, o.MaxImageTokens)
	require.Equal(t, imaging.Color{1, 2, 3}, o.CanvasColor)
	require.Equal(t, `a "quoted" name`, o.Template)
	require.Equal(t, imaging.Color{}, set(t, o, "canvas_color", "black").CanvasColor)
	for _, test := range [][3]string{
		{"stripe", "cover", `option "stripe" is not known`},
		{"side", "wide", `option side="wide": expected JSON for type int`},
		{"side", `1, "patch": 1`, "expected JSON for type int"},
		{"side", "1.5", "cannot unmarshal number 1.5"},
		{"global_last", "1", "cannot unmarshal number"},
		{"pinpoints", "square", `grid set "square" is not known`},
		{"pinpoints", "(1x1),...,(0x6)", "not a number from 1"},
		{"pinpoints", "(3x3),...,(2x6)", "is empty"},
		{"pinpoints", "(1x1),...,(99x99)", "more than 1024"},
		{"pinpoints", "(1x1),...,(99999999999999999999x1)", "not a number"},
	} {
		_, err := base.Set(test[0], test[1])
		require.ErrorContains(t, err, test[2])
	}
}

func TestValidate(t *testing.T) {
	for _, test := range [][2]string{
		{`{"flavour": "hf99"}`, `flavour "hf99" is not known, expected one of "original", "hf"`},
		{`{"flavour": "hf437"}`, `flavour "hf437" has no aspect_ratio "anyres"`},
		{`{"aspect_ratio": "wide"}`, `aspect_ratio "wide" is not known`},
		{`{"aspect_ratio": "anyres_max_N"}`, "needs a number"},
		{`{"aspect_ratio": "anyres_max_0"}`, "is not known"},
		{`{"aspect_ratio": "anyres_max_-1"}`, "is not known"},
		{`{"aspect_ratio": "anyres_max_99999999999999999999"}`, "is not known"},
		{`{"aspect_ratio": "highres", "flavour": "hf"}`, `exists only in flavour "original"`},
		{`{"aspect_ratio": "highres", "high_res": 8000}`, "makes 529 tiles"},
		{`{"aspect_ratio": "crop_split", "crop_resolution": 9999, "split_resolution": 1}`, "tiles, expected at most max_tiles 144"},
		{`{"filter": "nearest"}`, `filter "nearest" is not known`},
		{`{"global": "yes"}`, `global "yes"`},
		{`{"select_feature": "cls"}`, `select_feature "cls"`},
		{`{"merge_type": "spatial_pad"}`, `merge_type "spatial_pad" is not known`},
		{`{"merge_type": "unpad"}`, `merge_type "unpad" is not known`},
		{`{"merge_type": ""}`, `merge_type "" is not known`},
		{`{"strip": ""}`, `strip "" is not known`},
		{`{"strip": "cover", "patch": 15}`, "multiple of the patch"},
		{`{"row_end": "newline"}`, `row_end "newline"`},
		{`{"tower_weights": "int8"}`, `tower_weights "int8"`},
		{`{"side": 0}`, "side is 0, expected 4 to 4096"},
		{`{"patch": 0}`, "patch is 0"},
		{`{"patch": 400}`, "patch is 400, expected 1 to 336"},
		{`{"shortest_edge": 300}`, "shortest_edge is 300"},
		{`{"shortest_edge": 400}`, "expected the same where pictures are tiled"},
		{`{"pinpoints": []}`, "pinpoints are empty"},
		{`{"pinpoints": [[336, 337]]}`, "pinpoint 0 is 336x337, expected multiples of the side 336"},
		{`{"pinpoints": [[0, 336]]}`, "pinpoint 0 is 0x336"},
		{`{"pinpoints": [[4368, 4368]]}`, "with 169 tiles, expected at most 144"},
		{`{"max_tiles": 1}`, "max_tiles is 1, but every pinpoint has more tiles"},
		{`{"max_tiles": 145}`, "max_tiles is 145"},
		{`{"max_image_tokens": -1}`, "max_image_tokens is -1"},
		{`{"tokenizer_max_length": -1}`, "tokenizer_max_length is -1"},
		{`{"attention_window": -4}`, "attention_window is -4"},
	} {
		v := variant(t, "llava16")
		o, err := defaultsOf(v, 336).With([]byte(test[0]))
		require.NoError(t, err)
		require.ErrorContains(t, o.Validate(), test[1], test[0])
		_, err = v.Plan(o, imaging.Size{W: 640, H: 480})
		require.ErrorContains(t, err, test[1])
	}
}

func TestZeroOptionsAreRefused(t *testing.T) {
	for _, v := range all.All {
		require.Error(t, v.Check(variants.Options{}))
		_, err := v.Plan(variants.Options{}, imaging.Size{W: 1, H: 1})
		require.Error(t, err)
	}
}

func TestFlavours(t *testing.T) {
	for name, want := range map[string]variants.Flavour{
		"original": variants.Original, "haotian": variants.Original, "next": variants.Original, "hf": variants.Transformers,
		"hf457": variants.Transformers, "hf448": variants.Transformers447, "hf447": variants.Transformers447,
		"hf440": variants.Transformers440, "hf437": variants.Transformers437,
	} {
		f, err := variants.ParseFlavour(name)
		require.NoError(t, err)
		require.Equal(t, want, f)
	}
	_, err := variants.ParseFlavour("hf999")
	require.ErrorContains(t, err, `flavour "hf999" is not known`)
}

func TestGridSets(t *testing.T) {
	for name, canvases := range map[string]int{"released": 5, "article": 3, "hd": 14} {
		pinpoints, err := variants.NamedGrid(name, 384)
		require.NoError(t, err)
		require.Len(t, pinpoints, canvases)
		require.Zero(t, pinpoints[0][0]%384+pinpoints[0][1]%384)
	}
	grid, err := variants.NamedGrid("(1x1),...,(6x6)", 336)
	require.NoError(t, err)
	require.Len(t, grid, 36)
	require.Equal(t, [2]int{336, 672}, grid[1])
	_, err = variants.NamedGrid("released", 0)
	require.ErrorContains(t, err, "side is 0")
}

func TestCanvases(t *testing.T) {
	o := defaultsOf(variant(t, "llava16"), 336)
	require.Equal(t, imaging.Size{W: 336, H: 672}, o.Canvases()[0])
	o.Flavour = variants.Transformers
	require.Equal(t, imaging.Size{W: 672, H: 336}, o.Canvases()[0])
	o.MaxTiles = 2
	require.Len(t, o.Canvases(), 2)
}

func TestTemplate(t *testing.T) {
	text := func(c checkpoint.Config, family string, vocab, positions int) checkpoint.Config {
		c.Text = checkpoint.TextConfig{Family: family, Vocab: vocab, MaxPositions: positions}
		return c
	}
	one, sixteen := variantstest.LLaVA1(224), variantstest.LLaVA16(336)
	for _, test := range []struct {
		config checkpoint.Config
		want   string
	}{
		{text(one, "llama", 32004, 2048), "llava_v0"},
		{text(one, "llama", 32003, 2048), "llava_v1"},
		{text(one, "llama", 32000, 4096), "llava_llama_2"},
		{variantstest.LLaVA15(336), "vicuna_v1"},
		{sixteen, "vicuna_v1"},
		{text(sixteen, "mistral", 32000, 32768), "mistral_instruct"},
		{text(sixteen, "llama", 64000, 4096), "chatml_direct"},
		{text(sixteen, "llama", 128256, 8192), "llava_llama_3"},
		{text(sixteen, "qwen2", 152064, 32768), "qwen_1_5"},
	} {
		require.Equal(t, test.want, variants.Template(test.config))
	}
}
