package imaging

import "fmt"

// Render executes a plan on src and gives its views in order, each Side x Side pixels (checked). A view on which the plan
// does nothing is src itself. loop spreads the resizing over goroutines; it may be nil.
func Render(src *RGB, p Plan, loop For) ([]*RGB, error) {
	if err := src.check(); err != nil {
		return nil, fmt.Errorf("render: %w", err)
	}
	var views []*RGB
	add := func(view *RGB, canvas int) error {
		if view.Width != p.Side || view.Height != p.Side {
			return fmt.Errorf("render: view %d (canvas %d) has %v pixels, the plan's side is %d",
				len(views), canvas, view.Size(), p.Side)
		}
		views = append(views, view)
		return nil
	}
	for i, c := range p.Canvases {
		canvas, err := apply(src, c.Steps, loop)
		if err != nil {
			return nil, fmt.Errorf("render: canvas %d: %w", i, err)
		}
		if len(c.Cuts) == 0 {
			if err := add(canvas, i); err != nil {
				return nil, err
			}
		}
		for j, cut := range c.Cuts {
			r := cut.Rect
			view, err := apply(canvas, append([]Step{{Crop: &r}}, cut.Steps...), loop)
			if err != nil {
				return nil, fmt.Errorf("render: canvas %d: cut %d: %w", i, j, err)
			}
			if err := add(view, i); err != nil {
				return nil, err
			}
		}
	}
	return views, nil
}

// apply runs the steps one after the other. A run of paste, resize and crop (each of them optional) is done in one go,
// which gives the same pixels without making the canvas or the pixels that the crop drops.
func apply(m *RGB, steps []Step, loop For) (*RGB, error) {
	for at := 0; at < len(steps); {
		if err := steps[at].check(); err != nil {
			return nil, fmt.Errorf("step %d: %w", at, err)
		}
		var err error
		if steps[at].RowsAsChannels {
			m, err = rowsAsChannels(m)
			if err != nil {
				return nil, fmt.Errorf("step %d: %w", at, err)
			}
			at++
			continue
		}
		var run stepRun
		first := at
		for at < len(steps) && run.take(steps[at]) {
			at++
		}
		if m, err = run.apply(m, loop); err != nil {
			return nil, fmt.Errorf("step %d: %w", first, err)
		}
	}
	return m, nil
}

// check reports a step that says nothing or more than one thing.
func (s Step) check() error {
	n := 0
	for _, set := range []bool{s.Resize != nil, s.Paste != nil, s.Crop != nil, s.RowsAsChannels} {
		if set {
			n++
		}
	}
	if n != 1 {
		return fmt.Errorf("a step must have exactly one of resize, paste, crop and rows_as_channels, this one has %d", n)
	}
	return nil
}

// stepRun is a paste, then a resize, then a crop; nil parts are left out.
type stepRun struct {
	paste  *Paste
	resize *Resize
	crop   *Rect
}

// take adds a step if it may follow what is there.
func (r *stepRun) take(s Step) bool {
	if s.check() != nil {
		return false
	}
	switch {
	case s.Paste != nil && r.paste == nil && r.resize == nil && r.crop == nil:
		r.paste = s.Paste
	case s.Resize != nil && r.resize == nil && r.crop == nil:
		r.resize = s.Resize
	case s.Crop != nil && r.crop == nil:
		r.crop = s.Crop
	default:
		return false
	}
	return true
}

func (r *stepRun) apply(m *RGB, loop For) (*RGB, error) {
	src := asSource(m)
	if p := r.paste; p != nil {
		if p.Canvas.W <= 0 || p.Canvas.H <= 0 {
			return nil, fmt.Errorf("paste on a canvas of %v pixels", p.Canvas)
		}
		src = source{RGB: m, canvas: p.Canvas, x: p.X, y: p.Y, fill: p.Fill}
	}
	size := src.canvas
	if r.resize != nil {
		if size = r.resize.Size; size.W <= 0 || size.H <= 0 {
			return nil, fmt.Errorf("resize to %v: width and height must be positive", size)
		}
	}
	want := Rect{0, 0, size.W, size.H}
	if r.crop != nil {
		want = *r.crop
		if err := checkCanvas(Size{want.W, want.H}); err != nil {
			return nil, fmt.Errorf("crop: %w", err)
		}
	}
	inside := want.clip(size)
	if inside.W <= 0 || inside.H <= 0 {
		return NewRGB(Size{want.W, want.H}), nil
	}
	var region *RGB
	var err error
	if r.resize != nil {
		region, err = resizeRegion(src, size, r.resize.Filter, inside, loop)
	} else {
		region, err = copyRegion(src, inside)
	}
	if err != nil || inside == want {
		return region, err
	}
	// The reference's centre crop pads what lies outside the picture with zeros.
	out := NewRGB(Size{want.W, want.H})
	for y := range region.Height {
		copy(out.row(inside.Y - want.Y + y)[3*(inside.X-want.X):], region.row(y))
	}
	return out, nil
}

// clip gives the part of r inside a picture of the given size.
func (r Rect) clip(s Size) Rect {
	x0, y0 := max(r.X, 0), max(r.Y, 0)
	x1, y1 := min(r.X+r.W, s.W), min(r.Y+r.H, s.H)
	return Rect{x0, y0, x1 - x0, y1 - y0}
}

// rowsAsChannels does the step of that name.
func rowsAsChannels(m *RGB) (*RGB, error) {
	if m.Height != 3 {
		return nil, fmt.Errorf("rows as channels: the picture is %d pixels high, not 3", m.Height)
	}
	out := NewRGB(Size{3, m.Width})
	for col := range m.Width {
		for channel := range 3 {
			for y := range 3 {
				out.Pix[3*(3*col+channel)+y] = m.Pix[3*(y*m.Width+col)+channel]
			}
		}
	}
	return out, nil
}
