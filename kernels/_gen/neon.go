package main

import "fmt"

// The NEON kernels. Go's assembler lacks most floating-point instructions on vectors: those are words, with the mnemonic
// beside them.

var namesNEON = kernelNames{suffix: "NEON", rows: 6, groups: 1, few: 4, types: []string{"F32", "F16", "BF16"}}

// The 128-bit instructions Vd, Vn, Vm on four words (two double words with a trailing 2), from the Arm Architecture
// Reference Manual.
var neonThree = map[string]uint32{
	"trn1": 0x4e802800, "trn2": 0x4e806800, "trn1_2": 0x4ec02800, "trn2_2": 0x4ec06800,
	"fadd": 0x4e20d400, "and": 0x4e201c00, "eor": 0x6e201c00,
}

func (a *asm) neon3(name string, d, n, m int) {
	fmt.Fprintf(a, "\tWORD $%#08x // %s v%d, v%d, v%d\n", neonThree[name]|uint32(m)<<16|uint32(n)<<5|uint32(d), name, d, n, m)
}

// Those with one source: a shift by 16, and the conversion of four fp16.
var neonTwo = map[string]uint32{"shl16": 0x4f305400, "xtn": 0x0e612800, "shrn16": 0x0f108400, "fcvtl": 0x0e217800}

func (a *asm) neon2(name string, d, n int) {
	fmt.Fprintf(a, "\tWORD $%#08x // %s v%d, v%d\n", neonTwo[name]|uint32(n)<<5|uint32(d), name, d, n)
}

// fmla is d += n * m[lane], fused.
func (a *asm) fmla(d, n, m, lane int) {
	code := 0x4f801000 | uint32(lane&1)<<21 | uint32(m>>4)<<20 | uint32(m&15)<<16 | uint32(lane>>1)<<11 | uint32(n)<<5 | uint32(d)
	fmt.Fprintf(a, "\tWORD $%#08x // fmla v%d, v%d, v%d[%d]\n", code, d, n, m, lane)
}

func (a *asm) loadQ(disp int, base string, r int) {
	a.op("FMOVQ", at(disp, base, ""), fmt.Sprintf("F%d", r))
}
func (a *asm) storeQ(r, disp int, base string) {
	a.op("FMOVQ", fmt.Sprintf("F%d", r), at(disp, base, ""))
}
func (a *asm) zeroQ(r int) { a.neon3("eor", r, r, r) }

// textNEON starts a leaf function and loads its parameters.
func (a *asm) textNEON(name, signature string, params []string, regs ...string) {
	fmt.Fprintf(a, "\n// func %s%s\nTEXT ·%s(SB), NOSPLIT, $0-%d\n", name, signature, name, 8*len(params))
	for i, r := range regs {
		if r != "" {
			a.op("MOVD", fmt.Sprintf("%s+%d(FP)", params[i], 8*i), r)
		}
	}
}

// transposeNEON transposes the words of V(d)..V(d+3) in place, with V(t)..V(t+3) as scratch.
func (a *asm) transposeNEON(d, t int) {
	a.neon3("trn1", t, d, d+1)
	a.neon3("trn2", t+1, d, d+1)
	a.neon3("trn1", t+2, d+2, d+3)
	a.neon3("trn2", t+3, d+2, d+3)
	a.neon3("trn1_2", d, t, t+2)
	a.neon3("trn1_2", d+1, t+1, t+3)
	a.neon3("trn2_2", d+2, t, t+2)
	a.neon3("trn2_2", d+3, t+1, t+3)
}

// tileNEON is tile with sixteen columns in four registers and activations [k][6]. The last k reads eight bytes beyond its
// activations.
func (a *asm) tileNEON(rows int) {
	const b, act = 24, 28
	acc := func(r, v int) int { return 4*r + v }
	a.textNEON(namesNEON.tile(rows, 1), tileSignature, tileParams, "R0", "R1", "R2", "R3", "R4", "R5", "R6")
	a.op("MOVD", "R0", "R7")
	a.op("TBNZ", "$0", "R5", "zero")
	for r := range rows {
		for v := range 4 {
			a.loadQ(16*v, "R7", acc(r, v))
		}
		a.op("ADD", "R1", "R7")
	}
	a.op("B", "step")
	a.label("zero")
	for i := range 4 * rows {
		a.zeroQ(i)
	}
	a.label("step")
	for v := range 4 {
		a.loadQ(16*v, "R3", b+v)
	}
	a.loadQ(0, "R2", act)
	if rows > 4 {
		a.loadQ(16, "R2", act+1)
	}
	for r := range rows {
		for v := range 4 {
			a.fmla(acc(r, v), b+v, act+r/4, r%4)
		}
	}
	a.op("ADD", "$24", "R2")
	a.op("ADD", "$64", "R3")
	a.op("SUBS", "$1", "R4")
	a.op("BNE", "step")
	a.op("CBZ", "R6", "store")
	for v := range 4 {
		a.loadQ(16*v, "R6", b)
		for r := range rows {
			a.neon3("fadd", acc(r, v), acc(r, v), b)
		}
	}
	a.label("store")
	for r := range rows {
		for v := range 4 {
			a.storeQ(acc(r, v), 16*v, "R0")
		}
		if r < rows-1 {
			a.op("ADD", "R1", "R0")
		}
	}
	a.op("RET")
}

// packRowsNEON is packRows.
func (a *asm) packRowsNEON() {
	params := []string{"dst", "stride", "rows", "k"}
	a.textNEON("packRowsNEON", "(dst *float32, stride int, rows *[8]*float32, k int)", params, "R8", "R9", "R10", "R11")
	for r := range 8 {
		a.op("MOVD", at(8*r, "R10", ""), fmt.Sprintf("R%d", r))
	}
	a.label("step")
	for r := range 8 {
		a.op("VLD1.P", fmt.Sprintf("16(R%d)", r), fmt.Sprintf("[V%d.B16]", r))
	}
	a.transposeNEON(0, 8)
	a.transposeNEON(4, 8)
	for k := range 4 {
		a.storeQ(k, 0, "R8")
		a.storeQ(4+k, 16, "R8")
		a.op("ADD", "R9", "R8")
	}
	a.op("SUBS", "$4", "R11")
	a.op("BNE", "step")
	a.op("RET")
}

// weightPointers makes R0..R15 the addresses of sixteen weight rows from R0 on, R16 apart.
func (a *asm) weightPointers(ld string) {
	for r := 1; r < 16; r++ {
		a.op("ADD", ld, fmt.Sprintf("R%d", r-1), fmt.Sprintf("R%d", r))
	}
}

// quarterNEON loads 16 bytes of each of the four rows 4q.., moves on and leaves their dword columns in V(d)..V(d+3).
func (a *asm) quarterNEON(q, d, t int) {
	for i := range 4 {
		a.op("VLD1.P", fmt.Sprintf("16(R%d)", 4*q+i), fmt.Sprintf("[V%d.B16]", d+i))
	}
	a.transposeNEON(d, t)
}

// widenNEON turns the dword column in V(c) into float32 operands for its one or two k; V31 is the mask of odd bf16.
func (a *asm) widenNEON(t string, c, scratch int) []int {
	switch t {
	case "BF16":
		a.neon2("shl16", scratch, c)
		a.neon3("and", c, c, 31)
		return []int{scratch, c}
	case "F16":
		a.neon2("xtn", scratch, c)
		a.neon2("fcvtl", scratch, scratch)
		a.neon2("shrn16", c, c)
		a.neon2("fcvtl", c, c)
		return []int{scratch, c}
	}
	return []int{c}
}

func (a *asm) maskNEON(t string) {
	if t == "BF16" {
		a.op("MOVD", "$0xffff0000", "R26")
		a.op("VDUP", "R26", "V31.S4")
	}
}

// packNEON is pack512.
func (a *asm) packNEON(t string) {
	params := []string{"dst", "stride", "src", "ld", "k", "next"}
	a.textNEON(namesNEON.pack(t), packSignature, params, "R19", "R20", "R0", "R21", "R22", "R23")
	a.weightPointers("R21")
	a.op("LSL", "$4", "R21", "R24")
	a.op("SUB", "$64", "R24")
	a.maskNEON(t)
	a.label("step")
	for range 16 {
		a.op("PRFM", "(R23)", "PLDL2KEEP")
		a.op("ADD", "R21", "R23")
	}
	a.op("SUB", "R24", "R23")
	for range 4 {
		for q := range 4 {
			a.op("MOVD", "R19", "R25")
			a.quarterNEON(q, 0, 4)
			for c := range 4 {
				for _, r := range a.widenNEON(t, c, 4+c) {
					a.storeQ(r, 16*q, "R25")
					a.op("ADD", "R20", "R25")
				}
			}
		}
		a.op("MOVD", "R25", "R19")
	}
	a.op("SUBS", elements(t), "R22")
	a.op("BNE", "step")
	a.op("RET")
}

// rowNEON is row512 for 1 to 4 rows.
func (a *asm) rowNEON(t string, rows int) {
	params := []string{"c", "ldc", "x", "src", "ld", "k", "next", "bias"}
	a.textNEON(namesNEON.row(t, rows), rowsSignature, params, "R19", "R20", "R24", "R0", "R21", "R22", "R23", "R25")
	a.weightPointers("R21")
	a.maskNEON(t)
	const x = 16
	acc := func(q, m int) int {
		n := 4*m + q
		if n < 8 {
			return n
		}
		return n + 12 // 8..19 are data
	}
	for m := range rows {
		for q := range 4 {
			a.zeroQ(acc(q, m))
		}
	}
	stride := rowStride(rows)
	perPiece := elements(t) / 4
	a.label("step")
	for range 4 {
		// The activations of a piece: at most eight k of four rows.
		for q := range 4 {
			a.op("PRFM", "(R23)", "PLDL2KEEP")
			a.op("ADD", "$64", "R23")
			a.quarterNEON(q, 8, 12)
			k, held := 0, -1
			for c := range 4 {
				for _, r := range a.widenNEON(t, 8+c, 12+c) {
					for m := range rows {
						e := k*stride + m
						if e/4 != held {
							held = e / 4
							a.loadQ(16*held, "R24", x+held%4)
						}
						a.fmla(acc(q, m), r, x+held%4, e%4)
					}
					k++
				}
			}
		}
		a.op("ADD", 4*perPiece*stride, "R24")
	}
	a.op("SUBS", elements(t), "R22")
	a.op("BNE", "step")
	a.op("CBZ", "R25", "store")
	for q := range 4 {
		a.loadQ(16*q, "R25", x)
		for m := range rows {
			a.neon3("fadd", acc(q, m), acc(q, m), x)
		}
	}
	a.label("store")
	for m := range rows {
		for q := range 4 {
			a.storeQ(acc(q, m), 16*q, "R19")
		}
		if m < rows-1 {
			a.op("ADD", "R20", "R19")
		}
	}
	a.op("RET")
}

func neonFile() []byte {
	a := newFile("arm64 && !purego")
	a.packRowsNEON()
	for rows := 1; rows <= namesNEON.rows; rows++ {
		a.tileNEON(rows)
	}
	for _, t := range namesNEON.types {
		a.packNEON(t)
		for rows := 1; rows <= namesNEON.few; rows++ {
			a.rowNEON(t, rows)
		}
	}
	return a.Bytes()
}
