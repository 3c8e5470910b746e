package imaging

import (
	"encoding/binary"
	"fmt"
)

// TIFF: the first picture of classic (32-bit) files, gray, palette, RGB and CMYK in strips or tiles, raw or with
// PackBits, LZW or Deflate. Pillow turns a TIFF as its orientation tag says while reading it, so Decode does too.
// Fax, JPEG and floating-point TIFFs are refused.

// Tags of TIFF 6.0 that matter.
const (
	tagWidth           = 256
	tagHeight          = 257
	tagBitsPerSample   = 258
	tagCompression     = 259
	tagPhotometric     = 262
	tagFillOrder       = 266
	tagStripOffsets    = 273
	tagSamplesPerPixel = 277
	tagRowsPerStrip    = 278
	tagStripBytes      = 279
	tagPlanar          = 284
	tagPredictor       = 317
	tagColorMap        = 320
	tagTileWidth       = 322
	tagTileHeight      = 323
	tagTileOffsets     = 324
	tagTileBytes       = 325
	tagExtraSamples    = 338
	tagSampleFormat    = 339
)

// Values of tagPhotometric.
const (
	tiffWhiteIsZero = 0
	tiffBlackIsZero = 1
	tiffRGB         = 2
	tiffPalette     = 3
	tiffCMYK        = 5
)

// Values of tagCompression.
const (
	tiffRaw        = 1
	tiffLZW        = 5
	tiffDeflate    = 8
	tiffPackBits   = 32773
	tiffOldDeflate = 32946
)

// tiffFile is the directory of the first picture, understood.
type tiffFile struct {
	data          []byte
	order         binary.ByteOrder
	fields        map[uint16][]uint32
	size          Size
	photometric   int
	bits          int // per sample
	samples       int // per pixel
	premultiplied bool
	planar        bool // a strip holds one sample per pixel
	compression   int
	predictor     bool
	reversed      bool // bits lie from low to high in a byte
	palette       []Color
	orientation   int
	mode          string
}

func decodeTIFF(data []byte, l Limits) (*RGB, Info, error) {
	order, ok := tiffOrder(data)
	if !ok {
		return nil, Info{}, fmt.Errorf("%w: header", ErrTruncated)
	}
	f := &tiffFile{data: data, order: order}
	if err := f.readFields(); err != nil {
		return nil, Info{}, err
	}
	if err := f.understand(l); err != nil {
		return nil, Info{}, err
	}
	m, err := f.pixels()
	if err != nil {
		return nil, Info{}, err
	}
	return m.oriented(f.orientation), Info{Mode: f.mode, Orientation: f.orientation}, nil
}

// readFields reads the integer fields of the first directory: a count, then entries of a tag, a type, a count and four
// bytes that hold the values or where they are.
func (f *tiffFile) readFields() error {
	at := uint64(f.order.Uint32(f.data[4:]))
	if at+2 > uint64(len(f.data)) {
		return fmt.Errorf("%w: directory at byte %d of %d", ErrTruncated, at, len(f.data))
	}
	n := uint64(f.order.Uint16(f.data[at:]))
	if at+2+12*n > uint64(len(f.data)) {
		return fmt.Errorf("%w: directory of %d entries at byte %d of %d", ErrTruncated, n, at, len(f.data))
	}
	f.fields = map[uint16][]uint32{}
	total := uint64(0) // of values: entries that all point at the same bytes must not multiply them
	for i := range n {
		entry := f.data[at+2+12*i:][:12]
		tag, kind, count := f.order.Uint16(entry), f.order.Uint16(entry[2:]), uint64(f.order.Uint32(entry[4:]))
		if !tiffTagUsed(tag) {
			continue
		}
		width := uint64(0)
		switch kind {
		case 1: // BYTE
			width = 1
		case tiffShort:
			width = 2
		case tiffLong:
			width = 4
		}
		if width == 0 || count == 0 {
			return fmt.Errorf("%w: tag %d has %d values of type %d", ErrFormat, tag, count, kind)
		}
		raw := entry[8:]
		if count*width > 4 {
			where := uint64(f.order.Uint32(raw))
			if where+count*width > uint64(len(f.data)) {
				return fmt.Errorf("%w: tag %d has %d values at byte %d of %d", ErrTruncated, tag, count, where, len(f.data))
			}
			raw = f.data[where:][:count*width]
		}
		if total += count; total > uint64(len(f.data)) {
			return fmt.Errorf("%w: the directory's values overlap", ErrFormat)
		}
		values := make([]uint32, count)
		for j := range values {
			switch width {
			case 1:
				values[j] = uint32(raw[j])
			case 2:
				values[j] = uint32(f.order.Uint16(raw[2*j:]))
			default:
				values[j] = f.order.Uint32(raw[4*j:])
			}
		}
		f.fields[tag] = values
	}
	return nil
}

func tiffTagUsed(tag uint16) bool {
	switch tag {
	case tagWidth, tagHeight, tagBitsPerSample, tagCompression, tagPhotometric, tagFillOrder, tagStripOffsets,
		tagOrientation, tagSamplesPerPixel, tagRowsPerStrip, tagStripBytes, tagPlanar, tagPredictor, tagColorMap,
		tagTileWidth, tagTileHeight, tagTileOffsets, tagTileBytes, tagExtraSamples, tagSampleFormat:
		return true
	}
	return false
}

// value gives the first value of a tag, or a default; values that no picture has are cut to 2^30.
func (f *tiffFile) value(tag uint16, absent int) int {
	if v := f.fields[tag]; len(v) > 0 {
		return int(min(v[0], 1<<30))
	}
	return absent
}

// understand checks the fields and finds the mode. What Pillow cannot open is refused, and some kinds that it can.
func (f *tiffFile) understand(l Limits) error {
	f.size = Size{f.value(tagWidth, 0), f.value(tagHeight, 0)}
	if err := l.check(f.size); err != nil {
		return err
	}
	f.photometric = f.value(tagPhotometric, tiffWhiteIsZero)
	f.samples = f.value(tagSamplesPerPixel, 1)
	f.compression = f.value(tagCompression, tiffRaw)
	planar, order := f.value(tagPlanar, 1), f.value(tagFillOrder, 1)
	if planar < 1 || planar > 2 || order < 1 || order > 2 {
		return fmt.Errorf("%w: planar configuration %d, fill order %d", ErrFormat, planar, order)
	}
	f.planar, f.reversed = planar == 2 && f.samples > 1, order == 2
	f.orientation = f.value(tagOrientation, 1)
	if f.orientation < 1 || f.orientation > 8 {
		f.orientation = 1
	}
	f.bits = f.value(tagBitsPerSample, 1)
	for i, b := range f.fields[tagBitsPerSample] {
		if i < f.samples && int(b) != f.bits {
			return fmt.Errorf("%w: samples of %v bits", ErrUnsupported, f.fields[tagBitsPerSample])
		}
	}
	for _, v := range f.fields[tagSampleFormat] {
		if v != 1 {
			return fmt.Errorf("%w: sample format %d (only unsigned integers are read)", ErrUnsupported, v)
		}
	}
	switch f.compression {
	case tiffRaw, tiffPackBits:
	case tiffLZW, tiffDeflate, tiffOldDeflate:
		switch p := f.value(tagPredictor, 1); {
		case p == 2 && f.bits >= 8:
			f.predictor = true
		case p != 1:
			return fmt.Errorf("%w: predictor %d with samples of %d bits", ErrUnsupported, p, f.bits)
		}
	default:
		return fmt.Errorf("%w: compression %s", ErrUnsupported, tiffCompressionName(f.compression))
	}
	return f.chooseMode()
}

// tiffCompressionName names the methods that are met but not read.
func tiffCompressionName(c int) string {
	switch c {
	case 2, 3, 4:
		return fmt.Sprintf("%d (CCITT fax)", c)
	case 6, 7:
		return fmt.Sprintf("%d (JPEG)", c)
	}
	return fmt.Sprint(c)
}

// chooseMode is Pillow's table OPEN_INFO for the kinds that are read.
func (f *tiffFile) chooseMode() error {
	extra := f.fields[tagExtraSamples]
	alpha := len(extra) == 1 && extra[0] == 2
	gray := f.photometric == tiffWhiteIsZero || f.photometric == tiffBlackIsZero
	single := f.samples == 1 && len(extra) == 0
	switch {
	case gray && single && f.bits == 1:
		f.mode = "1"
	case gray && single && (f.bits == 2 || f.bits == 4 || f.bits == 8):
		f.mode = "L"
	case gray && single && f.bits == 16 && f.order == binary.LittleEndian:
		f.mode = "I;16"
	case f.photometric == tiffBlackIsZero && single && f.bits == 16:
		f.mode = "I;16B"
	case f.photometric == tiffBlackIsZero && f.samples == 2 && alpha && f.bits == 8:
		f.mode = "LA"
	case f.photometric == tiffPalette && single && (f.bits == 1 || f.bits == 2 || f.bits == 4 || f.bits == 8):
		f.mode = "P"
	case f.photometric == tiffPalette && f.samples == 2 && alpha && f.bits == 8:
		f.mode = "PA"
	case f.photometric == tiffRGB && (f.bits == 8 || f.bits == 16) && f.samples == 3 && len(extra) == 0:
		f.mode = "RGB"
	case f.photometric == tiffRGB && (f.bits == 8 || f.bits == 16) && f.samples == 4 && len(extra) <= 1:
		f.mode = "RGBA"
		if len(extra) == 1 {
			switch extra[0] {
			case 0:
				f.mode = "RGBX"
			case 1:
				f.premultiplied = true
			case 2, 999: // 999 is written by Corel Draw
			default:
				return fmt.Errorf("%w: extra sample of kind %d", ErrUnsupported, extra[0])
			}
		}
	case f.photometric == tiffCMYK && f.bits == 8 && f.samples == 4 && len(extra) == 0:
		f.mode = "CMYK"
	default:
		return fmt.Errorf("%w: photometric interpretation %d with %d samples of %d bits, %d of them extra",
			ErrUnsupported, f.photometric, f.samples, f.bits, len(extra))
	}
	switch {
	case f.planar && (f.photometric != tiffRGB || f.premultiplied || f.bits != 8):
		return fmt.Errorf("%w: mode %s of %d bits in separate planes", ErrUnsupported, f.mode, f.bits)
	case f.reversed && (f.samples > 3 || f.bits > 8):
		return fmt.Errorf("%w: mode %s of %d bits with reversed bits", ErrUnsupported, f.mode, f.bits)
	case f.photometric == tiffPalette:
		return f.readPalette()
	}
	return nil
}

// readPalette takes the high bytes of the colour map: all reds, then greens, then blues.
func (f *tiffFile) readPalette() error {
	v := f.fields[tagColorMap]
	n := 1 << f.bits
	if len(v) != 3*n {
		return fmt.Errorf("%w: colour map of %d values for samples of %d bits", ErrFormat, len(v), f.bits)
	}
	f.palette = make([]Color, n)
	for i := range f.palette {
		f.palette[i] = Color{uint8(v[i] >> 8), uint8(v[n+i] >> 8), uint8(v[2*n+i] >> 8)}
	}
	return nil
}
