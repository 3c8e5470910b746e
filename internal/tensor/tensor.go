// Package tensor names what every room passes around: an element type, a shape and the bytes of a tensor as they lie
// in a file. It does no arithmetic and opens no files.
package tensor

import (
	"fmt"
	"strings"
)

// A DType is the element type of a tensor as stored.
type DType uint8

// The element types that checkpoints hold. F32, F16 and BF16 are weights; the others appear as buffers or indices.
const (
	Invalid DType = iota
	F64
	F32
	F16
	BF16
	I64
	I32
	I16
	I8
	U8
	Bool
)

var dtypes = [...]struct {
	name string
	size int
}{
	Invalid: {"invalid", 0},
	F64:     {"F64", 8},
	F32:     {"F32", 4},
	F16:     {"F16", 2},
	BF16:    {"BF16", 2},
	I64:     {"I64", 8},
	I32:     {"I32", 4},
	I16:     {"I16", 2},
	I8:      {"I8", 1},
	U8:      {"U8", 1},
	Bool:    {"BOOL", 1},
}

// String gives the name that safetensors uses, such as "BF16".
func (d DType) String() string {
	if int(d) >= len(dtypes) {
		return fmt.Sprintf("DType(%d)", uint8(d))
	}
	return dtypes[d].name
}

// Size is the number of bytes of one element.
func (d DType) Size() int {
	if int(d) >= len(dtypes) {
		return 0
	}
	return dtypes[d].size
}

// IsFloat reports whether d is a type that weights may have: F32, F16 or BF16.
func (d DType) IsFloat() bool { return d == F32 || d == F16 || d == BF16 }

// ParseDType reads a safetensors type name.
func ParseDType(name string) (DType, error) {
	for d, t := range dtypes {
		if DType(d) != Invalid && t.name == name {
			return DType(d), nil
		}
	}
	return Invalid, fmt.Errorf("unknown element type %q", name)
}

// A Tensor is a named, row-major, little-endian array. Data usually points into a mapped file: it must not be written,
// it may start at any byte offset, and it is valid only while its Source is open.
type Tensor struct {
	Name  string
	DType DType
	Shape []int
	Data  []byte
	// File is the file that holds the tensor, for error messages.
	File string
}

// Elements is the product of the shape; 1 for a scalar.
func (t Tensor) Elements() int { return Elements(t.Shape) }

// Elements is the product of a shape; 1 for a scalar.
func Elements(shape []int) int {
	n := 1
	for _, d := range shape {
		n *= d
	}
	return n
}

// ShapeString prints a shape as "[32000, 4096]".
func ShapeString(shape []int) string {
	parts := make([]string, len(shape))
	for i, d := range shape {
		parts[i] = fmt.Sprint(d)
	}
	return "[" + strings.Join(parts, ", ") + "]"
}

// A Source yields named tensors, such as those of an open checkpoint.
type Source interface {
	// Names lists every tensor in a fixed order.
	Names() []string
	// Tensor returns the named tensor; ok is false when there is none of that name.
	Tensor(name string) (t Tensor, ok bool)
}

// Float returns the named floating-point tensor of src and checks its shape. The error names the file, the tensor and
// what was expected and found.
func Float(src Source, name string, shape ...int) (Tensor, error) {
	t, ok := src.Tensor(name)
	if !ok {
		return Tensor{}, fmt.Errorf("tensor %q is missing (expected shape %s)", name, ShapeString(shape))
	}
	if !t.DType.IsFloat() {
		return Tensor{}, fmt.Errorf("%s: tensor %q has type %s, expected F32, F16 or BF16", t.File, name, t.DType)
	}
	if !sameShape(t.Shape, shape) {
		return Tensor{}, fmt.Errorf("%s: tensor %q has shape %s, expected %s", t.File, name, ShapeString(t.Shape), ShapeString(shape))
	}
	return t, nil
}

func sameShape(a, b []int) bool {
	if len(a) != len(b) {
		return false
	}
	for i := range a {
		if a[i] != b[i] {
			return false
		}
	}
	return true
}

// A Map is a Source held in memory.
type Map struct {
	order []string
	byKey map[string]Tensor
}

// NewMap builds a Map; a later tensor of the same name replaces an earlier one.
func NewMap(tensors ...Tensor) *Map {
	m := &Map{byKey: map[string]Tensor{}}
	for _, t := range tensors {
		m.Add(t)
	}
	return m
}

// Add puts one more tensor into the map.
func (m *Map) Add(t Tensor) {
	if _, ok := m.byKey[t.Name]; !ok {
		m.order = append(m.order, t.Name)
	}
	m.byKey[t.Name] = t
}

// Names lists the tensors in the order in which they were added.
func (m *Map) Names() []string { return m.order }

// Tensor returns the named tensor.
func (m *Map) Tensor(name string) (Tensor, bool) {
	t, ok := m.byKey[name]
	return t, ok
}
