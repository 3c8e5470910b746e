package imaging

import (
	"errors"

	"llavabench/internal/imaging/jpeg"
)

func decodeJPEG(data []byte, l Limits) (*RGB, Info, error) {
	head, err := jpeg.DecodeConfig(data)
	if err != nil {
		return nil, Info{}, jpegError(err)
	}
	if err := l.check(Size{head.Width, head.Height}); err != nil {
		return nil, Info{}, err
	}
	img, err := jpeg.Decode(data, jpeg.Options{MaxPixels: l.Pixels})
	if err != nil {
		return nil, Info{}, jpegError(err)
	}
	rgb := img.ToRGB()
	return &RGB{Width: rgb.Width, Height: rgb.Height, Pix: rgb.Pix},
		Info{Mode: img.Mode.String(), Orientation: jpeg.Orientation(data)}, nil
}

// jpegError adds this package's class to an error of the JPEG package, whose text already says the same.
func jpegError(err error) error {
	for from, to := range map[error]error{
		jpeg.ErrFormat: ErrFormat, jpeg.ErrTruncated: ErrTruncated,
		jpeg.ErrUnsupported: ErrUnsupported, jpeg.ErrLimit: ErrLimit,
	} {
		if errors.Is(err, from) {
			return classified{err, to}
		}
	}
	return err
}

// classified is an error that is also of a class, without saying so twice.
type classified struct{ err, class error }

func (c classified) Error() string   { return c.err.Error() }
func (c classified) Unwrap() []error { return []error{c.err, c.class} }
