package tokenizer

// step is a merge that is due: its key is the rank of the merge and then the position of its left part, so the least key
// is the best merge, the leftmost of equals. note is what the owner of the heap needs to know beside.
type step struct {
	key  uint64
	note int32
}

func newStep(rank uint32, at, note int32) step {
	return step{uint64(rank)<<32 | uint64(uint32(at)), note}
}

// at returns the position of the left part.
func (s step) at() int32 { return int32(uint32(s.key)) }

// stepHeap is a binary heap with the least key on top. It is written out because container/heap boxes every element.
type stepHeap []step

func (h *stepHeap) push(x step) {
	s := append(*h, x)
	i := len(s) - 1
	for i > 0 {
		up := (i - 1) / 2
		if x.key >= s[up].key {
			break
		}
		s[i] = s[up]
		i = up
	}
	s[i] = x
	*h = s
}

// pop removes and returns the top of a heap that is not empty.
func (h *stepHeap) pop() step {
	s := *h
	top, x := s[0], s[len(s)-1]
	s = s[:len(s)-1]
	for i := 0; len(s) > 0; {
		down := 2*i + 1
		if down+1 < len(s) && s[down+1].key < s[down].key {
			down++
		}
		if down >= len(s) || x.key <= s[down].key {
			s[i] = x
			break
		}
		s[i] = s[down]
		i = down
	}
	*h = s
	return top
}
