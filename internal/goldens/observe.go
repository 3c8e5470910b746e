package goldens

import (
	"fmt"
	"slices"

	"llavabench/internal/tensor"
)

// An observed is a tensor that the pipeline delivered.
type observed struct {
	shape []int
	data  []float32
}

// width is the size of the last dimension.
func (o observed) width() int { return o.shape[len(o.shape)-1] }

// rows gives the rows of the last dimension with the given numbers; numbers are below the count of rows.
func (o observed) rows(numbers []int) []float32 {
	var out []float32
	for _, r := range numbers {
		out = append(out, o.data[r*o.width():(r+1)*o.width()]...)
	}
	return out
}

// last is the last row.
func (o observed) last() []float32 { return o.data[len(o.data)-o.width():] }

// A recorder keeps the tensors that a check needs.
type recorder struct {
	wanted map[string]bool
	// states are the prefixes of numbered tensors that are kept, such as "vision_hidden_".
	states []string
	got    map[string]observed
	// steps are the logits of each generated token.
	steps [][]float32
}

// stepLogits is the tensor that the pipeline delivers once for each generated token.
const stepLogits = "step_logits"

func newRecorder() *recorder {
	return &recorder{wanted: map[string]bool{}, got: map[string]observed{}}
}

// want asks for tensors by name.
func (r *recorder) want(names ...string) {
	for _, n := range names {
		r.wanted[n] = true
	}
}

// Wants reports whether the tensor is to be delivered.
func (r *recorder) Wants(name string) bool {
	if r.wanted[name] {
		return true
	}
	return slices.ContainsFunc(r.states, func(prefix string) bool {
		return len(name) > len(prefix) && name[:len(prefix)] == prefix
	})
}

// Tensor copies a tensor.
func (r *recorder) Tensor(name string, shape []int, data []float32) error {
	if len(data) != tensor.Elements(shape) {
		return fmt.Errorf("%d numbers were delivered for shape %s", len(data), tensor.ShapeString(shape))
	}
	if name == stepLogits {
		r.steps = append(r.steps, slices.Clone(data))
		return nil
	}
	if _, ok := r.got[name]; ok {
		return fmt.Errorf("it was delivered twice")
	}
	r.got[name] = observed{slices.Clone(shape), slices.Clone(data)}
	return nil
}

// hidden gives the states of a network in order: PREFIX00, PREFIX01, ...
func (r *recorder) hidden(prefix string) []observed {
	var states []observed
	for {
		o, ok := r.got[fmt.Sprintf("%s%02d", prefix, len(states))]
		if !ok {
			return states
		}
		states = append(states, o)
	}
}
