package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"llavabench/internal/goldens"
	"llavabench/internal/goldens/recorded"
	"llavabench/internal/model/weights"
)

func newGolden(env *environment) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "golden",
		Short: "Record outputs of models, and check this build against them or against the reference's",
		Args:  cobra.NoArgs,
		RunE:  func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(newGoldenVerify(env), newGoldenRecord(env), newGoldenUpdate(env))
	return cmd
}

type goldenFlags struct {
	opts      goldens.Options
	json      bool
	verbose   bool
	dtype     string
	isas      []string
	tolerance float64
}

func newGoldenVerify(env *environment) *cobra.Command {
	var f goldenFlags
	cmd := &cobra.Command{
		Use:   "verify DIR",
		Short: "Check every part of a goldens directory against this build",
		Long: `verify runs every case of a goldens directory through the same code as 'llavabench run' and compares what comes out:
decoded and preprocessed pictures byte for byte, geometry, prompts and token ids exactly, tensors within the tolerances of
float32 arithmetic (2e-5 for features and embeddings, 5e-5 for logits and the decoder's states), generated ids exactly.

For each part it prints how many cases and comparisons there were, the largest error of each tensor with its tolerance,
what was skipped and why, and each failure with its case, tensor, index and both values. Anything in the directory that
is not understood is a failure. The last line has the totals; the exit code is 1 if anything failed.

The parts are ` + strings.Join(goldens.Parts(), ", ") + `; --only hd means all three of hd.

Text needs a SentencePiece model. A set without tokenizer/tokenizer.model takes --tokenizer, else
` + goldens.DefaultTokenizer + `; without any, those checks are counted as skipped.

A directory with a single manifest.json at the top holds goldens of scorers: answers in the benchmarks' official layouts
with what the upstream scorers make of them. Its parts are ` + strings.Join(goldens.ScoringParts(), ", ") + `;
normalised answers and rounded scores are compared exactly, other scores within 1e-9.

A directory that 'golden record' wrote is checked case by case on every instruction set of this machine: ids exactly,
tensors by digest, or within the tolerance that the case or --tolerance allows. The first tensor that moved is named, with how
far and where.`,
		Example: `  llavabench golden verify ../shared/golden
  llavabench golden verify ../shared/golden-eval
  llavabench golden verify DIR --tokenizer path/to/tokenizer.model --only prompts --only tokenizer
  llavabench golden verify DIR --json > report.json
  llavabench golden verify ../shared/golden --dtype q8
  llavabench golden verify testdata/golden`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error { return execGoldenVerify(cmd.Context(), env, f, args[0]) },
	}
	fl := cmd.Flags()
	fl.StringVar(&f.opts.Tokenizer, "tokenizer", "", "SentencePiece model `file` to check text with")
	fl.StringArrayVar(&f.opts.Only, "only", nil, "check only this `part`, or this recorded golden; repeat for several")
	fl.IntVar(&f.opts.Threads, "threads", 0, "worker `threads` (default: one per core); never changes a result")
	fl.StringArrayVar(&f.isas, "isa", nil, "of recorded goldens: instruction `set` to run; repeat for several (default: all of this machine)")
	fl.Float64Var(&f.tolerance, "tolerance", 0, "of recorded goldens: how `far` kept values may move (default: what each case says)")
	fl.StringVar(&f.dtype, "dtype", "", "instead, compare logits with weights of this `type`: f16, bf16, q8, q4, q4g64, q4-all or q4g64-all")
	fl.BoolVar(&f.json, "json", false, "print the report as one JSON object")
	fl.BoolVarP(&f.verbose, "verbose", "v", false, "print every failure, and what is present but states no expectation")
	return cmd
}

func execGoldenVerify(ctx context.Context, env *environment, f goldenFlags, dir string) error {
	if f.opts.Threads < 0 {
		return usagef("--threads cannot be negative")
	}
	bar := newProgress(env.stderr)
	defer bar.finish()
	if names, _ := recorded.Names(dir); len(names) > 0 { // what cannot be read is reported below
		if f.dtype != "" || f.opts.Tokenizer != "" {
			return usagef("--dtype and --tokenizer are for goldens of the reference, and %s holds recorded ones", dir)
		}
		return verifyRecorded(ctx, env, f, bar, dir)
	}
	if len(f.isas) > 0 || f.tolerance != 0 {
		return usagef("--isa and --tolerance are for recorded goldens, and %s holds none", dir)
	}
	for _, only := range f.opts.Only {
		if !goldens.IsPart(only) {
			return usagef("--only: %q is no part, expected one of %s", only, strings.Join(append(goldens.Parts(), goldens.ScoringParts()...), ", "))
		}
	}
	f.opts.Progress = bar.report
	if f.dtype != "" {
		return compareWeights(ctx, env, f, bar, dir)
	}
	r, err := goldens.Verify(ctx, dir, f.opts)
	if err != nil {
		return err
	}
	bar.finish()
	if f.json {
		enc := json.NewEncoder(env.stdout)
		enc.SetIndent("", "  ")
		enc.SetEscapeHTML(false)
		err = enc.Encode(r)
	} else {
		err = printGoldenReport(env.stdout, r, f.verbose)
	}
	if err == nil && r.Failed > 0 {
		err = fmt.Errorf("%s: %d of %d checks failed", dir, r.Failed, r.Checked)
	}
	return err
}

// compareWeights prints how near the logits with converted weights come to the recorded ones.
func compareWeights(ctx context.Context, env *environment, f goldenFlags, bar *progress, dir string) error {
	limit, ok := goldens.MinCosine(f.dtype)
	if !ok {
		return usagef("--dtype: %q is not a type, expected f32, f16, bf16, %s", f.dtype, strings.Join(weights.RecipeNames(), ", "))
	}
	all, err := goldens.CompareWeights(ctx, dir, f.dtype, f.opts)
	bar.finish()
	if err != nil {
		return err
	}
	worst := 1.0
	t := newTable(env.stdout, "model", "cases", "cosine", "of the worst case", "largest difference", "largest KL", "same first token")
	for _, c := range all {
		worst = min(worst, c.Cosine)
		t.row(c.Model, fmt.Sprint(c.Cases), fmt.Sprintf("%.6f", c.Cosine), fmt.Sprintf("%.6f", c.Worst), fmt.Sprintf("%.3g", c.Largest), fmt.Sprintf("%.2g", c.KL), fmt.Sprintf("%d", c.FirstID))
	}
	if f.json {
		err = printJSON(env, all)
	} else {
		err = t.print()
	}
	if err == nil && !(worst >= limit) {
		err = fmt.Errorf("%s: the smallest cosine of a model's logits with %s weights is %.6f, expected at least %g", dir, f.dtype, worst, limit)
	}
	return err
}

// maxShownFailures is how many failures of a part are printed unless all are asked for.
const maxShownFailures = 20

// printGoldenReport prints a section for each part and the totals.
func printGoldenReport(w io.Writer, r *goldens.Report, verbose bool) error {
	out := &stickyWriter{w: w}
	for _, p := range r.Parts {
		tensors := 0
		for _, t := range p.Tensors {
			tensors += t.Count
		}
		of := ""
		if tensors > 0 {
			of = fmt.Sprintf(" (%d of them tensors)", tensors)
		}
		out.printf("%s: %d cases, %d checked%s, %d skipped, %d failed, %.1f s\n", p.Name, p.Cases, p.Checked, of, p.Skipped, p.Failed, p.Seconds)
		if err := printTensorErrors(out, p.Tensors); err != nil {
			return err
		}
		for _, s := range p.Skips {
			out.printf("  skipped %d: %s\n", s.Count, s.Reason)
		}
		for i, f := range p.Failures {
			if i == maxShownFailures && !verbose {
				out.printf("  failed: %d more, shown with -v\n", len(p.Failures)-i)
				break
			}
			out.printf("  failed: %s\n", f)
		}
		if verbose {
			for _, info := range p.Information {
				out.printf("  not compared (%d times): %s: %s\n", info.Count, info.Name, info.Reason)
			}
		} else if n := len(p.Information); n > 0 {
			out.printf("  not compared: what states no expectation (-v lists %d)\n", n)
		}
		out.printf("\n")
	}
	out.printf("%d checked, %d skipped, %d failed\n", r.Checked, r.Skipped, r.Failed)
	return out.err
}

// printTensorErrors prints the largest error of each tensor.
func printTensorErrors(w io.Writer, tensors []goldens.TensorError) error {
	if len(tensors) == 0 {
		return nil
	}
	t := newTable(w, "tensor", "compared", "numbers", "largest error", "tolerance", "seen in")
	for _, e := range tensors {
		tolerance := formatError(e.Tolerance)
		if e.Exact {
			tolerance = "exact"
		}
		t.row(e.Name, strconv.Itoa(e.Count), strconv.Itoa(e.Elements), formatError(e.MaxError), tolerance, e.Case)
	}
	return t.print()
}

func formatError(v float64) string {
	if v == 0 {
		return "0"
	}
	return strconv.FormatFloat(v, 'e', 2, 64)
}

// A stickyWriter remembers the first error, so that a long report needs one check.
type stickyWriter struct {
	w   io.Writer
	err error
}

// Write passes p on unless an earlier write failed.
func (s *stickyWriter) Write(p []byte) (int, error) {
	if s.err != nil {
		return 0, s.err
	}
	n, err := s.w.Write(p)
	s.err = err
	return n, err
}

func (s *stickyWriter) printf(format string, args ...any) { fmt.Fprintf(s, format, args...) }
