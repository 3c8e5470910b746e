package jpeg

import "bytes"

// decoder is the state of decoding one file.
type decoder struct {
	bitReader

	quant          [4]*[64]int16 // in row order
	dcSpec, acSpec [4]*huffSpec
	restart        int // MCUs between restart markers, 0 for none

	jfif, adobe    bool
	adobeTransform byte

	maxPixels     int // 0: no limit
	progressive   bool
	width, height int // 0 before the frame header
	comps         []component

	maxH, maxV int // largest sampling factors
	unitRows   int // rows of units of maxV block rows (libjpeg's iMCU rows)
	multiScan  bool

	scans int
	scan  scan
	// lastGoodRow is the unit row up to which the last scan had data.
	lastGoodRow int
	visits      int64 // coefficient visits of all scans so far
	visitLimit  int64
}

// component is one colour plane of the frame.
type component struct {
	id      byte
	quantID byte
	h, v    int // sampling factors

	width, height    int // samples that count
	blocksX, blocksY int // blocks that count, across and down
	stride           int // blocks in a row of coefs: whole MCUs

	quant *[64]int16 // latched by the first scan; nil: all samples are 128
	coefs []int16    // 64 per block in row order; multi-scan files only
	// touched is 1 for the blocks, row by row, that have had codes in a scan of AC coefficients; progressive files only.
	touched []uint8
	plane   []uint8 // blocksY*8 rows of blocksX*8 samples

	// precision is, per coefficient in zigzag order, the number of low bits still missing, or -1 before its first scan;
	// before is the same ahead of the last scan of the component, for coefficients 0..9.
	precision [64]int8
	before    [estimates]int8

	upsample upsampler
}

func newDecoder(data []byte, maxPixels int) *decoder {
	d := &decoder{maxPixels: maxPixels}
	d.data, d.limit = data, len(data)
	return d
}

// readHeader reads up to the first SOS. Streams that hold only tables may precede the picture (B.5).
func (d *decoder) readHeader() error {
	if jpeg2000(d.data) {
		return d.fail(ErrUnsupported, "JPEG 2000")
	}
	if len(d.data) > 2 && d.data[2] != 0xFF {
		return d.fail(ErrFormat, "byte %02x instead of a second marker", d.data[2]) // Pillow's test for a JPEG file
	}
	for {
		if len(d.data)-d.pos < 2 {
			return d.fail(ErrTruncated, "no SOI marker")
		}
		if d.data[d.pos] != 0xFF || d.data[d.pos+1] != mSOI {
			return d.fail(ErrFormat, "bytes %02x %02x instead of an SOI marker", d.data[d.pos], d.data[d.pos+1])
		}
		d.pos += 2
		d.restart, d.jfif, d.adobe = 0, false, false
		code, err := d.readMarkers()
		if err != nil {
			return err
		}
		if code == mSOS {
			return nil
		}
		if d.width != 0 {
			return d.fail(ErrFormat, "end of image before the first scan")
		}
	}
}

// jpeg2000 recognises the codestream and the file format of ISO 15444.
func jpeg2000(data []byte) bool {
	return bytes.HasPrefix(data, []byte("\xFF\x4F\xFF\x51")) || bytes.HasPrefix(data, []byte("\x00\x00\x00\x0CjP  "))
}

// parseSOF reads the frame header (B.2.2), the first of the file.
func (d *decoder) parseSOF(code byte, p []byte) error {
	name := markerName(code)
	if len(p) < 6 || len(p) != 6+3*int(p[5]) {
		return d.fail(ErrFormat, "%s: %d bytes for its components", name, len(p))
	}
	if p[0] != 8 {
		return d.fail(ErrUnsupported, "%s: %d bits per sample, only 8", name, p[0])
	}
	height, width, n := int(p[1])<<8|int(p[2]), int(p[3])<<8|int(p[4]), int(p[5])
	switch {
	case width == 0:
		return d.fail(ErrFormat, "%s: width 0", name)
	case height == 0:
		return d.fail(ErrUnsupported, "%s: height 0, to be defined by DNL", name)
	case n != 1 && n != 3 && n != 4:
		return d.fail(ErrUnsupported, "%s: %d components, only 1, 3 or 4", name, n)
	case d.maxPixels > 0 && int64(width)*int64(height) > int64(d.maxPixels):
		return d.fail(ErrLimit, "%s: %d x %d pixels, limit %d pixels", name, width, height, d.maxPixels)
	case width > MaxSide || height > MaxSide:
		return d.fail(ErrLimit, "%s: %d x %d pixels, longest side %d", name, width, height, MaxSide)
	}
	d.progressive = code == mSOF2
	d.maxH, d.maxV = 1, 1
	for i := range n {
		q := p[6+3*i:]
		c := component{id: q[0], h: int(q[1] >> 4), v: int(q[1] & 15), quantID: q[2]}
		if c.h < 1 || c.h > 4 || c.v < 1 || c.v > 4 {
			return d.fail(ErrFormat, "%s: component %d: sampling factors %dx%d", name, i, c.h, c.v)
		}
		for k := range c.precision {
			c.precision[k] = -1
		}
		d.maxH, d.maxV = max(d.maxH, c.h), max(d.maxV, c.v)
		d.comps = append(d.comps, c)
	}
	d.width, d.height = width, height
	return nil
}

// colorModel guesses as libjpeg does: JFIF means YCbCr, else the Adobe marker decides, else the component numbers.
func (d *decoder) colorModel() ColorModel {
	switch len(d.comps) {
	case 1:
		return ModelGray
	case 3:
		ids := [3]byte{d.comps[0].id, d.comps[1].id, d.comps[2].id}
		switch {
		case d.jfif:
			return ModelYCbCr
		case d.adobe && d.adobeTransform == 0:
			return ModelRGB
		case !d.adobe && ids == [3]byte{'R', 'G', 'B'}:
			return ModelRGB
		}
		return ModelYCbCr
	default:
		if d.adobe && d.adobeTransform != 0 {
			return ModelYCCK
		}
		return ModelCMYK
	}
}

// layOut computes the sizes of the components (A.1.1), chooses their upsampling, checks that the file can hold the
// picture and allocates the memory for it.
func (d *decoder) layOut() error {
	d.unitRows = ceilDiv(d.height, 8*d.maxV)
	d.multiScan = d.progressive || len(d.scan.comps) < len(d.comps)
	blocks := 0
	for i := range d.comps {
		c := &d.comps[i]
		c.width, c.height = ceilDiv(d.width*c.h, d.maxH), ceilDiv(d.height*c.v, d.maxV)
		c.blocksX, c.blocksY = ceilDiv(d.width*c.h, 8*d.maxH), ceilDiv(d.height*c.v, 8*d.maxV)
		c.stride = ceilDiv(c.blocksX, c.h) * c.h
		var ok bool
		if c.upsample, ok = chooseUpsampler(c, d.maxH, d.maxV); !ok {
			return d.fail(ErrUnsupported, "component %d: sampling factors %dx%d do not divide %dx%d",
				i, c.h, c.v, d.maxH, d.maxV)
		}
		blocks += c.blocksX * c.blocksY
	}
	if left := len(d.data) - d.pos; d.width*d.height > bigPixels && left < blocks/blocksPerByte {
		return d.fail(ErrTruncated, "%d bytes left for %d x %d pixels", left, d.width, d.height)
	}
	d.visitLimit = maxPasses * 64 * int64(blocks)
	for i := range d.comps {
		c := &d.comps[i]
		if d.multiScan {
			c.coefs = make([]int16, 64*c.stride*ceilDiv(c.blocksY, c.v)*c.v)
			if d.progressive {
				c.touched = make([]uint8, c.blocksX*c.blocksY)
			}
		} else {
			c.plane = make([]uint8, 64*c.blocksX*c.blocksY)
		}
	}
	return nil
}

func ceilDiv(a, b int) int { return (a + b - 1) / b }
