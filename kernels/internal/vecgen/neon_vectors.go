package main

import "fmt"

var neonExpConstants = []string{"expMax", "expMin", "expMagic", "one", "log2E", "ln2Hi", "ln2Lo", "expQ0", "expQ1", "expQ2", "expQ3", "expQ4", "bias"}

// exp computes expf of register 0 into register 3; it uses registers 0 to 3.
func (a *neon) exp() {
	k := a.loaded
	a.op("fmin", 0, 0, k["expMax"])
	a.op("fmax", 0, 0, k["expMin"])
	a.mov(1, k["expMagic"])
	a.op("fmla", 1, 0, k["log2E"])
	a.op("fsub", 2, 1, k["expMagic"])
	a.op("fmls", 0, 2, k["ln2Hi"])
	a.op("fmls", 0, 2, k["ln2Lo"])
	q := a.horner(0, 2, 3, "expQ4", "expQ3", "expQ2", "expQ1", "expQ0")
	rr := 5 - q // the other one
	a.op("fmul", rr, 0, 0)
	a.op("fmla", 0, q, rr)
	a.op("fadd", 3, 0, k["one"])
	a.op("sub", 1, 1, k["expMagic"])
	a.shift("sshr", 2, 1, 1)
	a.op("sub", 1, 1, 2)
	for _, r := range []int{2, 1} {
		a.op("add", r, r, k["bias"])
		a.shift("shl", r, r, 23)
		a.op("fmul", 3, 3, r)
	}
}

// horner evaluates a polynomial in register x, the highest coefficient first, alternating between registers p and q, and
// returns the one with the result.
func (a *neon) horner(x, p, q int, coefficients ...string) int {
	a.set(p, coefficients[0])
	for _, c := range coefficients[1:] {
		a.set(q, c)
		a.op("fmla", q, p, x)
		p, q = q, p
	}
	return p
}

// each writes a loop over R0 vectors of four, R0 > 0.
func (a *neon) each(body func()) {
	a.f("loop:")
	body()
	a.f("SUBS $1, R0, R0")
	a.f("BNE loop")
	a.f("RET")
}

func (a *neon) vectors() {
	a.activation("quickGELU", func() { a.op("fmul", 0, 4, a.constant("quickScale", 5)); a.sigmoidMul() }, "quickScale")
	a.activation("geluTanh", func() {
		a.op("fmul", 0, 4, 4)
		a.mov(1, a.loaded["tanhA"])
		a.op("fmla", 1, 0, a.loaded["tanhB"])
		a.op("fmul", 0, 4, 1)
		a.sigmoidMul()
	}, "tanhA", "tanhB")
	a.activation("gelu", a.gelu)

	a.fn("siluMul", "gate, up *float32, vectors int", 24, true)
	a.arg("gate", 0, "R1")
	a.arg("up", 8, "R2")
	a.arg("vectors", 16, "R0")
	a.keep(neonExpConstants...)
	a.each(func() {
		a.load(0, "R1", 4)
		a.un("fneg", 0, 4)
		a.sigmoidMul()
		a.f("FMOVQ.P 16(R2), F1")
		a.op("fmul", 0, 0, 1)
		a.f("FMOVQ.P F0, 16(R1)")
	})

	a.fn("add", "dst, x *float32, vectors int", 24, false)
	a.arg("dst", 0, "R1")
	a.arg("x", 8, "R2")
	a.arg("vectors", 16, "R0")
	a.each(func() {
		a.load(0, "R1", 0)
		a.f("FMOVQ.P 16(R2), F1")
		a.op("fadd", 0, 0, 1)
		a.f("FMOVQ.P F0, 16(R1)")
	})

	a.fn("divide", "dst, x *float32, vectors int, by float32", 28, false)
	a.arg("dst", 0, "R1")
	a.arg("x", 8, "R2")
	a.arg("vectors", 16, "R0")
	a.f("FMOVS by+24(FP), F2")
	a.dup(2, 2)
	a.each(func() {
		a.f("FMOVQ.P 16(R2), F0")
		a.op("fdiv", 0, 0, 2)
		a.f("FMOVQ.P F0, 16(R1)")
	})

	a.fn("rotate", "a, b, cos, sin *float32, vectors int", 40, false)
	for i, name := range []string{"a", "b", "cos", "sin"} {
		a.arg(name, 8*i, fmt.Sprintf("R%d", i+1))
	}
	a.arg("vectors", 32, "R0")
	a.each(func() {
		a.load(0, "R1", 0)
		a.load(0, "R2", 1)
		a.f("FMOVQ.P 16(R3), F2")
		a.f("FMOVQ.P 16(R4), F3")
		a.op("fmul", 4, 0, 2)
		a.op("fmul", 5, 1, 2)
		a.op("fmls", 4, 1, 3)
		a.op("fmla", 5, 0, 3)
		a.f("FMOVQ.P F4, 16(R1)")
		a.f("FMOVQ.P F5, 16(R2)")
	})

	a.normRow("scaleRow", false)
	a.normRow("affineRow", true)
	a.reduction("sumRow", false)
	a.reduction("sumSquares", true)
	a.expBlocks()
	a.conversions()
}

// sigmoidMul leaves x / (1 + expf(z)) in register 0, x being in register 4 and z in register 0.
func (a *neon) sigmoidMul() {
	a.exp()
	a.op("fadd", 3, 3, a.loaded["one"])
	a.op("fdiv", 0, 4, 3)
}

// activation writes a function in place; body turns register 4 into register 0.
func (a *neon) activation(name string, body func(), keep ...string) {
	a.fn(name, "x *float32, vectors int", 16, true)
	a.arg("x", 0, "R1")
	a.arg("vectors", 8, "R0")
	a.keep(append(append([]string(nil), neonExpConstants...), keep...)...)
	a.each(func() {
		a.load(0, "R1", 4)
		body()
		a.f("FMOVQ.P F0, 16(R1)")
	})
}

// gelu computes both branches of erff and selects.
func (a *neon) gelu() {
	a.op("fmul", 5, 4, a.constant("sqrtHalf", 5))
	// Near zero: fma(z, S(z·z), z), kept in register 7.
	a.op("fmul", 0, 5, 5)
	s := a.horner(0, 1, 2, "erfS6", "erfS5", "erfS4", "erfS3", "erfS2", "erfS1", "erfS0")
	a.mov(7, 5)
	a.op("fmla", 7, 5, s)
	// Farther out: 1 - expf(-fma(t, L(t), t)) with the sign of z.
	a.un("fabs", 6, 5)
	a.op("fmin", 0, 6, a.constant("erfMax", 1))
	l := a.horner(0, 1, 2, "erfL6", "erfL5", "erfL4", "erfL3", "erfL2", "erfL1", "erfL0")
	a.mov(3, 0)
	a.op("fmla", 3, 0, l)
	a.un("fneg", 0, 3)
	a.exp()
	a.op("fsub", 3, a.loaded["one"], 3)
	a.op("and", 5, 5, a.constant("sign", 1))
	a.op("orr", 3, 3, 5)
	a.op("fcmge", 1, a.constant("erfSplit", 1), 6)
	a.op("bsl", 1, 7, 3)
	a.op("fmul", 0, 4, a.constant("half", 2))
	a.mov(3, 0)
	a.op("fmla", 3, 0, 1)
	a.mov(0, 3)
}

func (a *neon) normRow(name string, bias bool) {
	n := 24
	if bias {
		n = 32
		a.fn(name, "dst, x, weight, bias *float32, vectors int, mean, r float32", 48, false)
		a.arg("bias", 24, "R4")
	} else {
		a.fn(name, "dst, x, weight *float32, vectors int, mean, r float32", 40, false)
	}
	a.arg("dst", 0, "R1")
	a.arg("x", 8, "R2")
	a.arg("weight", 16, "R3")
	a.arg("vectors", n, "R0")
	a.f("FMOVS mean+%d(FP), F4", n+8)
	a.f("FMOVS r+%d(FP), F5", n+12)
	a.dup(4, 4)
	a.dup(5, 5)
	a.each(func() {
		a.f("FMOVQ.P 16(R2), F0")
		a.f("FMOVQ.P 16(R3), F1")
		a.op("fsub", 0, 0, 4)
		a.op("fmul", 0, 0, 5)
		if bias {
			a.f("FMOVQ.P 16(R4), F2")
			a.op("fmla", 2, 0, 1)
			a.f("FMOVQ.P F2, 16(R1)")
		} else {
			a.op("fmul", 0, 0, 1)
			a.f("FMOVQ.P F0, 16(R1)")
		}
	})
}

// reduction adds blocks of 64 elements to 64 partial sums in memory.
func (a *neon) reduction(name string, squares bool) {
	if squares {
		a.fn(name, "sums, x *float32, blocks int, mean float32", 28, false)
		a.f("FMOVS mean+24(FP), F20")
		a.dup(20, 20)
	} else {
		a.fn(name, "sums, x *float32, blocks int", 24, false)
	}
	a.arg("sums", 0, "R1")
	a.arg("x", 8, "R2")
	a.arg("blocks", 16, "R0")
	for i := range 16 {
		a.load(16*i, "R1", i)
	}
	a.f("loop:")
	for i := range 16 {
		a.f("FMOVQ.P 16(R2), F%d", 16+i%4)
		if squares {
			a.op("fsub", 16+i%4, 16+i%4, 20)
			a.op("fmla", i, 16+i%4, 16+i%4)
		} else {
			a.op("fadd", i, i, 16+i%4)
		}
	}
	a.f("SUBS $1, R0, R0")
	a.f("BNE loop")
	for i := range 16 {
		a.store(i, 16*i, "R1")
	}
	a.f("RET")
}

// expBlocks: the maximum in one pass, exp and sum in a second. step is in bytes; the 16 partial sums go to memory.
func (a *neon) expBlocks() {
	a.fn("expBlocks", "sums, s *float32, step, blocks int", 32, true)
	a.arg("sums", 0, "R1")
	a.arg("s", 8, "R2")
	a.arg("step", 16, "R3")
	a.arg("blocks", 24, "R0")
	a.keep(neonExpConstants...)
	a.f("MOVD R2, R4")
	a.f("MOVD R0, R5")
	a.set(4, "inf-")
	a.f("largest:")
	for i := range 4 {
		a.load(16*i, "R4", i)
	}
	for i := range 4 {
		a.op("fmax", 4, 4, i)
	}
	a.f("ADD R3, R4, R4")
	a.f("SUBS $1, R5, R5")
	a.f("BNE largest")
	a.un("fmaxv", 4, 4)
	a.dup(4, 4)
	for i := range 4 {
		a.zero(5 + i)
	}
	a.f("weights:")
	for i := range 4 {
		a.load(16*i, "R2", 0)
		a.op("fsub", 0, 0, 4)
		a.exp()
		a.store(3, 16*i, "R2")
		a.op("fadd", 5+i, 5+i, 3)
	}
	a.f("ADD R3, R2, R2")
	a.f("SUBS $1, R0, R0")
	a.f("BNE weights")
	for i := range 4 {
		a.store(5+i, 16*i, "R1")
	}
	a.f("RET")
}

// conversions work on eight elements at a time.
func (a *neon) conversions() {
	for _, c := range []struct{ name, low, high string }{{"widenF16", "fcvtl", "fcvtl2"}, {"widenBF16", "shll", "shll2"}} {
		a.fn(c.name, "dst *float32, src *byte, eights int", 24, false)
		a.arg("dst", 0, "R1")
		a.arg("src", 8, "R2")
		a.arg("eights", 16, "R0")
		a.each(func() {
			a.f("FMOVQ.P 16(R2), F0")
			a.un(c.low, 1, 0)
			a.un(c.high, 2, 0)
			a.f("FMOVQ.P F1, 16(R1)")
			a.f("FMOVQ.P F2, 16(R1)")
		})
	}
	for _, name := range []string{"narrowF16", "narrowBF16"} {
		bf := name == "narrowBF16"
		a.fn(name, "dst *byte, src *float32, eights int", 24, bf)
		a.arg("dst", 0, "R1")
		a.arg("src", 8, "R2")
		a.arg("eights", 16, "R0")
		if bf {
			a.keep("lowOne", "round16", "quiet16")
		}
		a.each(func() {
			a.f("FMOVQ.P 16(R2), F0")
			a.f("FMOVQ.P 16(R2), F1")
			if bf {
				a.narrowBF16(0)
				a.narrowBF16(1)
				a.un("xtn", 2, 0)
				a.un("xtn2", 2, 1)
			} else {
				a.un("fcvtn", 2, 0)
				a.un("fcvtn2", 2, 1)
			}
			a.f("FMOVQ.P F2, 16(R1)")
		})
	}
}

// narrowBF16 rounds register r to its upper half, left in the low half of each lane; it uses registers 4 to 6.
func (a *neon) narrowBF16(r int) {
	k := a.loaded
	a.shift("ushr", 4, r, 16)
	a.op("and", 5, 4, k["lowOne"])
	a.op("add", 5, 5, k["round16"])
	a.op("add", 5, 5, r)
	a.shift("ushr", 5, 5, 16)
	a.op("orr", 4, 4, k["quiet16"])
	a.op("fcmeq", 6, r, r) // all ones where it is a number
	a.op("bsl", 6, 5, 4)
	a.mov(r, 6)
}
