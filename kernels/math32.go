package kernels

import "math"

// The transcendental functions of the networks, in float32, each one fixed sequence of correctly rounded operations:
// additions, multiplications, fused multiply-adds (FMA32), divisions and comparisons. Assembly performs the same
// sequence lane by lane, so every instruction set gives the same bits. NaN in, NaN out; the payload is not promised.

// Constants of expf. ln2Hi has 16 significant bits, so that n*ln2Hi is exact; expQ0..expQ4 are the minimax coefficients of
// (e^r - 1 - r)/r² on ±ln(2)/2, rounded to float32.
const (
	expMin   float32 = -104 // e^x rounds to zero from here down
	expMax   float32 = 89   // e^x is infinite from here up
	expMagic float32 = 0x1.8p23
	log2E    float32 = 0x1.715476p+0
	ln2Hi    float32 = 0x1.62e4p-1
	ln2Lo    float32 = 0x1.7f7d1cp-20
	expQ0    float32 = 0x1.fffffcp-2
	expQ1    float32 = 0x1.55549p-3
	expQ2    float32 = 0x1.5558f4p-5
	expQ3    float32 = 0x1.123a6ap-7
	expQ4    float32 = 0x1.6a234ap-10
)

// expf returns e^x with an error below 1.02 ulp over all float32, subnormal results included:
//
//	x = max(min(x, 89), -104)
//	t = fma(x, log2(e), 1.5·2^23)     n = t - 1.5·2^23, an integer
//	r = fma(n, -ln2Lo, fma(n, -ln2Hi, x))
//	q = expQ0 + expQ1·r + … + expQ4·r⁴   (Horner, fused)
//	p = fma(q, r·r, r) + 1
//	p · 2^n, rounded once
//
// expf(-Inf) = +0, expf(+Inf) = +Inf.
func expf(x float32) float32 {
	if x > expMax {
		x = expMax
	}
	if x < expMin {
		x = expMin
	}
	t := FMA32(x, log2E, expMagic)
	n := t - expMagic
	r := FMA32(n, -ln2Hi, x)
	r = FMA32(n, -ln2Lo, r)
	q := FMA32(expQ4, r, expQ3)
	q = FMA32(q, r, expQ2)
	q = FMA32(q, r, expQ1)
	q = FMA32(q, r, expQ0)
	p := FMA32(q, float32(r*r), r) + 1
	// 2^n as two powers: the first product is exact, the second rounds once, also into the subnormal range.
	e := int32(math.Float32bits(t)) - int32(math.Float32bits(expMagic))
	a := e >> 1
	p = float32(p * math.Float32frombits(uint32(a+127)<<23))
	return float32(p * math.Float32frombits(uint32(e-a+127)<<23))
}

// Constants of erff: erfS* are the minimax coefficients of erf(x)/x - 1 in x² up to 0.93, erfL* those of
// -ln(erfc(t))/t - 1 in t between 0.90 and 3.96.
const (
	erfSplit float32 = 0.92
	erfMax   float32 = 3.95 // 1 - erf rounds to zero from here up
	erfS0    float32 = 0x1.06eba8p-3
	erfS1    float32 = -0x1.812742p-2
	erfS2    float32 = 0x1.ce2e0ap-4
	erfS3    float32 = -0x1.b80e9p-6
	erfS4    float32 = 0x1.54c7f4p-8
	erfS5    float32 = -0x1.aa3f28p-11
	erfS6    float32 = 0x1.5cd49cp-14
	erfL0    float32 = 0x1.0772ep-3
	erfL1    float32 = 0x1.4538aep-1
	erfL2    float32 = 0x1.b2d3d4p-4
	erfL3    float32 = -0x1.843632p-6
	erfL4    float32 = 0x1.d936e6p-9
	erfL5    float32 = -0x1.4a26fp-12
	erfL6    float32 = 0x1.5e1356p-17
)

// erff returns the error function with an error below 1.08 ulp over all float32:
//
//	|x| <= 0.92:  fma(x, S(x·x), x)
//	otherwise:    t = min(|x|, 3.95);  1 - expf(-fma(t, L(t), t)), with the sign of x
//
// S and L are polynomials of degree 6 by fused Horner steps.
func erff(x float32) float32 {
	t := math.Float32frombits(math.Float32bits(x) &^ (1 << 31))
	if t <= erfSplit {
		u := float32(x * x)
		s := FMA32(erfS6, u, erfS5)
		s = FMA32(s, u, erfS4)
		s = FMA32(s, u, erfS3)
		s = FMA32(s, u, erfS2)
		s = FMA32(s, u, erfS1)
		s = FMA32(s, u, erfS0)
		return FMA32(x, s, x)
	}
	if t > erfMax {
		t = erfMax
	}
	l := FMA32(erfL6, t, erfL5)
	l = FMA32(l, t, erfL4)
	l = FMA32(l, t, erfL3)
	l = FMA32(l, t, erfL2)
	l = FMA32(l, t, erfL1)
	l = FMA32(l, t, erfL0)
	y := 1 - expf(-FMA32(t, l, t))
	return math.Float32frombits(math.Float32bits(y) | math.Float32bits(x)&(1<<31))
}

// logTerms is how many terms of the series of log are summed: the first that is left out is below 2^-60 of the first.
const logTerms = 12

// log returns ln x of a positive, finite, normal x with an error below 2 ulp or 2^-53, whichever is larger, in float64 and with the
// same bits on every machine, which math.Log does not promise:
//
//	x = 2^k · f, sqrt(1/2) <= f < sqrt(2)      s = (f-1) / (f+1)
//	ln x = k·ln 2 + 2s·(1 + s²/3 + s⁴/5 + …)   (Horner, no fused operation)
func log(x float64) float64 {
	f, k := math.Frexp(x) // exact
	if f < math.Sqrt2/2 {
		f, k = 2*f, k-1
	}
	s := (f - 1) / (f + 1)
	u := float64(s * s)
	p := 0.0
	for n := logTerms - 1; n >= 0; n-- {
		p = float64(p*u) + 1/float64(2*n+1)
	}
	return float64(float64(k)*math.Ln2) + float64(float64(2*s)*p)
}
