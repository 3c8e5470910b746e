package main

// A vectorISA is what the tile kernels of AVX2 and AVX-512 differ in.
type vectorISA struct {
	reg    func(int) string
	bytes  int // of a register
	regs   int
	stride int // rows of a packed panel of activations
	zero   string
}

var tileParams = []string{"c", "ldc", "a", "b", "k", "flags", "bias"}

// tile writes the kernel of an outer-product tile of rows x vecs registers: c[rows][…] = or += a·b, where a is packed
// [k][stride] and b [k][vecs*lanes]. The accumulators hold the tile for all of k.
//
//	func tileAVX512x8x48(c *float32, ldc int, a, b *float32, k, flags int, bias *float32)
//
// ldc is in bytes. Bit 0 of flags starts the chains at +0 instead of c; bit 1 flushes subnormal operands and results of the
// chains. bias, one row, is added at the end unless nil. The rows below the tile are prefetched: the next tile's.
//
// With dot, k counts pairs of bf16 and a step is VDPBF16PS.
func (a *asm) tile(v vectorISA, name string, rows, vecs int, dot bool) {
	width := vecs * v.bytes
	a.text(name, "func "+name+tileSignature, tileParams...)
	a.load(tileParams, "DI", "SI", "AX", "BX", "CX", "DX", "R8")
	c := []string{"DI", "R10"}[:(rows+3)/4]
	a.rowBases(c, "SI", "R9")
	acc := func(r, i int) string { return v.reg(r*vecs + i) }

	a.op("MOVQ", "SI", "R11")
	a.op("IMULQ", rows, "R11")
	a.op("ADDQ", "DI", "R11")
	for range rows {
		for d := 0; d < width; d += 64 {
			a.op("PREFETCHT0", at(d, "R11", ""))
		}
		a.op("ADDQ", "SI", "R11")
	}
	a.op("TESTQ", 1, "DX")
	a.op("JNE", "zero")
	for r := range rows {
		for i := range vecs {
			a.op("VMOVUPS", rowAddress(r, i*v.bytes, c, "SI", "R9"), acc(r, i))
		}
	}
	a.op("JMP", "start")
	a.label("zero")
	for i := range rows * vecs {
		a.op(v.zero, v.reg(i), v.reg(i), v.reg(i))
	}
	a.label("start")
	a.op("MOVQ", "DX", "R11")
	a.op("TESTQ", 2, "R11")
	a.op("JZ", "keep")
	a.setFlush("DX")
	a.label("keep")
	a.op("MOVQ", "CX", "DX")
	a.op("ANDQ", 3, "DX")
	a.op("SHRQ", 2, "CX")
	a.op("JZ", "rest")
	a.loopLabel("four")
	for k := range 4 {
		a.tileStep(v, rows, vecs, k, dot)
	}
	a.op("ADDQ", 4*4*v.stride, "AX")
	a.op("ADDQ", 4*width, "BX")
	a.op("DECQ", "CX")
	a.op("JNZ", "four")
	a.label("rest")
	a.op("TESTQ", "DX", "DX")
	a.op("JZ", "finish")
	a.label("one")
	a.tileStep(v, rows, vecs, 0, dot)
	a.op("ADDQ", 4*v.stride, "AX")
	a.op("ADDQ", width, "BX")
	a.op("DECQ", "DX")
	a.op("JNZ", "one")
	a.label("finish")
	a.op("TESTQ", 2, "R11")
	a.op("JZ", "kept")
	a.restoreFlush()
	a.label("kept")
	a.op("TESTQ", "R8", "R8")
	a.op("JZ", "store")
	for i := range vecs {
		b := v.reg(rows * vecs)
		a.op("VMOVUPS", at(i*v.bytes, "R8", ""), b)
		for r := range rows {
			a.op("VADDPS", b, acc(r, i), acc(r, i))
		}
	}
	a.label("store")
	for r := range rows {
		for i := range vecs {
			a.op("VMOVUPS", acc(r, i), rowAddress(r, i*v.bytes, c, "SI", "R9"))
		}
	}
	a.ret()
}

// tileStep is one k: every weight of it times every activation of it.
func (a *asm) tileStep(v vectorISA, rows, vecs, k int, dot bool) {
	b := rows * vecs
	for i := range vecs {
		a.op("VMOVUPS", at((k*vecs+i)*v.bytes, "BX", ""), v.reg(b+i))
	}
	free := v.regs - b - vecs
	for r := range rows {
		t := b + vecs + r%free
		a.op("VBROADCASTSS", at(4*(k*v.stride+r), "AX", ""), v.reg(t))
		for i := range vecs {
			if dot {
				a.vdpbf16ps(t, b+i, r*vecs+i)
			} else {
				a.op("VFMADD231PS", v.reg(t), v.reg(b+i), v.reg(r*vecs+i))
			}
		}
	}
}
