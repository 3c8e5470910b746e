package main

import (
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"llavabench/internal/atomicfile"
	"llavabench/reports/compare"
)

type compareFlags struct {
	rules   string
	junit   string
	github  bool
	json    bool
	verbose bool
	show    bool
}

func newCompare(env *environment) *cobra.Command {
	var f compareFlags
	cmd := &cobra.Command{
		Use:   "compare BASE NEW",
		Short: "Say what changed between two runs, what came of it, and whether it is a regression",
		Long: `compare reads two run directories over the same questions. It says first what was changed (questions, weights, settings, code,
machine), then what came of it: accuracy over all questions and by category with a paired test (exact McNemar where scores
are right or wrong, clustered by image where questions share one, corrected by Holm over the categories), token counts, and
sample by sample the pixels, prompts, logits of the first token, output ids, texts and scores. Times are compared as a
ratio with its 95 % interval, and judged only when both runs were on like machines: CPU, instruction set and threads.

The exit code is 1 when there is a regression. By default that is:
- any difference in any sample, where neither questions, weights nor settings were changed: the same run gives the same
  bits, on any machine;
- a significant loss of accuracy;
- a stage that beyond doubt takes more than 1.15 times as long;
- questions that only one of the runs answers.
--fail-on FILE changes these rules; --show-rules prints them as a file to start from.`,
		Example: `  llavabench compare runs/base runs/new
  llavabench compare runs/base runs/new --fail-on rules.yaml --junit compare.xml --github
  llavabench compare runs/f16 runs/q4 --json
  llavabench compare --show-rules > rules.yaml`,
		Args: func(_ *cobra.Command, args []string) error {
			if want := 2; len(args) != want && !(f.show && len(args) == 0) {
				return fmt.Errorf("%d runs are given, expected %d", len(args), want)
			}
			return nil
		},
		RunE: func(_ *cobra.Command, args []string) error { return execCompare(env, f, args) },
	}
	fl := cmd.Flags()
	fl.StringVar(&f.rules, "fail-on", "", "YAML `file` of what is a regression")
	fl.StringVar(&f.junit, "junit", "", "also write a JUnit `file` with a test case for each rule")
	fl.BoolVar(&f.github, "github", false, "print annotations for GitHub Actions instead of tables")
	fl.BoolVar(&f.json, "json", false, "print one JSON object instead of tables")
	fl.BoolVarP(&f.verbose, "verbose", "v", false, "print every sample that differs and every rule")
	fl.BoolVar(&f.show, "show-rules", false, "print the default rules and end")
	return cmd
}

// compareOutput is what --json prints.
type compareOutput struct {
	*compare.Comparison
	Checks     []compare.Check `json:"checks"`
	Regression bool            `json:"regression"`
}

func execCompare(env *environment, f compareFlags, args []string) error {
	if f.show {
		_, err := io.WriteString(env.stdout, compare.RulesText)
		return err
	}
	if f.json && f.github {
		return usagef("either --json or --github")
	}
	rules := compare.DefaultRules()
	if f.rules != "" {
		var err error
		if rules, err = compare.ReadRules(f.rules); err != nil {
			return err
		}
	}
	c, err := compare.Runs(args[0], args[1])
	if err != nil {
		return err
	}
	checks := c.Judge(rules)
	failed := compare.Regressions(checks)
	if f.junit != "" {
		if err := atomicfile.Write(f.junit, func(w io.Writer) error { return compare.JUnit(w, c, checks) }); err != nil {
			return err
		}
	}
	switch {
	case f.json:
		err = printJSON(env, compareOutput{c, checks, len(failed) > 0})
	case f.github:
		err = compare.GitHub(env.stdout, c, checks)
	default:
		err = printComparison(env.stdout, c, checks, f.verbose)
	}
	if err == nil && len(failed) > 0 {
		var names []string
		for _, k := range failed {
			names = append(names, k.Name)
		}
		err = fmt.Errorf("%s: regression against %s in %s", args[1], args[0], strings.Join(names, "; "))
	}
	return err
}

// shownDiffering is how many samples of a kind are printed unless all are asked for.
const shownDiffering = 3

func printComparison(out io.Writer, c *compare.Comparison, checks []compare.Check, verbose bool) error {
	w := &stickyWriter{w: out}
	for _, s := range []struct {
		name string
		side compare.Side
	}{{"base", c.Base}, {"new", c.New}} {
		broken := ""
		if !s.side.Whole {
			broken = ", broken off"
		}
		w.printf("%-4s  %s: %s (%s, %s) on %s, %d samples%s\n", s.name, s.side.Run, s.side.Model, s.side.Variant, s.side.DType, s.side.Suite, s.side.Samples, broken)
	}
	w.printf("\n")
	printChanges(w, c)
	if err := printAccuracies(w, c); err != nil {
		return err
	}
	printOutputs(w, c, verbose)
	if err := printLatency(w, c); err != nil {
		return err
	}
	printVerdict(w, checks, verbose)
	return w.err
}

func printChanges(w *stickyWriter, c *compare.Comparison) {
	if len(c.Changes) == 0 {
		w.printf("changed: nothing; the questions, weights, settings, code and machine are the same\n\n")
		return
	}
	w.printf("changed:\n")
	for _, k := range c.Changes {
		w.printf("  %s: %s: %s\n", k.Kind, k.Path, compare.Arrow(k.Base, k.New))
	}
	if c.SameResults {
		w.printf("None of this may change an answer.\n")
	}
	w.printf("\n")
}

func printAccuracies(w *stickyWriter, c *compare.Comparison) error {
	if len(c.Accuracy) == 0 {
		w.printf("accuracy: the questions have no right answers\n\n")
		return nil
	}
	t := newTable(w, "category", "questions", "base %", "new %", "difference", "95 % interval", "better", "worse", "p")
	for _, a := range append(c.Accuracy[1:len(c.Accuracy):len(c.Accuracy)], c.Accuracy[0]) {
		t.row(a.Category, fmt.Sprint(a.N), fmt.Sprintf("%.2f", 100*a.Base), fmt.Sprintf("%.2f", 100*a.New), fmt.Sprintf("%+.2f", 100*a.Difference),
			fmt.Sprintf("%+.2f to %+.2f", 100*a.CI.Low, 100*a.CI.High), fmt.Sprint(a.Better), fmt.Sprint(a.Worse), compare.PValue(a.Holm))
	}
	if err := t.print(); err != nil {
		return err
	}
	all := c.Accuracy[0]
	w.printf("p: %s", all.Test)
	if len(c.Accuracy) > 1 {
		w.printf("; those of categories are corrected for their number (Holm)")
	}
	if all.Clusters < all.N {
		w.printf("; %d questions about %d images", all.N, all.Clusters)
	}
	w.printf("\n\n")
	return nil
}

func printOutputs(w *stickyWriter, c *compare.Comparison, verbose bool) {
	w.printf("samples: %d in both runs, %d only in base, %d only in new\n", c.Samples, len(c.BaseOnly), len(c.NewOnly))
	for _, k := range c.Tokens {
		w.printf("  %s: %s", k.Kind, formatCount(int64(k.Base)))
		if k.New != k.Base {
			w.printf(" -> %s (%+d)", formatCount(int64(k.New)), k.New-k.Base)
		}
		w.printf("\n")
	}
	equal := []string{}
	for _, o := range c.Outputs {
		if o.Compared == 0 {
			w.printf("  %s: not recorded by both runs\n", o.Kind)
			continue
		}
		if len(o.Differ) == 0 {
			equal = append(equal, o.Kind)
			continue
		}
		w.printf("  %s: %d of %d differ\n", o.Kind, len(o.Differ), o.Compared)
		for i, d := range o.Differ {
			if i == shownDiffering && !verbose {
				w.printf("    and %d more, shown with -v\n", len(o.Differ)-i)
				break
			}
			w.printf("    %q: %s\n", d.ID, compare.Arrow(d.Base, d.New))
		}
	}
	if len(equal) > 0 {
		w.printf("  equal in every sample: %s\n", strings.Join(equal, ", "))
	}
	w.printf("\n")
}

func printLatency(w *stickyWriter, c *compare.Comparison) error {
	if len(c.Latency.Stages) == 0 {
		w.printf("latency: no samples with times that did the same work\n\n")
		return nil
	}
	t := newTable(w, "latency", "samples", "base ms", "new ms", "ratio", "95 % interval", "9 of 10 above")
	for _, s := range c.Latency.Stages {
		t.row(s.Name, fmt.Sprint(s.N), fmt.Sprintf("%.4g", s.Ratio.Base), fmt.Sprintf("%.4g", s.Ratio.New), fmt.Sprintf("%.3f", s.Value),
			fmt.Sprintf("%.3f to %.3f", s.CI.Low, s.CI.High), fmt.Sprintf("%.3f", s.Tenth))
	}
	if err := t.print(); err != nil {
		return err
	}
	if !c.Latency.Judged {
		w.printf("not judged: %s\n", c.Latency.Reason)
	}
	w.printf("\n")
	return nil
}

func printVerdict(w *stickyWriter, checks []compare.Check, verbose bool) {
	failed := compare.Regressions(checks)
	for _, k := range checks {
		switch {
		case k.Failed:
			w.printf("regression: %s: %s\n", k.Name, k.Message)
		case verbose && k.Skipped != "":
			w.printf("skipped: %s: %s; %s\n", k.Name, k.Skipped, k.Message)
		case verbose:
			w.printf("passed: %s: %s\n", k.Name, k.Message)
		}
	}
	skipped := map[string]int{}
	var reasons []string
	for _, k := range checks {
		if k.Skipped != "" {
			if skipped[k.Skipped] == 0 {
				reasons = append(reasons, k.Skipped)
			}
			skipped[k.Skipped]++
		}
	}
	w.printf("%d rules, %d failed", len(checks), len(failed))
	for _, reason := range reasons {
		w.printf(", %d not applied (%s)", skipped[reason], reason)
	}
	w.printf("\n")
}
