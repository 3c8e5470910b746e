package imaging

import "math"

// sin is the sine of |x| < 10, within 0.5001 units in the last place on every architecture: the C library that the
// reference was built on is within 0.55, and math.Sin may be compiled to other roundings where a fused multiply-add
// exists. It is slow and only used for filter tables.
//
// x is reduced by multiples of pi/2 held in three parts (x and the multiple are small, so the products are exact
// enough), then a Taylor series is summed in double-double arithmetic.
func sin(x float64) float64 {
	// The first two parts have 33 bits each, so that multiples up to 7 are exact; the third has 53.
	const (
		part1 = 0x1.921fb544p+00
		part2 = 0x1.0b4611a6p-34
		part3 = 0x1.3198a2e037073p-69
	)
	n := math.RoundToEven(x / (math.Pi / 2))
	r := twoSum(float64(x-float64(n*part1)), -float64(n*part2))
	r = r.add(dd{-float64(n * part3), 0})

	var s dd
	quadrant := int(n) & 3
	if quadrant&1 == 0 {
		s = taylor(r, 1)
	} else {
		s = taylor(r, 0)
	}
	if quadrant >= 2 {
		return -(s.hi + s.lo)
	}
	return s.hi + s.lo
}

// taylor sums r^p/p! - r^(p+2)/(p+2)! + ... for p = 0 (cosine) or 1 (sine), |r| <= pi/4.
func taylor(r dd, p int) dd {
	square := r.mul(r)
	square = dd{-square.hi, -square.lo}
	term := dd{1, 0}
	if p == 1 {
		term = r
	}
	sum := term
	for k := p + 1; k < 28; k += 2 {
		term = term.mul(square).div(float64(k * (k + 1)))
		sum = sum.add(term)
	}
	return sum
}

// dd is the unevaluated sum hi + lo, |lo| at most half a unit in the last place of hi.
type dd struct{ hi, lo float64 }

func twoSum(a, b float64) dd {
	s := a + b
	t := s - a
	return dd{s, (a - (s - t)) + (b - t)}
}

func (a dd) add(b dd) dd {
	s := twoSum(a.hi, b.hi)
	return twoSum(s.hi, s.lo+(a.lo+b.lo))
}

func (a dd) mul(b dd) dd {
	p := float64(a.hi * b.hi)
	e := math.FMA(a.hi, b.hi, -p)
	e += float64(a.hi*b.lo) + float64(a.lo*b.hi)
	return twoSum(p, e)
}

func (a dd) div(b float64) dd {
	q := a.hi / b
	rest := math.FMA(-q, b, a.hi) + a.lo
	return twoSum(q, rest/b)
}
