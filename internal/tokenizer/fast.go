package tokenizer

import (
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// fast is a tokenizer of the kind that a tokenizer.json describes (the tokenizers library): added tokens are cut out of
// the text, then out of its normalised form; what is left is cut into words, which the model encodes.
type fast struct {
	model   *mergeBPE
	pieces  []string // token of each id of the model, "" for none
	added   *addedSet
	raw     *addedSet // those looked for in the text
	cooked  *addedSet // those looked for in the normalised text, by their normalised text
	norm    []textStep
	words   []wordStep
	prefix  []int // put in front of every text
	suffix  []int // put behind every text
	blocked map[int]bool
	stages  []stageSpec
	bos     int // -1: none
	eos     int
	size    int
	cleanUp bool
	info    Info
}

// textStep is a step of the normaliser.
type textStep func(string) string

// word is a part of the text on its way to the model.
type word struct {
	text  string
	first bool // it begins where the text begins
}

// wordStep is a pre-tokenizer: it replaces a word by the words that it falls into.
type wordStep func(dst []word, w word) []word

func (t *fast) Encode(text string) []int { return t.EncodeSpans([]Span{{Text: text}}) }
func (t *fast) EncodePlain(text string) []int {
	return t.EncodeSpans([]Span{{Text: text, Plain: true}})
}

func (t *fast) EncodeSpans(spans []Span) []int {
	text, plain := joinSpans(spans, nil)
	ids := slices.Clone(t.prefix)
	for _, p := range t.raw.cutWords(text, plain) {
		if p.token >= 0 {
			ids = append(ids, t.raw.tokens[p.token].id)
			continue
		}
		ids = t.encodeRaw(ids, text[p.start:p.end], plain.within(p.start, p.end), p.start == 0)
	}
	return append(ids, t.suffix...)
}

// encodeRaw encodes text without the added tokens that are looked for before normalisation.
func (t *fast) encodeRaw(ids []int, raw string, plain plainSpans, first bool) []int {
	text := t.normalize(raw)
	if t.cooked.trie != nil {
		for i, at := range plain {
			plain[i] = len(t.normalize(raw[:at]))
		}
	}
	var blocked map[int]bool
	if len(plain) > 0 {
		blocked = t.blocked
	}
	for _, p := range t.cooked.cutWords(text, plain) {
		if p.token >= 0 {
			ids = append(ids, t.cooked.tokens[p.token].id)
			continue
		}
		words := []word{{text[p.start:p.end], first && p.start == 0}}
		for _, step := range t.words {
			var next []word
			for _, w := range words {
				next = step(next, w)
			}
			words = next
		}
		for _, w := range words {
			ids = t.model.encode(ids, w.text, blocked)
		}
	}
	return ids
}

func (t *fast) normalize(text string) string {
	for _, step := range t.norm {
		text = step(text)
	}
	return text
}

// within returns the plain stretches inside [start, end), counted from start.
func (p plainSpans) within(start, end int) plainSpans {
	var out plainSpans
	for i := 0; i+1 < len(p); i += 2 {
		if lo, hi := max(p[i], start), min(p[i+1], end); lo < hi {
			out = append(out, lo-start, hi-start)
		}
	}
	return out
}

// cutWords is cut with the tokenizers library's rules for words and white space (AddedVocabulary::find_matches). As there,
// a token that lies in white space which the one before it took along counts again, and so does the white space behind it.
func (s *addedSet) cutWords(text string, plain plainSpans) []part {
	var parts []part
	done := 0
	for _, p := range s.cut(text, plain) {
		if p.token < 0 {
			continue
		}
		tok := s.tokens[p.token]
		if tok.singleWord {
			before, _ := utf8.DecodeLastRuneInString(text[:p.start])
			after, _ := utf8.DecodeRuneInString(text[p.end:])
			if p.start > 0 && isWordRune(before) || p.end < len(text) && isWordRune(after) {
				continue
			}
		}
		if tok.lstrip {
			p.start = max(len(strings.TrimRightFunc(text[:p.start], unicode.IsSpace)), done)
		}
		if tok.rstrip {
			p.end = len(text) - len(strings.TrimLeftFunc(text[p.end:], unicode.IsSpace))
		}
		if done < p.start {
			parts = append(parts, part{done, p.start, -1})
		}
		parts = append(parts, p)
		done = p.end
	}
	if done < len(text) {
		parts = append(parts, part{done, len(text), -1})
	}
	return parts
}

// isWordRune is \w of Unicode regular expressions.
func isWordRune(r rune) bool {
	return unicode.In(r, unicode.L, unicode.M, unicode.Nd, unicode.Nl, unicode.Pc, unicode.Other_Alphabetic) ||
		r == 0x200c || r == 0x200d
}

func (t *fast) Decode(ids []int, skipSpecial bool) string {
	return decodeAll(t.NewStream(skipSpecial), ids)
}

func (t *fast) NewStream(skipSpecial bool) *Stream {
	return newStream(newFastDecoder(t, skipSpecial), t.cleanUp)
}

func (t *fast) BOS() (int, bool) { return t.bos, t.bos >= 0 }
func (t *fast) EOS() (int, bool) { return t.eos, t.eos >= 0 }
func (t *fast) Size() int        { return t.size }
func (t *fast) Info() Info       { return t.info }

func (t *fast) ID(piece string) (int, bool) {
	if i, ok := t.added.byText[piece]; ok {
		return t.added.tokens[i].id, true
	}
	if id, ok := t.model.vocab[piece]; ok {
		return int(id), true
	}
	return -1, false
}

func (t *fast) Piece(id int) (string, bool) {
	if i, ok := t.added.byID[id]; ok {
		return t.added.tokens[i].text, true
	}
	if id < 0 || id >= len(t.pieces) || t.pieces[id] == "" {
		return "", false
	}
	return t.pieces[id], true
}

func (t *fast) CheckVocabulary(rows int) error { return checkVocabulary(t.size, rows, t.Piece) }
