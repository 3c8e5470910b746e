package main

import "fmt"

var avx512 = vectorISA{reg: z, bytes: 64, regs: 32, stride: 8, zero: "VPXORQ"}

var names512 = kernelNames{suffix: "AVX512", rows: 8, groups: 3, few: 8, dot: true, quantRows: [][]int{{quantFew512, quantFew512}, {quantRows512, quantRows512}}}

func avx512File() []byte {
	a := newFile("amd64 && !purego")
	a.define("TRANSPOSE512", a.transpose512)
	for i := range 8 { // words 0 2 4 … 30, 1 3 5 … 31
		low := uint64(i%4*8 + i/4)
		fmt.Fprintf(a, "\nDATA evenOdd<>+%d(SB)/8, $%#x", 8*i, low|(low+2)<<16|(low+4)<<32|(low+6)<<48)
	}
	fmt.Fprintf(a, "\nGLOBL evenOdd<>(SB), RODATA|NOPTR, $64\n")
	for groups := 1; groups <= names512.groups; groups++ {
		for rows := 1; rows <= names512.rows; rows++ {
			a.tile(avx512, names512.tile(rows, groups), rows, groups, false)
			a.tile(avx512, names512.dotTile(rows, groups), rows, groups, true)
		}
	}
	for _, t := range weightTypes {
		a.pack512(t)
		for rows := 1; rows <= names512.few; rows++ {
			a.row512(t, rows)
		}
	}
	for rows := 1; rows <= names512.few; rows++ {
		a.row512("Dot", rows)
	}
	params := []string{"acc", "a", "b"}
	a.text("dotsAVX512", "func dotsAVX512(acc *[16]float32, a, b *[16]uint32)", params...)
	a.load(params, "DI", "SI", "DX")
	a.op("VMOVUPS", "(DI)", "Z0")
	a.op("VMOVUPS", "(SI)", "Z1")
	a.op("VMOVUPS", "(DX)", "Z2")
	a.vdpbf16ps(2, 1, 0)
	a.op("VMOVUPS", "Z0", "(DI)")
	a.ret()
	return a.Bytes()
}

// weightRows are the registers of the sixteen weight rows: bases of rows 0, 4, 8 and 12, and their distances.
var weightRows = []string{"R8", "R9", "R10", "R11"}

// transpose512 is a macro: it loads 64 bytes of each of sixteen rows and leaves in Z0..Z15 their sixteen dword columns, ascending, with one
// row a lane. It uses Z16..Z19.
func (a *asm) transpose512() {
	for q := range 4 {
		d, t := 4*q, 16
		for i := range 4 {
			a.op("VMOVDQU32", rowAddress(d+i, 0, weightRows, "DX", "R12"), z(d+i))
		}
		// Two rows interleaved, then two pairs: dword column j of four rows side by side in every quarter.
		a.op("VPUNPCKLDQ", z(d+1), z(d), z(t))
		a.op("VPUNPCKHDQ", z(d+1), z(d), z(t+1))
		a.op("VPUNPCKLDQ", z(d+3), z(d+2), z(t+2))
		a.op("VPUNPCKHDQ", z(d+3), z(d+2), z(t+3))
		a.op("VPUNPCKLQDQ", z(t+2), z(t), z(d))
		a.op("VPUNPCKHQDQ", z(t+2), z(t), z(d+1))
		a.op("VPUNPCKLQDQ", z(t+3), z(t+1), z(d+2))
		a.op("VPUNPCKHQDQ", z(t+3), z(t+1), z(d+3))
	}
	// Quarter l of register 4q+j holds column 4l+j of rows 4q..4q+3: for each j transpose four quarters of four registers.
	for j := range 4 {
		r0, r1, r2, r3 := z(j), z(4+j), z(8+j), z(12+j)
		a.op("VSHUFI32X4", "$0x88", r1, r0, z(16))
		a.op("VSHUFI32X4", "$0xdd", r1, r0, z(17))
		a.op("VSHUFI32X4", "$0x88", r3, r2, z(18))
		a.op("VSHUFI32X4", "$0xdd", r3, r2, z(19))
		a.op("VSHUFI32X4", "$0x88", z(18), z(16), r0)
		a.op("VSHUFI32X4", "$0x88", z(19), z(17), r1)
		a.op("VSHUFI32X4", "$0xdd", z(18), z(16), r2)
		a.op("VSHUFI32X4", "$0xdd", z(19), z(17), r3)
	}
}

// elements is the number of k in the 64 bytes of a step; for Dot, k counts pairs.
func elements(t string) int {
	if t == "F32" || t == "Dot" {
		return 16
	}
	return 32
}

// constants512 loads what widen512 needs.
func (a *asm) constants512(t string) {
	switch t {
	case "BF16", "Swap":
		a.op("MOVL", "$0xffff0000", "AX")
		a.op("VPBROADCASTD", "AX", z(20))
	case "F16":
		a.op("VMOVDQU16", "evenOdd<>(SB)", z(20))
	}
}

// widen512 turns the dword column in Z(c) into float32 operands for its one or two k, and returns their registers.
func (a *asm) widen512(t string, c int) []string {
	switch t {
	case "BF16":
		a.op("VPSLLD", 16, z(c), z(16+c%2))
		a.op("VPANDD", z(20), z(c), z(c))
		return []string{z(16 + c%2), z(c)}
	case "Swap":
		both := a.widen512("BF16", c)
		return []string{both[1], both[0]}
	case "F16":
		a.op("VPERMW", z(c), z(20), z(c)) // even k in the lower half, odd k in the upper
		a.op("VCVTPH2PS", y(c), z(16+c%2))
		a.op("VEXTRACTI64X4", 1, z(c), y(18+c%2))
		a.op("VCVTPH2PS", y(18+c%2), z(18+c%2))
		return []string{z(16 + c%2), z(18 + c%2)}
	}
	return []string{z(c)}
}

// pack512 writes the routine that widens and transposes sixteen weight rows into a panel.
//
//	func packAVX512BF16(dst *float32, stride int, src *byte, ld, k int, next *byte)
//
// dst[k][16] with stride bytes from k to k+1; src has rows ld bytes apart; k is a multiple of the elements of 64 bytes. It
// prefetches the same rows and columns at next.
func (a *asm) pack512(t string) {
	params := []string{"dst", "stride", "src", "ld", "k", "next"}
	name := names512.pack(t)
	a.text(name, "func "+name+packSignature, params...)
	a.load(params, "DI", "SI", "R8", "DX", "CX", "R13")
	a.rowBases(weightRows, "DX", "R12")
	a.prefetchStart()
	a.constants512(t)
	a.loopLabel("step")
	a.op("TRANSPOSE512")
	for c := range 16 {
		a.prefetchRow()
		for _, r := range a.widen512(t, c) {
			a.op("VMOVUPS", r, "(DI)")
			a.op("ADDQ", "SI", "DI")
		}
	}
	a.op("ADDQ", "BX", "R13")
	a.nextStep(t)
	a.ret()
}

// prefetchStart and prefetchRow walk over sixteen rows from R13 on, DX apart. Adding BX then goes to the next column.
func (a *asm) prefetchStart() {
	a.op("MOVQ", "DX", "BX")
	a.op("NEGQ", "BX")
	a.op("SHLQ", 4, "BX")
	a.op("ADDQ", 64, "BX")
}

func (a *asm) prefetchRow() {
	a.op("PREFETCHT1", "(R13)")
	a.op("ADDQ", "DX", "R13")
}

// nextStep advances the row pointers by 64 bytes and closes the loop over k.
func (a *asm) nextStep(t string) {
	for _, r := range weightRows {
		a.op("ADDQ", 64, r)
	}
	a.op("SUBQ", elements(t), "CX")
	a.op("JNZ", "step")
}

// rowStride is the distance of k in packed activations of few rows.
func rowStride(rows int) int {
	for s := 1; ; s *= 2 {
		if s >= rows {
			return s
		}
	}
}

// row512 writes the decode kernel: sixteen outputs of 1 to 8 rows, transposed in registers, nothing stored before the end.
//
//	func rowsAVX512BF16x1(c *float32, ldc int, x *float32, src *byte, ld, k int, next *byte, bias *float32)
//
// x is packed [k][1, 2, 4 or 8]; the rest as in pack512 and tile. The chains start at +0. It prefetches as many bytes from
// next on, in plain order, as it reads.
func (a *asm) row512(t string, rows int) {
	params := []string{"c", "ldc", "x", "src", "ld", "k", "next", "bias"}
	name := names512.row(t, rows)
	a.text(name, "func "+name+rowsSignature, params...)
	a.load(params, "DI", "SI", "BX", "R8", "DX", "CX", "R13")
	a.rowBases(weightRows, "DX", "R12")
	a.constants512(t)
	if t == "Swap" {
		a.setFlush("AX")
	}
	const acc = 21
	for m := range rows {
		a.op("VPXORQ", z(acc+m), z(acc+m), z(acc+m))
	}
	stride := 4 * rowStride(rows)
	a.loopLabel("step")
	a.op("TRANSPOSE512")
	k := 0
	for c := range 16 {
		a.op("PREFETCHT1", at(64*c, "R13", ""))
		for _, r := range a.widen512(t, c) {
			for m := range rows {
				if t == "Dot" {
					a.vdpbf16psBX(k*stride+4*m, c, acc+m)
				} else {
					a.op("VFMADD231PS.BCST", at(k*stride+4*m, "BX", ""), r, z(acc+m))
				}
			}
			k++
		}
	}
	a.op("ADDQ", k*stride, "BX")
	a.op("ADDQ", 1024, "R13")
	a.nextStep(t)
	if t == "Swap" {
		a.restoreFlush()
	}
	a.op("MOVQ", "bias+56(FP)", "AX")
	a.op("TESTQ", "AX", "AX")
	a.op("JZ", "store")
	a.op("VMOVUPS", "(AX)", z(0))
	for m := range rows {
		a.op("VADDPS", z(0), z(acc+m), z(acc+m))
	}
	a.label("store")
	for m := range rows {
		a.op("VMOVUPS", z(acc+m), "(DI)")
		if m < rows-1 {
			a.op("ADDQ", "SI", "DI")
		}
	}
	a.ret()
}
