package checkpoint

import "llavabench/internal/tensor"

func parseTorch(path string, data []byte, checksums bool) ([]tensor.Tensor, error) {
	return nil, errf(ErrUnsupported, "%s", path)
}
