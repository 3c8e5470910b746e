package imaging

import "fmt"

func decodeJPEG(data []byte, l Limits) (*RGB, Info, error) {
	return nil, Info{}, fmt.Errorf("%w: JPEG", ErrUnsupported)
}
