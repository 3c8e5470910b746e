package main

import (
	"fmt"
	"strings"
	"time"

	"llavabench/eval"
	"llavabench/internal/cost"
	"llavabench/internal/energy"
	"llavabench/internal/memory"
	"llavabench/internal/rundir"
)

// A usageMeter measures what a run over a model in this process uses.
type usageMeter struct {
	energy *energy.Meter // nil where the machine does not let it be read
}

// newUsageMeter begins to measure energy; close it.
func newUsageMeter() *usageMeter {
	m, err := energy.Open()
	if err != nil {
		return &usageMeter{} // energy is absent then
	}
	return &usageMeter{energy: m}
}

func (u *usageMeter) close() {
	if u.energy != nil {
		u.energy.Close()
	}
}

// read is eval.Options.Usage.
func (u *usageMeter) read() eval.Usage {
	used := eval.Usage{PeakRSS: memory.Peak()}
	if u.energy == nil {
		return used
	}
	if r, err := u.energy.Read(); err == nil {
		used.Energy = &rundir.Energy{Package: r.Package, DRAM: r.DRAM}
	}
	return used
}

// titles are what the tables call the figures of a cost; others go by their names.
var titles = map[string]string{
	cost.PerToken: "decode, each token", cost.FirstToken: "first token, on the clock", cost.Total: "whole answer, on the clock",
	"image_tokens": "image tokens", "prompt_tokens": "prompt, positions", "new_tokens": "tokens of the answer",
}

// printCosts prints what answers cost, and says what the figures are of.
func printCosts(env *environment, c *cost.Cost) error {
	if c == nil {
		return nil
	}
	w := &stickyWriter{w: env.stdout}
	w.printf("\ntimes in ms over %d answers, %s\n", c.Answers, strings.Join(c.Notes(), ", "))
	t := newTable(w, "", "mean", "p50", "p90", "p99")
	for _, f := range c.Figures {
		title, ok := titles[f.Name]
		if !ok {
			title = f.Name
		}
		digits := 1
		if f.Unit == "tokens" {
			digits = 0
		}
		cell := func(v float64) string { return fmt.Sprintf("%.*f", digits, v) }
		t.row(title, cell(f.Mean), cell(f.P50), cell(f.P90), cell(f.P99))
	}
	if err := t.print(); err != nil {
		return err
	}
	var list []string
	if c.QuestionsPerHour > 0 {
		took := time.Duration(c.Wall * float64(time.Second))
		list = append(list, fmt.Sprintf("%.0f questions per hour, %s in all", c.QuestionsPerHour, took.Round(time.Second/10)))
	}
	if c.PeakRSS > 0 {
		list = append(list, fmt.Sprintf("peak memory of the process %s", formatBytes(c.PeakRSS)))
	}
	if e := c.Energy; e != nil {
		text := fmt.Sprintf("the machine's processors used %.2f J for an answer, %.0f J in all", e.PerAnswer.Package, e.Package)
		if e.DRAM != nil {
			text += fmt.Sprintf(" (its memory %.2f J and %.0f J)", *e.PerAnswer.DRAM, *e.DRAM)
		}
		list = append(list, text)
	}
	if len(list) > 0 {
		w.printf("%s\n", strings.Join(list, "; "))
	}
	return w.err
}
