package checkpoint

import (
	"cmp"
	"encoding/binary"
	"fmt"
	"math"
	"math/bits"
	"slices"
	"strconv"

	"llavabench/internal/tensor"
)

// Limits of a safetensors header. The length is the limit of the format's reference reader; rank and name are far above
// anything real and keep a hostile header's cost in proportion to its length.
const (
	maxHeaderBytes = 100_000_000
	maxRank        = 8
	maxNameBytes   = 4096
)

// Element sizes in bits of every type that the format knows, whether or not this program can use it.
var safetensorsBits = map[string]uint64{
	"BOOL": 8, "F4": 4, "F6_E2M3": 6, "F6_E3M2": 6, "U8": 8, "I8": 8, "F8_E5M2": 8, "F8_E4M3": 8, "F8_E8M0": 8,
	"F8_E4M3FNUZ": 8, "F8_E5M2FNUZ": 8, "I16": 16, "U16": 16, "F16": 16, "BF16": 16, "I32": 32, "U32": 32, "F32": 32,
	"C64": 64, "F64": 64, "I64": 64, "U64": 64,
}

// A headerEntry is one tensor of a safetensors header.
type headerEntry struct {
	name       string
	dtype      string
	shape      []uint64
	begin, end uint64 // relative to the end of the header
}

// parseSafetensors reads the header of a safetensors file held in data and returns its tensors, in the order of their
// bytes, with Data pointing into data. path is for messages.
//
// Format: https://huggingface.co/docs/safetensors. Refused beyond it: duplicate keys. Accepted beyond its text, as by
// the reference reader: white space around the header's object and unknown keys inside an entry.
func parseSafetensors(path string, data []byte) ([]tensor.Tensor, map[string]string, error) {
	header, body, err := splitSafetensors(path, data)
	if err != nil {
		return nil, nil, err
	}
	entries, metadata, err := readHeader(header)
	if err != nil {
		return nil, nil, fmt.Errorf("%s: header: %w", path, err)
	}
	slices.SortStableFunc(entries, func(a, b headerEntry) int {
		return cmp.Or(cmp.Compare(a.begin, b.begin), cmp.Compare(a.end, b.end))
	})
	if err := checkLayout(path, entries, uint64(len(body))); err != nil {
		return nil, nil, err
	}
	tensors := make([]tensor.Tensor, len(entries))
	for i, e := range entries {
		d, err := tensor.ParseDType(e.dtype)
		if err != nil {
			return nil, nil, errf(ErrUnsupported, "%s: tensor %s has type %s, which is not supported", path, quote(e.name), quote(e.dtype))
		}
		shape := make([]int, len(e.shape))
		for j, n := range e.shape {
			shape[j] = int(n)
		}
		tensors[i] = tensor.Tensor{Name: e.name, DType: d, Shape: shape, Data: body[e.begin:e.end:e.end], File: path}
	}
	return tensors, metadata, nil
}

// splitSafetensors cuts a file into the JSON header and the tensors' bytes.
func splitSafetensors(path string, data []byte) (header, body []byte, err error) {
	if len(data) < 8 {
		return nil, nil, errf(ErrTruncated, "%s has %d bytes, a safetensors file has at least 8", path, len(data))
	}
	n := binary.LittleEndian.Uint64(data)
	rest := uint64(len(data) - 8)
	switch {
	case n > maxHeaderBytes:
		return nil, nil, errf(ErrTooLarge, "%s: header length %d exceeds the limit of %d bytes", path, n, maxHeaderBytes)
	case n > rest:
		return nil, nil, errf(ErrTruncated, "%s: header length %d exceeds the %d bytes that follow it", path, n, rest)
	case n == 0:
		return nil, nil, errf(ErrFormat, "%s: header length is 0, expected a JSON object", path)
	}
	return data[8 : 8+n], data[8+n:], nil
}

// readHeader reads the JSON object of a header.
func readHeader(header []byte) (entries []headerEntry, metadata map[string]string, err error) {
	r := &jsonReader{data: header}
	err = r.object(func(key string) error {
		if key == "__metadata__" {
			metadata = map[string]string{}
			return r.object(func(key string) (err error) {
				metadata[key], err = r.string()
				return err
			})
		}
		if key == "" || len(key) > maxNameBytes {
			return r.errorf("tensor name of %d bytes, expected 1 to %d", len(key), maxNameBytes)
		}
		e, err := readEntry(r, key)
		entries = append(entries, e)
		return err
	})
	if err == nil {
		err = r.end()
	}
	return entries, metadata, err
}

func readEntry(r *jsonReader, name string) (headerEntry, error) {
	e := headerEntry{name: name}
	var hasType, hasShape, hasOffsets bool
	err := r.object(func(key string) (err error) {
		switch key {
		case "dtype":
			hasType = true
			e.dtype, err = r.string()
		case "shape":
			hasShape = true
			e.shape, err = r.sizes(maxRank)
		case "data_offsets":
			hasOffsets = true
			var at []uint64
			if at, err = r.sizes(2); err == nil && len(at) != 2 {
				err = r.errorf("data_offsets has %d entries, expected 2", len(at))
			}
			if err == nil {
				e.begin, e.end = at[0], at[1]
			}
		default:
			err = r.skip()
		}
		return err
	})
	if err != nil {
		return e, fmt.Errorf("tensor %s: %w", quote(name), err)
	}
	for _, f := range []struct {
		name string
		has  bool
	}{{"dtype", hasType}, {"shape", hasShape}, {"data_offsets", hasOffsets}} {
		if !f.has {
			return e, errf(ErrFormat, "tensor %s has no %s", quote(name), f.name)
		}
	}
	return e, nil
}

// sizes reads an array of at most limit non-negative integers.
func (r *jsonReader) sizes(limit int) ([]uint64, error) {
	var list []uint64
	err := r.array(func(i int) error {
		if i >= limit {
			return r.errorf("more than %d entries", limit)
		}
		n, err := r.number()
		if err != nil {
			return err
		}
		v, err := strconv.ParseUint(string(n), 10, 64)
		if err != nil {
			return r.errorf("%s is not a size: expected an integer from 0 to 2^64-1", quote(string(n)))
		}
		list = append(list, v)
		return nil
	})
	return list, err
}

// checkLayout verifies that the entries, sorted by their bytes, have the sizes that they state and fill a body of the
// given length without gap or overlap.
func checkLayout(path string, entries []headerEntry, length uint64) error {
	var at uint64
	for _, e := range entries {
		name := quote(e.name)
		switch {
		case e.end < e.begin:
			return errf(ErrFormat, "%s: tensor %s: data_offsets end at %d before they begin at %d", path, name, e.end, e.begin)
		case e.begin < at:
			return errf(ErrFormat, "%s: tensor %s: data begin at %d and overlap the tensor that ends at %d", path, name, e.begin, at)
		case e.begin > at:
			return errf(ErrFormat, "%s: tensor %s: data begin at %d, leaving a gap after %d", path, name, e.begin, at)
		case e.end > length:
			return errf(ErrTruncated, "%s: tensor %s: data end at %d, but the file holds %d bytes of data", path, name, e.end, length)
		}
		at = e.end
		if err := checkSize(path, e); err != nil {
			return err
		}
	}
	if at != length {
		return errf(ErrFormat, "%s: tensors end at %d, but the file holds %d bytes of data", path, at, length)
	}
	return nil
}

// checkSize compares an entry's bytes with its shape and type. The size of an unknown type cannot be checked.
func checkSize(path string, e headerEntry) error {
	name, elements := quote(e.name), uint64(1)
	for _, n := range e.shape {
		hi, lo := bits.Mul64(elements, n)
		if hi != 0 {
			return errf(ErrOverflow, "%s: tensor %s: the product of shape %v exceeds 64 bits", path, name, e.shape)
		}
		elements = lo
	}
	for _, n := range e.shape {
		if n > math.MaxInt {
			return errf(ErrFormat, "%s: tensor %s: dimension %d of shape %v is too large", path, name, n, e.shape)
		}
	}
	width, ok := safetensorsBits[e.dtype]
	if !ok {
		return nil
	}
	hi, lo := bits.Mul64(elements, width)
	switch {
	case hi != 0:
		return errf(ErrOverflow, "%s: tensor %s: shape %v of %s exceeds 2^64 bits", path, name, e.shape, e.dtype)
	case lo%8 != 0:
		return errf(ErrFormat, "%s: tensor %s: shape %v of %s takes %d bits, not whole bytes", path, name, e.shape, e.dtype, lo)
	case lo/8 != e.end-e.begin:
		return errf(ErrMismatch, "%s: tensor %s: data take %d bytes, but shape %v of %s needs %d", path, name, e.end-e.begin, e.shape, e.dtype, lo/8)
	}
	return nil
}
