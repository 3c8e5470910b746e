package plots

import (
	"sync"
	"time"

	"codeberg.org/go-pdf/fpdf"
	"golang.org/x/image/font/sfnt"
	"golang.org/x/image/math/fixed"
	"golang.org/x/text/encoding/charmap"
	"gonum.org/v1/plot/font"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/vgpdf"
)

// fixPDF takes what is not data out of PDF files: the time, and the order of a map.
var fixPDF = sync.OnceFunc(func() {
	epoch := time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC)
	fpdf.SetDefaultCreationDate(epoch)
	fpdf.SetDefaultModificationDate(epoch)
	fpdf.SetDefaultCatalogSort(true)
})

// A pdfCanvas writes text that PDF's encoding Windows-1252 does not have as the outlines of its letters. vgpdf takes the bytes
// of every text for that encoding.
type pdfCanvas struct{ *vgpdf.Canvas }

func newPDF(width, height vg.Length) pdfCanvas {
	fixPDF()
	return pdfCanvas{vgpdf.New(width, height)}
}

// FillString implements vg.Canvas.
func (c pdfCanvas) FillString(face font.Face, at vg.Point, text string) {
	encoded := make([]byte, 0, len(text))
	for _, r := range text {
		b, ok := charmap.Windows1252.EncodeRune(r)
		if !ok {
			c.outline(face, at, text)
			return
		}
		encoded = append(encoded, b)
	}
	c.Canvas.FillString(face, at, string(encoded))
}

// outline fills the outlines of a text's letters. A letter that the font lacks is the font's box for those.
func (c pdfCanvas) outline(face font.Face, at vg.Point, text string) {
	var buffer sfnt.Buffer
	// One unit of the font is one pixel, so that nothing is rounded.
	units := fixed.I(int(face.Face.UnitsPerEm()))
	scale := face.Font.Size / vg.Length(face.Face.UnitsPerEm())
	left := at.X
	for _, r := range text {
		glyph, err := face.Face.GlyphIndex(&buffer, r)
		if err != nil {
			continue
		}
		segments, err := face.Face.LoadGlyph(&buffer, glyph, units, nil)
		if err != nil {
			continue
		}
		point := func(p fixed.Point26_6) vg.Point {
			return vg.Point{X: left + scale*vg.Length(p.X)/64, Y: at.Y - scale*vg.Length(p.Y)/64}
		}
		var path vg.Path
		for i, s := range segments {
			switch s.Op {
			case sfnt.SegmentOpMoveTo:
				if i > 0 {
					path.Close()
				}
				path.Move(point(s.Args[0]))
			case sfnt.SegmentOpLineTo:
				path.Line(point(s.Args[0]))
			case sfnt.SegmentOpQuadTo:
				path.QuadTo(point(s.Args[0]), point(s.Args[1]))
			case sfnt.SegmentOpCubeTo:
				path.CubeTo(point(s.Args[0]), point(s.Args[1]), point(s.Args[2]))
			}
		}
		if len(path) > 0 {
			path.Close()
			c.Fill(path)
		}
		if advance, err := face.Face.GlyphAdvance(&buffer, glyph, units, 0); err == nil {
			left += scale * vg.Length(advance) / 64
		}
	}
}
