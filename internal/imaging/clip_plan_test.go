package imaging

import "fmt"

// clipParams are the settings of the CLIP image processor that change pixels' places (the rest is a Normalizer).
type clipParams struct {
	Resize       bool
	ShortestEdge int // resize so that the shorter side gets this many pixels; 0 if Exact is used
	Exact        Size
	CenterCrop   bool
	Crop         Size
	Filter       Filter
	// GuessLayout repeats the reference's guess of the channel axis: it takes a picture whose height is 1 or 3 for
	// channels-first. Without it every size is handled alike.
	GuessLayout bool
}

// squareClip is the processor of the released CLIP towers: shortest edge to side, centre crop of side x side, bicubic.
func squareClip(side int) clipParams {
	return clipParams{
		Resize: true, ShortestEdge: side, CenterCrop: true, Crop: Size{side, side}, Filter: Bicubic, GuessLayout: true,
	}
}

// planClip gives the steps of the CLIP processor for a picture: resize, centre crop. With GuessLayout a picture 3 pixels
// high is scrambled as in the reference, and one 1 pixel high is refused as there.
func planClip(size Size, p clipParams) (Canvas, error) {
	if size.W <= 0 || size.H <= 0 {
		return Canvas{}, fmt.Errorf("clip plan for a picture of %v pixels", size)
	}
	var steps []Step
	if p.GuessLayout {
		switch size.H {
		case 1:
			return Canvas{}, fmt.Errorf("picture of %v pixels: the reference takes a picture 1 pixel high for "+
				"channels-first with one channel and refuses it (its mean has 3 elements)", size)
		case 3:
			steps = append(steps, Step{RowsAsChannels: true})
			size = Size{3, size.W}
		}
	}
	if p.Resize {
		to := p.Exact
		if p.ShortestEdge > 0 {
			to = ShortestEdge(size, p.ShortestEdge)
		}
		steps = append(steps, Step{Resize: &Resize{Size: to, Filter: p.Filter}})
		size = to
	}
	if p.CenterCrop && size != p.Crop {
		r := CenterCropRect(size, p.Crop)
		steps = append(steps, Step{Crop: &r})
	}
	return Canvas{Steps: steps}, nil
}

// planPadSquare is PadSquare followed by planClip: the reference's image_aspect_ratio "pad".
func planPadSquare(size Size, fill Color, p clipParams) (Canvas, error) {
	step, square, ok := PadSquare(size, fill)
	c, err := planClip(square, p)
	if err != nil {
		return Canvas{}, err
	}
	if ok {
		c.Steps = append([]Step{step}, c.Steps...)
	}
	return c, nil
}
