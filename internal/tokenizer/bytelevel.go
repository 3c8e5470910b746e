package tokenizer

import "strings"

// byteLevel is GPT-2's mapping of bytes to printable characters: printable Latin-1 bytes stand for themselves, the others
// for the characters from U+0100 on, in order.
type byteLevel struct {
	char [256]rune
	byte map[rune]byte
}

func newByteLevel() *byteLevel {
	m := &byteLevel{byte: make(map[rune]byte, 256)}
	next := rune(0x100)
	for b := range m.char {
		switch {
		case b >= '!' && b <= '~', b >= 0xa1 && b <= 0xac, b >= 0xae:
			m.char[b] = rune(b)
		default:
			m.char[b] = next
			next++
		}
		m.byte[m.char[b]] = byte(b)
	}
	return m
}

// encode writes text as one character per byte.
func (m *byteLevel) encode(text string) string {
	var b strings.Builder
	b.Grow(len(text) + len(text)/2)
	for i := 0; i < len(text); i++ {
		b.WriteRune(m.char[text[i]])
	}
	return b.String()
}

// appendBytes appends the bytes of a token to dst; a token with any other character stands for its own UTF-8.
func (m *byteLevel) appendBytes(dst []byte, token string) []byte {
	n := len(dst)
	for _, r := range token {
		b, ok := m.byte[r]
		if !ok {
			return append(dst[:n], token...)
		}
		dst = append(dst, b)
	}
	return dst
}
