package tokenizer

import (
	"encoding/binary"
	"math"
)

// Wire types of the protobuf encoding. Groups (3 and 4) are refused.
const (
	wireVarint  = 0
	wireFixed64 = 1
	wireBytes   = 2
	wireFixed32 = 5
)

// wireField is one field of a protobuf message: its number, its wire type and its undecoded value.
type wireField struct {
	number int
	kind   int
	value  uint64 // of varint, fixed32 and fixed64 fields
	bytes  []byte // of length-delimited fields; a part of the input
}

// readWire calls visit for every field of a protobuf message, in file order, and stops at the first error. It never
// allocates: every length is checked against the bytes that are there.
func readWire(message []byte, visit func(wireField) error) error {
	total := len(message)
	for len(message) > 0 {
		at := total - len(message)
		key, n, err := readVarint(message)
		if err != nil {
			return formatf("protobuf key at byte %d: %v", at, err)
		}
		message = message[n:]
		if key>>3 == 0 || key>>3 > 1<<29-1 {
			return formatf("protobuf field number %d at byte %d", key>>3, at)
		}
		f := wireField{number: int(key >> 3), kind: int(key & 7)}
		switch f.kind {
		case wireVarint:
			if f.value, n, err = readVarint(message); err != nil {
				return formatf("protobuf field %d at byte %d: %v", f.number, at, err)
			}
		case wireFixed64:
			if n = 8; len(message) < n {
				return formatf("protobuf field %d at byte %d: want 8 bytes, %d left", f.number, at, len(message))
			}
			f.value = binary.LittleEndian.Uint64(message)
		case wireFixed32:
			if n = 4; len(message) < n {
				return formatf("protobuf field %d at byte %d: want 4 bytes, %d left", f.number, at, len(message))
			}
			f.value = uint64(binary.LittleEndian.Uint32(message))
		case wireBytes:
			size, m, err := readVarint(message)
			if err != nil {
				return formatf("protobuf field %d at byte %d: %v", f.number, at, err)
			}
			if size > uint64(len(message)-m) {
				return formatf("protobuf field %d at byte %d: length %d, %d bytes left", f.number, at, size, len(message)-m)
			}
			n = m + int(size)
			f.bytes = message[m:n]
		default:
			return formatf("protobuf field %d at byte %d: wire type %d", f.number, at, f.kind)
		}
		message = message[n:]
		if err := visit(f); err != nil {
			return err
		}
	}
	return nil
}

// readVarint decodes a base-128 number and returns its length.
func readVarint(b []byte) (uint64, int, error) {
	v, n := binary.Uvarint(b)
	switch {
	case n == 0:
		return 0, 0, formatf("number cut short")
	case n < 0:
		return 0, 0, formatf("number longer than 64 bits")
	}
	return v, n, nil
}

// want reports an error unless the field has the wire type that its place in the schema asks for.
func (f wireField) want(kind int, name string) error {
	if f.kind != kind {
		return formatf("%s: wire type %d, want %d", name, f.kind, kind)
	}
	return nil
}

// boolInto stores a bool field.
func (f wireField) boolInto(dst *bool, name string) error {
	if err := f.want(wireVarint, name); err != nil {
		return err
	}
	*dst = f.value != 0
	return nil
}

// stringInto stores a string field.
func (f wireField) stringInto(dst *string, name string) error {
	if err := f.want(wireBytes, name); err != nil {
		return err
	}
	*dst = string(f.bytes)
	return nil
}

// floatInto stores a float field.
func (f wireField) floatInto(dst *float32, name string) error {
	if err := f.want(wireFixed32, name); err != nil {
		return err
	}
	*dst = math.Float32frombits(uint32(f.value))
	return nil
}
