// Package plots draws figures for papers: vector and raster files that are readable in print, at the width of one column, in
// gray and by people with colour-blindness, and that are the same bytes for the same data.
package plots

import (
	"image/color"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/font"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
)

// palette is that of Okabe and Ito ("Color universal design", 2008), in an order whose lightness alternates, so that
// neighbouring areas differ in gray as well.
var palette = []color.Color{
	color.RGBA{0, 114, 178, 255},   // blue
	color.RGBA{240, 228, 66, 255},  // yellow
	color.RGBA{213, 94, 0, 255},    // vermilion
	color.RGBA{86, 180, 233, 255},  // sky
	color.RGBA{0, 158, 115, 255},   // green
	color.RGBA{230, 159, 0, 255},   // orange
	color.RGBA{204, 121, 167, 255}, // purple
}

// inks are those colours of the palette that can be seen as a thin line on white.
var inks = []color.Color{
	color.RGBA{0, 114, 178, 255},  // blue
	color.RGBA{213, 94, 0, 255},   // vermilion
	color.RGBA{0, 128, 94, 255},   // green, darkened
	color.RGBA{0, 0, 0, 255},      // black
	color.RGBA{180, 95, 142, 255}, // purple, darkened
	color.RGBA{60, 150, 205, 255}, // sky, darkened
	color.RGBA{200, 134, 0, 255},  // orange, darkened
}

// glyphs and dashes tell the series apart without colour. Their numbers share no factor with that of the inks where it
// matters: 56 series differ.
var (
	glyphs = []draw.GlyphDrawer{
		draw.CircleGlyph{}, draw.BoxGlyph{}, draw.PyramidGlyph{}, draw.RingGlyph{}, draw.SquareGlyph{}, draw.TriangleGlyph{}, draw.CrossGlyph{}, draw.PlusGlyph{},
	}
	dashes = [][]vg.Length{
		nil, {vg.Points(4), vg.Points(1.5)}, {vg.Points(1.2), vg.Points(1.2)}, {vg.Points(5), vg.Points(1.5), vg.Points(1.2), vg.Points(1.5)}, {vg.Points(2.5), vg.Points(2.5)},
	}
)

var (
	black = color.RGBA{0, 0, 0, 255}
	gray  = color.RGBA{120, 120, 120, 255}
	faint = color.RGBA{225, 225, 225, 255}
)

// Column is the width of a figure in one column of a two-column paper.
const Column = 3.25 * vg.Inch

const (
	fontSize   = vg.Length(8) // points; what papers use inside figures
	smallSize  = fontSize - 1
	resolution = 300 // dots per inch of PNG files
	lineWidth  = vg.Length(1)
	glyphSize  = vg.Length(2.6) // radius
)

// face is the font of all text.
var face = font.Font{Typeface: "Liberation", Variant: "Sans"}

func marker(i int) draw.GlyphStyle {
	return draw.GlyphStyle{Color: inks[i%len(inks)], Radius: glyphSize, Shape: glyphs[i%len(glyphs)]}
}

func stroke(i int) draw.LineStyle {
	return draw.LineStyle{Color: inks[i%len(inks)], Width: lineWidth, Dashes: dashes[i%len(dashes)]}
}

func thin(c color.Color) draw.LineStyle { return draw.LineStyle{Color: c, Width: vg.Points(0.6)} }

// newPlot makes a plot in the house style. Titles are for captions: the plot has none.
func newPlot(x, y string) *plot.Plot {
	p := plot.New()
	p.X.Label.Text, p.Y.Label.Text = x, y
	for _, a := range []*plot.Axis{&p.X, &p.Y} {
		a.Label.TextStyle.Font = font.From(face, fontSize)
		a.Label.Padding = vg.Points(2)
		a.Tick.Label.Font = font.From(face, smallSize)
		a.LineStyle.Width = vg.Points(0.6)
		a.Tick.LineStyle.Width = vg.Points(0.6)
		a.Tick.Length = vg.Points(3)
		a.Padding = vg.Points(4)
		a.Tick.Marker = plot.TickerFunc(linearTicks)
	}
	p.BackgroundColor = color.White
	grid := plotter.NewGrid()
	grid.Vertical.Color, grid.Horizontal = nil, draw.LineStyle{Color: faint, Width: vg.Points(0.4)}
	p.Add(grid)
	return p
}
