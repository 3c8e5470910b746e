package main

import "fmt"

var avx2 = vectorISA{reg: y, bytes: 32, regs: 16, stride: 6, zero: "VXORPS"}

var names256 = kernelNames{suffix: "AVX2", rows: 6, groups: 1, few: 4, quantRows: [][]int{quantFew256}}

func avx2File() []byte {
	a := newFile("amd64 && !purego")
	for g := range 2 {
		a.define(fmt.Sprintf("TRANSPOSE256X%d(disp)", g), func() { a.transpose256(0, 4, group256(g)) })
	}
	a.packRows()
	for rows := 1; rows <= names256.rows; rows++ {
		a.tile(avx2, names256.tile(rows, 1), rows, 2, false)
	}
	for i := range 8 {
		fmt.Fprintf(a, "\nDATA oddMask256<>+%d(SB)/4, $0xffff0000", 4*i)
	}
	fmt.Fprintf(a, "\nGLOBL oddMask256<>(SB), RODATA|NOPTR, $32\n")
	for i := range 4 { // words 0 2 4 6 1 3 5 7 of every half
		fmt.Fprintf(a, "\nDATA evenOdd256<>+%d(SB)/8, $%#x", 8*i, []uint64{0x0d0c090805040100, 0x0f0e0b0a07060302}[i%2])
	}
	fmt.Fprintf(a, "\nGLOBL evenOdd256<>(SB), RODATA|NOPTR, $32\n")
	for _, t := range weightTypes {
		a.pack256(t)
		for rows := 1; rows <= names256.few; rows++ {
			a.row256(t, rows)
		}
	}
	return a.Bytes()
}

// transpose256 loads 16 bytes of each of eight rows and leaves their four dword columns, one row a lane, in Y(d)..Y(d+3).
// It uses Y(t)..Y(t+3). row gives the address of a row.
func (a *asm) transpose256(d, t int, row func(i int) string) {
	for i := range 4 { // row i below, row i+4 above: the one step across the halves costs nothing
		a.op("VMOVDQU", row(i), x(d+i))
		a.op("VINSERTI128", 1, row(i+4), y(d+i), y(d+i))
	}
	a.op("VPUNPCKLDQ", y(d+1), y(d), y(t))
	a.op("VPUNPCKHDQ", y(d+1), y(d), y(t+1))
	a.op("VPUNPCKLDQ", y(d+3), y(d+2), y(t+2))
	a.op("VPUNPCKHDQ", y(d+3), y(d+2), y(t+3))
	a.op("VPUNPCKLQDQ", y(t+2), y(t), y(d))
	a.op("VPUNPCKHQDQ", y(t+2), y(t), y(d+1))
	a.op("VPUNPCKLQDQ", y(t+3), y(t+1), y(d+2))
	a.op("VPUNPCKHQDQ", y(t+3), y(t+1), y(d+3))
}

// widen256 turns the dword column in Y(c) into float32 operands for its one or two k, with Y(t) as scratch.
func (a *asm) widen256(t string, c, scratch int) []string {
	switch t {
	case "BF16":
		a.op("VPSLLD", 16, y(c), y(scratch))
		a.op("VPAND", "oddMask256<>(SB)", y(c), y(c))
		return []string{y(scratch), y(c)}
	case "Swap":
		both := a.widen256("BF16", c, scratch)
		return []string{both[1], both[0]}
	case "F16":
		a.op("VPSHUFB", "evenOdd256<>(SB)", y(c), y(c))
		a.op("VPERMQ", "$0xd8", y(c), y(c))
		a.op("VCVTPH2PS", x(c), y(scratch))
		a.op("VEXTRACTI128", 1, y(c), x(c))
		a.op("VCVTPH2PS", x(c), y(c))
		return []string{y(scratch), y(c)}
	}
	return []string{y(c)}
}

// packRows writes the routine that packs activations.
//
//	func packRowsAVX2(dst *float32, stride int, rows *[8]*float32, k int)
//
// dst[k][8] from eight rows, stride bytes from k to k+1: with fewer than 32 the later k overwrite the surplus of the
// earlier, and the last k writes beyond its stride. k is a multiple of 4.
func (a *asm) packRows() {
	params := []string{"dst", "stride", "rows", "k"}
	a.text("packRowsAVX2", "func packRowsAVX2(dst *float32, stride int, rows *[8]*float32, k int)", params...)
	a.load(params, "DI", "SI", "AX", "CX")
	regs := []string{"R8", "R9", "R10", "R11", "R12", "R13", "BX", "DX"}
	for i, r := range regs {
		a.op("MOVQ", at(8*i, "AX", ""), r)
	}
	a.op("XORQ", "AX", "AX")
	a.loopLabel("step")
	a.transpose256(0, 4, func(i int) string { return at(0, regs[i], "(AX*4)") })
	for j := range 4 {
		a.op("VMOVUPS", y(j), "(DI)")
		a.op("ADDQ", "SI", "DI")
	}
	a.op("ADDQ", 4, "AX")
	a.op("CMPQ", "AX", "CX")
	a.op("JLT", "step")
	a.ret()
}

// group256 addresses the rows of half g of a group of sixteen in a macro with parameter disp.
func group256(g int) func(int) string {
	return func(i int) string { return "disp" + rowAddress(8*g+i, 0, weightRows, "DX", "R12") }
}

// transpose is the macro that transposes 16 bytes, disp from the row pointers, of half g.
func transpose(g, disp int) string { return fmt.Sprintf("TRANSPOSE256X%d(%d)", g, disp) }

// pack256 is pack512.
//
//	func packAVX2BF16(dst *float32, stride int, src *byte, ld, k int, next *byte)
func (a *asm) pack256(t string) {
	params := []string{"dst", "stride", "src", "ld", "k", "next"}
	name := names256.pack(t)
	a.text(name, "func "+name+packSignature, params...)
	a.load(params, "DI", "SI", "R8", "DX", "CX", "R13")
	a.rowBases(weightRows, "DX", "R12")
	a.loopLabel("step")
	a.prefetchStart()
	a.op("LEAQ", "32(DI)", "AX")
	for g, dst := range []string{"DI", "AX"} {
		for piece := range 4 {
			a.op(transpose(g, 16*piece))
			for c := range 4 {
				if c%2 == 0 {
					a.prefetchRow()
				}
				for _, r := range a.widen256(t, c, 4+c%2) {
					a.op("VMOVUPS", r, "("+dst+")")
					a.op("ADDQ", "SI", dst)
				}
			}
		}
	}
	a.op("ADDQ", "BX", "R13")
	a.nextStep(t)
	a.ret()
}

// row256 is row512 for 1 to 4 rows. The two halves of the sixteen outputs alternate, for two chains at a time, and the
// second half is a cache line behind the first: where rows are a multiple of 4 KiB apart, sixteen lines of one column do
// not fit their set of the first-level cache, eight do.
//
//	func rowsAVX2BF16x1(c *float32, ldc int, x *float32, src *byte, ld, k int, next *byte, bias *float32)
func (a *asm) row256(t string, rows int) {
	params := []string{"c", "ldc", "x", "src", "ld", "k", "next", "bias"}
	name := names256.row(t, rows)
	a.text(name, "func "+name+rowsSignature, params...)
	a.load(params, "DI", "SI", "BX", "R8", "DX", "CX", "R13")
	a.rowBases(weightRows, "DX", "R12")
	acc := func(g, m int) string { return y(8 + g*rows + m) }
	for i := range 2 * rows {
		a.op("VXORPS", acc(0, i), acc(0, i), acc(0, i))
	}
	if t == "Swap" {
		a.setFlush("AX")
	}
	stride := 4 * rowStride(rows)
	piece := func(g, piece, back int) {
		a.op(transpose(g, 16*piece-64*back))
		k := elements(t) * (piece - 4*back) / 4
		for c := range 4 {
			if g == 0 {
				a.op("PREFETCHT1", at(64*(4*piece+c), "R13", ""))
			}
			for _, r := range a.widen256(t, c, 4+c%2) {
				for m := range rows {
					b := y(6 + (k*rows+m)&1)
					a.op("VBROADCASTSS", at(k*stride+4*m, "BX", ""), b)
					a.op("VFMADD231PS", b, r, acc(g, m))
				}
				k++
			}
		}
	}
	advance := func() {
		a.op("ADDQ", elements(t)*stride, "BX")
		for _, r := range weightRows {
			a.op("ADDQ", 64, r)
		}
		a.op("ADDQ", 1024, "R13")
		a.op("SUBQ", elements(t), "CX")
	}
	for i := range 4 {
		piece(0, i, 0)
	}
	advance()
	a.op("JZ", "last")
	a.loopLabel("step")
	for i := range 4 {
		piece(0, i, 0)
		piece(1, i, 1)
	}
	advance()
	a.op("JNZ", "step")
	a.label("last")
	for i := range 4 {
		piece(1, i, 1)
	}
	if t == "Swap" {
		a.restoreFlush()
	}
	a.op("MOVQ", "bias+56(FP)", "AX")
	a.op("TESTQ", "AX", "AX")
	a.op("JZ", "store")
	for g := range 2 {
		a.op("VMOVUPS", at(32*g, "AX", ""), y(g))
		for m := range rows {
			a.op("VADDPS", y(g), acc(g, m), acc(g, m))
		}
	}
	a.label("store")
	for m := range rows {
		for g := range 2 {
			a.op("VMOVUPS", acc(g, m), at(32*g, "DI", ""))
		}
		if m < rows-1 {
			a.op("ADDQ", "SI", "DI")
		}
	}
	a.ret()
}
