package imaging

import (
	"encoding/binary"
	"errors"
	"fmt"
)

// MaxCanvasPixels bounds every picture that a plan makes on its way (768 MiB each).
const MaxCanvasPixels = 1 << 28

// For runs body over disjoint ranges that together cover 0..n-1, in any order, possibly at the same time, and returns
// when all are done. A nil For means body(0, n). The result of a resize does not depend on it.
type For func(n int, body func(lo, hi int))

func (f For) run(n int, body func(lo, hi int)) {
	if f == nil {
		body(0, n)
		return
	}
	f(n, body)
}

// ResizeRGB resamples src to size with the filter f, bit for bit as Pillow's Image.resize does for mode RGB: a
// horizontal pass with coefficients of 22 fraction bits, rounding to bytes, then a vertical pass. The filter is widened
// when shrinking (antialiasing). A direction that keeps its size is not filtered.
func ResizeRGB(src *RGB, size Size, f Filter, loop For) (*RGB, error) {
	if err := src.check(); err != nil {
		return nil, err
	}
	return resizeRegion(asSource(src), size, f, Rect{0, 0, size.W, size.H}, loop)
}

// resizeRegion computes the pixels of r, which lies inside the picture of the given size that src is resampled to.
// Pixels do not depend on each other, so this is the resize followed by the crop, without the work for the rest.
func resizeRegion(src source, size Size, f Filter, r Rect, loop For) (*RGB, error) {
	fail := func(err error) (*RGB, error) {
		return nil, fmt.Errorf("resize %v to %v: %w", src.canvas, size, err)
	}
	if size.W <= 0 || size.H <= 0 {
		return fail(errors.New("width and height must be positive"))
	}
	if _, err := f.support(); err != nil {
		return fail(err)
	}
	if err := checkCanvas(Size{r.W, r.H}); err != nil {
		return fail(err)
	}
	var horizontal, vertical *coefficients
	var err error
	if size.W != src.canvas.W {
		if horizontal, err = newCoefficients(f, src.canvas.W, size.W, r.X, r.X+r.W); err != nil {
			return fail(err)
		}
	}
	top, bottom := r.Y, r.Y+r.H // canvas rows that are needed
	if size.H != src.canvas.H {
		if vertical, err = newCoefficients(f, src.canvas.H, size.H, r.Y, r.Y+r.H); err != nil {
			return fail(err)
		}
		top, bottom = vertical.span()
		if err := checkCanvas(Size{r.W, bottom - top}); err != nil {
			return fail(fmt.Errorf("rows between the passes: %w", err))
		}
	}

	var rows *RGB
	if horizontal != nil {
		rows = resampleRows(src, horizontal, top, bottom, loop)
	} else if rows, err = copyRegion(src, Rect{r.X, top, r.W, bottom - top}); err != nil {
		return fail(err)
	}
	if vertical == nil {
		return rows, nil
	}
	return resampleColumns(rows, vertical, top, loop), nil
}

// checkCanvas refuses sizes that no picture has and those above MaxCanvasPixels.
func checkCanvas(s Size) error {
	if s.W <= 0 || s.H <= 0 {
		return fmt.Errorf("%v pixels: width and height must be positive", s)
	}
	if s.W > MaxCanvasPixels/s.H {
		return fmt.Errorf("%v pixels is above the limit of %d pixels", s, MaxCanvasPixels)
	}
	return nil
}

// resampleRows is the horizontal pass over canvas rows top..bottom-1.
//
// Two rows are filtered at once: a sample of one row lies in the low and of the other in the high 32 bits of a word, so
// one 64-bit multiplication does both. The lanes do not disturb each other: the sum is exactly the low row's sum
// + 2^32 * the high row's, and both fit 32 bits with sign.
//
// The sums are integers, so what the fill around the picture adds is the same as adding fill everywhere and, for the
// picture's columns, the differences from it: only those are visited.
func resampleRows(src source, c *coefficients, top, bottom int, loop For) *RGB {
	dst := NewRGB(Size{len(c.first), bottom - top})
	left, right := src.columns()
	pixels := rowSums(c, left, right, src.fill)
	blank := make([]uint8, 3*len(pixels)) // a row that does not cross the picture
	for i, p := range pixels {
		for channel, s := range p.base {
			blank[3*i+channel], _ = clip2(s)
		}
	}
	loop.run((dst.Height+1)/2, func(first, last int) {
		line := make([]uint64, 3*(right-left))
		for pair := first; pair < last; pair++ {
			y0, y1 := 2*pair, min(2*pair+1, dst.Height-1)
			if !src.has(top+y0) && !src.has(top+y1) {
				copy(dst.row(y0), blank)
				copy(dst.row(y1), blank)
				continue
			}
			clear(line)
			src.addDifferences(line, top+y0, left, 0)
			src.addDifferences(line, top+y1, left, 32)
			a, b := dst.row(y0), dst.row(y1)
			for i := range pixels {
				p := &pixels[i]
				s := p.base
				px := line[3*p.first:][:3*len(p.taps)]
				for _, k := range p.taps {
					if len(px) < 3 {
						break
					}
					w := uint64(int64(k))
					s[0] += px[0] * w
					s[1] += px[1] * w
					s[2] += px[2] * w
					px = px[3:]
				}
				a[3*i], b[3*i] = clip2(s[0])
				a[3*i+1], b[3*i+1] = clip2(s[1])
				a[3*i+2], b[3*i+2] = clip2(s[2])
			}
		}
	})
	return dst
}

// addDifferences adds the differences of canvas row y from the fill, from column left on, to the lane of line that
// begins at bit shift. A row that does not cross the picture adds nothing.
func (s *source) addDifferences(line []uint64, y, left int, shift uint) {
	if !s.has(y) || len(line) == 0 {
		return
	}
	px := s.row(y - s.y)[3*(left-s.x):]
	for ; len(line) >= 3 && len(px) >= 3; line, px = line[3:], px[3:] {
		line[0] += uint64(int64(px[0])-int64(s.fill[0])) << shift
		line[1] += uint64(int64(px[1])-int64(s.fill[1])) << shift
		line[2] += uint64(int64(px[2])-int64(s.fill[2])) << shift
	}
}

// A rowSum is one output pixel of the horizontal pass: base plus the differences of the picture's columns from first on
// (counted from the picture's first visible one) times taps. base holds the rounding term and what a row of fill adds,
// in both lanes, by colour.
type rowSum struct {
	base  [3]uint64
	first int
	taps  []int32
}

// rowSums prepares the pixels of the horizontal pass for a picture in canvas columns left..right-1.
func rowSums(c *coefficients, left, right int, fill Color) []rowSum {
	pixels := make([]rowSum, len(c.first))
	for i := range pixels {
		taps, sum := c.of(i), int64(0)
		for _, k := range taps {
			sum += int64(k)
		}
		p := &pixels[i]
		for channel, v := range fill {
			p.base[channel] = lanes2 + uint64(int64(v)*sum)*(1<<32+1)
		}
		lo, hi := max(c.first[i], left), min(c.first[i]+len(taps), right)
		if lo < hi {
			p.first, p.taps = lo-left, taps[lo-c.first[i]:hi-c.first[i]]
		}
	}
	return pixels
}

// lanes2 is one half (the rounding term) in both 32-bit lanes.
const lanes2 = 1<<(precisionBits-1) | 1<<(precisionBits-1+32)

// clip2 rounds and clips both lanes of a sum to bytes.
func clip2(s uint64) (lo, hi uint8) {
	l := int32(uint32(s))
	h := int32((s - uint64(int64(l))) >> 32)
	return clip8(l), clip8(h)
}

func clip8(v int32) uint8 { return uint8(min(max(v>>precisionBits, 0), 255)) }

// resampleColumns is the vertical pass. Row 0 of src is canvas row top.
func resampleColumns(src *RGB, c *coefficients, top int, loop For) *RGB {
	dst := NewRGB(Size{src.Width, len(c.first)})
	stride := 3 * src.Width
	loop.run(dst.Height, func(first, last int) {
		for y := first; y < last; y++ {
			taps := c.of(y)
			rows := src.Pix[stride*(c.first[y]-top):]
			out := dst.row(y)
			x := 0
			for ; x+8 <= stride; x += 8 {
				resample8(out[x:x+8], rows[x:], stride, taps)
			}
			for ; x < stride; x++ {
				s := int32(1 << (precisionBits - 1))
				for t, k := range taps {
					s += int32(rows[t*stride+x]) * k
				}
				out[x] = clip8(s)
			}
		}
	})
	return dst
}

// resample8 filters eight neighbouring samples down the rows, in pairs of lanes as resampleRows does: samples 0 and 4,
// 1 and 5, 2 and 6, 3 and 7.
func resample8(out, rows []uint8, stride int, taps []int32) {
	const lanes = 0x000000ff000000ff
	var s04, s15, s26, s37 uint64 = lanes2, lanes2, lanes2, lanes2
	at := 0
	for _, k := range taps {
		v := binary.LittleEndian.Uint64(rows[at:])
		w := uint64(int64(k))
		s04 += (v & lanes) * w
		s15 += (v >> 8 & lanes) * w
		s26 += (v >> 16 & lanes) * w
		s37 += (v >> 24 & lanes) * w
		at += stride
	}
	_ = out[7]
	out[0], out[4] = clip2(s04)
	out[1], out[5] = clip2(s15)
	out[2], out[6] = clip2(s26)
	out[3], out[7] = clip2(s37)
}
