// Package sight is the benchmark that ships with the repository: pictures drawn from a seed, with questions whose short
// answers are known, in categories that separate what the LLaVA generations claim. A higher resolution lets a model see
// detail instead of guessing, so every item records the smallest detail that matters, in pixels.
//
// Pictures, questions and answers are a pure function of (split, seed, index) in integer arithmetic: the same bytes on
// every machine and in every release.
package sight

import (
	"fmt"
	"iter"
	"slices"
)

// A Category mirrors one of the published benchmarks.
type Category string

// The categories.
const (
	Presence  Category = "presence"  // yes/no with random, popular and adversarial negatives, as POPE asks
	Attribute Category = "attribute" // colour of a shape, shape of a colour
	Counting  Category = "counting"  // 0 to 5
	Position  Category = "position"  // halves of the picture, order of two objects
	Reading   Category = "reading"   // short strings and numbers on signs, small in square pictures
	Wide      Category = "wide"      // wide and tall scenes where a square crop loses the answer
	Choice    Category = "choice"    // multiple choice with shuffled options
)

// Categories lists all of them in the order in which they take turns.
var Categories = []Category{Presence, Attribute, Counting, Position, Reading, Wide, Choice}

// A Split is one of three sets of items that never share a seed.
type Split string

// The splits.
const (
	Train Split = "train"
	Val   Split = "val"
	Test  Split = "test"
)

// tags are the two highest bits of every item's seed, so that the splits cannot overlap whatever seeds users give.
var tags = map[Split]uint64{Train: 1, Val: 2, Test: 3}

const tagShift = 62

// An Item is one question about one picture.
type Item struct {
	ID    string `json:"id"`
	Seed  uint64 `json:"seed"` // of this item alone
	Split Split  `json:"split"`
	QA
	Difficulty int    `json:"difficulty"` // 1 easy, 2 medium, 3 hard: by the size of the detail and the clutter around it
	Scene      *Scene `json:"scene"`
}

// itemSeed mixes a suite's seed with an item's index and marks the split.
func itemSeed(split Split, seed uint64, index int) uint64 {
	return mix(mix(seed)+uint64(index)*0x9e3779b97f4a7c15)&(1<<tagShift-1) | tags[split]<<tagShift
}

// New makes item index of a suite. Categories take turns, so that every one has the same share.
func New(split Split, seed uint64, index int) (Item, error) {
	if _, ok := tags[split]; !ok {
		return Item{}, fmt.Errorf("split %q is not known, expected train, val or test", split)
	}
	if index < 0 {
		return Item{}, fmt.Errorf("item index %d is negative", index)
	}
	s := itemSeed(split, seed, index)
	category := Categories[index%len(Categories)]
	it := Item{ID: fmt.Sprintf("%s-%d-%06d", split, seed, index), Seed: s, Split: split}
	// A crowded scene may have no room left for what was drawn; the next attempt starts from the next seed.
	r := newSource(s)
	for {
		scene, qa, difficulty, ok := compose(newSource(r.next()), category)
		if ok {
			qa.Category = category
			it.Scene, it.QA, it.Difficulty = scene, qa, difficulty
			return it, nil
		}
	}
}

// Index is the index in a suite of the k-th item (from 0) of some categories; of all, if none are named.
func Index(k int, categories ...Category) int {
	var turns []int // of the categories, within a round of all
	for i, c := range Categories {
		if len(categories) == 0 || slices.Contains(categories, c) {
			turns = append(turns, i)
		}
	}
	if len(turns) == 0 {
		return k
	}
	return k/len(turns)*len(Categories) + turns[k%len(turns)]
}

// Items yields the first n items of a suite without touching the disk; those of some categories, if any are named.
func Items(split Split, seed uint64, n int, categories ...Category) iter.Seq2[Item, error] {
	return func(yield func(Item, error) bool) {
		for i := range n {
			it, err := New(split, seed, Index(i, categories...))
			if !yield(it, err) || err != nil {
				return
			}
		}
	}
}
