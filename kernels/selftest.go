package kernels

import (
	"encoding/binary"
	"fmt"
	"math"
	"math/rand/v2"

	"llavabench/internal/tensor"
)

// A Check is one comparison of the instruction set in use with the definitions in Go; Err is nil when all bits agree.
type Check struct {
	Name string
	Err  error
}

// SelfTest compares the matrix products of the instruction set in use with their definitions, on numbers that include
// subnormals and sums that tie. It takes some milliseconds. An error means that the processor, or an emulator, rounds in
// another way than every result relies on.
func SelfTest() []Check {
	var checks []Check
	add := func(name string, w Weight, product, reference func(dst, x []float32, m int, w Weight, bias []float32)) {
		checks = append(checks, Check{name, compare(w, product, reference)})
	}
	var p *Workers
	r := rand.New(rand.NewPCG(1, 2))
	const rows, cols = 35, 203
	for _, d := range []tensor.DType{tensor.F32, tensor.F16, tensor.BF16} {
		w := selfTestWeight(r, d, rows, cols)
		add(d.String()+" weights", w, p.MatMul, matMulRef)
		if d == tensor.BF16 {
			add("bf16 profile", w, p.MatMulBF16, matMulBF16Ref)
		}
	}
	for _, f := range []QuantFormat{Q8, Q4, Q4G64} {
		codes, scales, err := p.Quantize(f, selfTestWeight(r, tensor.F32, rows, cols))
		if err == nil {
			var w Weight
			if w, err = NewQuantWeight(f, rows, cols, codes, scales); err == nil {
				add(f.String()+" weights", w, p.MatMul, matMulQuantRef)
				continue
			}
		}
		checks = append(checks, Check{f.String() + " weights", err})
	}
	return checks
}

// compare runs products of a few sizes, and reports the first element whose bits differ from the reference.
func compare(w Weight, product, reference func(dst, x []float32, m int, w Weight, bias []float32)) error {
	r := rand.New(rand.NewPCG(3, 4))
	for _, m := range []int{1, 3, 8, 40} {
		x, bias := make([]float32, m*w.cols), make([]float32, w.rows)
		for i := range x {
			x[i] = selfTestFloat(r)
		}
		for i := range bias {
			bias[i] = selfTestFloat(r)
		}
		want, got := make([]float32, m*w.rows), make([]float32, m*w.rows)
		reference(want, x, m, w, bias)
		product(got, x, m, w, bias)
		for i := range want {
			if math.Float32bits(want[i]) != math.Float32bits(got[i]) {
				return fmt.Errorf("%d rows: element %d is %x (%g), expected %x (%g)",
					m, i, math.Float32bits(got[i]), got[i], math.Float32bits(want[i]), want[i])
			}
		}
	}
	return nil
}

// selfTestFloat draws ordinary numbers, short ones whose sums tie, and small ones with subnormal products.
func selfTestFloat(r *rand.Rand) float32 {
	switch r.IntN(4) {
	case 0:
		return float32(r.IntN(33)-16) / 16
	case 1:
		return float32(r.NormFloat64()) * 0x1p-66
	}
	return float32(r.NormFloat64())
}

func selfTestWeight(r *rand.Rand, d tensor.DType, rows, cols int) Weight {
	v := make([]float32, rows*cols)
	for i := range v {
		v[i] = selfTestFloat(r)
	}
	data := make([]byte, len(v)*d.Size())
	if d == tensor.F32 {
		for i, x := range v {
			binary.LittleEndian.PutUint32(data[4*i:], math.Float32bits(x))
		}
	} else {
		Narrow(data, d, v)
	}
	w, err := NewWeight(d, rows, cols, data)
	if err != nil {
		panic(err) // the sizes agree
	}
	return w
}
