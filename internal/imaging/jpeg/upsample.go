package jpeg

// upsampler brings a component to the size of the picture.
type upsampler uint8

// The ways of upsampling (libjpeg's jdsample.c).
const (
	sameSize   upsampler = iota
	replicate            // each sample becomes a rectangle
	triangleH            // 2:1 across, linear between the centres of samples
	triangleV            // 2:1 down
	triangleHV           // 2:1 in both
)

// chooseUpsampler gives the way for a component; false if the sampling factors do not divide the largest ones. The
// filters need more than two columns, the purely vertical one does not.
func chooseUpsampler(c *component, maxH, maxV int) (upsampler, bool) {
	switch {
	case maxH%c.h != 0 || maxV%c.v != 0:
		return 0, false
	case c.h == maxH && c.v == maxV:
		return sameSize, true
	case c.h == maxH && 2*c.v == maxV:
		return triangleV, true
	case 2*c.h == maxH && c.v == maxV && c.width > 2:
		return triangleH, true
	case 2*c.h == maxH && 2*c.v == maxV && c.width > 2:
		return triangleHV, true
	default:
		return replicate, true
	}
}

// samples is row y of the plane: the samples that count.
func (c *component) samples(y int) []uint8 { return c.plane[y*c.pitch():][:c.width] }

// neighbours gives the row of samples that picture row y lies in, and the one on whose side it lies, with two picture
// rows to a row of samples. Beyond the edges the nearest row stands in.
func (c *component) neighbours(y int) (near, far []uint8) {
	other := y/2 - 1 + y%2*2
	return c.samples(y / 2), c.samples(min(max(other, 0), c.height-1))
}

// row gives the samples of picture row y, at least width of them; buf is room for them.
func (c *component) row(y, maxH, maxV int, buf []uint8) []uint8 {
	switch c.upsample {
	case sameSize:
		return c.samples(y)
	case triangleH:
		stretch(c.samples(y), buf)
	case triangleV:
		near, far := c.neighbours(y)
		// The rounding of a half alternates between rows: down, up.
		bias := 1 + uint(y%2)
		for x, v := range near {
			buf[x] = uint8((3*uint(v) + uint(far[x]) + bias) >> 2)
		}
	case triangleHV:
		near, far := c.neighbours(y)
		stretchTwo(near, far, buf)
	case replicate:
		n := maxH / c.h
		in := c.samples(y / (maxV / c.v))
		for x := range buf[:n*c.width] {
			buf[x] = in[x/n]
		}
	}
	return buf
}

// stretch doubles a row: each output is 3/4 of the nearer sample and 1/4 of the next; a half is rounded down on the left
// and up on the right.
func stretch(in, out []uint8) {
	last := len(in) - 1
	out = out[:2*len(in)]
	out[0] = in[0]
	for x := range last {
		a, b := uint(in[x]), uint(in[x+1])
		out[2*x+1] = uint8((3*a + b + 2) >> 2)
		out[2*x+2] = uint8((a + 3*b + 1) >> 2)
	}
	out[2*last+1] = in[last]
}

// stretchTwo doubles the row that is 3/4 of near and 1/4 of far.
func stretchTwo(near, far, out []uint8) {
	last := len(near) - 1
	far, out = far[:len(near)], out[:2*len(near)]
	a := 3*uint(near[0]) + uint(far[0])
	out[0] = uint8((4*a + 8) >> 4)
	for x := range last {
		b := 3*uint(near[x+1]) + uint(far[x+1])
		out[2*x+1] = uint8((3*a + b + 7) >> 4)
		out[2*x+2] = uint8((a + 3*b + 8) >> 4)
		a = b
	}
	out[2*last+1] = uint8((4*a + 7) >> 4)
}
