package kernels

import (
	"testing"

	"llavabench/internal/tensor"
)

// A worker that does nothing but call kernels must not hold up the garbage collector.
func TestVectorsCollect(t *testing.T) {
	eachISA(t, func(t *testing.T) {
		if ISA() == "purego" {
			t.Skip("plain Go is preempted anywhere")
		}
		n := 1 << 20
		x, y := make([]float32, n), make([]float32, n)
		half := make([]byte, 2*n)
		long := attendCase{heads: 8, kvHeads: 1, dim: 128, keys: 4096, rows: 64, dtype: tensor.BF16, a: Attention{Causal: true}}.fill(1)
		kv := long.kv(nil)
		dst := make([]float32, len(long.q))
		cos, sin := make([]float32, n/2), make([]float32, n/2)
		var w *Workers
		for name, f := range map[string]func(){
			"activations": func() { w.GELU(x); w.GELUTanh(x); w.QuickGELU(x); w.SiLUMul(x, y); w.Add(x, y) },
			"norms": func() {
				w.LayerNorm(x, y, n/4096, 4096, y[:4096], y[:4096], 1e-5)
				w.RMSNorm(x, y, n/4096, 4096, y[:4096], 1e-5)
			},
			"one norm": func() { w.RMSNorm(x, y, 1, n, y, 1e-5) },
			"conversions": func() {
				for _, d := range []tensor.DType{tensor.F16, tensor.BF16} {
					Narrow(half, d, x)
					Widen(y, d, half)
				}
			},
			"rope":    func() { w.Rope(x, n/4096, 32, 128, cos[:n/4096*64], sin[:n/4096*64]) },
			"softmax": func() { w.Softmax(x, n/4096, 4096) },
			"attend":  func() { w.Attend(dst, long.q, long.rows, long.heads, kv, long.a) },
		} {
			t.Run(name, func(t *testing.T) { requireCollectable(t, f) })
		}
	})
}
