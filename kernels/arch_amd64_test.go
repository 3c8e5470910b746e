//go:build amd64 && !purego

package kernels

import "testing"

// archBF16Ways are the assembly ways to compute the bf16 profile.
func archBF16Ways(t testing.TB) map[string]func(p *Workers, s *matMulScratch, dst, x []float32, m int, w Weight, bias []float32) {
	ways := map[string]func(p *Workers, s *matMulScratch, dst, x []float32, m int, w Weight, bias []float32){}
	for i := range isas {
		if isas[i].missing != "" {
			continue
		}
		switch isas[i].name {
		case "avx2":
			ways["avx2"] = productsAVX2.matMulSwapped
		case "avx512":
			ways["avx512"] = productsAVX512.matMulSwapped
			if productsAVX512.dot.missing == "" {
				ways["avx512 dot"] = productsAVX512.matMulDot
			}
		}
	}
	return ways
}

func TestDotExact(t *testing.T) {
	d := &productsAVX512.dot
	if d.missing != "" {
		t.Skipf("%s is missing", d.missing)
	}
	if !dotExact(d.dots) {
		t.Fatal("VDPBF16PS computes something else than its definition here")
	}
	if dotExact(func(acc *[16]float32, a, b *[16]uint32) { // the even element first is another function
		c, e := *a, *b
		for i := range acc {
			c[i], e[i] = a[i]<<16|a[i]>>16, b[i]<<16|b[i]>>16
		}
		d.dots(acc, &c, &e)
	}) {
		t.Fatal("the self-test does not see the order of the pair")
	}
	t.Logf("VDPBF16PS is chosen: %t", d.choose())
}
