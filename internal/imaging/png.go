package imaging

import (
	"encoding/binary"
	"fmt"
	"hash/crc32"
)

// PNG is read here and not by image/png because Pillow's values differ from Go's colour conversions (16-bit gray
// saturates, transparency is ignored), and because nothing is to be allocated from a header that the file cannot fill.
// Chunks that do not change pixels are not looked into (so compressed text and profiles are never inflated), except
// eXIf for the orientation. Of an animated PNG the default image is read, which is Pillow's first frame.

const pngSignature = "\x89PNG\r\n\x1a\n"

// pngHeader is the IHDR chunk with what follows from it.
type pngHeader struct {
	size       Size
	depth      int // bits per sample
	colour     int // colour type of the standard: 0 gray, 2 RGB, 3 palette, 4 gray and alpha, 6 RGBA
	interlaced bool
	bits       int // bits per pixel
	mode       string
}

// pngModes gives samples per pixel and Pillow's mode for every allowed colour type and depth.
var pngModes = map[[2]int]struct {
	samples int
	mode    string
}{
	{0, 1}: {1, "1"}, {0, 2}: {1, "L"}, {0, 4}: {1, "L"}, {0, 8}: {1, "L"}, {0, 16}: {1, "I"},
	{2, 8}: {3, "RGB"}, {2, 16}: {3, "RGB"},
	{3, 1}: {1, "P"}, {3, 2}: {1, "P"}, {3, 4}: {1, "P"}, {3, 8}: {1, "P"},
	{4, 8}: {2, "LA"}, {4, 16}: {2, "RGBA"},
	{6, 8}: {4, "RGBA"}, {6, 16}: {4, "RGBA"},
}

func parsePNGHeader(data []byte, l Limits) (pngHeader, error) {
	if len(data) != 13 {
		return pngHeader{}, fmt.Errorf("%w: IHDR has %d bytes, not 13", ErrFormat, len(data))
	}
	w, h := binary.BigEndian.Uint32(data), binary.BigEndian.Uint32(data[4:])
	if w > 1<<31-1 || h > 1<<31-1 {
		return pngHeader{}, fmt.Errorf("%w: IHDR says %dx%d pixels", ErrFormat, w, h)
	}
	head := pngHeader{
		size: Size{int(w), int(h)}, depth: int(data[8]), colour: int(data[9]), interlaced: data[12] == 1,
	}
	if err := l.check(head.size); err != nil {
		return pngHeader{}, err
	}
	kind, ok := pngModes[[2]int{head.colour, head.depth}]
	switch {
	case !ok:
		return pngHeader{}, fmt.Errorf("%w: IHDR: colour type %d with %d bits", ErrFormat, data[9], data[8])
	case data[10] != 0 || data[11] != 0 || data[12] > 1:
		return pngHeader{}, fmt.Errorf("%w: IHDR: compression, filter, interlace methods %d, %d, %d",
			ErrFormat, data[10], data[11], data[12])
	}
	head.bits, head.mode = kind.samples*head.depth, kind.mode
	return head, nil
}

// rowBytes is the length of a row of w pixels without its filter byte.
func (h pngHeader) rowBytes(w int) int { return (w*h.bits + 7) / 8 }

// pngFile is what the chunks of a file say.
type pngFile struct {
	head        pngHeader
	palette     []byte   // PLTE, 3 bytes per colour
	idat        [][]byte // pixel data, in order
	orientation int
}

func decodePNG(data []byte, l Limits) (*RGB, Info, error) {
	f, err := parsePNG(data, l)
	if err != nil {
		return nil, Info{}, err
	}
	m, err := f.pixels()
	if err != nil {
		return nil, Info{}, err
	}
	return m, Info{Mode: f.head.mode, Orientation: f.orientation}, nil
}

// parsePNG walks over the chunks: length, type, data, CRC of type and data.
func parsePNG(data []byte, l Limits) (*pngFile, error) {
	f := &pngFile{}
	last := ""
	for at := len(pngSignature); ; {
		if len(data)-at < 12 {
			return nil, fmt.Errorf("%w: no IEND chunk before the end of the file", ErrTruncated)
		}
		n, kind := binary.BigEndian.Uint32(data[at:]), string(data[at+4:at+8])
		if !pngChunkName(kind) {
			return nil, fmt.Errorf("%w: chunk of type %q at byte %d", ErrFormat, kind, at)
		}
		if uint64(n) > uint64(len(data)-at-12) {
			return nil, fmt.Errorf("%w: %s chunk at byte %d has %d bytes, the file has %d more",
				ErrTruncated, kind, at, n, len(data)-at-12)
		}
		body := data[at+8:][:n]
		sum := crc32.ChecksumIEEE(data[at+4:][:n+4])
		if stored := binary.BigEndian.Uint32(data[at+8+int(n):]); stored != sum {
			return nil, fmt.Errorf("%w: checksum of the %s chunk at byte %d is %08x, the file says %08x",
				ErrFormat, kind, at, sum, stored)
		}
		at += 12 + int(n)
		if kind == "IEND" {
			return f, f.complete()
		}
		if err := f.chunk(kind, last, body, l); err != nil {
			return nil, err
		}
		last = kind
	}
}

// chunk takes in one chunk; last is the type of the one before, "" at the start.
func (f *pngFile) chunk(kind, last string, body []byte, l Limits) (err error) {
	if (kind == "IHDR") != (last == "") {
		return fmt.Errorf("%w: IHDR must be the first chunk and the only one of its type", ErrFormat)
	}
	switch kind {
	case "IHDR":
		f.head, err = parsePNGHeader(body, l)
	case "PLTE":
		if len(body) == 0 || len(body)%3 != 0 || len(body) > 3*256 {
			return fmt.Errorf("%w: PLTE has %d bytes", ErrFormat, len(body))
		}
		if f.palette == nil && f.idat == nil {
			f.palette = body
		}
	case "IDAT":
		if f.idat != nil && last != "IDAT" {
			return fmt.Errorf("%w: a %s chunk between IDAT chunks", ErrFormat, last)
		}
		f.idat = append(f.idat, body)
	case "eXIf":
		f.orientation = exifOrientation(body)
	default:
		if kind[0]&0x20 == 0 {
			return fmt.Errorf("%w: critical chunk of unknown type %q", ErrUnsupported, kind)
		}
	}
	return err
}

// complete checks that nothing needed is missing when IEND is reached.
func (f *pngFile) complete() error {
	switch {
	case f.head.bits == 0:
		return fmt.Errorf("%w: no IHDR chunk", ErrFormat)
	case f.idat == nil:
		return fmt.Errorf("%w: no IDAT chunk", ErrFormat)
	case f.head.colour == 3 && f.palette == nil:
		return fmt.Errorf("%w: no PLTE chunk in a palette image", ErrFormat)
	}
	return nil
}

// pngChunkName says whether a chunk's type is made of letters, as the standard demands.
func pngChunkName(kind string) bool {
	for i := range len(kind) {
		if c := kind[i] | 0x20; c < 'a' || c > 'z' {
			return false
		}
	}
	return true
}
