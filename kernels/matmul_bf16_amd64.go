//go:build amd64 && !purego

package kernels

import (
	"encoding/binary"
	"math"
	"math/rand/v2"
	"sync"
	"time"
	"unsafe"

	"llavabench/internal/tensor"
)

// A dotReader is the reader of VDPBF16PS: a column is a pair of bf16. It is used where it is exact and the faster way.
type dotReader struct {
	reader
	missing string
	fma     func(n int) // probes of the two ways: the same number of pairs a turn
	dot     func(n int)
	dots    func(acc *[16]float32, a, b *[16]uint32)

	once   sync.Once
	chosen bool
}

// choose decides once whether to use the instruction.
func (d *dotReader) choose() bool {
	d.once.Do(func() { d.chosen = d.missing == "" && dotExact(d.dots) && faster(d.dot, d.fma) })
	return d.chosen
}

// faster reports whether a turn of f takes less than two turns of g: one dot does the work of two multiply-adds.
func faster(f, g func(n int)) bool {
	best := func(f func(n int)) time.Duration {
		d := time.Duration(math.MaxInt64)
		for range 20 {
			start := time.Now()
			callProbe(f, probeTurns)
			d = min(d, time.Since(start))
		}
		return d
	}
	return best(f) < 2*best(g)
}

// dotExact compares the instruction with its definition on random pairs: ordinary ones, any bits, and numbers whose
// products and sums are about the smallest normal one. Its rounding is not documented by all makers; a processor that
// computes something else must not use it.
func dotExact(dots func(acc *[16]float32, a, b *[16]uint32)) bool {
	r := rand.New(rand.NewPCG(1, 2))
	half := func(kind int) uint32 {
		switch kind {
		case 0:
			return r.Uint32() & 0xffff
		case 1:
			return r.Uint32()&0x80ff | uint32(50+r.IntN(24))<<7
		}
		return r.Uint32()&0x80ff | uint32(110+r.IntN(30))<<7
	}
	for n := range 600 {
		var acc [16]float32
		var a, b [16]uint32
		for i := range acc {
			a[i], b[i] = half(n%3)|half(n%3)<<16, half(n%3)|half(n%3)<<16
			acc[i] = math.Float32frombits(half(n%3)<<16 | r.Uint32()&0xffff)
			if n%3 == 1 {
				acc[i] = math.Float32frombits(r.Uint32()&(1<<31) | 1<<23 + r.Uint32N(64))
			}
		}
		got := acc
		dots(&got, &a, &b)
		for i, z := range acc {
			z = fmaFlush(math.Float32frombits(a[i]&^0xffff), math.Float32frombits(b[i]&^0xffff), z)
			z = fmaFlush(math.Float32frombits(a[i]<<16), math.Float32frombits(b[i]<<16), z)
			if math.Float32bits(z) != math.Float32bits(got[i]) && (z == z || got[i] == got[i]) {
				return false
			}
		}
	}
	return true
}

func (t *x86Set) matMulBF16(p *Workers, s *matMulScratch, dst, x []float32, m int, w Weight, bias []float32) {
	if t.dot.choose() {
		t.matMulDot(p, s, dst, x, m, w, bias)
	} else {
		t.matMulSwapped(p, s, dst, x, m, w, bias)
	}
}

// matMulSwapped is the bf16 profile by fused multiply-adds.
func (t *x86Set) matMulSwapped(p *Workers, s *matMulScratch, dst, x []float32, m int, w Weight, bias []float32) {
	rounded := swapActivations(p, s, x, m, w.cols)
	j := &tileJob{tileSet: &t.tileSet, reader: t.swapped, p: p, s: s, dst: dst, x: rounded, m: m, cols: w.cols + w.cols&1, w: w, bias: bias}
	j.run()
}

// matMulDot is the bf16 profile by VDPBF16PS.
func (t *x86Set) matMulDot(p *Workers, s *matMulScratch, dst, x []float32, m int, w Weight, bias []float32) {
	pairs := (w.cols + 1) / 2
	packed := s.activations(m * pairs)
	p.Do(m, func(_, i int) {
		row := packed[i*pairs : (i+1)*pairs]
		row[pairs-1] = 0
		Narrow(floatBytes(row)[:2*w.cols], tensor.BF16, x[i*w.cols:(i+1)*w.cols])
	})
	j := &tileJob{tileSet: &t.tileSet, reader: t.dot.reader, p: p, s: s, dst: dst, x: packed, m: m, cols: pairs, w: w, bias: bias}
	j.run()
}

// floatBytes is the memory of s.
func floatBytes(s []float32) []byte {
	return unsafe.Slice((*byte)(unsafe.Pointer(unsafe.SliceData(s))), 4*len(s))
}

// pairRow is the slow way to read pairs of bf16: the last one of an odd row is filled up with a zero.
func pairRow(dst []float32, row []byte, k0 int) {
	for k := range dst {
		at := 4 * (k0 + k)
		pair := uint32(binary.LittleEndian.Uint16(row[at:]))
		if at+2 < len(row) {
			pair |= uint32(binary.LittleEndian.Uint16(row[at+2:])) << 16
		}
		dst[k] = math.Float32frombits(pair)
	}
}
