// Package projector maps the vision tower's features to the decoder's embedding width: one linear layer (LLaVA-1) or
// linear layers with the exact GELU between them (LLaVA-1.5 and later).
//
// Reference: LLaVA, llava/model/multimodal_projector/builder.py.
package projector

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"

	"llavabench/internal/model/weights"
	"llavabench/internal/tensor"
	"llavabench/kernels"
)

// A Config gives a projector's shape.
type Config struct {
	Type string // "linear", "mlpNx_gelu" (N linear layers) or "identity"
	In   int    // width of the vision features
	Out  int    // width of the decoder
	Bias bool
}

var mlpType = regexp.MustCompile(`^mlp([1-9]\d?)x_gelu$`)

// Layers is the number of linear layers of a projector type.
func Layers(kind string) (int, error) {
	switch m := mlpType.FindStringSubmatch(kind); {
	case kind == "linear":
		return 1, nil
	case kind == "identity":
		return 0, nil
	case m != nil:
		return strconv.Atoi(m[1])
	}
	return 0, fmt.Errorf("projector type %q is not known, expected linear, mlpNx_gelu or identity", kind)
}

// A Model is a projector's weights; it is immutable.
type Model struct {
	cfg    Config
	layers []weights.Linear
}

// Bytes is the size of the matrices as held.
func (m *Model) Bytes() int64 {
	var n int64
	for _, l := range m.layers {
		n += l.Bytes()
	}
	return n
}

// New takes the projector's weights from src, where linear layer i is named `2i.weight` and `2i.bias` (the odd indices
// are the activations).
func New(cfg Config, src tensor.Source, o weights.Options) (*Model, error) {
	n, err := Layers(cfg.Type)
	if err != nil {
		return nil, err
	}
	if n == 0 && cfg.In != cfg.Out {
		return nil, fmt.Errorf("projector: type identity needs equal widths, but features have %d and the decoder %d", cfg.In, cfg.Out)
	}
	for _, name := range src.Names() {
		first, _, _ := strings.Cut(name, ".")
		if i, err := strconv.Atoi(first); err == nil && i > 2*(n-1) {
			return nil, fmt.Errorf("projector: the weights are of another one than %q: it has no place for tensor %q", cfg.Type, name)
		}
	}
	m := &Model{cfg: cfg}
	l := weights.NewLoader(src, o)
	in := cfg.In
	for i := range n {
		m.layers = append(m.layers, l.Linear(strconv.Itoa(2*i), cfg.Out, in, cfg.Bias))
		in = cfg.Out
	}
	if l.Err() != nil {
		return nil, fmt.Errorf("projector: %w", l.Err())
	}
	return m, nil
}

// Config returns the projector's shape.
func (m *Model) Config() Config { return m.cfg }

// Project maps features [rows, In] to dst [rows, Out].
func (m *Model) Project(w *kernels.Workers, dst, features []float32, rows int) {
	if len(m.layers) == 0 {
		copy(dst, features)
		return
	}
	x := features
	for i, l := range m.layers {
		y := dst
		if i+1 < len(m.layers) {
			y = make([]float32, rows*m.cfg.Out)
		}
		l.Apply(w, y, x, rows)
		if i+1 < len(m.layers) {
			w.GELU(y)
		}
		x = y
	}
}
