package variants

import "llavabench/internal/imaging"

// measureWhole is a picture of one view: "square" and "pad" of the reference's process_images.
func (g *geometry) measureWhole(o Options) error {
	g.views = 1
	g.steps = wholeSteps
	if !o.ChannelsGuess {
		return nil
	}
	// The LLaVA repository pads with Pillow and hands the square to the processor, which then guesses. The transformers
	// processor guesses once, from the picture as given.
	handed := g.Picture
	if o.Flavour == Original && o.AspectRatio == "pad" {
		m := max(handed.W, handed.H)
		handed = imaging.Size{W: m, H: m}
	}
	return g.guessChannels(handed)
}

func wholeSteps(o Options, g *geometry) {
	var steps []imaging.Step
	size := g.Picture
	guess := func() {
		steps = append(steps, g.guessStep()...)
		size = g.Seen
	}
	if o.Flavour != Original {
		guess()
	}
	if o.AspectRatio == "pad" {
		step, square, ok := imaging.PadSquare(size, o.PadColor)
		if ok {
			steps = append(steps, step)
		}
		size = square
	}
	if o.Flavour == Original && g.guess {
		guess()
	}
	g.add(ViewWhole, append(steps, clipSteps(o, size)...))
}

// clipSteps is the CLIP processor: the shorter side resized to ShortestEdge, then the middle Side x Side cut out.
func clipSteps(o Options, size imaging.Size) []imaging.Step {
	to := imaging.ShortestEdge(size, o.ShortestEdge)
	steps := []imaging.Step{resize(to, o.Filter)}
	if side := (imaging.Size{W: o.Side, H: o.Side}); to != side {
		r := imaging.CenterCropRect(to, side)
		steps = append(steps, imaging.Step{Crop: &r})
	}
	return steps
}
