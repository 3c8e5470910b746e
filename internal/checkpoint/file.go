package checkpoint

import "llavabench/internal/tensor"

// A File is the tensors of one safetensors file, in the order of their bytes.
type File struct {
	*tensor.Map
	// Metadata is the header's `__metadata__`; nil when it has none.
	Metadata map[string]string
	file     *mapped
}

// ParseSafetensors reads a safetensors file that is held in memory; path is for messages. The tensors point into data.
func ParseSafetensors(path string, data []byte) (*File, error) {
	tensors, metadata, err := parseSafetensors(path, data)
	if err != nil {
		return nil, sniffed(err, data)
	}
	return &File{Map: tensor.NewMap(tensors...), Metadata: metadata}, nil
}

// OpenSafetensors maps a safetensors file. The tensors are valid until Close.
func OpenSafetensors(path string) (*File, error) {
	m, err := mapFile(path)
	if err != nil {
		return nil, err
	}
	var f *File
	err = CatchFault(func() error {
		f, err = ParseSafetensors(path, m.data)
		return err
	})
	if err != nil {
		m.Close()
		return nil, err
	}
	f.file = m
	return f, nil
}

// Close unmaps the file.
func (f *File) Close() error {
	if f.file == nil {
		return nil
	}
	return f.file.Close()
}
