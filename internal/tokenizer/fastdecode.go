package tokenizer

import (
	"strconv"
	"strings"
	"unicode/utf8"
)

// stage is a decoder of tokenizer.json files at work: tokens go in, tokens come out, and their concatenation is the text.
// Behind a stage that joins tokens, what comes out are parts of one token.
type stage interface {
	push(token string, emit func(string))
	flush(emit func(string))
}

// stageSpec makes a stage for a new text.
type stageSpec func() stage

// fastDecoder runs tokens through the stages.
type fastDecoder struct {
	t      *fast
	skip   bool
	stages []stage
	dst    []byte
	emits  []func(string) // emits[i] feeds stage i; the last one writes
}

func newFastDecoder(t *fast, skip bool) *fastDecoder {
	d := &fastDecoder{t: t, skip: skip}
	for _, spec := range t.stages {
		d.stages = append(d.stages, spec())
	}
	d.emits = make([]func(string), len(d.stages)+1)
	d.emits[len(d.stages)] = func(s string) { d.dst = append(d.dst, s...) }
	for i := len(d.stages) - 1; i >= 0; i-- {
		d.emits[i] = func(s string) { d.stages[i].push(s, d.emits[i+1]) }
	}
	return d
}

func (d *fastDecoder) push(dst []byte, id int) []byte {
	token, ok := d.t.Piece(id)
	if !ok {
		return dst
	}
	if i, added := d.t.added.byID[id]; added && d.skip && d.t.added.tokens[i].special {
		return dst
	}
	d.dst = dst
	d.emits[0](token)
	return d.dst
}

func (d *fastDecoder) flush(dst []byte) []byte {
	d.dst = dst
	for i, s := range d.stages {
		s.flush(d.emits[i+1])
	}
	return d.dst
}

// stateless is the flush of a stage that holds nothing back.
type stateless struct{}

func (stateless) flush(func(string)) {}

// replaceStage replaces a string within each token.
type replaceStage struct {
	stateless
	old, new string
}

func (s replaceStage) push(token string, emit func(string)) {
	emit(strings.ReplaceAll(token, s.old, s.new))
}

// spacedStage joins tokens with spaces, which is what the library does without a decoder.
type spacedStage struct {
	stateless
	more bool
}

func (s *spacedStage) push(token string, emit func(string)) {
	if s.more {
		emit(" ")
	}
	s.more = true
	emit(token)
}

// metaspaceStage turns the replacement character into a space, and drops it in the first token where the encoder put one
// in front.
type metaspaceStage struct {
	stateless
	replacement string
	prepended   bool
	more        bool
}

func (s *metaspaceStage) push(token string, emit func(string)) {
	space := " "
	if !s.more && s.prepended {
		space = ""
	}
	s.more = true
	emit(strings.ReplaceAll(token, s.replacement, space))
}

// byteFallbackStage joins byte tokens in a row. They become text if all of them together are valid UTF-8; otherwise each
// becomes U+FFFD. Which of the two is known when the run ends.
type byteFallbackStage struct{ run []byte }

func (s *byteFallbackStage) push(token string, emit func(string)) {
	if len(token) == 6 && strings.HasPrefix(token, "<0x") && token[5] == '>' {
		if b, err := strconv.ParseUint(token[3:5], 16, 8); err == nil {
			s.run = append(s.run, byte(b))
			return
		}
	}
	s.flush(emit)
	emit(token)
}

func (s *byteFallbackStage) flush(emit func(string)) {
	switch {
	case len(s.run) == 0:
	case utf8.Valid(s.run):
		emit(string(s.run))
	default:
		for range s.run {
			emit("\uFFFD")
		}
	}
	s.run = s.run[:0]
}

// stripStage drops up to count leading strings from the text as a whole.
type stripStage struct {
	stateless
	content string
	count   int
}

func (s *stripStage) push(token string, emit func(string)) {
	for s.count > 0 && token != "" {
		rest, ok := strings.CutPrefix(token, s.content)
		if !ok {
			s.count = 0
			break
		}
		token = rest
		s.count--
	}
	emit(token)
}

// byteLevelStage turns byte-level tokens back into bytes and those into text.
type byteLevelStage struct {
	chars   *byteLevel
	pending []byte
}

func (s *byteLevelStage) push(token string, emit func(string)) {
	s.pending = s.chars.appendBytes(s.pending, token)
	s.write(emit, false)
}

func (s *byteLevelStage) flush(emit func(string)) { s.write(emit, true) }

func (s *byteLevelStage) write(emit func(string), all bool) {
	out, rest := appendLossy(nil, s.pending, all)
	s.pending = append(s.pending[:0], rest...)
	if len(out) > 0 {
		emit(string(out))
	}
}

// appendLossy appends pending to dst as UTF-8, where each longest start of a character that is not completed becomes one
// U+FFFD, as does every other byte that is not part of a character (Unicode, "substitution of maximal subparts"). Unless
// all is set, the start of a character at the end is left over.
func appendLossy(dst, pending []byte, all bool) (out, rest []byte) {
	for len(pending) > 0 {
		r, size := utf8.DecodeRune(pending)
		if r == utf8.RuneError && size == 1 {
			size = 1
			for size < len(pending) && !utf8.FullRune(pending[:size]) {
				size++
			}
			// pending[:size] either is the whole rest, an unfinished start, or was spoilt by its last byte.
			if !utf8.FullRune(pending[:size]) {
				if !all {
					break
				}
			} else if size > 1 {
				size--
			}
		}
		dst = utf8.AppendRune(dst, r)
		pending = pending[size:]
	}
	return dst, pending
}
