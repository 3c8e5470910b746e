package kernels

import (
	"sync/atomic"
	"time"
)

// probeSet holds the probes of one instruction set.
type probeSet struct {
	probes []probe
	read   func(p *byte, n, ahead int) // reads n bytes, a multiple of 512, and prefetches ahead bytes in advance
}

// A probe is a loop that shows the most that the machine can do in one respect.
type probe struct {
	name string
	ops  float64     // per turn
	run  func(n int) // n turns
}

// probeTurns is about 20 µs of work: between two calls of it the collector may stop a worker.
const probeTurns = 2048

// A Rate is a measured limit of the processor: operations per second with all workers of a pool.
type Rate struct {
	Name         string
	OpsPerSecond float64
}

// PeakRates measures the arithmetic peaks of the instruction set in use on all workers, each for about the given time: a
// fused multiply-add counts as two operations, a dot of n pairs as 2n. It is empty for pure Go.
func (p *Workers) PeakRates(d time.Duration) []Rate {
	var rates []Rate
	for _, pr := range active.Load().probes {
		rates = append(rates, Rate{pr.name, p.peak(pr, d)})
	}
	return rates
}

// peak runs a probe on all workers for about d and returns their common rate.
func (p *Workers) peak(pr probe, d time.Duration) float64 {
	turns := make([]int, p.N())
	start := time.Now()
	p.Do(p.N(), func(_, task int) {
		for time.Since(start) < d {
			callProbe(pr.run, probeTurns)
			turns[task] += probeTurns
		}
	})
	total := 0
	for _, t := range turns {
		total += t
	}
	return float64(total) * pr.ops / time.Since(start).Seconds()
}

//go:noinline
func callProbe(f func(int), n int) { f(n) }

// ReadRate measures how fast all workers together read data, in bytes per second: the best of passes with several
// prefetch distances, each over all of data, which should be much larger than the caches. Zero for pure Go.
func (p *Workers) ReadRate(data []byte) float64 {
	read := active.Load().read
	if read == nil || len(data) < readChunk {
		return 0
	}
	best := 0.0
	chunks := len(data) / readChunk
	for _, ahead := range []int{0, 1024, 4096} {
		start := time.Now()
		q := queue{n: chunks}
		p.Do(p.N(), func(_, _ int) {
			for i, ok := q.claim(); ok; i, ok = q.claim() {
				callRead(read, &data[i*readChunk], readChunk, ahead)
			}
		})
		best = max(best, float64(chunks*readChunk)/time.Since(start).Seconds())
	}
	return best
}

// readChunk is what one call of a read loop covers, some 20 µs of work.
const readChunk = 256 << 10

//go:noinline
func callRead(f func(p *byte, n, ahead int), p *byte, n, ahead int) { f(p, n, ahead) }

// A queue hands out the numbers 0..n-1 in order.
type queue struct {
	next atomic.Int64
	n    int
}

func (q *queue) claim() (i int, ok bool) {
	i = int(q.next.Add(1)) - 1
	return i, i < q.n
}
