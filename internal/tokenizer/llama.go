package tokenizer

import (
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"unicode"
)

// llama is a SentencePiece model under the rules of the slow LlamaTokenizer (transformers 4.37,
// models/llama/tokenization_llama.py and tokenization_utils.py).
type llama struct {
	sp       *spModel
	added    *addedSet
	remap    map[int32]int   // model pieces whose text is an added token with another id
	specials map[string]bool // texts of special tokens: those with a role, and additional ones
	extra    map[string]bool // texts of the additional ones
	skipped  map[int]bool    // ids of special tokens
	twins    bool            // some model piece has the text of a special token with another id
	unk      string
	unkLen   int // pieces that the text of the unknown token has
	bos, eos int // -1: none
	size     int
	cleanUp  bool
	info     Info
}

// llamaClasses are the values of tokenizer_class whose rules this file follows.
var llamaClasses = []string{"", "LlamaTokenizer", "LlamaTokenizerFast", "CodeLlamaTokenizer", "YiTokenizer"}

// openLlama reads tokenizer.model and the configuration files beside it.
func openLlama(dir string, o Options) (Tokenizer, error) {
	path := filepath.Join(dir, "tokenizer.model")
	file, err := readFile(path, maxModelFile)
	if err != nil {
		return nil, err
	}
	c, err := readConfig(dir)
	if err != nil {
		return nil, err
	}
	if !o.AnyClass && !slices.Contains(llamaClasses, c.class) {
		return nil, fmt.Errorf("%s: %w", path, unsupportedf("tokenizer_class %q over a sentencepiece model", c.class))
	}
	if !c.hasDecoder {
		if err := c.addFromJSON(filepath.Join(dir, "tokenizer.json")); err != nil {
			return nil, err
		}
	}
	t, err := newLlama(file, c, o)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	t.info.File = path
	return t, nil
}

// newLlama builds a tokenizer from a serialised model and its configuration.
func newLlama(file []byte, c *config, o Options) (*llama, error) {
	sp, err := parseSentencePiece(file)
	if err != nil {
		return nil, err
	}
	c.setDefault("bos_token", "<s>")
	c.setDefault("eos_token", "</s>")
	c.setDefault("unk_token", "<unk>")
	if o.Legacy != nil {
		c.legacy = o.Legacy
	}
	if o.AddBOS != nil {
		c.addBOS = o.AddBOS
	}
	if o.AddEOS != nil {
		c.addEOS = o.AddEOS
	}
	t := &llama{sp: sp, unk: c.text("unk_token"), bos: -1, eos: -1, cleanUp: or(c.cleanUp, false)}
	t.info = Info{Kind: "sentencepiece bpe", Legacy: or(c.legacy, true), AddBOS: or(c.addBOS, true), AddEOS: or(c.addEOS, false)}
	if sp.kind == modelUnigram {
		t.info.Kind = "sentencepiece unigram"
	}
	if !t.info.Legacy {
		sp.norm.dummyPrefix = false // the layer above puts the space in front
	}
	if err := t.addTokens(c, o.Added); err != nil {
		return nil, err
	}
	tokens, _ := sp.encode(t.unk, false)
	t.unkLen = len(tokens)
	if text := c.text("bos_token"); text != "" {
		t.bos, _ = t.ID(text)
	}
	if text := c.text("eos_token"); text != "" {
		t.eos, _ = t.ID(text)
	}
	t.info.AddBOS = t.info.AddBOS && t.bos >= 0
	t.info.AddEOS = t.info.AddEOS && t.eos >= 0
	return t, nil
}

// addTokens collects the added tokens: those of the files, then special tokens that are not among them, then more.
func (t *llama) addTokens(c *config, more []string) error {
	specials := c.specials()
	t.specials, t.extra = make(map[string]bool), make(map[string]bool)
	for i, spec := range specials {
		t.specials[spec.Content] = true
		if i >= len(specials)-len(c.additional) {
			t.extra[spec.Content] = true
		}
	}
	for _, text := range more {
		if !t.specials[text] {
			t.specials[text], t.extra[text] = true, true
			specials = append(specials, tokenSpec{Content: text})
		}
	}

	tokens := slices.Clone(c.added)
	known := make(map[string]bool)
	next := len(t.sp.pieces) // a new token's id is the number of different tokens so far
	for _, a := range tokens {
		known[a.text] = true
		if _, ok := t.sp.lookup(a.text); !ok {
			next++
		}
	}
	for _, spec := range specials {
		if known[spec.Content] {
			continue
		}
		known[spec.Content] = true
		id, ok := t.sp.lookup(spec.Content)
		if !ok {
			id = int32(next)
			next++
		}
		spec.Special = true
		tokens = append(tokens, spec.as(int(id)))
	}
	if err := checkAdded(tokens); err != nil {
		return err
	}
	t.added = newAddedSet(tokens)
	t.size = len(t.sp.pieces)
	t.remap = make(map[int32]int)
	t.skipped = make(map[int]bool)
	for _, a := range tokens {
		t.size = max(t.size, a.id+1)
		if t.specials[a.text] {
			t.skipped[a.id] = true
		}
		id, ok := t.sp.lookup(a.text)
		if !ok {
			continue
		}
		if int(id) != a.id {
			t.remap[id] = a.id
			t.twins = t.twins || t.specials[a.text]
		}
		if a.structural() {
			t.sp.blocked[id] = true
		}
	}
	return nil
}

func (t *llama) Encode(text string) []int { return t.EncodeSpans([]Span{{Text: text}}) }
func (t *llama) EncodePlain(text string) []int {
	return t.EncodeSpans([]Span{{Text: text, Plain: true}})
}

// EncodeSpans is LlamaTokenizer.tokenize, then build_inputs_with_special_tokens.
func (t *llama) EncodeSpans(spans []Span) []int {
	var e llamaEncoding
	e.plain = slices.ContainsFunc(spans, func(s Span) bool { return s.Plain })
	if t.info.AddBOS {
		e.ids = append(e.ids, t.bos)
	}
	start := len(e.ids)
	if t.info.Legacy {
		t.tokenize(&e, spans, nil)
	} else if slices.ContainsFunc(spans, func(s Span) bool { return s.Text != "" }) {
		spaces := func(s string) string { return strings.ReplaceAll(s, underline, " ") }
		t.tokenize(&e, spans, spaces)
		if len(e.ids)-start > 1 && e.head[0] == underline && t.specials[e.head[1]] {
			e.ids = slices.Delete(e.ids, start, start+1)
		}
	}
	if t.info.AddEOS {
		e.ids = append(e.ids, t.eos)
	}
	return e.ids
}

// llamaEncoding collects the ids of one text.
type llamaEncoding struct {
	ids   []int
	head  []string // texts of the first two tokens
	plain bool     // some of the text is plain
}

func (e *llamaEncoding) add(id int, text string) {
	e.ids = append(e.ids, id)
	if len(e.head) < 2 {
		e.head = append(e.head, text)
	}
}

// tokenize is PreTrainedTokenizer.tokenize. spaces is nil for the legacy rules; otherwise it is applied to the text, in
// front of which U+2581 is put.
func (t *llama) tokenize(e *llamaEncoding, spans []Span, spaces func(string) string) {
	text, plain := joinSpans(spans, spaces)
	if spaces != nil {
		text = underline + text
		for i := range plain {
			plain[i] += len(underline)
		}
	}
	for _, p := range t.strip(text, t.added.cut(text, plain)) {
		switch {
		case p.text == "":
		case p.token >= 0:
			e.add(t.added.tokens[p.token].id, p.text)
		default:
			t.encodePiece(e, p.text, spaces == nil)
		}
	}
}

// llamaPart is a part of a text after white space has moved.
type llamaPart struct {
	text  string
	token int // -1: text
}

// strip applies the lstrip, rstrip and single_word rules of added tokens to the parts of a text.
func (t *llama) strip(text string, parts []part) []llamaPart {
	out := make([]llamaPart, len(parts))
	for i, p := range parts {
		out[i] = llamaPart{text[p.start:p.end], p.token}
	}
	for i := range out {
		if out[i].token < 0 {
			continue
		}
		tok := t.added.tokens[out[i].token]
		var left, right string // as they were before white space goes
		if i > 0 {
			left = out[i-1].text
		}
		if i+1 < len(out) {
			right = out[i+1].text
		}
		if tok.rstrip && right != "" {
			out[i+1].set(strings.TrimLeftFunc(right, pythonSpace))
		}
		if tok.lstrip && left != "" {
			out[i-1].set(strings.TrimRightFunc(left, pythonSpace))
		}
		switch {
		case !tok.singleWord:
		case left != "" && !strings.HasSuffix(left, " "):
			out[i-1].set(out[i-1].text + tok.text)
			out[i] = llamaPart{"", -1}
		case right != "" && !strings.HasPrefix(right, " "):
			out[i+1].set(tok.text + out[i+1].text)
			out[i] = llamaPart{"", -1}
		}
	}
	return out
}

// set changes the text of a part; a token with another text is no longer that token.
func (p *llamaPart) set(text string) {
	if text != p.text {
		*p = llamaPart{text, -1}
	}
}

// pythonSpace is Python's str.isspace: White_Space and the four separators U+001C to U+001F.
func pythonSpace(r rune) bool { return unicode.IsSpace(r) || r >= 0x1c && r <= 0x1f }

// encodePiece is LlamaTokenizer._tokenize. Without the legacy rules SentencePiece puts no space in front but may drop
// one; the unknown token's text in front keeps it from that, and its pieces are taken off again.
func (t *llama) encodePiece(e *llamaEncoding, text string, legacy bool) {
	drop := 0
	if !legacy && (strings.HasPrefix(text, underline) || text[0] == ' ') {
		text = t.unk + text
		drop = t.unkLen
	}
	tokens, normalized := t.sp.encode(text, e.plain)
	if len(tokens) >= drop {
		tokens = tokens[drop:]
	}
	e.ids = slices.Grow(e.ids, len(tokens))
	for _, tok := range tokens {
		id, piece := int(tok.id), t.sp.pieces[tok.id].text
		if tok.id == t.sp.unkID {
			piece = normalized[tok.start:tok.end]
			if i, ok := t.added.byText[piece]; ok && !(e.plain && t.added.tokens[i].structural()) {
				id = t.added.tokens[i].id
			}
		} else if to, ok := t.remap[tok.id]; ok {
			id = to
		}
		e.add(id, piece)
	}
}

func (t *llama) Decode(ids []int, skipSpecial bool) string {
	return decodeAll(t.NewStream(skipSpecial), ids)
}

func (t *llama) NewStream(skipSpecial bool) *Stream {
	return newStream(newLlamaDecoder(t, skipSpecial), t.cleanUp)
}

func (t *llama) BOS() (int, bool) { return t.bos, t.bos >= 0 }
func (t *llama) EOS() (int, bool) { return t.eos, t.eos >= 0 }
func (t *llama) Size() int        { return t.size }
func (t *llama) Info() Info       { return t.info }

func (t *llama) ID(piece string) (int, bool) {
	if i, ok := t.added.byText[piece]; ok {
		return t.added.tokens[i].id, true
	}
	if id, ok := t.sp.lookup(piece); ok {
		return int(id), true
	}
	return -1, false
}

func (t *llama) Piece(id int) (string, bool) {
	if i, ok := t.added.byID[id]; ok {
		return t.added.tokens[i].text, true
	}
	if id < 0 || id >= len(t.sp.pieces) {
		return "", false
	}
	return t.sp.pieces[id].text, true
}

func (t *llama) CheckVocabulary(rows int) error { return checkVocabulary(t.size, rows, t.Piece) }
