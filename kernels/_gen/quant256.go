package main

import "fmt"

// quant256 is quant512 for one tile of sixteen weight rows, eight after eight.
//
// Without VNNI the products of a byte and a byte go by way of words, and VPMADDUBSW saturates those. q8 multiplies the
// magnitudes of the codes by the activations with the signs of the codes: 2·128·127 < 2^15, and no sums to start with. The
// codes of q4 are so small that neither products nor eight sums of them fill a word: 8·2·15·127 < 2^15.
func (a *asm) quant256(format string, rows int) {
	name := fmt.Sprintf("quantAVX2%sx%dx16", format, rows)
	a.text(name, "func "+name+quantSignature, quantParams...)
	a.load(quantParams, "", "", "AX", "BX", "", "R8", "", "R9", "", "CX", "R12")
	stride := 4 * quantStride(rows)
	float := func(r, h int) string { return y(r*2 + h) }
	sum := func(r int) string { return y(2*rows + r) }
	word := func(r int) string { return y(3*rows + r) } // q4 only
	const act, w = act256, w256

	a.label("tile")
	a.op("MOVQ", fmt.Sprintf("start+%d(FP)", 8*14), "R10")
	a.op("TESTQ", "R10", "R10")
	a.op("JNZ", "zero")
	a.load(quantParams[:2], "R10", "R11")
	for r := range rows {
		for h := range 2 {
			a.op("VMOVUPS", at(32*h, "R10", ""), float(r, h))
		}
		if r < rows-1 {
			a.op("ADDQ", "R11", "R10")
		}
	}
	a.op("JMP", "begin")
	a.label("zero")
	for i := range 2 * rows {
		a.op("VXORPS", y(i), y(i), y(i))
	}
	a.label("begin")

	a.label("group")
	a.op("PREFETCHT0", at(streamAhead, "R9", ""))
	a.op("MOVQ", "R8", "R11")
	a.op("MOVQ", "AX", "R10")
	for h := range 2 {
		turn := fmt.Sprintf("turn%d", h)
		for r := range rows {
			a.op("VPXOR", sum(r), sum(r), sum(r))
			if format == "Q4" {
				a.op("VPXOR", word(r), word(r), word(r))
			}
		}
		if h == 1 {
			a.op("MOVQ", "R11", "R8")
			a.op("MOVQ", "R10", "AX")
		}
		a.op("MOVQ", "R12", "DX")
		a.label(turn)
		if format == "Q8" {
			a.turnQ8(h, rows, stride, sum)
		} else {
			a.turnQ4(h, rows, stride, sum, word)
		}
		a.op("ADDQ", 8*stride, "AX")
		a.op("DECQ", "DX")
		a.op("JNZ", turn)
		a.op("VCVTPH2PS", at(16*h, "R9", ""), y(w))
		for r := range rows {
			if format == "Q4" {
				a.op("VPBROADCASTD", at(4*r, "BX", ""), y(act))
				a.op("VPADDD", y(act), sum(r), sum(r))
			}
			a.op("VCVTDQ2PS", sum(r), sum(r))
			a.op("VFMADD231PS", y(w), sum(r), float(r, h))
		}
	}
	a.op("ADDQ", 32, "R9")
	a.op("ADDQ", 32, "BX")
	a.op("DECQ", "CX")
	a.op("JNZ", "group")

	a.load(quantParams[:5], "R10", "R11", "", "", "DX")
	a.op("MOVQ", fmt.Sprintf("bias+%d(FP)", 8*13), "BX")
	a.op("TESTQ", "DX", "DX")
	a.op("JZ", "store")
	for r := range rows {
		a.op("VBROADCASTSS", at(4*r, "DX", ""), y(act))
		for h := range 2 {
			a.op("VMULPS", y(act), float(r, h), float(r, h))
		}
	}
	a.op("TESTQ", "BX", "BX")
	a.op("JZ", "store")
	for h := range 2 {
		a.op("VMOVUPS", at(32*h, "BX", ""), y(w))
		for r := range rows {
			a.op("VADDPS", y(w), float(r, h), float(r, h))
		}
	}
	a.label("store")
	for r := range rows {
		for h := range 2 {
			a.op("VMOVUPS", float(r, h), at(32*h, "R10", ""))
		}
		if r < rows-1 {
			a.op("ADDQ", "R11", "R10")
		}
	}
	a.nextQuantTile()
	a.ret()
}

// The registers of quant256 beside its sums: w has two.
const act256, w256, t256 = 15, 13, 12

// turnQ8 is 32 columns of half h: eight lines of codes.
func (a *asm) turnQ8(h, rows, stride int, sum func(r int) string) {
	act, w, size, t := y(act256), y(w256), y(w256+1), y(t256)
	for l := range 8 {
		if h == 0 {
			a.op("PREFETCHT0", at(streamAhead+64*l, "R8", ""))
		}
		a.op("VMOVDQU", at(64*l+32*h, "R8", ""), w)
		a.op("VPXOR", "signBytes<>(SB)", w, w)
		a.op("VPABSB", w, size)
		for r := range rows {
			a.op("VPBROADCASTD", at(l*stride+4*r, "AX", ""), act)
			a.op("VPSIGNB", w, act, act)
			a.op("VPMADDUBSW", act, size, t)
			a.op("VPMADDWD", "onesWords<>(SB)", t, t)
			a.op("VPADDD", t, sum(r), sum(r))
		}
	}
	a.op("ADDQ", 512, "R8")
}

// turnQ4 is 32 columns of half h: four lines of codes.
func (a *asm) turnQ4(h, rows, stride int, sum, word func(r int) string) {
	act, w, high, t := y(act256), y(w256), y(w256+1), y(t256)
	for l := range 4 {
		if h == 0 {
			a.op("PREFETCHT0", at(streamAhead+64*l, "R8", ""))
		}
		a.op("VMOVDQU", at(64*l+32*h, "R8", ""), high)
		a.op("VPAND", "nibbles<>(SB)", high, w)
		a.op("VPSRLW", 4, high, high)
		a.op("VPAND", "nibbles<>(SB)", high, high)
		for r := range rows {
			for i, codes := range []string{w, high} {
				a.op("VPBROADCASTD", at((2*l+i)*stride+4*r, "AX", ""), act)
				a.op("VPMADDUBSW", act, codes, t)
				a.op("VPADDW", t, word(r), word(r))
			}
		}
	}
	for r := range rows {
		a.op("VPMADDWD", "onesWords<>(SB)", word(r), t)
		a.op("VPXOR", word(r), word(r), word(r))
		a.op("VPADDD", t, sum(r), sum(r))
	}
	a.op("ADDQ", 256, "R8")
}

// quantRows256 is quantRows512.
func (a *asm) quantRows256() {
	fmt.Fprintf(a, "\n// func absMaxAVX2(x *float32, n int) uint32\nTEXT ·absMaxAVX2(SB), NOSPLIT, $0-20\n")
	a.load([]string{"x", "n"}, "SI", "CX")
	a.op("MOVL", "$0x7fffffff", "AX")
	a.op("VMOVD", "AX", "X2")
	a.op("VPBROADCASTD", "X2", "Y2")
	a.op("VPXOR", "Y0", "Y0", "Y0")
	a.loopLabel("step")
	for i := range 2 {
		a.op("VPAND", at(32*i, "SI", ""), "Y2", "Y1")
		a.op("VPMAXUD", "Y1", "Y0", "Y0")
	}
	a.op("ADDQ", 64, "SI")
	a.op("SUBQ", 16, "CX")
	a.op("JNZ", "step")
	a.op("VEXTRACTI128", 1, "Y0", "X1")
	a.op("VPMAXUD", "X1", "X0", "X0")
	a.op("VPSHUFD", "$0x4e", "X0", "X1")
	a.op("VPMAXUD", "X1", "X0", "X0")
	a.op("VPSHUFD", "$0xb1", "X0", "X1")
	a.op("VPMAXUD", "X1", "X0", "X0")
	a.op("VMOVD", "X0", "AX")
	a.op("MOVL", "AX", "ret+16(FP)")
	a.ret()

	fmt.Fprintf(a, "\n// func quantRowAVX2(dst *int8, x *float32, n int, inverse float32)\nTEXT ·quantRowAVX2(SB), NOSPLIT, $0-28\n")
	a.load([]string{"dst", "x", "n"}, "DI", "SI", "CX")
	a.op("VBROADCASTSS", "inverse+24(FP)", "Y2")
	a.loopLabel("step")
	for i := range 2 {
		a.op("VMULPS", at(32*i, "SI", ""), "Y2", y(i))
		a.op("VCVTPS2DQ", y(i), y(i))
	}
	a.op("VPACKSSDW", "Y1", "Y0", "Y0")
	a.op("VPERMQ", "$0xd8", "Y0", "Y0")
	a.op("VEXTRACTI128", 1, "Y0", "X1")
	a.op("VPACKSSWB", "X1", "X0", "X0")
	a.op("VMOVDQU", "X0", "(DI)")
	a.op("ADDQ", 64, "SI")
	a.op("ADDQ", 16, "DI")
	a.op("SUBQ", 16, "CX")
	a.op("JNZ", "step")
	a.ret()

	params := []string{"sums", "a", "groups", "quads", "zero"}
	a.text("quantSumsAVX2", "func quantSumsAVX2(sums, a *int32, groups, quads, zero int)", params...)
	a.load(params, "DI", "SI", "CX", "R8", "AX")
	a.op("NEGL", "AX")
	a.op("VMOVD", "AX", "X3")
	a.op("VPBROADCASTD", "X3", "Y3")
	a.op("VMOVDQU", "onesBytes<>(SB)", "Y2")
	a.label("group")
	a.op("VPXOR", "Y0", "Y0", "Y0")
	a.op("MOVQ", "R8", "DX")
	a.label("quad")
	a.op("VPMADDUBSW", "(SI)", "Y2", "Y1")
	a.op("VPMADDWD", "onesWords<>(SB)", "Y1", "Y1")
	a.op("VPADDD", "Y1", "Y0", "Y0")
	a.op("ADDQ", 32, "SI")
	a.op("DECQ", "DX")
	a.op("JNZ", "quad")
	a.op("VPMULLD", "Y3", "Y0", "Y0")
	a.op("VMOVDQU", "Y0", "(DI)")
	a.op("ADDQ", 32, "DI")
	a.op("DECQ", "CX")
	a.op("JNZ", "group")
	a.ret()
}

// quantFew256 is the number of rows of activations that the kernels take at most, by the formats of quantFormats.
var quantFew256 = []int{4, 3}

func quantFile256() []byte {
	a := newFile("amd64 && !purego")
	a.constant256("nibbles", 0x0f0f0f0f0f0f0f0f)
	a.constant256("signBytes", 0x8080808080808080)
	a.constant256("onesBytes", 0x0101010101010101)
	a.constant256("onesWords", 0x0001000100010001)
	a.quantRows256()
	for i, format := range quantFormats {
		for rows := 1; rows <= quantFew256[i]; rows++ {
			a.quant256(format, rows)
		}
	}
	return a.Bytes()
}

// constant256 is 32 bytes of one repeated word in memory.
func (a *asm) constant256(name string, v uint64) {
	for i := range 4 {
		fmt.Fprintf(a, "\nDATA %s<>+%d(SB)/8, $%#x", name, 8*i, v)
	}
	fmt.Fprintf(a, "\nGLOBL %s<>(SB), RODATA|NOPTR, $32\n", name)
}
