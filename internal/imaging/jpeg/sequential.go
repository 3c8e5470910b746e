package jpeg

import "errors"

// bufferSize is the amount in which Pillow reads files.
const bufferSize = 1 << 16

// Raw bytes that a block can take at most, as libjpeg estimates it: 64 codes with value of 32 bits, all bytes stuffed.
const maxBlockBytes = 512

// zigzag gives the place in row order of each coefficient (figure A.6). Runs of zeros in damaged data can lead up to 16
// places too far; the value then lands at 63, as in libjpeg.
var zigzag = [64 + 16]uint8{
	0, 1, 8, 16, 9, 2, 3, 10, 17, 24, 32, 25, 18, 11, 4, 5,
	12, 19, 26, 33, 40, 48, 41, 34, 27, 20, 13, 6, 7, 14, 21, 28,
	35, 42, 49, 56, 57, 50, 43, 36, 29, 22, 15, 23, 30, 37, 44, 51,
	58, 59, 52, 45, 38, 31, 39, 46, 53, 60, 61, 54, 47, 55, 62, 63,
	63, 63, 63, 63, 63, 63, 63, 63, 63, 63, 63, 63, 63, 63, 63, 63,
}

// sequentialScan decodes a scan of a sequential file (F.2), straight to samples if it is the only one.
func (d *decoder) sequentialScan() error {
	if !d.multiScan {
		d.limit = min(len(d.data), ceilDiv(d.pos, bufferSize)*bufferSize)
	}
	var unit [10]block
	blocks := unit[:d.scan.unitBlocks()]
	return d.eachMCU(func(i, _ int) (int, error) {
		d.place(blocks, i)
		return 1, d.sequentialMCU(blocks)
	})
}

// block is a place in an MCU.
type block struct {
	comp  *scanComponent
	coefs *[64]int16 // where the coefficients go; nil: to samples
	out   []uint8    // where the samples go; nil: padding that is decoded and dropped
}

// grid is the number of MCUs across and down the scan (A.2).
func (d *decoder) grid() (across, down int) {
	if len(d.scan.comps) == 1 {
		return d.scan.comps[0].blocksX, d.scan.comps[0].blocksY
	}
	return ceilDiv(d.width, 8*d.maxH), d.unitRows
}

// eachMCU calls decode for the MCUs of the scan, numbered left to right and top to bottom, and passes restart markers.
// decode handles at least MCU i and at most left of them, and says how many. MCUs without data stay as they are in files
// of several scans, so they are passed over.
func (d *decoder) eachMCU(decode func(i, left int) (n int, err error)) error {
	across, down := d.grid()
	perUnit := across // MCUs in a unit row
	if len(d.scan.comps) == 1 {
		perUnit *= d.scan.comps[0].v
	}
	total := across * down
	for i := 0; i < total; {
		hadData := !d.starved
		left := total - i
		if d.restart > 0 {
			if d.scan.restartsToGo == 0 {
				if err := d.restartMarker(); err != nil {
					return err
				}
			}
			left = min(left, d.scan.restartsToGo)
		}
		n := left
		switch {
		case d.starved && d.multiScan && endsScan(d.code):
			return nil
		case d.starved && d.multiScan:
		default:
			var err error
			if n, err = decode(i, left); err != nil {
				return err
			}
		}
		i += n
		d.scan.restartsToGo -= n
		if hadData {
			d.lastGoodRow = (i - 1) / perUnit
		}
	}
	return nil
}

// place finds the blocks of MCU i.
func (d *decoder) place(blocks []block, i int) {
	across, _ := d.grid()
	mx, my := i%across, i/across
	blocks = blocks[:0]
	for ci := range d.scan.comps {
		c := &d.scan.comps[ci]
		h, v := c.h, c.v
		if len(d.scan.comps) == 1 {
			h, v = 1, 1
		}
		for y := my * v; y < (my+1)*v; y++ {
			for x := mx * h; x < (mx+1)*h; x++ {
				b := block{comp: c}
				if d.multiScan {
					b.coefs = c.at(x, y)
				} else if x < c.blocksX && y < c.blocksY {
					b.out = c.block(x, y)
				}
				blocks = append(blocks, b)
			}
		}
	}
}

// at is the block of coefficients at (x, y).
func (c *component) at(x, y int) *[64]int16 { return (*[64]int16)(c.coefs[64*(y*c.stride+x):]) }

// sequentialMCU decodes the blocks of one MCU.
//
// libjpeg has two decoders: one that refills its buffer six bytes at a time and cannot cope with markers, for use far
// from the end of its input, and one that reads as far ahead as it can. The input of the second ends where Pillow's
// last read ended, at multiples of bufferSize in the file; when that is reached, more is read and the MCU is decoded
// again. On a file without an end-of-image marker the second fails as soon as it wants to read ahead past the end, even
// if it would not need the byte: this is how Pillow decides what is truncated, and why all of it is repeated here.
func (d *decoder) sequentialMCU(blocks []block) error {
	if d.starved {
		for i := range blocks {
			if b := &blocks[i]; b.out != nil {
				fillBlock(b.out, b.comp.pitch(), 128)
			}
		}
		return nil
	}
	start := d.bitReader
	var preds [4]int32
	for i, c := range d.scan.comps {
		preds[i] = c.pred
	}
	rewind := func() {
		d.acc, d.n, d.pos = start.acc, start.n, start.pos
		for i := range d.scan.comps {
			d.scan.comps[i].pred = preds[i]
		}
	}
	for {
		if d.restart == 0 && d.code == 0 && d.limit-d.pos >= maxBlockBytes*len(blocks) {
			if d.decodeBlocks(blocks, true) {
				return nil
			}
			rewind()
		}
		if d.decodeBlocks(blocks, false) {
			return nil
		}
		rewind()
		if !d.extend() {
			return d.ends()
		}
	}
}

// extend moves the limit as Pillow reads on. False means that the file ends.
func (d *decoder) extend() bool {
	if d.limit == len(d.data) {
		return false
	}
	d.limit = min(len(d.data), d.limit+bufferSize)
	return true
}

// decodeBlocks decodes the blocks of an MCU with the fast or the careful decoder.
func (d *decoder) decodeBlocks(blocks []block, fast bool) bool {
	for i := range blocks {
		b := &blocks[i]
		var local [64]int16
		coefs := b.coefs
		if coefs == nil {
			coefs = &local
		}
		dc, ac := d.scan.dcTabs[b.comp.dc], d.scan.acTabs[b.comp.ac]
		var dcOnly, ok bool
		if fast {
			dcOnly, ok = d.blockFast(dc, ac, coefs, &b.comp.pred)
		} else {
			dcOnly, ok = d.blockSlow(dc, ac, coefs, &b.comp.pred)
		}
		if !ok {
			return false
		}
		if b.out == nil {
			continue
		}
		if dcOnly {
			idctDC(coefs[0], b.comp.quant[0], b.out, b.comp.pitch())
		} else {
			idct(coefs, b.comp.quant, b.out, b.comp.pitch())
		}
	}
	return true
}

// blockSlow decodes one block (F.2.2). False means that the limit was reached.
func (r *bitReader) blockSlow(dc, ac *huffTable, coefs *[64]int16, pred *int32) (dcOnly, ok bool) {
	size, ok := r.symbol(dc)
	if !ok {
		return false, false
	}
	diff, ok := r.value(int(size))
	if !ok {
		return false, false
	}
	*pred += diff
	coefs[0] = int16(*pred)
	dcOnly = true
	for k := 1; k < 64; k++ {
		s, ok := r.symbol(ac)
		if !ok {
			return false, false
		}
		run, size := int(s>>4), int(s&15)
		if size == 0 {
			if run < 15 {
				break
			}
			k += 15
			continue
		}
		k += run
		v, ok := r.value(size)
		if !ok {
			return false, false
		}
		coefs[zigzag[k]] = int16(v)
		dcOnly = false
	}
	return dcOnly, true
}

// blockFast is blockSlow with libjpeg's fast refills: six bytes whenever at most 16 bits are left. False means that a
// marker was met.
func (r *bitReader) blockFast(dc, ac *huffTable, coefs *[64]int16, pred *int32) (dcOnly, ok bool) {
	data, pos, acc, n := r.data, r.pos, r.acc, r.n
	dcOnly = true
	for k, t := 0, dc; k < 64; k++ {
		clean := true
		if n <= 16 {
			acc, pos, clean = fill6(data, pos, acc)
			n += 48
		}
		e := t.look[uint8(acc>>uint((n-lookBits)&63))]
		length := int(e >> 8)
		s := uint8(e)
		if length > lookBits {
			code := int32(acc>>uint((n-length)&63)) & (1<<(lookBits+1) - 1)
			for code > t.maxCode[length] {
				length++
				code = int32(acc>>uint((n-length)&63)) & (1<<uint(length) - 1)
			}
			s = t.value(code, length)
		}
		n -= length
		run, size := int(s>>4), int(s&15)
		if size == 0 && k > 0 {
			if !clean {
				return false, false
			}
			if run < 15 {
				break
			}
			k += 15
			continue
		}
		if n <= 16 {
			var more bool
			acc, pos, more = fill6(data, pos, acc)
			n += 48
			clean = clean && more
		}
		if !clean {
			return false, false
		}
		n -= size
		v := extend(int32(acc>>uint(n&63))&(1<<uint(size)-1), size)
		if k == 0 {
			*pred += v
			coefs[0] = int16(*pred)
			t = ac
			continue
		}
		k += run
		coefs[zigzag[k]] = int16(v)
		dcOnly = false
	}
	r.pos, r.acc, r.n = pos, acc, n
	return dcOnly, true
}

// readTrailer looks for the end of image behind the only scan. libjpeg does not insist: the picture is complete. But it
// stumbles over bad segments and further scans, in as much of the file as Pillow has read by then.
func (d *decoder) readTrailer() error {
	if _, err := d.readMarkers(); err != nil && !errors.Is(err, ErrTruncated) {
		return err
	}
	return nil
}
