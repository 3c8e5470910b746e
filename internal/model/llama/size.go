package llama

import "llavabench/internal/model/weights"

// A Size is what a decoder's matrices take. Norms and biases are left out: they are some thousandths.
type Size struct {
	Layers     int64 // bytes of the layers' matrices, as held
	Head       int64 // bytes of the head
	Embeddings int64 // bytes of the embedding table; the head's own bytes where they are tied
	Weights    int64 // elements of the layers' matrices
}

// Size measures the model.
func (m *Model) Size() Size {
	s := Size{Head: m.head.Bytes(), Embeddings: int64(len(m.embed.Data))}
	for _, l := range m.layers {
		for _, x := range []weights.Linear{l.q, l.k, l.v, l.out, l.gate, l.up, l.down} {
			s.Layers += x.Bytes()
			s.Weights += x.Elements()
		}
	}
	return s
}
