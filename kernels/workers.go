package kernels

import (
	"fmt"
	"runtime"
	"runtime/debug"
	"sync"
	"sync/atomic"
	"time"
)

// Workers is a persistent pool that runs the tasks of one job at a time. The goroutine that calls Do is worker 0 and does
// its share; the others wait between jobs, first spinning for a short while (a decode step hands over hundreds of jobs, and
// waking a sleeping thread costs as much as a small product), then asleep.
//
// Several goroutines may use one pool, their jobs take turns. A task must not start a job on the pool that runs it. The
// nil *Workers is valid and runs everything in the calling goroutine.
type Workers struct {
	n int

	mu      sync.Mutex // held for one job: the fields of job, and matrix scratch below
	job     job
	state   atomic.Uint64 // see jobSeq, jobOpen, jobActive
	done    atomic.Bool   // Close was called
	sleeper []sleeper     // one for each worker but worker 0

	products sync.Mutex // held for one matrix product: its scratch outlives single jobs
	scratch  matMulScratch

	attend []attendScratch // by worker, used inside a task
}

// A job is written by Do while no worker can join, and read by those that joined.
type job struct {
	f     func(worker, task int)
	tasks int64
	next  atomic.Int64 // the first task that nobody has taken
	fault atomic.Pointer[fault]
}

// A fault is the first panic of a job.
type fault struct{ value any }

// The state word: a sequence number of jobs, a bit that is set while workers may join the newest one, and the number of
// workers inside it. One word, so that joining, closing and leaving are single atomic steps.
const (
	jobActive = 1<<15 - 1
	jobOpen   = 1 << 15
	jobSeq    = 1 << 16
)

// A sleeper is the parking place of a worker. asleep is set before it waits on wake; who clears it owes one send.
type sleeper struct {
	asleep atomic.Bool
	wake   chan struct{}
	_      [48]byte // a cache line each
}

// spinTime is how long an idle worker looks for the next job before it sleeps: about twice what waking it costs.
const spinTime = 100 * time.Microsecond

// NewWorkers starts a pool of n workers, the caller of Do included; n <= 0 takes GOMAXPROCS. Close ends it.
func NewWorkers(n int) *Workers {
	if n <= 0 {
		n = runtime.GOMAXPROCS(0)
	}
	n = min(n, jobActive)
	w := &Workers{n: n, sleeper: make([]sleeper, n-1), attend: make([]attendScratch, n)}
	for i := range w.sleeper {
		w.sleeper[i].wake = make(chan struct{}, 1)
		go w.loop(i + 1)
	}
	return w
}

// N is the number of workers, the caller included; 1 for nil.
func (w *Workers) N() int {
	if w == nil {
		return 1
	}
	return w.n
}

// Close ends the pool's goroutines. A job that is running is finished first; a job given afterwards runs in its caller
// alone.
func (w *Workers) Close() {
	if w == nil {
		return
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.done.Store(true)
	for i := range w.sleeper {
		w.sleeper[i].rouse()
	}
}

// Do calls f(worker, task) once for every task in [0, tasks), spread over the workers, and returns when all calls have
// returned. Tasks are taken in ascending order, each by the first worker that is free; worker is in [0, N) and two calls
// that run at the same time have different ones, so it can index scratch. When a call panics, the tasks that nobody has
// taken yet are dropped, and Do panics with that value once the running ones have ended.
func (w *Workers) Do(tasks int, f func(worker, task int)) {
	if tasks <= 0 {
		return
	}
	if w == nil {
		for t := range tasks {
			f(0, t)
		}
		return
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.n == 1 || tasks == 1 {
		for t := range tasks {
			f(0, t)
		}
		return
	}
	j := &w.job
	j.f, j.tasks = f, int64(tasks)
	j.next.Store(0)
	j.fault.Store(nil)
	w.state.Add(jobSeq | jobOpen)
	for i := range min(tasks, w.n) - 1 {
		w.sleeper[i].rouse()
	}
	func() {
		defer w.finish() // also when the task of worker 0 leaves by runtime.Goexit
		j.run(0)
	}()
	if p := j.fault.Load(); p != nil {
		panic(p.value)
	}
}

// finish closes the job to workers that come late and waits for those inside it.
func (w *Workers) finish() {
	w.state.And(^uint64(jobOpen))
	var spin spinner
	for w.state.Load()&jobActive != 0 {
		spin.pause()
	}
	w.job.f = nil
}

// run takes tasks until none is left and keeps the first panic.
func (j *job) run(worker int) {
	finished := false
	defer func() {
		if finished {
			return
		}
		v := recover()
		if v == nil {
			v = fmt.Sprintf("kernels: a task of worker %d left by runtime.Goexit", worker)
		}
		j.fault.CompareAndSwap(nil, &fault{v})
		j.next.Store(j.tasks)
	}()
	for {
		t := j.next.Add(1) - 1
		if t >= j.tasks {
			break
		}
		j.f(worker, int(t))
	}
	finished = true
}

// loop is the life of worker id. A fault in mapped weights is a panic here, which Do hands on to its caller, and not the end
// of the program.
func (w *Workers) loop(id int) {
	debug.SetPanicOnFault(true)
	s := &w.sleeper[id-1]
	seen := uint64(0)
	var spin spinner
	for !w.done.Load() {
		st := w.state.Load()
		if st&jobOpen == 0 || st/jobSeq == seen {
			if spin.pause() > spinTime {
				s.sleep(func() bool { st := w.state.Load(); return w.done.Load() || st&jobOpen != 0 && st/jobSeq != seen })
				spin = spinner{}
			}
			continue
		}
		if !w.state.CompareAndSwap(st, st+1) {
			continue
		}
		seen = st / jobSeq
		w.serve(id)
		spin = spinner{}
	}
}

// serve runs the job that the worker has joined and leaves it, even by Goexit.
func (w *Workers) serve(id int) {
	defer w.state.Add(^uint64(0))
	w.job.run(id)
}

// sleep parks the worker unless there is already something to do: a job given between the look and the sleep sees asleep
// and rouses.
func (s *sleeper) sleep(ready func() bool) {
	s.asleep.Store(true)
	if ready() && s.asleep.CompareAndSwap(true, false) {
		return
	}
	<-s.wake
}

func (s *sleeper) rouse() {
	if s.asleep.Load() && s.asleep.CompareAndSwap(true, false) {
		s.wake <- struct{}{}
	}
}

// A spinner waits a little longer each time it is asked: first by counting, then by giving other goroutines of this
// processor a turn. It is plain Go code, so the collector can stop it anywhere.
type spinner struct {
	turns int
	since time.Time
}

// pause waits a moment and returns how long this spinner has been waiting, zero during the first turns.
func (s *spinner) pause() time.Duration {
	s.turns++
	if s.turns < 64 {
		return 0
	}
	if s.turns == 64 {
		s.since = time.Now()
	}
	if s.turns%16 == 0 {
		runtime.Gosched()
	}
	return time.Since(s.since)
}
