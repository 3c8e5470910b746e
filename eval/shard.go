package eval

import (
	"fmt"

	"llavabench/internal/rundir"
)

// Shard gives the part of a suite that is shard number of count: a block of questions in their order. Blocks are about equally
// long, but a block never begins in the middle of consecutive questions about one picture, so that these share their work. The
// blocks of all numbers are the suite.
func (s Suite) Shard(number, count int) (Suite, error) {
	if count < 1 || number < 1 || number > count {
		return Suite{}, fmt.Errorf("shard %d/%d: expected a number from 1 to the number of shards", number, count)
	}
	begin, err := s.blockStart(number-1, count)
	if err != nil {
		return Suite{}, err
	}
	end, err := s.blockStart(number, count)
	if err != nil {
		return Suite{}, err
	}
	part := s
	part.Part = &rundir.Shard{Number: number, Count: count, First: begin, Items: end - begin}
	part.Questions = func(yield func(Question, error) bool) {
		index := 0
		for q, err := range s.Questions {
			if index >= end {
				return
			}
			if (err != nil || index >= begin) && !yield(q, err) {
				return
			}
			index++
		}
	}
	return part, nil
}

// blockStart is where block k (from 0) of count begins: at its share of the questions, moved on to the next picture.
func (s Suite) blockStart(k, count int) (int, error) {
	if k == count {
		return s.Info.Items, nil
	}
	target := int(int64(k) * int64(s.Info.Items) / int64(count))
	index, before := 0, ""
	for q, err := range s.Questions {
		if err != nil {
			return 0, fmt.Errorf("suite %s, question %d: %w", s.Info.Name, index, err)
		}
		key := q.Picture()
		if index >= target && (index == 0 || key == "" || key != before) {
			return index, nil
		}
		index, before = index+1, key
	}
	return s.Info.Items, nil
}

// Items is how many questions the suite, or its part, has.
func (s Suite) Items() int {
	if s.Part != nil {
		return s.Part.Items
	}
	return s.Info.Items
}
