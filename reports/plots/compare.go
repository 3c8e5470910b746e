package plots

import (
	"fmt"
	"image/color"
	"math"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/font"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/text"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"

	"llavabench/internal/stats"
	"llavabench/reports/study"
)

// maxPairs is how many comparisons a forest plot shows before it keeps to those with the first run.
const maxPairs = 15

// differences is a forest plot of the paired differences between runs.
func differences(s study.Study) (*Figure, error) {
	pairs := s.Pairs()
	if len(pairs) == 0 {
		return nil, nothing("no two runs answered the same questions")
	}
	which := ""
	if len(pairs) > maxPairs {
		var first []study.Pair
		for _, p := range pairs {
			if p.Base == 0 {
				first = append(first, p)
			}
		}
		pairs = first
		which = fmt.Sprintf(" Of all pairs those with %s are shown.", s.Runs[0].Name)
	}
	f := newFigure("differences", "Paired differences", newPlot("difference in accuracy (percentage points)", ""))
	f.Caption = "Differences in accuracy on the same questions, with 95 % intervals. Filled markers: p < 0.05 after Holm's correction for the number of pairs." + which +
		fmt.Sprintf(" %d questions of %s.", pairs[0].N, s.Title())
	if s.Baseline {
		f.plot.X.Label.Text = "difference to " + short(s.Runs[0].Name) + " (percentage points)"
	}
	labels := make([]string, len(pairs))
	reach := 0.0
	var clear, open spans
	for i, p := range pairs {
		y := float64(len(pairs) - 1 - i)
		labels[len(pairs)-1-i] = short(s.Runs[p.New].Name)
		if !s.Baseline {
			labels[len(pairs)-1-i] += "\n− " + short(s.Runs[p.Base].Name)
		}
		ci := stats.Interval{Low: max(p.CI.Low, -1), High: min(p.CI.High, 1)}
		b := span{100 * p.Difference, y, 100 * ci.Low, 100 * ci.High}
		if p.Holm < 0.05 {
			clear = append(clear, b)
		} else {
			open = append(open, b)
		}
		reach = max(reach, math.Abs(b.low), math.Abs(b.high))
	}
	for _, group := range []struct {
		spans spans
		shape draw.GlyphDrawer
		text  string
	}{{clear, draw.CircleGlyph{}, "significant"}, {open, draw.RingGlyph{}, "not significant"}} {
		if len(group.spans) == 0 {
			continue
		}
		whiskers, err := plotter.NewXErrorBars(group.spans)
		if err != nil {
			return nil, err
		}
		whiskers.LineStyle, whiskers.CapWidth = thin(inks[0]), vg.Points(3)
		dots, err := plotter.NewScatter(group.spans)
		if err != nil {
			return nil, err
		}
		dots.GlyphStyle = draw.GlyphStyle{Color: inks[0], Radius: glyphSize, Shape: group.shape}
		f.plot.Add(whiskers, dots)
		f.explain(group.text, dot{dots.GlyphStyle})
	}
	zero, err := plotter.NewLine(plotter.XYs{{X: 0, Y: -0.5}, {X: 0, Y: float64(len(pairs)) - 0.5}})
	if err != nil {
		return nil, err
	}
	zero.LineStyle = draw.LineStyle{Color: gray, Width: vg.Points(0.6), Dashes: dashes[2]}
	f.plot.Add(zero)
	f.plot.X.Min, f.plot.X.Max = -max(reach, 5)*1.08, max(reach, 5)*1.08
	f.nominalRows(labels, 22)
	return f, nil
}

// A span is a point with a horizontal interval.
type span struct{ x, y, low, high float64 }

type spans []span

// Len, XY and XError make spans what plotter.NewXErrorBars takes.
func (s spans) Len() int                    { return len(s) }
func (s spans) XY(i int) (x, y float64)     { return s[i].x, s[i].y }
func (s spans) XError(i int) (_, _ float64) { return s[i].x - s[i].low, s[i].high - s[i].x }

// categories is a heat map of accuracy by category and run.
func categories(s study.Study) (*Figure, error) {
	names := s.Categories()
	if len(names) < 2 {
		return nil, nothing("the questions have no categories")
	}
	f := newFigure("categories", "Accuracy by category", newPlot("", ""))
	f.Caption = fmt.Sprintf("Accuracy in percent by category and run; the shade goes with the number. In parentheses the number of questions of %s.", s.Title())
	m := heat{}
	rows := make([]string, len(names))
	for i, name := range names {
		row := len(names) - 1 - i
		most := 0
		for c, r := range s.Runs {
			if a := r.Accuracy(study.In(name)); a.N > 0 {
				m.cells = append(m.cells, cell{c, row, a.Value})
				most = max(most, a.N)
			}
		}
		rows[row] = fmt.Sprintf("%s (%d)", short(name), most)
	}
	columns := make([]string, len(s.Runs))
	style := legendStyle()
	widest := vg.Length(0)
	for i, r := range s.Runs {
		columns[i] = short(r.Name)
		widest = max(widest, style.Width(columns[i]))
	}
	f.plot.Add(m)
	f.nominalRows(rows, 15)
	f.plot.NominalX(columns...)
	f.plot.X.Min, f.plot.X.Max = -0.5, float64(len(columns))-0.5
	f.plot.X.Padding, f.plot.Y.Padding = vg.Points(3), 0
	f.plot.X.Tick.Width, f.plot.Y.Tick.Width = 0, 0
	f.plot.X.LineStyle.Width, f.plot.Y.LineStyle.Width = 0, 0
	left := vg.Length(0)
	for _, r := range rows {
		left = max(left, style.Width(r))
	}
	if each := (f.Width - left - 10) / vg.Length(len(columns)); widest+4 > each {
		f.plot.X.Tick.Label.Rotation = math.Pi / 2
		f.plot.X.Tick.Label.XAlign, f.plot.X.Tick.Label.YAlign = text.XRight, text.YCenter
		f.Height += widest
		if each < 16 {
			f.Width += (16 - each) * vg.Length(len(columns))
		}
	}
	return f, nil
}

// A cell is a value from 0 to 1 at a column and a row from below.
type cell struct {
	col, row int
	value    float64
}

// heat draws cells with their value in percent.
type heat struct{ cells []cell }

// Plot implements plot.Plotter.
func (h heat) Plot(c draw.Canvas, p *plot.Plot) {
	x, y := p.Transforms(&c)
	style := text.Style{Font: font.From(face, smallSize), Handler: plot.DefaultTextHandler, XAlign: text.XCenter, YAlign: text.YCenter}
	for _, e := range h.cells {
		left, right := x(float64(e.col)-0.5)+0.5, x(float64(e.col)+0.5)-0.5
		low, high := y(float64(e.row)-0.5)+0.5, y(float64(e.row)+0.5)-0.5
		fill := blues(e.value)
		c.FillPolygon(fill, []vg.Point{{X: left, Y: low}, {X: right, Y: low}, {X: right, Y: high}, {X: left, Y: high}})
		style.Color = black
		if luma(fill) < 0.5 {
			style.Color = color.White
		}
		c.FillText(style, vg.Point{X: (left + right) / 2, Y: (low + high) / 2}, fmt.Sprintf("%.0f", 100*e.value))
	}
}

// blues goes from near white to dark blue with falling lightness, so that it reads the same in gray.
func blues(v float64) color.RGBA {
	v = max(0, min(1, v))
	mix := func(from, to float64) uint8 { return uint8(from + float64((to-from)*v) + 0.5) }
	return color.RGBA{mix(240, 8), mix(245, 48), mix(251, 107), 255}
}

// luma is the brightness of a colour from 0 to 1 (ITU-R BT.601).
func luma(c color.RGBA) float64 {
	return (float64(0.299*float64(c.R)) + float64(0.587*float64(c.G)) + float64(0.114*float64(c.B))) / 255
}
