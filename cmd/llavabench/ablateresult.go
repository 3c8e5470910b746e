package main

import (
	"encoding/json"
	"fmt"
	"io"
	"math"
	"path/filepath"
	"slices"
	"strings"

	"llavabench/eval/ablation"
	"llavabench/internal/atomicfile"
	"llavabench/internal/rundir"
	"llavabench/internal/stats"
	"llavabench/reports/study"
)

// A studyResult is what came out of a study, beside its runs. It is written to ablation.json.
type studyResult struct {
	Title      string       `json:"title"`
	Question   string       `json:"question,omitempty"`
	Background string       `json:"background,omitempty"`
	Baseline   string       `json:"baseline"`
	Cells      []cellResult `json:"cells"`
	Verdicts   []verdict    `json:"claims,omitempty"`
}

type cellResult struct {
	Name       string            `json:"name"`
	Settings   map[string]string `json:"settings"`
	Run        string            `json:"run,omitempty"` // below the study's directory
	Impossible string            `json:"impossible,omitempty"`
	Accuracy   *float64          `json:"accuracy,omitempty"`
	CI         *stats.Interval   `json:"ci95,omitempty"`
	// Tokens is the mean number of image tokens of a question.
	Tokens *float64 `json:"image_tokens,omitempty"`
	// Against is the comparison with the baseline; absent for that one itself.
	Against *pairedCell `json:"against_baseline,omitempty"`
}

// A pairedCell is a paired comparison, corrected for the number of cells.
type pairedCell struct {
	stats.Paired
	Holm float64 `json:"p_holm"`
}

// The outcomes of a claim.
const (
	agrees    = "agrees"
	disagrees = "disagrees"
	notShown  = "not shown" // the data do not tell
	notTested = "not tested"
)

// A verdict is what the runs say about a claim.
type verdict struct {
	Says       string         `json:"says"`
	Source     string         `json:"source,omitempty"`
	Cell       string         `json:"cell"`
	Than       string         `json:"than"`
	Direction  string         `json:"direction"`
	Within     float64        `json:"within_points,omitempty"`
	Categories []string       `json:"categories,omitempty"`
	Outcome    string         `json:"outcome"`
	N          int            `json:"n"`
	Difference float64        `json:"difference"`
	CI         stats.Interval `json:"ci95"`
	P          float64        `json:"p"`
	Holm       float64        `json:"p_holm"` // corrected for the number of claims
}

// result judges the claims of a study by its runs.
func (p plan) result(runs []study.Run) studyResult {
	r := studyResult{Title: p.spec.Title, Question: strings.TrimSpace(p.spec.Question), Background: strings.TrimSpace(p.spec.Background), Baseline: p.spec.Cells[0].Name}
	at := map[string]int{}
	for i, x := range runs {
		at[x.Name] = i
	}
	for _, c := range p.cells {
		out := cellResult{Name: c.spec.Name, Settings: map[string]string{}}
		for _, s := range c.spec.Settings {
			out.Settings[s.Key] = s.Value
		}
		if c.reason != nil {
			out.Impossible = c.reason.Error()
			r.Cells = append(r.Cells, out)
			continue
		}
		run := runs[at[c.spec.Name]]
		out.Run = c.spec.Name
		if a := run.Accuracy(nil); a.N > 0 {
			out.Accuracy, out.CI = &a.Value, &a.CI
		}
		if n := run.ImageTokens(); !math.IsNaN(n) {
			out.Tokens = &n
		}
		r.Cells = append(r.Cells, out)
	}
	for _, x := range study.Against(runs).Pairs() {
		i := slices.IndexFunc(r.Cells, func(c cellResult) bool { return c.Name == runs[x.New].Name })
		r.Cells[i].Against = &pairedCell{x.Paired, x.Holm}
	}
	r.Verdicts = verdicts(p.spec.Claims, study.Study{Runs: runs}, at)
	return r
}

// verdicts holds claims against the runs, of which at has the index by name.
func verdicts(claims []ablation.Claim, s study.Study, at map[string]int) []verdict {
	var out []verdict
	var ps []float64 // of the claims that are tested by their p, which of names
	var of []int
	for i, c := range claims {
		v := verdict{Says: strings.TrimSpace(c.Says), Source: c.Source, Cell: c.Cell, Than: c.Than, Direction: string(c.Direction), Within: c.Within, Categories: c.Categories, Outcome: notTested, P: 1, Holm: 1}
		cell, ok := at[c.Cell]
		than, okThan := at[c.Than]
		if ok && okThan {
			pair := s.Compare(than, cell, func(x rundir.Sample) bool { return len(c.Categories) == 0 || slices.Contains(c.Categories, x.Category) })
			if pair.N > 0 {
				v.Outcome, v.N, v.Difference, v.CI, v.P = notShown, pair.N, pair.Difference, pair.CI, pair.P
				if c.Direction != ablation.Similar {
					ps, of = append(ps, v.P), append(of, i)
				}
			}
		}
		out = append(out, v)
	}
	for k, holm := range stats.Holm(ps) {
		out[of[k]].Holm = holm
	}
	for i := range out {
		out[i].decide()
	}
	return out
}

// decide settles the outcome of a claim that was tested. A difference is shown where its corrected p is below 0.05; similarity
// where the whole 95 % interval lies within the margin (Schuirmann 1987, two one-sided tests), and its contrary where none of it
// does.
func (v *verdict) decide() {
	if v.Outcome == notTested {
		return
	}
	margin := v.Within / 100
	switch shown := v.Holm < 0.05; {
	case v.Direction == string(ablation.Similar):
		if v.CI.Low > -margin && v.CI.High < margin {
			v.Outcome = agrees
		} else if v.CI.Low >= margin || v.CI.High <= -margin {
			v.Outcome = disagrees
		}
	case shown && (v.Difference > 0) == (v.Direction == string(ablation.Better)):
		v.Outcome = agrees
	case shown:
		v.Outcome = disagrees
	}
}

// sentence is the verdict for people.
func (v verdict) sentence() string {
	says := v.Says
	if v.Source != "" {
		says += " (" + v.Source + ")"
	}
	if v.Outcome == notTested {
		return fmt.Sprintf("Not tested: %s. %s or %s was not run on the questions that it is about.", says, v.Cell, v.Than)
	}
	on := fmt.Sprintf("%d questions", v.N)
	if len(v.Categories) > 0 {
		on += " of " + strings.Join(v.Categories, " and ")
	}
	figures := fmt.Sprintf("%s is %+.1f points from %s (95 %% interval %+.1f to %+.1f) on %s", v.Cell, 100*v.Difference, v.Than, 100*v.CI.Low, 100*v.CI.High, on)
	switch v.Outcome {
	case agrees, disagrees:
		sure := fmt.Sprintf("p = %.2g after Holm's correction", v.Holm)
		if v.Direction == string(ablation.Similar) {
			sure = fmt.Sprintf("the margin is %g points", v.Within)
		}
		return fmt.Sprintf("%s: %s. Here %s; %s.", strings.ToUpper(v.Outcome[:1])+v.Outcome[1:], says, figures, sure)
	}
	why := fmt.Sprintf("which shows no difference (p = %.2g after Holm's correction)", v.Holm)
	if v.Direction == string(ablation.Similar) {
		why = fmt.Sprintf("which leaves open whether they are within %g points", v.Within)
	}
	return fmt.Sprintf("Not shown: %s. Here %s, %s.", says, figures, why)
}

// lines are the result in sentences: the question, what is known, the verdicts, and what was left out.
func (r studyResult) lines() []string {
	var out []string
	for _, text := range []string{r.Question, r.Background} {
		if text != "" {
			out = append(out, strings.Join(strings.Fields(text), " "))
		}
	}
	for _, v := range r.Verdicts {
		out = append(out, v.sentence())
	}
	for _, c := range r.Cells {
		if c.Impossible != "" {
			out = append(out, fmt.Sprintf("Left out: %s: %s.", c.Name, c.Impossible))
		}
	}
	return out
}

// write leaves the result in the study's directory.
func (r studyResult) write(dir string) error {
	return atomicfile.Write(filepath.Join(dir, "ablation.json"), func(w io.Writer) error {
		enc := json.NewEncoder(w)
		enc.SetIndent("", "  ")
		return enc.Encode(r)
	})
}
