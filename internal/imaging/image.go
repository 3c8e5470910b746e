package imaging

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
)

// RGB is a picture of 8-bit red, green, blue pixels, row by row from the top left, without gaps:
// pixel (x, y) is Pix[3*(y*Width+x):][:3].
type RGB struct {
	Width, Height int
	Pix           []uint8
}

// NewRGB gives a black picture.
func NewRGB(size Size) *RGB {
	return &RGB{Width: size.W, Height: size.H, Pix: make([]uint8, 3*size.W*size.H)}
}

// Size is the picture's width and height.
func (m *RGB) Size() Size { return Size{m.Width, m.Height} }

// row gives the bytes of row y.
func (m *RGB) row(y int) []uint8 { return m.Pix[3*m.Width*y:][:3*m.Width] }

// Fill sets every pixel to c.
func (m *RGB) Fill(c Color) { fillRow(m.Pix, c) }

// PixelSHA256 is the SHA-256 of Pix in hexadecimal. Pictures of other shapes can have the same bytes: a key that must
// tell pictures apart needs the size too.
func (m *RGB) PixelSHA256() string {
	sum := sha256.Sum256(m.Pix)
	return hex.EncodeToString(sum[:])
}

// check reports a picture whose parts contradict each other.
func (m *RGB) check() error {
	if m == nil {
		return fmt.Errorf("no picture")
	}
	if m.Width <= 0 || m.Height <= 0 {
		return fmt.Errorf("picture of %dx%d pixels", m.Width, m.Height)
	}
	if n := len(m.Pix); n/3/m.Width != m.Height || n != 3*m.Width*m.Height {
		return fmt.Errorf("picture of %dx%d pixels has %d bytes", m.Width, m.Height, n)
	}
	return nil
}
