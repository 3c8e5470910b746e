// Package sample chooses the next token from logits: greedily, or at a temperature from the smallest set of tokens whose
// probability reaches top-p.
//
// Reference: transformers, generation/logits_process.py (TemperatureLogitsWarper, TopPLogitsWarper). The order of the
// two is the same; the random numbers are ours.
package sample

import (
	"fmt"
	"math"
	"math/rand/v2"
	"sort"

	"llavabench/kernels"
)

// Options choose how tokens are drawn.
type Options struct {
	Temperature float64 // 0 is greedy
	TopP        float64 // 0 or 1 keeps every token
	Seed        uint64
}

// Check reports values out of range.
func (o Options) Check() error {
	if math.IsNaN(o.Temperature) || o.Temperature < 0 || math.IsInf(o.Temperature, 0) {
		return fmt.Errorf("temperature is %v, expected 0 (greedy) or a positive number", o.Temperature)
	}
	if math.IsNaN(o.TopP) || o.TopP < 0 || o.TopP > 1 {
		return fmt.Errorf("top-p is %v, expected a number from 0 to 1", o.TopP)
	}
	return nil
}

// A Sampler draws the tokens of one sequence. Two samplers with the same options draw the same tokens from the same
// logits on every machine.
type Sampler struct {
	opts Options
	rng  *rand.Rand
	ids  []int
	prob []float64 // by token id
}

// New makes a sampler for one sequence.
func New(o Options) *Sampler {
	// PCG's stream is fixed by the math/rand/v2 documentation, so a seed means the same in every release of Go.
	return &Sampler{opts: o, rng: rand.New(rand.NewPCG(o.Seed, 0))}
}

// Next returns the id of the next token. Logits that are not finite are an error: no token follows from them.
func (s *Sampler) Next(logits []float32) (int, error) {
	for i, v := range logits {
		if v-v != 0 {
			return 0, fmt.Errorf("logit of token %d is %v, expected a finite number", i, v)
		}
	}
	best := kernels.Argmax(logits)
	if s.opts.Temperature == 0 {
		return best, nil
	}
	s.ids, s.prob = s.ids[:0], s.prob[:0]
	var total float64
	for i, v := range logits {
		// The quotient is rounded to float32 so that the exponential, ours and the same everywhere, decides the bits.
		p := float64(kernels.Exp(float32(float64(v-logits[best]) / s.opts.Temperature)))
		s.ids, s.prob = append(s.ids, i), append(s.prob, p)
		total += p
	}
	if s.opts.TopP > 0 && s.opts.TopP < 1 {
		total = s.keepTop(total)
	}
	u := s.rng.Float64() * total
	for _, id := range s.ids {
		if u -= s.prob[id]; u < 0 {
			return id, nil
		}
	}
	return s.ids[len(s.ids)-1], nil
}

// keepTop shortens ids to the most probable tokens whose sum first reaches TopP of total, and returns that sum. Equal
// probabilities are taken in the order of their ids.
func (s *Sampler) keepTop(total float64) float64 {
	sort.SliceStable(s.ids, func(a, b int) bool { return s.prob[s.ids[a]] > s.prob[s.ids[b]] })
	limit := s.opts.TopP * total
	var sum float64
	for n, id := range s.ids {
		sum += s.prob[id]
		if sum >= limit {
			s.ids = s.ids[:n+1]
			break
		}
	}
	return sum
}
