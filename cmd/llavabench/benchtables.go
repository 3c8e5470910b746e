package main

import (
	"fmt"
	"slices"

	"llavabench/eval"
	"llavabench/eval/sight"
	"llavabench/internal/cost"
	"llavabench/internal/stats"
)

// printBench prints the tables of a bench: accuracy, tokens and latency, and what the generations claim.
func printBench(env *environment, items []sight.Item, runs []benchRun) error {
	var seeing, blind []benchRun
	for _, r := range runs {
		if r.Blind {
			blind = append(blind, r)
		} else {
			seeing = append(seeing, r)
		}
	}
	for _, print := range []func() error{
		func() error { return printAccuracy(env, items, seeing, blind) },
		func() error { return printCost(env, seeing) },
		func() error { return printMeasures(env, items, seeing) },
		func() error { return printDifferences(env, items, seeing) },
	} {
		fmt.Fprintln(env.stdout)
		if err := print(); err != nil {
			return err
		}
	}
	if s := agreement(runs); s != "" {
		fmt.Fprintf(env.stdout, "\n%s\n", s)
	}
	return nil
}

// printAccuracy prints a row for each category and a column for each model.
func printAccuracy(env *environment, items []sight.Item, seeing, blind []benchRun) error {
	fmt.Fprintln(env.stdout, "Accuracy in per cent, with 95 % intervals")
	guess := sight.Commonest(items)
	header := []string{"category", "items"}
	for _, r := range seeing {
		header = append(header, r.Name)
	}
	t := newTable(env.stdout, append(header, "most frequent answer")...)
	row := func(name string, category sight.Category) {
		of := func(it sight.Item) bool { return category == "" || it.Category == category }
		cells := []string{name, fmt.Sprint(len(values(items, seeing[0], of, marks)))}
		for _, r := range seeing {
			cells = append(cells, percent(values(items, r, of, marks)))
		}
		var hits []float64
		for i, it := range items {
			if of(it) {
				hits = append(hits, eval.ExactMatch(guess[i], it.Answer))
			}
		}
		t.row(append(cells, percent(hits))...)
	}
	for _, c := range sight.Categories {
		if slices.ContainsFunc(items, func(it sight.Item) bool { return it.Category == c }) {
			row(string(c), c)
		}
	}
	row("all", "")
	if len(blind) == len(seeing) {
		all := func(sight.Item) bool { return true }
		without, gain := []string{"mean colour", fmt.Sprint(len(items))}, []string{"gain by seeing", fmt.Sprint(len(items))}
		for i, r := range seeing {
			b, s := values(items, blind[i], all, marks), values(items, r, all, marks)
			without = append(without, percent(b))
			gain = append(gain, difference(stats.Compare(b, s, nil)))
		}
		t.row(append(without, "-")...)
		t.row(append(gain, "-")...)
	}
	return t.print()
}

// printCost prints medians over the items.
func printCost(env *environment, seeing []benchRun) error {
	fmt.Fprintln(env.stdout, "Image tokens (mean) and milliseconds by stage (median over the items, the first left out as warm-up)")
	stages := []string{"preprocess", "vision", "projector", "prefill", cost.FirstToken, cost.Decode}
	t := newTable(env.stdout, "model", "image tokens", "prompt", "preprocess", "vision", "projector", "prefill", "first token", "p90", "decode", "questions/h", "peak memory", "weights", "numerics")
	for _, r := range seeing {
		cells := []string{r.Name, fmt.Sprintf("%.0f", r.Summary.ImageTokens), fmt.Sprintf("%.0f", r.Summary.PromptTokens)}
		for _, s := range stages {
			f, ok := r.Summary.Cost.Figure(s)
			cells = append(cells, known(ok, "%.1f", f.P50))
			if s == cost.FirstToken {
				cells = append(cells, known(ok, "%.1f", f.P90))
			}
		}
		perHour, peak := "-", "-"
		if c := r.Summary.Cost; c != nil {
			perHour = known(c.QuestionsPerHour > 0, "%.0f", c.QuestionsPerHour)
			peak = known(c.PeakRSS > 0, "%.0f MiB", float64(c.PeakRSS)/(1<<20))
		}
		t.row(append(cells, perHour, peak, r.DType, r.Numerics)...)
	}
	return t.print()
}

// known prints a figure; a dash where there is none.
func known(ok bool, format string, v float64) string {
	if !ok {
		return "-"
	}
	return fmt.Sprintf(format, v)
}

// printMeasures prints the figures that resolution should change.
func printMeasures(env *environment, items []sight.Item, seeing []benchRun) error {
	fmt.Fprintln(env.stdout, "What resolution should change, in per cent with 95 % intervals")
	header := []string{"", "items"}
	for _, r := range seeing {
		header = append(header, r.Name)
	}
	t := newTable(env.stdout, header...)
	for _, m := range sight.Measures {
		n := len(values(items, seeing[0], m.Of, m.Value))
		if n == 0 {
			continue
		}
		cells := []string{m.Title, fmt.Sprint(n)}
		for _, r := range seeing {
			cells = append(cells, percent(values(items, r, m.Of, m.Value)))
		}
		t.row(cells...)
	}
	return t.print()
}

// printDifferences compares each model with the ones before it: the second with the first, all later ones with the second.
func printDifferences(env *environment, items []sight.Item, seeing []benchRun) error {
	if len(seeing) < 2 {
		return nil
	}
	fmt.Fprintln(env.stdout, "Paired differences on the same items in points, with 95 % intervals and the exact McNemar test's p")
	t := newTable(env.stdout, "", "models", "difference", "p")
	for _, name := range []string{"detail", "hallucination", "legible"} {
		at := slices.IndexFunc(sight.Measures, func(m sight.Measure) bool { return m.Name == name })
		m := sight.Measures[at]
		for i := 1; i < len(seeing); i++ {
			base, now := seeing[min(i-1, 1)], seeing[i]
			c := stats.Compare(values(items, base, m.Of, m.Value), values(items, now, m.Of, m.Value), nil)
			if c.N == 0 {
				continue
			}
			t.row(m.Title, now.Name+" - "+base.Name, difference(c), fmt.Sprintf("%.2g", c.P))
		}
	}
	return t.print()
}

func marks(_ sight.Item, _ string, score float64) float64 { return score }

// values are what a run's answers count on the items of a kind. An item that got no answer counts as an empty text with
// score 0.
func values(items []sight.Item, r benchRun, of func(sight.Item) bool, value func(sight.Item, string, float64) float64) []float64 {
	var out []float64
	for i, it := range items {
		if of(it) {
			mark, _ := r.run.Samples[i].Mark()
			out = append(out, value(it, r.run.Samples[i].Text, mark))
		}
	}
	return out
}

func percent(values []float64) string {
	if len(values) == 0 {
		return "-"
	}
	e := stats.Mean(values, nil)
	return fmt.Sprintf("%.1f (%.1f-%.1f)", 100*e.Value, 100*e.CI.Low, 100*e.CI.High)
}

func difference(c stats.Paired) string {
	return fmt.Sprintf("%+.1f (%+.1f to %+.1f)", 100*c.Difference, 100*c.CI.Low, 100*c.CI.High)
}
