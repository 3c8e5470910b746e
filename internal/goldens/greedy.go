package goldens

import (
	"cmp"
	"fmt"
	"slices"

	"llavabench/internal/tensor"
)

func (r *caseRun) checkGreedy(want golden) error {
	exact(r.Part, r.where, want.name, want.shape, r.answer.IDs, want.ints)
	return nil
}

// comparableSteps is the number of generated tokens whose logits follow from the same ids as the reference's: what comes
// behind the first other token is another text.
func (r *caseRun) comparableSteps(want golden) (int, error) {
	if len(want.shape) != 2 || want.shape[1] != topTokens {
		return 0, fmt.Errorf("the shape is %s, expected [steps, %d]", tensor.ShapeString(want.shape), topTokens)
	}
	ids := r.want["greedy_ids"].ints
	if len(ids) != want.shape[0] {
		return 0, fmt.Errorf("%d steps were recorded, but greedy_ids has %d", want.shape[0], len(ids))
	}
	if len(r.rec.steps) != len(r.answer.IDs) {
		return 0, fmt.Errorf("%d tokens were generated, but logits of %d were delivered", len(r.answer.IDs), len(r.rec.steps))
	}
	n := 0
	for n < min(len(ids), len(r.answer.IDs)) {
		n++
		if ids[n-1] != r.answer.IDs[n-1] {
			break
		}
	}
	return n, nil
}

// topTokens is how many of the largest logits of each step are recorded.
const topTokens = 4

// checkTopIDs compares the ids of the largest logits of each step. Two ids may change places where their logits are so
// close that the tolerance allows it.
func (r *caseRun) checkTopIDs(want golden) error {
	steps, err := r.comparableSteps(want)
	if err != nil {
		return err
	}
	got := make([]int, 0, len(want.ints))
	for k, logits := range r.rec.steps[:steps] {
		for j, id := range topIDs(logits, topTokens) {
			got = append(got, sameRank(logits, id, want.ints[k*topTokens+j]))
		}
	}
	exact(r.Part, r.where, want.name, want.shape, got, want.ints[:steps*topTokens])
	return nil
}

// sameRank is want in place of got, the id at its rank, where their logits are so close that the tolerance allows either
// order.
func sameRank(logits []float32, got, want int) int {
	if want >= 0 && want < len(logits) && distance(logits[got], logits[want]) <= 2*logitTolerance {
		return want
	}
	return got
}

// topIDs gives the ids of the n largest logits, largest first.
func topIDs(logits []float32, n int) []int {
	ids := make([]int, len(logits))
	for i := range ids {
		ids[i] = i
	}
	slices.SortStableFunc(ids, func(a, b int) int { return cmp.Compare(logits[b], logits[a]) })
	return ids[:min(n, len(ids))]
}

// checkTopLogits compares the largest logits of each step, by rank.
func (r *caseRun) checkTopLogits(want golden) error {
	steps, err := r.comparableSteps(want)
	if err != nil {
		return err
	}
	var got []float32
	for _, logits := range r.rec.steps[:steps] {
		for _, id := range topIDs(logits, topTokens) {
			got = append(got, logits[id])
		}
	}
	r.floats(r.where, want.name, []int{steps, topTokens}, got, want.floats[:steps*topTokens], logitTolerance)
	return nil
}
