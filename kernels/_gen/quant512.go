package main

import "fmt"

// quantParams are those of the kernels for quantised weights.
//
//	func quantAVX512Q8x1x16(c *float32, ldc int, a, sums *int32, scale *float32, codes *byte, codesLd int, scales *byte,
//		scalesLd int, groups, inner int, next *byte, step int, bias *float32, start, tiles int)
//
// c[rows][16 or 32] = c + sum over groups of float32(sum of a·code)·scales, without c when start is not zero; then, unless
// scale is nil, c is multiplied by one scale for each row, and bias is added unless it is nil. a is
// packed [k/4][1 or 8] dwords of four activations; sums[group][8] is the start of every sum: the activations of the group
// times minus the code of zero. codes and scales are those of a tile of sixteen weight rows, the second tile codesLd and
// scalesLd bytes further on. A group of columns takes inner turns of 8 dwords of activations.
//
// The kernels for 32 columns, which use a tile often, prefetch a line at next for every four lines of codes, and move next by
// step bytes. Those for sixteen read weights once: they prefetch their own streams, and go on through as many tiles of
// weight rows as tiles says, which follow each other in codes, scales, c and bias.
var quantParams = []string{
	"c", "ldc", "a", "sums", "scale", "codes", "codesLd", "scales", "scalesLd", "groups", "inner", "next", "step", "bias", "start", "tiles",
}

// streamAhead is how far in advance the kernels that read codes and scales as streams prefetch.
const streamAhead = 4096

// quant512 writes the kernel for rows rows of activations and vecs tiles of sixteen weight rows.
func (a *asm) quant512(format string, rows, vecs int) {
	name := fmt.Sprintf("quantAVX512%sx%dx%d", format, rows, 16*vecs)
	a.text(name, "func "+name+quantSignature, quantParams...)
	stride := 4 * quantStride(rows)
	n := rows * vecs
	sum := func(r, v int) string { return z(r*vecs + v) }
	float := func(r, v int) string { return z(n + r*vecs + v) }
	w := func(v int) string { return z(2*n + v) }
	act, mask, second := z(2*n+vecs), z(31), z(30)
	if vecs == 2 { // the rows of c below, which a later call takes
		a.load(quantParams[:2], "DX", "SI")
		a.op("IMUL3Q", rows, "SI", "BX")
		a.op("ADDQ", "BX", "DX")
		for range rows {
			a.op("PREFETCHT0", "(DX)")
			a.op("PREFETCHT0", "64(DX)")
			a.op("ADDQ", "SI", "DX")
		}
	}
	a.load(quantParams, "", "", "AX", "BX", "", "R8", "R10", "R9", "R11", "CX", "R12", "R13", "DI")
	c, ldc := "DI", "SI"
	if vecs == 1 { // goes on to further tiles, and has no second one beside this
		c, ldc = "R10", "R11"
	}
	a.label("tile")
	a.op("MOVQ", fmt.Sprintf("start+%d(FP)", 8*14), "DX")
	a.op("TESTQ", "DX", "DX")
	a.op("JNZ", "zero")
	a.load(quantParams[:2], "DX", ldc)
	for r := range rows {
		for v := range vecs {
			a.op("VMOVUPS", at(64*v, "DX", ""), float(r, v))
		}
		if r < rows-1 {
			a.op("ADDQ", ldc, "DX")
		}
	}
	a.op("JMP", "begin")
	a.label("zero")
	for i := range n {
		a.op("VPXORQ", z(n+i), z(n+i), z(n+i))
	}
	a.label("begin")
	if format == "Q4" {
		a.op("MOVL", "$0x0f0f0f0f", "DX")
		a.op("VPBROADCASTD", "DX", mask)
	}
	at1 := func(disp, v int) string { return at(disp, "R8", []string{"", "(R10*1)"}[v]) }
	dots := func(k int) {
		for r := range rows {
			a.op("VPBROADCASTD", at(k*stride+4*r, "AX", ""), act)
			for v := range vecs {
				if n == 1 && k%2 == 1 {
					a.op("VPDPBUSD", act, w(v), second) // a second chain hides the latency
				} else {
					a.op("VPDPBUSD", act, w(v), sum(r, v))
				}
			}
		}
	}

	a.label("group")
	for r := range rows {
		a.op("VPBROADCASTD", at(4*r, "BX", ""), sum(r, 0))
		for v := 1; v < vecs; v++ {
			a.op("VMOVDQA32", sum(r, 0), sum(r, v))
		}
	}
	if n == 1 {
		a.op("VPXORQ", second, second, second)
	}
	if vecs == 1 {
		a.op("PREFETCHT0", at(streamAhead, "R9", ""))
	}
	a.op("MOVQ", "R12", "DX")
	a.label("turn")
	lines := 8
	if format == "Q4" {
		lines = 4
	}
	for l := range lines {
		if vecs == 1 {
			a.op("PREFETCHT0", at(streamAhead+64*l, "R8", ""))
		} else if l%4 < 2 { // the call is one of many over these weights
			a.op("PREFETCHT1", at(0, "R13", []string{"", "(R10*1)"}[l%4]))
			if l%4 == 1 {
				a.op("ADDQ", "DI", "R13")
			}
		}
		if format == "Q8" {
			for v := range vecs {
				a.op("VMOVDQU32", at1(64*l, v), w(v))
			}
			dots(l)
			continue
		}
		for v := range vecs {
			a.op("VPANDD", at1(64*l, v), mask, w(v))
		}
		dots(2 * l)
		for v := range vecs {
			a.op("VPSRLD", 4, at1(64*l, v), w(v))
			a.op("VPANDD", mask, w(v), w(v))
		}
		dots(2*l + 1)
	}
	a.op("ADDQ", 64*lines, "R8")
	a.op("ADDQ", 8*stride, "AX")
	a.op("DECQ", "DX")
	a.op("JNZ", "turn")
	if n == 1 {
		a.op("VPADDD", second, sum(0, 0), sum(0, 0))
	}
	for v := range vecs {
		a.op("VCVTPH2PS", at(0, "R9", []string{"", "(R11*1)"}[v]), w(v))
		for r := range rows {
			a.op("VCVTDQ2PS", sum(r, v), sum(r, v))
			a.op("VFMADD231PS", w(v), sum(r, v), float(r, v))
		}
	}
	a.op("ADDQ", 32, "R9")
	a.op("ADDQ", 32, "BX")
	a.op("DECQ", "CX")
	a.op("JNZ", "group")

	a.load(quantParams[:5], c, ldc, "", "", "DX")
	a.op("MOVQ", fmt.Sprintf("bias+%d(FP)", 8*13), "BX")
	a.op("TESTQ", "DX", "DX")
	a.op("JZ", "store")
	for r := range rows {
		a.op("VBROADCASTSS", at(4*r, "DX", ""), act)
		for v := range vecs {
			a.op("VMULPS", act, float(r, v), float(r, v))
		}
	}
	a.op("TESTQ", "BX", "BX")
	a.op("JZ", "store")
	for v := range vecs {
		a.op("VMOVUPS", at(64*v, "BX", ""), w(v))
		for r := range rows {
			a.op("VADDPS", w(v), float(r, v), float(r, v))
		}
	}
	a.label("store")
	for r := range rows {
		for v := range vecs {
			a.op("VMOVUPS", float(r, v), at(64*v, c, ""))
		}
		if r < rows-1 {
			a.op("ADDQ", ldc, c)
		}
	}
	if vecs == 1 {
		a.nextQuantTile()
	}
	a.ret()
}

// nextQuantTile goes back to label tile for the next sixteen columns of c until tiles are done. It keeps the pointers to
// codes and scales and those that prefetch.
func (a *asm) nextQuantTile() {
	a.op("MOVQ", "tiles+120(FP)", "DX")
	a.op("DECQ", "DX")
	a.op("JZ", "done")
	a.op("MOVQ", "DX", "tiles+120(FP)")
	a.op("ADDQ", 64, "c+0(FP)")
	a.op("TESTQ", "BX", "BX")
	a.op("JZ", "plain")
	a.op("ADDQ", 64, "bias+104(FP)")
	a.label("plain")
	a.load(quantParams, "", "", "AX", "BX", "", "", "", "", "", "CX")
	a.op("JMP", "tile")
	a.label("done")
}

// quantStride is the distance of k/4 in packed activations of rows rows.
func quantStride(rows int) int {
	if rows == 1 {
		return 1
	}
	return 8
}

// quantRows512 writes what turns activations into codes.
//
//	func absMaxAVX512(x *float32, n int) uint32
//	func quantRowAVX512(dst *int8, x *float32, n int, inverse float32)
//	func quantSumsAVX512(sums, a *int32, groups, quads, zero int)
//
// n is a multiple of 16. sums[group][8] becomes minus zero times the sums of the activations of each of eight rows, packed
// a[k/4][8] with quads dwords to the group.
func (a *asm) quantRows512() {
	fmt.Fprintf(a, "\n// func absMaxAVX512(x *float32, n int) uint32\nTEXT ·absMaxAVX512(SB), NOSPLIT, $0-20\n")
	a.load([]string{"x", "n"}, "SI", "CX")
	a.op("MOVL", "$0x7fffffff", "AX")
	a.op("VPBROADCASTD", "AX", "Z2")
	a.op("VPXORQ", "Z0", "Z0", "Z0")
	a.loopLabel("step")
	a.op("VPANDD", "(SI)", "Z2", "Z1")
	a.op("VPMAXUD", "Z1", "Z0", "Z0")
	a.op("ADDQ", 64, "SI")
	a.op("SUBQ", 16, "CX")
	a.op("JNZ", "step")
	a.op("VEXTRACTI64X4", 1, "Z0", "Y1")
	a.op("VPMAXUD", "Y1", "Y0", "Y0")
	a.op("VEXTRACTI128", 1, "Y0", "X1")
	a.op("VPMAXUD", "X1", "X0", "X0")
	a.op("VPSHUFD", "$0x4e", "X0", "X1")
	a.op("VPMAXUD", "X1", "X0", "X0")
	a.op("VPSHUFD", "$0xb1", "X0", "X1")
	a.op("VPMAXUD", "X1", "X0", "X0")
	a.op("VMOVD", "X0", "AX")
	a.op("MOVL", "AX", "ret+16(FP)")
	a.ret()

	fmt.Fprintf(a, "\n// func quantRowAVX512(dst *int8, x *float32, n int, inverse float32)\nTEXT ·quantRowAVX512(SB), NOSPLIT, $0-28\n")
	a.load([]string{"dst", "x", "n"}, "DI", "SI", "CX")
	a.op("VBROADCASTSS", "inverse+24(FP)", "Z2")
	a.loopLabel("step")
	a.op("VMULPS", "(SI)", "Z2", "Z0")
	a.op("VCVTPS2DQ", "Z0", "Z0")
	a.op("VPMOVDB", "Z0", "X0")
	a.op("VMOVDQU", "X0", "(DI)")
	a.op("ADDQ", 64, "SI")
	a.op("ADDQ", 16, "DI")
	a.op("SUBQ", 16, "CX")
	a.op("JNZ", "step")
	a.ret()

	params := []string{"sums", "a", "groups", "quads", "zero"}
	a.text("quantSumsAVX512", "func quantSumsAVX512(sums, a *int32, groups, quads, zero int)", params...)
	a.load(params, "DI", "SI", "CX", "R8", "AX")
	a.op("NEGL", "AX")
	a.op("VPBROADCASTD", "AX", "Y3")
	a.op("MOVL", "$0x01010101", "AX")
	a.op("VPBROADCASTD", "AX", "Y2")
	a.label("group")
	a.op("VPXOR", "Y0", "Y0", "Y0")
	a.op("MOVQ", "R8", "DX")
	a.label("quad")
	a.op("VPDPBUSD", "(SI)", "Y2", "Y0")
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

func quantFile512() []byte {
	a := newFile("amd64 && !purego")
	a.quantRows512()
	for _, format := range quantFormats {
		for rows := 1; rows <= quantFew512; rows++ {
			a.quant512(format, rows, 1)
		}
		for rows := 1; rows <= quantRows512; rows++ {
			a.quant512(format, rows, 2)
		}
	}
	return a.Bytes()
}

// The formats of codes, and the rows of the kernels for one and two tiles of weights.
var quantFormats = []string{"Q8", "Q4"}

const (
	quantFew512  = 8
	quantRows512 = 7
)
