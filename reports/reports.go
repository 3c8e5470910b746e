// Package reports turns run directories into what papers and readers need: tables, figures and one page. It reads what runs
// recorded and runs no model.
package reports

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"unicode"

	"llavabench/internal/atomicfile"
	"llavabench/reports/page"
	"llavabench/reports/plots"
	"llavabench/reports/study"
	"llavabench/reports/tables"
)

// A Run is a run directory in memory.
type Run = study.Run

// Load reads run directories and gives the runs short names.
func Load(paths []string) ([]Run, error) { return study.LoadAll(paths) }

// The names of what WriteAll makes.
const (
	PageName  = "index.html"
	IndexName = "index.json"
	LaTeXName = "report.tex"
	tablesDir = "tables"
	figureDir = "figures"
)

// Options are how a report is made.
type Options struct {
	Title string // of the page; "" is made from the suites
	// Baseline says that all runs answered the same questions, and that the first is what the others are compared with.
	Baseline bool
	page.Options
}

// An Index lists what a report consists of. It is written beside it, as IndexName.
type Index struct {
	Title   string          `json:"title"`
	Runs    []string        `json:"runs"`  // paths as given
	Page    string          `json:"page"`  // relative to the report's directory, as all files
	Files   []string        `json:"files"` // all but the index itself, in the order in which they were written
	Missing []plots.Missing `json:"missing_figures,omitempty"`
	Notes   []string        `json:"notes,omitempty"` // what was left out
}

// WriteAll writes a report about runs to the directory out, which is new, empty, or holds an earlier report: every table and
// every figure in every format, one LaTeX document with all of them, and the page. The same runs give the same bytes.
func WriteAll(out string, runs []Run, o Options) (Index, error) {
	if len(runs) == 0 {
		return Index{}, fmt.Errorf("there are no runs to report on")
	}
	old, err := earlier(out)
	if err != nil {
		return Index{}, err
	}
	groups := study.Group(runs)
	if o.Baseline {
		groups = []study.Study{study.Against(runs)}
	}
	w := &writer{out: out, index: Index{Title: o.Title, Page: PageName}}
	if w.index.Title == "" {
		w.index.Title = title(groups)
	}
	for _, r := range runs {
		w.index.Runs = append(w.index.Runs, r.Path)
	}
	var sections []page.Section
	names := map[string]bool{}
	for _, s := range groups {
		section := page.Section{Study: s, Tables: tables.All(s)}
		if section.Figures, section.Missing, err = plots.All(s); err != nil {
			return Index{}, err
		}
		prefix := ""
		if len(groups) > 1 {
			prefix = unique(names, slug(s.Title())) + "-"
		}
		if err := w.study(prefix, section); err != nil {
			return Index{}, err
		}
		sections = append(sections, section)
		w.index.Missing = append(w.index.Missing, section.Missing...)
	}
	if err := w.file(LaTeXName, w.document); err != nil {
		return Index{}, err
	}
	o.Options.Title = w.index.Title
	err = w.file(PageName, func(f io.Writer) (err error) {
		w.index.Notes, err = page.Write(f, sections, o.Options)
		return err
	})
	if err != nil {
		return Index{}, err
	}
	if err := w.clear(old); err != nil {
		return Index{}, err
	}
	return w.index, atomicfile.Write(filepath.Join(out, IndexName), func(f io.Writer) error {
		enc := json.NewEncoder(f)
		enc.SetIndent("", "  ")
		return enc.Encode(w.index)
	})
}

// earlier reads the index of a report that is in out, if there is one. Any other content is refused.
func earlier(out string) (Index, error) {
	var old Index
	entries, err := os.ReadDir(out)
	if errors.Is(err, fs.ErrNotExist) || err == nil && len(entries) == 0 {
		return old, nil
	}
	if err != nil {
		return old, err
	}
	b, err := os.ReadFile(filepath.Join(out, IndexName))
	if err == nil {
		err = json.Unmarshal(b, &old)
	}
	if err != nil || old.Page != PageName {
		return old, fmt.Errorf("%s holds %q and is not a report of before: choose a new or empty directory", out, entries[0].Name())
	}
	return old, nil
}

// title names the suites.
func title(groups []study.Study) string {
	var names []string
	for _, s := range groups {
		names = append(names, s.Title())
	}
	if len(names) > 3 {
		return fmt.Sprintf("Report on %d suites", len(names))
	}
	return "Report on " + strings.Join(names, "; ")
}

// slug makes a text the beginning of a file name.
func slug(s string) string {
	out := strings.Map(func(r rune) rune {
		if r < 0x80 && (unicode.IsLetter(r) || unicode.IsDigit(r)) {
			return unicode.ToLower(r)
		}
		return '-'
	}, s)
	for strings.Contains(out, "--") {
		out = strings.ReplaceAll(out, "--", "-")
	}
	if out = strings.Trim(out, "-"); out == "" {
		return "suite"
	}
	return out[:min(len(out), 40)]
}

// unique appends a number to a name that was given before.
func unique(given map[string]bool, name string) string {
	base := name
	for n := 2; given[name]; n++ {
		name = fmt.Sprintf("%s-%d", base, n)
	}
	given[name] = true
	return name
}

type writer struct {
	out   string
	index Index
	// parts are the body of the LaTeX document, in order.
	parts []string
}

// file writes one file below the report's directory and lists it.
func (w *writer) file(name string, body func(io.Writer) error) error {
	path := filepath.Join(w.out, filepath.FromSlash(name))
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return err
	}
	w.index.Files = append(w.index.Files, name)
	return atomicfile.Write(path, body)
}

func (w *writer) study(prefix string, s page.Section) error {
	w.parts = append(w.parts, fmt.Sprintf("\\section*{%s}", tables.Escape(s.Study.Title())))
	for _, t := range s.Tables {
		t.Name = prefix + t.Name
		for _, format := range tables.Formats {
			if err := w.file(tablesDir+"/"+t.Name+"."+format, func(f io.Writer) error { return t.WriteTo(f, format) }); err != nil {
				return err
			}
		}
		w.parts = append(w.parts, fmt.Sprintf("\\input{%s/%s.tex}", tablesDir, t.Name))
	}
	for _, f := range s.Figures {
		name := figureDir + "/" + prefix + f.Name
		for _, format := range plots.Formats {
			if err := w.file(name+"."+format, func(out io.Writer) error { return f.WriteTo(out, format) }); err != nil {
				return err
			}
		}
		w.parts = append(w.parts, fmt.Sprintf("\\begin{figure}\n\\centering\n\\includegraphics{%s.pdf}\n\\caption{\\textbf{%s.} %s}\n\\label{fig:%s}\n\\end{figure}",
			name, tables.Escape(f.Title), tables.Escape(f.Caption), prefix+f.Name))
	}
	w.parts = append(w.parts, "\\clearpage")
	return nil
}

// document is a LaTeX document of all tables and figures, to be compiled in the report's directory or copied from.
func (w *writer) document(f io.Writer) error {
	_, err := fmt.Fprintf(f, "\\documentclass{article}\n\\usepackage[T1]{fontenc}\n\\usepackage[margin=2.5cm]{geometry}\n\\usepackage{booktabs,graphicx,textcomp}\n\\extrafloats{100}\n\\begin{document}\n%s\n\\end{document}\n",
		strings.Join(w.parts, "\n"))
	return err
}

// clear removes the files of an earlier report that this one does not have.
func (w *writer) clear(old Index) error {
	for _, name := range old.Files {
		if slices.Contains(w.index.Files, name) || !ours(name) {
			continue
		}
		if err := os.Remove(filepath.Join(w.out, filepath.FromSlash(name))); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	return nil
}

// ours reports whether a name is one that WriteAll gives: an index of another hand removes nothing else.
func ours(name string) bool {
	dir, file, _ := strings.Cut(name, "/")
	ext := strings.TrimPrefix(filepath.Ext(file), ".")
	return filepath.IsLocal(filepath.FromSlash(name)) && !strings.ContainsAny(file, "/\\") &&
		(dir == tablesDir && slices.Contains(tables.Formats, ext) || dir == figureDir && slices.Contains(plots.Formats, ext))
}
