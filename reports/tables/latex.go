package tables

import (
	"fmt"
	"io"
	"strings"
	"unicode"
)

// widest is how many columns a table of one column of text holds; wider ones span both.
const widest = 4

// textWidth is about how many characters of headings fit side by side; wider tables stack the words of theirs.
const textWidth = 90

// stacked sets a heading in two lines of about the same length.
func stacked(head string) string {
	words := strings.Fields(head)
	best, at := len(head), 0
	for i := 1; i < len(words); i++ {
		if longer := max(len(strings.Join(words[:i], " ")), len(strings.Join(words[i:], " "))); longer < best {
			best, at = longer, i
		}
	}
	if at == 0 {
		return Escape(head)
	}
	return "\\shortstack[r]{" + Escape(strings.Join(words[:at], " ")) + "\\\\" + Escape(strings.Join(words[at:], " ")) + "}"
}

// LaTeX writes a table float for the package booktabs.
func (t Table) LaTeX(w io.Writer) error {
	float := "table"
	if len(t.Columns) > widest {
		float = "table*"
	}
	var b strings.Builder
	fmt.Fprintf(&b, "%% needs \\usepackage{booktabs,graphicx}\n\\begin{%s}\n\\centering\n\\caption{\\textbf{%s.} %s}\n\\label{tab:%s}\n\\small\n", float, Escape(t.Title), Escape(t.Caption), label(t.Name))
	// The table is set at its own size where it fits, and shrunk to the width where it does not.
	b.WriteString("\\resizebox{\\ifdim\\width>\\linewidth\\linewidth\\else\\width\\fi}{!}{%\n\\begin{tabular}{")
	for _, c := range t.Columns {
		if c.Text {
			b.WriteString("l")
		} else {
			b.WriteString("r")
		}
	}
	b.WriteString("}\n\\toprule\n")
	width := 0
	for _, c := range t.Columns {
		width += len(c.head())
	}
	for i, c := range t.Columns {
		if i > 0 {
			b.WriteString(" & ")
		}
		if width > textWidth && !c.Text {
			b.WriteString(stacked(c.head()))
		} else {
			b.WriteString(Escape(c.head()))
		}
	}
	b.WriteString(" \\\\\n\\midrule\n")
	for _, row := range t.Rows {
		for i, c := range row {
			if i > 0 {
				b.WriteString(" & ")
			}
			b.WriteString(c.latex(t.Columns[i].Published))
		}
		b.WriteString(" \\\\\n")
	}
	fmt.Fprintf(&b, "\\bottomrule\n\\end{tabular}}\n")
	for _, n := range t.Notes {
		fmt.Fprintf(&b, "\\par\\smallskip{\\footnotesize %s}\n", Escape(n))
	}
	fmt.Fprintf(&b, "\\end{%s}\n", float)
	_, err := io.WriteString(w, b.String())
	return err
}

func (c Cell) latex(published bool) string {
	s := Escape(c.Main())
	if c.Number {
		s = strings.ReplaceAll(strings.ReplaceAll(s, "-", "$-$"), "\\textless{}", "$<$")
	}
	switch {
	case c.Best:
		s = "\\textbf{" + s + "}"
	case published && s != "":
		s = "\\textit{" + s + "}"
	}
	if c.CI != nil {
		s += " {\\scriptsize " + strings.ReplaceAll(c.Interval(), "-", "$-$") + "}"
	}
	return s
}

// latexMarks are the characters that mean something to LaTeX or that its default fonts do not have.
var latexMarks = map[rune]string{
	'\\': "\\textbackslash{}", '{': "\\{", '}': "\\}", '$': "\\$", '&': "\\&", '#': "\\#", '%': "\\%", '_': "\\_", '~': "\\textasciitilde{}", '^': "\\textasciicircum{}",
	'<': "\\textless{}", '>': "\\textgreater{}", '|': "\\textbar{}", '"': "\\textquotedbl{}", '\'': "\\textquotesingle{}", '`': "\\textasciigrave{}",
	'−': "$-$", '×': "$\\times$", '±': "$\\pm$", '≥': "$\\geq$", '≤': "$\\leq$", '→': "$\\rightarrow$", '…': "\\ldots{}", '–': "--", '—': "---", '·': "$\\cdot$", '°': "$^\\circ$", 'µ': "$\\mu$",
}

// Escape writes a text so that LaTeX prints it. Letters that pdflatex has no glyph for are named by their code point.
func Escape(s string) string {
	var b strings.Builder
	for _, r := range s {
		mark, ok := latexMarks[r]
		switch {
		case ok:
			b.WriteString(mark)
		case r == '\n' || r == '\t' || r == '\r' || r == '\u00a0':
			b.WriteByte(' ')
		case r < 0x20 || r == 0x7f || unicode.Is(unicode.Cf, r):
		case r < 0x7f || unicode.IsLetter(r) && r >= 0xc0 && r <= 0x17f && r != 'ĸ' && r != 'ŉ' && r != 'ſ':
			b.WriteRune(r)
		default:
			fmt.Fprintf(&b, "\\texttt{U+%04X}", r)
		}
	}
	return b.String()
}

// label keeps what is safe inside \label.
func label(name string) string {
	return strings.Map(func(r rune) rune {
		if r < 0x80 && (unicode.IsLetter(r) || unicode.IsDigit(r)) {
			return r
		}
		return '-'
	}, name)
}
