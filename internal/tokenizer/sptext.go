package tokenizer

import (
	"strings"
	"unicode/utf8"
)

// spToken is one piece of an encoded text: its id and the bytes of the normalised text that it covers.
type spToken struct {
	id         int32
	start, end int32
}

// encode normalises and segments a text. Unknown pieces become bytes where the model has byte fallback; otherwise a run
// of them is one token. plain keeps the text from becoming user-defined markup pieces.
func (m *spModel) encode(text string, plain bool) (tokens []spToken, normalized string) {
	normalized = m.norm.apply(text, m.spaceSuffix, func(id int32) bool { return plain && m.blocked[id] })
	m.segment.segment(normalized, plain, func(start, end int, id int32) {
		if id == m.unkID {
			if m.byteFallback {
				for i := start; i < end; i++ {
					tokens = append(tokens, spToken{m.bytes[normalized[i]], int32(i), int32(i + 1)})
				}
				return
			}
			if n := len(tokens); n > 0 && tokens[n-1].id == m.unkID {
				tokens[n-1].end = int32(end)
				return
			}
		}
		tokens = append(tokens, spToken{id, int32(start), int32(end)})
	})
	return tokens, normalized
}

// spDecoder turns pieces back into text, one at a time (SentencePieceProcessor::Decode). Its zero value with the model
// set is ready; flush must follow the last piece.
type spDecoder struct {
	m         *spModel
	bytes     []byte // of byte pieces in a row that do not form a character yet
	written   bool   // some text was written
	spaceGone bool   // a leading space was dropped
}

// piece appends the text of a piece of the vocabulary to dst.
func (d *spDecoder) piece(dst []byte, id int32) []byte {
	if d.m.pieces[id].kind == pieceByte {
		b, _ := byteOfPiece(d.m.pieces[id].text)
		d.bytes = append(d.bytes, b)
		n := len(dst)
		dst, d.bytes = appendCharacters(dst, d.bytes, false)
		d.written = d.written || len(dst) > n
		return dst
	}
	return d.text(dst, d.m.pieces[id].text, id)
}

// text appends a piece given by its text, which need not be one of the vocabulary: then id is the unknown piece's.
func (d *spDecoder) text(dst []byte, piece string, id int32) []byte {
	n := len(dst)
	dst = d.flush(dst)
	atStart := !d.written && len(dst) == n && !d.spaceGone
	switch d.m.pieces[id].kind {
	case pieceControl:
		return dst
	case pieceUnknown:
		if piece == d.m.pieces[id].text {
			piece = d.m.unkSurface
		}
		dst = append(dst, piece...)
	default:
		if atStart && (d.m.norm.dummyPrefix || d.m.norm.removeExtra) {
			rest, ok := strings.CutPrefix(piece, underline)
			piece = rest
			d.spaceGone = ok && !d.m.norm.removeExtra // with removeExtra every leading space goes
		}
		dst = append(dst, strings.ReplaceAll(piece, underline, " ")...)
	}
	d.written = d.written || len(dst) > n
	return dst
}

// flush appends what is left of incomplete characters, U+FFFD for each byte.
func (d *spDecoder) flush(dst []byte) []byte {
	if len(d.bytes) == 0 {
		return dst
	}
	d.written = true
	dst, d.bytes = appendCharacters(dst, d.bytes, true)
	return dst
}

// appendCharacters appends the complete characters at the start of pending to dst, U+FFFD for each byte that cannot
// belong to one, and returns what is left: the start of a character that more bytes could complete. With all set
// nothing is left.
func appendCharacters(dst, pending []byte, all bool) (out, rest []byte) {
	for len(pending) > 0 {
		if !all && !utf8.FullRune(pending) {
			break
		}
		r, size := utf8.DecodeRune(pending)
		dst = utf8.AppendRune(dst, r)
		pending = pending[size:]
	}
	return dst, pending
}
