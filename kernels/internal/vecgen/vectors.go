package main

import "fmt"

// vectors writes all functions but those of attention.
func (g *gen) vectors() {
	g.reduction("sumRow", false)
	g.reduction("sumSquares", true)
	g.normRow("scaleRow", false)
	g.normRow("affineRow", true)
	g.activation("quickGELU", func() {
		g.op("VMULPS", "quickScale", fmt.Sprintf("%s, %s", g.v(4), g.v(0)))
		g.sigmoidMul()
	})
	g.activation("geluTanh", func() {
		g.f("VMULPS %s, %s, %s", g.v(4), g.v(4), g.v(0))
		g.set("tanhA", 1)
		g.op("VFMADD231PS", "tanhB", fmt.Sprintf("%s, %s", g.v(0), g.v(1)))
		g.f("VMULPS %s, %s, %s", g.v(1), g.v(4), g.v(0))
		g.sigmoidMul()
	}, "tanhA", "tanhB")
	g.activation("gelu", g.gelu)
	g.siluMul()
	g.simple("add", "dst, x *float32", func() { g.f("VADDPS %s, %s, %s", g.v(1), g.v(0), g.v(0)) })
	g.divide()
	g.rotate()
	g.expBlocks()
	g.largest()
	g.widen("widenF16", g.widenF16)
	g.widen("widenBF16", g.widenBF16)
	g.narrow("narrowF16", g.narrowF16)
	g.narrow("narrowBF16", g.narrowBF16)
}

// expConstants are what exp keeps in registers: what must lie there first, then as many as fit.
func (g *gen) expConstants() []string {
	if g.wide {
		return []string{"expMax", "expMin", "expMagic", "one", "log2E", "ln2Hi", "ln2Lo", "expQ0", "expQ1", "expQ2", "expQ3", "expQ4"}
	}
	return []string{"expMax", "expMin", "expMagic", "one", "log2E"}
}

// topRegister is the first register for constants: AVX2 keeps Y15 for the tail mask.
func (g *gen) topRegister() int {
	if g.wide {
		return 31
	}
	return 14
}

// exp computes expf of register 0 into register 3; it uses registers 0 to 3. Minimum and maximum return their second
// operand in Intel's order, the first one here, when there is a NaN: that is x. Where x is never positive, the upper limit
// is left out.
func (g *gen) exp(negative bool) {
	x, t, n, q := g.v(0), g.v(1), g.v(2), g.v(3)
	if !negative {
		g.f("VMINPS %s, %s, %s", x, g.c("expMax"), x)
	}
	g.f("VMAXPS %s, %s, %s", x, g.c("expMin"), x)
	g.f("VMOVAPS %s, %s", x, t)
	g.op("VFMADD132PS", "log2E", fmt.Sprintf("%s, %s", g.c("expMagic"), t))
	g.f("VSUBPS %s, %s, %s", g.c("expMagic"), t, n)
	g.op("VFNMADD231PS", "ln2Hi", fmt.Sprintf("%s, %s", n, x))
	g.op("VFNMADD231PS", "ln2Lo", fmt.Sprintf("%s, %s", n, x))
	g.horner(q, x, "expQ4", "expQ3", "expQ2", "expQ1", "expQ0")
	if g.wide {
		g.f("VMULPS %s, %s, %s", x, x, t)
		g.f("VFMADD213PS %s, %s, %s", x, t, q)
		g.f("VADDPS %s, %s, %s", g.c("one"), q, q)
		g.f("VSCALEFPS %s, %s, %s", n, q, q)
		return
	}
	g.f("VMULPS %s, %s, %s", x, x, n)
	g.f("VFMADD213PS %s, %s, %s", x, n, q)
	g.f("VADDPS %s, %s, %s", g.c("one"), q, q)
	// 2^n in two exact halves, from the integer in the low bits of t.
	g.f("VPSUBD %s, %s, %s", g.c("expMagic"), t, t)
	g.f("VPSRAD $1, %s, %s", t, n)
	g.f("VPSUBD %s, %s, %s", n, t, t)
	for _, r := range []string{n, t} {
		g.op("VPADDD", "bias", fmt.Sprintf("%s, %s", r, r))
		g.f("VPSLLD $23, %s, %s", r, r)
		g.f("VMULPS %s, %s, %s", r, q, q)
	}
}

// horner evaluates a polynomial in register x into register q, the highest coefficient first.
func (g *gen) horner(q, x string, coefficients ...string) {
	var r int
	fmt.Sscanf(q[1:], "%d", &r)
	g.set(coefficients[0], r)
	for _, c := range coefficients[1:] {
		g.op("VFMADD213PS", c, fmt.Sprintf("%s, %s", x, q))
	}
}

// sigmoidMul leaves x / (1 + expf(z)) in register 0, x being in register 4 and z in register 0.
func (g *gen) sigmoidMul() {
	g.exp(false)
	g.f("VADDPS %s, %s, %s", g.c("one"), g.v(3), g.v(3))
	g.f("VDIVPS %s, %s, %s", g.v(3), g.v(4), g.v(0))
}

// activation writes a function in place; body turns register 4 into register 0.
func (g *gen) activation(name string, body func(), keep ...string) {
	g.fn(name, "x *float32, n int", 16)
	g.f("MOVQ x+0(FP), DI")
	g.f("MOVQ n+8(FP), CX")
	g.keep(g.topRegister(), append(g.expConstants(), keep...)...)
	g.each(func(masked bool) {
		g.load("(DI)", 4, masked)
		body()
		g.store(0, "(DI)", masked)
	}, map[string]int{"DI": g.size()}, "DI")
}

// gelu computes both branches of erff and selects.
func (g *gen) gelu() {
	x, z, u, s, a := g.v(4), g.v(5), g.v(0), g.v(1), g.v(6)
	g.op("VMULPS", "sqrtHalf", fmt.Sprintf("%s, %s", x, z))
	// Near zero: fma(z, S(z·z), z), kept in register 7.
	g.f("VMULPS %s, %s, %s", z, z, u)
	g.horner(s, u, "erfS6", "erfS5", "erfS4", "erfS3", "erfS2", "erfS1", "erfS0")
	g.f("VMOVAPS %s, %s", z, g.v(7))
	g.f("VFMADD231PS %s, %s, %s", s, z, g.v(7))
	// Farther out: 1 - expf(-fma(t, L(t), t)) with the sign of z.
	g.op("VANDPS", "abs", fmt.Sprintf("%s, %s", z, a))
	g.set("erfMax", 1)
	g.f("VMINPS %s, %s, %s", a, g.v(1), g.v(1))
	g.horner(g.v(0), g.v(1), "erfL6", "erfL5", "erfL4", "erfL3", "erfL2", "erfL1", "erfL0")
	g.f("VFMADD213PS %s, %s, %s", g.v(1), g.v(1), g.v(0))
	g.op("VXORPS", "sign", fmt.Sprintf("%s, %s", g.v(0), g.v(0)))
	g.exp(false)
	g.f("VSUBPS %s, %s, %s", g.v(3), g.c("one"), g.v(3))
	g.op("VANDPS", "sign", fmt.Sprintf("%s, %s", z, z))
	g.f("VORPS %s, %s, %s", z, g.v(3), g.v(3))
	g.set("erfSplit", 1)
	if g.wide {
		g.f("VCMPPS $2, %s, %s, K2", g.v(1), a)
		g.f("VMOVAPS %s, K2, %s", g.v(7), g.v(3))
	} else {
		g.f("VCMPPS $2, %s, %s, %s", g.v(1), a, a)
		g.f("VBLENDVPS %s, %s, %s, %s", a, g.v(7), g.v(3), g.v(3))
	}
	g.op("VMULPS", "half", fmt.Sprintf("%s, %s", x, g.v(0)))
	g.f("VFMADD213PS %s, %s, %s", g.v(0), g.v(3), g.v(0))
}

func (g *gen) siluMul() {
	g.fn("siluMul", "gate, up *float32, n int", 24)
	g.f("MOVQ gate+0(FP), DI")
	g.f("MOVQ up+8(FP), SI")
	g.f("MOVQ n+16(FP), CX")
	g.keep(g.topRegister(), g.expConstants()...)
	g.each(func(masked bool) {
		g.load("(DI)", 4, masked)
		g.op("VXORPS", "sign", fmt.Sprintf("%s, %s", g.v(4), g.v(0)))
		g.sigmoidMul()
		g.load("(SI)", 1, masked)
		g.f("VMULPS %s, %s, %s", g.v(1), g.v(0), g.v(0))
		g.store(0, "(DI)", masked)
	}, map[string]int{"DI": g.size(), "SI": g.size()}, "DI", "SI")
}

// simple writes dst = f(dst, x) on registers 0 and 1.
func (g *gen) simple(name, args string, body func()) {
	g.fn(name, args+", n int", 24)
	g.f("MOVQ dst+0(FP), DI")
	g.f("MOVQ x+8(FP), SI")
	g.f("MOVQ n+16(FP), CX")
	g.each(func(masked bool) {
		g.load("(DI)", 0, masked)
		g.load("(SI)", 1, masked)
		body()
		g.store(0, "(DI)", masked)
	}, map[string]int{"DI": g.size(), "SI": g.size()}, "DI", "SI")
}

func (g *gen) divide() {
	g.fn("divide", "dst, x *float32, n int, by float32", 28)
	g.f("MOVQ dst+0(FP), DI")
	g.f("MOVQ x+8(FP), SI")
	g.f("MOVQ n+16(FP), CX")
	g.f("VBROADCASTSS by+24(FP), %s", g.v(2))
	g.each(func(masked bool) {
		g.load("(SI)", 0, masked)
		g.f("VDIVPS %s, %s, %s", g.v(2), g.v(0), g.v(0))
		g.store(0, "(DI)", masked)
	}, map[string]int{"DI": g.size(), "SI": g.size()}, "DI", "SI")
}

func (g *gen) rotate() {
	g.fn("rotate", "a, b, cos, sin *float32, n int", 40)
	g.f("MOVQ a+0(FP), DI")
	g.f("MOVQ b+8(FP), SI")
	g.f("MOVQ cos+16(FP), R8")
	g.f("MOVQ sin+24(FP), R9")
	g.f("MOVQ n+32(FP), CX")
	g.each(func(masked bool) {
		g.load("(DI)", 0, masked)
		g.load("(SI)", 1, masked)
		g.load("(R8)", 2, masked)
		g.load("(R9)", 3, masked)
		g.f("VMULPS %s, %s, %s", g.v(2), g.v(0), g.v(4))
		g.f("VMULPS %s, %s, %s", g.v(2), g.v(1), g.v(5))
		g.f("VFNMADD231PS %s, %s, %s", g.v(3), g.v(1), g.v(4))
		g.f("VFMADD231PS %s, %s, %s", g.v(3), g.v(0), g.v(5))
		g.store(4, "(DI)", masked)
		g.store(5, "(SI)", masked)
	}, map[string]int{"DI": g.size(), "SI": g.size(), "R8": g.size(), "R9": g.size()}, "DI", "SI", "R8", "R9")
}

func (g *gen) normRow(name string, bias bool) {
	n := 24
	if bias {
		n = 32
		g.fn(name, "dst, x, weight, bias *float32, n int, mean, r float32", 48)
		g.f("MOVQ bias+24(FP), R9")
	} else {
		g.fn(name, "dst, x, weight *float32, n int, mean, r float32", 40)
	}
	g.f("MOVQ dst+0(FP), DI")
	g.f("MOVQ x+8(FP), SI")
	g.f("MOVQ weight+16(FP), R8")
	g.f("MOVQ n+%d(FP), CX", n)
	g.f("VBROADCASTSS mean+%d(FP), %s", n+8, g.v(4))
	g.f("VBROADCASTSS r+%d(FP), %s", n+12, g.v(5))
	order := []string{"DI", "SI", "R8"}
	if bias {
		order = append(order, "R9")
	}
	g.each(func(masked bool) {
		g.load("(SI)", 0, masked)
		g.load("(R8)", 1, masked)
		g.f("VSUBPS %s, %s, %s", g.v(4), g.v(0), g.v(0))
		g.f("VMULPS %s, %s, %s", g.v(5), g.v(0), g.v(0))
		if bias {
			g.load("(R9)", 2, masked)
			g.f("VFMADD213PS %s, %s, %s", g.v(2), g.v(1), g.v(0))
		} else {
			g.f("VMULPS %s, %s, %s", g.v(1), g.v(0), g.v(0))
		}
		g.store(0, "(DI)", masked)
	}, map[string]int{"DI": g.size(), "SI": g.size(), "R8": g.size(), "R9": g.size()}, order...)
}
