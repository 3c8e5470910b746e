// Package npy writes arrays in NumPy's .npy format, version 1.0: little-endian, C order.
//
// Reference: numpy, doc/source/reference/generated/numpy.lib.format (format specification, NEP 1).
package npy

import (
	"encoding/binary"
	"fmt"
	"io"
	"math"
	"strings"

	"llavabench/internal/atomicfile"
)

// Write writes data as float32 with the given shape to path. The file appears under its name only when it is complete.
func Write(path string, shape []int, data []float32) error {
	elements := 1
	for _, d := range shape {
		elements *= d
	}
	if elements != len(data) {
		return fmt.Errorf("%s: shape %v has %d elements, but there are %d values", path, shape, elements, len(data))
	}
	return atomicfile.Write(path, func(w io.Writer) error {
		if _, err := w.Write(header("<f4", shape)); err != nil {
			return err
		}
		var buf [4096]byte
		for len(data) > 0 {
			n := min(len(data), len(buf)/4)
			for i, v := range data[:n] {
				binary.LittleEndian.PutUint32(buf[4*i:], math.Float32bits(v))
			}
			if _, err := w.Write(buf[:4*n]); err != nil {
				return err
			}
			data = data[n:]
		}
		return nil
	})
}

// header is the magic, the version, the header's length and a Python dictionary, padded so that the data begin at a
// multiple of 64 bytes.
func header(descr string, shape []int) []byte {
	dims := make([]string, len(shape))
	for i, d := range shape {
		dims[i] = fmt.Sprint(d)
	}
	tuple := strings.Join(dims, ", ")
	if len(shape) == 1 {
		tuple += ","
	}
	dict := fmt.Sprintf("{'descr': '%s', 'fortran_order': False, 'shape': (%s), }", descr, tuple)
	const prefix = 10
	pad := 64 - (prefix+len(dict)+1)%64
	dict += strings.Repeat(" ", pad%64) + "\n"
	h := append([]byte("\x93NUMPY\x01\x00"), 0, 0)
	binary.LittleEndian.PutUint16(h[8:], uint16(len(dict)))
	return append(h, dict...)
}
