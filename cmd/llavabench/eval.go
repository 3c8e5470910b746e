package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"runtime"
	"runtime/debug"
	"time"

	"github.com/spf13/cobra"

	"llavabench/eval"
	"llavabench/eval/local"
	"llavabench/eval/sight"
	"llavabench/internal/pipeline"
	"llavabench/internal/rundir"
	"llavabench/kernels"
)

type evalFlags struct {
	model  modelFlags
	opts   local.Options
	suite  string
	split  string
	seed   uint64
	limit  int
	out    string
	resume bool
	json   bool
}

func newEval(env *environment) *cobra.Command {
	var f evalFlags
	cmd := &cobra.Command{
		Use:   "eval --model M --suite sight --out RUN",
		Short: "Answer a suite's questions, score and record them",
		Long: `eval asks a model every question of a suite and leaves a run directory: manifest.json (what was run, with the digest of every
file), samples.jsonl (a line per question in order, flushed as it is answered), timings.jsonl and summary.json.

The same model, suite and settings give the same samples.jsonl byte for byte, with any number of threads. A run that was
broken off in any way goes on with --resume: nothing is answered twice, and the result is that of an unbroken run. Resuming
with other settings, another model or another suite is refused with the difference.

Suites: sight, the procedural benchmark that ships with the program (--split, --seed and --limit choose its items).`,
		Example: `  llavabench eval --model DIR --suite sight --limit 70 --out runs/dir-sight
  llavabench eval --model DIR --suite sight --limit 70 --out runs/dir-sight --resume`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return execEval(cmd.Context(), env, f) },
	}
	fl := cmd.Flags()
	f.model.register(fl)
	fl.StringVar(&f.suite, "suite", "sight", "`name` of the suite")
	fl.StringVar(&f.split, "split", "test", "split of the suite: train, val or test")
	fl.Uint64Var(&f.seed, "seed", 7, "seed of the suite's items")
	fl.IntVar(&f.limit, "limit", 140, "number of `questions`")
	fl.StringVar(&f.opts.Template, "template", "", "conversation template (default: the one that belongs to the checkpoint)")
	fl.IntVar(&f.opts.MaxNewTokens, "max-new-tokens", 16, "`tokens` to generate at most")
	fl.BoolVar(&f.opts.Blind, "blind", false, "replace every picture by its mean colour: the baseline of language alone")
	fl.StringVar(&f.out, "out", "", "run `directory`")
	fl.BoolVar(&f.resume, "resume", false, "go on with the run that is in --out")
	fl.BoolVar(&f.json, "json", false, "print the summary as JSON")
	_ = cmd.MarkFlagRequired("model")
	_ = cmd.MarkFlagRequired("out")
	return cmd
}

func execEval(ctx context.Context, env *environment, f evalFlags) error {
	if f.suite != "sight" {
		return usagef("--suite: %q is not known, expected sight", f.suite)
	}
	if f.limit < 1 || f.opts.MaxNewTokens < 1 {
		return usagef("--limit and --max-new-tokens must be at least 1")
	}
	split := sight.Split(f.split)
	if _, err := sight.New(split, f.seed, 0); err != nil {
		return usageError{err}
	}
	bar := newProgress(env.stderr)
	defer bar.finish()
	p, err := f.model.open(ctx, bar)
	if err != nil {
		return err
	}
	defer p.Close()
	suite := sight.Suite(split, f.seed, f.limit)
	m, err := manifestOf(ctx, f, p, suite, bar)
	if err != nil {
		return err
	}
	start := rundir.Create
	if f.resume {
		start = rundir.Resume
	}
	dir, err := start(f.out, m)
	if err != nil {
		return err
	}
	defer dir.Close()
	notices(env.stderr, append(p.Notes(), dir.Notes()...))
	summary, err := eval.Run(ctx, suite, local.New(p, f.opts), dir, m, eval.Options{Progress: bar.report})
	bar.finish()
	if err != nil {
		return fmt.Errorf("%w; what was answered is kept: go on with --resume", err)
	}
	if f.json {
		return printJSON(env, summary)
	}
	return printSummary(env, summary)
}

func manifestOf(ctx context.Context, f evalFlags, p *pipeline.Pipeline, suite eval.Suite, bar *progress) (rundir.Manifest, error) {
	system, err := local.Describe(ctx, p, f.model.path, bar.report)
	if err != nil {
		return rundir.Manifest{}, err
	}
	settings, err := json.Marshal(f.opts)
	if err != nil {
		return rundir.Manifest{}, err
	}
	return rundir.Manifest{
		Command: os.Args, Suite: suite.Info, System: system, Settings: settings, Started: time.Now().UTC(),
		Machine: rundir.Machine{CPU: cpuName(), ISA: kernels.ISA(), Threads: p.Threads(), OS: runtime.GOOS, Arch: runtime.GOARCH, Go: runtime.Version(), Revision: revision()},
	}, nil
}

// revision is the commit that the program was built from.
func revision() string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return ""
	}
	rev, dirty := "", ""
	for _, s := range info.Settings {
		switch {
		case s.Key == "vcs.revision":
			rev = s.Value
		case s.Key == "vcs.modified" && s.Value == "true":
			dirty = "-dirty"
		}
	}
	return rev + dirty
}

func printSummary(env *environment, s eval.Summary) error {
	t := newTable(env.stdout, "category", "questions", "accuracy %", "95 % interval")
	for _, g := range append(s.Categories, s.Total) {
		t.row(g.Name, fmt.Sprint(g.N), fmt.Sprintf("%.1f", 100*g.Accuracy), fmt.Sprintf("%.1f to %.1f", 100*g.CI.Low, 100*g.CI.High))
	}
	if err := t.print(); err != nil {
		return err
	}
	fmt.Fprintf(env.stdout, "\nmean image tokens %.0f, mean prompt %.0f positions, %d questions without an answer\n", s.ImageTokens, s.PromptTokens, s.Failed)
	return nil
}
