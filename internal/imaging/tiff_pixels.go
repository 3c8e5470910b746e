package imaging

import (
	"bytes"
	"compress/zlib"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math/bits"

	"golang.org/x/image/tiff/lzw"
)

// tiffBlocks is how the picture is cut up: into strips (as wide as the picture) or tiles, plane after plane, each row by
// row.
type tiffBlocks struct {
	size    Size // of a block in pixels; tiles at the right and bottom edge stick out, strips end with the picture
	tiles   bool
	offsets []uint32
	lengths []uint32 // nil for raw data without that tag
}

// blocks reads how the picture is cut up.
func (f *tiffFile) blocks() (tiffBlocks, error) {
	b := tiffBlocks{
		size:    Size{f.size.W, f.value(tagRowsPerStrip, f.size.H)},
		offsets: f.fields[tagStripOffsets], lengths: f.fields[tagStripBytes],
	}
	if b.offsets == nil {
		b = tiffBlocks{
			size: Size{f.value(tagTileWidth, 0), f.value(tagTileHeight, 0)}, tiles: true,
			offsets: f.fields[tagTileOffsets], lengths: f.fields[tagTileBytes],
		}
	}
	if b.size.W <= 0 || b.size.H <= 0 || b.size.W > 2*f.size.W+1024 {
		return b, fmt.Errorf("%w: blocks of %v pixels in a picture of %v", ErrFormat, b.size, f.size)
	}
	across, down := (f.size.W+b.size.W-1)/b.size.W, (f.size.H+b.size.H-1)/b.size.H
	planes := 1
	if f.planar {
		planes = f.samples
	}
	want := planes * across * down
	if len(b.offsets) != want || (b.lengths != nil || f.compression != tiffRaw) && len(b.lengths) != want {
		return b, fmt.Errorf("%w: %d offsets and %d lengths for %d strips or tiles",
			ErrFormat, len(b.offsets), len(b.lengths), want)
	}
	return b, nil
}

// pixels reads all strips or tiles.
func (f *tiffFile) pixels() (*RGB, error) {
	b, err := f.blocks()
	if err != nil {
		return nil, err
	}
	samples := f.samples
	if f.planar {
		samples = 1
	}
	rowBytes := (b.size.W*samples*f.bits + 7) / 8
	if err := f.enough(b, rowBytes); err != nil {
		return nil, err
	}
	m := NewRGB(f.size)
	row := make([]uint8, rowBytes)
	across := (f.size.W + b.size.W - 1) / b.size.W
	down := (f.size.H + b.size.H - 1) / b.size.H
	for i := range b.offsets {
		x, y, plane := i%across*b.size.W, i/across%down*b.size.H, i/across/down
		r, err := f.open(b, i)
		if err != nil {
			return nil, fmt.Errorf("strip or tile %d: %w", i, err)
		}
		w, h := min(b.size.W, f.size.W-x), min(b.size.H, f.size.H-y)
		for j := range h {
			if _, err := io.ReadFull(r, row); err != nil {
				return nil, fmt.Errorf("strip or tile %d, row %d: %w", i, j, tiffDataError(err))
			}
			if f.predictor {
				f.undifference(row, samples)
			}
			dst := m.row(y + j)[3*x:][:3*w]
			if f.planar {
				for k := 0; plane < 3 && k < w; k++ {
					dst[3*k+plane] = row[k]
				}
				continue
			}
			f.unpack(dst, row)
		}
		if f.compression == tiffDeflate || f.compression == tiffOldDeflate {
			if err := atEnd(r, min(b.size.H-h, f.size.H)*rowBytes); err != nil {
				return nil, fmt.Errorf("strip or tile %d: %w", i, err)
			}
		}
	}
	return m, nil
}

// atEnd reads the end of Deflate data, which compares its checksum. More than allowed bytes before it are refused; the
// last strip may hold as many rows as the others.
func atEnd(r io.Reader, allowed int) error {
	n, err := io.Copy(io.Discard, io.LimitReader(r, int64(allowed)+1))
	switch {
	case err != nil:
		return tiffDataError(err)
	case n > int64(allowed):
		return fmt.Errorf("%w: more pixel data than rows", ErrFormat)
	}
	return nil
}

// enough finds out before memory is taken whether the file can hold the picture: LZW makes at most 4096 bytes of 9 bits,
// the other methods less.
func (f *tiffFile) enough(b tiffBlocks, rowBytes int) error {
	need := rowBytes * f.size.H
	if f.compression != tiffRaw {
		need /= 8 * 4096 / 9
	}
	if need > len(f.data) {
		return fmt.Errorf("%w: %d bytes cannot hold %v pixels", ErrTruncated, len(f.data), f.size)
	}
	return nil
}

// open gives a reader of the unpacked bytes of a block.
func (f *tiffFile) open(b tiffBlocks, i int) (io.Reader, error) {
	from, to := uint64(b.offsets[i]), uint64(len(f.data))
	if f.compression != tiffRaw {
		to = from + uint64(b.lengths[i])
	}
	if from > uint64(len(f.data)) || to > uint64(len(f.data)) {
		return nil, fmt.Errorf("%w: bytes %d to %d of %d", ErrTruncated, from, to, len(f.data))
	}
	raw := f.data[from:to]
	if f.reversed && f.compression != tiffRaw {
		raw = bytes.Clone(raw)
		reverseBits(raw)
	}
	switch r := bytes.NewReader(raw); f.compression {
	case tiffLZW:
		return lzw.NewReader(r, lzw.MSB, 8), nil
	case tiffDeflate, tiffOldDeflate:
		z, err := zlib.NewReader(r)
		if err != nil {
			return nil, tiffDataError(err)
		}
		return z, nil
	case tiffPackBits:
		return &packBits{in: r}, nil
	default:
		return r, nil
	}
}

func reverseBits(b []uint8) {
	for i, v := range b {
		b[i] = bits.Reverse8(v)
	}
}

// undifference undoes predictor 2: each sample was stored as its difference from the one to its left.
func (f *tiffFile) undifference(row []uint8, samples int) {
	if f.bits == 8 {
		for i := samples; i < len(row); i++ {
			row[i] += row[i-samples]
		}
		return
	}
	for i := 2 * samples; i+2 <= len(row); i += 2 {
		f.order.PutUint16(row[i:], f.order.Uint16(row[i:])+f.order.Uint16(row[i-2*samples:]))
	}
}

// unpack turns a row into RGB by Pillow's rules.
func (f *tiffFile) unpack(dst, row []uint8) {
	if f.reversed && f.compression == tiffRaw {
		reverseBits(row)
	}
	high := 0 // byte of a sample of 16 bits that is kept
	if f.bits == 16 && f.order == binary.LittleEndian {
		high = 1
	}
	sample, step := f.bits/8, f.bits*f.samples/8
	for i := 0; 3*i < len(dst); i++ {
		d := dst[3*i : 3*i+3]
		switch f.mode {
		case "1", "L":
			v := sampleAt(row, i, f.bits) * uint8(255/(1<<f.bits-1))
			if f.photometric == tiffWhiteIsZero {
				v = ^v
			}
			setGray(d, v)
		case "I;16", "I;16B": // saturates; white-is-zero is not inverted
			setGray(d, uint8(min(f.order.Uint16(row[2*i:]), 255)))
		case "LA":
			setGray(d, row[2*i])
		case "P":
			copy(d, f.palette[sampleAt(row, i, f.bits)][:])
		case "PA":
			copy(d, f.palette[row[2*i]][:])
		case "CMYK":
			cmyk(d, row[4*i:])
		default:
			px := row[i*step+high:]
			d[0], d[1], d[2] = px[0], px[sample], px[2*sample]
			if f.premultiplied {
				unmultiply(d, int(px[3*sample]))
			}
		}
	}
}

// cmyk converts as Pillow does, without a colour profile.
func cmyk(d, px []uint8) {
	light := 255 - int(px[3])
	for c := range d {
		ink := int(px[c])*light + 128
		d[c] = uint8(max(light-(ink>>8+ink)>>8, 0))
	}
}

// unmultiply divides by alpha; a pixel that cannot be seen is black.
func unmultiply(d []uint8, alpha int) {
	for c := range d {
		if alpha == 0 {
			d[c] = 0
		} else {
			d[c] = uint8(min(int(d[c])*255/alpha, 255))
		}
	}
}

// packBits reads PackBits data (TIFF 6.0, section 9): n below 128 is followed by n+1 literal bytes, n above 128 by a byte
// to be repeated 257-n times.
type packBits struct {
	in     *bytes.Reader
	left   int
	repeat bool
	value  byte
}

func (p *packBits) Read(out []byte) (int, error) {
	for i := range out {
		for p.left == 0 {
			n, err := p.in.ReadByte()
			if err != nil {
				return i, err
			}
			switch {
			case n < 128:
				p.left, p.repeat = int(n)+1, false
			case n > 128:
				p.left, p.repeat = 257-int(n), true
				if p.value, err = p.in.ReadByte(); err != nil {
					return i, err
				}
			}
		}
		p.left--
		out[i] = p.value
		if !p.repeat {
			var err error
			if out[i], err = p.in.ReadByte(); err != nil {
				return i, err
			}
		}
	}
	return len(out), nil
}

func tiffDataError(err error) error {
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return fmt.Errorf("%w: pixel data ends early", ErrTruncated)
	}
	return fmt.Errorf("%w: pixel data: %w", ErrFormat, err)
}
