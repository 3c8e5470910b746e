package tables

import (
	"fmt"
	"slices"

	"llavabench/internal/stats"
	"llavabench/reports/study"
)

// Comparison has a row for each run: how accurate it is, what it costs, and how far it is from the first run on the same
// questions. It is about studies whose first run is the baseline.
func Comparison(s study.Study) Table {
	t := Table{Name: "comparison", Title: "Compared with " + s.Runs[0].Name, Columns: []Column{
		{Key: "run", Title: "run", Text: true}, {Key: "questions", Title: "n"}, {Key: "accuracy_percent", Title: "accuracy", Unit: "%"},
		{Key: "difference_points", Title: "difference", Unit: "points"}, {Key: "p_holm", Title: "p, Holm"}, {Key: "better", Title: "better"}, {Key: "worse", Title: "worse"},
		{Key: "image_tokens", Title: "image tokens"}, {Key: "prompt_tokens", Title: "prompt", Unit: "positions"},
		{Key: "answer_ms", Title: "answer", Unit: "ms"}, {Key: "questions_per_hour", Title: "questions/h"}, {Key: "weights_mb", Title: "weights", Unit: "MB"}, {Key: "peak_memory_mb", Title: "peak memory", Unit: "MB"},
	}}
	scored, isScored := headlineColumn(s)
	if isScored {
		t.Columns = slices.Insert(t.Columns, 2, scored)
	}
	against := map[int]study.Pair{}
	pairs := s.Pairs()
	for _, p := range pairs {
		if p.Base == 0 {
			against[p.New] = p
		}
	}
	failed, reused := 0, 0
	for i, r := range s.Runs {
		a := r.Accuracy(nil)
		failed += r.Failed()
		reused += r.Reused
		row := []Cell{text(r.Name), value(float64(a.N), 0), percent(a)}
		if isScored {
			row = slices.Insert(row, 2, headline(r))
		}
		if p, ok := against[i]; ok {
			row = append(row, interval(100*p.Difference, 100*p.CI.Low, 100*p.CI.High, 1), pValue(p.Holm), value(float64(p.Better), 0), value(float64(p.Worse), 0))
		} else {
			row = append(row, Cell{}, Cell{}, Cell{}, Cell{})
		}
		weights := Cell{}
		if w := r.Manifest.Work; w != nil {
			weights = value(float64(w.WeightBytes)/1e6, 2)
		}
		perHour, peak := Cell{}, Cell{}
		if c := r.Cost; c != nil {
			perHour, peak = positive(c.QuestionsPerHour, 0), positive(float64(c.PeakRSS)/1e6, 0)
		}
		t.Rows = append(t.Rows, append(row, value(r.ImageTokens(), 0), value(r.PromptTokens(), 0), value(stats.Median(r.Latencies()), 1), perHour, weights, peak))
	}
	t.Caption = about(s) + fmt.Sprintf(" Differences to %s on the same questions, in percentage points; better and worse count the questions. Holm: corrected for %d comparisons. ", s.Runs[0].Name, len(pairs)) +
		intervalWords + " Times are medians of a whole answer. " + costWords
	if failed > 0 {
		t.Notes = append(t.Notes, fmt.Sprintf("%d questions failed, over all runs; they count as wrong.", failed))
	}
	if reused > 0 {
		t.Notes = append(t.Notes, fmt.Sprintf("%d answers, over all runs, took vision features from an earlier run: the times of an answer are of the others.", reused))
	}
	return t
}
