package imaging

// A source is a picture pasted on a canvas of one colour, without the canvas being made: (x, y) is where the picture's
// top left pixel lies; the picture may stick out.
type source struct {
	*RGB
	canvas Size
	x, y   int
	fill   Color
}

func asSource(m *RGB) source { return source{RGB: m, canvas: m.Size()} }

// columns is the half-open range of canvas columns that the picture covers.
func (s *source) columns() (lo, hi int) {
	lo = min(max(s.x, 0), s.canvas.W)
	return lo, max(lo, min(s.x+s.Width, s.canvas.W))
}

// has says whether canvas row y crosses the picture.
func (s *source) has(y int) bool { return y >= s.y && y < s.y+s.Height }

// copyRow writes canvas row y, columns lo..hi-1, to dst. A row outside the canvas or the picture is all fill.
func (s *source) copyRow(dst []uint8, y, lo, hi int) {
	a, b := s.columns()
	if a, b = max(a, lo), min(b, hi); a >= b || !s.has(y) {
		fillRow(dst[:3*(hi-lo)], s.fill)
		return
	}
	fillRow(dst[:3*(a-lo)], s.fill)
	copy(dst[3*(a-lo):3*(b-lo)], s.row(y - s.y)[3*(a-s.x):])
	fillRow(dst[3*(b-lo):3*(hi-lo)], s.fill)
}

func fillRow(dst []uint8, c Color) {
	for ; len(dst) >= 3; dst = dst[3:] {
		dst[0], dst[1], dst[2] = c[0], c[1], c[2]
	}
}

// copyRegion is a crop of r, which lies inside the canvas.
func copyRegion(src source, r Rect) (*RGB, error) {
	if err := checkCanvas(Size{r.W, r.H}); err != nil {
		return nil, err
	}
	out := NewRGB(Size{r.W, r.H})
	for y := range r.H {
		src.copyRow(out.row(y), r.Y+y, r.X, r.X+r.W)
	}
	return out, nil
}
