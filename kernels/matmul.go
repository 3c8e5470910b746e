package kernels

import "fmt"

// productSet holds the matrix products of one instruction set. matMul gets checked arguments with m > 0 and the scratch of
// p locked.
type productSet struct {
	matMul      func(p *Workers, s *matMulScratch, dst, x []float32, m int, w Weight, bias []float32)
	matMulBF16  func(p *Workers, s *matMulScratch, dst, x []float32, m int, w Weight, bias []float32)
	matMulQuant func(p *Workers, s *matMulScratch, dst, x []float32, m int, w Weight, bias []float32)
}

// matMulScratch is the memory of matrix products that is kept from one to the next: shared for all workers, own by worker.
type matMulScratch struct {
	shared  []float32
	rounded []float32 // activations of the bf16 profile, scales of quantised ones
	eight   []int8    // quantised activations
	own     [][]float32
	wide    [][]float64
}

// MatMul computes dst[m, N] = x[m, K]·wᵀ + bias for a weight matrix w of N rows and K columns, all row-major and dense.
// bias has N elements or is nil. dst must not overlap x or bias.
//
// Every element of dst is one chain of fused multiply-adds over ascending k, or for a quantised matrix over groups of k, as
// the package comment defines it: it depends on its own row of x, row of w and bias alone.
func (p *Workers) MatMul(dst, x []float32, m int, w Weight, bias []float32) {
	f := active.Load().matMul
	if w.quant != 0 {
		f = active.Load().matMulQuant
	}
	p.product("MatMul", dst, x, m, w, bias, f)
}

// product checks the arguments of a matrix product and runs it with the scratch of p.
func (p *Workers) product(name string, dst, x []float32, m int, w Weight, bias []float32,
	f func(p *Workers, s *matMulScratch, dst, x []float32, m int, w Weight, bias []float32)) {
	switch {
	case w.rows == 0:
		panic("kernels: " + name + ": the weight matrix is empty")
	case m < 0 || len(x) != m*w.cols || len(dst) != m*w.rows || bias != nil && len(bias) != w.rows:
		panic(fmt.Sprintf("kernels: %s: %d rows by a matrix [%d, %d]: x has %d elements, dst %d, bias %d",
			name, m, w.rows, w.cols, len(x), len(dst), len(bias)))
	}
	if m == 0 {
		return
	}
	if p == nil {
		f(p, new(matMulScratch), dst, x, m, w, bias)
		return
	}
	p.products.Lock()
	defer p.products.Unlock()
	f(p, &p.scratch, dst, x, m, w, bias)
}

// floats returns n elements of scratch that all workers share.
func (s *matMulScratch) floats(n int) []float32 { return grow(&s.shared, n) }

// activations returns n more such elements.
func (s *matMulScratch) activations(n int) []float32 { return grow(&s.rounded, n) }

// codes returns n bytes of scratch for quantised activations.
func (s *matMulScratch) codes(n int) []int8 {
	if cap(s.eight) < n {
		s.eight = make([]int8, n)
	}
	return s.eight[:n]
}

// ownFloats returns n elements of scratch for each of the workers.
func (s *matMulScratch) ownFloats(workers, n int) [][]float32 {
	s.own = growAll(s.own, workers, n)
	return s.own
}

// ownDoubles is ownFloats in float64.
func (s *matMulScratch) ownDoubles(workers, n int) [][]float64 {
	s.wide = growAll(s.wide, workers, n)
	return s.wide
}

func growAll[T any](all [][]T, workers, n int) [][]T {
	for len(all) < workers {
		all = append(all, nil)
	}
	for i := range all {
		if len(all[i]) < n {
			all[i] = make([]T, n)
		}
	}
	return all
}
