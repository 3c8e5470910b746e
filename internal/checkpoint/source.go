package checkpoint

import "llavabench/internal/tensor"

// ParseSafetensors reads the tensors of a safetensors file held in data, in the order of their bytes. They point into
// data. path is for messages.
func ParseSafetensors(path string, data []byte) (tensor.Source, error) {
	tensors, _, err := parseSafetensors(path, data)
	if err != nil {
		return nil, err
	}
	return tensor.NewMap(tensors...), nil
}
