package tokenizer

import (
	"bytes"
	"encoding/binary"
)

// charsmap is a precompiled_charsmap: the rules of a Unicode normalisation (nmt_nfkc and its kin) as a double-array
// trie of source strings, whose values point into a block of zero-terminated replacements.
//
//	uint32 size of the trie in bytes | trie units, uint32 each | replacements
type charsmap struct {
	units        []uint32
	replacements []byte
}

// parseCharsmap reads a precompiled_charsmap; nil stands for an empty one, which changes nothing.
func parseCharsmap(blob []byte) (*charsmap, error) {
	if len(blob) == 0 {
		return nil, nil
	}
	if len(blob) < 4 {
		return nil, formatf("precompiled_charsmap of %d bytes", len(blob))
	}
	size := binary.LittleEndian.Uint32(blob)
	rest := blob[4:]
	if uint64(size) >= uint64(len(rest)) || size%4 != 0 || size == 0 {
		return nil, formatf("precompiled_charsmap: trie of %d bytes in %d", size, len(rest))
	}
	c := &charsmap{units: make([]uint32, size/4), replacements: rest[size:]}
	for i := range c.units {
		c.units[i] = binary.LittleEndian.Uint32(rest[4*i:])
	}
	if c.replacements[len(c.replacements)-1] != 0 {
		return nil, formatf("precompiled_charsmap: replacements without an end")
	}
	return c, nil
}

// prefix returns the replacement of the longest rule that text starts with and that rule's length, 0 if none applies.
// The walk is Darts' commonPrefixSearch (darts-clone, darts.h) with every index checked.
func (c *charsmap) prefix(text string) (out string, used int) {
	at := unitOffset(c.units[0])
	for i := 0; i < len(text); i++ {
		at ^= uint32(text[i])
		if at >= uint32(len(c.units)) {
			break
		}
		unit := c.units[at]
		if unit&(1<<31|0xff) != uint32(text[i]) { // a value, or the node of another byte
			break
		}
		at ^= unitOffset(unit)
		if at >= uint32(len(c.units)) {
			break
		}
		if unit>>8&1 == 1 { // a rule ends here: its value sits in the unit at its offset
			start := c.units[at] & (1<<31 - 1)
			if start < uint32(len(c.replacements)) {
				tail := c.replacements[start:]
				out, used = string(tail[:bytes.IndexByte(tail, 0)]), i+1
			}
		}
	}
	return out, used
}

// unitOffset returns the distance from a unit to its children.
func unitOffset(unit uint32) uint32 {
	return unit >> 10 << (unit & (1 << 9) >> 6)
}
