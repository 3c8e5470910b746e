package jpeg

// lookBits is the length of the codes that one table access decodes. The refills of bitReader depend on it: it must be
// libjpeg's.
const lookBits = 8

// huffSpec is a table as a DHT segment states it: how many codes there are of each length 1..16, and their symbols.
type huffSpec struct {
	counts  [17]uint8
	symbols [256]uint8
}

// huffTable decodes the codes of a huffSpec.
type huffTable struct {
	look    [1 << lookBits]uint16 // length<<8 | symbol for the next lookBits bits; length lookBits+1 if the code is longer
	maxCode [18]int32             // the largest code of each length, -1 for none; [17] is above every code
	offset  [17]int32             // index of a code's symbol, less the code
	symbols [256]uint8
}

// newHuffTable assigns the codes (C.2). It returns nil if the lengths are those of no code; a code may not be all ones.
func newHuffTable(s *huffSpec) *huffTable {
	t := &huffTable{symbols: s.symbols}
	for i := range t.look {
		t.look[i] = (lookBits + 1) << 8
	}
	t.maxCode[17] = 1<<31 - 1
	code, p := int32(0), int32(0)
	for length := 1; length <= 16; length++ {
		t.maxCode[length] = -1
		if n := int32(s.counts[length]); n > 0 {
			t.offset[length] = p - code
			for range n {
				if p == int32(len(s.symbols)) {
					return nil
				}
				if length <= lookBits {
					fillLook(&t.look, code, length, s.symbols[p])
				}
				code++
				p++
			}
			if code >= 1<<length {
				return nil
			}
			t.maxCode[length] = code - 1
		}
		code <<= 1
	}
	return t
}

// fillLook enters a code for all bits that can follow it.
func fillLook(look *[1 << lookBits]uint16, code int32, length int, symbol uint8) {
	first := int(code) << (lookBits - length)
	for i := first; i < first+1<<(lookBits-length) && i < len(look); i++ {
		look[i] = uint16(length)<<8 | uint16(symbol)
	}
}

// value is the symbol of a code of the given length; 17 means that no code matched.
func (t *huffTable) value(code int32, length int) uint8 {
	if length > 16 {
		return 0
	}
	return t.symbols[uint8(code+t.offset[length])]
}

// Tables of K.3.3, which sequential files without tables of their own use (abbreviated streams such as Motion JPEG).
var (
	standardDC = [2]huffSpec{
		{
			counts:  [17]uint8{2: 1, 5, 1, 1, 1, 1, 1, 1},
			symbols: [256]uint8{0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11},
		},
		{
			counts:  [17]uint8{2: 3, 1, 1, 1, 1, 1, 1, 1, 1, 1},
			symbols: [256]uint8{0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11},
		},
	}
	standardAC = [2]huffSpec{
		{
			counts: [17]uint8{2: 2, 1, 3, 3, 2, 4, 3, 5, 5, 4, 4, 0, 0, 1, 125},
			symbols: tailSymbols([]uint8{
				0x01, 0x02,
				0x03,
				0x00, 0x04, 0x11,
				0x05, 0x12, 0x21,
				0x31, 0x41,
				0x06, 0x13, 0x51, 0x61,
				0x07, 0x22, 0x71,
				0x14, 0x32, 0x81, 0x91, 0xA1,
				0x08, 0x23, 0x42, 0xB1, 0xC1,
				0x15, 0x52, 0xD1, 0xF0,
				0x24, 0x33, 0x62, 0x72,
				0x82,
			}),
		},
		{
			counts: [17]uint8{2: 2, 1, 2, 4, 4, 3, 4, 7, 5, 4, 4, 0, 1, 2, 119},
			symbols: tailSymbols([]uint8{
				0x00, 0x01,
				0x02,
				0x03, 0x11,
				0x04, 0x05, 0x21, 0x31,
				0x06, 0x12, 0x41, 0x51,
				0x07, 0x61, 0x71,
				0x13, 0x22, 0x32, 0x81,
				0x08, 0x14, 0x42, 0x91, 0xA1, 0xB1, 0xC1,
				0x09, 0x23, 0x33, 0x52, 0xF0,
				0x15, 0x62, 0x72, 0xD1,
				0x0A, 0x16, 0x24, 0x34,
				0xE1,
				0x25, 0xF1,
			}),
		},
	}
)

// tailSymbols appends the symbols that are missing in head in ascending order: both standard AC tables end so. The
// symbols of an AC table of 8-bit data are run<<4 | size with sizes 1 to 10, and the two without a value.
func tailSymbols(head []uint8) (all [256]uint8) {
	var seen [256]bool
	n := copy(all[:], head)
	for _, s := range head {
		seen[s] = true
	}
	for s := range 256 {
		size := s & 15
		if !seen[s] && size >= 1 && size <= 10 {
			all[n] = uint8(s)
			n++
		}
	}
	return all
}
