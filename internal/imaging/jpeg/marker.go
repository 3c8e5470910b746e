package jpeg

import "fmt"

// Marker codes (B.1.1.3), the byte after FF.
const (
	mTEM  = 0x01
	mSOF0 = 0xC0
	mSOF1 = 0xC1
	mSOF2 = 0xC2
	mDHT  = 0xC4
	mJPG  = 0xC8
	mDAC  = 0xCC
	mRST0 = 0xD0
	mRST7 = 0xD7
	mSOI  = 0xD8
	mEOI  = 0xD9
	mSOS  = 0xDA
	mDQT  = 0xDB
	mDNL  = 0xDC
	mDRI  = 0xDD
	mDHP  = 0xDE
	mEXP  = 0xDF
	mAPP0 = 0xE0
	mAPPE = 0xEE
	mAPPF = 0xEF
	mJPG7 = 0xF7
	mCOM  = 0xFE
)

// unsupported names what the frame headers and other markers that are not decoded stand for.
var unsupported = map[byte]string{
	0xC3:  "lossless coding (SOF3)",
	0xC5:  "hierarchical coding (SOF5)",
	0xC6:  "hierarchical coding (SOF6)",
	0xC7:  "hierarchical lossless coding (SOF7)",
	mJPG:  "JPG extension (FFC8)",
	0xC9:  "arithmetic coding (SOF9)",
	0xCA:  "arithmetic coding, progressive (SOF10)",
	0xCB:  "arithmetic coding, lossless (SOF11)",
	0xCD:  "arithmetic coding, hierarchical (SOF13)",
	0xCE:  "arithmetic coding, hierarchical (SOF14)",
	0xCF:  "arithmetic coding, hierarchical lossless (SOF15)",
	mDHP:  "hierarchical coding (DHP)",
	mEXP:  "hierarchical coding (EXP)",
	mJPG7: "JPEG-LS (SOF55)",
}

// markerName is for errors.
func markerName(code byte) string {
	names := map[byte]string{
		mDHT: "DHT", mSOI: "SOI", mEOI: "EOI", mSOS: "SOS", mDQT: "DQT", mDNL: "DNL", mDRI: "DRI", mCOM: "COM",
		mSOF0: "SOF0", mSOF1: "SOF1", mSOF2: "SOF2", mTEM: "TEM",
	}
	switch {
	case names[code] != "":
		return names[code]
	case code >= mAPP0 && code <= mAPPF:
		return fmt.Sprintf("APP%d", code-mAPP0)
	case code >= mRST0 && code <= mRST7:
		return fmt.Sprintf("RST%d", code-mRST0)
	default:
		return fmt.Sprintf("marker FF%02X", code)
	}
}

// fail gives an error of a kind, with where in the file it was met.
func (d *decoder) fail(kind error, format string, args ...any) error {
	return fmt.Errorf("%w: offset %d: %s", kind, d.pos, fmt.Sprintf(format, args...))
}

// nextMarker finds the next marker, skipping other bytes as libjpeg does, and leaves it in d.code. False means that the
// limit was reached first.
func (d *decoder) nextMarker() bool {
	for d.code == 0 {
		for d.pos < d.limit && d.data[d.pos] != 0xFF {
			d.pos++
		}
		for d.pos < d.limit && d.data[d.pos] == 0xFF {
			d.pos++
		}
		if d.pos >= d.limit {
			return false
		}
		d.code = d.data[d.pos] // a zero here is FF 00, not a marker
		d.pos++
	}
	return true
}

// segment takes the parameters that follow a marker: a length of two bytes, which counts itself, and the rest.
func (d *decoder) segment(code byte) ([]byte, error) {
	name := markerName(code)
	if d.limit-d.pos < 2 {
		return nil, d.fail(ErrTruncated, "%s: no room for its length", name)
	}
	n := int(d.data[d.pos])<<8 | int(d.data[d.pos+1])
	if n < 2 {
		// libjpeg takes a length of 0 or 1 in APPn and COM for an empty segment.
		if !skippable(code) {
			return nil, d.fail(ErrFormat, "%s: length %d, less than 2", name, n)
		}
		n = 2
	}
	if n > d.limit-d.pos {
		return nil, d.fail(ErrTruncated, "%s: length %d, only %d bytes left", name, n, d.limit-d.pos)
	}
	p := d.data[d.pos+2 : d.pos+n]
	d.pos += n
	return p, nil
}

// skippable says whether a segment's content does not matter.
func skippable(code byte) bool { return code >= mAPP0 && code <= mAPPF || code == mCOM }

// readMarkers handles markers up to and including the next SOS or EOI, which it returns.
func (d *decoder) readMarkers() (byte, error) {
	for {
		if !d.nextMarker() {
			return 0, d.fail(ErrTruncated, "no end-of-image marker")
		}
		code := d.code
		d.code = 0
		if code == mEOI {
			return code, nil
		}
		if err := d.marker(code); err != nil {
			return 0, err
		}
		if code == mSOS {
			return code, nil
		}
	}
}

// marker handles one marker other than EOI.
func (d *decoder) marker(code byte) error {
	if name := unsupported[code]; name != "" {
		return d.fail(ErrUnsupported, "%s", name)
	}
	switch {
	case code == mSOI:
		return d.fail(ErrFormat, "second SOI")
	case code >= mRST0 && code <= mRST7:
		return nil
	case code == mTEM && d.scans > 0:
		return nil // Pillow's own header parser does not know TEM
	case (code == mSOF0 || code == mSOF1 || code == mSOF2) && d.width != 0:
		return d.fail(ErrFormat, "%s: second frame header", markerName(code))
	case code == mSOS && d.scans > 0 && !d.multiScan:
		return d.fail(ErrFormat, "SOS: a scan after one that was complete")
	}
	parse := d.parser(code)
	if parse == nil {
		return d.fail(ErrFormat, "unexpected %s", markerName(code))
	}
	at := d.pos
	p, err := d.segment(code)
	if err != nil {
		return err
	}
	end := d.pos
	d.pos = at
	if err := parse(p); err != nil {
		return err
	}
	d.pos = end
	return nil
}

// parser gives the method for a segment, nil if there is none.
func (d *decoder) parser(code byte) func([]byte) error {
	switch code {
	case mSOF0, mSOF1, mSOF2:
		return func(p []byte) error { return d.parseSOF(code, p) }
	case mSOS:
		return d.parseSOS
	case mDHT:
		return d.parseDHT
	case mDQT:
		return d.parseDQT
	case mDRI:
		return d.parseDRI
	case mDNL:
		return d.parseDNL
	case mAPP0:
		return d.parseAPP0
	case mAPPE:
		return d.parseAPP14
	}
	if skippable(code) || code == mDAC { // DAC prepares for a coding that the frame header would have to announce
		return func([]byte) error { return nil }
	}
	return nil
}

// parseDQT reads quantisation tables of 8 or 16 bits (B.2.4.1).
func (d *decoder) parseDQT(p []byte) error {
	for len(p) > 0 {
		wide, id := p[0]>>4 != 0, p[0]&15
		size := 64
		if wide {
			size = 128
		}
		if int(id) >= len(d.quant) {
			return d.fail(ErrFormat, "DQT: table %d, at most %d", id, len(d.quant)-1)
		}
		if len(p) < 1+size {
			return d.fail(ErrFormat, "DQT: table %d has %d bytes of %d", id, len(p)-1, size)
		}
		t := new([64]int16)
		for k := range 64 {
			// Steps above 32767 wrap: the multiplication keeps 16 bits.
			if wide {
				t[zigzag[k]] = int16(uint16(p[1+2*k])<<8 | uint16(p[2+2*k]))
			} else {
				t[zigzag[k]] = int16(p[1+k])
			}
		}
		d.quant[id] = t
		p = p[1+size:]
	}
	return nil
}

// parseDHT reads Huffman tables (B.2.4.2). Whether the lengths form a code is checked when a scan uses the table.
func (d *decoder) parseDHT(p []byte) error {
	for len(p) > 0 {
		if len(p) < 17 {
			return d.fail(ErrFormat, "DHT: %d bytes left, a table has at least 17", len(p))
		}
		class, id := p[0]>>4, p[0]&15
		if class > 1 || id > 3 {
			return d.fail(ErrFormat, "DHT: table class %d, number %d", class, id)
		}
		s, n := new(huffSpec), 0
		for i, c := range p[1:17] {
			s.counts[i+1] = c
			n += int(c)
		}
		if n > len(s.symbols) || n > len(p)-17 {
			return d.fail(ErrFormat, "DHT: %d codes, %d bytes left", n, len(p)-17)
		}
		copy(s.symbols[:], p[17:17+n])
		if class == 0 {
			d.dcSpec[id] = s
		} else {
			d.acSpec[id] = s
		}
		p = p[17+n:]
	}
	return nil
}

// parseDRI reads the restart interval (B.2.4.4).
func (d *decoder) parseDRI(p []byte) error {
	if len(p) != 2 {
		return d.fail(ErrFormat, "DRI: %d bytes, want 2", len(p))
	}
	d.restart = int(p[0])<<8 | int(p[1])
	return nil
}

// parseDNL accepts a repetition of the frame's number of lines (B.2.5); one that changes it is not supported.
func (d *decoder) parseDNL(p []byte) error {
	if len(p) != 2 {
		return d.fail(ErrFormat, "DNL: %d bytes, want 2", len(p))
	}
	if n := int(p[0])<<8 | int(p[1]); d.height != 0 && n != d.height {
		return d.fail(ErrUnsupported, "number of lines defined by DNL: %d, frame header %d", n, d.height)
	}
	return nil
}

// parseAPP0 notes a JFIF header, which makes three components YCbCr.
func (d *decoder) parseAPP0(p []byte) error {
	if len(p) >= 14 && string(p[:5]) == "JFIF\x00" {
		d.jfif = true
	}
	return nil
}

// parseAPP14 notes an Adobe marker and the colour transform it states.
func (d *decoder) parseAPP14(p []byte) error {
	if len(p) >= 12 && string(p[:5]) == "Adobe" {
		d.adobe, d.adobeTransform = true, p[11]
	}
	return nil
}
