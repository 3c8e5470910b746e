package variants

import (
	"fmt"

	"llavabench/internal/imaging"
)

// A Layout is everything that geometry decides about one picture.
type Layout struct {
	Picture imaging.Size `json:"picture"` // as given
	// Seen is the size that the reference's processor takes the picture for; it differs from Picture only under
	// Options.ChannelsGuess.
	Seen  imaging.Size `json:"seen"`
	Plan  imaging.Plan `json:"plan"`
	Views []View       `json:"views"` // what each view of the plan shows, in order
	Cells int          `json:"cells"` // tower patches along one side of a view
	Class bool         `json:"class"` // the class token's row precedes the patches of each view

	// The rest is zero for a picture of one view and describes the canvas of tiles otherwise.

	Grid    Grid         `json:"grid"`    // tiles across and down
	Canvas  imaging.Size `json:"canvas"`  // the resolution chosen, pixels
	Resized imaging.Size `json:"resized"` // the picture's size on the canvas, pixels
	Paste   Point        `json:"paste"`   // where its top left pixel lies
	// Stitched reports that the tiles are joined to one map of Grid.Cols*Cells columns by Grid.Rows*Cells rows of cells,
	// of which KeptCols and KeptRows are used.
	Stitched bool  `json:"stitched"`
	KeptCols Range `json:"kept_cols"`
	KeptRows Range `json:"kept_rows"`
	// Pool says how the kept map is reduced.
	Pool Pool `json:"pool"`
	// Tokens is the number of image tokens.
	Tokens int `json:"tokens"`
}

// A Point is a pixel's place.
type Point struct {
	X int `json:"x"`
	Y int `json:"y"`
}

// A Grid is a number of tiles across and down.
type Grid struct {
	Cols int `json:"cols"`
	Rows int `json:"rows"`
}

// A Range is From, From+1, ..., To-1.
type Range struct {
	From int `json:"from"`
	To   int `json:"to"`
}

// Len is the number of elements.
func (r Range) Len() int { return r.To - r.From }

// A View says what one view shows.
type View struct {
	Kind ViewKind `json:"kind"`
	Row  int      `json:"row"` // of a tile
	Col  int      `json:"col"`
}

// A ViewKind is the role of a view.
type ViewKind string

// The roles.
const (
	ViewWhole  ViewKind = "whole"  // the only view of a picture
	ViewGlobal ViewKind = "global" // the whole picture beside its tiles
	ViewTile   ViewKind = "tile"
)

// A Pool reduces the kept part of the stitched map to Cols x Rows.
type Pool struct {
	Kind PoolKind `json:"kind"`
	Cols int      `json:"cols"`
	Rows int      `json:"rows"`
}

// A PoolKind is a way of reducing a map.
type PoolKind string

// The ways. PoolBilinear is torch's bilinear interpolation (align_corners false, no antialias), PoolMax the maximum of
// each block of 2 x 2.
const (
	PoolNone     PoolKind = "none"
	PoolBilinear PoolKind = "bilinear"
	PoolMax      PoolKind = "max"
)

// FirstCell is the row and column of the first cell of the stitched map that is kept; ok is false when none is.
func (l Layout) FirstCell() (row, col int, ok bool) {
	return l.KeptRows.From, l.KeptCols.From, l.KeptRows.Len() > 0 && l.KeptCols.Len() > 0
}

// GridTokens is the number of columns and rows of the map as tokens, row ends not counted; 0 x 0 without a map.
func (l Layout) GridTokens() (cols, rows int) {
	if l.Pool.Kind == PoolBilinear || l.Pool.Kind == PoolMax {
		return l.Pool.Cols, l.Pool.Rows
	}
	return l.KeptCols.Len(), l.KeptRows.Len()
}

// Warnings says what a user should know about this picture, one sentence each.
func (l Layout) Warnings() []string {
	var w []string
	if l.Seen != l.Picture {
		w = append(w, fmt.Sprintf("the reference's processor takes the picture of %v pixels for one of %v and scrambles it", l.Picture, l.Seen))
	}
	switch {
	case !l.Stitched:
	case l.KeptRows.Len() == 0:
		w = append(w, "no row of the tiles' map is kept: the tiles are encoded and not seen")
	case l.KeptCols.Len() == 0:
		w = append(w, "no column of the tiles' map is kept: the tiles are encoded and not seen, their rows are row ends only")
	}
	if l.Tokens == 0 {
		w = append(w, "the picture gives no image token")
	}
	return w
}

// ViewRows is the number of feature rows of one view: all patches, and the class token if it is kept.
func (l Layout) ViewRows() int {
	n := l.Cells * l.Cells
	if l.Class {
		n++
	}
	return n
}

// firstTile is the index of the view that shows tile (0, 0).
func (l Layout) firstTile() int {
	if len(l.Views) > 0 && l.Views[0].Kind == ViewGlobal {
		return 1
	}
	return 0
}
