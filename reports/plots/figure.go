package plots

import (
	"bytes"
	"fmt"
	"html"
	"image/color"
	"io"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/font"
	"gonum.org/v1/plot/text"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
	"gonum.org/v1/plot/vg/vgimg"
	"gonum.org/v1/plot/vg/vgsvg"

	"llavabench/internal/atomicfile"
)

// Formats are the extensions of the files that a Figure is written as.
var Formats = []string{"svg", "pdf", "png"}

// A Figure is a plot with its legend above it and the words for its caption.
type Figure struct {
	Name    string // for files: "accuracy-tokens"
	Title   string // a few words
	Caption string // what is drawn, what the bars mean, over how much data
	Width   vg.Length
	Height  vg.Length

	plot   *plot.Plot
	legend []entry
}

// An entry is one line of the legend: thumbnails drawn over each other, and a text.
type entry struct {
	text   string
	thumbs []plot.Thumbnailer
}

func newFigure(name, title string, p *plot.Plot) *Figure {
	return &Figure{Name: name, Title: title, Width: Column, Height: Column * 0.72, plot: p}
}

func (f *Figure) explain(text string, thumbs ...plot.Thumbnailer) {
	f.legend = append(f.legend, entry{text, thumbs})
}

// Measures of the legend.
const (
	thumbWidth = vg.Length(14)
	thumbGap   = vg.Length(3)
	entryGap   = vg.Length(9)
	entryLine  = fontSize + 2
)

func legendStyle() text.Style {
	return text.Style{Color: black, Font: font.From(face, smallSize), Handler: plot.DefaultTextHandler, YAlign: draw.YCenter}
}

// legendRows breaks the legend into rows that fit the width.
func (f *Figure) legendRows() [][]entry {
	var rows [][]entry
	left := vg.Length(0)
	style := legendStyle()
	for _, e := range f.legend {
		width := thumbWidth + thumbGap + style.Width(e.text) + entryGap
		if len(rows) == 0 || left+width-entryGap > f.Width {
			rows, left = append(rows, nil), 0
		}
		rows[len(rows)-1] = append(rows[len(rows)-1], e)
		left += width
	}
	return rows
}

// draw paints the figure: the legend's rows, then the plot in what is left. The legend makes the figure taller, not the plot
// smaller.
func (f *Figure) draw(c draw.Canvas) {
	c.SetColor(color.White)
	c.Fill(c.Rectangle.Path())
	y := c.Max.Y
	style := legendStyle()
	for _, row := range f.legendRows() {
		x := c.Min.X
		for _, e := range row {
			icon := draw.Canvas{Canvas: c.Canvas, Rectangle: vg.Rectangle{Min: vg.Point{X: x, Y: y - entryLine + 1}, Max: vg.Point{X: x + thumbWidth, Y: y - 1}}}
			for _, t := range e.thumbs {
				t.Thumbnail(&icon)
			}
			c.FillText(style, vg.Point{X: x + thumbWidth + thumbGap, Y: y - entryLine/2}, e.text)
			x += thumbWidth + thumbGap + style.Width(e.text) + entryGap
		}
		y -= entryLine
	}
	c.Max.Y = y - vg.Points(3)
	c.Min.X += vg.Points(2)
	c.Max.X -= vg.Points(5) // the last tick's label may stick out a little
	f.plot.Draw(c)
}

// minHeight keeps figures above the height at which the PDF library starts a second page for a text.
const minHeight = vg.Length(110)

func (f *Figure) size() (width, height vg.Length) {
	return f.Width, max(f.Height+vg.Length(len(f.legendRows()))*entryLine, minHeight)
}

// WriteTo writes the figure in one of Formats. The same figure is the same bytes, whenever it is written.
func (f *Figure) WriteTo(w io.Writer, format string) error {
	width, height := f.size()
	var c vg.CanvasWriterTo
	switch format {
	case "svg":
		c = vgsvg.New(width, height)
	case "pdf":
		c = newPDF(width, height)
	case "png":
		c = vgimg.PngCanvas{Canvas: vgimg.NewWith(vgimg.UseWH(width, height), vgimg.UseDPI(resolution))}
	default:
		return fmt.Errorf("figures are written as .svg, .pdf or .png, not %q", "."+format)
	}
	f.draw(draw.New(c))
	if format != "svg" {
		_, err := c.WriteTo(w)
		return err
	}
	var b bytes.Buffer
	if _, err := c.WriteTo(&b); err != nil {
		return err
	}
	_, err := w.Write(portable(b.Bytes()))
	return err
}

// svgText is one line of text as vgsvg writes it.
var svgText = regexp.MustCompile(`(?s)<text ([^>]*?)style="font-family:Liberation Sans;([^"]*?)font-size:([0-9.]+)px">([^<]*)</text>`)

// portable makes the texts of an SVG file independent of the fonts that are installed where it is shown: other families are
// named behind the one that it was made with, and each text is given the width that it has in that one.
func portable(svg []byte) []byte {
	return svgText.ReplaceAllFunc(svg, func(m []byte) []byte {
		part := svgText.FindSubmatch(m)
		size, err := strconv.ParseFloat(string(part[3]), 64)
		if err != nil {
			return m
		}
		style := legendStyle()
		style.Font.Size = vg.Length(size)
		width := style.Width(html.UnescapeString(string(part[4])))
		return fmt.Appendf(nil, `<text %stextLength="%.2f" lengthAdjust="spacingAndGlyphs" style="font-family:Liberation Sans,Arial,Helvetica,sans-serif;%sfont-size:%spx">%s</text>`,
			part[1], width.Points(), part[2], part[3], part[4])
	})
}

// SVG is the figure as an <svg> element for a page. Its ids are none, so that many fit one page.
func (f *Figure) SVG() (string, error) {
	var b strings.Builder
	if err := f.WriteTo(&b, "svg"); err != nil {
		return "", err
	}
	s := b.String()
	if at := strings.Index(s, "<svg"); at > 0 {
		s = s[at:] // without the XML declaration
	}
	return s, nil
}

// Save writes the figure to a file whose extension is one of Formats. The file appears when it is complete.
func (f *Figure) Save(path string) error {
	format := strings.TrimPrefix(strings.ToLower(filepath.Ext(path)), ".")
	if !slices.Contains(Formats, format) {
		return fmt.Errorf("%s: figures are written as .svg, .pdf or .png, not %q", path, "."+format)
	}
	return atomicfile.Write(path, func(w io.Writer) error { return f.WriteTo(w, format) })
}

// A rule is a legend's thumbnail of a line.
type rule struct{ draw.LineStyle }

// Thumbnail draws a horizontal line.
func (r rule) Thumbnail(c *draw.Canvas) {
	y := c.Center().Y
	c.StrokeLine2(r.LineStyle, c.Min.X, y, c.Max.X, y)
}

// A dot is a legend's thumbnail of a marker.
type dot struct{ draw.GlyphStyle }

// Thumbnail draws the marker.
func (d dot) Thumbnail(c *draw.Canvas) { c.DrawGlyph(d.GlyphStyle, c.Center()) }

// A patch is a legend's thumbnail of an area.
type patch struct{ fill color.Color }

// Thumbnail draws a box.
func (p patch) Thumbnail(c *draw.Canvas) {
	corners := []vg.Point{{X: c.Min.X + 2, Y: c.Min.Y}, {X: c.Max.X - 2, Y: c.Min.Y}, {X: c.Max.X - 2, Y: c.Max.Y}, {X: c.Min.X + 2, Y: c.Max.Y}}
	c.FillPolygon(p.fill, corners)
	c.StrokeLines(thin(black), append(corners, corners[0]))
}
