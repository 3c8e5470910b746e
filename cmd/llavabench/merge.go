package main

import (
	"github.com/spf13/cobra"

	"llavabench/eval"
	"llavabench/eval/suites"
	"llavabench/internal/rundir"
)

func newMerge(env *environment) *cobra.Command {
	var out string
	var json bool
	cmd := &cobra.Command{
		Use:   "merge RUN... --out RUN",
		Short: "Put the shards of a run together",
		Long: `merge makes one run of the runs that eval --shard I/N left, in any order. Its samples.jsonl has the bytes that one run over all
questions has; times, load and the machines of all shards are kept, and the summary is made anew.

Nothing is merged unless the shards prove to belong together: the same suite, model files, settings and cut; every shard once;
none missing and none without all its answers. What is wrong is named. The answers of a public benchmark are scored by its owners'
rules where its data are still where the shards read them; 'llavabench score RUN' does it at any time.`,
		Example: `  llavabench eval --model DIR --suite sight --shard 1/2 --out runs/part1
  llavabench eval --model DIR --suite sight --shard 2/2 --out runs/part2
  llavabench merge runs/part1 runs/part2 --out runs/whole`,
		Args: cobra.MinimumNArgs(1),
		RunE: func(_ *cobra.Command, args []string) error {
			var summary eval.Summary
			err := rundir.Merge(args, out, func(samples []rundir.Sample, timings []rundir.Timing) any {
				summary = eval.Summarise(samples, timings)
				summary.Official = officialOf(env, args[0], samples)
				return summary
			})
			if err != nil {
				return err
			}
			return evalFlags{json: json}.show(env, summary)
		},
	}
	cmd.Flags().StringVar(&out, "out", "", "new run `directory`")
	cmd.Flags().BoolVar(&json, "json", false, "print the summary as JSON")
	_ = cmd.MarkFlagRequired("out")
	return cmd
}

// officialOf scores merged samples by the rules of the benchmark's owners; nil for other suites, and where the data are not there.
func officialOf(env *environment, run string, samples []rundir.Sample) *eval.Official {
	m, err := rundir.ReadManifest(run)
	if err != nil {
		return nil // Merge has read it, and says what is wrong with it
	}
	if _, err := suites.Find(m.Suite.Name); err != nil {
		return nil
	}
	bench, err := openRun(m, "")
	if err != nil {
		notice(env.stderr, "not scored by the owners' rules: %v; 'llavabench score RUN --data DIR' does it", err)
		return nil
	}
	defer bench.Dir.Close()
	score, err := bench.Score("", samples)
	if err != nil {
		notice(env.stderr, "not scored by the owners' rules: %v", err)
	}
	return score
}
