//go:build amd64 && !purego

package kernels

//go:noescape
func peakAVX512F32(n int)

//go:noescape
func peakAVX512BF16(n int)

//go:noescape
func peakAVX512Int8(n int)

//go:noescape
func peakAVX2F32(n int)

//go:noescape
func peakAVX2Int8(n int)

//go:noescape
func readAVX512(p *byte, n, ahead int)

//go:noescape
func readAVX2(p *byte, n, ahead int)

// The loops hold 24 chains of 512-bit or 12 of 256-bit registers: operations are chains x lanes x 2 for a multiply-add.
func probesAVX2() probeSet {
	return probeSet{
		probes: []probe{{"fp32 fma", 12 * 8 * 2, peakAVX2F32}, {"int16 dot", 12 * 16 * 2, peakAVX2Int8}},
		read:   readAVX2,
	}
}

func probesAVX512() probeSet {
	s := probeSet{probes: []probe{{"fp32 fma", 24 * 16 * 2, peakAVX512F32}}, read: readAVX512}
	if has("avx512bf16") {
		s.probes = append(s.probes, probe{"bf16 dot", 24 * 32 * 2, peakAVX512BF16})
	}
	if has("avx512vnni") {
		s.probes = append(s.probes, probe{"int8 dot", 24 * 64 * 2, peakAVX512Int8})
	}
	return s
}
