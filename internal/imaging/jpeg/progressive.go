package jpeg

import "bytes"

// startProgressive checks a progressive scan's parameters (G.1.1.1) and notes what it adds to each coefficient. Scans in
// an order that makes no sense are decoded, as by libjpeg.
func (d *decoder) startProgressive() error {
	s := &d.scan
	bad := s.high != 0 && s.low != s.high-1 || s.low > 13
	if s.first == 0 {
		bad = bad || s.last != 0
	} else {
		bad = bad || s.first > s.last || s.last > 63 || len(s.comps) != 1
	}
	if bad {
		return d.fail(ErrFormat, "SOS: progressive scan of %d components, coefficients %d-%d, bits %d-%d",
			len(s.comps), s.first, s.last, s.high, s.low)
	}
	for _, c := range s.comps {
		for k := min(s.first, 1); k < estimates; k++ {
			c.before[k] = 0
			if d.scans > 1 {
				c.before[k] = c.precision[k]
			}
		}
		for k := s.first; k <= s.last; k++ {
			c.precision[k] = int8(s.low)
		}
	}
	return nil
}

// progressiveDC decodes a scan of DC coefficients (G.1.2.1): their high bits, or one more bit of each.
func (d *decoder) progressiveDC() error {
	var unit [10]block
	blocks := unit[:d.scan.unitBlocks()]
	return d.eachMCU(func(i, _ int) (int, error) {
		d.place(blocks, i)
		if d.scan.high != 0 {
			return 1, d.refineDC(blocks)
		}
		return 1, d.firstDC(blocks)
	})
}

// firstDC decodes the high bits of each block's DC coefficient.
func (d *decoder) firstDC(blocks []block) error {
	for i := range blocks {
		c := blocks[i].comp
		size, ok := d.symbol(d.scan.dcTabs[c.dc])
		if !ok {
			return d.ends()
		}
		diff, ok := d.value(int(size))
		if !ok {
			return d.ends()
		}
		sum := c.pred + diff
		if (sum > c.pred) != (diff > 0) {
			return d.fail(ErrFormat, "DC coefficient overflows")
		}
		c.pred = sum
		blocks[i].coefs[0] = int16(sum << d.scan.low)
	}
	return nil
}

// refineDC decodes one bit for each block.
func (d *decoder) refineDC(blocks []block) error {
	for i := range blocks {
		b, ok := d.bits(1)
		if !ok {
			return d.ends()
		}
		blocks[i].coefs[0] |= int16(b << d.scan.low)
	}
	return nil
}

// ends is the error for a file without an end.
func (d *decoder) ends() error { return d.fail(ErrTruncated, "no end-of-image marker") }

// progressiveAC decodes a scan of a band of AC coefficients of one component (G.1.2.2, G.1.2.3).
func (d *decoder) progressiveAC() error {
	c := &d.scan.comps[0]
	t := d.scan.acTabs[c.ac]
	decode := d.firstAC
	if d.scan.high != 0 {
		decode = d.refineAC
	}
	return d.eachMCU(func(i, left int) (int, error) {
		if d.scan.eobRun > 0 {
			if n := d.idle(c.touched[i:], left); n > 0 {
				d.scan.eobRun -= n
				return n, nil
			}
		}
		c.touched[i] = 1
		if !decode(t, c.at(i%c.blocksX, i/c.blocksX)) {
			return 0, d.ends()
		}
		return 1, nil
	})
}

// idle is how many of the next blocks, at most left, an end-of-band run leaves as they are: all that it covers in a
// first scan; in later ones those up to the next block that may have coefficients to correct.
func (d *decoder) idle(touched []uint8, left int) int {
	n := min(left, d.scan.eobRun)
	if d.scan.high != 0 {
		if i := bytes.IndexByte(touched[:n], 1); i >= 0 {
			return i
		}
	}
	return n
}

// firstAC decodes the high bits of a block's band.
func (d *decoder) firstAC(t *huffTable, coefs *[64]int16) bool {
	for k := d.scan.first; k <= d.scan.last; k++ {
		s, ok := d.symbol(t)
		if !ok {
			return false
		}
		run, size := int(s>>4), int(s&15)
		if size == 0 {
			if run == 15 {
				k += 15
				continue
			}
			n, ok := d.bits(run)
			d.scan.eobRun = 1<<run + int(n) - 1
			return ok
		}
		k += run
		v, ok := d.value(size)
		if !ok {
			return false
		}
		coefs[zigzag[k]] = int16(v << d.scan.low)
	}
	return true
}

// refineAC decodes one more bit of a block's band: corrections of the coefficients that are not zero, mixed with the
// runs that lead to new ones.
func (d *decoder) refineAC(t *huffTable, coefs *[64]int16) bool {
	k, last := d.scan.first, d.scan.last
	if d.scan.eobRun == 0 {
		for ; k <= last; k++ {
			s, ok := d.symbol(t)
			if !ok {
				return false
			}
			run, size := int(s>>4), int(s&15)
			if size == 0 && run < 15 {
				n, ok := d.bits(run)
				if !ok {
					return false
				}
				d.scan.eobRun = 1<<run + int(n)
				break
			}
			v := int16(0)
			if size != 0 { // whatever the size, a new coefficient has one bit: its sign
				positive, ok := d.bits(1)
				if !ok {
					return false
				}
				v = int16(2*positive-1) << d.scan.low
			}
			if k, ok = d.correct(coefs, k, run); !ok {
				return false
			}
			if v != 0 {
				coefs[zigzag[k]] = v
			}
		}
	}
	if d.scan.eobRun > 0 {
		d.scan.eobRun--
		_, ok := d.correct(coefs, k, 64)
		return ok
	}
	return true
}

// correct reads a correction bit for each nonzero coefficient from k on, up to the zero that follows zeros others in the
// band, and gives its place: last+1 if there is none.
func (d *decoder) correct(coefs *[64]int16, k, zeros int) (int, bool) {
	bit := int16(1) << d.scan.low
	for ; k <= d.scan.last; k++ {
		v := &coefs[zigzag[k]]
		if *v == 0 {
			if zeros--; zeros < 0 {
				break
			}
			continue
		}
		one, ok := d.bits(1)
		if !ok {
			return k, false
		}
		if one == 0 || *v&bit != 0 {
			continue
		}
		if *v > 0 {
			*v += bit
		} else {
			*v -= bit
		}
	}
	return k, true
}
