package kernels

import (
	"fmt"
	"testing"
	"time"

	"llavabench/internal/tensor"
)

// BenchmarkAttend reports the arithmetic rate of attention, the keys that are seen alone counted, and its share of the fp32
// multiply-add peak. Decode steps, with one row, report the keys and values read instead.
func BenchmarkAttend(b *testing.B) {
	causal := Attention{Causal: true}
	for _, c := range []struct {
		name string
		attendCase
	}{
		{"vit-l-336", attendCase{heads: 16, kvHeads: 16, dim: 64, keys: 577, rows: 577, dtype: tensor.F32}},
		{"vit-so400m", attendCase{heads: 16, kvHeads: 16, dim: 72, keys: 729, rows: 729, dtype: tensor.F32}},
		{"llama7b-640", attendCase{heads: 32, kvHeads: 32, dim: 128, keys: 640, rows: 640, dtype: tensor.F16, a: causal}},
		{"llama7b-3000", attendCase{heads: 4, kvHeads: 4, dim: 128, keys: 3000, rows: 3000, dtype: tensor.F16, a: causal}},
		{"llama7b-3000-f32", attendCase{heads: 4, kvHeads: 4, dim: 128, keys: 3000, rows: 3000, dtype: tensor.F32, a: causal}},
		{"mistral7b-3000", attendCase{heads: 8, kvHeads: 2, dim: 128, keys: 3000, rows: 3000, dtype: tensor.BF16, a: causal}},
		{"mistral7b-window", attendCase{heads: 8, kvHeads: 2, dim: 128, keys: 3000, rows: 3000, dtype: tensor.BF16, a: Attention{Causal: true, Window: 1024}}},
		{"decode-mha-3000", attendCase{heads: 32, kvHeads: 32, dim: 128, keys: 3000, rows: 1, dtype: tensor.F16, a: causal}},
		{"decode-gqa-3000", attendCase{heads: 32, kvHeads: 8, dim: 128, keys: 3000, rows: 1, dtype: tensor.BF16, a: causal}},
	} {
		name, c := c.name, c.fill(1)
		kv, dst := c.kv(nil), make([]float32, len(c.q))
		seen := 0
		for r := range c.rows {
			seen += len(c.sees(r))
		}
		for _, isa := range benchISAs() {
			for _, n := range benchWorkers() {
				b.Run(fmt.Sprintf("%s/isa=%s/workers=%d", name, isa, n), func(b *testing.B) {
					useISA(b, isa)
					w := testWorkers(b, n)
					g := gauge{limit: peakProbe(b, w, "fp32 fma"), amount: 4 * float64(seen*c.heads*c.dim)}
					for b.Loop() {
						g.run(b, func() { w.Attend(dst, c.q, c.rows, c.heads, kv, c.a) })
					}
					g.report(b, "GFLOP/s", "%peak")
					if c.rows == 1 {
						read := float64(2 * c.keys * c.kvHeads * c.dim * c.dtype.Size())
						b.ReportMetric(median(g.rates)*read/g.amount, "GB/s")
					}
				})
			}
		}
	}
}

// BenchmarkElements reports the rate of the element-wise kernels in elements per second, at sizes of a 7B prefill of 64
// rows (in L2) on one worker.
func BenchmarkElements(b *testing.B) {
	const rows, width = 32, 4096
	x, y, weight := make([]float32, rows*width), make([]float32, rows*width), make([]float32, width)
	half := make([]byte, 2*len(x))
	cos, sin := RopeTable(RopeFrequencies(1e4, 128), 0, rows)
	kv16, kv32 := NewKV(32, 128, rows, tensor.F16), NewKV(32, 128, rows, tensor.F32)
	var w *Workers
	for _, c := range []struct {
		name string
		f    func()
	}{
		{"layernorm", func() { w.LayerNorm(y, x, rows, width, weight, weight, 1e-5) }},
		{"rmsnorm", func() { w.RMSNorm(y, x, rows, width, weight, 1e-5) }},
		{"quickgelu", func() { w.QuickGELU(x) }},
		{"gelu", func() { w.GELU(x) }},
		{"gelutanh", func() { w.GELUTanh(x) }},
		{"silumul", func() { w.SiLUMul(x, y) }},
		{"add", func() { w.Add(x, y) }},
		{"rope", func() { w.Rope(x, rows, width/128, 128, cos, sin) }},
		{"softmax", func() { w.Softmax(x, rows, width) }},
		{"argmax", func() { Argmax(x) }},
		{"widen-f16", func() { Widen(x, tensor.F16, half) }},
		{"widen-bf16", func() { Widen(x, tensor.BF16, half) }},
		{"narrow-f16", func() { Narrow(half, tensor.F16, x) }},
		{"narrow-bf16", func() { Narrow(half, tensor.BF16, x) }},
		{"append-f16", func() { kv16.Truncate(0); kv16.Append(w, x, y, rows) }},
		{"append-f32", func() { kv32.Truncate(0); kv32.Append(w, x, y, rows) }},
	} {
		b.Run(c.name, func(b *testing.B) {
			best := time.Hour
			for i := range x {
				x[i], y[i] = float32(i%17)-8, float32(i%13)
			}
			for b.Loop() {
				start := time.Now()
				c.f()
				best = min(best, time.Since(start))
			}
			b.ReportMetric(float64(len(x))/best.Seconds()/1e9, "Gelem/s")
		})
	}
}
