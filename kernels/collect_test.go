package kernels

import (
	"fmt"
	"math/rand/v2"
	"runtime"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"llavabench/internal/tensor"
)

// requireCollectable runs a kernel over and over in other goroutines and collects garbage beside it. A loop that is in
// assembly whenever the collector asks would hold it up for seconds.
func requireCollectable(t *testing.T, kernel func()) {
	t.Helper()
	var stop atomic.Bool
	done := make(chan struct{})
	started := make(chan struct{})
	go func() {
		defer close(done)
		kernel()
		close(started)
		for !stop.Load() {
			kernel()
		}
	}()
	<-started
	var took []float64
	for range 3 {
		start := time.Now()
		runtime.GC()
		took = append(took, time.Since(start).Seconds())
	}
	stop.Store(true)
	<-done
	require.Less(t, median(took), 1.0, "seconds that a collection takes beside the kernel")
}

func TestMatMulCollect(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	eachISA(t, func(t *testing.T) {
		if ISA() == "purego" {
			t.Skip("plain Go can be stopped anywhere")
		}
		p := testWorkers(t, 2)
		for _, f := range []QuantFormat{Q8, Q4} {
			c := newQuantCase(t, r, f, 64, 256, 2048, true)
			dst := make([]float32, c.m*c.n)
			for _, m := range []int{1, 64} {
				t.Run(fmt.Sprintf("%s/m=%d", f, m), func(t *testing.T) {
					requireCollectable(t, func() { p.MatMul(dst[:m*c.n], c.x[:m*c.k], m, c.weight, nil) })
				})
			}
		}
		for _, d := range floatTypes {
			c := newProductCase(t, r, d, 64, 256, 2048, false, true)
			dst := make([]float32, c.m*c.n)
			for _, m := range []int{1, 8, 64} {
				t.Run(fmt.Sprintf("%s/m=%d", d, m), func(t *testing.T) {
					requireCollectable(t, func() { p.MatMul(dst[:m*c.n], c.x[:m*c.k], m, c.weight, nil) })
				})
				if d == tensor.BF16 {
					t.Run(fmt.Sprintf("bf16 profile/m=%d", m), func(t *testing.T) {
						requireCollectable(t, func() { p.MatMulBF16(dst[:m*c.n], c.x[:m*c.k], m, c.weight, nil) })
					})
				}
			}
		}
	})
}
