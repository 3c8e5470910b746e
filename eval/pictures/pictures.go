// Package pictures finds the pictures of a run again: those of the shipped suite are drawn from their seed, others are read
// from where the run found them. A picture that is not the one of the run, pixel by pixel, is refused.
package pictures

import (
	"errors"
	"fmt"
	"strings"

	"llavabench/eval/jsonl"
	"llavabench/eval/sight"
	"llavabench/internal/imaging"
	"llavabench/internal/rundir"
)

// ErrNone is the class of errors of samples that had no picture.
var ErrNone = errors.New("the question has no picture")

// Of gives the picture of a sample.
func Of(m rundir.Manifest, s rundir.Sample) (*imaging.RGB, error) {
	img, err := find(m, s)
	if err != nil {
		return nil, err
	}
	if s.PixelSHA256 != "" && img.PixelSHA256() != s.PixelSHA256 {
		return nil, fmt.Errorf("the picture of %q is another one now", s.ID)
	}
	return img, nil
}

func find(m rundir.Manifest, s rundir.Sample) (*imaging.RGB, error) {
	switch {
	case s.Image != "" && m.Pictures == "":
		return nil, fmt.Errorf("the run does not say where its pictures were")
	case s.Image != "":
		return jsonl.OpenImage(m.Pictures, s.Image)
	case m.Suite.Name != "sight":
		return nil, ErrNone
	case m.Suite.Version != sight.Version:
		return nil, fmt.Errorf("the run is of version %q of the suite, this program draws %q", m.Suite.Version, sight.Version)
	}
	var categories []sight.Category
	for _, c := range strings.FieldsFunc(m.Suite.Categories, func(r rune) bool { return r == ',' }) {
		categories = append(categories, sight.Category(c))
	}
	it, err := sight.New(sight.Split(m.Suite.Split), m.Suite.Seed, sight.Index(s.Index, categories...))
	if err != nil {
		return nil, err
	}
	if it.ID != s.ID {
		return nil, fmt.Errorf("item %d of the suite is %q, not %q", s.Index, it.ID, s.ID)
	}
	return sight.Draw(it.Scene), nil
}
