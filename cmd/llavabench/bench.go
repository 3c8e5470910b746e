package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"llavabench/eval"
	"llavabench/eval/pictures"
	"llavabench/eval/sight"
	"llavabench/internal/rundir"
	"llavabench/kernels"
	"llavabench/reports"
	"llavabench/reports/study"
)

// trainedModels are the checkpoints that ship with the repository and have learned to see, weakest first.
var trainedModels = []string{"testdata/sight/llava1", "testdata/sight/llava15", "testdata/sight/llava15hd=llava15hd", "testdata/sight/llava16"}

type benchFlags struct {
	model     modelFlags
	models    []string
	split     string
	seed      uint64
	limit     int
	baselines bool
	report    bool
	out       string
	json      bool
}

func newBench(env *environment) *cobra.Command {
	var f benchFlags
	cmd := &cobra.Command{
		Use:   "bench [MODEL]...",
		Short: "Evaluate the generations side by side on the shipped benchmark: accuracy, image tokens, latency",
		Long: `bench asks every model the same items of sight, the benchmark that ships with the program, and prints accuracy by category
with 95 % intervals, image tokens and the latency of every stage, and the paired differences that the generations claim.
Without arguments it runs the four trained checkpoints of testdata/sight, from the repository's root. Two baselines stand
beside them: the most frequent answer of each category, and the model with every picture replaced by its mean colour, which
shows what is known from the question alone.

A model may be written as MODEL=VARIANT to run it as another generation. Each model leaves a run directory below --out, which
the next bench replaces; it says whether the answers are those of the run before. The report of the runs (one page with a
browser of all samples, tables and figures in every format) goes to the directory report below --out.`,
		Example: `  llavabench bench
  llavabench bench --limit 70 --baselines=false
  llavabench bench DIR DIR=llava15hd --split val --seed 3`,
		RunE: func(cmd *cobra.Command, args []string) error {
			f.models = args
			return execBench(cmd.Context(), env, f)
		},
	}
	fl := cmd.Flags()
	fl.StringVar(&f.split, "split", "test", "split of the suite: train, val or test")
	fl.Uint64Var(&f.seed, "seed", 7, "seed of the suite's items")
	fl.IntVar(&f.limit, "limit", 168, "`items` that each model is asked")
	fl.BoolVar(&f.baselines, "baselines", true, "also ask each model with the pictures replaced by their mean colour")
	fl.IntVar(&f.model.opts.Threads, "threads", 0, "worker `threads` (default: one per core); never changes an answer")
	f.model.registerMemory(fl)
	fl.StringVar(&f.model.dtype, "dtype", "", "weight `type`: f32, f16, bf16, q8, q4, q4g64, q4-all or q4g64-all (default: as stored)")
	fl.StringVar(&f.model.kvDType, "kv-dtype", "f32", "`type` of the key-value cache: f32, f16 or bf16")
	fl.StringVar(&f.model.opts.Numerics, "numerics", "f32", "numeric `profile` of the matrix products: f32 or bf16")
	fl.BoolVar(&f.report, "report", true, "also write the report (page, tables, figures) to the directory report below --out")
	fl.StringVar(&f.out, "out", "runs/bench", "`directory` for the runs")
	fl.BoolVar(&f.json, "json", false, "print JSON")
	return cmd
}

// A benchRun is what one model answered to the items, with or without seeing the pictures.
type benchRun struct {
	Name     string       `json:"name"`
	Blind    bool         `json:"blind"`
	Path     string       `json:"path"`
	Summary  eval.Summary `json:"summary"`
	DType    string       `json:"dtype"`
	Numerics string       `json:"numerics"`
	run      study.Run
	// Before says how the answers compare to the run that was there: "same", "different" or "".
	Before string `json:"before,omitempty"`
}

func execBench(ctx context.Context, env *environment, f benchFlags) error {
	if f.limit < 1 {
		return usagef("--limit must be at least 1")
	}
	split := sight.Split(f.split)
	if _, err := sight.New(split, f.seed, 0); err != nil {
		return usageError{err}
	}
	if len(f.models) == 0 {
		for _, m := range trainedModels {
			if dir, _ := splitVariant(m); !exists(filepath.Join(dir, "config.json")) {
				wd, _ := os.Getwd()
				return fmt.Errorf("%s has no checkpoint: run this from the repository's root (here: %s), or name models", dir, wd)
			}
		}
		f.models = trainedModels
	}
	var items []sight.Item
	for it, err := range sight.Items(split, f.seed, f.limit) {
		if err != nil {
			return err
		}
		items = append(items, it)
	}
	blind := []bool{false}
	if f.baselines {
		blind = append(blind, true)
	}
	var runs []benchRun
	taken := map[string]bool{}
	once := *env
	once.told = map[string]bool{}
	env = &once
	for _, b := range blind {
		for _, m := range f.models {
			r, err := f.ask(ctx, env, m, b, taken)
			if err != nil {
				return err
			}
			runs = append(runs, r)
		}
	}
	if f.json {
		return printJSON(env, runs)
	}
	fmt.Fprintf(env.stdout, "%s, %s kernels, %d threads; sight %s, seed %d, %d items\n", cpuName(), kernels.ISA(), threadsOf(f.model.opts.Threads), f.split, f.seed, len(items))
	if err := printBench(env, items, runs); err != nil || !f.report {
		return err
	}
	return f.writeReport(ctx, env, runs)
}

// writeReport makes the report of the runs that saw the pictures.
func (f benchFlags) writeReport(ctx context.Context, env *environment, runs []benchRun) error {
	var paths []string
	for _, r := range runs {
		if !r.Blind {
			paths = append(paths, r.Path)
		}
	}
	loaded, err := reports.Load(paths)
	if err != nil {
		return err
	}
	bar := newProgress(env.stderr)
	o := reportOptions(ctx, new(pictures.Finder)) // which draws them
	o.Title, o.Progress = "llavabench bench", bar.report
	out := filepath.Join(f.out, "report")
	index, err := reports.WriteAll(out, loaded, o)
	bar.finish()
	if err != nil {
		return err
	}
	notices(env.stderr, index.Notes)
	fmt.Fprintf(env.stdout, "\nReport: %s (%d files: page, tables, figures)\n", filepath.Join(out, index.Page), len(index.Files)+1)
	return nil
}

// ask runs one model over the items into a directory of its own.
func (f benchFlags) ask(ctx context.Context, env *environment, model string, blind bool, taken map[string]bool) (benchRun, error) {
	path, variant := splitVariant(model)
	name := filepath.Base(path)
	if variant != "" && variant != name {
		name += "-" + variant
	}
	r := benchRun{Name: name, Blind: blind, Path: filepath.Join(f.out, name)}
	if blind {
		r.Path += "-mean-colour"
	}
	if taken[r.Path] {
		return r, usagef("two models would write to %s: name directories that end differently", r.Path)
	}
	taken[r.Path] = true
	old, err := removeRun(r.Path)
	if err != nil {
		return r, err
	}
	inner := *env
	inner.label = filepath.Base(r.Path)
	c := cell{name: inner.label, args: f.evalArgs(path, variant, blind)}
	if err := c.run(ctx, &inner, r.Path, false); err != nil {
		return r, fmt.Errorf("%s: %w", r.Path, err)
	}
	if r.run, err = study.Load(r.Path); err != nil {
		return r, err
	}
	r.Summary, r.DType, r.Numerics = eval.Summarise(r.run.Samples, r.run.Times), r.run.Manifest.System.DType, r.run.Manifest.System.Numerics
	r.Before, err = compareBytes(old, filepath.Join(r.Path, rundir.SamplesFile))
	return r, err
}

// evalArgs are the arguments of the eval command that makes the same run by itself, but for its directory.
func (f benchFlags) evalArgs(path, variant string, blind bool) []string {
	args := []string{"--model", path, "--suite", sightSuite, "--split", f.split, "--seed", fmt.Sprint(f.seed), "--limit", fmt.Sprint(f.limit), "--batch", "1"}
	for _, o := range []struct{ flag, value string }{
		{"--variant", variant}, {"--dtype", f.model.dtype}, {"--kv-dtype", f.model.kvDType}, {"--numerics", f.model.opts.Numerics}, {"--memory-limit", f.model.memory},
	} {
		if o.value != "" {
			args = append(args, o.flag, o.value)
		}
	}
	if f.model.opts.Threads != 0 {
		args = append(args, "--threads", fmt.Sprint(f.model.opts.Threads))
	}
	if blind {
		args = append(args, "--blind")
	}
	return args
}

// removeRun deletes a run directory that an earlier bench left and returns its samples. Anything else is left alone, and
// making the run there will fail.
func removeRun(path string) (samples []byte, err error) {
	if _, err := rundir.ReadManifest(path); err != nil {
		if errors.Is(err, os.ErrNotExist) {
			return nil, nil
		}
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	if samples, err = os.ReadFile(filepath.Join(path, rundir.SamplesFile)); err != nil && !errors.Is(err, os.ErrNotExist) {
		return nil, err
	}
	return samples, os.RemoveAll(path)
}

// compareBytes says whether a file holds what it held before.
func compareBytes(old []byte, path string) (string, error) {
	if old == nil {
		return "", nil
	}
	now, err := os.ReadFile(path)
	if err != nil {
		return "", err
	}
	if bytes.Equal(old, now) {
		return "same", nil
	}
	return "different", nil
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}

// agreement says in a sentence how the runs compare to those they replaced; "" where there were none.
func agreement(runs []benchRun) string {
	var same, different []string
	for _, r := range runs {
		switch r.Before {
		case "same":
			same = append(same, r.Path)
		case "different":
			different = append(different, r.Path)
		}
	}
	switch {
	case len(different) > 0:
		return fmt.Sprintf("samples.jsonl differs from the run before in %s (another checkpoint, version or number of items).", strings.Join(different, ", "))
	case len(same) > 0:
		return fmt.Sprintf("samples.jsonl is byte for byte that of the run before in %d of %d runs.", len(same), len(runs))
	}
	return ""
}
