package imaging

import "fmt"

// GIF is read here and not by image/gif because Go's decoder overwrites the palette entry of the transparent index, and
// Pillow's first frame has its own rules: the frame may enlarge the screen, and what it does not cover has the
// transparent index if there is one, else index 0.

// gifFrame is the first frame with all that precedes it.
type gifFrame struct {
	screen      Size
	global      []byte // palette, 3 bytes per colour; nil if absent or a gray ramp
	rect        Rect
	palette     []byte // local palette; nil as above
	hasLocal    bool   // a local palette is there, maybe a gray ramp
	transparent int    // index, or -1
	interlaced  bool
	codeBits    int
	blocks      []byte // the rest of the file from the first data block on
}

func decodeGIF(data []byte, l Limits) (*RGB, Info, error) {
	f, err := parseGIF(data)
	if err != nil {
		return nil, Info{}, err
	}
	size := Size{max(f.screen.W, f.rect.X+f.rect.W), max(f.screen.H, f.rect.Y+f.rect.H)}
	if err := l.check(size); err != nil {
		return nil, Info{}, err
	}
	// A code has at least 2 bits and gives at most 4096 pixels.
	if f.rect.W*f.rect.H/4096 > 4*len(f.blocks) {
		return nil, Info{}, fmt.Errorf("%w: %d bytes cannot fill a frame of %dx%d pixels",
			ErrTruncated, len(f.blocks), f.rect.W, f.rect.H)
	}
	frame, err := f.indices()
	if err != nil {
		return nil, Info{}, err
	}
	mode, colours := f.colours()
	m := NewRGB(size)
	if f.rect != (Rect{0, 0, size.W, size.H}) {
		m.Fill(colours[max(f.transparent, 0)])
	}
	for y := range f.rect.H {
		dst := m.row(f.rect.Y + y)[3*f.rect.X:]
		for x, v := range frame[y*f.rect.W:][:f.rect.W] {
			copy(dst[3*x:3*x+3], colours[v][:])
		}
	}
	return m, Info{Mode: mode}, nil
}

// parseGIF reads up to the data of the first frame.
func parseGIF(data []byte) (*gifFrame, error) {
	c := &cursor{data: data, at: 6}
	f := &gifFrame{transparent: -1}
	f.screen.W, f.screen.H = c.u16(), c.u16()
	flags := c.u8()
	c.take(2) // background index and pixel aspect are not used
	if flags&0x80 != 0 {
		f.global = gifPalette(c.take(3 << (flags&7 + 1)))
	}
	for c.err == nil {
		switch c.u8() {
		case '!':
			f.extension(c)
		case ',':
			f.descriptor(c)
			return f, c.err
		case ';':
			return nil, fmt.Errorf("%w: no frame", ErrFormat)
		}
	}
	return nil, c.err
}

// extension reads a label and its blocks; only the graphic control extension matters.
func (f *gifFrame) extension(c *cursor) {
	label := c.u8()
	for first := true; c.err == nil; first = false {
		block := c.take(c.u8())
		if len(block) == 0 {
			return
		}
		if label == 0xf9 && first {
			if len(block) < 4 {
				c.err = fmt.Errorf("%w: graphic control extension of %d bytes", ErrFormat, len(block))
				return
			}
			if block[0]&1 != 0 {
				f.transparent = int(block[3])
			}
		}
	}
}

// descriptor reads the image descriptor, the local palette and the code size.
func (f *gifFrame) descriptor(c *cursor) {
	f.rect = Rect{c.u16(), c.u16(), c.u16(), c.u16()}
	flags := c.u8()
	f.interlaced = flags&0x40 != 0
	if flags&0x80 != 0 {
		f.hasLocal = true
		f.palette = gifPalette(c.take(3 << (flags&7 + 1)))
	}
	f.codeBits = c.u8()
	f.blocks = c.data[c.at:]
	switch {
	case c.err != nil:
	case f.rect.W == 0 || f.rect.H == 0:
		c.err = fmt.Errorf("%w: frame of %dx%d pixels", ErrFormat, f.rect.W, f.rect.H)
	case f.codeBits < 1 || f.codeBits > 11:
		c.err = fmt.Errorf("%w: LZW code size %d", ErrFormat, f.codeBits)
	}
}

// gifPalette gives nil for a palette in which every colour is its own index: Pillow calls such a picture gray.
func gifPalette(p []byte) []byte {
	for i, v := range p {
		if int(v) != i/3 {
			return p
		}
	}
	return nil
}

// colours gives Pillow's mode and the colour of every index. Indices beyond the palette are grays, as in Pillow's fresh
// palettes.
func (f *gifFrame) colours() (mode string, table [256]Color) {
	mode, palette := "L", f.palette
	if palette == nil {
		// A local gray ramp makes the mode L, yet Pillow still looks its indices up in the global palette.
		palette = f.global
	}
	if f.palette != nil || (!f.hasLocal && f.global != nil) {
		mode = "P"
	}
	for i := range table {
		table[i] = Color{uint8(i), uint8(i), uint8(i)}
		if 3*i+3 <= len(palette) {
			copy(table[i][:], palette[3*i:])
		}
	}
	return mode, table
}
