package tokenizer

import (
	"math"
	"unicode/utf8"
)

// unknownPenalty is what an unknown character costs beyond the least likely piece (unigram_model.cc, kUnkPenalty).
const unknownPenalty = 10

// unigram segments text into the most likely sequence of pieces (unigram_model.cc, Model::EncodeOptimized).
type unigram struct {
	m        *spModel
	trie     *trie
	unkScore float32
	maxScore float32
}

func newUnigram(m *spModel) *unigram {
	var keys []string
	var ids []int32
	minScore, maxScore := float32(math.MaxFloat32), float32(0x1p-126) // the library starts from FLT_MAX and FLT_MIN
	for i, p := range m.pieces {
		switch p.kind {
		case pieceNormal:
			minScore, maxScore = min(minScore, p.score), max(maxScore, p.score)
		case pieceUserDefined, pieceUnused:
		default:
			continue
		}
		keys = append(keys, p.text)
		ids = append(ids, int32(i))
	}
	return &unigram{m: m, trie: newTrie(keys, ids), unkScore: minScore - unknownPenalty, maxScore: maxScore}
}

// unigramNode is the best way to reach a position: the last piece on it, where that starts, and the score so far.
type unigramNode struct {
	score float32
	start int32 // -1: not reached yet
	id    int32
}

// segment implements segmenter. Scores are summed in the library's types, float64 sums stored as float32, because ties
// and near-ties are decided by them.
func (u *unigram) segment(text string, plain bool, emit func(start, end int, id int32)) {
	best := make([]unigramNode, len(text)+1)
	for i := range best {
		best[i].start = -1
	}
	best[0].score = 0
	for at := 0; at < len(text); {
		here := best[at].score
		_, size := utf8.DecodeRuneInString(text[at:])
		single := false
		node := int32(0)
		for end := at; end < len(text); {
			next, ok := u.trie.step(node, text[end])
			if !ok {
				break
			}
			node, end = next, end+1
			id := u.trie.value[node]
			if id < 0 || u.m.pieces[id].kind == pieceUnused || plain && u.m.blocked[id] {
				continue
			}
			length := end - at
			sum := u.score(id, length) + float64(here)
			if to := &best[end]; to.start < 0 || sum > float64(to.score) {
				*to = unigramNode{float32(sum), int32(at), id}
			}
			single = single || length == size
		}
		if !single {
			sum := u.unkScore + here
			if to := &best[at+size]; to.start < 0 || sum > to.score {
				*to = unigramNode{sum, int32(at), u.m.unkID}
			}
		}
		at += size
	}
	var ends []int32
	for end := int32(len(text)); end > 0; end = best[end].start {
		ends = append(ends, end)
	}
	for i := len(ends) - 1; i >= 0; i-- {
		n := best[ends[i]]
		emit(int(n.start), int(ends[i]), n.id)
	}
}

// score returns a piece's log probability. A user-defined piece gets one that makes it win over any split of itself.
func (u *unigram) score(id int32, length int) float64 {
	p := u.m.pieces[id]
	if p.kind == pieceUserDefined {
		return float64(float32(length)*u.maxScore) - 0.1
	}
	return float64(p.score)
}
