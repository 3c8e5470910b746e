package tables

import (
	"fmt"

	"llavabench/internal/cost"
	"llavabench/reports/study"
)

// costWords say what all times leave out and what they are where questions go together.
const costWords = "Each session's first batch is left out as warm-up. Stages of questions that were answered together are shares of their time; first token and answer are on the clock, from the beginning of the batch."

// costs has what a run needed: percentiles of the times, speed, memory and energy.
func costs(s study.Study) Table {
	t := Table{Name: "cost", Title: "Cost of an answer", Columns: []Column{
		{Key: "run", Title: "run", Text: true}, {Key: "answers", Title: "n"}, {Key: "warm_up", Title: "warm-up"}, {Key: "together", Title: "together"},
		{Key: "questions_per_hour", Title: "questions/h"},
	}}
	quantities := []struct{ name, title string }{{cost.FirstToken, "first token"}, {cost.Total, "answer"}, {cost.PerToken, "decoding a token"}}
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
	t.Columns = append(t.Columns, Column{Key: "image_tokens", Title: "image tokens"}, Column{Key: "prompt_tokens", Title: "prompt", Unit: "positions"},
		Column{Key: "peak_memory_mb", Title: "peak memory", Unit: "MB"}, Column{Key: "energy_j", Title: "energy", Unit: "J"})
	for _, r := range s.Runs {
		c := r.Cost
		if c == nil {
			continue
		}
		row := []Cell{text(r.Name), value(float64(c.Answers), 0), value(float64(c.WarmUp), 0), positive(float64(c.Together), 0), positive(c.QuestionsPerHour, 0)}
		for _, x := range quantities {
			f, ok := c.Figure(x.name)
			for _, q := range quantiles {
				cell := Cell{}
				if ok {
					cell = value(q.of(f), 1)
				}
				row = append(row, cell)
			}
		}
		energy := Cell{}
		if c.Energy != nil {
			energy = value(c.Energy.PerAnswer.Package, 2)
		}
		t.Rows = append(t.Rows, append(row, value(r.ImageTokens(), 0), value(r.PromptTokens(), 0), positive(float64(c.PeakRSS)/1e6, 0), energy))
		if c.Cold {
			t.Notes = append(t.Notes, fmt.Sprintf("%s answered all in one batch: its figures hold the warm-up.", r.Name))
		}
	}
	t.Caption = about(s) + " Percentiles over n answers. " + costWords + " Peak memory is of the process that ran the model; energy is of the machine's processors for one answer, where it can be read."
	return t
}

// positive is a number that is not known where it is 0.
func positive(v float64, digits int) Cell {
	if v <= 0 {
		return Cell{}
	}
	return value(v, digits)
}
