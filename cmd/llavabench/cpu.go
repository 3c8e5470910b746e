package main

import (
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"llavabench/internal/rundir"
	"llavabench/kernels"
)

func newCPU(env *environment) *cobra.Command {
	var threads int
	var quick bool
	cmd := &cobra.Command{
		Use:   "cpu",
		Short: "Show the processor, the instruction set in use and measured limits",
		Long: `cpu prints what the kernels found: the processor's features, the instruction sets that can be used and the one in use, a
self-test of the products whose rounding everything relies on, and measured limits of arithmetic and of reading memory, which
speeds are compared with.

LLAVABENCH_ISA=purego|avx2|avx512|neon forces an instruction set. It never changes a result.`,
		Args: cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error { return execCPU(env, threads, quick) },
	}
	cmd.Flags().IntVar(&threads, "threads", 0, "worker `threads` (default: one per core)")
	cmd.Flags().BoolVar(&quick, "no-measure", false, "leave the measurements out")
	return cmd
}

func execCPU(env *environment, threads int, quick bool) error {
	if err := kernels.Init(); err != nil {
		return err
	}
	fmt.Fprintf(env.stdout, "processor          %s\n", cpuName())
	fmt.Fprintf(env.stdout, "features           %s\n", strings.Join(kernels.Features(), " "))
	fmt.Fprintf(env.stdout, "instruction sets   %s\n", strings.Join(kernels.ISAs(), " "))
	fmt.Fprintf(env.stdout, "in use             %s\n", kernels.ISA())
	failed := 0
	for _, c := range kernels.SelfTest() {
		outcome := "ok"
		if c.Err != nil {
			outcome = c.Err.Error()
			failed++
		}
		fmt.Fprintf(env.stdout, "self-test          %s: %s\n", c.Name, outcome)
	}
	if failed > 0 {
		return fmt.Errorf("%d self-tests failed: this processor does not compute as the kernels rely on; use LLAVABENCH_ISA=purego", failed)
	}
	if quick {
		return nil
	}
	for _, n := range []int{1, threadsOf(threads)} {
		w := kernels.NewWorkers(n)
		fmt.Fprintf(env.stdout, "\n%d threads\n", w.N())
		for _, r := range w.PeakRates(300 * time.Millisecond) {
			fmt.Fprintf(env.stdout, "  %-16s %8.1f Gop/s\n", r.Name, r.OpsPerSecond/1e9)
		}
		if rate := w.ReadRate(streamed()); rate > 0 {
			fmt.Fprintf(env.stdout, "  %-16s %8.1f GB/s\n", "read memory", rate/1e9)
		}
		w.Close()
		if n == threadsOf(threads) {
			break
		}
	}
	return nil
}

// measureLimits measures what a run's speeds are compared with: the arithmetic of its numerics and the reading of memory. It
// is nil for pure Go, which has no loops that show the most.
func measureLimits(threads int, numerics string) *rundir.Limits {
	w := kernels.NewWorkers(threads)
	defer w.Close()
	var l rundir.Limits
	for _, r := range w.PeakRates(300 * time.Millisecond) {
		if strings.HasPrefix(r.Name, probeOf(numerics)) {
			l.OpsPerSecond = r.OpsPerSecond
		}
	}
	if l.OpsPerSecond == 0 {
		return nil
	}
	l.ReadPerSecond = w.ReadRate(streamed())
	return &l
}

// probeOf begins the name of the measured loop whose instruction the numerics use.
func probeOf(numerics string) string {
	switch {
	case numerics == "bf16":
		return "bf16 dot"
	case strings.HasPrefix(numerics, "q"):
		return "int"
	}
	return "fp32 fma"
}

// streamed is memory far above any cache. Every page is written: pages that never were all map to the same zeros.
func streamed() []byte {
	const size, page = 1 << 30, 4096
	data := make([]byte, size)
	for i := 0; i < size; i += page {
		data[i] = 1
	}
	return data
}
