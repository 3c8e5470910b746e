package variants_test

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"path"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"llavabench/internal/checkpoint"
	"llavabench/internal/imaging"
	"llavabench/variants"
	"llavabench/variants/all"
)

// outputCase is a case of outputs/, hd/outputs/ or extra/, as far as it follows from geometry.
type outputCase struct {
	Images   []string `json:"images"`
	Sizes    [][2]int `json:"sizes_wh"`
	Tiles    []int    `json:"tiles"`
	Grid     [][2]int `json:"grid_wh"`
	Prompt   int      `json:"prompt_ids"`
	Sequence int      `json:"sequence"`
	Pixels   string   `json:"pixel_u8_sha256"`
}

type modelCases struct {
	Dir   string                `json:"dir"`
	HF    string                `json:"hf_dir"`
	Cases map[string]outputCase `json:"cases"`
}

type outputManifest struct {
	Models    map[string]modelCases `json:"models"`
	AnyResMax struct {
		Model string `json:"model"`
		Cases map[string]struct {
			Size     [2]int `json:"size_wh"`
			Tiles    int    `json:"tiles"`
			Prompt   int    `json:"prompt_ids"`
			Sequence int    `json:"sequence"`
			Pixels   string `json:"pixel_u8_sha256"`
		} `json:"cases"`
	} `json:"anyres_max"`
}

// configOf reads a golden model's configuration.
func configOf(t *testing.T, dir string) checkpoint.Config {
	t.Helper()
	c, err := checkpoint.ReadConfig(golden(t, dir), checkpoint.OpenOptions{})
	require.NoError(t, err)
	return c
}

// requireCase checks a case's views, grids and sequence length; each picture's placeholder is one prompt id.
func requireCase(t *testing.T, v variants.Variant, o variants.Options, want outputCase) {
	t.Helper()
	sequence := want.Prompt - len(want.Images)
	for i, size := range want.Sizes {
		l, err := v.Plan(o, imaging.Size{W: size[0], H: size[1]})
		require.NoError(t, err)
		require.Equal(t, want.Tiles[i], len(l.Views))
		if i < len(want.Grid) {
			require.Equal(t, want.Grid[i], hw(l.Grid.Cols, l.Grid.Rows))
		}
		require.Len(t, v.Merge(o, l), l.Tokens)
		sequence += l.Tokens
	}
	if o.TokenizerMaxLength > 0 {
		sequence = min(sequence, o.TokenizerMaxLength)
	}
	require.Equal(t, want.Sequence, sequence)
}

// requireRepeated checks a case whose prompt holds a placeholder for each image token.
func requireRepeated(t *testing.T, v variants.Variant, o variants.Options, want outputCase) {
	t.Helper()
	require.Equal(t, want.Sequence, want.Prompt)
	for i, size := range want.Sizes {
		l, err := v.Plan(o, imaging.Size{W: size[0], H: size[1]})
		require.NoError(t, err)
		require.Len(t, l.Views, want.Tiles[i])
		require.Less(t, l.Tokens, want.Prompt)
	}
}

// requirePixels checks the bytes of all views of all pictures.
func requirePixels(t *testing.T, pictures pictureList, v variants.Variant, o variants.Options, images []string, want string) {
	t.Helper()
	if want == "" {
		return
	}
	bytes := sha256.New()
	for _, name := range images {
		var picture *imaging.RGB
		if strings.HasPrefix(name, "extra/") {
			picture = decode(t, golden(t, name))
		} else {
			picture = pictures.open(t, "images/"+path.Base(name))
		}
		l, err := v.Plan(o, picture.Size())
		require.NoError(t, err)
		views, err := imaging.Render(picture, l.Plan, nil)
		require.NoError(t, err)
		for _, view := range views {
			for c := range 3 {
				plane := make([]uint8, 0, len(view.Pix)/3)
				for i := c; i < len(view.Pix); i += 3 {
					plane = append(plane, view.Pix[i])
				}
				bytes.Write(plane)
			}
		}
	}
	require.Equal(t, want, hex.EncodeToString(bytes.Sum(nil)))
}

// TestOutputsGolden detects every golden model's variant and checks all its cases.
func TestOutputsGolden(t *testing.T) {
	pictures := readPictures(t)
	for _, file := range [][]string{{"outputs", "manifest.json"}, {"extra", "manifest.json"}} {
		var manifest outputManifest
		readGolden(t, &manifest, file...)
		require.NotEmpty(t, manifest.Models)
		for name, model := range manifest.Models {
			t.Run(name, func(t *testing.T) { checkModel(t, pictures, model) })
		}
	}
}

func checkModel(t *testing.T, pictures pictureList, model modelCases) {
	c := configOf(t, model.Dir)
	v, err := all.Detect(c)
	require.NoError(t, err)
	o := v.Defaults(c)
	require.NoError(t, v.Check(o))
	for key, want := range model.Cases {
		t.Run(key, func(t *testing.T) {
			o := o
			if n, ok := strings.CutPrefix(key, "truncated_to_"); ok {
				o = set(t, o, "tokenizer_max_length", n)
			}
			if c.Layout == checkpoint.HuggingFace {
				requireRepeated(t, v, o, want)
			} else {
				requireCase(t, v, o, want)
			}
			requirePixels(t, pictures, v, o, want.Images, want.Pixels)
		})
	}
	if model.HF == "" {
		return
	}
	// The llava-hf layout of the same weights is recognised as the same generation.
	c = configOf(t, model.HF)
	again, err := all.Detect(c)
	require.NoError(t, err)
	require.Equal(t, v.Name, again.Name)
	require.NoError(t, again.Check(again.Defaults(c)))
}

func TestAnyResMaxGolden(t *testing.T) {
	var manifest outputManifest
	readGolden(t, &manifest, "outputs", "manifest.json")
	pictures := readPictures(t)
	dir, _, _ := strings.Cut(manifest.AnyResMax.Model, " ")
	v := variant(t, "llava16")
	o := set(t, v.Defaults(configOf(t, dir)), "aspect_ratio", "anyres_max_4", "pinpoints", "(1x1),...,(4x4)")
	for name, c := range manifest.AnyResMax.Cases {
		t.Run(name, func(t *testing.T) {
			images := []string{name}
			requireCase(t, v, o, outputCase{images, [][2]int{c.Size}, []int{c.Tiles}, nil, c.Prompt, c.Sequence, c.Pixels})
			requirePixels(t, pictures, v, o, images, c.Pixels)
		})
	}
}

func TestHDOutputsGolden(t *testing.T) {
	var hd struct {
		Cases map[string]struct {
			outputCase
			Model   string         `json:"model"`
			Options map[string]any `json:"options"`
			Each    []struct {
				Size   [2]int `json:"size_wh"`
				Best   [2]int `json:"best_wh"`
				Tiles  [2]int `json:"tiles_wh"`
				Views  int    `json:"views"`
				Grid   [2]int `json:"grid_hw"`
				Tokens int    `json:"image_tokens"`
			} `json:"per_image"`
		} `json:"cases"`
	}
	readGolden(t, &hd, "hd", "outputs", "manifest.json")
	require.NotEmpty(t, hd.Cases)
	pictures := readPictures(t)
	for key, c := range hd.Cases {
		t.Run(key, func(t *testing.T) {
			v := variant(t, "llava15hd")
			o := v.Defaults(configOf(t, path.Join("models", c.Model)))
			for name, value := range c.Options {
				if name == "pad_color" {
					name = "canvas_color"
				}
				o = set(t, o, name, fmt.Sprint(value))
			}
			require.NoError(t, v.Check(o))
			sequence := c.Prompt - len(c.Images)
			for _, want := range c.Each {
				l, err := v.Plan(o, imaging.Size{W: want.Size[0], H: want.Size[1]})
				require.NoError(t, err)
				require.Equal(t, want.Best, hw(l.Canvas.W, l.Canvas.H))
				require.Equal(t, want.Tiles, hw(l.Grid.Cols, l.Grid.Rows))
				require.Len(t, l.Views, want.Views)
				require.Equal(t, want.Grid, kept(l))
				require.Len(t, v.Merge(o, l), want.Tokens)
				sequence += l.Tokens
			}
			require.Equal(t, c.Sequence, sequence)
			requirePixels(t, pictures, v, o, c.Images, c.Pixels)
		})
	}
}
