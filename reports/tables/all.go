package tables

import (
	"fmt"
	"slices"
	"strings"

	"llavabench/internal/rundir"
	"llavabench/internal/stats"
	"llavabench/reports/published"
	"llavabench/reports/study"
)

// All makes every table that the runs of a study hold the data of.
func All(s study.Study) []Table {
	var out []Table
	if s.Baseline {
		out = append(out, Comparison(s))
	}
	if t := official(s); len(t.Rows) > 0 {
		out = append(out, t)
	}
	out = append(out, accuracy(s))
	if len(s.Categories()) > 0 {
		out = append(out, categories(s))
	}
	if t := differences(s); len(t.Rows) > 0 {
		out = append(out, t)
	}
	if t := latency(s); len(t.Rows) > 0 {
		out = append(out, t)
	}
	if t := costs(s); len(t.Rows) > 0 {
		out = append(out, t, percentiles(s))
	}
	if t := reference(s); len(t.Rows) > 0 {
		out = append(out, t)
	}
	out = append(out, settings(s))
	for i := range out {
		out[i].Caption = study.Visible(out[i].Caption)
	}
	return out
}

// Words that captions share.
const (
	intervalWords = "Brackets hold 95 % intervals; questions about one picture are taken together."
	boldWords     = "Bold (a star in the terminal): better than the second by a paired test on the same questions, p < 0.05; without it nothing is claimed."
)

// accuracy is the main table: a row for each run.
func accuracy(s study.Study) Table {
	t := Table{Name: "accuracy", Title: "Accuracy of " + s.Title(), Columns: []Column{
		{Key: "run", Title: "run", Text: true}, {Key: "variant", Title: "variant", Text: true}, {Key: "weights", Title: "weights", Text: true},
		{Key: "questions", Title: "n"}, {Key: "accuracy_percent", Title: "accuracy", Unit: "%"}, {Key: "failed", Title: "failed"},
		{Key: "image_tokens", Title: "image tokens"}, {Key: "prompt_tokens", Title: "prompt", Unit: "positions"},
	}}
	scored, isScored := headlineColumn(s)
	if isScored {
		t.Columns = append(t.Columns, scored)
	}
	released := slices.ContainsFunc(s.Runs, func(r study.Run) bool { return ofModel(r).Number })
	if released {
		t.Columns = append(t.Columns, Column{Key: "published_not_measured", Title: "of this model", Unit: scored.Unit, Published: true})
		t.Notes = append(t.Notes, "Published values are those of the released models as their authors state them for the official score of the same split; they were not measured here.")
	}
	best, ok := s.Best(nil)
	for i, r := range s.Runs {
		a := r.Accuracy(nil)
		acc := percent(a)
		acc.Best = ok && i == best
		row := []Cell{text(r.Name), text(r.Manifest.System.Variant), text(r.Manifest.System.DType), value(float64(a.N), 0), acc, value(float64(r.Failed()), 0),
			value(r.ImageTokens(), 0), value(r.PromptTokens(), 0)}
		if isScored {
			row = append(row, headline(r))
		}
		if released {
			row = append(row, ofModel(r))
		}
		t.Rows = append(t.Rows, row)
	}
	t.Caption = about(s) + " Questions that failed count as wrong. " + intervalWords + " " + boldWords
	if isScored {
		t.Caption += " Accuracy is the mean mark of single questions; the official score may be made of them in another way."
	}
	return t
}

// about says what was run: models, data, number of questions, settings.
func about(s study.Study) string {
	var models, scorers []string
	for _, r := range s.Runs {
		if m := r.Manifest.System.Model; !slices.Contains(models, m) {
			models = append(models, m)
		}
		for _, x := range r.Samples {
			if x.Scorer != "" && !slices.Contains(scorers, x.Scorer) {
				scorers = append(scorers, x.Scorer)
			}
		}
	}
	least, most := s.Scored()
	n := fmt.Sprint(most)
	if least != most {
		n = fmt.Sprintf("%d to %d", least, most)
	}
	var same []string
	for _, set := range s.Settings() {
		if name, ok := strings.CutPrefix(set.Name, "settings."); ok && set.Same && set.Values[0] != "" {
			same = append(same, name+" = "+set.Values[0])
		}
	}
	out := fmt.Sprintf("Models: %s. Data: %s, version %s, n = %s scored questions.", strings.Join(models, ", "), s.Title(), shortVersion(s.Suite.Version), n)
	if len(scorers) > 0 {
		out += " Scored by: " + strings.Join(scorers, "; ") + "."
	}
	if len(same) > 0 {
		out += " Settings: " + strings.Join(same, ", ") + "."
	}
	return out
}

// shortVersion cuts a digest to what tells it from others.
func shortVersion(v string) string {
	if len(v) == 64 {
		return v[:12]
	}
	return v
}

// categories has a row for each category and a column for each run.
func categories(s study.Study) Table {
	t := Table{Name: "categories", Title: "Accuracy by category", Columns: []Column{{Key: "category", Title: "category", Text: true}, {Key: "questions", Title: "n"}}}
	for _, r := range s.Runs {
		t.Columns = append(t.Columns, Column{Key: r.Name, Title: r.Name, Unit: "%"})
	}
	row := func(name string, keep func(rundir.Sample) bool) {
		best, ok := s.Best(keep)
		cells := []Cell{text(name), {}}
		most := 0
		for i, r := range s.Runs {
			e := r.Accuracy(keep)
			most = max(most, e.N)
			c := percent(e)
			c.Best = ok && i == best
			cells = append(cells, c)
		}
		cells[1] = value(float64(most), 0)
		t.Rows = append(t.Rows, cells)
	}
	for _, c := range s.Categories() {
		row(c, study.In(c))
	}
	row("all", nil)
	t.Caption = about(s) + " " + intervalWords + " " + boldWords
	return t
}

// differences compares every two runs question by question.
func differences(s study.Study) Table {
	t := Table{Name: "differences", Title: "Paired differences", Columns: []Column{
		{Key: "run", Title: "run", Text: true}, {Key: "base", Title: "compared with", Text: true}, {Key: "questions", Title: "n"},
		{Key: "difference_points", Title: "difference", Unit: "points"}, {Key: "better", Title: "better"}, {Key: "worse", Title: "worse"},
		{Key: "p", Title: "p"}, {Key: "p_holm", Title: "p, Holm"}, {Key: "test", Title: "test", Text: true},
	}}
	for _, p := range s.Pairs() {
		d := interval(100*p.Difference, 100*p.CI.Low, 100*p.CI.High, 1)
		t.Rows = append(t.Rows, []Cell{text(s.Runs[p.New].Name), text(s.Runs[p.Base].Name), value(float64(p.N), 0), d,
			value(float64(p.Better), 0), value(float64(p.Worse), 0), pValue(p.P), pValue(p.Holm), text(p.Test)})
	}
	t.Caption = about(s) + " Difference in accuracy on the questions that both runs answered, in percentage points, with 95 % intervals; better and worse count the questions. " +
		"Holm: corrected for the number of pairs."
	return t
}

// latency has the times and the memory of each run.
func latency(s study.Study) Table {
	t := Table{Name: "latency", Title: "Latency and speed", Columns: []Column{{Key: "run", Title: "run", Text: true}, {Key: "image_tokens", Title: "image tokens"}}}
	var stages []string
	for _, r := range s.Runs {
		for _, stage := range r.Stages() {
			if !slices.Contains(stages, stage) {
				stages = append(stages, stage)
			}
		}
	}
	for _, stage := range stages {
		t.Columns = append(t.Columns, Column{Key: key(stage) + "_ms", Title: stage, Unit: "ms"})
	}
	t.Columns = append(t.Columns, Column{Key: "first_token_ms", Title: "first token", Unit: "ms"}, Column{Key: "answer_ms", Title: "answer", Unit: "ms"},
		Column{Key: "prefill_positions_per_s", Title: "prefill", Unit: "positions/s"}, Column{Key: "decode_tokens_per_s", Title: "decoding", Unit: "tokens/s"},
		Column{Key: "weights_mb", Title: "weights", Unit: "MB"})
	var machines []string
	for _, r := range s.Runs {
		if len(r.Latencies()) == 0 {
			continue
		}
		row := []Cell{text(r.Name), value(r.ImageTokens(), 0)}
		for _, stage := range stages {
			row = append(row, value(stats.Median(r.Stage(stage)), 2))
		}
		row = append(row, quartiles(r.FirstToken(), 1), quartiles(r.Latencies(), 1), quartiles(rates(r.Prefill()), 0), quartiles(rates(r.Decode()), 0))
		weights := Cell{}
		if w := r.Manifest.Work; w != nil {
			weights = value(float64(w.WeightBytes)/1e6, 1)
		}
		t.Rows = append(t.Rows, append(row, weights))
		m := r.Manifest.Machine
		if name := fmt.Sprintf("%s, %s, %d threads", m.CPU, m.ISA, m.Threads); !slices.Contains(machines, name) {
			machines = append(machines, name)
		}
	}
	t.Caption = about(s) + " Medians over the questions; brackets hold quartiles. " + costWords + " Machine: " + strings.Join(machines, "; ") + "."
	if len(machines) > 1 {
		t.Notes = append(t.Notes, "The runs were timed on different machines or with different numbers of threads: their times cannot be compared.")
	}
	return t
}

func rates(speeds []study.Speed) []float64 {
	out := make([]float64, len(speeds))
	for i, s := range speeds {
		out[i] = s.Rate
	}
	return out
}

// quartiles is a median with its quartiles.
func quartiles(v []float64, digits int) Cell {
	if len(v) == 0 {
		return Cell{}
	}
	return interval(stats.Median(v), stats.Quantile(v, 0.25), stats.Quantile(v, 0.75), digits)
}

// key makes a name usable as a column of a program.
func key(name string) string {
	return strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' || r >= '0' && r <= '9' {
			return r
		}
		return '_'
	}, strings.ToLower(name))
}

// reference lists what is published for the suite.
func reference(s study.Study) Table {
	t := Table{Name: "published", Title: "Published values, not measured here", Columns: []Column{
		{Key: "model", Title: "model", Text: true}, {Key: "metric", Title: "metric", Text: true}, {Key: "value", Title: "value", Published: true}, {Key: "source", Title: "source", Text: true}}}
	for _, v := range published.For(s.Suite.Name) {
		t.Rows = append(t.Rows, []Cell{text(v.Model), text(v.Metric), value(v.Value, v.Digits), text(v.Source)})
	}
	t.Caption = "What the authors of the released models state for this benchmark. Other code, prompts and scorers can differ by more than the models do."
	return t
}

// always are the settings that are shown even where all runs agree.
var always = []string{"model", "variant", "dtype", "numerics", "machine.cpu", "machine.isa", "machine.threads", "code.revision"}

// settings shows what the runs were made with, as far as it differs.
func settings(s study.Study) Table {
	t := Table{Name: "settings", Title: "Settings", Columns: []Column{{Key: "setting", Title: "setting", Text: true}}}
	for _, r := range s.Runs {
		t.Columns = append(t.Columns, Column{Key: r.Name, Title: r.Name, Text: true})
	}
	same := 0
	for _, set := range s.Settings() {
		if set.Same && !slices.Contains(always, set.Name) {
			same++
			continue
		}
		row := []Cell{text(set.Name)}
		for _, v := range set.Values {
			row = append(row, Cell{Text: v, Brief: brief(v)})
		}
		t.Rows = append(t.Rows, row)
	}
	t.Caption = "What the runs were made with, as far as it differs between them."
	if same > 0 {
		t.Notes = append(t.Notes, fmt.Sprintf("%d further settings are the same in all runs; every manifest lists them.", same))
	}
	return t
}

// brief cuts the middle out of a long value.
func brief(v string) string {
	const most = 40
	r := []rune(v)
	if len(r) <= most {
		return v
	}
	return string(r[:most-12]) + "…" + string(r[len(r)-11:])
}
