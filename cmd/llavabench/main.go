// Command llavabench loads the checkpoints of the LLaVA family, answers questions about images with them, shows every
// step on the way and checks the numbers against the reference implementations. `llavabench --help` is its manual.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"

	"github.com/spf13/cobra"

	"llavabench/internal/pipeline"
	"llavabench/internal/rundir"
)

// The exit codes, as documented in the help text.
const (
	exitOK     = 0
	exitFailed = 1
	exitUsage  = 2
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // a second signal ends the program at once
	code := run(ctx, os.Stdin, os.Stdout, os.Stderr, os.Args[1:])
	stop()
	os.Exit(code)
}

// run is the program: it executes the command line args and returns the exit code.
func run(ctx context.Context, stdin io.Reader, stdout, stderr io.Writer, args []string) int {
	// cobra reports a bad command line and a failed command alike; whether a command's own code was reached tells them
	// apart.
	started := false
	root := newRoot(&environment{stdin: stdin, stdout: stdout, stderr: stderr, args: args})
	onRun(root, func() { started = true })
	root.SetArgs(args)
	root.SetIn(stdin)
	root.SetOut(stdout)
	root.SetErr(stderr)
	err := root.ExecuteContext(ctx)
	var usage usageError
	switch {
	case err == nil:
		return exitOK
	case errors.Is(err, context.Canceled) && ctx.Err() != nil:
		fmt.Fprintln(stderr, "llavabench: interrupted")
		return exitFailed
	case !started || errors.As(err, &usage):
		fmt.Fprintf(stderr, "llavabench: %v\nTry 'llavabench --help' or 'llavabench COMMAND --help'.\n", err)
		return exitUsage
	default:
		fmt.Fprintf(stderr, "llavabench: %v\n", err)
		return exitFailed
	}
}

// onRun has f called before the code of whichever command runs.
func onRun(cmd *cobra.Command, f func()) {
	if body := cmd.RunE; body != nil {
		cmd.RunE = func(cmd *cobra.Command, args []string) error {
			f()
			return body(cmd, args)
		}
	}
	for _, sub := range cmd.Commands() {
		onRun(sub, f)
	}
}

// An environment is where a command reads and writes.
type environment struct {
	stdin          io.Reader
	stdout, stderr io.Writer
	args           []string // of the command line
	// manifest, which may be nil, is told what eval is about to run; its error ends the command.
	manifest func(rundir.Manifest) error
	features pipeline.FeatureStore // of eval's vision tower; nil for none
	told     map[string]bool       // notices of eval that were printed and need not be again; nil prints all
	label    string                // what eval's progress belongs to; "" for nothing else
}

// A usageError is a command line that cannot be meant: it ends with exit code 2.
type usageError struct{ err error }

func (e usageError) Error() string { return e.err.Error() }
func (e usageError) Unwrap() error { return e.err }

func usagef(format string, args ...any) error { return usageError{fmt.Errorf(format, args...)} }

func newRoot(env *environment) *cobra.Command {
	root := &cobra.Command{
		Use:   "llavabench",
		Short: "Run, inspect and measure the LLaVA family of vision-language models",
		Long: `llavabench runs the LLaVA family of vision-language models (LLaVA-1, 1.5, 1.5-HD, 1.6) from the checkpoints
people have, on the CPU, with numbers that agree with the reference implementations and do not change with
the number of threads, the batch, the chunking of a prompt or the instruction set.

Start here:
  llavabench inspect --compare --image photo.jpg     what each generation makes of a picture (no checkpoint needed)
  llavabench synth --config tiny-llava15 --out M     a random checkpoint to try the commands with
  llavabench run --model M --image photo.jpg --prompt 'What is shown in this image?'
  llavabench bench                                   all generations side by side on the shipped checkpoints

A model is a directory or a name such as llava-hf/llava-1.5-7b-hf that lies in the hub cache (HF_HUB_CACHE, HF_HOME).
Nothing is ever downloaded.

Exit codes: 0 done, 1 failed, 2 the command line was wrong.`,
		SilenceUsage:  true,
		SilenceErrors: true,
	}
	root.AddCommand(
		newRun(env),
		newInspect(env),
		newBench(env),
		newGolden(env),
		newSynth(env),
		newSuite(env),
		newSuites(env),
		newScore(env),
		newConvert(env),
		newCPU(env),
		newQuantize(env),
		newEval(env),
		newAblate(env),
		newReport(env),
		newMerge(env),
		newPower(env),
		newCompare(env),
		newReproduce(env),
		newChecklist(env),
		newJudge(env),
		newLatency(env),
	)
	return root
}
