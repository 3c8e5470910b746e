package jpeg

// scan is what the SOS segment of the current scan says.
type scan struct {
	comps          []scanComponent
	first, last    int // band of coefficients, in zigzag order (Ss, Se)
	high, low      int // bit positions (Ah, Al)
	restartsToGo   int // MCUs up to the next restart marker
	nextRestart    byte
	eobRun         int // blocks, this one included, whose band has no more nonzero coefficients
	dcTabs, acTabs [4]*huffTable
}

// scanComponent is a component in a scan.
type scanComponent struct {
	*component
	dc, ac int   // table numbers
	pred   int32 // the last DC value
}

// parseSOS reads a scan header (B.2.3).
func (d *decoder) parseSOS(p []byte) error {
	if d.width == 0 {
		return d.fail(ErrFormat, "SOS: no frame header before it")
	}
	if len(p) < 1 || p[0] < 1 || p[0] > 4 || len(p) != 4+2*int(p[0]) {
		return d.fail(ErrFormat, "SOS: %d bytes for its components", len(p))
	}
	d.scans++
	if d.scans > MaxScans {
		return d.fail(ErrLimit, "SOS: more than %d scans", MaxScans)
	}
	n := int(p[0])
	d.scan = scan{comps: make([]scanComponent, 0, n)}
	for i := range n {
		id, tables := p[1+2*i], p[2+2*i]
		c := d.findComponent(id)
		if c == nil {
			return d.fail(ErrFormat, "SOS: component %d: number %d is unknown or taken", i, id)
		}
		d.scan.comps = append(d.scan.comps, scanComponent{component: c, dc: int(tables >> 4), ac: int(tables & 15)})
	}
	q := p[1+2*n:]
	d.scan.first, d.scan.last, d.scan.high, d.scan.low = int(q[0]), int(q[1]), int(q[2]>>4), int(q[2]&15)
	return nil
}

// findComponent gives the component with a number that is not yet part of the scan. Frames whose components share a
// number are read in order, as libjpeg does: entry i of the frame is out once the scan has i+1 components.
func (d *decoder) findComponent(id byte) *component {
	for i := range d.comps {
		c := &d.comps[i]
		if c.id != id || len(d.scan.comps) > i {
			continue
		}
		for _, s := range d.scan.comps {
			if s.component == c {
				return nil
			}
		}
		return c
	}
	return nil
}

// decodeScans decodes all scans into the planes.
func (d *decoder) decodeScans() error {
	if !d.progressive {
		d.useStandardTables()
	}
	if !d.multiScan {
		return d.decodeOnlyScan()
	}
	for code := byte(mSOS); code != mEOI; {
		if err := d.startScan(); err != nil {
			return err
		}
		var err error
		switch {
		case !d.progressive:
			err = d.sequentialScan()
		case d.scan.first == 0:
			err = d.progressiveDC()
		default:
			err = d.progressiveAC()
		}
		if err != nil {
			return err
		}
		if code, err = d.readMarkers(); err != nil {
			return err
		}
	}
	smooth := d.progressive && d.smoothable()
	for i := range d.comps {
		c := &d.comps[i]
		if smooth {
			d.smoothTransform(c)
		} else {
			c.transform()
		}
		c.coefs, c.touched = nil, nil
	}
	return nil
}

// decodeOnlyScan decodes a sequential file with all components in one scan.
func (d *decoder) decodeOnlyScan() error {
	if err := d.startScan(); err != nil {
		return err
	}
	if err := d.sequentialScan(); err != nil {
		return err
	}
	return d.readTrailer()
}

// transform fills the plane from the coefficients.
func (c *component) transform() {
	c.plane = make([]uint8, 64*c.blocksX*c.blocksY)
	quant := c.quant
	if quant == nil { // no scan: only zeros to multiply
		quant = new([64]int16)
	}
	for y := range c.blocksY {
		for x := range c.blocksX {
			idct(c.at(x, y), quant, c.block(x, y), c.pitch())
		}
	}
}

// pitch is the length of a row of the plane.
func (c *component) pitch() int { return 8 * c.blocksX }

// block is the plane from the top left sample of a block.
func (c *component) block(x, y int) []uint8 { return c.plane[8*y*c.pitch()+8*x:] }

// startScan checks the scan header against the frame and prepares the tables (libjpeg's start_input_pass).
func (d *decoder) startScan() error {
	s := &d.scan
	if n := s.unitBlocks(); n > 10 {
		return d.fail(ErrFormat, "SOS: %d blocks in an MCU, at most 10", n)
	}
	for i, c := range s.comps {
		if c.quant != nil {
			continue
		}
		if int(c.quantID) >= len(d.quant) || d.quant[c.quantID] == nil {
			return d.fail(ErrFormat, "SOS: component %d: no quantisation table %d", i, c.quantID)
		}
		c.quant = d.quant[c.quantID]
	}
	if d.progressive {
		if err := d.startProgressive(); err != nil {
			return err
		}
	}
	needDC := !d.progressive || s.first == 0 && s.high == 0
	needAC := !d.progressive || s.first > 0
	for _, c := range s.comps {
		if needDC {
			if err := d.useTable(&s.dcTabs, &d.dcSpec, c.dc, "DC"); err != nil {
				return err
			}
		}
		if needAC {
			if err := d.useTable(&s.acTabs, &d.acSpec, c.ac, "AC"); err != nil {
				return err
			}
		}
	}
	band := 64
	if d.progressive {
		band = s.last - s.first + 1
	}
	for _, c := range s.comps {
		d.visits += int64(band * c.blocksX * c.blocksY)
	}
	if d.visits > d.visitLimit {
		return d.fail(ErrLimit, "SOS: scans visit the average coefficient more than %d times", maxPasses)
	}
	d.acc, d.n, d.starved = 0, 0, false
	s.restartsToGo = d.restart
	return nil
}

// unitBlocks is the number of blocks in an MCU (A.2).
func (s *scan) unitBlocks() int {
	if len(s.comps) == 1 {
		return 1
	}
	n := 0
	for _, c := range s.comps {
		n += c.h * c.v
	}
	return n
}

// useTable builds table id for the scan.
func (d *decoder) useTable(tabs *[4]*huffTable, specs *[4]*huffSpec, id int, class string) error {
	if id >= len(specs) || specs[id] == nil {
		return d.fail(ErrFormat, "SOS: no %s Huffman table %d", class, id)
	}
	if tabs[id] != nil {
		return nil
	}
	s := specs[id]
	if class == "DC" {
		n := 0
		for _, c := range s.counts {
			n += int(c)
		}
		for _, v := range s.symbols[:n] {
			if v > 15 {
				return d.fail(ErrFormat, "SOS: DC Huffman table %d has the symbol %d, at most 15", id, v)
			}
		}
	}
	if tabs[id] = newHuffTable(s); tabs[id] == nil {
		return d.fail(ErrFormat, "SOS: the lengths of %s Huffman table %d are not those of a code", class, id)
	}
	return nil
}

// useStandardTables fills tables 0 and 1 where the file has not defined them.
func (d *decoder) useStandardTables() {
	for i := range 2 {
		if d.dcSpec[i] == nil {
			d.dcSpec[i] = &standardDC[i]
		}
		if d.acSpec[i] == nil {
			d.acSpec[i] = &standardAC[i]
		}
	}
}

// endsScan says whether a marker is one that libjpeg takes for the end of a scan's data even where restarts are due.
func endsScan(code byte) bool { return code >= mSOF0 && code < mRST0 || code > mRST7 }

// restartMarker passes the restart marker that is due. Where another marker is found it recovers like libjpeg
// (jpeg_resync_to_restart): a marker that should come soon, or that ends the scan, is kept, so that the data up to it
// counts as missing; an older one is skipped; any other is taken for the one that is due.
func (d *decoder) restartMarker() error {
	d.n = 0
	due := d.scan.nextRestart
	for {
		if !d.nextMarker() {
			if d.extend() {
				continue
			}
			return d.fail(ErrTruncated, "no restart marker RST%d", due)
		}
		if endsScan(d.code) {
			break
		}
		if d.code >= mRST0 {
			ahead := (d.code - mRST0 - due) & 7
			if ahead == 1 || ahead == 2 {
				break
			}
			if ahead < 6 {
				d.code = 0
				break
			}
		}
		d.code = 0
	}
	d.scan.nextRestart = (due + 1) & 7
	for i := range d.scan.comps {
		d.scan.comps[i].pred = 0
	}
	d.scan.eobRun = 0
	d.scan.restartsToGo = d.restart
	if d.code == 0 {
		d.starved = false
	}
	return nil
}
