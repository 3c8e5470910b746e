package imaging

import (
	"fmt"
	"math"
)

// precisionBits is the number of fraction bits of a coefficient. A coefficient (below 2 in size) times a byte summed
// over taps must stay in 32 bits with a sign and room for the lobes: 32 - 8 - 2.
const precisionBits = 22

// maxCoefficients bounds the table of one pass (256 MiB); a real picture needs far less.
const maxCoefficients = 1 << 26

// support is the radius of the filter in source pixels at scale 1.
func (f Filter) support() (float64, error) {
	switch f {
	case Bilinear:
		return 1, nil
	case Bicubic:
		return 2, nil
	case Lanczos:
		return 3, nil
	}
	return 0, fmt.Errorf("unknown filter %q (known: %s, %s, %s)", string(f), Bicubic, Lanczos, Bilinear)
}

// at is the filter's value at x. The explicit conversions keep compilers from fusing a product with a sum: every
// operation rounds to float64, as in Pillow's Resample.c built for x86-64.
func (f Filter) at(x float64) float64 {
	switch f {
	case Bilinear:
		if x = math.Abs(x); x < 1 {
			return 1 - x
		}
	case Bicubic:
		const a = -0.5
		x = math.Abs(x)
		if x < 1 {
			return float64(float64((float64((a+2)*x)-(a+3))*x)*x) + 1
		}
		if x < 2 {
			return (float64((float64((x-5)*x)+8)*x) - 4) * a
		}
	case Lanczos:
		if -3 <= x && x < 3 {
			return float64(sinc(x) * sinc(x/3))
		}
	}
	return 0
}

func sinc(x float64) float64 {
	if x == 0 {
		return 1
	}
	x = float64(x * math.Pi)
	return sin(x) / x
}

// coefficients says how each pixel of one line of the result is made: output pixel i (counted from the first one asked
// for) is the sum over t of tap[i*taps+t] * source[first[i]+t], for t below count[i].
type coefficients struct {
	taps  int     // room for one output pixel
	first []int   // first source pixel
	count []int   // source pixels used, at most taps
	tap   []int32 // fixed point, precisionBits fraction bits
}

// span is the half-open range of source pixels that any output pixel uses; both ends grow with the output pixel.
func (c *coefficients) span() (lo, hi int) {
	last := len(c.first) - 1
	return c.first[0], c.first[last] + c.count[last]
}

// of gives the taps of output pixel i.
func (c *coefficients) of(i int) []int32 { return c.tap[i*c.taps:][:c.count[i]] }

// newCoefficients computes pixels from..to-1 of a line of in pixels resampled to out pixels: precompute_coeffs and
// normalize_coeffs_8bpc of Pillow's Resample.c, in the same order of operations.
func newCoefficients(f Filter, in, out, from, to int) (*coefficients, error) {
	support, err := f.support()
	if err != nil {
		return nil, err
	}
	scale := float64(float32(in)) / float64(out) // Pillow keeps the source box in float32
	filterScale := max(scale, 1)
	support = float64(support * filterScale)
	taps := int(math.Ceil(support))*2 + 1
	if taps > maxCoefficients/(to-from) {
		return nil, fmt.Errorf("%d pixels to %d needs %d coefficients for each of %d pixels, more than %d in all",
			in, out, taps, to-from, maxCoefficients)
	}
	c := &coefficients{
		taps:  taps,
		first: make([]int, to-from),
		count: make([]int, to-from),
		tap:   make([]int32, taps*(to-from)),
	}
	weight := make([]float64, taps)
	inverse := 1 / filterScale
	for i := range c.first {
		center := float64((float64(from+i) + 0.5) * scale)
		lo := max(int(center-support+0.5), 0)
		hi := min(int(center+support+0.5), in)
		sum := 0.0
		for x := lo; x < hi; x++ {
			w := f.at(float64((float64(x) - center + 0.5) * inverse))
			weight[x-lo] = w
			sum += w
		}
		c.first[i], c.count[i] = lo, hi-lo
		tap := c.of(i)
		for t := range tap {
			w := weight[t]
			if sum != 0 {
				w /= sum
			}
			tap[t] = fixed(w)
		}
	}
	return c, nil
}

// fixed rounds half away from zero to precisionBits fraction bits.
func fixed(w float64) int32 {
	w = float64(w * (1 << precisionBits))
	if w < 0 {
		return int32(w - 0.5)
	}
	return int32(w + 0.5)
}
