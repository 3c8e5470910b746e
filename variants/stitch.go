package variants

import (
	"fmt"
	"math"
	"strconv"
	"strings"
)

// stitch decides what of the joined tiles' features is kept and how it is reduced; it does nothing for a "flat" merge.
//
// Source: prepare_inputs_labels_for_multimodal in LLaVA-NeXT's llava_arch.py.
func (g *geometry) stitch(o Options) error {
	if !o.stitched() {
		return nil
	}
	if g.Class {
		return fmt.Errorf("merge type %q joins patches to a map, which the class token of select_feature %q has no place in; "+
			"the reference refuses it", o.MergeType, o.SelectFeature)
	}
	g.Stitched = true
	cols, rows := g.Grid.Cols*g.Cells, g.Grid.Rows*g.Cells
	g.KeptCols, g.KeptRows = Range{To: cols}, Range{To: rows}
	switch {
	case o.maxPools():
		g.Pool = Pool{Kind: PoolMax, Cols: cols / 2, Rows: rows / 2}
	case o.unpads():
		switch o.Strip {
		case StripUnpad:
			g.unpad(o.Flavour, cols, rows)
		case StripCover:
			g.cover(o.Patch)
		}
		return g.shrink(o)
	}
	return nil
}

// unpad keeps the middle rows or columns that a picture of the original size fills, by unpad_image of LLaVA's
// llava_arch.py. The product is truncated, so a cell that is partly picture may go; none may be left.
func (g *geometry) unpad(f Flavour, cols, rows int) {
	w, h := g.Seen.W, g.Seen.H
	if f == Transformers440 {
		g.unpad32(cols, rows)
		return
	}
	if float64(w)/float64(h) > float64(cols)/float64(rows) {
		g.KeptRows = middle(rows, truncate(f, float64(h)*(float64(cols)/float64(w))))
	} else {
		g.KeptCols = middle(cols, truncate(f, float64(w)*(float64(rows)/float64(h))))
	}
}

// unpad32 is unpad in float32, an integer divided by a side being a product with its reciprocal (see scaled32).
func (g *geometry) unpad32(cols, rows int) {
	w, h := float32(g.Seen.W), float32(g.Seen.H)
	if w/h > float32(float64(cols)/float64(rows)) {
		g.KeptRows = middle(rows, int(h*(float32(cols)*(1/w))))
	} else {
		g.KeptCols = middle(cols, int(w*(float32(rows)*(1/h))))
	}
}

// truncate is int(x), in transformers from 4.47 on int(round(x, 7)).
func truncate(f Flavour, x float64) int {
	if f != Original {
		rounded, err := strconv.ParseFloat(strconv.FormatFloat(x, 'f', 7, 64), 64)
		if err == nil {
			x = rounded
		}
	}
	return int(x)
}

// middle drops (all-keep)/2 elements, rounded down, at both ends; with an odd difference keep+1 are left.
func middle(all, keep int) Range {
	drop := (all - keep) / 2
	return Range{From: drop, To: all - drop}
}

// cover keeps every cell of which at least one pixel belongs to the picture ("exclusively" padding goes: 2310.03744,
// Sec. 3.4).
func (g *geometry) cover(cell int) {
	g.KeptCols = touched(g.Paste.X, g.Resized.W, cell)
	g.KeptRows = touched(g.Paste.Y, g.Resized.H, cell)
}

// touched are the cells that pixels start, ..., start+n-1 lie in.
func touched(start, n, cell int) Range {
	return Range{From: start / cell, To: (start + n + cell - 1) / cell}
}

// shrink is the bilinear reduction of "anyres_max_N": a map of much more than N views' cells is resized to about that
// many.
func (g *geometry) shrink(o Options) error {
	n, ok := anyResMax(o.AspectRatio)
	if !ok {
		return nil
	}
	cols, rows := g.KeptCols.Len(), g.KeptRows.Len()
	times := math.Sqrt(float64(rows*cols) / float64(n*g.Cells*g.Cells))
	if times <= 1.1 {
		return nil
	}
	g.Pool = Pool{Kind: PoolBilinear, Cols: int(floorDiv(float64(cols), times)), Rows: int(floorDiv(float64(rows), times))}
	if g.Pool.Cols == 0 || g.Pool.Rows == 0 {
		return fmt.Errorf("%s shrinks a map of %d columns and %d rows to %d by %d, which the reference cannot do either",
			o.AspectRatio, cols, rows, g.Pool.Cols, g.Pool.Rows)
	}
	return nil
}

// anyResMax reads N of "anyres_max_N".
func anyResMax(aspect string) (n int, ok bool) {
	digits, ok := strings.CutPrefix(aspect, "anyres_max_")
	if !ok || strings.Trim(digits, "0123456789") != "" {
		return 0, false
	}
	n, err := strconv.Atoi(digits)
	return n, err == nil && n >= 1 && n <= 1<<20
}

// floorDiv is Python's x // y for positive floats: the exact remainder is taken off first, so that the quotient does not
// round up to the next integer.
func floorDiv(x, y float64) float64 {
	q := (x - math.Mod(x, y)) / y
	floor := math.Floor(q)
	if q-floor > 0.5 {
		floor++
	}
	return floor
}
