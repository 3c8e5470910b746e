package main

import "fmt"

// probeFile holds the loops that measure what the machine can do at most.
func probeFile() []byte {
	a := newFile("amd64 && !purego")
	a.peak("peakAVX512F32", z, 24, func(acc string) { a.op("VFMADD231PS", "Z31", "Z30", acc) })
	a.peak("peakAVX512BF16", z, 24, func(acc string) { a.vdpbf16ps(31, 30, acc) })
	a.peak("peakAVX512Int8", z, 24, func(acc string) { a.op("VPDPBUSD", "Z31", "Z30", acc) })
	a.peak("peakAVX2F32", y, 12, func(acc string) { a.op("VFMADD231PS", "Y15", "Y14", acc) })
	a.peak("peakAVX2Int8", y, 12, func(acc string) {
		a.op("VPMADDWD", "Y15", "Y14", "Y13")
		a.op("VPADDD", "Y13", acc, acc)
	})
	a.read("readAVX512", z, 64)
	a.read("readAVX2", y, 32)
	return a.Bytes()
}

// peak writes a loop of accs independent chains of one instruction, on zeros: func name(n int) runs n turns.
func (a *asm) peak(name string, reg func(int) string, accs int, step func(acc string)) {
	a.text(name, "func "+name+"(n int)", "n")
	a.load([]string{"n"}, "CX")
	zero := "VPXORQ"
	if reg(0) == "Y0" {
		zero = "VPXOR"
	}
	for i := range 32 {
		if reg(0) == "Y0" && i >= 16 {
			break
		}
		a.op(zero, reg(i), reg(i), reg(i))
	}
	a.loopLabel("turn")
	for i := range accs {
		step(reg(i))
	}
	a.op("DECQ", "CX")
	a.op("JNZ", "turn")
	a.ret()
}

// read writes a loop that only loads: func name(p *byte, n, ahead int) reads n bytes, a multiple of 512, and prefetches
// ahead bytes in advance.
func (a *asm) read(name string, reg func(int) string, width int) {
	params := []string{"p", "n", "ahead"}
	a.text(name, "func "+name+"(p *byte, n, ahead int)", params...)
	a.load(params, "SI", "CX", "DX")
	a.loopLabel("turn")
	for i := 0; i < 512; i += 64 {
		a.op("PREFETCHT0", fmt.Sprintf("%d(SI)(DX*1)", i))
		for j := i; j < i+64; j += width {
			a.op("VMOVUPS", at(j, "SI", ""), reg(j/width%8))
		}
	}
	a.op("ADDQ", 512, "SI")
	a.op("SUBQ", 512, "CX")
	a.op("JNZ", "turn")
	a.ret()
}

// vdpbf16ps is VDPBF16PS Z(b), Z(a), acc, which the assembler lacks: EVEX.512.F3.0F38.W0 52 /r.
func (a *asm) vdpbf16ps(b, va int, acc string) {
	var d int
	fmt.Sscanf(acc, "Z%d", &d)
	a.evex512(0x2, 0x52, d, va, b)
}

// evex512 writes a three-register EVEX instruction of map 0F38 on 512-bit registers, W0, as bytes: dst, the middle operand
// and the last (Intel's order). pp is 1 for prefix 66, 2 for F3.
func (a *asm) evex512(pp, opcode, dst, mid, last int) {
	bit := func(v, i int) int { return v >> i & 1 }
	p0 := 2 | (1-bit(dst, 3))<<7 | (1-bit(last, 4))<<6 | (1-bit(last, 3))<<5 | (1-bit(dst, 4))<<4
	p1 := pp | 1<<2 | (15-mid&15)<<3
	p2 := 2<<5 | (1-bit(mid, 4))<<3
	modrm := 3<<6 | dst&7<<3 | last&7
	bytes := []int{0x62, p0, p1, p2, opcode, modrm}
	line := ""
	for i, b := range bytes {
		if i > 0 {
			line += "; "
		}
		line += fmt.Sprintf("BYTE $%#02x", b)
	}
	fmt.Fprintf(a, "\t%s\n", line)
}
