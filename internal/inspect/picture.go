package inspect

import (
	"fmt"

	"llavabench/internal/imaging"
	"llavabench/variants"
)

// A Picture is what a generation makes of a picture of some size.
type Picture struct {
	Width       int     `json:"width"`
	Height      int     `json:"height"`
	Canvas      [2]int  `json:"canvas"`  // chosen resolution, width and height; the view's side for a picture of one view
	Resized     [2]int  `json:"resized"` // the picture on the canvas; 0, 0 for a picture of one view
	Paste       [2]int  `json:"paste"`
	Tiles       [2]int  `json:"tiles"` // across and down; 0, 0 for a picture of one view
	Views       int     `json:"views"`
	GridCells   [2]int  `json:"grid_cells"` // columns and rows of the map that become tokens, after unpadding and pooling
	ImageTokens int     `json:"image_tokens"`
	Newlines    int     `json:"newlines"` // of the image tokens
	Scale       float64 `json:"scale"`    // pixels of the finest view per pixel of the picture
}

// Look lays a picture out and counts its tokens.
func Look(v variants.Variant, o variants.Options, size imaging.Size) (Picture, variants.Layout, error) {
	l, err := v.Plan(o, size)
	if err != nil {
		return Picture{}, l, err
	}
	refs := v.Merge(o, l)
	if n, err := v.TokenCount(o, size); err != nil || n != len(refs) {
		return Picture{}, l, fmt.Errorf("%s: %d image tokens counted (error %v), but the merge gives %d for %s", v.Name, n, err, len(refs), size)
	}
	p := Picture{
		Width: size.W, Height: size.H, Views: len(l.Views), ImageTokens: len(refs),
		Canvas: [2]int{o.Side, o.Side}, Scale: wholeScale(o, size),
	}
	for _, r := range refs {
		if r.Kind == variants.Newline {
			p.Newlines++
		}
	}
	cols, rows := l.Cells, l.Cells
	if l.Stitched {
		cols, rows = l.GridTokens()
	}
	p.GridCells = [2]int{cols, rows}
	if l.Canvas.W > 0 {
		p.Canvas = [2]int{l.Canvas.W, l.Canvas.H}
		p.Resized = [2]int{l.Resized.W, l.Resized.H}
		p.Paste = [2]int{l.Paste.X, l.Paste.Y}
		p.Tiles = [2]int{l.Grid.Cols, l.Grid.Rows}
		p.Scale = max(float64(l.Resized.W)/float64(size.W), float64(l.Resized.H)/float64(size.H))
	}
	return p, l, nil
}

// wholeScale is the scale of the one view of a picture: its longer side fits when it is padded, its shorter one when it is
// cropped.
func wholeScale(o variants.Options, size imaging.Size) float64 {
	if o.AspectRatio == "pad" {
		return float64(o.Side) / float64(max(size.W, size.H))
	}
	return float64(o.ShortestEdge) / float64(min(size.W, size.H))
}
