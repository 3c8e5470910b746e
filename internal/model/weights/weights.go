// Package weights reads the matrices and vectors of a network from a tensor source. Matrices stay where they are in the
// mapped file; vectors (norms and biases) are widened into memory.
package weights

import (
	"fmt"

	"llavabench/internal/tensor"
	"llavabench/kernels"
)

// A Profile names a numeric profile of the matrix products. It is part of a result's identity; the instruction set is not.
type Profile string

// The profiles.
const (
	// F32 keeps activations in fp32; weights of any floating-point type are widened exactly.
	F32 Profile = "f32"
	// BF16 rounds activations to bf16 before each product and multiplies in pairs, as VDPBF16PS does; see
	// kernels.Workers.MatMulBF16. Matrices must be bf16.
	BF16 Profile = "bf16"
)

// ParseProfile reads a profile's name; "" is F32.
func ParseProfile(name string) (Profile, error) {
	switch p := Profile(name); p {
	case "":
		return F32, nil
	case F32, BF16:
		return p, nil
	}
	return "", fmt.Errorf("numeric profile %q is not known, expected f32 or bf16", name)
}

// A Loader takes tensors by name and keeps the first error, so that a network's constructor reads as a list of its
// tensors. After an error every method returns zero values.
type Loader struct {
	src tensor.Source
	o   Options
	err error
}

// Options say how matrices are held and multiplied. The zero value takes them as stored, in profile F32.
type Options struct {
	Profile Profile
	// Quant quantises the matrices that Matrix returns, in memory; the zero Recipe does not.
	Quant Recipe
	// Workers quantise; nil does it on the calling goroutine.
	Workers *kernels.Workers
}

// NewLoader makes a loader over src.
func NewLoader(src tensor.Source, o Options) *Loader { return &Loader{src: src, o: o} }

// Err is the first error: it names the file and the tensor with the expected and the found shape.
func (l *Loader) Err() error { return l.err }

// Tensor returns the named floating-point tensor of the given shape.
func (l *Loader) Tensor(name string, shape ...int) tensor.Tensor {
	if l.err != nil {
		return tensor.Tensor{}
	}
	t, err := tensor.Float(l.src, name, shape...)
	if err != nil {
		l.err = err
	}
	return t
}

// A Matrix is a weight matrix with the profile in which it is multiplied. A quantised one is multiplied in its own way
// whatever the profile.
type Matrix struct {
	weight  kernels.Weight
	profile Profile
}

// Apply writes x Wᵀ (+ bias, which may be nil) to dst [rows, out], x being [rows, in].
func (m Matrix) Apply(w *kernels.Workers, dst, x []float32, rows int, bias []float32) {
	if m.profile == BF16 && m.weight.DType() == tensor.BF16 {
		w.MatMulBF16(dst, x, rows, m.weight, bias)
		return
	}
	w.MatMul(dst, x, rows, m.weight, bias)
}

// Bytes is the size of the matrix as held.
func (m Matrix) Bytes() int64 { return m.weight.Bytes() }

// Elements is the number of weights.
func (m Matrix) Elements() int64 { return int64(m.weight.Rows()) * int64(m.weight.Cols()) }

// Matrix returns the named tensor as [rows, product of the other dimensions]: quantised if the source holds it so (under
// the names that QuantNames gives) or the options ask for it.
func (l *Loader) Matrix(name string, shape ...int) Matrix {
	if l.err != nil {
		return Matrix{}
	}
	rows, cols := shape[0], tensor.Elements(shape[1:])
	if _, ok := l.src.Tensor(name); !ok {
		if f, ok := l.quantised(name); ok {
			return Matrix{weight: l.stored(f, name, rows, cols), profile: l.o.Profile}
		}
	}
	m := l.Float(name, shape...)
	format := l.o.Quant.For(name)
	if l.err != nil || format == 0 {
		return m
	}
	codes, scales, err := l.o.Workers.Quantize(format, m.weight)
	if err == nil {
		m.weight, err = kernels.NewQuantWeight(format, rows, cols, codes, scales)
	}
	if err != nil {
		l.err = fmt.Errorf("tensor %q: %w", name, err)
	}
	return m
}

// Float is Matrix for a matrix that is never quantised, such as the head.
func (l *Loader) Float(name string, shape ...int) Matrix {
	t := l.Tensor(name, shape...)
	if l.err != nil {
		return Matrix{}
	}
	if l.o.Profile == BF16 && t.DType != tensor.BF16 {
		l.err = fmt.Errorf("%s: tensor %q has type %s, but the numeric profile bf16 needs BF16 matrices: convert them with weight type bf16", t.File, name, t.DType)
		return Matrix{}
	}
	w, err := kernels.NewWeight(t.DType, shape[0], tensor.Elements(shape[1:]), t.Data)
	if err != nil {
		l.err = fmt.Errorf("%s: tensor %q: %w", t.File, name, err)
	}
	return Matrix{weight: w, profile: l.o.Profile}
}

// QuantNames are the names of the two arrays of a quantised matrix in a checkpoint.
func QuantNames(name string, f kernels.QuantFormat) (codes, scales string) {
	return name + "." + f.String() + ".codes", name + "." + f.String() + ".scales"
}

// quantised finds the format in which the source holds a matrix.
func (l *Loader) quantised(name string) (kernels.QuantFormat, bool) {
	for _, f := range []kernels.QuantFormat{kernels.Q8, kernels.Q4, kernels.Q4G64} {
		codes, _ := QuantNames(name, f)
		if _, ok := l.src.Tensor(codes); ok {
			return f, true
		}
	}
	return 0, false
}

// stored takes a quantised matrix from the source.
func (l *Loader) stored(f kernels.QuantFormat, name string, rows, cols int) kernels.Weight {
	codesName, scalesName := QuantNames(name, f)
	codes, _ := l.src.Tensor(codesName)
	scales, ok := l.src.Tensor(scalesName)
	if !ok {
		l.err = fmt.Errorf("%s: tensor %q is missing beside %q", codes.File, scalesName, codesName)
		return kernels.Weight{}
	}
	if codes.DType != tensor.U8 || scales.DType != tensor.F16 {
		l.err = fmt.Errorf("%s: tensors %q and %q have types %s and %s, expected U8 and F16", codes.File, codesName, scalesName, codes.DType, scales.DType)
		return kernels.Weight{}
	}
	w, err := kernels.NewQuantWeight(f, rows, cols, codes.Data, scales.Data)
	if err != nil {
		l.err = fmt.Errorf("%s: tensor %q: %w", codes.File, name, err)
	}
	return w
}

// Vector returns the elements of the named tensor in float32.
func (l *Loader) Vector(name string, shape ...int) []float32 {
	t := l.Tensor(name, shape...)
	if l.err != nil {
		return nil
	}
	v := make([]float32, t.Elements())
	kernels.Widen(v, t.DType, t.Data)
	return v
}

// A Linear is y = x Wᵀ + b.
type Linear struct {
	Matrix           // [out, in]
	Bias   []float32 // [out]; nil for none
}

// Linear returns the layer whose tensors are `name.weight` [out, in] and, if bias is set, `name.bias` [out].
func (l *Loader) Linear(name string, out, in int, bias bool) Linear {
	lin := Linear{Matrix: l.Matrix(name+".weight", out, in)}
	if bias {
		lin.Bias = l.Vector(name+".bias", out)
	}
	return lin
}

// Apply writes the layer's output for x [rows, in] to dst [rows, out].
func (l Linear) Apply(w *kernels.Workers, dst, x []float32, rows int) {
	l.Matrix.Apply(w, dst, x, rows, l.Bias)
}

// A Norm is the scale and shift of a layer norm, [width] each.
type Norm struct{ Weight, Bias []float32 }

// Norm returns the tensors `name.weight` and `name.bias`.
func (l *Loader) Norm(name string, width int) Norm {
	return Norm{Weight: l.Vector(name+".weight", width), Bias: l.Vector(name+".bias", width)}
}

// Grow returns a slice of n elements over *buf, which is replaced by a longer one when it is too short. The contents are
// not kept.
func Grow(buf *[]float32, n int) []float32 {
	if cap(*buf) < n {
		*buf = make([]float32, n)
	}
	return (*buf)[:n]
}
