package imaging

import (
	"fmt"
	"math/rand/v2"
	"testing"
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
