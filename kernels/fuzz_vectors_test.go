package kernels

import (
	"encoding/binary"
	"math"
	"testing"

	"llavabench/internal/tensor"
)

// floats reads float32 numbers from fuzzed bytes.
func floats(b []byte) []float32 {
	x := make([]float32, len(b)/4)
	for i := range x {
		x[i] = math.Float32frombits(binary.LittleEndian.Uint32(b[4*i:]))
	}
	return x
}

// FuzzVectors compares every element-wise kernel and every sum with the reference on arbitrary bits.
func FuzzVectors(f *testing.F) {
	for _, n := range []int{1, 7, 16, 33, 70} {
		b := make([]byte, 4*n)
		for i := range b {
			b[i] = byte(i*i*7 + i>>3)
		}
		f.Add(b, math.Float32bits(0.5))
	}
	f.Fuzz(func(t *testing.T, b []byte, by uint32) {
		x := floats(b)
		if len(x) == 0 {
			return
		}
		n := len(x)
		scalar := math.Float32frombits(by)
		for i := range isas {
			if isas[i].missing != "" {
				continue
			}
			v := &isas[i].vectorSet
			same := func(name string, run func(v *vectorSet, x, out []float32)) {
				want, got := clone(x), clone(x)
				run(&reference, clone(x), want)
				run(v, clone(x), got)
				requireSameFloats(t, want, got, isas[i].name+" "+name)
			}
			same("quickGELU", func(v *vectorSet, _, out []float32) { v.quickGELU(out) })
			same("gelu", func(v *vectorSet, _, out []float32) { v.gelu(out) })
			same("geluTanh", func(v *vectorSet, _, out []float32) { v.geluTanh(out) })
			same("siluMul", func(v *vectorSet, x, out []float32) { v.siluMul(out, x) })
			same("add", func(v *vectorSet, x, out []float32) { v.add(out, x) })
			same("divide", func(v *vectorSet, x, out []float32) { v.attention.divide(out, x, scalar) })
			same("rotate", func(v *vectorSet, x, out []float32) { v.rotate(out, x, clone(x), clone(out)) })
			same("normRow", func(v *vectorSet, x, out []float32) { v.normRow(out, x, x, x, scalar, scalar) })
			same("sums", func(v *vectorSet, x, out []float32) {
				out[0] = v.sumRow(x)
				if n > 1 {
					out[1] = v.sumSquares(x, scalar)
				}
			})
			same("f16", func(v *vectorSet, x, out []float32) {
				h := make([]byte, 2*n)
				v.f16.narrow(h, x)
				v.f16.widen(out, h)
			})
			same("bf16", func(v *vectorSet, x, out []float32) {
				h := make([]byte, 2*n)
				v.bf16.narrow(h, x)
				v.bf16.widen(out, h)
			})
			same("expBlocks", func(v *vectorSet, x, out []float32) {
				s := make([]float32, roundUp(n, keyPanel))
				for j := copy(s, x); j < len(s); j++ {
					s[j] = negInf
				}
				sum := v.attention.expBlocks(s, keyPanel, len(s)/keyPanel)
				v.attention.divide(out, s[:n], sum)
			})
		}
	})
}

// FuzzAttend compares Attend with its definition on every instruction set, for shapes and data from the fuzzer.
func FuzzAttend(f *testing.F) {
	f.Add(uint8(40), uint8(7), uint8(33), uint8(2), uint8(1), uint8(0), uint64(1), []byte{1, 2, 3, 4})
	f.Add(uint8(70), uint8(70), uint8(16), uint8(1), uint8(7), uint8(20), uint64(2), []byte{0, 0, 0x80, 0xff})
	f.Add(uint8(5), uint8(1), uint8(64), uint8(1), uint8(3), uint8(3), uint64(3), []byte{})
	f.Fuzz(func(t *testing.T, keys, rows, dim, kvHeads, group, window uint8, seed uint64, special []byte) {
		c := attendCase{
			keys: 1 + int(keys)%100, dim: 1 + int(dim)%70, kvHeads: 1 + int(kvHeads)%3,
			dtype: []tensor.DType{tensor.F32, tensor.F16, tensor.BF16}[seed%3],
			a:     Attention{Causal: seed/3%4 != 0, Window: int(window) % 64},
		}
		c.rows = 1 + int(rows)%c.keys
		c.heads = c.kvHeads * (1 + int(group)%8)
		c = c.fill(seed)
		for i, v := range floats(special) {
			for _, x := range [][]float32{c.k, c.v, c.q} {
				x[(i*31+int(seed%97))%len(x)] = v
			}
		}
		before := ISA()
		defer func() {
			if err := Select(before); err != nil {
				t.Fatal(err)
			}
		}()
		want := c.reference()
		for _, name := range ISAs() {
			if err := Select(name); err != nil {
				t.Fatal(err)
			}
			requireSameFloats(t, want, c.attend(nil), name+": "+c.String())
		}
	})
}
