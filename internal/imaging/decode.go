package imaging

import (
	"errors"
	"fmt"
)

// The classes of decoding errors. Test with errors.Is; the text of the error names the file, the field and the value.
var (
	// ErrFormat: the file breaks the rules of its format.
	ErrFormat = errors.New("malformed image")
	// ErrTruncated: the file ends too early.
	ErrTruncated = errors.New("truncated image")
	// ErrUnsupported: a kind of file, or a feature of a format, that is not read.
	ErrUnsupported = errors.New("unsupported image")
	// ErrLimit: the picture or file is larger than the limits allow.
	ErrLimit = errors.New("image above limit")
)

// Limits bounds what Decode accepts. They are compared with the headers before anything is allocated. A zero field
// means its default.
type Limits struct {
	Bytes  int64 // size of the file; default 1 GiB
	Pixels int   // width times height; default 178,956,970, where Pillow refuses too
	Side   int   // width or height alone; default 1,048,576

	packed int // bytes of the file
}

// Pictures above densePixels pixels must have at least a byte for sparsePixels of them. The largest real ones have some
// hundred times as much; one colour over and over, compressed to nothing, has less.
const (
	densePixels  = 1 << 25
	sparsePixels = 1024
)

// DefaultLimits is what zero fields of a Limits mean.
func DefaultLimits() Limits {
	return Limits{Bytes: 1 << 30, Pixels: 178_956_970, Side: 1 << 20}
}

func (l Limits) withDefaults() Limits {
	d := DefaultLimits()
	if l.Bytes > 0 {
		d.Bytes = l.Bytes
	}
	if l.Pixels > 0 {
		d.Pixels = l.Pixels
	}
	if l.Side > 0 {
		d.Side = l.Side
	}
	return d
}

// check compares the size that a header announces with the limits.
func (l Limits) check(size Size) error {
	switch {
	case size.W <= 0 || size.H <= 0:
		return fmt.Errorf("%w: header says %v pixels", ErrFormat, size)
	case size.W > l.Side || size.H > l.Side:
		return fmt.Errorf("%w: header says %v pixels, the limit of a side is %d", ErrLimit, size, l.Side)
	case size.W > l.Pixels/size.H:
		return fmt.Errorf("%w: header says %v pixels, the limit is %d pixels", ErrLimit, size, l.Pixels)
	case size.W*size.H > densePixels && size.W*size.H/sparsePixels > l.packed:
		return fmt.Errorf("%w: header says %v pixels in a file of %d bytes, the limit is %d pixels for a byte", ErrLimit, size, l.packed, sparsePixels)
	}
	return nil
}

// DecodeOptions are the settings of Decode. The zero value is what the reference does.
type DecodeOptions struct {
	Limits Limits
	// HonourOrientation turns the picture as its EXIF orientation says (Pillow's ImageOps.exif_transpose). The
	// reference does not.
	HonourOrientation bool
}

// Info describes a decoded file in Pillow's words.
type Info struct {
	Format string // "PNG", "JPEG", "WEBP", "BMP", "GIF" or "TIFF"
	Mode   string // mode before conversion: "RGB", "RGBA", "P", "L", "LA", "1", "I", "I;16", "CMYK", ...
	Size   Size   // of the decoded picture, before HonourOrientation
	// Orientation is the EXIF orientation, 1 to 8; 1, upright, if the file has none that can be read.
	Orientation int
}

// Decode reads a picture of any supported type, recognised by its content, into what Pillow 9.4 gives for
// Image.open(file).convert("RGB"), bit for bit: alpha is dropped (not composited), a palette's transparency is ignored,
// 16-bit gray saturates at 255, 16-bit colour keeps its high byte, of several frames the first is read, colour profiles
// and gamma are ignored.
//
// Corrupt files give an error wrapping ErrFormat, ErrTruncated, ErrUnsupported or ErrLimit. Where Pillow looks over
// damage that can be seen (a wrong checksum of pixel data, a missing end mark, a palette index out of range) Decode does
// not.
func Decode(data []byte, o DecodeOptions) (*RGB, Info, error) {
	l := o.Limits.withDefaults()
	if int64(len(data)) > l.Bytes {
		return nil, Info{}, fmt.Errorf("%w: %d bytes, the limit is %d", ErrLimit, len(data), l.Bytes)
	}
	l.packed = len(data)
	kind := sniff(data)
	if kind.decode == nil {
		return nil, Info{}, kind.refusal(data)
	}
	m, info, err := kind.decode(data, l)
	if err != nil {
		return nil, Info{}, fmt.Errorf("%s: %w", kind.name, err)
	}
	info.Format = kind.name
	info.Size = m.Size()
	info.Orientation = max(info.Orientation, 1)
	if o.HonourOrientation && kind.name != "TIFF" { // a TIFF has been turned already, as Pillow does
		m = m.oriented(info.Orientation)
	}
	return m, info, nil
}
