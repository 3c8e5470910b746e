package main

import (
	"fmt"

	"llavabench/eval/sight"
	"llavabench/internal/checkpoint"
	"llavabench/internal/imaging"
	"llavabench/internal/synth"
	"llavabench/variants"
	"llavabench/variants/all"
)

// A place says where a view shows the picture: the point (x, y) of the picture lies at (x*SX+DX, y*SY+DY) of the view.
type place struct {
	SX float64 `json:"sx"`
	SY float64 `json:"sy"`
	DX float64 `json:"dx"`
	DY float64 `json:"dy"`
}

// A viewer makes the views of one generation, exactly as the pipeline does.
type viewer struct {
	variant variants.Variant
	options variants.Options
}

// newViewer takes the generation's settings at the given side of a view, or those of a checkpoint.
func newViewer(name string, side int, model string) (*viewer, error) {
	v, err := all.ByName(name)
	if err != nil {
		return nil, err
	}
	if model != "" {
		c, err := checkpoint.Open(model, checkpoint.OpenOptions{}) // its tensors tell whether rows have ends
		if err != nil {
			return nil, err
		}
		defer c.Close()
		o := v.Defaults(c.Config)
		return &viewer{variant: v, options: o}, v.Check(o)
	}
	n, err := synth.ByName("tiny-" + name)
	if err != nil {
		return nil, err
	}
	c := n.Config
	c.Vision.Image = side
	c.Processor.ShortestEdge, c.Processor.CropHeight, c.Processor.CropWidth = side, side, side
	o := v.Defaults(c)
	return &viewer{variant: v, options: o}, v.Check(o)
}

// look plans a scene's views. refs are the image tokens in order: the row among all views' patches, -1 for a row end.
func (v *viewer) look(s *sight.Scene) (plan imaging.Plan, places []place, refs []int, err error) {
	layout, err := v.variant.Plan(v.options, imaging.Size{W: s.Width, H: s.Height})
	if err != nil {
		return imaging.Plan{}, nil, nil, err
	}
	for _, c := range layout.Plan.Canvases {
		p, _, err := through(place{SX: 1, SY: 1}, imaging.Size{W: s.Width, H: s.Height}, c.Steps)
		if err != nil {
			return imaging.Plan{}, nil, nil, err
		}
		if len(c.Cuts) == 0 {
			places = append(places, p)
		}
		for _, cut := range c.Cuts {
			places = append(places, place{p.SX, p.SY, p.DX - float64(cut.Rect.X), p.DY - float64(cut.Rect.Y)})
		}
	}
	for _, r := range v.variant.Merge(v.options, layout) {
		if r.Kind == variants.Newline {
			refs = append(refs, -1)
			continue
		}
		refs = append(refs, int(r.View)*layout.ViewRows()+layout.Index(r))
	}
	return layout.Plan, places, refs, nil
}

// through follows a point through the steps of a canvas.
func through(p place, size imaging.Size, steps []imaging.Step) (place, imaging.Size, error) {
	for _, s := range steps {
		switch {
		case s.Resize != nil:
			fx := float64(s.Resize.Size.W) / float64(size.W)
			fy := float64(s.Resize.Size.H) / float64(size.H)
			p = place{p.SX * fx, p.SY * fy, p.DX * fx, p.DY * fy}
			size = s.Resize.Size
		case s.Paste != nil:
			p.DX += float64(s.Paste.X)
			p.DY += float64(s.Paste.Y)
			size = s.Paste.Canvas
		case s.Crop != nil:
			p.DX -= float64(s.Crop.X)
			p.DY -= float64(s.Crop.Y)
			size = imaging.Size{W: s.Crop.W, H: s.Crop.H}
		default:
			return p, size, fmt.Errorf("a step of the plan has no place here: %+v", s)
		}
	}
	return p, size, nil
}
