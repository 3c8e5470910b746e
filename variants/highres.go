package variants

import (
	"fmt"
	"math"

	"llavabench/internal/imaging"
)

// measureHighRes is "highres": the picture is padded to a square, resized to HighRes and cut into tiles; the global view
// is the unpadded picture.
//
// Source: process_highres_image in LLaVA-NeXT's mm_utils.py.
func (g *geometry) measureHighRes(o Options) error {
	g.Canvas = imaging.Size{W: o.HighRes, H: o.HighRes}
	g.Resized = g.Canvas
	n := o.HighRes / o.Side
	g.setTiles(o, Grid{Cols: n, Rows: n}, o.hasGlobal())
	g.steps = highResSteps
	return g.stitchSquare(o)
}

// stitchSquare joins the tiles of a square canvas. The reference assumes 2 x 2 of them behind a global view.
func (g *geometry) stitchSquare(o Options) error {
	if o.stitched() && (g.Grid != Grid{Cols: 2, Rows: 2} || !g.global) {
		return fmt.Errorf("merge type %q under image_aspect_ratio %q needs a global view and 2x2 tiles, here are %d views with %dx%d",
			o.MergeType, o.AspectRatio, g.views, g.Grid.Cols, g.Grid.Rows)
	}
	if o.stitched() && o.unpads() && o.Strip == StripCover {
		return fmt.Errorf("strip %q is not defined for image_aspect_ratio %q", o.Strip, o.AspectRatio)
	}
	return g.stitch(o)
}

func highResSteps(o Options, g *geometry) {
	if g.global {
		g.addGlobal(o)
	}
	var steps []imaging.Step
	if step, _, ok := imaging.PadSquare(g.Picture, o.PadColor); ok {
		steps = append(steps, step)
	}
	steps = append(steps, resize(g.Canvas, o.Filter))
	g.addTiles(o, steps, centred(o.HighRes, o.HighRes, o.Side), o.Side)
}

// centred is the area of whole tiles in the middle of a canvas (extract_patches in LLaVA-NeXT's mm_utils.py).
func centred(w, h, tile int) imaging.Rect {
	cols, rows := w/tile, h/tile
	return imaging.Rect{X: (w - cols*tile) / 2, Y: (h - rows*tile) / 2, W: cols * tile, H: rows * tile}
}

// measureCropSplit is "crop_split": the shorter side is resized to CropResolution, the middle square cut out and split
// into tiles. There is no global view.
//
// Source: process_highres_image_crop_split in LLaVA-NeXT's mm_utils.py.
func (g *geometry) measureCropSplit(o Options) error {
	crop := cropBox(cropSplitSize(g.Picture, o.CropResolution), o.CropResolution)
	g.Canvas = imaging.Size{W: crop.W, H: crop.H}
	g.Resized = g.Canvas
	grid := Grid{Cols: crop.W / o.SplitResolution, Rows: crop.H / o.SplitResolution}
	if grid.Cols == 0 || grid.Rows == 0 {
		return fmt.Errorf("crop_split: a crop of %v pixels holds no tile of %d", g.Canvas, o.SplitResolution)
	}
	g.setTiles(o, grid, false)
	g.steps = cropSplitSteps
	return g.stitchSquare(o)
}

func cropSplitSteps(o Options, g *geometry) {
	to := cropSplitSize(g.Picture, o.CropResolution)
	crop := cropBox(to, o.CropResolution)
	steps := []imaging.Step{resize(to, imaging.Lanczos), {Crop: &crop}}
	g.addTiles(o, steps, centred(crop.W, crop.H, o.SplitResolution), o.SplitResolution)
}

// cropSplitSize is a picture's size with the shorter side resized to edge, by a rounded ratio and not, as the CLIP
// processor does, by a quotient.
func cropSplitSize(picture imaging.Size, edge int) imaging.Size {
	ratio := float64(picture.W) / float64(picture.H)
	if ratio > 1 {
		return imaging.Size{W: int(float64(edge) * ratio), H: edge}
	}
	return imaging.Size{W: edge, H: int(float64(edge) / ratio)}
}

// cropBox is the middle square of side edge. The reference hands Pillow a box of halves, which it rounds to even.
func cropBox(size imaging.Size, edge int) imaging.Rect {
	x0, x1 := halfEven(size.W-edge), halfEven(size.W+edge)
	y0, y1 := halfEven(size.H-edge), halfEven(size.H+edge)
	return imaging.Rect{X: x0, Y: y0, W: x1 - x0, H: y1 - y0}
}

// halfEven is n/2, a half rounded to even.
func halfEven(n int) int { return int(math.RoundToEven(float64(n) / 2)) }
