// Package jpeg decodes JPEG files (ITU-T T.81) to exactly the pixels that Pillow's Image.open gives with libjpeg-turbo
// 2.1.5: its "slow" integer inverse DCT, triangle-filter chroma upsampling, fixed-point colour conversion, and the
// smoothing of progressive files that stop early. The results are bits, so two programs that use this package see the
// same picture.
//
// Baseline, extended sequential and progressive Huffman-coded files of 8 bits and 1, 3 or 4 components are decoded.
// Arithmetic coding, lossless, hierarchical and 12-bit files are refused by name.
//
// Damaged files are treated as Pillow treats them: what libjpeg repairs with a warning (a wrong Huffman code, stray
// bytes before a marker, lost restart markers, data that ends early but has its end-of-image marker) gives a picture;
// a file that simply ends is refused. Section numbers in the comments are those of T.81.
package jpeg

import (
	"errors"
	"fmt"
)

// Kinds of error; every error of this package wraps one of them.
var (
	ErrFormat      = errors.New("malformed jpeg")
	ErrUnsupported = errors.New("unsupported jpeg")
	ErrTruncated   = errors.New("truncated jpeg")
	ErrLimit       = errors.New("jpeg over the limit")
)

const (
	// DefaultMaxPixels is the pixel limit when Options.MaxPixels is 0: the size from which Pillow refuses to open a file
	// (twice its Image.MAX_IMAGE_PIXELS).
	DefaultMaxPixels = 178_956_970

	// MaxSide is the longest side; libjpeg has the same limit.
	MaxSide = 65_500

	// MaxScans bounds the scans of a file. Splitting all three components into single coefficients (1 + 3*63 scans) and
	// refining each of them once stays below it.
	MaxScans = 500

	// maxPasses bounds how often the average coefficient may be visited by scans. A legal progressive file visits each
	// one at most 14 times: once for the first scan and once for each of at most 13 lower bits (G.1.1.1).
	maxPasses = 14

	// A picture of more than bigPixels pixels must bring at least one byte for every blocksPerByte blocks. A complete
	// file has at least 8 times as many: one bit for the DC coefficient of each block.
	bigPixels     = 1 << 20
	blocksPerByte = 64
)

// Options bounds the work of Decode.
type Options struct {
	// MaxPixels is the largest width * height that is decoded; 0 means DefaultMaxPixels. It is checked from the header,
	// before anything is allocated. Decoding needs about 2 bytes per pixel and component, 3 for files of several scans.
	MaxPixels int
}

// Mode says what the bytes of an Image are.
type Mode uint8

// The modes, with their bytes per pixel.
const (
	Gray Mode = iota // 1: luminance
	RGB              // 3: red, green, blue
	CMYK             // 4: cyan, magenta, yellow, black; 255 is full ink
)

// Channels is the number of bytes per pixel.
func (m Mode) Channels() int {
	switch m {
	case Gray:
		return 1
	case RGB:
		return 3
	default:
		return 4
	}
}

// String gives Pillow's name of the mode.
func (m Mode) String() string {
	switch m {
	case Gray:
		return "L"
	case RGB:
		return "RGB"
	case CMYK:
		return "CMYK"
	default:
		return fmt.Sprintf("Mode(%d)", uint8(m))
	}
}

// ColorModel says what the components of a file are.
type ColorModel uint8

// The colour models of files, and the mode that each is decoded to.
const (
	ModelGray  ColorModel = iota // Gray
	ModelYCbCr                   // RGB
	ModelRGB                     // RGB
	ModelCMYK                    // CMYK
	ModelYCCK                    // CMYK
)

// String gives the usual name of the model.
func (c ColorModel) String() string {
	names := [...]string{"gray", "YCbCr", "RGB", "CMYK", "YCCK"}
	if int(c) < len(names) {
		return names[c]
	}
	return fmt.Sprintf("ColorModel(%d)", uint8(c))
}

// Mode is the mode that files of this model are decoded to.
func (c ColorModel) Mode() Mode {
	switch c {
	case ModelGray:
		return Gray
	case ModelYCbCr, ModelRGB:
		return RGB
	default:
		return CMYK
	}
}

// Config is what the header says, up to the first scan.
type Config struct {
	Width, Height int
	Components    int // 1, 3 or 4
	Progressive   bool
	ColorModel    ColorModel
}

// Image is a decoded picture, row by row from the top left, without gaps: pixel (x, y) starts at
// Pix[(y*Width+x)*Mode.Channels()].
type Image struct {
	Width, Height int
	Mode          Mode
	Pix           []uint8
}

// DecodeConfig reads the header of the file that data holds. No pixel limit applies.
func DecodeConfig(data []byte) (Config, error) {
	d := newDecoder(data, 0)
	if err := d.readHeader(); err != nil {
		return Config{}, err
	}
	return Config{
		Width:       d.width,
		Height:      d.height,
		Components:  len(d.comps),
		Progressive: d.progressive,
		ColorModel:  d.colorModel(),
	}, nil
}

// Decode decodes the file that data holds. What follows its end-of-image marker is ignored. The same bytes always give
// the same result.
func Decode(data []byte, o Options) (*Image, error) {
	limit := o.MaxPixels
	switch {
	case limit < 0:
		return nil, fmt.Errorf("%w: negative MaxPixels %d", ErrLimit, limit)
	case limit == 0:
		limit = DefaultMaxPixels
	}
	d := newDecoder(data, limit)
	if err := d.readHeader(); err != nil {
		return nil, err
	}
	return d.decodeImage()
}

// decodeImage decodes everything after the header of the first scan.
func (d *decoder) decodeImage() (*Image, error) {
	if err := d.layOut(); err != nil {
		return nil, err
	}
	model := d.colorModel() // markers behind the first scan header do not change it
	if err := d.decodeScans(); err != nil {
		return nil, err
	}
	m := &Image{Width: d.width, Height: d.height, Mode: model.Mode()}
	m.Pix = make([]uint8, d.width*d.height*m.Mode.Channels())
	d.render(m, model)
	return m, nil
}
