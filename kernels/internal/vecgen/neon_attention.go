package main

import "fmt"

func neonScoreShapes() []shape { return []shape{{1, 4}, {2, 2}, {4, 1}, {6, 1}} }

// neonSumShapes counts columns in registers of four elements.
func neonSumShapes() []shape { return []shape{{1, 16}, {1, 4}, {2, 8}, {2, 4}, {4, 4}, {6, 4}} }

func (a *neon) attention() {
	for _, d := range storedTypes {
		for _, s := range neonScoreShapes() {
			a.scores(s, d)
		}
		for _, s := range neonSumShapes() {
			a.weightedSum(s, d)
		}
	}
}

// loadStored loads and widens count registers of four stored elements, an even number, from base on, and advances base.
func (a *neon) loadStored(base, d string, first, count int) {
	if d == "F32" {
		for i := range count {
			a.f("FMOVQ.P 16(%s), F%d", base, first+i)
		}
		return
	}
	low, high := "fcvtl", "fcvtl2"
	if d == "BF16" {
		low, high = "shll", "shll2"
	}
	for i := 0; i < count; i += 2 {
		a.f("FMOVQ.P 16(%s), F%d", base, first+i)
		a.un(high, first+i+1, first+i)
		a.un(low, first+i, first+i)
	}
}

// scores: see gen.scores. A panel of 16 keys is four registers.
func (a *neon) scores(s shape, d string) {
	const per = 4
	acc := func(r, c, i int) int { return (r*s.columns+c)*per + i }
	keys := s.rows * s.columns * per
	query := keys + per
	size := storedSize(d)
	a.fn(scoresName(s, d), scoresArgs, 44, false)
	a.arg("s", 0, "R0")
	a.arg("keys", 16, "R1")
	a.arg("groups", 24, "R2")
	a.arg("dim", 32, "R3")
	a.f("FMOVS scale+40(FP), F31")
	a.f("MOVD $%d, R4", 16*size)
	a.f("MUL R3, R4, R4") // bytes of a panel
	a.f("LSL $2, R3, R5") // bytes of a query row
	panel := func(c int) string { return fmt.Sprintf("R%d", 6+c) }
	row := func(r int) string { return fmt.Sprintf("R%d", 10+r) }
	a.f("group:")
	a.arg("q", 8, row(0))
	for r := 1; r < s.rows; r++ {
		a.f("ADD R5, %s, %s", row(r-1), row(r))
	}
	a.f("MOVD R1, %s", panel(0))
	for c := 1; c < s.columns; c++ {
		a.f("ADD R4, %s, %s", panel(c-1), panel(c))
	}
	a.f("ADD R4, %s, R1", panel(s.columns-1))
	for i := range keys {
		a.zero(i)
	}
	a.f("MOVD R3, R17")
	a.f("loop:")
	if s.columns > 1 { // the query elements stay for all panels
		for r := range s.rows {
			a.f("FMOVS.P 4(%s), F%d", row(r), query+r)
		}
		for c := range s.columns {
			a.loadStored(panel(c), d, keys, per)
			for r := range s.rows {
				for i := range per {
					a.fmlaLane(acc(r, c, i), keys+i, query+r)
				}
			}
		}
	} else {
		a.loadStored(panel(0), d, keys, per)
		for r := range s.rows {
			a.f("FMOVS.P 4(%s), F%d", row(r), query+r%2)
			for i := range per {
				a.fmlaLane(acc(r, 0, i), keys+i, query+r%2)
			}
		}
	}
	a.f("SUBS $1, R17, R17")
	a.f("BNE loop")
	for c := range s.columns {
		for r := range s.rows {
			for i := range per {
				a.fmulLane(acc(r, c, i), acc(r, c, i), 31)
				a.f("FMOVQ.P F%d, 16(R0)", acc(r, c, i))
			}
		}
	}
	a.f("SUBS $1, R2, R2")
	a.f("BNE group")
	a.f("RET")
}

// weightedSum: see gen.weightedSum.
func (a *neon) weightedSum(s shape, d string) {
	acc := func(r, c int) int { return r*s.columns + c }
	const batch = 4 // registers of values at a time
	values := s.rows * s.columns
	weight := values + batch
	a.fn(sumName(s, d), sumArgs, 64, false)
	a.arg("acc", 0, "R0")
	a.arg("p", 8, "R1")
	a.arg("values", 16, "R2")
	a.arg("n", 24, "R3")
	a.arg("lane", 32, "R4")
	a.arg("step", 40, "R5")
	a.arg("stride", 48, "R6")
	a.arg("width", 56, "R7")
	each := func(move func(r, c, off int)) {
		a.f("MOVD R0, R8")
		for r := range s.rows {
			for c := range s.columns {
				move(r, c, 16*c)
			}
			a.f("ADD R7, R8, R8")
		}
	}
	each(func(r, c, off int) { a.load(off, "R8", acc(r, c)) })
	a.f("ADD R4<<2, R1, R9") // the weight of the first key
	a.f("MOVD $16, R10")
	a.f("SUB R4, R10, R10") // keys in the first block
	a.f("block:")
	a.f("CMP R3, R10")
	a.f("CSEL LT, R10, R3, R10")
	a.f("SUB R10, R3, R3")
	a.f("loop:")
	a.f("MOVD R2, R11")
	if s.rows <= 2 {
		for r := range s.rows {
			a.f("FMOVS %d(R9), F%d", r*64, weight+r)
		}
	}
	for c := 0; c < s.columns; c += batch {
		a.loadStored("R11", d, values, batch)
		for r := range s.rows {
			w := weight + r
			if s.rows > 2 {
				w = weight + r%2
				a.f("FMOVS %d(R9), F%d", r*64, w)
			}
			for i := range batch {
				a.fmlaLane(acc(r, c+i), values+i, w)
			}
		}
	}
	a.f("ADD $4, R9, R9")
	a.f("ADD R6, R2, R2")
	a.f("SUBS $1, R10, R10")
	a.f("BNE loop")
	a.f("ADD R5, R1, R1")
	a.f("MOVD R1, R9")
	a.f("MOVD $16, R10")
	a.f("CBNZ R3, block")
	each(func(r, c, off int) { a.store(acc(r, c), off, "R8") })
	a.f("RET")
}
