package variants

import (
	"fmt"
	"strings"

	"llavabench/internal/imaging"
)

const (
	// maxPixelSide bounds a picture's sides so that products of sides cannot overflow.
	maxPixelSide = 1 << 24
	// maxTokens bounds the image tokens of a picture, far above any decoder's context.
	maxTokens = 1 << 20
)

// A geometry is a layout before its steps and views are written out.
type geometry struct {
	Layout
	views  int
	global bool // the first view is the global one
	// guess is set where the picture's rows are taken for channels.
	guess bool
	// steps writes the plan and the views into the layout.
	steps func(Options, *geometry)
}

// Plan lays a picture out as Options.AspectRatio says. It is Plan of every variant in this module.
func Plan(o Options, size imaging.Size) (Layout, error) {
	g, err := measure(o, size)
	if err != nil {
		return Layout{}, err
	}
	g.Plan.Side = o.Side
	g.steps(o, &g)
	return g.Layout, nil
}

// TokenCount is the number of image tokens of a picture, computed from its geometry alone. It is TokenCount of every
// variant in this module.
func TokenCount(o Options, size imaging.Size) (int, error) {
	g, err := measure(o, size)
	return g.Tokens, err
}

// measure decides everything about a picture but its views' steps.
func measure(o Options, size imaging.Size) (geometry, error) {
	if err := o.Validate(); err != nil {
		return geometry{}, err
	}
	if size.W <= 0 || size.H <= 0 || size.W > maxPixelSide || size.H > maxPixelSide {
		return geometry{}, fmt.Errorf("picture of %v pixels: sides must be from 1 to %d", size, maxPixelSide)
	}
	g := geometry{Layout: Layout{
		Picture: size,
		Seen:    size,
		Cells:   o.Side / o.Patch,
		Class:   o.SelectFeature == FeatureClassPatch,
		Pool:    Pool{Kind: PoolNone},
	}}
	var err error
	switch o.AspectRatio {
	case "square", "pad":
		err = g.measureWhole(o)
	case "highres":
		err = g.measureHighRes(o)
	case "crop_split":
		err = g.measureCropSplit(o)
	default:
		err = g.measureAnyRes(o)
	}
	if err != nil {
		return geometry{}, fmt.Errorf("picture of %v pixels: %w", size, err)
	}
	g.Tokens = count(o, g.Layout, g.views, g.global)
	limit := maxTokens
	if o.MaxImageTokens > 0 {
		limit = min(limit, o.MaxImageTokens)
	}
	if g.Tokens > limit {
		return geometry{}, fmt.Errorf("picture of %v pixels gives %d image tokens, above the limit of %d (max_image_tokens)",
			size, g.Tokens, limit)
	}
	return g, nil
}

// guessChannels applies the reference's guess of the channel axis to what its processor is handed.
//
// Source: infer_channel_dimension_format in transformers' image_utils.py: an array of 3 dimensions whose first is 1 or 3
// is channels-first.
func (g *geometry) guessChannels(handed imaging.Size) error {
	switch handed.H {
	case 1:
		return fmt.Errorf("the reference's processor takes the %v pixels that it is handed for one channel and refuses them; "+
			"set channels_guess to false to treat them as a picture", handed)
	case 3:
		g.guess = true
		g.Seen = imaging.Size{W: 3, H: handed.W}
	}
	return nil
}

// guessStep is the step that follows from guess, or none.
func (g *geometry) guessStep() []imaging.Step {
	if g.guess {
		return []imaging.Step{{RowsAsChannels: true}}
	}
	return nil
}

// add appends a canvas of one view.
func (g *geometry) add(kind ViewKind, steps []imaging.Step) {
	g.Plan.Canvases = append(g.Plan.Canvases, imaging.Canvas{Steps: steps})
	g.Views = append(g.Views, View{Kind: kind})
}

// addGlobal appends the view of the whole picture that accompanies tiles.
func (g *geometry) addGlobal(o Options) {
	steps := g.guessStep()
	if o.Global == GlobalPad {
		if step, _, ok := imaging.PadSquare(g.Seen, o.PadColor); ok {
			steps = append(steps, step)
		}
	}
	g.add(ViewGlobal, append(steps, resize(imaging.Size{W: o.Side, H: o.Side}, o.Filter)))
}

func resize(to imaging.Size, filter imaging.Filter) imaging.Step {
	return imaging.Step{Resize: &imaging.Resize{Size: to, Filter: filter}}
}

// stitched reports whether tiles are joined to one map.
func (o Options) stitched() bool { return strings.HasPrefix(o.MergeType, "spatial") }

// unpads reports whether Strip and RowEnd apply.
func (o Options) unpads() bool {
	return strings.Contains(o.MergeType, "_unpad") && !o.maxPools()
}

func (o Options) maxPools() bool { return strings.Contains(o.MergeType, "_maxpool2x2") }

// rowEnds reports whether a vector follows each row of the map.
func (o Options) rowEnds() bool { return o.unpads() && o.RowEnd != RowEndNone }

// hasGlobal reports whether a tiled picture also has a global view.
func (o Options) hasGlobal() bool {
	return o.Global != GlobalNone && !strings.Contains(o.MergeType, "_nobase")
}
