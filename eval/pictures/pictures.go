// Package pictures finds the pictures of runs again: those of the shipped suite are drawn from their seed, others are read
// from where the run found them, be that files, zip files or tables. A picture that is not the one of the run, pixel by pixel, is
// refused.
package pictures

import (
	"errors"
	"fmt"
	"strings"

	"llavabench/eval/jsonl"
	"llavabench/eval/official"
	"llavabench/eval/sight"
	"llavabench/eval/suites"
	"llavabench/internal/imaging"
	"llavabench/internal/rundir"
)

// ErrNone is the class of errors of samples that had no picture.
var ErrNone = errors.New("the question has no picture")

// A Finder finds pictures. It keeps the data directories of public benchmarks open; the zero value has none yet.
type Finder struct {
	opened map[place]*opened
}

// A place is a data directory as one benchmark reads it.
type place struct{ root, suite, split string }

// An opened is a data directory, or why there is none.
type opened struct {
	dir    *suites.Dir
	err    error
	loaded bool // the tables were read, so that the pictures in them are known
}

// Of gives the picture of a sample.
func (f *Finder) Of(m rundir.Manifest, s rundir.Sample) (*imaging.RGB, error) {
	img, err := f.find(m, s)
	if err != nil {
		return nil, err
	}
	if s.PixelSHA256 != "" && img.PixelSHA256() != s.PixelSHA256 {
		return nil, fmt.Errorf("the picture of %q is another one now", s.ID)
	}
	return img, nil
}

// Close closes the data directories.
func (f *Finder) Close() error {
	var errs []error
	for _, o := range f.opened {
		if o.dir != nil {
			errs = append(errs, o.dir.Close())
		}
	}
	f.opened = nil
	return errors.Join(errs...)
}

func (f *Finder) find(m rundir.Manifest, s rundir.Sample) (*imaging.RGB, error) {
	switch {
	case s.Image != "" && m.Pictures == "":
		return nil, fmt.Errorf("the run does not say where its pictures were")
	case s.Image != "":
		if suite, err := suites.Find(m.Suite.Name); err == nil {
			return f.official(suite, place{m.Pictures, suite.Name, m.Suite.Split}, s.Image)
		}
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

// official reads a picture of a public benchmark. The benchmark's tables are read only when a name asks for one inside them.
func (f *Finder) official(suite *suites.Suite, at place, name string) (*imaging.RGB, error) {
	o := f.opened[at]
	if o == nil {
		o = &opened{}
		if o.dir, o.err = suites.OpenDir(at.root); o.err == nil {
			o.dir.Split = at.split
			suite.Pictures(o.dir)
		}
		if f.opened == nil {
			f.opened = map[place]*opened{}
		}
		f.opened[at] = o
	}
	if o.err == nil && !o.loaded && strings.Contains(name, "#") {
		o.loaded = true
		_, o.err = suite.Load(o.dir)
	}
	if o.err != nil {
		return nil, o.err
	}
	return official.Picture(o.dir, name)
}
