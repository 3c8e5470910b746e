package imaging

import (
	"encoding/binary"
	"fmt"
)

// cursor reads little-endian fields from data and remembers when they ran out: after that everything reads as zero and
// err is set.
type cursor struct {
	data []byte
	at   int
	err  error
}

// take gives the next n bytes, or nil if there are fewer.
func (c *cursor) take(n int) []byte {
	if c.err != nil || n > len(c.data)-c.at {
		if c.err == nil {
			c.err = fmt.Errorf("%w: %d bytes wanted at byte %d of %d", ErrTruncated, n, c.at, len(c.data))
		}
		return nil
	}
	b := c.data[c.at:][:n]
	c.at += n
	return b
}

// upTo gives the next n bytes or what there is.
func (c *cursor) upTo(n int) []byte { return c.take(min(n, len(c.data)-c.at)) }

func (c *cursor) u8() int {
	if b := c.take(1); b != nil {
		return int(b[0])
	}
	return 0
}

func (c *cursor) u16() int {
	if b := c.take(2); b != nil {
		return int(binary.LittleEndian.Uint16(b))
	}
	return 0
}

func (c *cursor) u32() uint32 {
	if b := c.take(4); b != nil {
		return binary.LittleEndian.Uint32(b)
	}
	return 0
}
