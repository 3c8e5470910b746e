package inspect

import (
	"fmt"
	"image"
	"image/color"
	"image/draw"

	"golang.org/x/image/font"
	"golang.org/x/image/font/basicfont"
	"golang.org/x/image/math/fixed"

	"llavabench/internal/imaging"
	"llavabench/variants"
)

// Colours and measures of the drawing, in pixels.
var (
	paper  = color.RGBA{250, 250, 248, 255}
	ink    = color.RGBA{30, 34, 40, 255}
	border = color.RGBA{0, 114, 178, 255}
	shade  = color.RGBA{20, 20, 24, 150} // premultiplied: over cells that are dropped
	hatch  = color.RGBA{213, 94, 0, 255}
	lines  = color.RGBA{10, 10, 10, 40} // premultiplied: between patches
)

const (
	margin     = 16
	lineHeight = 18
	tileGap    = 4 // between tiles, so that each is seen as the picture of its own that the tower gets
)

// Draw shows what a generation makes of a picture: the views as the vision tower sees them, the global view apart, tiles in
// their places with a gap between, a thin line around every patch, and a dark hatch over the cells whose features are
// dropped.
func Draw(img *imaging.RGB, title string, l variants.Layout) (*image.RGBA, error) {
	views, err := imaging.Render(img, l.Plan, nil)
	if err != nil {
		return nil, err
	}
	d := drawing{layout: l, side: l.Plan.Side}
	global := len(l.Views) > 0 && l.Views[0].Kind == variants.ViewGlobal
	left := 0
	if global {
		left = d.side + 2*margin
	}
	cols, rows := max(l.Grid.Cols, 1), max(l.Grid.Rows, 1)
	width := left + cols*(d.side+tileGap) - tileGap
	height := rows*(d.side+tileGap) - tileGap
	if global {
		height = max(height, d.side)
	}
	const minWidth = 520 // room for the captions
	bounds := image.Rect(0, 0, max(width, minWidth)+2*margin, height+2*margin+4*lineHeight)
	d.m = image.NewRGBA(bounds)
	draw.Draw(d.m, bounds, image.NewUniform(paper), image.Point{}, draw.Src)
	d.text(margin, margin+12, fmt.Sprintf("%s: %s -> %d image tokens", title, l.Picture, l.Tokens))
	d.text(margin, margin+12+lineHeight, caption(l))
	top := margin + 2*lineHeight + 8
	tile := 0
	for i, v := range l.Views {
		x, y := margin, top
		switch {
		case v.Kind == variants.ViewTile:
			x += left + v.Col*(d.side+tileGap)
			y += v.Row * (d.side + tileGap)
			tile++
		case v.Kind == variants.ViewWhole:
			x += i * (d.side + tileGap)
		}
		d.view(views[i], x, y, v)
	}
	if global {
		d.text(margin, top+d.side+lineHeight, "global view")
		d.text(margin+left, top+height+lineHeight, fmt.Sprintf("%d tiles; hatched: padding whose features are dropped", tile))
	}
	return d.m, nil
}

func caption(l variants.Layout) string {
	if !l.Stitched {
		return fmt.Sprintf("%d view(s) of %dx%d, %dx%d patches each", len(l.Views), l.Plan.Side, l.Plan.Side, l.Cells, l.Cells)
	}
	cols, rows := l.GridTokens()
	return fmt.Sprintf("canvas %s, %dx%d tiles of %d, picture %s at (%d, %d), map of %dx%d kept",
		l.Canvas, l.Grid.Cols, l.Grid.Rows, l.Plan.Side, l.Resized, l.Paste.X, l.Paste.Y, cols, rows)
}

type drawing struct {
	m      *image.RGBA
	layout variants.Layout
	side   int
}

// view draws one view with its patches, and shades those that the merge drops.
func (d drawing) view(v *imaging.RGB, x, y int, kind variants.View) {
	for row := range v.Height {
		for col := range v.Width {
			p := v.Pix[3*(row*v.Width+col):]
			d.m.SetRGBA(x+col, y+row, color.RGBA{p[0], p[1], p[2], 255})
		}
	}
	cells := d.layout.Cells
	patch := d.side / cells
	for row := range cells {
		for col := range cells {
			r := image.Rect(x+col*patch, y+row*patch, x+(col+1)*patch, y+(row+1)*patch)
			d.over(image.Rect(r.Min.X, r.Min.Y, r.Max.X, r.Min.Y+1), lines)
			d.over(image.Rect(r.Min.X, r.Min.Y, r.Min.X+1, r.Max.Y), lines)
			if kind.Kind == variants.ViewTile && !d.kept(kind.Row*cells+row, kind.Col*cells+col) {
				d.over(r, shade)
				for i := range patch {
					d.m.SetRGBA(r.Min.X+i, r.Max.Y-1-i, hatch)
				}
			}
		}
	}
	d.frame(image.Rect(x, y, x+d.side, y+d.side))
}

// kept reports whether a cell of the stitched map survives.
func (d drawing) kept(row, col int) bool {
	l := d.layout
	if !l.Stitched {
		return true
	}
	return row >= l.KeptRows.From && row < l.KeptRows.To && col >= l.KeptCols.From && col < l.KeptCols.To
}

func (d drawing) over(r image.Rectangle, c color.RGBA) {
	draw.Draw(d.m, r, image.NewUniform(c), image.Point{}, draw.Over)
}

func (d drawing) frame(r image.Rectangle) {
	for _, side := range []image.Rectangle{
		image.Rect(r.Min.X-1, r.Min.Y-1, r.Max.X+1, r.Min.Y+1), image.Rect(r.Min.X-1, r.Max.Y-1, r.Max.X+1, r.Max.Y+1),
		image.Rect(r.Min.X-1, r.Min.Y-1, r.Min.X+1, r.Max.Y+1), image.Rect(r.Max.X-1, r.Min.Y-1, r.Max.X+1, r.Max.Y+1),
	} {
		d.over(side, border)
	}
}

func (d drawing) text(x, y int, s string) {
	f := font.Drawer{Dst: d.m, Src: image.NewUniform(ink), Face: basicfont.Face7x13, Dot: fixed.P(x, y)}
	f.DrawString(s)
}

// Stack puts drawings below each other.
func Stack(parts []*image.RGBA, width, height int) *image.RGBA {
	m := image.NewRGBA(image.Rect(0, 0, width, height))
	draw.Draw(m, m.Rect, image.NewUniform(paper), image.Point{}, draw.Src)
	y := 0
	for _, p := range parts {
		draw.Draw(m, image.Rect(0, y, p.Rect.Dx(), y+p.Rect.Dy()), p, image.Point{}, draw.Src)
		y += p.Rect.Dy()
	}
	return m
}
