// Package weights reads the matrices and vectors of a network from a tensor source. Matrices stay where they are in the
// mapped file; vectors (norms and biases) are widened into memory.
package weights

import (
	"fmt"

	"llavabench/internal/tensor"
	"llavabench/kernels"
)

// A Loader takes tensors by name and keeps the first error, so that a network's constructor reads as a list of its
// tensors. After an error every method returns zero values.
type Loader struct {
	src tensor.Source
	err error
}

// NewLoader makes a loader over src.
func NewLoader(src tensor.Source) *Loader { return &Loader{src: src} }

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

// Matrix returns the named tensor as [rows, product of the other dimensions].
func (l *Loader) Matrix(name string, shape ...int) kernels.Weight {
	t := l.Tensor(name, shape...)
	if l.err != nil {
		return kernels.Weight{}
	}
	w, err := kernels.NewWeight(t.DType, shape[0], tensor.Elements(shape[1:]), t.Data)
	if err != nil {
		l.err = fmt.Errorf("%s: tensor %q: %w", t.File, name, err)
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
	Weight kernels.Weight // [out, in]
	Bias   []float32      // [out]; nil for none
}

// Linear returns the layer whose tensors are `name.weight` [out, in] and, if bias is set, `name.bias` [out].
func (l *Loader) Linear(name string, out, in int, bias bool) Linear {
	lin := Linear{Weight: l.Matrix(name+".weight", out, in)}
	if bias {
		lin.Bias = l.Vector(name+".bias", out)
	}
	return lin
}

// Apply writes the layer's output for x [rows, in] to dst [rows, out].
func (l Linear) Apply(w *kernels.Workers, dst, x []float32, rows int) {
	w.MatMul(dst, x, rows, l.Weight, l.Bias)
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
