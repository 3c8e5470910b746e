// Package reports draws measurements for papers: vector and raster files that are readable in print, in gray and by people
// with colour-blindness. It runs no model.
package reports

import (
	"fmt"
	"image/color"
	"io"
	"path/filepath"
	"strings"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
	"gonum.org/v1/plot/vg/vgimg"
	"gonum.org/v1/plot/vg/vgpdf"
	"gonum.org/v1/plot/vg/vgsvg"

	"llavabench/internal/atomicfile"
)

// palette is that of Okabe and Ito ("Color universal design", 2008), in an order whose lightness alternates, so that
// neighbours differ in gray as well.
var palette = []color.Color{
	color.RGBA{0, 114, 178, 255},   // blue
	color.RGBA{240, 228, 66, 255},  // yellow
	color.RGBA{213, 94, 0, 255},    // vermilion
	color.RGBA{86, 180, 233, 255},  // sky
	color.RGBA{0, 158, 115, 255},   // green
	color.RGBA{230, 159, 0, 255},   // orange
	color.RGBA{204, 121, 167, 255}, // purple
}

// Column is the width of a figure in one column of a two-column paper.
const Column = 3.25 * vg.Inch

const (
	fontSize   = vg.Length(8) // points; what papers use inside figures
	resolution = 300          // dots per inch of PNG files
)

// newPlot makes a plot in the house style.
func newPlot(title, y string) *plot.Plot {
	p := plot.New()
	p.Title.Text = title
	p.Title.TextStyle.Font.Size = fontSize + 1
	p.Title.Padding = vg.Points(4)
	p.Y.Label.Text = y
	for _, a := range []*plot.Axis{&p.X, &p.Y} {
		a.Label.TextStyle.Font.Size = fontSize
		a.Tick.Label.Font.Size = fontSize - 1
		a.LineStyle.Width = vg.Points(0.6)
		a.Tick.LineStyle.Width = vg.Points(0.6)
	}
	p.Legend.TextStyle.Font.Size = fontSize - 1
	p.Legend.ThumbnailWidth = vg.Points(10)
	p.Legend.Padding = vg.Points(2)
	p.BackgroundColor = color.White
	return p
}

// Save writes a figure as SVG, PDF or PNG, by the file's extension. The file appears when it is complete.
func Save(p *plot.Plot, width, height vg.Length, path string) error {
	var c vg.CanvasWriterTo
	switch ext := strings.ToLower(filepath.Ext(path)); ext {
	case ".svg":
		c = vgsvg.New(width, height)
	case ".pdf":
		c = vgpdf.New(width, height)
	case ".png":
		c = vgimg.PngCanvas{Canvas: vgimg.NewWith(vgimg.UseWH(width, height), vgimg.UseDPI(resolution))}
	default:
		return fmt.Errorf("%s: figures are written as .svg, .pdf or .png, not %q", path, ext)
	}
	p.Draw(draw.New(c))
	return atomicfile.Write(path, func(w io.Writer) error {
		_, err := c.WriteTo(w)
		return err
	})
}
