package imaging

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
