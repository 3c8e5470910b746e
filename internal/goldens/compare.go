package goldens

import (
	"fmt"
	"math"
	"strconv"

	"llavabench/internal/tensor"
)

// Tolerances of float32 results (golden README, section "Tolerances"): absolute, because the values are of order one.
const (
	featureTolerance = 2e-5 // vision hidden states, projected features, embeddings
	logitTolerance   = 5e-5 // logits and the decoder's hidden states
)

// stat is the entry of a tensor name, made on first use.
func (p *Part) stat(name string) *TensorError {
	s := p.tensors[name]
	if s == nil {
		s = &TensorError{Name: name}
		p.tensors[name] = s
	}
	return s
}

// floats compares a tensor within tol. It fails on a NaN or infinity that the reference does not have too.
func (p *Part) floats(where, name string, shape []int, got, want []float32, tol float64) bool {
	if len(got) != len(want) {
		p.failf(where, name, "got %d numbers, expected %d (shape %s)", len(got), len(want), tensor.ShapeString(shape))
		return false
	}
	s := p.stat(name)
	s.Count++
	s.Elements += len(want)
	worst, at := 0.0, 0
	for i := range want {
		if d := distance(got[i], want[i]); d > worst {
			worst, at = d, i
		}
	}
	if share := worst / tol; share > s.share || s.Count == 1 {
		s.MaxError, s.Tolerance, s.Case, s.share = worst, tol, where, share
	}
	if worst <= tol {
		p.Checked++
		return true
	}
	p.fail(Failure{Case: where, Check: name, Index: unravel(at, shape), Got: number(got[at]), Want: number(want[at]),
		Message: fmt.Sprintf("largest difference %.3g, tolerance %.3g", worst, tol)})
	return false
}

// distance is |a-b|, infinite where one of them is not finite and they are not the same.
func distance(a, b float32) float64 {
	if a == b || a != a && b != b {
		return 0
	}
	d := math.Abs(float64(a) - float64(b))
	if math.IsNaN(d) {
		return math.Inf(1)
	}
	return d
}

// exact compares ids or bytes, any difference of which fails.
func exact[T int | uint8 | int64](p *Part, where, name string, shape []int, got, want []T) bool {
	if len(got) != len(want) {
		p.failf(where, name, "got %d numbers, expected %d (shape %s); the beginnings are %s and %s",
			len(got), len(want), tensor.ShapeString(shape), abridge(got, 0), abridge(want, 0))
		return false
	}
	s := p.stat(name)
	s.Exact = true
	s.Count++
	s.Elements += len(want)
	first, different, worst := 0, 0, 0.0
	for i := range want {
		if got[i] == want[i] {
			continue
		}
		if different == 0 {
			first = i
		}
		different++
		worst = max(worst, math.Abs(float64(got[i])-float64(want[i])))
	}
	if different == 0 {
		p.Checked++
		return true
	}
	if worst > s.MaxError {
		s.MaxError, s.Case = worst, where
	}
	p.fail(Failure{Case: where, Check: name, Index: unravel(first, shape), Got: fmt.Sprint(got[first]), Want: fmt.Sprint(want[first]),
		Message: fmt.Sprintf("%d of %d differ, by at most %v", different, len(want), worst)})
	return false
}

// unravel gives the index in each dimension of element i.
func unravel(i int, shape []int) []int {
	out := make([]int, len(shape))
	for k := len(shape) - 1; k >= 0; k-- {
		if shape[k] > 0 {
			out[k] = i % shape[k]
			i /= shape[k]
		}
	}
	return out
}

func number(v float32) string { return strconv.FormatFloat(float64(v), 'g', 9, 32) }
