package imaging

import (
	"bytes"
	"errors"
	"fmt"
	"image"
	"io"

	"golang.org/x/image/vp8"
	"golang.org/x/image/vp8l"
)

// WebP: the container is read here, because of animated files and because Pillow (through libwebp's WebPAnimDecoder)
// reads the first frame onto a black canvas. The bit streams are decoded by golang.org/x/image, whose planes are those
// of libwebp; webp_yuv.go makes RGB of them as libwebp does. Alpha is not needed, so ALPH chunks are not decoded.

// webpFile is what the chunks of a file say.
type webpFile struct {
	canvas      Size
	extended    bool // starts with VP8X
	animated    bool // says VP8X
	anim        bool // an ANIM chunk was seen
	alpha       bool
	frame       Rect   // of the first frame on the canvas
	stream      string // "VP8 " or "VP8L"; "" while not found
	payload     []byte
	orientation int
}

func decodeWebP(data []byte, l Limits) (*RGB, Info, error) {
	f, err := parseWebP(data, l)
	if err != nil {
		return nil, Info{}, err
	}
	frame, err := f.decode()
	if err != nil {
		return nil, Info{}, err
	}
	m := frame
	if f.frame != (Rect{0, 0, f.canvas.W, f.canvas.H}) {
		m = NewRGB(f.canvas)
		for y := range frame.Height {
			copy(m.row(f.frame.Y + y)[3*f.frame.X:], frame.row(y))
		}
	}
	info := Info{Mode: "RGB", Orientation: f.orientation}
	if f.alpha {
		info.Mode = "RGBA"
	}
	return m, info, nil
}

// parseWebP reads the RIFF container: chunks of a name, a length and data padded to an even length.
func parseWebP(data []byte, l Limits) (*webpFile, error) {
	c := &cursor{data: data, at: 4}
	end := int64(c.u32()) + 8
	if end < 20 {
		return nil, fmt.Errorf("%w: RIFF length %d", ErrFormat, end-8)
	}
	if end > int64(len(data)) {
		return nil, fmt.Errorf("%w: RIFF length %d, the file has %d bytes after that field", ErrTruncated, end-8, len(data)-8)
	}
	c.data, c.at = data[:end], 12
	f := &webpFile{}
	for first := true; len(c.data)-c.at >= 8; first = false {
		name, body, err := webpChunk(c)
		if err != nil {
			return nil, err
		}
		if first && name != "VP8 " && name != "VP8L" && name != "VP8X" {
			return nil, fmt.Errorf("%w: first chunk is %q", ErrFormat, name)
		}
		if err := f.chunk(name, first, body, l); err != nil {
			return nil, err
		}
		if !f.extended {
			break // nothing after a plain stream is looked at
		}
	}
	if f.stream == "" {
		return nil, fmt.Errorf("%w: no image data", ErrFormat)
	}
	if !f.animated && f.extended && f.frame != (Rect{0, 0, f.canvas.W, f.canvas.H}) {
		return nil, fmt.Errorf("%w: VP8X says %v pixels, the image data %dx%d", ErrFormat, f.canvas, f.frame.W, f.frame.H)
	}
	return f, nil
}

// webpChunk reads a chunk's name and data and skips the padding.
func webpChunk(c *cursor) (string, []byte, error) {
	start := c.at
	name, n := string(c.take(4)), c.u32()
	if int64(n) > int64(len(c.data)-c.at) {
		return "", nil, fmt.Errorf("%w: %q chunk at byte %d has %d bytes, %d are left", ErrTruncated, name, start, n, len(c.data)-c.at)
	}
	body := c.take(int(n))
	c.upTo(int(n & 1))
	return name, body, c.err
}

// chunk takes in one chunk at the top level.
func (f *webpFile) chunk(name string, first bool, body []byte, l Limits) error {
	switch name {
	case "VP8X":
		if !first {
			return fmt.Errorf("%w: VP8X is not the first chunk", ErrFormat)
		}
		if len(body) < 10 {
			return fmt.Errorf("%w: VP8X chunk of %d bytes", ErrFormat, len(body))
		}
		f.extended = true
		f.animated, f.alpha = body[0]&0x02 != 0, body[0]&0x10 != 0
		f.canvas = Size{1 + u24(body[4:]), 1 + u24(body[7:])}
		return l.check(f.canvas)
	case "EXIF":
		f.orientation = exifOrientation(body)
	case "ALPH":
		if !f.animated && f.stream == "" {
			f.alpha = true
		}
	case "ANIM":
		f.anim = true
	case "ANMF":
		if f.animated && !f.anim {
			return fmt.Errorf("%w: a frame before the ANIM chunk", ErrFormat)
		}
		if f.animated && f.stream == "" {
			return f.animationFrame(body, l)
		}
	case "VP8 ", "VP8L":
		switch {
		case f.animated || f.anim:
			return fmt.Errorf("%w: image data outside the frames of an animation", ErrFormat)
		case f.stream != "":
			return fmt.Errorf("%w: image data twice", ErrFormat)
		}
		return f.bitstream(name, body, l)
	}
	return nil
}

// animationFrame reads an ANMF chunk: offset, size, duration and flags in 16 bytes, then the frame's own chunks.
func (f *webpFile) animationFrame(body []byte, l Limits) error {
	if len(body) < 16 {
		return fmt.Errorf("%w: ANMF chunk of %d bytes", ErrFormat, len(body))
	}
	rect := Rect{2 * u24(body), 2 * u24(body[3:]), 1 + u24(body[6:]), 1 + u24(body[9:])}
	if rect.X+rect.W > f.canvas.W || rect.Y+rect.H > f.canvas.H {
		return fmt.Errorf("%w: frame of %dx%d pixels at (%d, %d) on a canvas of %v",
			ErrFormat, rect.W, rect.H, rect.X, rect.Y, f.canvas)
	}
	alpha := f.alpha // the mode of an animation is the file's, not the frame's
	for c := (&cursor{data: body, at: 16}); len(c.data)-c.at >= 8 && f.stream == ""; {
		name, chunk, err := webpChunk(c)
		if err != nil {
			return err
		}
		if name == "VP8 " || name == "VP8L" {
			if err := f.bitstream(name, chunk, l); err != nil {
				return err
			}
		}
	}
	f.alpha = alpha
	switch {
	case f.stream == "":
		return fmt.Errorf("%w: frame without image data", ErrFormat)
	case f.frame.W != rect.W || f.frame.H != rect.H:
		return fmt.Errorf("%w: frame says %dx%d pixels, its image data %dx%d",
			ErrFormat, rect.W, rect.H, f.frame.W, f.frame.H)
	}
	f.frame = rect
	return nil
}

// bitstream takes in image data after looking at the size in its header.
func (f *webpFile) bitstream(name string, body []byte, l Limits) error {
	f.stream, f.payload = name, body
	if name == "VP8L" {
		if len(body) < 5 || body[0] != 0x2f {
			return fmt.Errorf("%w: VP8L header", ErrFormat)
		}
		c := &cursor{data: body, at: 1}
		head := c.u32() // 14 bits width - 1, 14 bits height - 1, 1 bit alpha, 3 bits version
		f.frame.W, f.frame.H = 1+int(head&0x3fff), 1+int(head>>14&0x3fff)
		f.alpha = head>>28&1 != 0
	} else {
		if len(body) < 10 || body[3] != 0x9d || body[4] != 0x01 || body[5] != 0x2a || body[0]&1 != 0 {
			return fmt.Errorf("%w: VP8 key frame header", ErrFormat)
		}
		c := &cursor{data: body, at: 6}
		f.frame.W, f.frame.H = c.u16()&0x3fff, c.u16()&0x3fff
	}
	if !f.extended {
		f.canvas = Size{f.frame.W, f.frame.H}
	}
	return l.check(Size{f.frame.W, f.frame.H})
}

// u24 reads 3 little-endian bytes.
func u24(b []byte) int { return int(b[0]) | int(b[1])<<8 | int(b[2])<<16 }

// decode decodes the frame's image data.
func (f *webpFile) decode() (*RGB, error) {
	if f.stream == "VP8L" {
		img, err := vp8l.Decode(bytes.NewReader(f.payload))
		if err != nil {
			return nil, webpDataError(f.stream, err)
		}
		argb, ok := img.(*image.NRGBA)
		if size := img.Bounds().Size(); !ok || size.X != f.frame.W || size.Y != f.frame.H {
			return nil, fmt.Errorf("%w: VP8L decoder gave %T of %v pixels", ErrFormat, img, size)
		}
		m := NewRGB(Size{f.frame.W, f.frame.H})
		for y := range m.Height {
			dst, src := m.row(y), argb.Pix[y*argb.Stride:]
			for x := range m.Width {
				copy(dst[3*x:3*x+3], src[4*x:])
			}
		}
		return m, nil
	}
	d := vp8.NewDecoder()
	d.Init(bytes.NewReader(f.payload), len(f.payload))
	if _, err := d.DecodeFrameHeader(); err != nil {
		return nil, webpDataError(f.stream, err)
	}
	planes, err := d.DecodeFrame()
	if err != nil {
		return nil, webpDataError(f.stream, err)
	}
	if size := planes.Bounds().Size(); size.X != f.frame.W || size.Y != f.frame.H {
		return nil, fmt.Errorf("%w: VP8 decoder gave %v pixels", ErrFormat, size)
	}
	return webpRGB(planes), nil
}

func webpDataError(stream string, err error) error {
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return fmt.Errorf("%w: %s data ends early", ErrTruncated, stream)
	}
	return fmt.Errorf("%w: %w", ErrFormat, err)
}
