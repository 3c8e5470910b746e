package variants

import (
	"fmt"
	"math"

	"llavabench/internal/imaging"
)

// measureAnyRes is "anyres" and "anyres_max_N": the picture is scaled to fit the best of several canvases, padded, and
// cut into tiles.
//
// Source: process_anyres_image in LLaVA's mm_utils.py and the merge in its llava_arch.py; for the transformers flavours
// image_processing_llava_next.py and modeling_llava_next.py.
func (g *geometry) measureAnyRes(o Options) error {
	if o.Flavour != Original && o.ChannelsGuess {
		if err := g.guessChannels(g.Picture); err != nil {
			return err
		}
	}
	g.Canvas = o.bestCanvas(g.Seen, scaled)
	if o.Flavour == Transformers440 {
		// The model of that release repeats the processor's choice in float32; where they part, it fails or mixes up tiles.
		if merged := o.bestCanvas(g.Seen, scaled32); merged != g.Canvas {
			return fmt.Errorf("transformers 4.40 tiles a canvas of %v pixels and merges one of %v", g.Canvas, merged)
		}
	}
	g.Resized, g.Paste = fit(g.Seen, g.Canvas)
	g.setTiles(o, Grid{Cols: g.Canvas.W / o.Side, Rows: g.Canvas.H / o.Side}, o.hasGlobal())
	g.steps = anyResSteps
	return g.stitch(o)
}

// setTiles records the number of tiles and views.
func (g *geometry) setTiles(o Options, grid Grid, global bool) {
	g.Grid, g.global = grid, global
	g.views = grid.Cols * grid.Rows
	if global {
		g.views++
	}
}

// canvas turns a pinpoint into a size.
func (o Options) canvas(pinpoint [2]int) imaging.Size {
	if o.Flavour.heightFirst() {
		return imaging.Size{W: pinpoint[1], H: pinpoint[0]}
	}
	return imaging.Size{W: pinpoint[0], H: pinpoint[1]}
}

// Canvases are the resolutions that an "anyres" picture is fitted to, width first, in order of preference.
func (o Options) Canvases() []imaging.Size {
	var list []imaging.Size
	for _, p := range o.Pinpoints {
		if c := o.canvas(p); o.allowed(c) {
			list = append(list, c)
		}
	}
	return list
}

// allowed reports whether a canvas has few enough tiles.
func (o Options) allowed(c imaging.Size) bool { return c.W/o.Side*(c.H/o.Side) <= o.MaxTiles }

// bestCanvas is select_best_resolution of LLaVA's mm_utils.py: the canvas on which the picture keeps most pixels, then
// the one that wastes least, then the first. size gives the picture's size when scaled to fit a canvas.
func (o Options) bestCanvas(picture imaging.Size, size func(picture, canvas imaging.Size) imaging.Size) imaging.Size {
	var best imaging.Size
	mostUsed, leastWaste := 0, math.MaxInt
	for _, p := range o.Pinpoints {
		c := o.canvas(p)
		if !o.allowed(c) {
			continue
		}
		s := size(picture, c)
		used := min(s.W*s.H, picture.W*picture.H)
		waste := c.W*c.H - used
		if used > mostUsed || used == mostUsed && waste < leastWaste {
			mostUsed, leastWaste, best = used, waste, c
		}
	}
	return best
}

// scaled is the picture's size, truncated, on a canvas that it is scaled to fit.
func scaled(picture, canvas imaging.Size) imaging.Size {
	w, h := float64(picture.W), float64(picture.H)
	s := min(float64(canvas.W)/w, float64(canvas.H)/h)
	return imaging.Size{W: int(w * s), H: int(h * s)}
}

// scaled32 is scaled as transformers 4.40 computes it with the picture's sides as tensors: an integer divided by a tensor
// is a float32 reciprocal and a product.
func scaled32(picture, canvas imaging.Size) imaging.Size {
	w, h := float32(picture.W), float32(picture.H)
	s := min(float32(canvas.W)*(1/w), float32(canvas.H)*(1/h))
	return imaging.Size{W: int(w * s), H: int(h * s)}
}

// fit is the size of a picture scaled to touch two sides of a canvas, rounded up, and its place in the middle
// (resize_and_pad_image in LLaVA's mm_utils.py).
func fit(picture, canvas imaging.Size) (imaging.Size, Point) {
	w, h := float64(picture.W), float64(picture.H)
	scaleW, scaleH := float64(canvas.W)/w, float64(canvas.H)/h
	to := canvas
	if scaleW < scaleH {
		to.H = min(int(math.Ceil(h*scaleW)), canvas.H)
	} else {
		to.W = min(int(math.Ceil(w*scaleH)), canvas.W)
	}
	return to, Point{X: (canvas.W - to.W) / 2, Y: (canvas.H - to.H) / 2}
}

func anyResSteps(o Options, g *geometry) {
	if g.global {
		g.addGlobal(o)
	}
	// Where padding is equal on both sides an odd remainder leaves the canvas a pixel short, and its last row or column
	// of tiles with it.
	canvas := g.Canvas
	if o.Flavour.padsEqually() {
		canvas = imaging.Size{W: g.Resized.W + 2*g.Paste.X, H: g.Resized.H + 2*g.Paste.Y}
	}
	steps := append(g.guessStep(), resize(g.Resized, o.Filter))
	if canvas != g.Resized {
		paste := imaging.Paste{Canvas: canvas, X: g.Paste.X, Y: g.Paste.Y, Fill: o.CanvasColor}
		steps = append(steps, imaging.Step{Paste: &paste})
	}
	g.addTiles(o, steps, imaging.Rect{W: canvas.W, H: canvas.H}, o.Side)
}

// addTiles appends a canvas made by steps, of which area is cut row by row into the grid's tiles of tile x tile pixels.
// A tile that is not Side x Side goes through the processor's resize and crop.
func (g *geometry) addTiles(o Options, steps []imaging.Step, area imaging.Rect, tile int) {
	canvas := imaging.Canvas{Steps: steps}
	for row := range g.Grid.Rows {
		for col := range g.Grid.Cols {
			cut := imaging.Cut{Rect: imaging.Rect{
				X: area.X + col*tile,
				Y: area.Y + row*tile,
				W: min(tile, area.W-col*tile),
				H: min(tile, area.H-row*tile),
			}}
			if cut.Rect.W != o.Side || cut.Rect.H != o.Side {
				cut.Steps = clipSteps(o, imaging.Size{W: cut.Rect.W, H: cut.Rect.H})
			}
			canvas.Cuts = append(canvas.Cuts, cut)
			g.Views = append(g.Views, View{Kind: ViewTile, Row: row, Col: col})
		}
	}
	g.Plan.Canvases = append(g.Plan.Canvases, canvas)
}
