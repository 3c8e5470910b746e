package goldens

import (
	"encoding/binary"
	"fmt"
	"maps"
	"math"
	"slices"

	"llavabench/internal/checkpoint"
	"llavabench/internal/tensor"
)

// A golden is one recorded tensor.
type golden struct {
	name   string
	shape  []int
	floats []float32 // of float32 tensors
	ints   []int     // of int64 tensors
	bytes  []uint8   // of uint8 tensors
}

// manifestTypes maps the names of types in manifests to those in files.
var manifestTypes = map[string]tensor.DType{"float32": tensor.F32, "int64": tensor.I64, "uint8": tensor.U8}

// A tensorType is a type and shape as a manifest writes them: ["float32", [16, 48]].
type tensorType struct {
	dtype string
	shape []int
}

// UnmarshalJSON reads the pair.
func (t *tensorType) UnmarshalJSON(b []byte) error {
	pair := []any{&t.dtype, &t.shape}
	if err := strictUnmarshal(b, &pair); err != nil {
		return err
	}
	if len(pair) != 2 {
		return fmt.Errorf("expected a type and a shape, found %d values", len(pair))
	}
	return nil
}

// readGoldens reads the tensors of a file and compares their names, types and shapes with the manifest's, either way.
func (s *set) readGoldens(p *Part, where, folder, file string, listed map[string]tensorType) (map[string]golden, error) {
	path, err := s.named(folder, file)
	if err != nil {
		return nil, err
	}
	data, err := readFile(path)
	if err != nil {
		return nil, err
	}
	st, err := checkpoint.ParseSafetensors(path, data)
	if err != nil {
		return nil, err
	}
	out := map[string]golden{}
	for _, name := range st.Names() {
		t, _ := st.Tensor(name)
		want, ok := listed[name]
		if !ok {
			p.failf(where, name, "%s holds the tensor, but the manifest does not list it", file)
			continue
		}
		if t.DType != manifestTypes[want.dtype] || !slices.Equal(t.Shape, want.shape) {
			p.fail(Failure{Case: where, Check: name, Got: t.DType.String() + " " + tensor.ShapeString(t.Shape),
				Want: want.dtype + " " + tensor.ShapeString(want.shape), Message: "the file and the manifest disagree"})
			continue
		}
		out[name] = newGolden(t)
	}
	for _, name := range slices.Sorted(maps.Keys(listed)) {
		if _, ok := st.Tensor(name); !ok {
			p.failf(where, name, "the manifest lists the tensor, but %s does not hold it", file)
		}
	}
	return out, nil
}

// newGolden copies a tensor out of its file. Its type is one of manifestTypes and its size was checked by the reader.
func newGolden(t tensor.Tensor) golden {
	g := golden{name: t.Name, shape: t.Shape}
	n := t.Elements()
	switch t.DType {
	case tensor.F32:
		g.floats = make([]float32, n)
		for i := range g.floats {
			g.floats[i] = math.Float32frombits(binary.LittleEndian.Uint32(t.Data[4*i:]))
		}
	case tensor.I64:
		g.ints = make([]int, n)
		for i := range g.ints {
			g.ints[i] = int(int64(binary.LittleEndian.Uint64(t.Data[8*i:])))
		}
	case tensor.U8:
		g.bytes = slices.Clone(t.Data)
	}
	return g
}

// indices reads a list of row numbers and checks that each is below rows.
func (g golden) indices(rows int) ([]int, error) {
	if g.name == "" {
		return nil, fmt.Errorf("the tensor of row numbers is missing")
	}
	if len(g.shape) != 1 {
		return nil, fmt.Errorf("%s has shape %s, expected one dimension", g.name, tensor.ShapeString(g.shape))
	}
	for i, r := range g.ints {
		if r < 0 || r >= rows {
			return nil, fmt.Errorf("%s[%d] is %d, expected 0 to %d", g.name, i, r, rows-1)
		}
	}
	return g.ints, nil
}
