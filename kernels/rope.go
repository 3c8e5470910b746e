package kernels

import (
	"math"
)

// RopeFrequencies returns the dim/2 inverse frequencies of rotary position embedding as PyTorch computes them in
// float32: e = 2i / dim, p = theta^e, 1 / p, each rounded to float32. theta^e is 2^(e·log2(theta)) in float64 by this
// file's own polynomials, so the numbers are the same on every machine; the power is the correctly rounded float32 up to
// ties within 1e-13. theta must be positive and finite.
func RopeFrequencies(theta float64, dim int) []float32 {
	hi, lo := log2Of(theta)
	inv := make([]float32, dim/2)
	for i := range inv {
		e := float64(float32(2*i) / float32(dim))
		inv[i] = 1 / float32(pow2(float64(e*hi), float64(e*lo)))
	}
	return inv
}

// RopeTable returns the cosines and sines of rows positions from pos on, each [rows, len(invFreq)]. The angle is
// float32(position)·invFreq rounded to float32; its sine and cosine are computed in float64 and rounded once to float32,
// within 0.5000001 ulp for positions up to 2^24. Angles of more than 2^25 are not supported.
func RopeTable(invFreq []float32, pos, rows int) (cos, sin []float32) {
	half := len(invFreq)
	cos = make([]float32, rows*half)
	sin = make([]float32, rows*half)
	for r := range rows {
		p := float32(pos + r)
		for i, f := range invFreq {
			s, c := sinCos(float64(float32(p * f)))
			sin[r*half+i], cos[r*half+i] = float32(s), float32(c)
		}
	}
	return cos, sin
}

// Rope rotates every head of x, [rows, heads·dim], in place by the row's angles, cos and sin being [rows, dim/2]. Element
// i of the first half pairs with element i of the second, as in the Hugging Face layout:
//
//	a' = fma(-b, sin, a·cos)      b' = fma(a, sin, b·cos)
func (w *Workers) Rope(x []float32, rows, heads, dim int, cos, sin []float32) {
	half := dim / 2
	checkLen("Rope: x", len(x), rows*heads*dim)
	checkLen("Rope: cos", len(cos), rows*half)
	checkLen("Rope: sin", len(sin), rows*half)
	v := vector()
	w.rows(rows, heads*dim, func(r int) {
		c, s := cos[r*half:(r+1)*half], sin[r*half:(r+1)*half]
		for h := range heads {
			head := x[(r*heads+h)*dim:][:dim]
			v.rotate(head[:half], head[half:2*half], c, s)
		}
	})
}

func rotateGo(a, b, cos, sin []float32) {
	for i, c := range cos {
		u, v, s := a[i], b[i], sin[i]
		a[i] = FMA32(-v, s, float32(u*c))
		b[i] = FMA32(u, s, float32(v*c))
	}
}

// π/2 in three parts: the first two have 28 bits, so that their products with integers up to 2^25 are exact.
const (
	piHalf1 = 0x1.921fb54p+0
	piHalf2 = 0x1.10b461p-30
	piHalf3 = 0x1.a62633145c06ep-58
	twoByPi = 0x1.45f306dc9c883p-1
)

// sinCos returns the sine and cosine of x, |x| <= 2^25, with errors below 2^-52. Every operation is rounded explicitly, so
// that no compiler fuses two of them.
func sinCos(x float64) (sin, cos float64) {
	n := math.RoundToEven(float64(x * twoByPi))
	r := x - float64(n*piHalf1) // exact: the two are close and their product has at most 53 bits
	r2 := float64(n * piHalf2)
	hi := r - r2
	lo := (r - hi) - r2 - float64(n*piHalf3)
	y := hi + lo
	z := float64(y * y)
	s := sinPoly(y, z)
	c := cosPoly(z)
	switch int64(n) & 3 {
	case 0:
		return s, c
	case 1:
		return c, -s
	case 2:
		return -s, -c
	}
	return -c, s
}

// sinPoly and cosPoly are the Taylor polynomials of degree 17 and 18, exact to 2^-53 for |y| <= π/4.
func sinPoly(y, z float64) float64 {
	p := 1.0
	for k := 16.0; k >= 2; k -= 2 {
		p = 1 - float64(float64(z*p)/float64(k*(k+1)))
	}
	return float64(y * p)
}

func cosPoly(z float64) float64 {
	p := 1.0
	for k := 17.0; k >= 1; k -= 2 {
		p = 1 - float64(float64(z*p)/float64(k*(k+1)))
	}
	return p
}

// log2Of returns log2(x) as an unevaluated sum: x = 2^n·m with m in [√½, √2], log2(m) = 2·log2(e)·atanh(s),
// s = (m-1)/(m+1). hi has at most 26 significant bits in its fraction part, so that products with a float32 are exact.
func log2Of(x float64) (hi, lo float64) {
	m, n := math.Frexp(x)
	if m < math.Sqrt2/2 {
		m, n = float64(m*2), n-1
	}
	// s to about 100 bits: s + t.
	num, den := m-1, m+1
	s := num / den
	t := math.FMA(-s, den, num) - float64(s*((m-den)+1))
	t /= den
	z := float64(s * s)
	q := 0.0
	for k := 41.0; k >= 3; k -= 2 {
		q = float64(z * (1/k + q))
	}
	// ln(m)/2 = s + (t + s·q); times 2·log2(e) in two parts.
	tail := t + float64(s*q)
	p := float64(s * log2E2Hi)
	e := math.FMA(s, log2E2Hi, -p)
	e += float64(s*log2E2Lo) + float64(tail*log2E2Hi)
	sum := float64(n) + p
	err := (float64(n) - sum) + p + e
	hi = float64(float32(sum))
	return hi, (sum - hi) + err
}

// 2·log2(e) in two parts.
const (
	log2E2Hi = 0x1.71547652b82fep+1
	log2E2Lo = 0x1.777d0ffda0d24p-55
)

// pow2 returns 2^(hi+lo), |hi+lo| < 1000.
func pow2(hi, lo float64) float64 {
	n := math.RoundToEven(hi)
	f := float64(((hi - n) + lo) * math.Ln2)
	p := 1.0
	for k := 18.0; k >= 1; k-- {
		p = 1 + float64(float64(f*p)/k)
	}
	return math.Ldexp(p, int(n))
}
