package imaging

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"llavabench/internal/sharedtest"
)

// goldenDir is the folder of the reference data.
func goldenDir(t testing.TB) string {
	t.Helper()
	return sharedtest.Path(t, "golden")
}

// preprocessManifest is the part of preprocess/manifest.json that concerns one view.
type preprocessManifest struct {
	Images []struct {
		File      string  `json:"file"`
		OpenError *string `json:"open_error"`
		Width     int     `json:"width"`
		Height    int     `json:"height"`
		Mode      string  `json:"pil_mode"`
		Format    string  `json:"pil_format"`
		RGBSHA256 string  `json:"rgb_sha256"`
		Outputs   []struct {
			Flavour   string  `json:"flavour"`
			Mode      string  `json:"mode"`
			Error     *string `json:"error"`
			Shape     []int   `json:"shape"`
			U8SHA256  string  `json:"u8_sha256"`
			F32SHA256 string  `json:"f32_sha256"`
		} `json:"outputs"`
	} `json:"images"`
}

func readPreprocess(t testing.TB) (string, preprocessManifest) {
	t.Helper()
	dir := filepath.Join(goldenDir(t), "preprocess")
	data, err := os.ReadFile(filepath.Join(dir, "manifest.json"))
	require.NoError(t, err)
	var m preprocessManifest
	require.NoError(t, json.Unmarshal(data, &m))
	require.NotEmpty(t, m.Images)
	return dir, m
}

// singleView plans one of the golden's modes of one view; ok is false for the others.
func singleView(mode string, size Size) (c Canvas, side int, ok bool, err error) {
	base, told := strings.CutSuffix(mode, "_cl")
	for _, s := range []struct {
		mode string
		side int
		pad  bool
	}{{"crop224", 224, false}, {"crop336", 336, false}, {"pad224", 224, true}, {"pad336", 336, true}} {
		if s.mode != base {
			continue
		}
		p := squareClip(s.side)
		p.GuessLayout = !told
		if s.pad {
			c, err = planPadSquare(size, ClipNormalizer().MeanColor(), p)
		} else {
			c, err = planClip(size, p)
		}
		return c, s.side, true, err
	}
	return Canvas{}, 0, false, nil
}

// channelsFirst gives the bytes of views as [views, 3, height, width].
func channelsFirst(views []*RGB) []byte {
	var out []byte
	for _, v := range views {
		for c := range 3 {
			for i := c; i < len(v.Pix); i += 3 {
				out = append(out, v.Pix[i])
			}
		}
	}
	return out
}

func sha(b []byte) string {
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:])
}

func float32Bytes(v []float32) []byte {
	out := make([]byte, 0, 4*len(v))
	for _, x := range v {
		out = binary.LittleEndian.AppendUint32(out, math.Float32bits(x))
	}
	return out
}

func TestNormalizerTableGolden(t *testing.T) {
	dir, _ := readPreprocess(t)
	want, err := os.ReadFile(filepath.Join(dir, "norm_lut_f32.bin"))
	require.NoError(t, err)
	table := ClipNormalizer().Table()
	var got []float32
	for _, channel := range table {
		got = append(got, channel[:]...)
	}
	require.Equal(t, want, float32Bytes(got))
}

func TestPreprocessGolden(t *testing.T) {
	dir, m := readPreprocess(t)
	for _, im := range m.Images {
		t.Run(filepath.Base(im.File), func(t *testing.T) {
			t.Parallel()
			src, info, err := DecodeFile(filepath.Join(dir, im.File), DecodeOptions{})
			if im.OpenError != nil {
				require.Error(t, err, "the reference says %s", *im.OpenError)
				want := ErrUnsupported
				if strings.Contains(*im.OpenError, "truncated") {
					want = ErrTruncated
				}
				require.ErrorIs(t, err, want)
				return
			}
			require.NoError(t, err)
			require.Equal(t, [2]string{im.Format, im.Mode}, [2]string{info.Format, info.Mode})
			require.Equal(t, Size{im.Width, im.Height}, info.Size)
			require.Equal(t, im.RGBSHA256, src.PixelSHA256())
			done := map[string][]*RGB{}
			for _, out := range im.Outputs {
				canvas, side, ok, err := singleView(out.Mode, src.Size())
				if !ok || out.Flavour != "haotian" && out.Flavour != "hf437" {
					continue
				}
				if out.Error != nil {
					require.Error(t, err, "%s: the reference says %s", out.Mode, *out.Error)
					continue
				}
				require.NoError(t, err, out.Mode)
				views := done[out.Mode]
				if views == nil {
					views, err = Render(src, Plan{Side: side, Canvases: []Canvas{canvas}}, nil)
					require.NoError(t, err, out.Mode)
					done[out.Mode] = views
				}
				require.Equal(t, out.Shape, []int{len(views), 3, side, side}, out.Mode)
				require.Equal(t, out.U8SHA256, sha(channelsFirst(views)), "%s: bytes", out.Mode)
				require.Equal(t, out.F32SHA256, sha(float32Bytes(ClipNormalizer().Tensor(views))), "%s: floats", out.Mode)
			}
			require.NotEmpty(t, im.Outputs)
		})
	}
}
