package jpeg

import "encoding/binary"

// fillBits is how full a refill makes the bit buffer, as in libjpeg on 64-bit machines.
const fillBits = 57

// bitReader is the position in the file and the buffer of bits of entropy-coded data.
//
// How far ahead of its use a byte is read decides whether a file that ends without a marker is complete, so refills
// happen exactly when libjpeg does them.
type bitReader struct {
	data  []byte
	pos   int // of the next byte
	limit int // bytes of data that may be looked at, see sequentialMCU

	acc  uint64 // the low n bits are not yet used
	n    int
	code byte // the marker that was met and not yet handled; 0 for none

	// starved says that zero bits had to be invented because a marker came too early.
	starved bool
}

// fill loads the buffer so that at least n bits are there; zero bits follow once a marker is met. False means that the
// limit was reached first.
func (r *bitReader) fill(n int) bool {
	for r.code == 0 && r.n < fillBits {
		if r.pos >= r.limit {
			return false
		}
		c := r.data[r.pos]
		r.pos++
		if c == 0xFF {
			// Any number of FF bytes may precede a marker; libjpeg also takes FF FF 00 for one data byte.
			for c == 0xFF {
				if r.pos >= r.limit {
					return false
				}
				c = r.data[r.pos]
				r.pos++
			}
			if c != 0 {
				r.code = c
				break
			}
			c = 0xFF
		}
		r.acc = r.acc<<8 | uint64(c)
		r.n += 8
	}
	if r.n < n {
		r.starved = true
		r.acc <<= uint(fillBits - r.n)
		r.n = fillBits
	}
	return true
}

// bits reads n bits, 0 <= n <= 16.
func (r *bitReader) bits(n int) (v int32, ok bool) {
	if r.n < n && !r.fill(n) {
		return 0, false
	}
	r.n -= n
	return int32(r.acc>>uint(r.n)) & (1<<uint(n) - 1), true
}

// symbol reads one Huffman code. A code that is not in the table counts as symbol 0, as in libjpeg.
func (r *bitReader) symbol(t *huffTable) (s uint8, ok bool) {
	length := 1
	if r.n < lookBits {
		if !r.fill(0) {
			return 0, false
		}
	}
	if r.n >= lookBits {
		e := t.look[uint8(r.acc>>uint(r.n-lookBits))]
		length = int(e >> 8)
		if length <= lookBits {
			r.n -= length
			return uint8(e), true
		}
	}
	code, ok := r.bits(length)
	for ok && code > t.maxCode[length] {
		var b int32
		b, ok = r.bits(1)
		code = code<<1 | b
		length++
	}
	return t.value(code, length), ok
}

// value reads an n-bit number and extends its sign (F.2.2.1), 0 <= n <= 15.
func (r *bitReader) value(n int) (v int32, ok bool) {
	v, ok = r.bits(n)
	return extend(v, n), ok
}

// extend turns n bits into a signed number: those that start with 0 are negative.
func extend(v int32, n int) int32 {
	if n > 0 && v < 1<<uint(n-1) {
		v += -1<<uint(n) + 1
	}
	return v
}

// fill6 puts the next six data bytes into a bit buffer of at most 16 bits. A marker gives zero bits and clean = false.
func fill6(data []byte, pos int, acc uint64) (uint64, int, bool) {
	if pos+8 <= len(data) {
		w := binary.BigEndian.Uint64(data[pos:]) >> 16
		// The usual test for a zero byte, here in the complement: no byte is FF.
		if v := ^w & (1<<48 - 1); (v-0x010101010101)&^v&0x808080808080 == 0 {
			return acc<<48 | w, pos + 6, true
		}
	}
	clean := true
	for range 6 {
		acc <<= 8
		if pos >= len(data) {
			clean = false
			continue
		}
		c := data[pos]
		if c != 0xFF {
			acc |= uint64(c)
			pos++
		} else if pos+1 < len(data) && data[pos+1] == 0 {
			acc |= 0xFF
			pos += 2
		} else {
			clean = false
		}
	}
	return acc, pos, clean
}
