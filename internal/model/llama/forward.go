package llama

import (
	"fmt"
	"math"

	"llavabench/internal/model/weights"
	"llavabench/internal/tensor"
	"llavabench/kernels"
)

// A Session is the state of one sequence: the keys and values of the positions seen so far.
type Session struct {
	model *Model
	kv    []*kernels.KV // one per layer
}

// NewSession makes an empty sequence with room for capacity positions, its keys and values stored as kvType (F32, F16 or
// BF16). It fails when capacity is above the positions that the model was made for.
func (m *Model) NewSession(capacity int, kvType tensor.DType) (*Session, error) {
	if m.cfg.MaxPositions > 0 && capacity > m.cfg.MaxPositions {
		return nil, tooLong(capacity, m.cfg.MaxPositions)
	}
	if !kvType.IsFloat() {
		return nil, fmt.Errorf("key-value cache type %s is not known, expected F32, F16 or BF16", kvType)
	}
	s := &Session{model: m}
	for range m.layers {
		s.kv = append(s.kv, kernels.NewKV(m.cfg.KVHeads, m.cfg.HeadDim, capacity, kvType))
	}
	return s, nil
}

func tooLong(positions, limit int) error {
	return fmt.Errorf("a sequence of %d positions is longer than the context of %d (max_position_embeddings)", positions, limit)
}

// Len is the number of positions seen.
func (s *Session) Len() int { return s.kv[0].Len() }

// Fork makes a session with room for capacity positions that goes on after the first n positions of s, which it reads where they
// are: s must keep them for as long as the fork is used. A fork of a fork copies what the fork has of its own. Its errors are
// NewSession's.
func (s *Session) Fork(n, capacity int) (*Session, error) {
	if limit := s.model.cfg.MaxPositions; limit > 0 && capacity > limit {
		return nil, tooLong(capacity, limit)
	}
	f := &Session{model: s.model}
	for _, kv := range s.kv {
		f.kv = append(f.kv, kv.Fork(n, capacity))
	}
	return f, nil
}

// Truncate forgets every position from n on, which must not lie in what a fork shares.
func (s *Session) Truncate(n int) {
	for _, kv := range s.kv {
		kv.Truncate(n)
	}
}

// Bytes is the memory that the key-value cache takes; a fork's without what it shares.
func (s *Session) Bytes() int64 {
	var n int64
	for _, kv := range s.kv {
		n += kv.Bytes()
	}
	return n
}

// A Segment is a run of rows in a forward pass that continues one session.
type Segment struct {
	Session *Session
	Rows    int
	// Skip is how many of the rows, from the first on, nobody needs the hidden states of: they are read, for those that follow to
	// attend to, but in the last layer only their keys and values are computed, and what stays in x for them means nothing.
	Skip int
}

// A Scratch holds the intermediate values of forward passes, so that a decode step allocates nothing. One goroutine uses
// it at a time.
type Scratch struct {
	normed, q, k, v, attn, gate, up, tail []float32
}

// A Tap receives the residual stream [rows, hidden] after each layer (1..Layers, the last one after the final norm);
// index 0 is the input. The slice is only valid during the call. An error ends the pass.
type Tap func(index int, hidden []float32) error

// Forward advances each segment's session by its rows. x [sum of rows, hidden] holds the segments' input embeddings one
// after the other and is overwritten with the hidden states after the final norm. The bits of a row depend on its own
// sequence only: not on the other segments, and not on how the sequence was cut into calls. tap may be nil; the only error
// is the tap's, and the sessions are useless after it. Rows that segments skip have the input of the last layer in the tap's last
// call.
func (m *Model) Forward(w *kernels.Workers, sc *Scratch, x []float32, segs []Segment, tap Tap) error {
	cfg := m.cfg
	rows, skipped := 0, 0
	for _, s := range segs {
		rows, skipped = rows+s.Rows, skipped+s.Skip
	}
	all := x
	attnWidth, kvWidth := cfg.Heads*cfg.HeadDim, cfg.KVHeads*cfg.HeadDim
	normed := weights.Grow(&sc.normed, rows*cfg.Hidden)
	q := weights.Grow(&sc.q, rows*attnWidth)
	k := weights.Grow(&sc.k, rows*kvWidth)
	v := weights.Grow(&sc.v, rows*kvWidth)
	attn := weights.Grow(&sc.attn, rows*attnWidth)
	gate := weights.Grow(&sc.gate, rows*cfg.FFN)
	up := weights.Grow(&sc.up, rows*cfg.FFN)
	cos, sin := m.rope(rows, segs)

	attention := kernels.Attention{Scale: float32(1 / math.Sqrt(float64(cfg.HeadDim))), Causal: true, Window: cfg.Window}
	if tap == nil {
		tap = func(int, []float32) error { return nil }
	}
	if err := tap(0, x); err != nil {
		return err
	}
	for i := range m.layers {
		l := &m.layers[i]
		w.RMSNorm(normed, x, rows, cfg.Hidden, l.inputNorm, cfg.NormEps)
		l.k.Apply(w, k, normed, rows)
		l.v.Apply(w, v, normed, rows)
		w.Rope(k, rows, cfg.KVHeads, cfg.HeadDim, cos, sin)
		first := 0
		for _, s := range segs {
			last := first + s.Rows
			s.Session.kv[i].Append(w, k[first*kvWidth:last*kvWidth], v[first*kvWidth:last*kvWidth], s.Rows)
			first = last
		}
		skip := func(Segment) int { return 0 }
		if i == len(m.layers)-1 && skipped > 0 {
			skip = func(s Segment) int { return s.Skip }
			rows -= skipped
			x = needed(weights.Grow(&sc.tail, rows*cfg.Hidden), x, cfg.Hidden, segs)
			normed = needed(normed, normed, cfg.Hidden, segs)
			cos, sin = needed(cos, cos, len(m.invFreq), segs), needed(sin, sin, len(m.invFreq), segs)
			q, attn, gate, up = q[:rows*attnWidth], attn[:rows*attnWidth], gate[:rows*cfg.FFN], up[:rows*cfg.FFN]
			if rows == 0 {
				return tap(len(m.layers), all)
			}
		}
		l.q.Apply(w, q, normed, rows)
		w.Rope(q, rows, cfg.Heads, cfg.HeadDim, cos, sin)
		first = 0
		for _, s := range segs {
			n := s.Rows - skip(s)
			if last := first + n; n > 0 {
				w.Attend(attn[first*attnWidth:last*attnWidth], q[first*attnWidth:last*attnWidth], n, cfg.Heads, s.Session.kv[i], attention)
				first = last
			}
		}
		l.out.Apply(w, normed, attn, rows)
		w.Add(x, normed)

		w.RMSNorm(normed, x, rows, cfg.Hidden, l.postNorm, cfg.NormEps)
		l.gate.Apply(w, gate, normed, rows)
		l.up.Apply(w, up, normed, rows)
		w.SiLUMul(gate, up)
		l.down.Apply(w, normed, gate, rows)
		w.Add(x, normed)
		if i+1 < len(m.layers) {
			if err := tap(i+1, x); err != nil {
				return err
			}
		}
	}
	w.RMSNorm(x, x, rows, cfg.Hidden, m.norm, cfg.NormEps)
	if skipped > 0 {
		putBack(all, x, cfg.Hidden, segs)
	}
	return tap(len(m.layers), all)
}

// needed copies the rows that segments do not skip, of width elements each, to the beginning of dst, which may be src, and returns
// them.
func needed(dst, src []float32, width int, segs []Segment) []float32 {
	from, to := 0, 0
	for _, s := range segs {
		from += s.Skip * width
		n := (s.Rows - s.Skip) * width
		copy(dst[to:to+n], src[from:from+n])
		from, to = from+n, to+n
	}
	return dst[:to]
}

// putBack copies rows that needed took out to where they were.
func putBack(dst, rows []float32, width int, segs []Segment) {
	to := 0
	for _, s := range segs {
		to += s.Skip * width
		n := (s.Rows - s.Skip) * width
		copy(dst[to:to+n], rows[:n])
		to, rows = to+n, rows[n:]
	}
}

// rope gives the cosines and sines [rows, head dim / 2] at the positions of all segments.
func (m *Model) rope(rows int, segs []Segment) (cos, sin []float32) {
	half := len(m.invFreq)
	cos, sin = make([]float32, 0, rows*half), make([]float32, 0, rows*half)
	for _, s := range segs {
		c, n := kernels.RopeTable(m.invFreq, s.Session.Len(), s.Rows)
		cos, sin = append(cos, c...), append(sin, n...)
	}
	return cos, sin
}
