package tables

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"llavabench/internal/rundir"
	"llavabench/reports/published"
	"llavabench/reports/study"
)

// maxFigures bounds the rows of the table of official scores: suites with many categories have dozens of figures.
const maxFigures = 20

// official has the scores by the rules of the benchmark's owners: a row for each figure, a column for each run, and columns of what
// is published for the same suite, split and metric, where a run has measured just that. It has no rows where no run was scored.
func official(s study.Study) Table {
	t := Table{Name: "official", Title: "Official score of " + s.Title(), Columns: []Column{
		{Key: "figure", Title: "figure", Text: true}, {Key: "unit", Title: "unit", Text: true}}}
	var names []string
	var scorers []string
	for _, r := range s.Runs {
		t.Columns = append(t.Columns, Column{Key: r.Name, Title: r.Name}, Column{Key: r.Name + "_n", Title: "n"})
		if r.Official == nil {
			continue
		}
		for _, f := range r.Official.Figures {
			if !slices.Contains(names, f.Name) {
				names = append(names, f.Name)
			}
		}
		if sc := r.Official.Scorer; sc != "" {
			if sc = fmt.Sprintf("%s (%s)", sc, r.Official.Upstream); !slices.Contains(scorers, sc) {
				scorers = append(scorers, sc)
			}
		}
	}
	known := comparable(s)
	for _, v := range known {
		c := Column{Key: v.Model + "_published", Title: v.Model, Published: true}
		if !slices.Contains(t.Columns, c) {
			t.Columns = append(t.Columns, c)
		}
	}
	for i, name := range names {
		if i == maxFigures {
			t.Notes = append(t.Notes, fmt.Sprintf("%d more figures are in summary.json.", len(names)-i))
			break
		}
		t.Rows = append(t.Rows, officialRow(s, t.Columns, name, known))
	}
	prompts := s.Suite.Prompts
	if prompts == "" {
		prompts = "as in the question file"
	}
	t.Caption = fmt.Sprintf("%s Prompts: %s. Scored by the owners' rules: %s. n counts what a figure is made of. %s", about(s), prompts, strings.Join(scorers, "; "), intervalWords)
	if len(known) > 0 {
		t.Notes = append(t.Notes, "Published columns are not measured here: what the authors of the released models state for the same split and metric ("+known[0].Source+"). Their code, image decoding and numerics may differ.")
		for _, r := range s.Runs {
			if r.Official != nil && !slices.ContainsFunc(known, func(v published.Value) bool { _, ok := measured(v, r); return ok }) {
				t.Notes = append(t.Notes, r.Name+" is not comparable with them: it did not ask the whole split, or made its answers in another way.")
			}
		}
	}
	t.Notes = append(t.Notes, unscored(s)...)
	return t
}

// officialRow is one figure of all runs.
func officialRow(s study.Study, columns []Column, name string, known []published.Value) []Cell {
	row := make([]Cell, len(columns))
	row[0] = text(name)
	for i, r := range s.Runs {
		f, ok := figureOf(r.Official, name)
		if !ok {
			continue
		}
		row[1], row[2+2*i], row[3+2*i] = text(f.Unit), figure(f), positive(float64(f.N), 0)
	}
	for c, column := range columns {
		for _, v := range known {
			if column.Published && column.Key == v.Model+"_published" && v.Same.Figure == name {
				row[c] = value(inUnit(v.Value, row[1].Text), digitsIn(v.Digits, row[1].Text))
			}
		}
	}
	return row
}

func figureOf(o *rundir.Official, name string) (rundir.Figure, bool) {
	if o == nil {
		return rundir.Figure{}, false
	}
	i := slices.IndexFunc(o.Figures, func(f rundir.Figure) bool { return f.Name == name })
	if i < 0 {
		return rundir.Figure{}, false
	}
	return o.Figures[i], true
}

// figure is a figure of an official score with its interval.
func figure(f rundir.Figure) Cell {
	if f.Value == nil {
		return text(f.Text)
	}
	digits := map[string]int{"percent": 1, "ratio": 3, "points": 1}[f.Unit]
	if f.CI == nil {
		return value(*f.Value, digits)
	}
	return interval(*f.Value, f.CI.Low, f.CI.High, digits)
}

// inUnit is a published value, which is in percent or points, in the unit of a figure.
func inUnit(v float64, unit string) float64 {
	if unit == "ratio" {
		return v / 100
	}
	return v
}

func digitsIn(digits int, unit string) int {
	if unit == "ratio" {
		return digits + 2
	}
	return digits
}

// comparable are the published values of which a run of the study has measured the very quantity.
func comparable(s study.Study) []published.Value {
	var out []published.Value
	for _, v := range published.For(s.Suite.Name) {
		if slices.ContainsFunc(s.Runs, func(r study.Run) bool { _, ok := measured(v, r); return ok }) {
			out = append(out, v)
		}
	}
	return out
}

// measured is the figure of a run that is the very quantity of a published value: over the whole split, and with answers made as
// the papers' were.
func measured(v published.Value, r study.Run) (rundir.Figure, bool) {
	if !asPublished(r.Manifest) {
		return rundir.Figure{}, false
	}
	return v.Same.Of(r.Manifest.Suite, r.Official)
}

// ofModel is what is published of a run's own model for its first official figure; nothing where that is not the same quantity.
func ofModel(r study.Run) Cell {
	model := published.Model(r.Manifest.System.Model)
	for _, v := range published.For(r.Manifest.Suite.Name) {
		if f, ok := measured(v, r); ok && v.Model == model && f.Name == r.Official.Figures[0].Name {
			return value(inUnit(v.Value, f.Unit), digitsIn(v.Digits, f.Unit))
		}
	}
	return Cell{}
}

// asPublished reports whether answers were made as those of the papers: by generation, from the pictures.
func asPublished(m rundir.Manifest) bool {
	var settings struct {
		Blind  bool   `json:"blind"`
		Choose string `json:"choose"`
	}
	return json.Unmarshal(m.Settings, &settings) == nil && !settings.Blind && settings.Choose == ""
}

// unscored says of runs what kept them from a score.
func unscored(s study.Study) []string {
	var notes []string
	for _, r := range s.Runs {
		if r.Official == nil {
			continue
		}
		for _, n := range r.Official.Notes {
			notes = append(notes, fmt.Sprintf("%s: %s.", r.Name, strings.TrimRight(n, ".")))
		}
	}
	return notes
}

// headline is the first official figure of a run; nothing where it has none.
func headline(r study.Run) Cell {
	if r.Official == nil || len(r.Official.Figures) == 0 {
		return Cell{}
	}
	return figure(r.Official.Figures[0])
}

// headlineColumn names the first official figure of the runs; ok is false where no run has one.
func headlineColumn(s study.Study) (c Column, ok bool) {
	for _, r := range s.Runs {
		if r.Official != nil && len(r.Official.Figures) > 0 {
			f := r.Official.Figures[0]
			return Column{Key: "official", Title: "official " + f.Name, Unit: map[string]string{"percent": "%", "points": "points"}[f.Unit]}, true
		}
	}
	return Column{}, false
}
