package kernels

import "sync/atomic"

// NonFinite returns the index of the first element of x that is infinite or not a number; -1 when all are finite. It reads x
// once, at the speed of the memory, so that every layer's output can be looked at.
func (w *Workers) NonFinite(x []float32) int {
	const task, block = 1 << 17, 1 << 12
	var found atomic.Bool
	w.Do((len(x)+task-1)/task, func(_, t int) {
		part := x[t*task : min(len(x), (t+1)*task)]
		for len(part) > 0 {
			n := min(block, len(part))
			// An infinity or NaN among the terms makes the sum one of them.
			if s := vector().sumRow(part[:n]); s-s != 0 {
				found.Store(true)
				return
			}
			part = part[n:]
		}
	})
	if !found.Load() {
		return -1
	}
	for i, v := range x {
		if v-v != 0 {
			return i
		}
	}
	return -1 // large values whose sum alone is not finite
}
