package main

import "fmt"

// reduction writes a sum over 64 partial sums, registers 0 up; squares sums (x-mean)².
func (g *gen) reduction(name string, squares bool) {
	count := 64 / g.lanes
	tmp, mean := count, count+1
	if squares {
		g.fn(name, "x *float32, n int, mean float32", 28)
		g.f("VBROADCASTSS mean+16(FP), %s", g.v(mean))
	} else {
		g.fn(name, "x *float32, n int", 20)
	}
	g.f("MOVQ x+0(FP), SI")
	g.f("MOVQ n+8(FP), CX")
	for i := range count {
		g.f("VXORPS %s, %s, %s", g.v(i), g.v(i), g.v(i))
	}
	g.f("SUBQ $64, CX")
	g.f("JB tail")
	g.f("PCALIGN $64")
	g.f("loop:")
	for i := range count {
		if squares {
			g.f("VMOVUPS %d(SI), %s", i*g.size(), g.v(tmp))
			g.f("VSUBPS %s, %s, %s", g.v(mean), g.v(tmp), g.v(tmp))
			g.f("VFMADD231PS %s, %s, %s", g.v(tmp), g.v(tmp), g.v(i))
		} else {
			g.f("VADDPS %d(SI), %s, %s", i*g.size(), g.v(i), g.v(i))
		}
	}
	g.f("ADDQ $256, SI")
	g.f("SUBQ $64, CX")
	g.f("JAE loop")
	g.f("tail:")
	// The last elements, fewer than 64: a lane without one adds +0 to a sum that is not -0.
	g.f("ADDQ $64, CX")
	g.f("JZ fold")
	mask := count + 2
	if g.wide {
		g.f("MOVL $1, AX")
		g.f("SHLQ CX, AX")
		g.f("DECQ AX")
	} else {
		g.f("VMOVD CX, %s", x(mask+1))
		g.f("VPBROADCASTD %s, %s", x(mask+1), g.v(mask+1))
		g.iota = true
		g.f("VMOVDQU vectorIota<>(SB), %s", g.v(mask+2))
		g.f("VPBROADCASTD %s, %s", g.mem("lanes"), g.v(mask+3))
	}
	for i := range count {
		at := fmt.Sprintf("%d(SI)", i*g.size())
		if g.wide {
			g.f("KMOVW AX, K1")
			g.f("SHRQ $16, AX")
			g.f("VMOVUPS.Z %s, K1, %s", at, g.v(tmp))
			if squares {
				g.f("VSUBPS.Z %s, %s, K1, %s", g.v(mean), g.v(tmp), g.v(tmp))
			}
		} else {
			g.f("VPCMPGTD %s, %s, %s", g.v(mask+2), g.v(mask+1), g.v(mask))
			g.f("VPSUBD %s, %s, %s", g.v(mask+3), g.v(mask+1), g.v(mask+1))
			g.f("VMASKMOVPS %s, %s, %s", at, g.v(mask), g.v(tmp))
			if squares {
				g.f("VSUBPS %s, %s, %s", g.v(mean), g.v(tmp), g.v(tmp))
				g.f("VANDPS %s, %s, %s", g.v(mask), g.v(tmp), g.v(tmp))
			}
		}
		if squares {
			g.f("VFMADD231PS %s, %s, %s", g.v(tmp), g.v(tmp), g.v(i))
		} else {
			g.f("VADDPS %s, %s, %s", g.v(tmp), g.v(i), g.v(i))
		}
	}
	g.f("fold:")
	for h := count / 2; h > 0; h /= 2 {
		for i := range h {
			g.f("VADDPS %s, %s, %s", g.v(i+h), g.v(i), g.v(i))
		}
	}
	g.fold()
	ret := 16
	if squares {
		ret = 24
	}
	g.f("VMOVSS X0, ret+%d(FP)", ret)
	g.end()
}

// fold adds the lanes of register 0 by halves into its lane 0, with register 1 as scratch.
func (g *gen) fold() {
	if g.wide {
		g.f("VEXTRACTF32X8 $1, Z0, Y1")
		g.f("VADDPS Y1, Y0, Y0")
	}
	g.f("VEXTRACTF128 $1, Y0, X1")
	g.f("VADDPS X1, X0, X0")
	g.f("VPERMILPS $0xee, X0, X1")
	g.f("VADDPS X1, X0, X0")
	g.f("VPERMILPS $0x55, X0, X1")
	g.f("VADDSS X1, X0, X0")
}

// expBlocks: the maximum in one pass, exp and sum in a second. step is in bytes.
func (g *gen) expBlocks() {
	per := 16 / g.lanes // registers per block
	g.fn("expBlocks", "s *float32, step, blocks int", 28)
	g.f("MOVQ s+0(FP), SI")
	g.f("MOVQ step+8(FP), DX")
	g.f("MOVQ blocks+16(FP), CX")
	g.keep(g.topRegister(), g.expConstants()...)
	g.f("MOVQ SI, DI")
	g.f("MOVQ CX, BX")
	g.set("inf-", 0)
	g.f("largest:")
	for i := range per {
		g.f("VMAXPS %d(DI), %s, %s", i*g.size(), g.v(0), g.v(0))
	}
	g.f("ADDQ DX, DI")
	g.f("DECQ BX")
	g.f("JNZ largest")
	g.foldMax()
	g.f("VBROADCASTSS X0, %s", g.v(4))
	for i := range per {
		g.f("VXORPS %s, %s, %s", g.v(5+i), g.v(5+i), g.v(5+i))
	}
	g.f("PCALIGN $64")
	g.f("weights:")
	for i := range per {
		g.f("VMOVUPS %d(SI), %s", i*g.size(), g.v(0))
		g.f("VSUBPS %s, %s, %s", g.v(4), g.v(0), g.v(0))
		g.exp(true)
		g.f("VMOVUPS %s, %d(SI)", g.v(3), i*g.size())
		g.f("VADDPS %s, %s, %s", g.v(3), g.v(5+i), g.v(5+i))
	}
	g.f("ADDQ DX, SI")
	g.f("DECQ CX")
	g.f("JNZ weights")
	if per == 2 {
		g.f("VADDPS Y6, Y5, Y0")
	} else {
		g.f("VMOVAPS Z5, Z0")
	}
	g.fold()
	g.f("VMOVSS X0, ret+24(FP)")
	g.end()
}

// largest is the maximum of a row, or NaN when there is one.
func (g *gen) largest() {
	g.fn("largest", "x *float32, n int", 20)
	g.f("MOVQ x+0(FP), SI")
	g.f("MOVQ n+8(FP), CX")
	g.set("inf-", 2)
	g.f("VMOVAPS %s, %s", g.v(2), g.v(0))
	if g.wide {
		g.f("KXORW K2, K2, K2")
	} else {
		g.f("VXORPS Y3, Y3, Y3")
	}
	body := func(masked bool) {
		switch {
		case !masked:
			g.load("(SI)", 1, false)
		case g.wide: // lanes without an element keep -Inf
			g.f("VMOVAPS Z2, Z1")
			g.f("VMOVUPS (SI), K1, Z1")
		default:
			g.load("(SI)", 1, true)
			g.f("VBLENDVPS Y15, Y1, Y2, Y1")
		}
		g.f("VMAXPS %s, %s, %s", g.v(1), g.v(0), g.v(0))
		if g.wide {
			g.f("VCMPPS $3, Z1, Z1, K3")
			g.f("KORW K3, K2, K2")
		} else {
			g.f("VCMPPS $3, Y1, Y1, Y4")
			g.f("VORPS Y4, Y3, Y3")
		}
	}
	g.loop(body, map[string]int{"SI": g.size()}, "SI")
	g.foldMax()
	if g.wide {
		g.f("KORTESTW K2, K2")
	} else {
		g.f("VTESTPS Y3, Y3")
	}
	g.f("JZ ordered")
	g.f("VPCMPEQD X0, X0, X0") // a NaN
	g.f("ordered:")
	g.f("VMOVSS X0, ret+16(FP)")
	g.end()
}

// foldMax reduces register 0 to its maximum in lane 0, with register 1 as scratch.
func (g *gen) foldMax() {
	if g.wide {
		g.f("VEXTRACTF32X8 $1, Z0, Y1")
		g.f("VMAXPS Y1, Y0, Y0")
	}
	g.f("VEXTRACTF128 $1, Y0, X1")
	g.f("VMAXPS X1, X0, X0")
	g.f("VPERMILPS $0xee, X0, X1")
	g.f("VMAXPS X1, X0, X0")
	g.f("VPERMILPS $0x55, X0, X1")
	g.f("VMAXSS X1, X0, X0")
}
