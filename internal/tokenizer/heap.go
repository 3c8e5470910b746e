package tokenizer

// minHeap is a binary heap with the least element on top. It is written out because container/heap boxes every element.
type minHeap[T interface{ before(T) bool }] []T

func (h *minHeap[T]) push(x T) {
	s := append(*h, x)
	i := len(s) - 1
	for i > 0 {
		up := (i - 1) / 2
		if !x.before(s[up]) {
			break
		}
		s[i] = s[up]
		i = up
	}
	s[i] = x
	*h = s
}

// pop removes and returns the least element of a non-empty heap.
func (h *minHeap[T]) pop() T {
	s := *h
	top, x := s[0], s[len(s)-1]
	s = s[:len(s)-1]
	for i := 0; len(s) > 0; {
		down := 2*i + 1
		if down+1 < len(s) && s[down+1].before(s[down]) {
			down++
		}
		if down >= len(s) || !s[down].before(x) {
			s[i] = x
			break
		}
		s[i] = s[down]
		i = down
	}
	*h = s
	return top
}
