package imaging

import "fmt"

// ClipParams are the settings of the CLIP image processor that change pixels' places (the rest is a Normalizer).
type ClipParams struct {
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

// SquareClip is the processor of the released CLIP towers: shortest edge to side, centre crop of side x side, bicubic.
func SquareClip(side int) ClipParams {
	return ClipParams{
		Resize: true, ShortestEdge: side, CenterCrop: true, Crop: Size{side, side}, Filter: Bicubic, GuessLayout: true,
	}
}

// ShortestEdge is the size of a picture resized so that its shorter side has edge pixels: the longer side is
// int(edge * long / short) (get_resize_output_image_size in transformers' image_transforms.py; the division is of
// integers and correctly rounded there, so its truncation is the integer quotient).
func ShortestEdge(size Size, edge int) Size {
	if size.W <= size.H {
		return Size{edge, edge * size.H / size.W}
	}
	return Size{edge * size.W / size.H, edge}
}

// CenterCropRect is where the reference's centre_crop cuts a picture: offsets are (size - crop) // 2, rounded down. A
// crop larger than the picture gets negative offsets, and zeros outside.
func CenterCropRect(size, crop Size) Rect {
	return Rect{(size.W - crop.W) >> 1, (size.H - crop.H) >> 1, crop.W, crop.H}
}

// PlanClip gives the steps of the CLIP processor for a picture: resize, centre crop. With GuessLayout a picture 3 pixels
// high is scrambled as in the reference, and one 1 pixel high is refused as there.
func PlanClip(size Size, p ClipParams) (Canvas, error) {
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

// PadSquare is the step that puts a picture in the middle of a square canvas as wide as its longer side
// (expand2square in the reference's mm_utils.py): the offset is (long - short) // 2, so an odd pixel goes right or
// below. ok is false for a picture that is square already.
func PadSquare(size Size, fill Color) (step Step, square Size, ok bool) {
	m := max(size.W, size.H)
	square = Size{m, m}
	if size == square {
		return Step{}, square, false
	}
	return Step{Paste: &Paste{Canvas: square, X: (m - size.W) / 2, Y: (m - size.H) / 2, Fill: fill}}, square, true
}

// PlanPadSquare is PadSquare followed by PlanClip: the reference's image_aspect_ratio "pad".
func PlanPadSquare(size Size, fill Color, p ClipParams) (Canvas, error) {
	step, square, ok := PadSquare(size, fill)
	c, err := PlanClip(square, p)
	if err != nil {
		return Canvas{}, err
	}
	if ok {
		c.Steps = append([]Step{step}, c.Steps...)
	}
	return c, nil
}
