package imaging

import "encoding/binary"

// oriented gives the picture as EXIF orientation o wants it shown; for values outside 2..8 that is the picture itself.
// The eight cases are the symmetries of the square: transpose first (5..8), then mirror.
func (m *RGB) oriented(o int) *RGB {
	if o < 2 || o > 8 {
		return m
	}
	transpose := o >= 5
	mirrorX := o == 2 || o == 3 || o == 6 || o == 7
	mirrorY := o == 3 || o == 4 || o == 7 || o == 8
	size := m.Size()
	if transpose {
		size = Size{size.H, size.W}
	}
	out := NewRGB(size)
	at := 0
	for y := range size.H {
		for x := range size.W {
			sx, sy := x, y
			if mirrorX {
				sx = size.W - 1 - x
			}
			if mirrorY {
				sy = size.H - 1 - y
			}
			if transpose {
				sx, sy = sy, sx
			}
			copy(out.Pix[at:at+3], m.Pix[3*(sy*m.Width+sx):])
			at += 3
		}
	}
	return out
}

// exifOrientation reads the orientation (tag 0x0112) from the first directory of an EXIF block, which is a small TIFF
// file, with or without "Exif\0\0" before it. Anything wrong or missing gives 1, upright.
func exifOrientation(exif []byte) int {
	if len(exif) >= 6 && string(exif[:6]) == "Exif\x00\x00" {
		exif = exif[6:]
	}
	order, ok := tiffOrder(exif)
	if !ok {
		return 1
	}
	dir := order.Uint32(exif[4:])
	if uint64(dir)+2 > uint64(len(exif)) {
		return 1
	}
	entries := exif[dir+2:]
	for range order.Uint16(exif[dir:]) {
		if len(entries) < 12 {
			return 1
		}
		tag, kind, count := order.Uint16(entries), order.Uint16(entries[2:]), order.Uint32(entries[4:])
		if tag == tagOrientation && count == 1 {
			v := 0
			switch kind {
			case tiffShort:
				v = int(order.Uint16(entries[8:]))
			case tiffLong:
				v = int(order.Uint32(entries[8:]))
			}
			if v < 1 || v > 8 {
				return 1
			}
			return v
		}
		entries = entries[12:]
	}
	return 1
}

// tiffOrder tells the byte order of a TIFF header of 8 bytes.
func tiffOrder(data []byte) (binary.ByteOrder, bool) {
	if len(data) < 8 {
		return nil, false
	}
	switch string(data[:4]) {
	case "II*\x00":
		return binary.LittleEndian, true
	case "MM\x00*":
		return binary.BigEndian, true
	}
	return nil, false
}

// Names of TIFF that EXIF shares: the orientation's tag and two field types.
const (
	tagOrientation = 0x0112
	tiffShort      = 3
	tiffLong       = 4
)
