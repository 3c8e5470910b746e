package clip

import "llavabench/internal/model/weights"

// Bytes is the size of the tower's matrices as held; norms, biases and positions are left out.
func (m *Model) Bytes() int64 {
	n := m.patch.Bytes()
	for _, l := range m.layers {
		for _, x := range []weights.Linear{l.q, l.k, l.v, l.out, l.fc1, l.fc2} {
			n += x.Bytes()
		}
	}
	return n
}
