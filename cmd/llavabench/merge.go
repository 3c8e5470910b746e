package main

import (
	"fmt"
	"path/filepath"
	"slices"
	"strings"

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
none missing and none without all its answers. What is wrong is named. Directories that hold the shards of several runs, of several
models or suites, are merged run by run. The answers of a public benchmark are scored by its owners'
rules where its data are still where the shards read them; 'llavabench score RUN' does it at any time.`,
		Example: `  llavabench eval --model DIR --suite sight --shard 1/2 --out runs/part1
  llavabench eval --model DIR --suite sight --shard 2/2 --out runs/part2
  llavabench merge runs/part1 runs/part2 --out runs/whole`,
		Args: cobra.MinimumNArgs(1),
		RunE: func(_ *cobra.Command, args []string) error {
			sets, err := shardSets(args)
			if err != nil {
				return err
			}
			for _, set := range sets {
				if set.name != "" && !json {
					fmt.Fprintf(env.stdout, "%s\n", set.name)
				}
				if err := mergeRun(env, set.shards, filepath.Join(out, set.name), json); err != nil {
					return err
				}
				if set.name != "" && !json {
					fmt.Fprintln(env.stdout)
				}
			}
			return nil
		},
	}
	cmd.Flags().StringVar(&out, "out", "", "new run `directory`")
	cmd.Flags().BoolVar(&json, "json", false, "print the summary as JSON")
	_ = cmd.MarkFlagRequired("out")
	return cmd
}

// mergeRun makes one run of its shards.
func mergeRun(env *environment, shards []string, out string, json bool) error {
	var summary eval.Summary
	err := rundir.Merge(shards, out, func(samples []rundir.Sample, timings []rundir.Timing) any {
		summary = eval.Summarise(samples, timings)
		summary.Official = officialOf(env, shards[0], samples)
		return summary
	})
	if err != nil {
		return err
	}
	return evalFlags{json: json}.show(env, summary)
}

// A shardSet is the shards of one run.
type shardSet struct {
	name   string // of the run below the directories that hold several; "" where each is a run itself
	shards []string
}

// shardSets sorts directories into the shards of runs: all are runs, or all hold the same runs, of several models or suites.
func shardSets(dirs []string) ([]shardSet, error) {
	isRun := func(dir string) bool { return exists(filepath.Join(dir, "manifest.json")) }
	if slices.ContainsFunc(dirs, isRun) {
		return []shardSet{{"", dirs}}, nil
	}
	var sets []shardSet
	for i, dir := range dirs {
		var names []string
		for _, pattern := range []string{"*", "*/*"} { // NAME, or SUITE/NAME
			found, err := filepath.Glob(filepath.Join(quoteGlob(dir), pattern, "manifest.json"))
			if err != nil {
				return nil, err
			}
			for _, path := range found {
				name, err := filepath.Rel(dir, filepath.Dir(path))
				if err != nil {
					return nil, err
				}
				names = append(names, name)
			}
		}
		if len(names) == 0 {
			return nil, fmt.Errorf("%s is no run directory and holds none", dir)
		}
		for _, name := range names {
			if i == 0 {
				sets = append(sets, shardSet{name: name})
			} else if !slices.ContainsFunc(sets, func(s shardSet) bool { return s.name == name }) {
				return nil, fmt.Errorf("%s holds a run %q, but %s does not", dir, name, dirs[0])
			}
		}
		for k := range sets {
			if !slices.Contains(names, sets[k].name) {
				return nil, fmt.Errorf("%s holds a run %q, but %s does not", dirs[0], sets[k].name, dir)
			}
			sets[k].shards = append(sets[k].shards, filepath.Join(dir, sets[k].name))
		}
	}
	return sets, nil
}

// quoteGlob makes a pattern that matches a path and nothing else.
func quoteGlob(path string) string {
	return strings.NewReplacer(`\`, `\\`, "*", `\*`, "?", `\?`, "[", `\[`).Replace(path)
}

// officialOf scores merged samples by the rules of the benchmark's owners; nil for other suites, and where the data are not there.
func officialOf(env *environment, run string, samples []rundir.Sample) *rundir.Official {
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
