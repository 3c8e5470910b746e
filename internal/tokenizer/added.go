package tokenizer

import (
	"sort"
	"strings"
	"unicode/utf8"
)

// maxID bounds token ids; no published vocabulary comes near.
const maxID = 1 << 24

// addedToken is a token outside the model's vocabulary, or one of it, that is cut out of a text before anything else
// happens to the text.
type addedToken struct {
	id         int
	text       string
	special    bool // left out by Decode with skipSpecial
	lstrip     bool // takes the white space on its left along
	rstrip     bool // takes the white space on its right along
	singleWord bool // only counts when it is a word of its own
	normalized bool // looked for in the normalised text (tokenizer.json only)
}

// structural reports whether a token shapes a prompt, so that user text must not produce it.
func (t addedToken) structural() bool { return t.special || looksLikeMarkup(t.text) }

// checkAdded refuses empty texts, ids out of range, and ids or texts that occur twice.
func checkAdded(tokens []addedToken) error {
	ids, texts := make(map[int]string, len(tokens)), make(map[string]int, len(tokens))
	for _, t := range tokens {
		if t.text == "" {
			return formatf("added token %d is empty", t.id)
		}
		if t.id < 0 || t.id > maxID {
			return formatf("added token %q has id %d", t.text, t.id)
		}
		if other, dup := ids[t.id]; dup {
			return formatf("added tokens %q and %q both have id %d", other, t.text, t.id)
		}
		if other, dup := texts[t.text]; dup {
			return formatf("added token %q has ids %d and %d", t.text, other, t.id)
		}
		ids[t.id], texts[t.text] = t.text, t.id
	}
	return nil
}

// addedSet finds added tokens in text, the leftmost first and of those the longest.
type addedSet struct {
	tokens []addedToken
	byText map[string]int // index into tokens
	byID   map[int]int
	trie   *trie // of the texts, valued by index; nil when empty
}

func newAddedSet(tokens []addedToken) *addedSet {
	s := &addedSet{tokens: tokens, byText: make(map[string]int), byID: make(map[int]int)}
	var keys []string
	var index []int32
	for i, t := range tokens {
		s.byText[t.text], s.byID[t.id] = i, i
		keys, index = append(keys, t.text), append(index, int32(i))
	}
	if keys != nil {
		s.trie = newTrie(keys, index)
	}
	return s
}

// part is a stretch of a text: an added token, or what lies between two.
type part struct {
	start, end int
	token      int // index into addedSet.tokens, -1 for text
}

// cut divides a text. Tokens that shape a prompt are not seen where they touch a plain stretch.
func (s *addedSet) cut(text string, plain plainSpans) []part {
	if text == "" {
		return nil
	}
	if s.trie == nil {
		return []part{{0, len(text), -1}}
	}
	var parts []part
	done := 0
	for at := 0; at < len(text); {
		length, index := s.trie.longest(text[at:], func(length int, index int32) bool {
			return !s.tokens[index].structural() || !plain.touches(at, at+length)
		})
		if length == 0 {
			at++
			continue
		}
		if done < at {
			parts = append(parts, part{done, at, -1})
		}
		parts = append(parts, part{at, at + length, int(index)})
		at += length
		done = at
	}
	if done < len(text) {
		parts = append(parts, part{done, len(text), -1})
	}
	return parts
}

// plainSpans are the plain stretches of a text: starts and ends, ascending, alternating.
type plainSpans []int

// touches reports whether any byte of [start, end) is plain.
func (p plainSpans) touches(start, end int) bool {
	if len(p) == 0 {
		return false
	}
	i := sort.SearchInts(p, start+1) // p[i-1] <= start < p[i]
	return i%2 == 1 || i < len(p) && p[i] < end
}

// joinSpans returns the concatenation of spans and where it is plain. Bytes that are not UTF-8 become U+FFFD, and each
// text first passes through edit, if that is not nil.
func joinSpans(spans []Span, edit func(string) string) (string, plainSpans) {
	var b strings.Builder
	var plain plainSpans
	for _, s := range spans {
		text := validText(s.Text)
		if edit != nil {
			text = edit(text)
		}
		if s.Plain && text != "" {
			if n := len(plain); n > 0 && plain[n-1] == b.Len() {
				plain = plain[:n-1]
			} else {
				plain = append(plain, b.Len())
			}
			plain = append(plain, b.Len()+len(text))
		}
		b.WriteString(text)
	}
	if b.Len() > MaxText {
		panic("tokenizer: text longer than MaxText")
	}
	return b.String(), plain
}

// validText returns s with every byte that is not part of a valid character replaced by U+FFFD.
func validText(s string) string {
	if utf8.ValidString(s) {
		return s
	}
	return string([]rune(s))
}
