package variants_test

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"image/png"
	"math"
	"os"
	"strings"
	"testing"

	"golang.org/x/image/bmp"

	"github.com/stretchr/testify/require"

	"llavabench/internal/imaging"
	"llavabench/variants"
	"llavabench/variants/variantstest"
)

// pictureList is preprocess/manifest.json.
type pictureList struct {
	Images []struct {
		File      string           `json:"file"`
		OpenError *string          `json:"open_error"`
		RGBSHA256 string           `json:"rgb_sha256"`
		RGB       string           `json:"rgb"`
		Best      [2]int           `json:"best_resolution_wh"`
		Article   [2]int           `json:"best_resolution_article_wh"`
		Outputs   []pictureOutputs `json:"outputs"`
	} `json:"images"`
}

type pictureOutputs struct {
	Flavour string  `json:"flavour"`
	Mode    string  `json:"mode"`
	Error   *string `json:"error"`
	Shape   []int   `json:"shape"`
	U8      string  `json:"u8_sha256"`
	F32     string  `json:"f32_sha256"`
}

func readPictures(t testing.TB) pictureList {
	t.Helper()
	var list pictureList
	readGolden(t, &list, "preprocess", "manifest.json")
	require.NotEmpty(t, list.Images)
	return list
}

// open reads a picture's pixels from the lossless copy, so that decoders play no part here.
func (p pictureList) open(t testing.TB, file string) *imaging.RGB {
	t.Helper()
	for _, m := range p.Images {
		if m.File != file {
			continue
		}
		name := m.RGB
		if !strings.HasPrefix(name, "rgb/") {
			name = file
		}
		f, err := os.Open(golden(t, "preprocess", name))
		require.NoError(t, err)
		defer f.Close()
		decode := png.Decode
		if strings.HasSuffix(name, ".bmp") {
			decode = bmp.Decode
		}
		decoded, err := decode(f)
		require.NoError(t, err, name)
		b := decoded.Bounds()
		picture := imaging.NewRGB(imaging.Size{W: b.Dx(), H: b.Dy()})
		for y := range b.Dy() {
			for x := range b.Dx() {
				r, g, bl, _ := decoded.At(x, y).RGBA()
				copy(picture.Pix[3*(y*b.Dx()+x):], []uint8{uint8(r >> 8), uint8(g >> 8), uint8(bl >> 8)})
			}
		}
		require.Equal(t, m.RGBSHA256, picture.PixelSHA256(), file)
		return picture
	}
	require.Fail(t, "no such picture", file)
	return nil
}

// requirePixels renders a layout and compares the bytes and the normalised floats, [views, 3, side, side] each.
func requirePixels(t testing.TB, picture *imaging.RGB, l variants.Layout, shape []int, u8, f32 string, where ...any) {
	t.Helper()
	require.Equal(t, shape, []int{l.Plan.Views(), 3, l.Plan.Side, l.Plan.Side}, where...)
	require.Len(t, l.Views, l.Plan.Views(), where...)
	views, err := imaging.Render(picture, l.Plan, nil)
	require.NoError(t, err, where...)
	bytes := sha256.New()
	for _, v := range views {
		plane := make([]uint8, v.Width*v.Height)
		for c := range 3 {
			for i := range plane {
				plane[i] = v.Pix[3*i+c]
			}
			bytes.Write(plane)
		}
	}
	require.Equal(t, u8, hex.EncodeToString(bytes.Sum(nil)), where...)
	tensor := imaging.ClipNormalizer().Tensor(views)
	raw := make([]byte, 0, 4*len(tensor))
	for _, x := range tensor {
		raw = binary.LittleEndian.AppendUint32(raw, math.Float32bits(x))
	}
	sum := sha256.Sum256(raw)
	require.Equal(t, f32, hex.EncodeToString(sum[:]), where...)
}

// modeOptions are the settings of a mode of the manifest.
func modeOptions(t testing.TB, flavour, mode string) (variants.Variant, variants.Options) {
	t.Helper()
	mode, told := strings.CutSuffix(mode, "_cl")
	f, err := variants.ParseFlavour(flavour)
	require.NoError(t, err)
	name, c := "llava16", variantstest.LLaVA16(336)
	var pairs []string
	switch mode {
	case "crop224":
		name, c = "llava1", variantstest.LLaVA1(224)
	case "pad224":
		name, c, pairs = "llava1", variantstest.LLaVA1(224), []string{"aspect_ratio", "pad"}
	case "crop336":
		name, c, pairs = "llava15", variantstest.LLaVA15(336), []string{"aspect_ratio", "square"}
	case "pad336":
		name, c = "llava15", variantstest.LLaVA15(336)
	case "anyres":
	case "anyres_article":
		pairs = []string{"pinpoints", "article"}
	case "anyres_1x1_6x6":
		pairs = []string{"pinpoints", "(1x1),...,(6x6)", "aspect_ratio", "anyres_max_9"}
	case "hd_highres672":
		pairs = []string{"aspect_ratio", "highres", "high_res", "672"}
	case "hd_crop_split672":
		pairs = []string{"aspect_ratio", "crop_split", "crop_resolution", "672", "split_resolution", "336", "merge_type", "flat"}
	default:
		require.Fail(t, "unknown mode", mode)
	}
	v := variant(t, name)
	o := set(t, v.Defaults(c), pairs...)
	o.Flavour = f
	o.ChannelsGuess = !told
	require.NoError(t, v.Check(o))
	return v, o
}

func TestPreprocessGolden(t *testing.T) {
	pictures := readPictures(t)
	done, failed := map[string]int{}, 0
	for _, m := range pictures.Images {
		if m.OpenError != nil {
			continue
		}
		picture := pictures.open(t, m.File)
		for _, want := range m.Outputs {
			v, o := modeOptions(t, want.Flavour, want.Mode)
			where := []any{"%s %s %s", m.File, want.Flavour, want.Mode}
			l, err := v.Plan(o, picture.Size())
			if want.Error != nil {
				require.ErrorContains(t, err, "channels_guess", where...)
				failed++
				continue
			}
			require.NoError(t, err, where...)
			switch {
			case want.Flavour == "haotian" && want.Mode == "anyres":
				require.Equal(t, m.Best, hw(l.Canvas.W, l.Canvas.H), where...)
			case want.Flavour == "haotian" && want.Mode == "anyres_article":
				require.Equal(t, m.Article, hw(l.Canvas.W, l.Canvas.H), where...)
			}
			requirePixels(t, picture, l, want.Shape, want.U8, want.F32, where...)
			done[want.Flavour+" "+want.Mode]++
		}
	}
	t.Logf("equal: %v; refused as there: %d", done, failed)
}
