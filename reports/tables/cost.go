package tables

import (
	"fmt"
	"slices"

	"llavabench/internal/cost"
	"llavabench/reports/study"
)

// costWords say what all times leave out and what they are where questions go together.
const costWords = "Each session's first batch is left out as warm-up. Stages of questions that were answered together are shares of their time; first token and answer are on the clock, from the beginning of the batch."

// costs has what a run needed beside time: speed, memory and, where a run could read it, energy.
func costs(s study.Study) Table {
	t := Table{Name: "cost", Title: "Cost of an answer", Columns: []Column{
		{Key: "run", Title: "run", Text: true}, {Key: "answers", Title: "n"}, {Key: "warm_up", Title: "warm-up"}, {Key: "together", Title: "together"},
		{Key: "questions_per_hour", Title: "questions/h"}, {Key: "image_tokens", Title: "image tokens"}, {Key: "prompt_tokens", Title: "prompt", Unit: "positions"},
		{Key: "peak_memory_mb", Title: "peak memory", Unit: "MB"},
	}}
	t.Caption = about(s) + " Each session's first batch is left out as warm-up. Peak memory is of the process that ran the model."
	energy := slices.ContainsFunc(s.Runs, func(r study.Run) bool { return r.Cost != nil && r.Cost.Energy != nil })
	if energy {
		t.Columns = append(t.Columns, Column{Key: "energy_j", Title: "energy", Unit: "J"})
		t.Caption += " Energy is of the machine's processors for one answer, where it can be read."
	}
	for _, r := range s.Runs {
		c := r.Cost
		if c == nil {
			continue
		}
		row := []Cell{text(r.Name), value(float64(c.Answers), 0), value(float64(c.WarmUp), 0), positive(float64(c.Together), 0), positive(c.QuestionsPerHour, 0),
			value(r.ImageTokens(), 0), value(r.PromptTokens(), 0), positive(float64(c.PeakRSS)/1e6, 0)}
		switch {
		case energy && c.Energy != nil:
			row = append(row, value(c.Energy.PerAnswer.Package, 2))
		case energy:
			row = append(row, Cell{})
		}
		t.Rows = append(t.Rows, row)
	}
	return t
}

// percentiles are the times that a person waits, over the answers of a run.
func percentiles(s study.Study) Table {
	t := Table{Name: "percentiles", Title: "Percentiles of times", Columns: []Column{{Key: "run", Title: "run", Text: true}, {Key: "answers", Title: "n"}}}
	quantities := []struct{ name, title string }{{cost.FirstToken, "first token"}, {cost.Total, "answer"}, {cost.PerToken, "a token"}}
	quantiles := []struct {
		name string
		of   func(cost.Figure) float64
	}{{"p50", func(f cost.Figure) float64 { return f.P50 }},
		{"p90", func(f cost.Figure) float64 { return f.P90 }}, {"p99", func(f cost.Figure) float64 { return f.P99 }}}
	for _, x := range quantities {
		for _, q := range quantiles {
			t.Columns = append(t.Columns, Column{Key: x.name + "_" + q.name + "_ms", Title: x.title + " " + q.name, Unit: "ms"})
		}
	}
	for _, r := range s.Runs {
		if r.Cost == nil {
			continue
		}
		row := []Cell{text(r.Name), value(float64(r.Cost.Answers), 0)}
		for _, x := range quantities {
			f, ok := r.Cost.Figure(x.name)
			for _, q := range quantiles {
				cell := Cell{}
				if ok {
					cell = value(q.of(f), 1)
				}
				row = append(row, cell)
			}
		}
		t.Rows = append(t.Rows, row)
		if r.Cost.Cold {
			t.Notes = append(t.Notes, fmt.Sprintf("%s answered all in one batch: its figures hold the warm-up.", r.Name))
		}
	}
	t.Caption = about(s) + " Over n answers. " + costWords + " A token is one after the first."
	return t
}

// positive is a number that is not known where it is 0.
func positive(v float64, digits int) Cell {
	if v <= 0 {
		return Cell{}
	}
	return value(v, digits)
}
