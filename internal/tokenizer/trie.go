package tokenizer

import "sort"

// trie is a static set of byte strings, each with a value. Nodes are numbered breadth first, so the children of a node
// are neighbours and need no links.
type trie struct {
	first []int32 // children of node n are first[n] .. first[n+1]-1, in order of their label
	label []byte  // byte on the edge that leads to a node; the root's is unused
	value []int32 // value of the string that ends at a node, -1 where none does
}

// newTrie builds a trie of non-empty keys; of equal keys the last one's value stays.
func newTrie(keys []string, values []int32) *trie {
	order := make([]int, len(keys))
	for i := range order {
		order[i] = i
	}
	sort.SliceStable(order, func(i, j int) bool { return keys[order[i]] < keys[order[j]] })

	t := &trie{label: []byte{0}, value: []int32{-1}}
	type span struct{ lo, hi, depth int } // the keys below a node: order[lo:hi] share their first depth bytes
	queue := []span{{0, len(order), 0}}
	for head := 0; head < len(queue); head++ {
		s := queue[head]
		t.first = append(t.first, int32(len(t.label)))
		for s.lo < s.hi && len(keys[order[s.lo]]) == s.depth {
			t.value[head] = values[order[s.lo]]
			s.lo++
		}
		for s.lo < s.hi {
			c := keys[order[s.lo]][s.depth]
			end := s.lo
			for end < s.hi && keys[order[end]][s.depth] == c {
				end++
			}
			t.label = append(t.label, c)
			t.value = append(t.value, -1)
			queue = append(queue, span{s.lo, end, s.depth + 1})
			s.lo = end
		}
	}
	t.first = append(t.first, int32(len(t.label)))
	return t
}

// step follows the edge labelled c from a node (0 is the root).
func (t *trie) step(node int32, c byte) (int32, bool) {
	lo, hi := t.first[node], t.first[node+1]
	for lo < hi {
		mid := (lo + hi) >> 1
		switch l := t.label[mid]; {
		case l == c:
			return mid, true
		case l < c:
			lo = mid + 1
		default:
			hi = mid
		}
	}
	return 0, false
}

// longest returns the length and the value of the longest key that s starts with, among those that ok accepts; length 0
// if there is none. A nil ok accepts all.
func (t *trie) longest(s string, ok func(length int, value int32) bool) (length int, value int32) {
	node := int32(0)
	for i := 0; i < len(s); i++ {
		next, found := t.step(node, s[i])
		if !found {
			break
		}
		node = next
		if v := t.value[node]; v >= 0 && (ok == nil || ok(i+1, v)) {
			length, value = i+1, v
		}
	}
	return length, value
}
