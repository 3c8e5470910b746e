package main

import (
	"bytes"
	"fmt"
	"math"
	"strings"
)

// A target is an instruction set: its vector registers and what it lacks.
type target struct {
	name   string
	suffix string // of the function names
	reg    string // prefix of the vector registers
	lanes  int    // float32 per register
	wide   bool   // AVX-512: 32 registers, masks, broadcast operands
}

var (
	avx2   = target{name: "avx2", suffix: "AVX2", reg: "Y", lanes: 8}
	avx512 = target{name: "avx512", suffix: "AVX512", reg: "Z", lanes: 16, wide: true}
)

// bytes of a full vector.
func (t target) size() int { return 4 * t.lanes }

// A gen collects the text of one assembly file.
type gen struct {
	target
	text   bytes.Buffer
	consts []string       // names of the constants in use, in the order of their memory
	loaded map[string]int // constants that lie in a register of the current function
	masks  bool           // the tail mask table is in use
	iota   bool           // the vector 0, 1, ..., 7 is in use
}

func newGen(t target) *gen { return &gen{target: t, loaded: map[string]int{}} }

// f writes one line of assembly.
func (g *gen) f(format string, args ...any) {
	line := fmt.Sprintf(format, args...)
	if !strings.HasSuffix(line, ":") {
		line = "\t" + line
	}
	g.text.WriteString(line + "\n")
}

// v is vector register i; x and y are its low quarter or half, for lane counts that need them.
func (g *gen) v(i int) string { return fmt.Sprintf("%s%d", g.reg, i) }

func x(i int) string { return fmt.Sprintf("X%d", i) }
func y(i int) string { return fmt.Sprintf("Y%d", i) }

// fn starts a function. args is the Go parameter list, frame the size of the arguments.
func (g *gen) fn(name, args string, frame int) {
	g.loaded = map[string]int{}
	fmt.Fprintf(&g.text, "\n// func %s%s(%s)\nTEXT ·%s%s(SB), NOSPLIT, $0-%d\n", name, g.suffix, args, name, g.suffix, frame)
}

// end leaves a function.
func (g *gen) end() {
	g.f("VZEROUPPER")
	g.f("RET")
}

// constants are the float32 and integer constants of package kernels by name, as bits.
var constants = map[string]uint32{
	"abs":  1<<31 - 1,
	"sign": 1 << 31,
	"half": math.Float32bits(0.5),
	"one":  math.Float32bits(1),
	"inf-": 0xff800000,

	"expMin":   math.Float32bits(-104),
	"expMax":   math.Float32bits(89),
	"expMagic": math.Float32bits(0x1.8p23),
	"log2E":    math.Float32bits(0x1.715476p+0),
	"ln2Hi":    math.Float32bits(0x1.62e4p-1),
	"ln2Lo":    math.Float32bits(0x1.7f7d1cp-20),
	"expQ0":    math.Float32bits(0x1.fffffcp-2),
	"expQ1":    math.Float32bits(0x1.55549p-3),
	"expQ2":    math.Float32bits(0x1.5558f4p-5),
	"expQ3":    math.Float32bits(0x1.123a6ap-7),
	"expQ4":    math.Float32bits(0x1.6a234ap-10),
	"bias":     127,

	"erfSplit": math.Float32bits(0.92),
	"erfMax":   math.Float32bits(3.95),
	"erfS0":    math.Float32bits(0x1.06eba8p-3),
	"erfS1":    math.Float32bits(-0x1.812742p-2),
	"erfS2":    math.Float32bits(0x1.ce2e0ap-4),
	"erfS3":    math.Float32bits(-0x1.b80e9p-6),
	"erfS4":    math.Float32bits(0x1.54c7f4p-8),
	"erfS5":    math.Float32bits(-0x1.aa3f28p-11),
	"erfS6":    math.Float32bits(0x1.5cd49cp-14),
	"erfL0":    math.Float32bits(0x1.0772ep-3),
	"erfL1":    math.Float32bits(0x1.4538aep-1),
	"erfL2":    math.Float32bits(0x1.b2d3d4p-4),
	"erfL3":    math.Float32bits(-0x1.843632p-6),
	"erfL4":    math.Float32bits(0x1.d936e6p-9),
	"erfL5":    math.Float32bits(-0x1.4a26fp-12),
	"erfL6":    math.Float32bits(0x1.5e1356p-17),

	"quickScale": math.Float32bits(-1.702),
	"sqrtHalf":   math.Float32bits(0x1.6a09e6p-1),
	"tanhA":      math.Float32bits(-0x1.988454p+0),
	"tanhB":      math.Float32bits(-0x1.2444f2p-4),

	"round16": 0x7fff,
	"quiet16": 0x40,
	"lowOne":  1,
	"lanes":   8,
}

// mem is constant name as a memory operand. It fills a YMM register; only its first element is used by AVX-512.
func (g *gen) mem(name string) string {
	if _, ok := constants[name]; !ok {
		panic("vecgen: no constant " + name)
	}
	at := -1
	for i, n := range g.consts {
		if n == name {
			at = i
		}
	}
	if at < 0 {
		at = len(g.consts)
		g.consts = append(g.consts, name)
	}
	return fmt.Sprintf("vectorConst<>+%d(SB)", 32*at)
}

// keep loads constants into registers from number reg downwards, for the rest of the function.
func (g *gen) keep(reg int, names ...string) {
	for i, name := range names {
		g.loaded[name] = reg - i
		g.f("VBROADCASTSS %s, %s", g.mem(name), g.v(reg-i))
	}
}

// op writes an instruction whose first operand is a constant, in its register or in memory.
func (g *gen) op(name, constant, operands string) {
	if r, ok := g.loaded[constant]; ok {
		g.f("%s %s, %s", name, g.v(r), operands)
		return
	}
	if g.wide {
		name += ".BCST"
	}
	g.f("%s %s, %s", name, g.mem(constant), operands)
}

// set copies a constant into register r.
func (g *gen) set(constant string, r int) {
	if k, ok := g.loaded[constant]; ok {
		g.f("VMOVAPS %s, %s", g.v(k), g.v(r))
		return
	}
	g.f("VBROADCASTSS %s, %s", g.mem(constant), g.v(r))
}

// c is the register of a constant that keep has loaded.
func (g *gen) c(name string) string {
	r, ok := g.loaded[name]
	if !ok {
		panic("vecgen: constant not in a register: " + name)
	}
	return g.v(r)
}

// load and store move a vector between memory and register r; masked ones touch only the first CX elements, as tailMask
// has prepared.
func (g *gen) load(mem string, r int, masked bool) {
	switch {
	case !masked:
		g.f("VMOVUPS %s, %s", mem, g.v(r))
	case g.wide:
		g.f("VMOVUPS.Z %s, K1, %s", mem, g.v(r))
	default:
		g.f("VMASKMOVPS %s, Y15, %s", mem, g.v(r))
	}
}

func (g *gen) store(r int, mem string, masked bool) {
	switch {
	case !masked:
		g.f("VMOVUPS %s, %s", g.v(r), mem)
	case g.wide:
		g.f("VMOVUPS %s, K1, %s", g.v(r), mem)
	default:
		g.f("VMASKMOVPS %s, Y15, %s", g.v(r), mem)
	}
}

// tailMask makes K1 or Y15 the mask of the first CX elements, 0 < CX < lanes.
func (g *gen) tailMask() {
	if g.wide {
		g.f("MOVL $1, AX")
		g.f("SHLL CX, AX")
		g.f("DECL AX")
		g.f("KMOVW AX, K1")
		return
	}
	g.masks = true
	g.f("LEAQ tailMask<>+32(SB), AX")
	g.f("NEGQ CX")
	g.f("VMOVDQU (AX)(CX*4), Y15")
	g.f("NEGQ CX")
}

// each writes the whole of an element-wise function after its arguments are in registers: see loop.
func (g *gen) each(body func(masked bool), pointers map[string]int, order ...string) {
	g.loop(body, pointers, order...)
	g.end()
}

// loop calls body for full vectors and once, masked, for the rest. body works at the pointers, which advance by their
// number of bytes a vector; CX counts elements.
func (g *gen) loop(body func(masked bool), pointers map[string]int, order ...string) {
	g.f("SUBQ $%d, CX", g.lanes)
	g.f("JB tail")
	g.f("PCALIGN $64")
	g.f("loop:")
	body(false)
	for _, p := range order {
		g.f("ADDQ $%d, %s", pointers[p], p)
	}
	g.f("SUBQ $%d, CX", g.lanes)
	g.f("JAE loop")
	g.f("tail:")
	g.f("ADDQ $%d, CX", g.lanes)
	g.f("JZ done")
	g.tailMask()
	body(true)
	g.f("done:")
}

// bytes is the finished file.
func (g *gen) bytes() []byte {
	var b bytes.Buffer
	b.WriteString("// Code generated by internal/vecgen; DO NOT EDIT.\n\n//go:build amd64 && !purego\n\n#include \"textflag.h\"\n")
	for i, name := range g.consts {
		for w := range 4 {
			u := uint64(constants[name])
			fmt.Fprintf(&b, "DATA vectorConst<>+%d(SB)/8, $%#016x\n", 32*i+8*w, u<<32|u)
		}
	}
	if len(g.consts) > 0 {
		fmt.Fprintf(&b, "GLOBL vectorConst<>(SB), RODATA|NOPTR, $%d\n", 32*len(g.consts))
	}
	if g.masks {
		for i := range 8 {
			u := uint64(math.MaxUint64)
			if i >= 4 {
				u = 0
			}
			fmt.Fprintf(&b, "DATA tailMask<>+%d(SB)/8, $%#016x\n", 8*i, u)
		}
		b.WriteString("GLOBL tailMask<>(SB), RODATA|NOPTR, $64\n")
	}
	if g.iota {
		for i := range 4 {
			fmt.Fprintf(&b, "DATA vectorIota<>+%d(SB)/8, $%#016x\n", 8*i, uint64(2*i+1)<<32|uint64(2*i))
		}
		b.WriteString("GLOBL vectorIota<>(SB), RODATA|NOPTR, $32\n")
	}
	b.Write(g.text.Bytes())
	return b.Bytes()
}
