//go:build amd64 && !purego

package kernels

import "strings"

// cpuid executes CPUID.
func cpuid(leaf, sub uint32) (a, b, c, d uint32)

// xgetbv returns the low half of XCR0: the register state that the operating system saves.
func xgetbv() uint32

// A feature is one CPUID bit together with the register state that it needs.
type feature struct {
	name  string
	leaf  uint32
	sub   uint32
	reg   int // 0 EAX, 1 EBX, 2 ECX, 3 EDX
	bit   uint
	state uint32
}

// The XCR0 bits of SSE and AVX, and with them those of the opmasks and the upper halves of ZMM.
const (
	avxState    = 1<<1 | 1<<2
	avx512State = avxState | 1<<5 | 1<<6 | 1<<7
)

// features are the instructions that this package may use (Intel SDM volume 2, CPUID).
var features = []feature{
	{"avx", 1, 0, 2, 28, avxState},
	{"fma", 1, 0, 2, 12, avxState},
	{"f16c", 1, 0, 2, 29, avxState},
	{"avx2", 7, 0, 1, 5, avxState},
	{"avxvnni", 7, 1, 0, 4, avxState},
	{"avx512f", 7, 0, 1, 16, avx512State},
	{"avx512dq", 7, 0, 1, 17, avx512State},
	{"avx512bw", 7, 0, 1, 30, avx512State},
	{"avx512vl", 7, 0, 1, 31, avx512State},
	{"avx512vnni", 7, 0, 2, 11, avx512State},
	{"avx512bf16", 7, 1, 0, 5, avx512State},
}

// cpu holds the names of the features that the processor has and the operating system supports, in the order of features.
var cpu = detect()

func detect() []string {
	top, _, _, _ := cpuid(0, 0)
	_, _, c1, _ := cpuid(1, 0)
	state := uint32(0)
	if c1&(1<<27) != 0 { // OSXSAVE: XGETBV exists
		state = xgetbv()
	}
	subs := uint32(0)
	if top >= 7 {
		subs, _, _, _ = cpuid(7, 0)
	}
	var found []string
	for _, f := range features {
		if f.leaf > top || f.leaf == 7 && f.sub > subs || state&f.state != f.state {
			continue
		}
		var r [4]uint32
		r[0], r[1], r[2], r[3] = cpuid(f.leaf, f.sub)
		if r[f.reg]>>f.bit&1 != 0 {
			found = append(found, f.name)
		}
	}
	return found
}

// Features are the processor features that were found and may be used, such as "avx2" and "avx512vnni".
func Features() []string { return append([]string(nil), cpu...) }

// has reports whether the processor has one feature.
func has(name string) bool {
	for _, f := range cpu {
		if f == name {
			return true
		}
	}
	return false
}

// lacks returns those of the features that are missing, separated by commas.
func lacks(names ...string) string {
	var missing []string
	for _, n := range names {
		if !has(n) {
			missing = append(missing, n)
		}
	}
	return strings.Join(missing, ", ")
}

// CPUModel is the processor's own name for itself.
func CPUModel() string {
	if top, _, _, _ := cpuid(0x80000000, 0); top < 0x80000004 {
		return ""
	}
	var b []byte
	for leaf := uint32(0x80000002); leaf <= 0x80000004; leaf++ {
		x0, x1, x2, x3 := cpuid(leaf, 0)
		for _, r := range [4]uint32{x0, x1, x2, x3} {
			b = append(b, byte(r), byte(r>>8), byte(r>>16), byte(r>>24))
		}
	}
	s, _, _ := strings.Cut(string(b), "\x00")
	return strings.TrimSpace(s)
}
