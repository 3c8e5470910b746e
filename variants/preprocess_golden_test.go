package variants_test

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
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
		picture := decode(t, golden(t, "preprocess", name))
		require.Equal(t, m.RGBSHA256, picture.PixelSHA256(), file)
		return picture
	}
	require.Fail(t, "no such picture", file)
	return nil
}

// decode reads a lossless picture with the standard library.
func decode(t testing.TB, path string) *imaging.RGB {
	t.Helper()
	f, err := os.Open(path)
	require.NoError(t, err)
	defer f.Close()
	decode := png.Decode
	if strings.HasSuffix(path, ".bmp") {
		decode = bmp.Decode
	}
	decoded, err := decode(f)
	require.NoError(t, err, path)
	b := decoded.Bounds()
	picture := imaging.NewRGB(imaging.Size{W: b.Dx(), H: b.Dy()})
	for y := range b.Dy() {
		for x := range b.Dx() {
			r, g, bl, _ := decoded.At(x, y).RGBA()
			copy(picture.Pix[3*(y*b.Dx()+x):], []uint8{uint8(r >> 8), uint8(g >> 8), uint8(bl >> 8)})
		}
	}
	return picture
}

// A renderer renders plans of one picture; what several plans share is done once.
type renderer struct {
	picture  *imaging.RGB
	floats   bool // compare the normalised floats as well, which follow from the bytes by a table
	canvases map[string][]*imaging.RGB
	digests  map[string][2]string
}

func newRenderer(picture *imaging.RGB, floats bool) *renderer {
	return &renderer{picture, floats, map[string][]*imaging.RGB{}, map[string][2]string{}}
}

// digest gives the SHA-256 of a plan's bytes and of its normalised floats, [views, 3, side, side] each.
func (r *renderer) digest(t testing.TB, p imaging.Plan) (u8, f32 string) {
	t.Helper()
	key := planKey(t, p)
	if d, ok := r.digests[key]; ok {
		return d[0], d[1]
	}
	var views []*imaging.RGB
	for _, c := range p.Canvases {
		one := imaging.Plan{Side: p.Side, Canvases: []imaging.Canvas{c}}
		key := planKey(t, one)
		if _, ok := r.canvases[key]; !ok {
			rendered, err := imaging.Render(r.picture, one, nil)
			require.NoError(t, err)
			r.canvases[key] = rendered
		}
		views = append(views, r.canvases[key]...)
	}
	bytes, floats := sha256.New(), sha256.New()
	table := imaging.ClipNormalizer().Table()
	plane, wide := make([]uint8, p.Side*p.Side), make([]uint8, 4*p.Side*p.Side)
	for _, v := range views {
		for c := range 3 {
			for i := range plane {
				plane[i] = v.Pix[3*i+c]
			}
			bytes.Write(plane)
			if r.floats {
				for i, x := range plane {
					binary.LittleEndian.PutUint32(wide[4*i:], math.Float32bits(table[c][x]))
				}
				floats.Write(wide)
			}
		}
	}
	d := [2]string{hex.EncodeToString(bytes.Sum(nil)), hex.EncodeToString(floats.Sum(nil))}
	r.digests[key] = d
	return d[0], d[1]
}

func planKey(t testing.TB, p imaging.Plan) string {
	t.Helper()
	key, err := json.Marshal(p)
	require.NoError(t, err)
	return string(key)
}

// require compares a layout's pixels with a golden's.
func (r *renderer) require(t testing.TB, l variants.Layout, shape []int, u8, f32 string, where ...any) {
	t.Helper()
	require.Equal(t, shape, []int{l.Plan.Views(), 3, l.Plan.Side, l.Plan.Side}, where...)
	require.Len(t, l.Views, l.Plan.Views(), where...)
	gotU8, gotF32 := r.digest(t, l.Plan)
	require.Equal(t, u8, gotU8, where...)
	if r.floats {
		require.Equal(t, f32, gotF32, where...)
	}
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
	for i, m := range pictures.Images {
		if m.OpenError != nil {
			continue
		}
		if raceEnabled && i%12 != 0 {
			continue
		}
		picture := pictures.open(t, m.File)
		render := newRenderer(picture, i%4 == 0)
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
			render.require(t, l, want.Shape, want.U8, want.F32, where...)
			done[want.Flavour+" "+want.Mode]++
		}
	}
	t.Logf("equal: %v; refused as there: %d", done, failed)
}
