package main

import (
	"bytes"
	"fmt"
	"go/format"
)

// A shape is a register tile: rows query rows against columns vectors, of 16 keys each for the scores (two registers each
// under AVX2), of one register each for the weighted sum.
type shape struct{ rows, columns int }

// scoreShapes has one shape for every number of rows, ascending; sumShapes has several widths, the widest first, the last
// of which divides every row of values (16 elements).
func (g *gen) scoreShapes() []shape {
	if g.wide {
		return []shape{{1, 4}, {2, 4}, {4, 4}, {8, 2}, {12, 2}}
	}
	return []shape{{1, 4}, {2, 2}, {4, 1}, {6, 1}}
}

func (g *gen) sumShapes() []shape {
	if g.wide {
		return []shape{{1, 8}, {1, 4}, {1, 1}, {2, 8}, {2, 4}, {2, 1}, {4, 4}, {4, 1}, {8, 2}, {8, 1}, {12, 2}, {12, 1}}
	}
	return []shape{{1, 8}, {1, 2}, {2, 4}, {2, 2}, {4, 2}, {6, 2}}
}

var storedTypes = []string{"F32", "F16", "BF16"}

func storedSize(d string) int {
	if d == "F32" {
		return 4
	}
	return 2
}

func scoresName(s shape, d string) string { return fmt.Sprintf("scores%dx%d%s", s.rows, s.columns, d) }
func sumName(s shape, d string) string    { return fmt.Sprintf("sum%dx%d%s", s.rows, s.columns, d) }

const (
	scoresArgs = "s, q *float32, keys *byte, groups, dim int, scale float32"
	sumArgs    = "acc, p *float32, values *byte, n, lane, step, stride, width int"
)

func (g *gen) attention() {
	for _, d := range storedTypes {
		for _, s := range g.scoreShapes() {
			g.scores(s, d)
		}
		for _, s := range g.sumShapes() {
			g.weightedSum(s, d)
		}
	}
}

// loadStored loads and widens one register of stored elements of type d.
func (g *gen) loadStored(mem, d string, r int) {
	switch d {
	case "F32":
		g.f("VMOVUPS %s, %s", mem, g.v(r))
	case "F16":
		g.f("VCVTPH2PS %s, %s", mem, g.v(r))
	case "BF16":
		g.f("VPMOVZXWD %s, %s", mem, g.v(r))
		g.f("VPSLLD $16, %s, %s", g.v(r), g.v(r))
	}
}

// scores writes the products of s.rows query rows with groups of s.columns panels of 16 keys: one chain over dim each,
// then one multiplication by the scale. The accumulators come first, then the registers of a column of keys, then two for
// the broadcast query elements in turn. The panels of a group are walked side by side, which no hardware prefetcher
// follows well, so the next group is fetched in the order of its addresses.
func (g *gen) scores(s shape, d string) {
	per := 16 / g.lanes // registers per panel
	vectors := s.columns * per
	acc := func(r, c int) int { return r*vectors + c }
	keys := s.rows * vectors
	held := vectors
	if s.rows == 1 {
		held = 2 // used at once: two in turn
	}
	query := keys + held
	size := storedSize(d)
	g.fn(scoresName(s, d), scoresArgs, 44)
	g.f("MOVQ s+0(FP), DI")
	g.f("MOVQ q+8(FP), DX")
	g.f("MOVQ keys+16(FP), SI")
	g.f("MOVQ groups+24(FP), BX")
	g.f("MOVQ dim+32(FP), R9")
	g.f("MOVQ R9, R8")
	g.f("IMULQ $%d, R8", 16*size) // R8: bytes of a panel
	g.f("LEAQ (R8)(R8*2), R10")   // three panels
	g.f("SHLQ $2, R9")            // R9: bytes of a query row
	panel := []string{"(AX)", "(AX)(R8*1)", "(AX)(R8*2)", "(AX)(R10*1)"}
	bases := []string{"DX", "R11", "R12", "R13"} // of every third query row
	mem := func(c int) string {
		if at := c % per * g.lanes * size; at > 0 {
			return fmt.Sprint(at) + panel[c/per]
		}
		return panel[c/per]
	}
	g.f("group:")
	g.f("MOVQ SI, AX")
	g.f("MOVQ q+8(FP), DX")
	for i := 1; i*3 < s.rows; i++ {
		g.f("LEAQ (%s)(R9*2), %s", bases[i-1], bases[i])
		g.f("ADDQ R9, %s", bases[i])
	}
	for i := range s.rows * vectors {
		g.f("VXORPS %s, %s, %s", g.v(i), g.v(i), g.v(i))
	}
	g.f("MOVQ dim+32(FP), CX")
	g.f("LEAQ (SI)(R8*%d), R14", s.columns) // the next group
	g.f("PCALIGN $64")
	g.f("loop:")
	for at := 0; at < 16*size*s.columns; at += 64 {
		g.f("PREFETCHT0 %d(R14)", at)
	}
	g.f("ADDQ $%d, R14", 16*size*s.columns)
	broadcast := func(r int) string {
		index := []string{"(%s)", "(%s)(R9*1)", "(%s)(R9*2)"}[r%3]
		q := g.v(query + r%2)
		g.f("VBROADCASTSS "+index+", %s", bases[r/3], q)
		return q
	}
	if s.rows == 1 {
		q := broadcast(0)
		for c := range vectors {
			g.loadStored(mem(c), d, keys+c%2)
			g.f("VFMADD231PS %s, %s, %s", g.v(keys+c%2), q, g.v(acc(0, c)))
		}
	} else {
		for c := range vectors {
			g.loadStored(mem(c), d, keys+c)
		}
		for r := range s.rows {
			q := broadcast(r)
			for c := range vectors {
				g.f("VFMADD231PS %s, %s, %s", g.v(keys+c), q, g.v(acc(r, c)))
			}
		}
	}
	g.f("ADDQ $%d, AX", 16*size)
	for i := 0; i*3 < s.rows; i++ {
		g.f("ADDQ $4, %s", bases[i])
	}
	g.f("DECQ CX")
	g.f("JNZ loop")
	g.f("VBROADCASTSS scale+40(FP), %s", g.v(query))
	for c := range s.columns {
		for r := range s.rows {
			for i := range per {
				a := acc(r, c*per+i)
				g.f("VMULPS %s, %s, %s", g.v(query), g.v(a), g.v(a))
				g.f("VMOVUPS %s, %d(DI)", g.v(a), (c*s.rows+r)*64+i*g.size())
			}
		}
	}
	g.f("ADDQ $%d, DI", s.columns*s.rows*64)
	for range s.columns {
		g.f("ADDQ R8, SI")
	}
	g.f("DECQ BX")
	g.f("JNZ group")
	g.end()
}

// weightedSum writes the continuation of s.rows by s.columns vectors of chains over n keys. step, stride and width are the
// bytes from a block of weights to the next, from a row of values to the next and from a row of acc to the next.
func (g *gen) weightedSum(s shape, d string) {
	acc := func(r, c int) int { return r*s.columns + c }
	values := s.rows * s.columns
	held := s.columns
	if s.rows == 1 {
		held = 2
	}
	weight := values + held
	size := storedSize(d)
	g.fn(sumName(s, d), sumArgs, 64)
	g.f("MOVQ acc+0(FP), DI")
	g.f("MOVQ p+8(FP), R10")
	g.f("MOVQ values+16(FP), DX")
	g.f("MOVQ n+24(FP), BX")
	g.f("MOVQ lane+32(FP), AX")
	g.f("MOVQ step+40(FP), R9")
	g.f("MOVQ stride+48(FP), R8")
	g.f("MOVQ width+56(FP), R11")
	each := func(move func(r, c int, mem string)) {
		g.f("MOVQ DI, SI")
		for r := range s.rows {
			for c := range s.columns {
				move(r, c, fmt.Sprintf("%d(SI)", c*g.size()))
			}
			if r < s.rows-1 {
				g.f("ADDQ R11, SI")
			}
		}
	}
	each(func(r, c int, mem string) { g.f("VMOVUPS %s, %s", mem, g.v(acc(r, c))) })
	g.f("LEAQ (R10)(AX*4), SI") // the weight of the first key
	g.f("MOVQ $16, CX")
	g.f("SUBQ AX, CX") // keys in the first block
	g.f("block:")
	g.f("CMPQ CX, BX")
	g.f("CMOVQGT BX, CX")
	g.f("SUBQ CX, BX")
	g.f("PCALIGN $32")
	g.f("loop:")
	for at := 0; at < s.columns*g.lanes*size; at += 64 {
		g.f("PREFETCHT0 %d(DX)(R8*8)", at) // eight keys on
	}
	mem := func(c int) string { return fmt.Sprintf("%d(DX)", c*g.lanes*size) }
	broadcast := func(r int) string {
		w := g.v(weight + r%2)
		g.f("VBROADCASTSS %d(SI), %s", r*64, w)
		return w
	}
	if s.rows == 1 {
		w := broadcast(0)
		for c := range s.columns {
			g.loadStored(mem(c), d, values+c%2)
			g.f("VFMADD231PS %s, %s, %s", g.v(values+c%2), w, g.v(acc(0, c)))
		}
	} else {
		for c := range s.columns {
			g.loadStored(mem(c), d, values+c)
		}
		for r := range s.rows {
			w := broadcast(r)
			for c := range s.columns {
				g.f("VFMADD231PS %s, %s, %s", g.v(values+c), w, g.v(acc(r, c)))
			}
		}
	}
	g.f("ADDQ $4, SI")
	g.f("ADDQ R8, DX")
	g.f("DECQ CX")
	g.f("JNZ loop")
	g.f("ADDQ R9, R10")
	g.f("MOVQ R10, SI")
	g.f("MOVQ $16, CX")
	g.f("TESTQ BX, BX")
	g.f("JNZ block")
	each(func(r, c int, mem string) { g.f("VMOVUPS %s, %s", g.v(acc(r, c)), mem) })
	g.end()
}

// attentionStubs is the Go file that declares the kernels of one instruction set and lists them by shape and type.
// sumShapes count columns of lanes elements.
func attentionStubs(arch, suffix string, scoreShapes, sumShapes []shape, lanes int) []byte {
	var b bytes.Buffer
	fmt.Fprintf(&b, "// Code generated by internal/vecgen; DO NOT EDIT.\n\n//go:build %s && !purego\n\npackage kernels\n", arch)
	for _, d := range storedTypes {
		for _, s := range scoreShapes {
			fmt.Fprintf(&b, "\n//go:noescape\nfunc %s%s(%s)\n", scoresName(s, d), suffix, scoresArgs)
		}
		for _, s := range sumShapes {
			fmt.Fprintf(&b, "\n//go:noescape\nfunc %s%s(%s)\n", sumName(s, d), suffix, sumArgs)
		}
	}
	fmt.Fprintf(&b, "\nvar scoreKernels%s = []scoreKernel{\n", suffix)
	for _, s := range scoreShapes {
		fmt.Fprintf(&b, "\t{rows: %d, panels: %d, f32: %s%s, f16: %s%s, bf16: %s%s},\n", s.rows, s.columns,
			scoresName(s, "F32"), suffix, scoresName(s, "F16"), suffix, scoresName(s, "BF16"), suffix)
	}
	fmt.Fprintf(&b, "}\n\nvar sumKernels%s = []sumKernel{\n", suffix)
	for _, s := range sumShapes {
		fmt.Fprintf(&b, "\t{rows: %d, elements: %d, f32: %s%s, f16: %s%s, bf16: %s%s},\n", s.rows, s.columns*lanes,
			sumName(s, "F32"), suffix, sumName(s, "F16"), suffix, sumName(s, "BF16"), suffix)
	}
	b.WriteString("}\n")
	text, err := format.Source(b.Bytes())
	if err != nil {
		panic(err) // this file's own mistake
	}
	return text
}
