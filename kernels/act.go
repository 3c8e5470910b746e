package kernels

// Activations and sums on flat slices. Every element stands alone, so the split over workers changes nothing.

// elementChunk is the number of elements that a worker takes at a time: about 10 µs of the slowest function here, far
// more than a hand-over costs and short enough for the garbage collector never to wait.
const elementChunk = 8192

// Constants of the activations, each the float32 nearest to its value.
const (
	quickGELUScale float32 = 1.702
	sqrtHalf       float32 = 0x1.6a09e6p-1  // √½
	geluTanhA      float32 = -0x1.988454p+0 // -2·√(2/π)
	geluTanhB      float32 = -0x1.2444f2p-4 // 0.044715 of that
)

// quickGELUf returns x·sigmoid(1.702·x) as x / (1 + expf(-1.702·x)), four roundings.
func quickGELUf(x float32) float32 { return x / (1 + expf(float32(-quickGELUScale*x))) }

// geluf returns x/2·(1 + erf(x/√2)): h = x/2, e = erff(x·√½), fma(h, e, h).
func geluf(x float32) float32 {
	h := float32(0.5 * x)
	return FMA32(h, erff(float32(x*sqrtHalf)), h)
}

// geluTanhf returns x/2·(1 + tanh(√(2/π)·(x + 0.044715·x³))). Since (1 + tanh z)/2 = sigmoid(2z), it is computed without a
// tanh and without cancellation as x / (1 + expf(x·fma(x·x, B, A))) with A = -2·√(2/π) and B = 0.044715·A.
func geluTanhf(x float32) float32 {
	return x / (1 + expf(float32(x*FMA32(float32(x*x), geluTanhB, geluTanhA))))
}

// siluf returns x·sigmoid(x) as x / (1 + expf(-x)).
func siluf(x float32) float32 { return x / (1 + expf(-x)) }

// QuickGELU replaces every x by x·sigmoid(1.702·x), the activation of OpenAI's CLIP. The definition is
// x / (1 + exp(-1.702·x)) with this package's exp; the error is below 4 ulp near zero and grows with the rounding of
// 1.702·x to about |x| ulp beyond.
func (w *Workers) QuickGELU(x []float32) {
	w.chunks(len(x), func(lo, hi int) { vector().quickGELU(x[lo:hi]) })
}

// GELU replaces every x by x/2·(1 + erf(x/√2)), the exact form.
func (w *Workers) GELU(x []float32) {
	w.chunks(len(x), func(lo, hi int) { vector().gelu(x[lo:hi]) })
}

// GELUTanh replaces every x by x/2·(1 + tanh(√(2/π)·(x + 0.044715·x³))), the form of SigLIP ("gelu_pytorch_tanh").
func (w *Workers) GELUTanh(x []float32) {
	w.chunks(len(x), func(lo, hi int) { vector().geluTanh(x[lo:hi]) })
}

// SiLUMul replaces every gate[i] by silu(gate[i])·up[i], where silu(g) = g / (1 + exp(-g)), rounded before the product.
// The slices must have the same length.
func (w *Workers) SiLUMul(gate, up []float32) {
	checkSame("SiLUMul", len(gate), len(up))
	w.chunks(len(gate), func(lo, hi int) { vector().siluMul(gate[lo:hi], up[lo:hi]) })
}

// Add adds x to dst element by element. The slices must have the same length.
func (w *Workers) Add(dst, x []float32) {
	checkSame("Add", len(dst), len(x))
	w.chunks(len(dst), func(lo, hi int) { vector().add(dst[lo:hi], x[lo:hi]) })
}

// chunks calls f for consecutive pieces of 0..n, in parallel.
func (w *Workers) chunks(n int, f func(lo, hi int)) {
	if n <= elementChunk {
		if n > 0 {
			f(0, n)
		}
		return
	}
	w.Do((n+elementChunk-1)/elementChunk, func(_, task int) {
		lo := task * elementChunk
		f(lo, min(lo+elementChunk, n))
	})
}

func quickGELUGo(x []float32) {
	for i, v := range x {
		x[i] = quickGELUf(v)
	}
}

func geluGo(x []float32) {
	for i, v := range x {
		x[i] = geluf(v)
	}
}

func geluTanhGo(x []float32) {
	for i, v := range x {
		x[i] = geluTanhf(v)
	}
}

func siluMulGo(gate, up []float32) {
	for i, v := range gate {
		gate[i] = float32(siluf(v) * up[i])
	}
}

func addGo(dst, x []float32) {
	for i, v := range x {
		dst[i] += v
	}
}
