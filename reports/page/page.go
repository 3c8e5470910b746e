// Package page writes a report as one HTML file that needs nothing else: no network, no server, no other file. Tables sort,
// and a browser of the samples shows pictures, tiles and the answers of all runs side by side.
//
// The files under assets are the page's style and program, written by hand. Everything that comes from runs reaches the page
// escaped by html/template, or as JSON that the program puts into text nodes only; a content security policy forbids the page
// to load anything.
package page

import (
	"bytes"
	"crypto/sha256"
	_ "embed"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"html"
	"html/template"
	"io"
	"path/filepath"
	"strings"

	"llavabench/internal/imaging"
	"llavabench/internal/rundir"
	"llavabench/reports/plots"
	"llavabench/reports/study"
	"llavabench/reports/tables"
)

var (
	//go:embed assets/page.html
	pageHTML string
	//go:embed assets/page.css
	pageCSS string
	//go:embed assets/page.js
	pageJS string
)

// A Section is a study with what was made of it.
type Section struct {
	Study   study.Study
	Tables  []tables.Table
	Figures []*plots.Figure
	Missing []plots.Missing
}

// A Region is where a view lies on its picture, in pixels of the picture. Kind is "whole", "global", "tile" or "kept".
type Region struct {
	Kind       string
	X, Y, W, H float64
}

// Options are where a page gets from what is not in the runs.
type Options struct {
	Title string
	Intro []string // paragraphs below the title
	// Picture gives the picture of a sample again; nil for a page without pictures.
	Picture func(rundir.Manifest, rundir.Sample) (*imaging.RGB, error)
	// Views gives where the views of a picture lie on it; nil for a page without tiles.
	Views func(rundir.System, imaging.Size) ([]Region, error)
	// PictureBytes bounds the thumbnails of the page all together, as JPEG.
	PictureBytes int64
	// Progress is told how many of total samples are prepared. It may be nil.
	Progress func(stage string, done, total int)
}

// Write writes the page. The same sections and pictures are the same bytes. The notes say what was left out.
func Write(w io.Writer, sections []Section, o Options) (notes []string, err error) {
	if len(sections) == 0 {
		return nil, fmt.Errorf("there is nothing to report on")
	}
	data, notes, err := collect(sections, o)
	if err != nil {
		return nil, err
	}
	// HTML escaping of <, > and & is on: nothing in the data can end the element.
	raw, err := json.Marshal(data)
	if err != nil {
		return nil, err
	}
	program := sha256.Sum256([]byte(pageJS))
	view := pageView{
		Title: o.Title, CSS: template.CSS(pageCSS), JS: template.HTML("<script>" + pageJS + "</script>"),
		Policy: "default-src 'none'; img-src data:; style-src 'unsafe-inline'; script-src 'sha256-" + base64.StdEncoding.EncodeToString(program[:]) + "'",
		Data:   template.HTML(`<script type="application/json" id="data">` + string(raw) + `</script>`),
		Intro:  o.Intro,
		Notes:  notes,
	}
	for i, s := range sections {
		v, err := sectionOf(i, s)
		if err != nil {
			return nil, err
		}
		view.Sections = append(view.Sections, v)
	}
	t, err := template.New("page").Parse(pageHTML)
	if err != nil {
		return nil, err
	}
	return notes, t.Execute(w, view)
}

type pageView struct {
	Title    string
	CSS      template.CSS
	JS       template.HTML
	Policy   string
	Data     template.HTML
	Intro    []string
	Notes    []string
	Sections []sectionView
}

type sectionView struct {
	ID      string
	Title   string
	Summary []string
	Runs    []runView
	Tables  []tableView
	Figures []figureView
	Missing []plots.Missing
}

type runView struct {
	Name      string
	Path      string
	Scored    bool
	Accuracy  string
	Low, High float64 // percent, for the bar
	Value     float64
	Tokens    string
	Failed    int
	Manifest  string // as JSON
	Command   string
	Reproduce string
	Files     []rundir.File
	Facts     [][2]string
}

type tableView struct {
	ID      string
	Title   string
	Caption string
	Columns []tables.Column
	Rows    [][]cellView
	Notes   []string
	Sources []sourceView
}

type cellView struct {
	Text     string
	Interval string
	Sort     string // what the column sorts by: a number, or the text
	Class    string
}

type sourceView struct{ Name, Text string }

type figureView struct {
	ID      string
	Title   string
	Caption string
	SVG     template.HTML
}

func sectionOf(i int, s Section) (sectionView, error) {
	v := sectionView{ID: fmt.Sprintf("s%d", i), Title: s.Study.Title(), Missing: s.Missing, Summary: summary(s.Study)}
	for _, r := range s.Study.Runs {
		run, err := runOf(r)
		if err != nil {
			return v, err
		}
		v.Runs = append(v.Runs, run)
	}
	for _, t := range s.Tables {
		view, err := tableOf(v.ID, t)
		if err != nil {
			return v, err
		}
		v.Tables = append(v.Tables, view)
	}
	for _, f := range s.Figures {
		svg, err := f.SVG()
		if err != nil {
			return v, err
		}
		label := ` role="img" aria-label="` + html.EscapeString(f.Title) + `"`
		v.Figures = append(v.Figures, figureView{v.ID + "-" + f.Name, f.Title, f.Caption, template.HTML(strings.Replace(svg, "<svg", "<svg"+label, 1))})
	}
	return v, nil
}

// summary says in sentences what can be said.
func summary(s study.Study) []string {
	least, most := s.Scored()
	if most == 0 {
		return []string{fmt.Sprintf("%d runs over %s. No answer has a score: the questions have no references.", len(s.Runs), s.Title())}
	}
	var out []string
	n := fmt.Sprint(most)
	if least != most {
		n = fmt.Sprintf("%d to %d", least, most)
	}
	out = append(out, fmt.Sprintf("%d runs over %s, %s scored questions each.", len(s.Runs), s.Title(), n))
	if len(s.Runs) > 1 {
		if best, ok := s.Best(nil); ok {
			a := s.Runs[best].Accuracy(nil)
			out = append(out, fmt.Sprintf("%s is the most accurate with %.1f %% [%.1f, %.1f]; the difference to the second is significant (paired test, p < 0.05).", s.Runs[best].Name, 100*a.Value, 100*a.CI.Low, 100*a.CI.High))
		} else {
			out = append(out, "The difference between the two most accurate runs is not significant at these numbers of questions.")
		}
	}
	return out
}

func runOf(r study.Run) (runView, error) {
	m := r.Manifest
	raw, err := json.MarshalIndent(m, "", "  ")
	if err != nil {
		return runView{}, err
	}
	a := r.Accuracy(nil)
	v := runView{Name: r.Name, Path: r.Path, Scored: a.N > 0, Failed: r.Failed(), Manifest: string(raw), Command: quote(m.Command), Files: m.System.Files,
		Reproduce: quote([]string{"llavabench", "reproduce", filepath.ToSlash(filepath.Join(r.Path, "manifest.json"))})}
	if v.Scored {
		v.Accuracy = fmt.Sprintf("%.1f %% [%.1f, %.1f]", 100*a.Value, 100*a.CI.Low, 100*a.CI.High)
		v.Value, v.Low, v.High = 100*a.Value, 100*a.CI.Low, 100*a.CI.High
	}
	if t := r.ImageTokens(); t == t {
		v.Tokens = fmt.Sprintf("%.0f", t)
	}
	ended := "not finished"
	if m.Ended != nil {
		ended = m.Ended.UTC().Format("2006-01-02 15:04:05 UTC")
	}
	v.Facts = [][2]string{
		{"model", m.System.Model}, {"variant", m.System.Variant}, {"weights", m.System.DType}, {"numerics", m.System.Numerics},
		{"suite", fmt.Sprintf("%s, version %s, %d items", m.Suite.Name, m.Suite.Version, m.Suite.Items)},
		{"machine", fmt.Sprintf("%s, %s, %d threads, %s/%s", m.Machine.CPU, m.Machine.ISA, m.Machine.Threads, m.Machine.OS, m.Machine.Arch)},
		{"code", fmt.Sprintf("%s, %s", orUnknown(m.Machine.Revision), m.Machine.Go)},
		{"started", m.Started.UTC().Format("2006-01-02 15:04:05 UTC")}, {"ended", ended},
	}
	return v, nil
}

func orUnknown(s string) string {
	if s == "" {
		return "revision unknown"
	}
	return s
}

// quote writes a command so that a shell reads it back.
func quote(args []string) string {
	var out []string
	for _, a := range args {
		if a == "" || strings.ContainsFunc(a, func(r rune) bool {
			return !(r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || strings.ContainsRune("-_./=:,+@%", r))
		}) {
			a = "'" + strings.ReplaceAll(a, "'", `'\''`) + "'"
		}
		out = append(out, a)
	}
	return strings.Join(out, " ")
}

func tableOf(section string, t tables.Table) (tableView, error) {
	v := tableView{ID: section + "-table-" + t.Name, Title: t.Title, Caption: t.Caption, Columns: t.Columns, Notes: t.Notes}
	for _, row := range t.Rows {
		var cells []cellView
		for i, c := range row {
			view := cellView{Text: c.Main(), Interval: c.Interval(), Sort: c.Plain()}
			if !t.Columns[i].Text {
				view.Class = "number"
			}
			if c.Best {
				view.Class += " best"
			}
			if t.Columns[i].Published {
				view.Class += " published"
			}
			cells = append(cells, view)
		}
		v.Rows = append(v.Rows, cells)
	}
	for _, f := range []struct{ format, name string }{{"md", "Markdown"}, {"tex", "LaTeX"}, {"csv", "CSV"}} {
		var b bytes.Buffer
		if err := t.WriteTo(&b, f.format); err != nil {
			return v, err
		}
		v.Sources = append(v.Sources, sourceView{f.name, b.String()})
	}
	return v, nil
}
