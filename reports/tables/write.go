package tables

import (
	"encoding/csv"
	"encoding/json"
	"fmt"
	"io"
	"strconv"
	"strings"

	"github.com/olekukonko/tablewriter"
	"github.com/olekukonko/tablewriter/renderer"
	"github.com/olekukonko/tablewriter/tw"

	"llavabench/reports/study"
)

// Formats are the extensions of the files that a Table is written as.
var Formats = []string{"md", "csv", "json", "tex", "txt"}

// WriteTo writes the table in one of Formats.
func (t Table) WriteTo(w io.Writer, format string) error {
	switch format {
	case "md":
		return t.Markdown(w)
	case "csv":
		return t.CSV(w)
	case "json":
		return t.JSON(w)
	case "tex":
		return t.LaTeX(w)
	case "txt":
		return t.Terminal(w)
	}
	return fmt.Errorf("tables are written as %s, not %q", strings.Join(Formats, ", "), format)
}

// CSV writes one line of column names and one line for each row, as RFC 4180 has it: UTF-8, full precision, nothing where
// there is no value. Columns with intervals are three: the value, KEY_low and KEY_high.
func (t Table) CSV(w io.Writer) error {
	out := csv.NewWriter(w)
	var head []string
	for i, c := range t.Columns {
		head = append(head, c.Key)
		if t.intervals(i) {
			head = append(head, c.Key+"_low", c.Key+"_high")
		}
	}
	if err := out.Write(head); err != nil {
		return err
	}
	for _, row := range t.Rows {
		var line []string
		for i, c := range row {
			line = append(line, c.Plain())
			if t.intervals(i) {
				low, high := "", ""
				if c.CI != nil {
					low, high = full(c.CI.Low), full(c.CI.High)
				}
				line = append(line, low, high)
			}
		}
		if err := out.Write(line); err != nil {
			return err
		}
	}
	out.Flush()
	return out.Error()
}

// intervals reports whether any cell of a column has one.
func (t Table) intervals(col int) bool {
	for _, row := range t.Rows {
		if row[col].CI != nil {
			return true
		}
	}
	return false
}

// Plain is the value for programs.
func (c Cell) Plain() string {
	if !c.Number {
		return c.Text
	}
	return full(c.Value)
}

func full(v float64) string { return strconv.FormatFloat(v, 'g', -1, 64) }

// JSON writes an object with the caption, the columns and the rows; a row is an object by the columns' keys, with null where
// there is no value.
func (t Table) JSON(w io.Writer) error {
	type column struct {
		Key       string `json:"key"`
		Title     string `json:"title"`
		Unit      string `json:"unit,omitempty"`
		Published bool   `json:"published,omitempty"`
	}
	out := struct {
		Name    string           `json:"name"`
		Title   string           `json:"title"`
		Caption string           `json:"caption"`
		Columns []column         `json:"columns"`
		Rows    []map[string]any `json:"rows"`
		Notes   []string         `json:"notes,omitempty"`
	}{Name: t.Name, Title: t.Title, Caption: t.Caption, Columns: []column{}, Rows: []map[string]any{}, Notes: t.Notes}
	for _, c := range t.Columns {
		out.Columns = append(out.Columns, column{c.Key, c.Title, c.Unit, c.Published})
	}
	for _, row := range t.Rows {
		fields := map[string]any{}
		for i, c := range row {
			key := t.Columns[i].Key
			switch {
			case c.Number:
				fields[key] = c.Value
			case c.Text != "":
				fields[key] = c.Text
			default:
				fields[key] = nil
			}
			if c.CI != nil {
				fields[key+"_low"], fields[key+"_high"] = c.CI.Low, c.CI.High
			}
			if c.Best {
				fields[key+"_best"] = true
			}
		}
		out.Rows = append(out.Rows, fields)
	}
	enc := json.NewEncoder(w)
	enc.SetIndent("", "  ")
	enc.SetEscapeHTML(false)
	return enc.Encode(out)
}

// Markdown writes a pipe table with its caption. What could be taken for markup is escaped.
func (t Table) Markdown(w io.Writer) error {
	var b strings.Builder
	fmt.Fprintf(&b, "**%s.** %s\n\n|", markdown.Replace(t.Title), markdown.Replace(t.Caption))
	for _, c := range t.Columns {
		fmt.Fprintf(&b, " %s |", markdown.Replace(c.head()))
	}
	b.WriteString("\n|")
	for _, c := range t.Columns {
		if c.Text {
			b.WriteString(" --- |")
		} else {
			b.WriteString(" ---: |")
		}
	}
	b.WriteString("\n")
	for _, row := range t.Rows {
		b.WriteString("|")
		for _, c := range row {
			s := markdown.Replace(c.Main())
			if c.Best {
				s = "**" + s + "**"
			}
			if c.CI != nil {
				s += " " + markdown.Replace(c.Interval())
			}
			fmt.Fprintf(&b, " %s |", s)
		}
		b.WriteString("\n")
	}
	for _, n := range t.Notes {
		fmt.Fprintf(&b, "\n%s\n", markdown.Replace(n))
	}
	_, err := io.WriteString(w, b.String())
	return err
}

var markdown = strings.NewReplacer("\\", "\\\\", "|", "\\|", "*", "\\*", "_", "\\_", "`", "\\`", "<", "&lt;", "&", "&amp;", "[", "\\[", "]", "\\]", "\r", " ", "\n", " ")

// Terminal prints the table with its columns aligned, a * behind the best.
func (t Table) Terminal(w io.Writer) error {
	head, text := make([]string, len(t.Columns)), make([]bool, len(t.Columns))
	for i, c := range t.Columns {
		head[i], text[i] = c.head(), c.Text
	}
	rows := make([][]string, len(t.Rows))
	for r, row := range t.Rows {
		for _, c := range row {
			cell := study.Visible(c.String())
			if c.Best {
				cell += " *"
			}
			rows[r] = append(rows[r], cell)
		}
	}
	return Align(w, head, text, rows)
}

// Align prints rows below a header in columns: those of text to the left, numbers to the right.
func Align(w io.Writer, head []string, text []bool, rows [][]string) error {
	align := make(tw.Alignment, len(head))
	for i := range align {
		align[i] = tw.AlignRight
		if text[i] {
			align[i] = tw.AlignLeft
		}
	}
	var b strings.Builder
	out := tablewriter.NewTable(&b,
		tablewriter.WithRenderer(renderer.NewBlueprint(tw.Rendition{
			Borders:  tw.Border{Left: tw.Off, Right: tw.Off, Top: tw.Off, Bottom: tw.Off},
			Settings: tw.Settings{Separators: tw.Separators{BetweenColumns: tw.Off}},
		})),
		tablewriter.WithHeaderAutoFormat(tw.Off),
		tablewriter.WithRowAutoWrap(tw.WrapNone),
		tablewriter.WithHeaderAlignment(tw.AlignLeft),
		tablewriter.WithAlignment(align),
	)
	out.Header(head)
	if err := out.Bulk(rows); err != nil {
		return err
	}
	if err := out.Render(); err != nil {
		return err
	}
	for line := range strings.Lines(b.String()) {
		if _, err := fmt.Fprintln(w, strings.TrimRight(line, " \n")); err != nil {
			return err
		}
	}
	return nil
}
