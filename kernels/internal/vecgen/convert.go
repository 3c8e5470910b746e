package main

import "fmt"

// half is the register of half a vector's width: where 16-bit elements lie.
func (g *gen) half(i int) string {
	if g.wide {
		return y(i)
	}
	return x(i)
}

// widen writes a conversion of 16-bit elements to float32; body turns the 16-bit operand into register 0.
func (g *gen) widen(name string, body func(operand string)) {
	g.fn(name, "dst *float32, src *byte, n int", 24)
	g.f("MOVQ dst+0(FP), DI")
	g.f("MOVQ src+8(FP), SI")
	g.halves(func() {
		body("(SI)")
		g.f("VMOVUPS %s, (DI)", g.v(0))
	}, func() {
		g.f("VMOVDQU16.Z (SI), K1, Y0")
		body("Y0")
		g.f("VMOVUPS Z0, K1, (DI)")
	}, func() {
		g.f("MOVWLZX (SI), AX")
		g.f("VMOVD AX, X0")
		body("X0")
		g.f("VMOVSS X0, (DI)")
	}, 4, 2)
}

// narrow writes a conversion of float32 to 16-bit elements; body turns register 0 into half a register 1.
func (g *gen) narrow(name string, body func()) {
	g.fn(name, "dst *byte, src *float32, n int", 24)
	g.f("MOVQ dst+0(FP), DI")
	g.f("MOVQ src+8(FP), SI")
	g.halves(func() {
		g.f("VMOVUPS (SI), %s", g.v(0))
		body()
		g.f("VMOVDQU %s, (DI)", g.half(1))
	}, func() {
		g.f("VMOVUPS.Z (SI), K1, Z0")
		body()
		g.f("VMOVDQU16 Y1, K1, (DI)")
	}, func() {
		g.f("VMOVSS (SI), X0")
		body()
		g.f("VPEXTRW $0, X1, (DI)")
	}, 2, 4)
}

// halves writes the loop of a conversion over n elements. AVX2 cannot mask 16-bit elements: it does the last ones singly.
func (g *gen) halves(full, masked, single func(), dst, src int) {
	g.f("MOVQ n+16(FP), CX")
	g.f("SUBQ $%d, CX", g.lanes)
	g.f("JB tail")
	g.f("loop:")
	full()
	g.f("ADDQ $%d, DI", dst*g.lanes)
	g.f("ADDQ $%d, SI", src*g.lanes)
	g.f("SUBQ $%d, CX", g.lanes)
	g.f("JAE loop")
	g.f("tail:")
	g.f("ADDQ $%d, CX", g.lanes)
	g.f("JZ done")
	if g.wide {
		g.tailMask()
		masked()
	} else {
		g.f("single:")
		single()
		g.f("ADDQ $%d, DI", dst)
		g.f("ADDQ $%d, SI", src)
		g.f("DECQ CX")
		g.f("JNZ single")
	}
	g.f("done:")
	g.end()
}

func (g *gen) widenF16(operand string) { g.f("VCVTPH2PS %s, %s", operand, g.v(0)) }

func (g *gen) widenBF16(operand string) {
	g.f("VPMOVZXWD %s, %s", operand, g.v(0))
	g.f("VPSLLD $16, %s, %s", g.v(0), g.v(0))
}

func (g *gen) narrowF16() { g.f("VCVTPS2PH $0, %s, %s", g.v(0), g.half(1)) }

// narrowBF16 rounds the upper half by integer addition; the BF16 instructions flush subnormal numbers and are not used.
func (g *gen) narrowBF16() {
	u, r, nan := g.v(0), g.v(1), g.v(2)
	g.f("VPSRLD $16, %s, %s", u, nan)
	logic := ""
	if g.wide {
		logic = "D"
	}
	g.op("VPAND"+logic, "lowOne", fmt.Sprintf("%s, %s", nan, r))
	g.op("VPADDD", "round16", fmt.Sprintf("%s, %s", r, r))
	g.f("VPADDD %s, %s, %s", u, r, r)
	g.f("VPSRLD $16, %s, %s", r, r)
	g.op("VPOR"+logic, "quiet16", fmt.Sprintf("%s, %s", nan, nan))
	if g.wide {
		g.f("VCMPPS $3, Z0, Z0, K2")
		g.f("VMOVDQA32 Z2, K2, Z1")
		g.f("VPMOVDW Z1, Y1")
		return
	}
	g.f("VCMPPS $3, Y0, Y0, Y3")
	g.f("VBLENDVPS Y3, Y2, Y1, Y1")
	g.f("VPACKUSDW Y1, Y1, Y1")
	g.f("VPERMQ $0x08, Y1, Y1")
}
