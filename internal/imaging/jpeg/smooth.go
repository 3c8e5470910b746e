package jpeg

// estimates is the number of leading coefficients, in zigzag order, that smoothing knows about.
const estimates = 10

// A kernel gives an estimate of a coefficient from the DC values of 5x5 blocks around the block, in units of 1/256:
// rows from above to below, each from left to right.
type kernel [25]int16

// acKernels estimate coefficients 1..5 where the DC values are to stay: T.81 K.8 on a larger window.
var acKernels = []kernel{
	1: {
		0, 0, 0, 0, 0,
		0, 0, 0, 0, 0,
		-7, 50, 0, -50, 7,
		0, 0, 0, 0, 0,
		0, 0, 0, 0, 0,
	},
	2: {
		0, 0, -7, 0, 0,
		0, 0, 50, 0, 0,
		0, 0, 0, 0, 0,
		0, 0, -50, 0, 0,
		0, 0, 7, 0, 0,
	},
	3: {
		0, 0, -1, 0, 0,
		0, 0, 13, 0, 0,
		0, 0, -24, 0, 0,
		0, 0, 13, 0, 0,
		0, 0, -1, 0, 0,
	},
	4: {
		0, -1, 0, 1, 0,
		-1, 10, 0, -10, 1,
		0, 0, 0, 0, 0,
		1, -10, 0, 10, -1,
		0, 1, 0, -1, 0,
	},
	5: {
		0, 0, 0, 0, 0,
		0, 0, 0, 0, 0,
		-1, 13, -24, 13, -1,
		0, 0, 0, 0, 0,
		0, 0, 0, 0, 0,
	},
}

// allKernels estimate coefficients 0..9 where nothing but DC values is known.
var allKernels = []kernel{
	0: {
		-2, -6, -8, -6, -2,
		-6, 6, 42, 6, -6,
		-8, 42, 152, 42, -8,
		-6, 6, 42, 6, -6,
		-2, -6, -8, -6, -2,
	},
	1: {
		-1, -1, 0, 1, 1,
		-3, 13, 0, -13, 3,
		-3, 38, 0, -38, 3,
		-3, 13, 0, -13, 3,
		-1, -1, 0, 1, 1,
	},
	2: {
		-1, -3, -3, -3, -1,
		-1, 13, 38, 13, -1,
		0, 0, 0, 0, 0,
		1, -13, -38, -13, 1,
		1, 3, 3, 3, 1,
	},
	3: {
		0, 0, 1, 0, 0,
		0, 2, 7, 2, 0,
		0, -5, -14, -5, 0,
		0, 2, 7, 2, 0,
		0, 0, 1, 0, 0,
	},
	4: {
		-1, 0, 0, 0, 1,
		0, 9, 0, -9, 0,
		0, 0, 0, 0, 0,
		0, -9, 0, 9, 0,
		1, 0, 0, 0, -1,
	},
	5: {
		0, 0, 0, 0, 0,
		0, 2, -5, 2, 0,
		1, 7, -14, 7, 1,
		0, 2, -5, 2, 0,
		0, 0, 0, 0, 0,
	},
	6: {
		0, 0, 0, 0, 0,
		0, 1, 0, -1, 0,
		0, 2, 0, -2, 0,
		0, 1, 0, -1, 0,
		0, 0, 0, 0, 0,
	},
	7: {
		0, 0, 0, 0, 0,
		0, 1, -3, 1, 0,
		0, 0, 0, 0, 0,
		0, -1, 3, -1, 0,
		0, 0, 0, 0, 0,
	},
	8: {
		0, 0, 0, 0, 0,
		0, 1, 0, -1, 0,
		0, -3, 0, 3, 0,
		0, 1, 0, -1, 0,
		0, 0, 0, 0, 0,
	},
	9: {
		0, 0, 0, 0, 0,
		0, 1, 2, 1, 0,
		0, 0, 0, 0, 0,
		0, -1, -2, -1, 0,
		0, 0, 0, 0, 0,
	},
}

// smoothable says whether a progressive file left some of the leading coefficients unfinished, so that libjpeg smooths
// it (jdcoefct.c, smoothing_ok).
func (d *decoder) smoothable() bool {
	useful := false
	for i := range d.comps {
		c := &d.comps[i]
		if c.quant == nil || c.precision[0] < 0 {
			return false
		}
		for k := range estimates {
			if c.quant[zigzag[k]] == 0 {
				return false
			}
			if k > 0 && c.precision[k] != 0 {
				useful = true
			}
		}
	}
	return useful
}

// smoothTransform is transform with estimates for the leading coefficients that are zero and not fully known
// (libjpeg-turbo 2.1.5, decompress_smooth_data). Its edges are that version's: windows are cut off by units of MCU rows
// as well as by the picture, and in pictures two blocks wide the first block sees itself at the far right.
func (d *decoder) smoothTransform(c *component) {
	c.plane = make([]uint8, 64*c.blocksX*c.blocksY)
	var missing [estimates]int8
	var kernels []kernel
	for y := range c.blocksY {
		if y%c.v == 0 {
			missing = d.missingBits(c, y/c.v)
			kernels = allKernels
			for _, bits := range missing[1:] {
				if bits != -1 {
					kernels = acKernels
				}
			}
		}
		rows := d.windowRows(c, y)
		var window [25]int32
		for i := range window {
			window[i] = int32(c.at(0, rows[i/5])[0])
		}
		for x := range c.blocksX {
			for i, row := range rows {
				w := window[5*i:][:5]
				if x == 0 && c.blocksX > 1 {
					w[3] = int32(c.at(1, row)[0])
				}
				if x+2 < c.blocksX {
					w[4] = int32(c.at(x+2, row)[0])
				}
			}
			coefs := *c.at(x, y)
			estimate(&coefs, c.quant, &window, kernels, &missing)
			idct(&coefs, c.quant, c.block(x, y), c.pitch())
			for i := range rows {
				w := window[5*i:][:5]
				copy(w, w[1:])
			}
		}
	}
}

// missingBits is how many low bits of the leading coefficients are missing in a unit row, -1 for all. Rows that the last
// scan did not reach are as the scan before left them.
func (d *decoder) missingBits(c *component, unit int) (bits [estimates]int8) {
	switch {
	case unit <= d.lastGoodRow:
		copy(bits[:], c.precision[:])
	case d.scans > 1:
		bits = c.before
	default:
		for k := range bits {
			bits[k] = -1
		}
	}
	return bits
}

// windowRows gives the rows of blocks two above, above, at, below and two below row y.
func (d *decoder) windowRows(c *component, y int) [5]int {
	unit, in := y/c.v, y%c.v
	last := d.unitRows - 1
	rowsIn := c.v
	if unit == last {
		rowsIn = c.blocksY - last*c.v
	}
	rows := [5]int{y, y, y, y, y}
	if unit > 0 || in > 0 {
		rows[0], rows[1] = y-1, y-1
	}
	if unit > 1 || in > 1 {
		rows[0] = y - 2
	}
	if unit < last || in < rowsIn-1 {
		rows[3], rows[4] = y+1, y+1
	}
	if unit+1 < last || in < rowsIn-2 {
		rows[4] = y + 2
	}
	return rows
}

// estimate fills in the coefficients of a block that are zero and not fully known.
func estimate(coefs, quant *[64]int16, window *[25]int32, kernels []kernel, missing *[estimates]int8) {
	dcStep := int64(uint16(quant[0]))
	for k := 1; k < len(kernels); k++ {
		at := zigzag[k]
		if missing[k] == 0 || coefs[at] != 0 {
			continue
		}
		v := kernels[k].apply(window, dcStep, int64(uint16(quant[at])))
		if missing[k] > 0 {
			limit := int64(1)<<missing[k] - 1
			v = max(-limit, min(limit, v))
		}
		coefs[at] = int16(v)
	}
	if kernels[0] != (kernel{}) {
		coefs[0] = int16(kernels[0].apply(window, dcStep, dcStep))
	}
}

// apply gives the estimate for a coefficient with the given quantiser step, rounded half away from zero.
func (k *kernel) apply(window *[25]int32, dcStep, step int64) int64 {
	sum := int32(0)
	for i, w := range k {
		sum += int32(w) * window[i]
	}
	num := dcStep * int64(sum)
	if num < 0 {
		return -((step<<7 - num) / (step << 8))
	}
	return (step<<7 + num) / (step << 8)
}
