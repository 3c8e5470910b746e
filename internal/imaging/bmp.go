package imaging

import (
	"bytes"
	"fmt"
)

// BMP compression methods.
const (
	bmpRaw       = 0
	bmpRLE8      = 1
	bmpRLE4      = 2
	bmpBitfields = 3
)

// bmpFile is the header of a BMP file with what follows from it.
type bmpFile struct {
	size        Size
	topDown     bool
	bits        int // per pixel as the header says; sets the row stride
	compression uint32
	offset      int // of the pixel data
	mode        string
	layout      bmpLayout
	palette     []Color
}

// bmpLayout is how Pillow unpacks the pixels of a row: bits per pixel and, for colours, where the samples are.
type bmpLayout struct {
	bits  int
	order [3]int // byte offsets of red, green, blue in pixels of 24 and 32 bits
	green int    // bits of green in pixels of 16 bits: 5 or 6
}

var (
	bmpBGR  = [3]int{2, 1, 0}
	bmpRGB  = [3]int{0, 1, 2}
	bmpXBGR = [3]int{3, 2, 1}
)

func decodeBMP(data []byte, l Limits) (*RGB, Info, error) {
	f, err := parseBMP(data, l)
	if err != nil {
		return nil, Info{}, err
	}
	var m *RGB
	if f.compression == bmpRLE8 || f.compression == bmpRLE4 {
		m, err = f.runLength(data)
	} else {
		m, err = f.raw(data)
	}
	return m, Info{Mode: f.mode}, err
}

// parseBMP reads the file header (14 bytes), the bitmap header of 12 bytes (OS/2) or 40, 64, 108, 124 (Windows and
// later), and the palette.
func parseBMP(data []byte, l Limits) (*bmpFile, error) {
	c := &cursor{data: data, at: 10}
	offset := c.u32()
	headerSize := c.u32()
	f := &bmpFile{}
	var width, height, colours uint32
	entry := 4 // bytes of a palette entry
	var header []byte
	switch headerSize {
	case 12:
		width, height = uint32(c.u16()), uint32(c.u16())
		c.u16() // planes
		f.bits = c.u16()
		entry = 3
	case 40, 64, 108, 124:
		header = (&cursor{data: data, at: c.at, err: c.err}).take(int(headerSize) - 4)
		width, height = c.u32(), c.u32()
		if f.topDown = height>>24 == 0xff; f.topDown {
			height = -height
		}
		c.u16() // planes
		f.bits = c.u16()
		f.compression = c.u32()
		c.take(12) // size of the data, pixels per metre
		colours = c.u32()
		c.at = 14 + int(headerSize)
	default:
		return nil, fmt.Errorf("%w: bitmap header of %d bytes", ErrUnsupported, headerSize)
	}
	if c.err != nil || header == nil && headerSize != 12 {
		return nil, fmt.Errorf("%w: bitmap header", ErrTruncated)
	}
	if width > 1<<31-1 || height > 1<<31-1 {
		return nil, fmt.Errorf("%w: header says %dx%d pixels", ErrFormat, width, height)
	}
	f.size = Size{int(width), int(height)}
	if err := l.check(f.size); err != nil {
		return nil, err
	}
	if err := f.chooseLayout(c, header); err != nil {
		return nil, err
	}
	if colours == 0 {
		colours = 1 << min(f.bits, 31)
	}
	if int64(offset) == 14+int64(headerSize) && f.bits <= 8 { // some writers forget the palette
		offset += 4 * min(colours, 1<<16)
	}
	if f.bits <= 8 {
		if colours > 1<<16 {
			return nil, fmt.Errorf("%w: palette of %d colours", ErrFormat, colours)
		}
		if err := f.usePalette(c.upTo(entry*int(colours)), entry, int(colours)); err != nil {
			return nil, err
		}
	}
	if f.offset = int(offset); f.offset == 0 {
		f.offset = c.at
	}
	return f, nil
}

// bmpMasks lists the bit fields that Pillow knows, by bits per pixel and the masks of red, green, blue and alpha.
var bmpMasks = []struct {
	bits   int
	masks  [4]uint32
	mode   string
	layout bmpLayout
}{
	{32, [4]uint32{0xff0000, 0xff00, 0xff, 0}, "RGB", bmpLayout{bits: 32, order: bmpBGR}},
	{32, [4]uint32{0xff000000, 0xff0000, 0xff00, 0}, "RGB", bmpLayout{bits: 32, order: bmpXBGR}},
	{32, [4]uint32{0xff000000, 0xff0000, 0xff00, 0xff}, "RGBA", bmpLayout{bits: 32, order: bmpXBGR}},
	{32, [4]uint32{0xff, 0xff00, 0xff0000, 0xff000000}, "RGBA", bmpLayout{bits: 32, order: bmpRGB}},
	{32, [4]uint32{0xff0000, 0xff00, 0xff, 0xff000000}, "RGBA", bmpLayout{bits: 32, order: bmpBGR}},
	{32, [4]uint32{}, "RGBA", bmpLayout{bits: 32, order: bmpBGR}},
	{24, [4]uint32{0xff0000, 0xff00, 0xff}, "RGB", bmpLayout{bits: 24, order: bmpBGR}},
	{16, [4]uint32{0xf800, 0x7e0, 0x1f}, "RGB", bmpLayout{bits: 16, green: 6}},
	{16, [4]uint32{0x7c00, 0x3e0, 0x1f}, "RGB", bmpLayout{bits: 16, green: 5}},
}

// chooseLayout sets mode and layout. With bit fields after a header of 40 bytes the masks are read from c.
func (f *bmpFile) chooseLayout(c *cursor, header []byte) error {
	switch f.bits {
	case 1, 4, 8:
		f.mode, f.layout = "P", bmpLayout{bits: f.bits}
	case 16:
		f.mode, f.layout = "RGB", bmpLayout{bits: 16, green: 5}
	case 24, 32:
		f.mode, f.layout = "RGB", bmpLayout{bits: f.bits, order: bmpBGR}
	default:
		return fmt.Errorf("%w: %d bits per pixel", ErrUnsupported, f.bits)
	}
	switch f.compression {
	case bmpRaw:
		return nil
	case bmpRLE8, bmpRLE4:
		if f.bits > 8 {
			return fmt.Errorf("%w: run lengths with %d bits per pixel", ErrFormat, f.bits)
		}
		return nil
	case bmpBitfields:
	default:
		return fmt.Errorf("%w: compression method %d", ErrUnsupported, f.compression)
	}
	var masks [4]uint32
	if len(header) >= 52 {
		h := &cursor{data: header, at: 36}
		masks = [4]uint32{h.u32(), h.u32(), h.u32(), h.u32()}
	} else {
		masks = [4]uint32{c.u32(), c.u32(), c.u32()}
		if c.err != nil {
			return fmt.Errorf("%w: bit field masks", ErrTruncated)
		}
	}
	if f.bits != 32 {
		masks[3] = 0
	}
	for _, k := range bmpMasks {
		if k.bits == f.bits && k.masks == masks {
			f.mode, f.layout = k.mode, k.layout
			return nil
		}
	}
	return fmt.Errorf("%w: bit fields %08x of %d bits per pixel", ErrUnsupported, masks, f.bits)
}

// usePalette takes the palette in, or finds as Pillow does that it only says black and white (the pixels are then read
// as 1 bit each, whatever the header says) or a ramp of gray (8 bits each).
func (f *bmpFile) usePalette(raw []byte, entry, colours int) error {
	gray := true
	for i := range colours {
		v := uint8(i)
		if colours == 2 {
			v = uint8(255 * i)
		}
		if at := entry * i; at+3 > len(raw) || !bytes.Equal(raw[at:at+3], []byte{v, v, v}) {
			gray = false
			break
		}
	}
	for at := 0; at+3 <= len(raw); at += entry {
		f.palette = append(f.palette, Color{raw[at+2], raw[at+1], raw[at]})
	}
	switch {
	case gray && colours == 2:
		f.mode, f.layout.bits = "1", 1
	case gray:
		f.mode, f.layout.bits = "L", 8
	case len(f.palette) > 256:
		return fmt.Errorf("%w: palette of %d colours", ErrFormat, len(f.palette))
	}
	// Indices beyond the palette are grays, as in Pillow's fresh palettes.
	for i := len(f.palette); i < 256; i++ {
		f.palette = append(f.palette, Color{uint8(i), uint8(i), uint8(i)})
	}
	return nil
}
