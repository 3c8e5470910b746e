package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/signal"
	"slices"
	"strings"
	"syscall"

	"llavabench/eval"
	"llavabench/internal/shell"
)

// patient gives work a context that the end of ctx (the first Ctrl-C) leaves alone, so that the question under way can be
// finished; a second interruption ends it. done must be called.
func patient(ctx context.Context, w io.Writer) (work context.Context, done func()) {
	work, cancel := context.WithCancel(context.WithoutCancel(ctx))
	stop := context.AfterFunc(ctx, func() {
		second := make(chan os.Signal, 1)
		signal.Notify(second, os.Interrupt, syscall.SIGTERM)
		defer signal.Stop(second)
		notice(w, "finishing the questions under way; interrupt again to end at once")
		select {
		case <-second:
			cancel()
		case <-work.Done():
		}
	})
	return work, func() { stop(); cancel() }
}

// interrupted shows what a run that was broken off has so far, and says how to go on.
func (f evalFlags) interrupted(env *environment, s eval.Summary, items int) error {
	if s.Samples > 0 {
		if err := f.show(env, s); err != nil {
			return err
		}
	}
	return interruptedError{s.Samples, items, env.args}
}

// An interruptedError says how far a run came and how to go on.
type interruptedError struct {
	done, items int
	args        []string // of the command line
}

func (e interruptedError) Error() string {
	args := slices.Clone(e.args)
	if !slices.ContainsFunc(args, func(a string) bool { return a == "--resume" || a == "--resume=true" }) {
		args = append(args, "--resume")
	}
	return fmt.Sprintf("interrupted after %d of %d questions, all recorded; go on with: %s", e.done, e.items, shell.Line(append([]string{"llavabench"}, args...)))
}

// answering is the stage of a run that is shown.
const answering = "questions"

// answered reports how far a run is.
func (p *progress) answered(r eval.Progress) {
	note := ""
	if r.Accuracy.N > 0 {
		note = fmt.Sprintf("%.1f %% right (95 %% interval %s)", 100*r.Accuracy.Value, percentRange(r.Accuracy.CI))
	}
	if r.Failed > 0 {
		note += fmt.Sprintf(", %d failed", r.Failed)
	}
	if r.ImageTokens > 0 {
		note += fmt.Sprintf(", %.0f image tokens/s", r.ImageTokens)
	}
	p.reportWith(answering, strings.TrimPrefix(note, ", "), r.Done, r.Total)
}
