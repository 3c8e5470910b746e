package imaging

import (
	"image"
	"image/png"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// readReference gives the reference's decoded pixels: rgb/<file>.png, or the file itself where it is plain RGB.
func readReference(t testing.TB, dir, file, rgb string) *RGB {
	t.Helper()
	if strings.HasPrefix(rgb, "rgb/") {
		file = rgb
	}
	if strings.HasSuffix(file, ".bmp") {
		return nil
	}
	f, err := os.Open(filepath.Join(dir, file))
	require.NoError(t, err)
	defer f.Close()
	img, err := png.Decode(f)
	require.NoError(t, err, file)
	b := img.Bounds()
	out := NewRGB(Size{b.Dx(), b.Dy()})
	for y := range out.Height {
		for x := range out.Width {
			switch m := img.(type) {
			case *image.RGBA:
				copy(out.Pix[3*(y*out.Width+x):][:3], m.Pix[m.PixOffset(x, y):])
			default:
				t.Fatalf("%s: %T", file, img)
			}
		}
	}
	return out
}
