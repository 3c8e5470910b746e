package tokenizer

import (
	"sort"
	"unicode/utf8"
)

// bpe segments text as SentencePiece's BPE model does (bpe_model.cc): of all neighbouring symbols whose concatenation
// is in the vocabulary, those with the highest score are joined first, the leftmost of equals.
type bpe struct {
	m     *spModel
	rank  []uint32             // of each piece: 0 for the highest score, equal for equal scores
	joins map[[2]rune]struct{} // the neighbouring characters that occur inside some piece
}

func newBPE(m *spModel) *bpe {
	b := &bpe{m: m, rank: make([]uint32, len(m.pieces)), joins: make(map[[2]rune]struct{})}
	order := make([]int, len(m.pieces))
	for i := range order {
		order[i] = i
	}
	sort.Slice(order, func(i, j int) bool { return m.pieces[order[i]].score > m.pieces[order[j]].score })
	for i := 1; i < len(order); i++ {
		b.rank[order[i]] = b.rank[order[i-1]]
		if m.pieces[order[i]].score != m.pieces[order[i-1]].score {
			b.rank[order[i]]++
		}
	}
	for piece := range m.normal {
		last := rune(-1)
		for _, r := range piece {
			if last >= 0 {
				b.joins[[2]rune{last, r}] = struct{}{}
			}
			last = r
		}
	}
	return b
}

// segment implements segmenter. The text falls into runs at each place where no piece spans the two characters: no
// merge can cross it, so runs are merged one by one and stay short in ordinary text.
func (b *bpe) segment(text string, plain bool, emit func(start, end int, id int32)) {
	w := bpeRun{bpe: b, text: text, plain: plain, emit: emit}
	last := rune(-1)
	for at := 0; at < len(text); {
		if n := b.userDefined(text[at:], plain); n > 0 {
			w.flush()
			w.add(at, at+n)
			w.flush()
			last = -1
			at += n
			continue
		}
		r, size := utf8.DecodeRuneInString(text[at:])
		if last >= 0 {
			if _, ok := b.joins[[2]rune{last, r}]; !ok {
				w.flush()
			}
		}
		w.add(at, at+size)
		last = r
		at += size
	}
	w.flush()
}

// userDefined returns the length of the longest user-defined piece at the start of text.
func (b *bpe) userDefined(text string, plain bool) int {
	if b.m.norm.userDefined == nil {
		return 0
	}
	length, _ := b.m.norm.userDefined.longest(text, func(_ int, id int32) bool { return !plain || !b.m.blocked[id] })
	return length
}

// bpeSymbol is a part of a run: first a character, later a piece. A symbol that was joined to its left neighbour has
// end == 0.
type bpeSymbol struct {
	start, end int32
	prev, next int32
}

// bpeRun merges one run; its slices are reused from run to run.
type bpeRun struct {
	*bpe
	text    string
	plain   bool
	emit    func(start, end int, id int32)
	symbols []bpeSymbol
	heap    stepHeap       // merges of a symbol with its right neighbour; note is the size of both, to tell whether they changed
	halves  map[string]int // where an unused piece was joined: the length of its left part
}

// add appends a symbol to the run.
func (w *bpeRun) add(start, end int) {
	n := int32(len(w.symbols))
	w.symbols = append(w.symbols, bpeSymbol{int32(start), int32(end), n - 1, n + 1})
}

// flush merges the run, emits its pieces and empties it.
func (w *bpeRun) flush() {
	n := len(w.symbols)
	if n == 0 {
		return
	}
	w.symbols[n-1].next = -1
	clear(w.halves)
	for i := 1; i < n; i++ {
		w.push(int32(i - 1))
	}
	for len(w.heap) > 0 {
		top := w.heap.pop()
		at := top.at()
		left := &w.symbols[at]
		if left.end == 0 || left.next < 0 {
			continue
		}
		right := &w.symbols[left.next]
		if right.end-left.start != top.note {
			continue
		}
		left.end, left.next, right.end = right.end, right.next, 0
		if left.next >= 0 {
			w.symbols[left.next].prev = at
		}
		w.push(left.prev)
		w.push(at)
	}
	for i := int32(0); i >= 0; i = w.symbols[i].next {
		w.split(int(w.symbols[i].start), int(w.symbols[i].end))
	}
	w.symbols = w.symbols[:0]
}

// push adds the merge of a symbol with its right neighbour to the agenda, if the vocabulary has it.
func (w *bpeRun) push(left int32) {
	if left < 0 || w.symbols[left].next < 0 {
		return
	}
	l, r := w.symbols[left], w.symbols[w.symbols[left].next]
	piece := w.text[l.start:r.end]
	id, ok := w.m.normal[piece]
	if !ok || w.plain && w.m.blocked[id] {
		return
	}
	w.heap.push(newStep(w.rank[id], left, r.end-l.start))
	if w.m.pieces[id].kind == pieceUnused {
		if w.halves == nil {
			w.halves = make(map[string]int)
		}
		w.halves[piece] = int(l.end - l.start)
	}
}

// split emits a piece; one that is marked as unused falls apart again into the two that made it.
func (w *bpeRun) split(start, end int) {
	id := w.m.idOf(w.text[start:end])
	if w.m.pieces[id].kind == pieceUnused {
		if half, ok := w.halves[w.text[start:end]]; ok {
			w.split(start, start+half)
			w.split(start+half, end)
			return
		}
	}
	w.emit(start, end, id)
}
