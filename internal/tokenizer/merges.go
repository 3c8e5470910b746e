package tokenizer

import "strings"

// mergeBPE is the BPE model of tokenizer.json files (tokenizers, models/bpe): a list of merges by rank over a vocabulary.
type mergeBPE struct {
	vocab        map[string]int32
	merges       map[[2]int32]merge
	unk          int32 // -1: unknown characters vanish
	fuseUnk      bool  // a run of unknown characters is one token
	byteFallback bool  // unknown characters become <0xAB> tokens where the vocabulary has them
	ignoreMerges bool  // a word that is in the vocabulary is not merged
}

// merge is what two neighbouring tokens become.
type merge struct {
	rank int32
	id   int32
}

// maxMerges bounds the merges of a file; the largest published lists have about half a million.
const maxMerges = 1 << 22

// addMerge appends a merge to the list; a pair that occurs twice keeps its last rank.
func (m *mergeBPE) addMerge(rank int, left, right string) error {
	if rank >= maxMerges {
		return formatf("more than %d merges", maxMerges)
	}
	a, okA := m.vocab[left]
	b, okB := m.vocab[right]
	c, okC := m.vocab[left+right]
	if !okA || !okB || !okC {
		return formatf("merge %d of %q and %q: not all of them and %q are in the vocabulary", rank, left, right, left+right)
	}
	m.merges[[2]int32{a, b}] = merge{int32(rank), c}
	return nil
}

// splitMerge returns the two sides of a merge written as one string.
func splitMerge(s string) (left, right string, err error) {
	left, right, ok := strings.Cut(s, " ")
	if !ok || left == "" || right == "" || strings.Contains(right, " ") {
		return "", "", formatf("merge %q: want two tokens with one space between", s)
	}
	return left, right, nil
}

// encode appends the ids of a word. blocked, if not nil, names tokens that a whole word must not become.
func (m *mergeBPE) encode(dst []int, word string, blocked map[int]bool) []int {
	if m.ignoreMerges {
		if id, ok := m.vocab[word]; ok && !blocked[int(id)] {
			return append(dst, int(id))
		}
	}
	w := mergeWord{m: m}
	w.load(word)
	w.merge()
	for _, s := range w.symbols {
		if s.id >= 0 {
			dst = append(dst, int(s.id))
		}
	}
	return dst
}

// mergeSymbol is a token of a word; one that was merged into its left neighbour has id -1.
type mergeSymbol struct {
	id         int32
	prev, next int32
}

// mergeWord merges one word.
type mergeWord struct {
	m       *mergeBPE
	symbols []mergeSymbol
	heap    stepHeap // note is the token that the merge gives
}

// load fills in one symbol per character (BPE::merge_word).
func (w *mergeWord) load(word string) {
	unknown := false // a token for unknown characters is pending
	for i, r := range word {
		char := word[i : i+len(string(r))]
		id, ok := w.m.vocab[char]
		if ok {
			if unknown {
				w.add(w.m.unk)
				unknown = false
			}
			w.add(id)
			continue
		}
		if w.m.byteFallback && w.addBytes(char) || w.m.unk < 0 {
			continue
		}
		if unknown && !w.m.fuseUnk {
			w.add(w.m.unk)
		}
		unknown = true
	}
	if unknown {
		w.add(w.m.unk)
	}
	if n := len(w.symbols); n > 0 {
		w.symbols[n-1].next = -1
	}
}

func (w *mergeWord) add(id int32) {
	n := int32(len(w.symbols))
	w.symbols = append(w.symbols, mergeSymbol{id, n - 1, n + 1})
}

// addBytes adds a character as byte tokens, if the vocabulary has all of them.
func (w *mergeWord) addBytes(char string) bool {
	n := len(w.symbols)
	for i := 0; i < len(char); i++ {
		id, ok := w.m.vocab["<0x"+string(upperHex[char[i]>>4])+string(upperHex[char[i]&15])+">"]
		if !ok {
			w.symbols = w.symbols[:n]
			return false
		}
		w.add(id)
	}
	return true
}

// merge applies merges, the lowest rank first and of equals the leftmost (Word::merge_all).
func (w *mergeWord) merge() {
	for i := range w.symbols {
		w.push(int32(i))
	}
	for len(w.heap) > 0 {
		top := w.heap.pop()
		at := top.at()
		left := &w.symbols[at]
		if left.id < 0 || left.next < 0 {
			continue
		}
		right := &w.symbols[left.next]
		// The step may be out of date; it still holds if the pair that is there now becomes the same token.
		if now, ok := w.m.merges[[2]int32{left.id, right.id}]; !ok || now.id != top.note {
			continue
		}
		left.id, left.next, right.id = top.note, right.next, -1
		if left.next >= 0 {
			w.symbols[left.next].prev = at
		}
		w.push(left.prev)
		w.push(at)
	}
}

// push notes the merge of a symbol with its right neighbour, if there is one.
func (w *mergeWord) push(at int32) {
	if at < 0 || w.symbols[at].next < 0 {
		return
	}
	left := w.symbols[at]
	if m, ok := w.m.merges[[2]int32{left.id, w.symbols[left.next].id}]; ok {
		w.heap.push(newStep(uint32(m.rank), at, m.id))
	}
}
