package imaging

import (
	"bufio"
	"bytes"
	"compress/zlib"
	"errors"
	"fmt"
	"io"
)

// pngPass is one of the seven passes of an interlaced picture: the pixels at (x0 + i*dx, y0 + j*dy).
type pngPass struct{ x0, y0, dx, dy int }

// pngPasses is Adam7 (PNG standard, section 8.2).
var pngPasses = [...]pngPass{
	{0, 0, 8, 8}, {4, 0, 8, 8}, {0, 4, 4, 8}, {2, 0, 4, 4}, {0, 2, 2, 4}, {1, 0, 2, 2}, {0, 1, 1, 2},
}

// passes gives the passes of the picture; a plain picture is one.
func (h pngHeader) passes() []pngPass {
	if h.interlaced {
		return pngPasses[:]
	}
	return []pngPass{{0, 0, 1, 1}}
}

// size is the number of pixels in each direction that a pass covers of a picture.
func (p pngPass) size(s Size) Size {
	return Size{(s.W - p.x0 + p.dx - 1) / p.dx, (s.H - p.y0 + p.dy - 1) / p.dy}
}

// pixels inflates and unfilters the pixel data.
func (f *pngFile) pixels() (*RGB, error) {
	need, have := f.inflated(), 0
	chunks := make([]io.Reader, len(f.idat))
	for i, c := range f.idat {
		have += len(c)
		chunks[i] = bytes.NewReader(c)
	}
	// Deflate makes at most 1032 bytes from one, so a header that lies is found out before memory is taken.
	if need/1032 > have {
		return nil, fmt.Errorf("%w: %d bytes of pixel data cannot fill %v pixels", ErrTruncated, have, f.head.size)
	}
	z, err := zlib.NewReader(bufio.NewReader(io.MultiReader(chunks...)))
	if err != nil {
		return nil, pngDataError(err)
	}
	defer z.Close()
	unpack, err := f.unpacker()
	if err != nil {
		return nil, err
	}
	m := NewRGB(f.head.size)
	line := make([]uint8, 3*m.Width)
	rows := pngRows{bpp: max(f.head.bits/8, 1)}
	for _, pass := range f.head.passes() {
		size := pass.size(m.Size())
		if size.W <= 0 || size.H <= 0 {
			continue
		}
		rows.start(f.head.rowBytes(size.W))
		for y := range size.H {
			raw, err := rows.next(z)
			if err != nil {
				return nil, err
			}
			dst := m.row(pass.y0 + y*pass.dy)
			if pass.dx == 1 && pass.x0 == 0 {
				if err := unpack(dst, raw); err != nil {
					return nil, err
				}
				continue
			}
			if err := unpack(line[:3*size.W], raw); err != nil {
				return nil, err
			}
			for x := range size.W {
				copy(dst[3*(pass.x0+x*pass.dx):], line[3*x:3*x+3])
			}
		}
	}
	// Reading to the end compares the checksum of the pixel data. More data than the picture needs is ignored.
	var one [1]byte
	if _, err := io.ReadFull(z, one[:]); err != nil && err != io.EOF {
		return nil, pngDataError(err)
	}
	return m, nil
}

// inflated is the number of bytes of all rows with their filter bytes.
func (f *pngFile) inflated() int {
	n := 0
	for _, pass := range f.head.passes() {
		if s := pass.size(f.head.size); s.W > 0 && s.H > 0 {
			n += s.H * (1 + f.head.rowBytes(s.W))
		}
	}
	return n
}

// pngRows undoes the filters of the rows of a pass.
type pngRows struct {
	bpp      int // bytes per pixel, at least 1
	row      []uint8
	previous []uint8
}

// start begins a pass with rows of n bytes; the row above the first is zero.
func (r *pngRows) start(n int) {
	r.row, r.previous = make([]uint8, n+1), make([]uint8, n+1)
}

// next reads a row and gives its bytes without the filter byte, valid until the next call.
func (r *pngRows) next(z io.Reader) ([]uint8, error) {
	if _, err := io.ReadFull(z, r.row); err != nil {
		return nil, pngDataError(err)
	}
	cur, up := r.row[1:], r.previous[1:]
	switch r.row[0] {
	case 0:
	case 1: // left
		for i := r.bpp; i < len(cur); i++ {
			cur[i] += cur[i-r.bpp]
		}
	case 2: // up
		for i, v := range up[:len(cur)] {
			cur[i] += v
		}
	case 3: // average of left and up
		for i := range min(r.bpp, len(cur)) {
			cur[i] += up[i] / 2
		}
		for i := r.bpp; i < len(cur); i++ {
			cur[i] += uint8((int(cur[i-r.bpp]) + int(up[i])) / 2)
		}
	case 4:
		paeth(cur, up, r.bpp)
	default:
		return nil, fmt.Errorf("%w: row filter %d", ErrFormat, r.row[0])
	}
	r.row, r.previous = r.previous, r.row
	return cur, nil
}

// paeth undoes the Paeth filter: of left a, up b and upper left c the one closest to a + b - c is added, ties in that
// order.
func paeth(cur, up []uint8, bpp int) {
	for i := range min(bpp, len(cur)) {
		cur[i] += up[i]
	}
	for i := bpp; i < len(cur); i++ {
		a, b, c := int(cur[i-bpp]), int(up[i]), int(up[i-bpp])
		pa, pb := b-c, a-c
		pc := pa + pb
		pa, pb, pc = max(pa, -pa), max(pb, -pb), max(pc, -pc)
		switch {
		case pa <= pb && pa <= pc:
			cur[i] += uint8(a)
		case pb <= pc:
			cur[i] += uint8(b)
		default:
			cur[i] += uint8(c)
		}
	}
}

// unpacker gives the function that turns the bytes of a row into RGB, by Pillow's rules.
func (f *pngFile) unpacker() (func(dst, raw []uint8) error, error) {
	switch h := f.head; {
	case h.colour == 3:
		return func(dst, raw []uint8) error { return unpackPalette(dst, raw, h.depth, f.palette) }, nil
	case h.colour == 0 && h.depth < 16:
		scale := 255 / (1<<h.depth - 1)
		return func(dst, raw []uint8) error {
			for i := 0; 3*i < len(dst); i++ {
				setGray(dst[3*i:], sampleAt(raw, i, h.depth)*uint8(scale))
			}
			return nil
		}, nil
	case h.colour == 0: // mode I: 16 bits saturate
		return func(dst, raw []uint8) error {
			for i := 0; 3*i < len(dst); i++ {
				v := raw[2*i+1]
				if raw[2*i] != 0 {
					v = 255
				}
				setGray(dst[3*i:], v)
			}
			return nil
		}, nil
	case h.colour == 4:
		step := h.bits / 8
		return func(dst, raw []uint8) error {
			for i := 0; 3*i < len(dst); i++ {
				setGray(dst[3*i:], raw[i*step])
			}
			return nil
		}, nil
	case h.colour == 2 && h.depth == 8:
		return func(dst, raw []uint8) error {
			copy(dst, raw)
			return nil
		}, nil
	default: // RGB of 16 bits and RGBA: the high byte of the first three samples
		step, sample := h.bits/8, h.depth/8
		return func(dst, raw []uint8) error {
			for i := 0; 3*i < len(dst); i++ {
				px, d := raw[i*step:], dst[3*i:3*i+3]
				d[0], d[1], d[2] = px[0], px[sample], px[2*sample]
			}
			return nil
		}, nil
	}
}

// sampleAt gives sample i of a row of samples of 1, 2, 4 or 8 bits, packed from the high bits down.
func sampleAt(raw []uint8, i, depth int) uint8 {
	bit := i * depth
	return raw[bit/8] >> (8 - depth - bit%8) & uint8(1<<depth-1)
}

func setGray(px []uint8, v uint8) { px[0], px[1], px[2] = v, v, v }

// unpackPalette looks up the indices of a row; palette has 3 bytes per colour.
func unpackPalette(dst, raw []uint8, depth int, palette []uint8) error {
	for i := 0; 3*i < len(dst); i++ {
		v := 3 * int(sampleAt(raw, i, depth))
		if v >= len(palette) {
			return fmt.Errorf("%w: palette index %d, the palette has %d colours", ErrFormat, v/3, len(palette)/3)
		}
		copy(dst[3*i:3*i+3], palette[v:v+3])
	}
	return nil
}

// pngDataError names errors of the compressed data.
func pngDataError(err error) error {
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return fmt.Errorf("%w: pixel data ends early", ErrTruncated)
	}
	return fmt.Errorf("%w: pixel data: %w", ErrFormat, err)
}
