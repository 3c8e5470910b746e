package tokenizer

import "strings"

// llamaDecoder is PreTrainedTokenizer._decode over LlamaTokenizer.convert_tokens_to_string (transformers 4.37). Added
// tokens that are not special stand alone, with spaces around them; what lies between is a section, which loses one
// leading space and is decoded by SentencePiece in stretches between special tokens.
type llamaDecoder struct {
	t    *llama
	skip bool

	alone   bool // the last token stood alone: a space is due
	tokens  int  // tokens of the section so far
	text    bool // the section has some text
	special bool // the last token of the section was special
	sp      spDecoder

	hold bool   // the stretch is kept in held: a special token may put a space in front of it
	held []byte // only with hold
}

func newLlamaDecoder(t *llama, skip bool) *llamaDecoder {
	return &llamaDecoder{t: t, skip: skip, hold: t.info.Legacy && (!skip || t.twins), sp: spDecoder{m: t.sp}}
}

func (d *llamaDecoder) push(dst []byte, id int) []byte {
	if d.skip && d.t.skipped[id] {
		return dst
	}
	text, ok := d.t.Piece(id)
	if !ok {
		return dst
	}
	if d.alone {
		dst = append(dst, ' ')
		d.alone = false
	}
	if d.standsAlone(text) {
		dst = d.flush(dst)
		if d.text {
			dst = append(dst, ' ')
		}
		*d = llamaDecoder{t: d.t, skip: d.skip, hold: d.hold, alone: true, sp: spDecoder{m: d.t.sp}}
		return append(dst, text...)
	}
	n := len(dst)
	dst = d.section(dst, text)
	d.tokens++
	d.text = d.text || len(dst) > n || len(d.held) > 0
	return dst
}

// standsAlone reports whether a text is that of an added token that is decoded by itself.
func (d *llamaDecoder) standsAlone(text string) bool {
	i, ok := d.t.added.byText[text]
	return ok && (!d.t.specials[text] || d.t.extra[text] && d.t.added.tokens[i].id >= len(d.t.sp.pieces))
}

// section adds a token to the section.
func (d *llamaDecoder) section(dst []byte, text string) []byte {
	if d.tokens == 0 {
		text = strings.TrimPrefix(text, underline)
	}
	if !d.t.specials[text] {
		d.special = false
		if !d.hold {
			return d.piece(dst, text)
		}
		d.held = d.piece(d.held, text)
		return dst
	}
	if d.t.info.Legacy && !d.special && d.tokens > 0 {
		dst = append(dst, ' ')
	}
	dst = d.flush(dst)
	d.sp = spDecoder{m: d.t.sp}
	d.special = true
	return append(dst, text...)
}

// piece decodes a model piece given by its text.
func (d *llamaDecoder) piece(dst []byte, text string) []byte {
	id := d.t.sp.idOf(text)
	if d.t.sp.pieces[id].text == text {
		return d.sp.piece(dst, id)
	}
	return d.sp.text(dst, text, id)
}

func (d *llamaDecoder) flush(dst []byte) []byte {
	dst = append(dst, d.held...)
	d.held = d.held[:0]
	n := len(dst)
	dst = d.sp.flush(dst)
	d.text = d.text || len(dst) > n
	return dst
}
