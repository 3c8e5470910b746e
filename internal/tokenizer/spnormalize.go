package tokenizer

import (
	"strings"
	"unicode/utf8"
)

// normalizer is SentencePiece's text normalisation (normalizer.cc): rules from the model, spaces written as U+2581 and
// one more in front of the text.
type normalizer struct {
	dummyPrefix bool      // add_dummy_prefix
	removeExtra bool      // remove_extra_whitespaces
	escape      bool      // escape_whitespaces
	charsmap    *charsmap // nil: characters stay as they are
	userDefined *trie     // left as they are by the rules; nil when there are none
}

// parse reads a NormalizerSpec message over what is already there.
func (n *normalizer) parse(f wireField, charsmap *[]byte) error {
	if err := f.want(wireBytes, "normalizer_spec"); err != nil {
		return err
	}
	return readWire(f.bytes, func(f wireField) error {
		switch f.number {
		case 2:
			if err := f.want(wireBytes, "precompiled_charsmap"); err != nil {
				return err
			}
			*charsmap = f.bytes
		case 3:
			return f.boolInto(&n.dummyPrefix, "add_dummy_prefix")
		case 4:
			return f.boolInto(&n.removeExtra, "remove_extra_whitespaces")
		case 5:
			return f.boolInto(&n.escape, "escape_whitespaces")
		}
		return nil
	})
}

// apply returns the normalised text. suffix puts the dummy space behind the text; plain lets the rules act on
// user-defined pieces for which blocked answers true.
func (n *normalizer) apply(text string, suffix bool, blocked func(id int32) bool) string {
	if text == "" {
		return ""
	}
	if n.removeExtra {
		for text != "" {
			out, used := n.prefix(text, blocked)
			if out != " " {
				break
			}
			text = text[used:]
		}
		if text == "" {
			return ""
		}
	}
	space := " "
	if n.escape {
		space = underline
	}
	var b strings.Builder
	b.Grow(len(text) + len(text)/2 + len(space))
	if n.dummyPrefix && !suffix {
		b.WriteString(space)
	}
	afterSpace := n.removeExtra
	for text != "" {
		out, used := n.prefix(text, blocked)
		if afterSpace {
			out = strings.TrimLeft(out, " ")
		}
		if out != "" {
			writeEscaped(&b, out, space)
			afterSpace = strings.HasSuffix(out, " ")
		}
		text = text[used:]
		if !n.removeExtra {
			afterSpace = false
		}
	}
	s := b.String()
	if n.removeExtra {
		for strings.HasSuffix(s, space) {
			s = strings.TrimSuffix(s, space)
		}
	}
	if n.dummyPrefix && suffix {
		s += space
	}
	return s
}

// writeEscaped writes s with each space replaced.
func writeEscaped(b *strings.Builder, s, space string) {
	for i := 0; i < len(s); i++ {
		if s[i] == ' ' {
			b.WriteString(space)
		} else {
			b.WriteByte(s[i])
		}
	}
}

// prefix normalises the start of a non-empty text: it returns what stands for its first used bytes.
func (n *normalizer) prefix(text string, blocked func(id int32) bool) (out string, used int) {
	if n.userDefined != nil {
		length, _ := n.userDefined.longest(text, func(_ int, id int32) bool { return !blocked(id) })
		if length > 0 {
			return text[:length], length
		}
	}
	if n.charsmap != nil {
		if out, used := n.charsmap.prefix(text); used > 0 {
			return out, used
		}
	}
	r, size := utf8.DecodeRuneInString(text)
	if r == utf8.RuneError && size == 1 {
		return "\uFFFD", 1
	}
	return text[:size], size
}
