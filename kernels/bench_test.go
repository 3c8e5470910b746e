package kernels

import (
	"fmt"
	"math/rand/v2"
	"runtime"
	"slices"
	"sync"
	"testing"
	"time"

	"llavabench/internal/tensor"
)

// A gauge compares a kernel with a limit of the machine that is measured between its runs: on a shared machine neither
// number means much alone.
type gauge struct {
	limit  func() float64 // per second
	amount float64        // what one run of the kernel does, in the limit's unit
	ratios []float64
	rates  []float64
}

// run times one run of the kernel between two readings of the limit.
func (g *gauge) run(b *testing.B, kernel func()) {
	b.StopTimer()
	before := g.limit()
	b.StartTimer()
	start := time.Now()
	kernel()
	took := time.Since(start).Seconds()
	b.StopTimer()
	g.ratios = append(g.ratios, 100*g.amount/took/max(before, g.limit()))
	g.rates = append(g.rates, g.amount/took/1e9)
	b.StartTimer()
}

func (g *gauge) report(b *testing.B, unit, ratio string) {
	b.ReportMetric(median(g.rates), unit)
	b.ReportMetric(median(g.ratios), ratio)
}

func median(v []float64) float64 {
	v = slices.Clone(v)
	slices.Sort(v)
	return v[len(v)/2]
}

// benchWorkers are the pool sizes of the benchmarks.
func benchWorkers() []int { return slices.Compact([]int{1, min(2, runtime.NumCPU())}) }

// peakProbe measures the first peak of the instruction set (fp32 multiply-adds) or the named one.
func peakProbe(b *testing.B, p *Workers, name string) func() float64 {
	for _, pr := range active.Load().probes {
		if pr.name == name {
			return func() float64 { return p.peak(pr, 8*time.Millisecond) }
		}
	}
	b.Skipf("no %s here", name)
	return nil
}

func benchISAs() []string { return ISAs()[1:] }

func randomFloats(r *rand.Rand, n int) []float32 {
	x := make([]float32, n)
	for i := range x {
		x[i] = float32(r.NormFloat64())
	}
	return x
}

// randomBytes fills n bytes with weights that are finite in every element type.
func randomBytes(r *rand.Rand, n int) []byte {
	b := make([]byte, n)
	for i := range b {
		b[i] = byte(r.Uint32())
	}
	for i := 1; i < n; i += 2 {
		b[i] &= 0xb7 // exponents far from the largest
	}
	return b
}

func benchWeight(b *testing.B, r *rand.Rand, d tensor.DType, n, k int) Weight {
	chunk := randomBytes(r, 1<<16)
	data := make([]byte, n*k*d.Size())
	for i := 0; i < len(data); i += copy(data[i:], chunk) {
	}
	w, err := NewWeight(d, n, k, data)
	if err != nil {
		b.Fatal(err)
	}
	return w
}

// Prefill: many rows, as per cent of the fp32 multiply-add peak of the workers together.
func BenchmarkPrefill(b *testing.B) {
	r := rand.New(rand.NewPCG(1, 1))
	for _, name := range benchISAs() {
		for _, d := range floatTypes {
			for _, s := range [][3]int{{640, 4096, 4096}, {640, 11008, 4096}, {640, 4096, 11008}, {64, 4096, 4096}} {
				w := benchWeight(b, r, d, s[1], s[2])
				for _, n := range benchWorkers() {
					b.Run(fmt.Sprintf("isa=%s/type=%s/m=%d/n=%d/k=%d/workers=%d", name, d, s[0], s[1], s[2], n), func(b *testing.B) {
						useISA(b, name)
						p := testWorkers(b, n)
						benchProduct(b, p, s[0], w, "fp32 fma", p.MatMul)
					})
				}
			}
		}
	}
}

// Prefill in the bf16 profile, as per cent of the dot's peak where the machine has it.
func BenchmarkPrefillBF16(b *testing.B) {
	r := rand.New(rand.NewPCG(1, 1))
	for _, name := range benchISAs() {
		for _, s := range [][3]int{{640, 4096, 4096}, {640, 11008, 4096}, {640, 4096, 11008}, {64, 4096, 4096}} {
			w := benchWeight(b, r, tensor.BF16, s[1], s[2])
			for _, n := range benchWorkers() {
				b.Run(fmt.Sprintf("isa=%s/m=%d/n=%d/k=%d/workers=%d", name, s[0], s[1], s[2], n), func(b *testing.B) {
					useISA(b, name)
					limit := "fp32 fma"
					if slices.Contains(Features(), "avx512bf16") && name == "avx512" {
						limit = "bf16 dot"
					}
					p := testWorkers(b, n)
					benchProduct(b, p, s[0], w, limit, p.MatMulBF16)
				})
			}
		}
	}
}

func benchProduct(b *testing.B, p *Workers, m int, w Weight, limit string, product func(dst, x []float32, m int, w Weight, bias []float32)) {
	r := rand.New(rand.NewPCG(2, 2))
	x, dst := randomFloats(r, m*w.Cols()), make([]float32, m*w.Rows())
	g := gauge{limit: peakProbe(b, p, limit), amount: 2 * float64(m) * float64(w.Rows()) * float64(w.Cols())}
	product(dst, x, m, w, nil)
	for b.Loop() {
		g.run(b, func() { product(dst, x, m, w, nil) })
	}
	g.report(b, "GFLOP/s", "%peak")
}

// Prefill with quantised weights, as per cent of the peak of exact integer dots.
func BenchmarkPrefillQuant(b *testing.B) {
	r := rand.New(rand.NewPCG(1, 1))
	for _, name := range benchISAs() {
		for _, f := range allQuantFormats {
			for _, s := range [][3]int{{640, 4096, 4096}, {640, 4096, 11008}, {64, 4096, 4096}} {
				codes, scales := f.Sizes(s[1], s[2])
				w := benchQuantWeight(b, f, s[1], s[2], randomBytes(r, int(codes)), randomBytes(r, int(scales)))
				for _, n := range benchWorkers() {
					b.Run(fmt.Sprintf("isa=%s/type=%s/m=%d/n=%d/k=%d/workers=%d", name, f, s[0], s[1], s[2], n), func(b *testing.B) {
						useISA(b, name)
						limit := "int16 dot"
						if slices.Contains(Features(), "avx512vnni") && name == "avx512" {
							limit = "int8 dot"
						}
						p := testWorkers(b, n)
						benchProduct(b, p, s[0], w, limit, p.MatMul)
					})
				}
			}
		}
	}
}

func benchQuantWeight(b *testing.B, f QuantFormat, rows, cols int, codes, scales []byte) Weight {
	w, err := NewQuantWeight(f, rows, cols, codes, scales)
	if err != nil {
		b.Fatal(err)
	}
	return w
}

// Decode: few rows and more weights than the caches hold, as per cent of the read bandwidth of the workers together.
func BenchmarkDecode(b *testing.B) {
	data := streamData()
	for _, name := range benchISAs() {
		for _, d := range floatTypes {
			for _, m := range []int{1, 2, 4, 8} {
				for _, k := range []int{4096, 11008} {
					for _, n := range benchWorkers() {
						b.Run(fmt.Sprintf("isa=%s/type=%s/m=%d/k=%d/workers=%d", name, d, m, k, n), func(b *testing.B) {
							useISA(b, name)
							p := testWorkers(b, n)
							benchStream(b, p, data, benchFloatWeights(b, d, k, data), m, p.MatMul)
						})
					}
				}
			}
		}
	}
}

// Decode in the bf16 profile.
func BenchmarkDecodeBF16(b *testing.B) {
	data := streamData()
	for _, name := range benchISAs() {
		for _, m := range []int{1, 8} {
			for _, k := range []int{4096, 11008} {
				for _, n := range benchWorkers() {
					b.Run(fmt.Sprintf("isa=%s/m=%d/k=%d/workers=%d", name, m, k, n), func(b *testing.B) {
						useISA(b, name)
						p := testWorkers(b, n)
						benchStream(b, p, data, benchFloatWeights(b, tensor.BF16, k, data), m, p.MatMulBF16)
					})
				}
			}
		}
	}
}

// benchFloatWeights cuts data into matrices.
func benchFloatWeights(b *testing.B, d tensor.DType, k int, data []byte) []Weight {
	size := streamRows * k * d.Size()
	var ws []Weight
	for i := 0; i+size <= len(data); i += size {
		w, err := NewWeight(d, streamRows, k, data[i:i+size])
		if err != nil {
			b.Fatal(err)
		}
		ws = append(ws, w)
	}
	return ws
}

// Decode with quantised weights.
func BenchmarkDecodeQuant(b *testing.B) {
	data := streamData()
	for _, name := range benchISAs() {
		for _, f := range allQuantFormats {
			for _, m := range []int{1, 8} {
				for _, k := range []int{4096, 11008} {
					for _, n := range benchWorkers() {
						b.Run(fmt.Sprintf("isa=%s/type=%s/m=%d/k=%d/workers=%d", name, f, m, k, n), func(b *testing.B) {
							useISA(b, name)
							codes, scales := f.Sizes(streamRows, k)
							var ws []Weight
							for i := 0; i+int(codes+scales) <= len(data); i += int(codes + scales) {
								at := i + int(codes)
								ws = append(ws, benchQuantWeight(b, f, streamRows, k, data[i:at], data[at:at+int(scales)]))
							}
							p := testWorkers(b, n)
							benchStream(b, p, data, ws, m, p.MatMul)
						})
					}
				}
			}
		}
	}
}

// streamRows is the number of rows of the matrices that decode benchmarks go through.
const streamRows = 4096

// streamData is memory for weights that no cache holds. It is kept for all benchmarks.
var streamData = sync.OnceValue(func() []byte {
	data, err := streamMemory(2 << 30)
	if err != nil {
		panic(err)
	}
	chunk := randomBytes(rand.New(rand.NewPCG(1, 1)), 1<<20)
	for i := 0; i < len(data); i += copy(data[i:], chunk) {
	}
	return data
})

// benchStream multiplies by one matrix after the other through data.
func benchStream(b *testing.B, p *Workers, data []byte, ws []Weight, m int, product func(dst, x []float32, m int, w Weight, bias []float32)) {
	x, dst := randomFloats(rand.New(rand.NewPCG(2, 2)), m*ws[0].Cols()), make([]float32, m*streamRows)
	g := gauge{limit: func() float64 { return p.ReadRate(data[:512<<20]) }, amount: float64(int64(len(ws)) * ws[0].Bytes())}
	for b.Loop() {
		g.run(b, func() {
			for _, w := range ws {
				product(dst, x, m, w, nil)
			}
		})
	}
	g.report(b, "GB/s", "%read")
}
