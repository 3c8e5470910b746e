package main

import "fmt"

// probeFile holds the loops that measure what the machine can do at most.
func probeFile() []byte {
	a := newFile("amd64 && !purego")
	a.peak("peakAVX512F32", z, 24, func(acc int) { a.op("VFMADD231PS", "Z31", "Z30", z(acc)) })
	a.peak("peakAVX512BF16", z, 24, func(acc int) { a.vdpbf16ps(31, 30, acc) })
	a.peak("peakAVX512Int8", z, 24, func(acc int) { a.op("VPDPBUSD", "Z31", "Z30", z(acc)) })
	a.peak("peakAVX2F32", y, 12, func(acc int) { a.op("VFMADD231PS", "Y15", "Y14", y(acc)) })
	a.peak("peakAVX2Int8", y, 12, func(acc int) {
		a.op("VPMADDWD", "Y15", "Y14", "Y13")
		a.op("VPADDD", "Y13", y(acc), y(acc))
	})
	a.read("readAVX512", z, 64)
	a.read("readAVX2", y, 32)
	return a.Bytes()
}

// peak writes a loop of accs independent chains of one instruction, on zeros: func name(n int) runs n turns.
func (a *asm) peak(name string, reg func(int) string, accs int, step func(acc int)) {
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
		step(i)
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
		a.op("PREFETCHT1", fmt.Sprintf("%d(SI)(DX*1)", i))
		for j := i; j < i+64; j += width {
			a.op("VMOVUPS", at(j, "SI", ""), reg(j/width%8))
		}
	}
	a.op("ADDQ", 512, "SI")
	a.op("SUBQ", 512, "CX")
	a.op("JNZ", "turn")
	a.ret()
}
