package imaging

import (
	"bytes"
	"fmt"
	"image"
	"image/gif"
	"image/jpeg"
	"image/png"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"
)

// noise is a picture of uniform noise, always the same for a size.
func noise(w, h int) *RGB {
	r := rand.New(rand.NewPCG(uint64(w), uint64(h)))
	m := NewRGB(Size{w, h})
	for i := range m.Pix {
		m.Pix[i] = uint8(r.Uint32())
	}
	return m
}

func BenchmarkResize(b *testing.B) {
	for _, c := range []struct {
		from, to Size
		filter   Filter
	}{
		{Size{640, 480}, Size{448, 336}, Bicubic},
		{Size{4000, 3000}, Size{448, 336}, Bicubic},
		{Size{4000, 3000}, Size{448, 336}, Lanczos},
		{Size{500, 375}, Size{896, 672}, Bicubic},
	} {
		src := noise(c.from.W, c.from.H)
		b.Run(fmt.Sprintf("%v-%v-%s", c.from, c.to, c.filter), func(b *testing.B) {
			b.SetBytes(int64(len(src.Pix)))
			for b.Loop() {
				if _, err := ResizeRGB(src, c.to, c.filter, nil); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// BenchmarkDecode reads pictures of a million pixels, written by the standard library.
func BenchmarkDecode(b *testing.B) {
	src := noise(125, 100)
	big, err := ResizeRGB(src, Size{1250, 800}, Bicubic, nil)
	require.NoError(b, err)
	img := image.NewRGBA(image.Rect(0, 0, big.Width, big.Height))
	for i := range big.Width * big.Height {
		copy(img.Pix[4*i:], big.Pix[3*i:3*i+3])
		img.Pix[4*i+3] = 255
	}
	var asPNG, asJPEG, asGIF bytes.Buffer
	require.NoError(b, png.Encode(&asPNG, img))
	require.NoError(b, jpeg.Encode(&asJPEG, img, nil))
	require.NoError(b, gif.Encode(&asGIF, img, nil))
	for name, data := range map[string][]byte{"png": asPNG.Bytes(), "jpeg": asJPEG.Bytes(), "gif": asGIF.Bytes()} {
		b.Run(name, func(b *testing.B) {
			b.SetBytes(int64(len(big.Pix)))
			for b.Loop() {
				if _, _, err := Decode(data, DecodeOptions{}); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
