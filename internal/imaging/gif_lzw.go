package imaging

import "fmt"

// gifMaxCodes is the size of the code table: codes have at most 12 bits. Once it is full, codes keep their meaning until
// a clear code.
const gifMaxCodes = 1 << 12

// gifCodes reads LZW codes, low bits first, from blocks of a length byte and that many data bytes.
type gifCodes struct {
	blocks []byte
	block  []byte // what is left of the current block
	bits   uint32
	n      int // number of bits in bits
}

// next reads a code of the given width; ok is false where the data ends.
func (r *gifCodes) next(width int) (code int, ok bool) {
	for r.n < width {
		for len(r.block) == 0 {
			if len(r.blocks) == 0 || r.blocks[0] == 0 || len(r.blocks) <= int(r.blocks[0]) {
				return 0, false
			}
			r.block, r.blocks = r.blocks[1:1+int(r.blocks[0])], r.blocks[1+int(r.blocks[0]):]
		}
		r.bits |= uint32(r.block[0]) << r.n
		r.n += 8
		r.block = r.block[1:]
	}
	code = int(r.bits & (1<<width - 1))
	r.bits >>= width
	r.n -= width
	return code, true
}

// indices decompresses the frame: rect.W * rect.H palette indices, row by row from the top.
func (f *gifFrame) indices() ([]uint8, error) {
	out := gifRows{pix: make([]uint8, f.rect.W*f.rect.H), width: f.rect.W, height: f.rect.H, step: 1}
	if f.interlaced {
		out.step, out.pass = 8, 1
	}
	var (
		codes    = gifCodes{blocks: f.blocks}
		suffix   [gifMaxCodes]uint8
		prefix   [gifMaxCodes]int
		text     [gifMaxCodes]uint8 // a string is built here from its end
		clearing = 1 << f.codeBits
		end      = clearing + 1
		next     = clearing + 2
		width    = f.codeBits + 1
		last     = -1 // code before, -1 after a clear code
		first    uint8
	)
	for {
		code, ok := codes.next(width)
		switch {
		case !ok || code == end:
			return nil, fmt.Errorf("%w: frame data ends at pixel %d of row %d of %dx%d",
				ErrTruncated, out.x, out.y, f.rect.W, f.rect.H)
		case code == clearing:
			next, width, last = clearing+2, f.codeBits+1, -1
			continue
		case code > next || (last < 0 && code > clearing):
			return nil, fmt.Errorf("%w: LZW code %d where at most %d is defined", ErrFormat, code, next)
		}
		at := len(text)
		c := code
		if last >= 0 && code == next { // the string being defined: the last one with its first byte again
			at--
			text[at] = first
			c = last
		}
		for c >= clearing {
			if at == 0 || c >= gifMaxCodes {
				return nil, fmt.Errorf("%w: LZW code %d", ErrFormat, code)
			}
			at--
			text[at] = suffix[c]
			c = prefix[c]
		}
		if at == 0 {
			return nil, fmt.Errorf("%w: LZW string longer than %d bytes", ErrFormat, len(text))
		}
		at--
		first = uint8(c)
		text[at] = first
		if last >= 0 && next < gifMaxCodes {
			suffix[next], prefix[next] = first, last
			if next == 1<<width-1 && width < 12 {
				width++
			}
			next++
		}
		last = code
		if out.write(text[at:]) {
			return out.pix, nil
		}
	}
}

// gifRows takes pixels in the order of the file. Interlaced pictures have four passes: rows 0, 8, ..., rows 4, 12, ...,
// rows 2, 6, ..., rows 1, 3, ...
type gifRows struct {
	pix           []uint8
	width, height int
	x, y          int
	step          int
	pass          int // 1..3 of an interlaced picture; 0 in the last pass and in plain pictures
}

// write puts pixels in their places and says whether the picture is full.
func (r *gifRows) write(p []uint8) (full bool) {
	for len(p) > 0 {
		n := copy(r.pix[r.y*r.width+r.x:][:r.width-r.x], p)
		p = p[n:]
		if r.x += n; r.x < r.width {
			return false
		}
		r.x = 0
		r.y += r.step
		for r.y >= r.height {
			switch r.pass {
			case 1:
				r.pass, r.y = 2, 4
			case 2:
				r.pass, r.y, r.step = 3, 2, 4
			case 3:
				r.pass, r.y, r.step = 0, 1, 2
			default:
				return true
			}
		}
	}
	return false
}
