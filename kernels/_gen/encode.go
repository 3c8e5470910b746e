package main

import (
	"encoding/binary"
	"fmt"
	"strings"
)

// The assembler lacks AVX512-BF16: VDPBF16PS is EVEX.512.F3.0F38.W0 52 /r (Intel SDM volume 2).
const (
	prefixF3    = 2
	opVDPBF16PS = 0x52
)

// vdpbf16ps is VDPBF16PS Z(last), Z(mid), Z(acc).
func (a *asm) vdpbf16ps(last, mid, acc int) {
	p := evex(acc, mid, false)
	p[1] |= byte(1-last>>4&1)<<6 | byte(1-last>>3&1)<<5
	a.bytes(append(p, opVDPBF16PS, byte(3<<6|acc&7<<3|last&7)))
}

// vdpbf16psBX is VDPBF16PS.BCST disp(BX), Z(mid), Z(acc).
func (a *asm) vdpbf16psBX(disp, mid, acc int) {
	p := evex(acc, mid, true)
	p[1] |= 1<<6 | 1<<5
	const bx = 3
	p = append(p, opVDPBF16PS, byte(2<<6|acc&7<<3|bx))
	a.bytes(binary.LittleEndian.AppendUint32(p, uint32(disp)))
}

// evex is the prefix of a 512-bit instruction of map 0F38 with W0, but for the X and B bits of its last operand.
func evex(dst, mid int, broadcast bool) []byte {
	p0 := 2 | (1-dst>>3&1)<<7 | (1-dst>>4&1)<<4
	p1 := prefixF3 | 1<<2 | (^mid&15)<<3
	p2 := 2<<5 | (1-mid>>4&1)<<3
	if broadcast {
		p2 |= 1 << 4
	}
	return []byte{0x62, byte(p0), byte(p1), byte(p2)}
}

func (a *asm) bytes(b []byte) {
	s := make([]string, len(b))
	for i, v := range b {
		s[i] = fmt.Sprintf("BYTE $%#02x", v)
	}
	fmt.Fprintf(a, "\t%s\n", strings.Join(s, "; "))
}
