package imaging

import "fmt"

func decodeTIFF(data []byte, l Limits) (*RGB, Info, error) {
	return nil, Info{}, fmt.Errorf("%w: TIFF", ErrUnsupported)
}
