package inspect

import "llavabench/variants"

// A Region is where a view lies on its picture, in the picture's pixels. It may reach beyond the picture, where the view
// shows padding.
type Region struct {
	Kind variants.ViewKind `json:"kind"`
	X    float64           `json:"x"`
	Y    float64           `json:"y"`
	W    float64           `json:"w"`
	H    float64           `json:"h"`
}

// KindKept is the kind of the region whose features of the tiles reach the decoder.
const KindKept variants.ViewKind = "kept"

// Overlay gives the regions of all views in order, and behind them the part of the tiles whose features are kept, where they
// are stitched to one map. It is empty where the views are not parts of the picture (Layout.Seen differs).
func Overlay(l variants.Layout) []Region {
	if l.Seen != l.Picture {
		return nil
	}
	var out []Region
	var kept *Region
	view := 0
	for _, c := range l.Plan.Canvases {
		// A point (x, y) of the canvas shows the picture at (ax*x + bx, ay*y + by).
		ax, ay, bx, by := 1.0, 1.0, 0.0, 0.0
		size := l.Picture
		for _, s := range c.Steps {
			switch {
			case s.Resize != nil:
				ax *= float64(size.W) / float64(s.Resize.Size.W)
				ay *= float64(size.H) / float64(s.Resize.Size.H)
				size = s.Resize.Size
			case s.Paste != nil:
				bx -= float64(ax * float64(s.Paste.X))
				by -= float64(ay * float64(s.Paste.Y))
				size = s.Paste.Canvas
			case s.Crop != nil:
				bx += float64(ax * float64(s.Crop.X))
				by += float64(ay * float64(s.Crop.Y))
				size.W, size.H = s.Crop.W, s.Crop.H
			}
		}
		region := func(kind variants.ViewKind, x, y, w, h int) Region {
			return Region{kind, float64(ax*float64(x)) + bx, float64(ay*float64(y)) + by, ax * float64(w), ay * float64(h)}
		}
		if len(c.Cuts) == 0 {
			out = append(out, region(l.Views[view].Kind, 0, 0, size.W, size.H))
			view++
			continue
		}
		for _, cut := range c.Cuts {
			out = append(out, region(l.Views[view].Kind, cut.Rect.X, cut.Rect.Y, cut.Rect.W, cut.Rect.H))
			view++
		}
		if l.Stitched && l.KeptCols.Len() > 0 && l.KeptRows.Len() > 0 {
			patch := l.Plan.Side / l.Cells
			r := region(KindKept, l.KeptCols.From*patch, l.KeptRows.From*patch, l.KeptCols.Len()*patch, l.KeptRows.Len()*patch)
			kept = &r
		}
	}
	if kept != nil {
		out = append(out, *kept)
	}
	return out
}
