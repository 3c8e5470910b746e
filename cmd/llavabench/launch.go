package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/pflag"

	"llavabench/eval"
	"llavabench/eval/slurm"
	"llavabench/internal/rundir"
)

// launchFlags are the flags of eval that hand a run to a cluster.
type launchFlags struct {
	launcher string
	shards   int
	options  []string
	dryRun   bool
}

func (f *launchFlags) register(fl *pflag.FlagSet) {
	fl.StringVar(&f.launcher, "launcher", "", "hand the run to a cluster's `engine`: slurm")
	fl.IntVar(&f.shards, "shards", 0, "with --launcher: `number` of shards, each a task of the job array")
	fl.StringArrayVar(&f.options, "slurm-args", nil, "with --launcher: `options` of sbatch, such as '--partition=cpu --mem=32G --time=4:00:00'; repeat for more")
	fl.BoolVar(&f.dryRun, "dry-run", false, "with --launcher: print the batch scripts, submit nothing")
}

func (f *launchFlags) check() error {
	switch {
	case f.launcher == "" && (f.shards != 0 || len(f.options) > 0 || f.dryRun):
		return usagef("--shards, --slurm-args and --dry-run belong to --launcher")
	case f.launcher != "" && f.launcher != "slurm":
		return usagef("--launcher: %q is not known, expected slurm", f.launcher)
	case f.launcher != "" && f.shards < 1:
		return usagef("--launcher slurm: --shards is %d, expected the number of shards", f.shards)
	}
	return nil
}

// notForTasks are the flags of eval that a task does not get: they launch it, or are about where its part is.
var notForTasks = []string{"launcher", "shards", "slurm-args", "dry-run", "out", "resume", "shard", "answers", "json"}

// flagArgs is the command line of the flags that were given, without some.
func flagArgs(fl *pflag.FlagSet, without []string) []string {
	var args []string
	fl.Visit(func(f *pflag.Flag) {
		if slices.Contains(without, f.Name) {
			return
		}
		if list, ok := f.Value.(pflag.SliceValue); ok {
			for _, value := range list.GetSlice() {
				args = append(args, "--"+f.Name+"="+value)
			}
			return
		}
		args = append(args, "--"+f.Name+"="+f.Value.String())
	})
	return args
}

// launch hands what is missing of a run to Slurm, or shows its summary when nothing is. given are the flags of eval.
func (f evalFlags) launch(ctx context.Context, env *environment, given *pflag.FlagSet) error {
	if f.shard != "" {
		return usagef("--shard and --launcher exclude each other: tasks find their shard themselves")
	}
	if strings.Contains(f.suite, ",") || f.submission != "" {
		return usagef("--launcher takes one suite, and no --submission: 'llavabench score RUN --submission FILE' writes it from the merged run")
	}
	bench, err := f.official()
	if err != nil {
		return err
	}
	if bench != nil {
		defer bench.Dir.Close()
		notices(env.stderr, bench.Notes)
	}
	suite, err := f.chosen(bench)
	if err != nil {
		return err
	}
	if f.launcher.shards > suite.Info.Items {
		return usagef("--shards: %d is more than the %d questions of %s", f.launcher.shards, suite.Info.Items, suite.Info.Name)
	}
	l, err := f.newLaunch(given)
	if err != nil {
		return err
	}
	if f.launcher.dryRun {
		return printScripts(env, l)
	}
	state, err := l.State(ctx, suite.Info)
	if err != nil {
		return err
	}
	done, err := l.Submit(ctx, state)
	if err != nil {
		return err
	}
	if state.Merged {
		notice(env.stderr, "%s is complete: all %d shards are merged", f.out, l.Shards)
		samples, err := rundir.ReadSamples(f.out)
		if err != nil {
			return err
		}
		timings, err := rundir.ReadTimings(f.out)
		if err != nil {
			return err
		}
		summary := eval.Summarise(samples, timings)
		if suite.Official != nil {
			if summary.Official, err = suite.Official(samples); err != nil {
				return err
			}
		}
		return f.show(env, summary)
	}
	printLaunch(env, l, f.out, state, done)
	return nil
}

// newLaunch is the launch that the flags ask for.
func (f evalFlags) newLaunch(given *pflag.FlagSet) (slurm.Launch, error) {
	l := slurm.Launch{Shards: f.launcher.shards, Options: f.launcher.options, Ask: append([]string{"eval"}, flagArgs(given, notForTasks)...)}
	var err error
	if l.Program, err = os.Executable(); err != nil {
		return l, err
	}
	if l.Dir, err = os.Getwd(); err != nil {
		return l, err
	}
	if l.Answers, err = absolute(f.answer); err != nil {
		return l, err
	}
	l.Run, err = filepath.Abs(f.out)
	return l, err
}

// printScripts prints both batch scripts and how they would be submitted.
func printScripts(env *environment, l slurm.Launch) error {
	shard, err := l.ShardText()
	if err != nil {
		return err
	}
	merge, err := l.MergeText()
	if err != nil {
		return err
	}
	fmt.Fprintf(env.stdout, "%s\n%s", shard, merge)
	for _, line := range l.Commands() {
		notice(env.stderr, "not submitted: %s", line)
	}
	return nil
}

// printLaunch says what was submitted, what was there, and how to follow it.
func printLaunch(env *environment, l slurm.Launch, out string, s slurm.State, done slurm.Submission) {
	ids := []string{}
	add := func(id string) {
		if id != "" && !slices.Contains(ids, id) {
			ids = append(ids, id)
		}
	}
	fmt.Fprintf(env.stdout, "shards: %d complete, %d in the queue, %d missing, of %d\n", len(s.Complete), len(s.Queue), len(s.Missing), l.Shards)
	for _, t := range s.Queue {
		add(t.Job)
		fmt.Fprintf(env.stdout, "in the queue: job %s_%d, shard %d, %s\n", t.Job, t.Number, t.Number, strings.ToLower(t.State))
	}
	if done.Array != "" {
		add(done.Array)
		fmt.Fprintf(env.stdout, "submitted: job array %s, shards %s\n", done.Array, slurm.Ranges(s.Missing))
	}
	if done.Merge != "" {
		add(done.Merge)
		fmt.Fprintf(env.stdout, "submitted: job %s, the merge, which waits for them\n", done.Merge)
	} else {
		for _, t := range s.Merge {
			add(t.Job)
			fmt.Fprintf(env.stdout, "in the queue: job %s, the merge, %s\n", t.Job, strings.ToLower(t.State))
		}
		fmt.Fprintln(env.stdout, "nothing had to be submitted")
	}
	fmt.Fprintf(env.stdout, "follow:  squeue --jobs=%s\nlogs:    %s\nresult:  %s, when the merge is done\ngo on:   the same command submits what is missing by then\n",
		strings.Join(ids, ","), filepath.Join(out, "slurm", "logs"), out)
}
