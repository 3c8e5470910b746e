// Command soak runs the shipped suite over and over and breaks every run in every way it knows: killed processes, full disks,
// files that vanish or are cut off under them, lines that are damaged, two processes on one directory. A broken run is resumed
// until it is done. At the end of each, samples.jsonl must have the bytes of a run that nothing happened to: not one sample lost,
// not one answered twice. Beside them one process answers all the time; its memory at the end must be what it was at the
// beginning, within 2 %.
//
// Run it from the repository's root. Full disks are small file systems in memory where the user may mount them, otherwise a
// limit on the size of files.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"
	"time"
)

func main() {
	bin := flag.String("bin", "bin/llavabench", "the program")
	length := flag.Duration("for", 2*time.Minute, "how long")
	seed := flag.Uint64("seed", 1, "seed of what happens")
	verbose := flag.Bool("v", false, "print every event")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, *bin, *length, *seed, *verbose); err != nil {
		fmt.Fprintln(os.Stderr, "soak:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, bin string, length time.Duration, seed uint64, verbose bool) error {
	bin, err := filepath.Abs(bin)
	if err != nil {
		return err
	}
	if _, err := os.Stat(bin); err != nil {
		return fmt.Errorf("%w: run 'make build' first", err)
	}
	work, err := os.MkdirTemp("", "soak")
	if err != nil {
		return err
	}
	defer os.RemoveAll(work)
	b, err := newBreaker(bin, work, seed, verbose)
	if err != nil {
		return err
	}
	defer b.close()
	end := time.Now().Add(length)
	steady, err := startSteady(bin, work)
	if err != nil {
		return err
	}
	runs := 0
	for ; time.Now().Before(end) && ctx.Err() == nil; runs++ {
		if err := b.oneRun(ctx); err != nil {
			steady.stop()
			return fmt.Errorf("run %d: %w", runs+1, err)
		}
	}
	g, answered, err := steady.finish()
	if err != nil {
		return err
	}
	fmt.Printf("%d runs of %d questions in %v, each with the bytes of an unbroken one; full disks are %s\n", runs, questions, length, b.disk.kind())
	b.printEvents(os.Stdout)
	fmt.Printf("memory of one process that answered %d questions: %.1f MiB at the beginning, %.1f MiB at the end (%+.2f %%, standard error %.2f)\n",
		answered, g.first/(1<<20), g.last/(1<<20), g.percent, g.deviation)
	if g.percent > 2 && g.percent > 3*g.deviation {
		return fmt.Errorf("memory grew by %.2f %%, expected at most 2", g.percent)
	}
	return nil
}
