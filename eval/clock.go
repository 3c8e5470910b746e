package eval

import (
	"time"

	"llavabench/internal/rundir"
)

// A clock gives each recorded answer what passed since the one before.
type clock struct {
	o    Options
	last time.Time
	used Usage
	warm bool // the first batch is over
}

func newClock(o Options) clock { return clock{o: o, last: o.Now(), used: o.Usage()} }

// read completes the times of an answer.
func (c *clock) read(t *rundir.Timing) {
	now, used := c.o.Now(), c.o.Usage()
	t.Wall = float64(now.Sub(c.last).Microseconds()) / 1000
	t.WarmUp = !c.warm
	t.PeakRSS = used.PeakRSS
	t.Energy = since(c.used.Energy, used.Energy)
	c.last, c.used = now, used
}

// since is the energy between two readings; nil where one is not known.
func since(before, now *rundir.Energy) *rundir.Energy {
	if before == nil || now == nil {
		return nil
	}
	e := &rundir.Energy{Package: now.Package - before.Package}
	if before.DRAM != nil && now.DRAM != nil {
		dram := *now.DRAM - *before.DRAM
		e.DRAM = &dram
	}
	return e
}
