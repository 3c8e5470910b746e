package page

import (
	"bytes"
	"image"
	"image/jpeg"

	"llavabench/internal/imaging"
)

const (
	thumbnailSide    = 320 // of the longer side, pixels
	thumbnailQuality = 78
)

// thumbnail is a picture as a small JPEG file.
func thumbnail(img *imaging.RGB) ([]byte, error) {
	size := img.Size()
	if longest := max(size.W, size.H); longest > thumbnailSide {
		size.W, size.H = max(1, size.W*thumbnailSide/longest), max(1, size.H*thumbnailSide/longest)
		var err error
		if img, err = imaging.ResizeRGB(img, size, imaging.Lanczos, nil); err != nil {
			return nil, err
		}
	}
	out := image.NewRGBA(image.Rect(0, 0, img.Width, img.Height))
	for i := range img.Width * img.Height {
		copy(out.Pix[4*i:], img.Pix[3*i:3*i+3])
		out.Pix[4*i+3] = 255
	}
	var b bytes.Buffer
	err := jpeg.Encode(&b, out, &jpeg.Options{Quality: thumbnailQuality})
	return b.Bytes(), err
}
