package pipeline

import (
	"fmt"
	"time"
)

// An Observer receives intermediate tensors. The names are
//
//	pixel_values       [views, 3, side, side]   normalised views of all pictures
//	vision_hidden_NN   [views, tokens, width]   the tower after layer NN (00: after the first norm), class token first
//	vision_features    [views, rows, width]     what the tower hands on
//	projected          [views, rows, hidden]    after the projector
//	inputs_embeds      [positions, hidden]      the merged sequence
//	llm_hidden_NN      [positions, hidden]      the decoder after layer NN (00: its input; the last: after the final norm)
//	logits             [positions, vocabulary]  of every prompt position
//	step_logits        [vocabulary]             once for each generated token: what it is drawn from
type Observer interface {
	// Wants reports whether the tensor is to be delivered; what nobody wants is not kept.
	Wants(name string) bool
	// Tensor delivers a tensor. The data are only valid during the call. An error ends the answer.
	Tensor(name string, shape []int, data []float32) error
}

func wants(obs Observer, name string) bool { return obs != nil && obs.Wants(name) }

func observe(obs Observer, name string, shape []int, data []float32) error {
	if !wants(obs, name) {
		return nil
	}
	if err := obs.Tensor(name, shape, data); err != nil {
		return fmt.Errorf("tensor %s: %w", name, err)
	}
	return nil
}

// A hiddenRecorder gathers the wanted ones of a network's hidden states over several calls.
type hiddenRecorder struct {
	obs    Observer
	name   string
	width  int
	states [][]float32 // nil where not wanted
}

func newHiddenRecorder(obs Observer, name string, states, rows, width int) *hiddenRecorder {
	r := &hiddenRecorder{obs: obs, name: name, width: width, states: make([][]float32, states)}
	for i := range r.states {
		if wants(obs, r.key(i)) {
			r.states[i] = make([]float32, rows*width)
		}
	}
	return r
}

func (r *hiddenRecorder) key(i int) string { return fmt.Sprintf("%s_%02d", r.name, i) }

// add keeps h as the rows from first on of state i.
func (r *hiddenRecorder) add(i, first int, h []float32) {
	if r.states[i] != nil {
		copy(r.states[i][first*r.width:], h)
	}
}

// flush delivers the states with the given leading dimensions in place of the row count.
func (r *hiddenRecorder) flush(leading ...int) error {
	for i, s := range r.states {
		if s == nil {
			continue
		}
		shape := append([]int{}, leading...)
		if len(shape) == 0 {
			shape = []int{len(s) / r.width}
		}
		if err := observe(r.obs, r.key(i), append(shape, r.width), s); err != nil {
			return err
		}
	}
	return nil
}

// Timings are the wall-clock times of the stages of one answer.
type Timings struct {
	Preprocess time.Duration // decoding excluded: resize, pad, cut, normalise
	Vision     time.Duration // vision tower, all views
	Projector  time.Duration // projector and merging
	Prefill    time.Duration // decoder over the prompt
	FirstToken time.Duration // from the beginning of Preprocess until the first token is known
	Decode     time.Duration // from the end of Prefill to the end
	Total      time.Duration // from the beginning of Preprocess to the end, of all requests answered together
}

// beforeDecode is the time of everything before the first token is drawn.
func (t *Timings) beforeDecode() time.Duration {
	return t.Preprocess + t.Vision + t.Projector + t.Prefill
}
