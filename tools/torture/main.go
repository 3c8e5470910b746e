// Command torture feeds damaged files of every kind to the built llavabench, each in a process of its own, and checks that
// every one is refused in order: exit code 1, one line of error that names the file and what is wrong, no panic, within 2 s
// and 300 MB. The valid files that it starts from are made by the project's own code or ship in testdata.
//
// Damage comes from two sources: a written list, one entry per line of the checklist of malformed inputs (their names begin
// with the checklist's, such as ST-11), each with the words that the error must have; and a generator (bits flipped, ends cut
// off, lengths that lie), from a seed, which knows nothing of the formats. A generated file may still be valid. It counts as
// answered in order when
//
//   - it was shortened, or its lengths lie, or its kind has checksums: the command gives exactly the answer of the undamaged
//     file (what was damaged is never looked at);
//   - otherwise (a flipped bit in weights, pixels or text that the format does not protect): the command gives the same
//     answer twice.
//
// It prints a table of kinds with numbers of cases and outcomes, and exits with 1 if any case failed. Run it from the
// repository's root.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"sync"
	"time"
)

func main() {
	if len(os.Args) > 2 && os.Args[1] == "-launch" {
		if err := launch(os.Args[2:]); err != nil {
			fmt.Fprintln(os.Stderr, "torture:", err)
			os.Exit(1)
		}
		return
	}
	bin := flag.String("bin", "bin/llavabench", "the program")
	count := flag.Int("count", 25, "generated cases per kind")
	seed := flag.Uint64("seed", 1, "seed of the generated cases")
	jobs := flag.Int("jobs", 2, "processes at a time")
	only := flag.String("only", "", "only cases whose kind or name begins so")
	verbose := flag.Bool("v", false, "print every case with its outcome")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	failed, err := run(ctx, *bin, *count, *seed, *jobs, *only, *verbose)
	if err != nil {
		fmt.Fprintln(os.Stderr, "torture:", err)
		os.Exit(1)
	}
	if failed > 0 {
		os.Exit(1)
	}
}

func run(ctx context.Context, bin string, count int, seed uint64, jobs int, only string, verbose bool) (failed int, err error) {
	if bin, err = filepath.Abs(bin); err != nil {
		return 0, err
	}
	if _, err := os.Stat(bin); err != nil {
		return 0, fmt.Errorf("%w: run 'make build' first", err)
	}
	work, err := os.MkdirTemp("", "torture")
	if err != nil {
		return 0, err
	}
	defer os.RemoveAll(work)
	self, err := os.Executable()
	if err != nil {
		return 0, err
	}
	t := &torturer{self: self, bin: bin, work: work}
	start := time.Now()
	kinds, err := t.kinds(ctx)
	if err != nil {
		return 0, err
	}
	var cases []*trial
	for _, k := range kinds {
		if err := t.prepare(ctx, k); err != nil {
			return 0, fmt.Errorf("%s: the undamaged file: %w", k.name, err)
		}
		cases = append(cases, k.written...)
		cases = append(cases, generate(k, count, seed)...)
	}
	cases = selected(cases, only)
	queue := make(chan *trial)
	var wg sync.WaitGroup
	for i := range max(1, jobs) {
		wg.Go(func() {
			for c := range queue {
				t.try(ctx, c, filepath.Join(work, fmt.Sprintf("case%d", i)))
			}
		})
	}
	for _, c := range cases {
		queue <- c
	}
	close(queue)
	wg.Wait()
	if err := ctx.Err(); err != nil {
		return 0, err
	}
	return report(os.Stdout, kinds, cases, verbose, time.Since(start)), nil
}
