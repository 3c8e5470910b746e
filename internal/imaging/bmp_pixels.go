package imaging

import "fmt"

// place is the row of the result for row y of the file.
func (f *bmpFile) place(y int) int {
	if f.topDown {
		return y
	}
	return f.size.H - 1 - y
}

// raw reads uncompressed rows, each padded to 4 bytes. The padding of the last row may be missing.
func (f *bmpFile) raw(data []byte) (*RGB, error) {
	used := (f.size.W*f.layout.bits + 7) / 8
	stride := (f.size.W*f.bits + 31) / 8 &^ 3
	if used > stride {
		return nil, fmt.Errorf("%w: rows of %d bytes for pixels of %d", ErrFormat, stride, used)
	}
	if have := len(data) - f.offset; have < used || (have-used)/stride < f.size.H-1 {
		return nil, fmt.Errorf("%w: %d bytes of pixels from byte %d on, %v pixels need %d",
			ErrTruncated, max(have, 0), f.offset, f.size, stride*(f.size.H-1)+used)
	}
	m := NewRGB(f.size)
	for y := range f.size.H {
		f.unpack(m.row(f.place(y)), data[f.offset+y*stride:][:used])
	}
	return m, nil
}

// unpack turns a row into RGB.
func (f *bmpFile) unpack(dst, raw []uint8) {
	k := f.layout
	for i := 0; 3*i < len(dst); i++ {
		d := dst[3*i : 3*i+3]
		switch k.bits {
		case 16:
			v := int(raw[2*i]) | int(raw[2*i+1])<<8
			green := 1<<k.green - 1
			d[0] = uint8(v >> (5 + k.green) & 31 * 255 / 31)
			d[1] = uint8(v >> 5 & green * 255 / green)
			d[2] = uint8(v & 31 * 255 / 31)
		case 24, 32:
			px := raw[i*k.bits/8:]
			d[0], d[1], d[2] = px[k.order[0]], px[k.order[1]], px[k.order[2]]
		default:
			f.lookUp(d, sampleAt(raw, i, k.bits))
		}
	}
}

// lookUp gives the colour of an index.
func (f *bmpFile) lookUp(d []uint8, v uint8) {
	switch f.mode {
	case "1":
		setGray(d, v*255)
	case "L":
		setGray(d, v)
	default:
		copy(d, f.palette[v][:])
	}
}

// runLength reads RLE8 or RLE4 data: pairs of a count and a value, or zero and a command (0 end of line, 1 end of
// picture, 2 move, n >= 3 literal pixels). It follows Pillow 9.4's reader to the letter: runs are cut at the end of a
// row, literals are not; a move skips two bytes more than the format says; pixels that the data leaves out at the end
// are an error.
func (f *bmpFile) runLength(data []byte) (*RGB, error) {
	if f.mode == "1" {
		return nil, fmt.Errorf("%w: run lengths in a picture of 1 bit", ErrUnsupported)
	}
	w, total := f.size.W, f.size.W*f.size.H
	nibbles := f.compression == bmpRLE4
	c := &cursor{data: data, at: min(f.offset, len(data))}
	var px []uint8
	x := 0
	for len(px) < total {
		n, v := c.u8(), uint8(c.u8())
		if c.err != nil {
			break
		}
		switch {
		case n > 0:
			n = min(n, max(0, w-x))
			for i := range n {
				switch {
				case !nibbles:
					px = append(px, v)
				case i%2 == 0:
					px = append(px, v>>4)
				default:
					px = append(px, v&15)
				}
			}
			x += n
		case v == 0:
			if rest := len(px) % w; rest != 0 {
				px = append(px, make([]uint8, w-rest)...)
			}
			x = 0
		case v == 1:
			return f.indexed(px)
		case v == 2:
			c.take(2)
			right, up := c.u8(), c.u8()
			if c.err != nil {
				break
			}
			px = append(px, make([]uint8, min(right+up*w, total-len(px)))...)
			x = len(px) % w
		case nibbles:
			for _, b := range c.take(int(v) / 2) {
				px = append(px, b>>4, b&15)
			}
			x += int(v)
			c.at += c.at % 2
		default:
			px = append(px, c.take(int(v))...)
			x += int(v)
			c.at += c.at % 2
		}
		if c.err != nil {
			break
		}
	}
	return f.indexed(px)
}

// indexed makes the picture from one index per pixel in file order.
func (f *bmpFile) indexed(px []uint8) (*RGB, error) {
	if len(px) < f.size.W*f.size.H {
		return nil, fmt.Errorf("%w: run lengths give %d of %d pixels", ErrTruncated, len(px), f.size.W*f.size.H)
	}
	m := NewRGB(f.size)
	for y := range f.size.H {
		dst := m.row(f.place(y))
		for x, v := range px[y*f.size.W:][:f.size.W] {
			f.lookUp(dst[3*x:3*x+3], v)
		}
	}
	return m, nil
}
