package kernels

import (
	"errors"
	"runtime"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func testWorkers(t testing.TB, n int) *Workers {
	w := NewWorkers(n)
	t.Cleanup(w.Close)
	return w
}

func TestWorkersRunEveryTaskOnce(t *testing.T) {
	for _, n := range []int{1, 2, 3, 8} {
		w := testWorkers(t, n)
		require.Equal(t, n, w.N())
		for _, tasks := range []int{0, 1, 2, 3, 100, 1000} {
			for range 20 {
				counts := make([]atomic.Int32, tasks)
				inside := make([]atomic.Int32, n)
				w.Do(tasks, func(worker, task int) {
					if inside[worker].Add(1) != 1 {
						t.Error("two calls at the same time for one worker")
					}
					counts[task].Add(1)
					inside[worker].Add(-1)
				})
				for i := range counts {
					require.EqualValues(t, 1, counts[i].Load())
				}
			}
		}
	}
	require.GreaterOrEqual(t, testWorkers(t, 0).N(), 1)
}

func TestWorkersNil(t *testing.T) {
	var w *Workers
	require.Equal(t, 1, w.N())
	var order []int
	w.Do(3, func(worker, task int) { order = append(order, worker, task) })
	require.Equal(t, []int{0, 0, 0, 1, 0, 2}, order)
	w.Close()
}

func TestWorkersShareTheLoad(t *testing.T) {
	w := testWorkers(t, 2)
	for range 3 {
		time.Sleep(3 * spinTime) // asleep: the job must wake the worker
		var seen [2]atomic.Int32
		w.Do(2, func(worker, task int) {
			seen[worker].Add(1)
			for deadline := time.Now().Add(5 * time.Second); seen[1-worker].Load() == 0; runtime.Gosched() {
				if time.Now().After(deadline) {
					t.Error("one worker runs alone")
					return
				}
			}
		})
	}
}

func TestWorkersPanic(t *testing.T) {
	w := testWorkers(t, 2)
	boom := errors.New("boom")
	for range 50 {
		require.PanicsWithValue(t, boom, func() {
			w.Do(100, func(worker, task int) {
				if task == 7 {
					panic(boom)
				}
			})
		})
	}
	ran := atomic.Int32{}
	w.Do(10, func(worker, task int) { ran.Add(1) })
	require.EqualValues(t, 10, ran.Load(), "the pool works on after a panic")
}

func TestWorkersGoexit(t *testing.T) {
	w := testWorkers(t, 3)
	var panics atomic.Int32
	done := make(chan struct{})
	go func() {
		defer close(done)
		defer func() {
			if recover() != nil {
				panics.Add(1)
			}
		}()
		w.Do(1000, func(worker, task int) {
			if worker != 0 {
				runtime.Goexit()
			}
			time.Sleep(10 * time.Microsecond)
		})
	}()
	<-done
	ran := atomic.Int32{}
	w.Do(10, func(worker, task int) { ran.Add(1) })
	require.EqualValues(t, 10, ran.Load())
}

func TestWorkersConcurrentCallers(t *testing.T) {
	w := testWorkers(t, 2)
	var total atomic.Int64
	done := make(chan struct{})
	for range 4 {
		go func() {
			for range 200 {
				w.Do(5, func(worker, task int) { total.Add(1) })
			}
			done <- struct{}{}
		}()
	}
	for range 4 {
		<-done
	}
	require.EqualValues(t, 4*200*5, total.Load())
}

func TestWorkersAfterClose(t *testing.T) {
	w := NewWorkers(4)
	w.Close()
	w.Close()
	n := 0
	w.Do(5, func(worker, task int) {
		require.Zero(t, worker)
		n++
	})
	require.Equal(t, 5, n)
}

func TestWorkersCollect(t *testing.T) {
	w := testWorkers(t, 2)
	w.Do(2, func(worker, task int) {})
	for range 20 { // idle workers spin, then sleep: a collection must not wait for either
		start := time.Now()
		runtime.GC()
		require.Less(t, time.Since(start), 5*time.Second)
	}
}

func BenchmarkWorkersHandOff(b *testing.B) {
	w := testWorkers(b, 2)
	for b.Loop() {
		w.Do(2, func(worker, task int) {})
	}
}
