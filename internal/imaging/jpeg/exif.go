package jpeg

import "encoding/binary"

// Orientation gives the Exif orientation of the file that data holds, 1 to 8; 1, upright, if there is none or it cannot
// be read. Decode does not apply it, as Pillow does not. Only the first Exif segment before the first scan counts, and
// only the first directory in it is read.
func Orientation(data []byte) int {
	d := newDecoder(data, 0)
	if len(data) < 2 || data[0] != 0xFF || data[1] != mSOI {
		return 1
	}
	d.pos = 2
	for d.nextMarker() {
		code := d.code
		d.code = 0
		if code == mTEM || code == mSOI || code >= mRST0 && code <= mRST7 {
			continue
		}
		if code == mSOS || code == mEOI {
			return 1
		}
		p, err := d.segment(code)
		if err != nil {
			return 1
		}
		if code == mAPP0+1 && len(p) > 6 && string(p[:6]) == "Exif\x00\x00" {
			return tiffOrientation(p[6:])
		}
	}
	return 1
}

// tiffOrientation looks in the first directory of a TIFF stream for tag 274 (Exif 2.3, 4.6.2).
func tiffOrientation(p []byte) int {
	const entrySize, orientation = 12, 274
	if len(p) < 8 {
		return 1
	}
	var order binary.ByteOrder = binary.LittleEndian
	switch string(p[:4]) {
	case "II*\x00":
	case "MM\x00*":
		order = binary.BigEndian
	default:
		return 1
	}
	at := uint64(order.Uint32(p[4:]))
	if at+2 > uint64(len(p)) {
		return 1
	}
	n := int(order.Uint16(p[at:]))
	p = p[at+2:]
	for ; n > 0 && len(p) >= entrySize; n, p = n-1, p[entrySize:] {
		if order.Uint16(p) != orientation {
			continue
		}
		v := uint32(0)
		switch kind, count := order.Uint16(p[2:]), order.Uint32(p[4:]); {
		case count != 1:
		case kind == 1: // byte
			v = uint32(p[8])
		case kind == 3: // short, as it should be
			v = uint32(order.Uint16(p[8:]))
		case kind == 4: // long
			v = order.Uint32(p[8:])
		}
		if v >= 1 && v <= 8 {
			return int(v)
		}
		return 1
	}
	return 1
}
