package tokenizer

import "bytes"

// decoder turns ids into text one by one; it writes what can no longer change.
type decoder interface {
	push(dst []byte, id int) []byte
	flush(dst []byte) []byte
}

// A Stream decodes ids as they are generated. What Push and the final Flush return, put together, is what Decode returns
// for all the ids at once, and no part ever ends within a character.
//
// Text is held back only where later ids could still change it: bytes of a character that is not complete; with the
// legacy rules and special tokens shown, all text since the last special token, because the next one puts a space in
// front of it; for some tokenizer.json decoders a run of byte tokens.
type Stream struct {
	d     decoder
	clean cleaner
	buf   []byte
}

func newStream(d decoder, cleanUp bool) *Stream {
	s := &Stream{d: d}
	if cleanUp {
		s.clean = newCleaner()
	}
	return s
}

// Push adds an id and returns the text that has become final.
func (s *Stream) Push(id int) string {
	s.buf = s.d.push(s.buf[:0], id)
	return string(s.clean.push(s.buf))
}

// Flush ends the text and returns the rest of it; bytes without a complete character become U+FFFD. The stream must not
// be used any more.
func (s *Stream) Flush() string {
	s.buf = s.d.flush(s.buf[:0])
	return string(s.clean.flush(s.buf))
}

// decodeAll decodes ids through a fresh stream.
func decodeAll(s *Stream, ids []int) string {
	var out bytes.Buffer
	for _, id := range ids {
		s.buf = s.d.push(s.buf[:0], id)
		out.Write(s.clean.push(s.buf))
	}
	s.buf = s.d.flush(s.buf[:0])
	out.Write(s.clean.flush(s.buf))
	return out.String()
}

// cleaner is PreTrainedTokenizerBase.clean_up_tokenization (transformers): a chain of replacements, each of which sees
// the whole text of the one before. A nil cleaner changes nothing.
type cleaner []*replacer

func newCleaner() cleaner {
	var c cleaner
	for _, r := range [...][2]string{
		{" .", "."}, {" ?", "?"}, {" !", "!"}, {" ,", ","}, {" ' ", "'"},
		{" n't", "n't"}, {" 'm", "'m"}, {" 's", "'s"}, {" 've", "'ve"}, {" 're", "'re"},
	} {
		c = append(c, &replacer{old: []byte(r[0]), new: []byte(r[1])})
	}
	return c
}

func (c cleaner) push(text []byte) []byte {
	for _, r := range c {
		text = r.push(text, false)
	}
	return text
}

func (c cleaner) flush(text []byte) []byte {
	for _, r := range c {
		text = r.push(text, true)
	}
	return text
}

// replacer is bytes.ReplaceAll over a text that arrives in parts: it holds back an end that could begin a match.
type replacer struct {
	old, new []byte
	held     []byte
}

func (r *replacer) push(text []byte, last bool) []byte {
	text = append(r.held, text...)
	var out []byte
	for {
		i := bytes.Index(text, r.old)
		if i < 0 {
			break
		}
		out = append(append(out, text[:i]...), r.new...)
		text = text[i+len(r.old):]
	}
	keep := 0
	if !last {
		for n := min(len(r.old)-1, len(text)); n > 0; n-- {
			if bytes.HasPrefix(r.old, text[len(text)-n:]) {
				keep = n
				break
			}
		}
	}
	out = append(out, text[:len(text)-keep]...)
	r.held = append([]byte(nil), text[len(text)-keep:]...)
	return out
}
