package main

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"

	"llavabench/eval/sight"
)

func newSuite(env *environment) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "suite",
		Short: "The benchmark that ships with llavabench",
		Args:  cobra.NoArgs,
		RunE:  func(cmd *cobra.Command, _ []string) error { return usagef("give a command: suite make") },
	}
	cmd.AddCommand(newSuiteMake(env))
	return cmd
}

type suiteFlags struct {
	split string
	seed  uint64
	count int
	out   string
}

func newSuiteMake(env *environment) *cobra.Command {
	var f suiteFlags
	cmd := &cobra.Command{
		Use:   "make --count N --out DIR",
		Short: "Write pictures and questions drawn from a seed",
		Long: `make writes the first N items of the suite that a seed gives: DIR/images with PNG pictures and DIR/questions.jsonl in
LLaVA's question format (question_id, image, text, category), with the answer, the difficulty and the size of the smallest
detail that matters. The same split, seed and count give the same files on every machine.

The splits never share an item, whatever the seeds: train is what the shipped models learned from, val is for decisions,
test for results.`,
		Example: `  llavabench suite make --seed 7 --count 200 --out SUITE
  llavabench run --model M --image SUITE/images/test-7-000004.png --prompt 'What is written on the red sign?'`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return execSuiteMake(cmd.Context(), env, f) },
	}
	fl := cmd.Flags()
	fl.StringVar(&f.split, "split", string(sight.Test), "`split`: train, val or test")
	fl.Uint64Var(&f.seed, "seed", 7, "seed of the suite")
	fl.IntVar(&f.count, "count", 700, "number of `items`")
	fl.StringVar(&f.out, "out", "", "new or empty `directory`")
	_ = cmd.MarkFlagRequired("out")
	return cmd
}

func execSuiteMake(ctx context.Context, env *environment, f suiteFlags) error {
	if _, err := sight.New(sight.Split(f.split), f.seed, 0); err != nil {
		return usageError{err}
	}
	if f.count < 1 {
		return usagef("--count is %d, expected 1 or more", f.count)
	}
	bar := newProgress(env.stderr)
	err := sight.WriteDir(ctx, f.out, sight.Split(f.split), f.seed, f.count, func(done int) { bar.report("items", done, f.count) })
	bar.finish()
	if err != nil {
		return err
	}
	fmt.Fprintf(env.stdout, "%s: %d items of split %s, seed %d\n", f.out, f.count, f.split, f.seed)
	return nil
}
