package rundir

import (
	"errors"
	"fmt"
)

// Pairs are the samples of two runs that answer the same questions, in the order of the first run.
type Pairs struct {
	Base, New []Sample // of equal length
	// Questions that only one of the runs answers, by id.
	BaseOnly, NewOnly []string
}

// ReadPairs reads the samples of two runs and pairs them by question id.
func ReadPairs(base, new string) (Pairs, error) {
	a, err := ReadSamples(base)
	if err != nil {
		return Pairs{}, err
	}
	b, err := ReadSamples(new)
	if err != nil {
		return Pairs{}, err
	}
	for _, run := range []struct {
		dir     string
		samples []Sample
	}{{base, a}, {new, b}} {
		if len(run.samples) == 0 {
			return Pairs{}, fmt.Errorf("%s has no samples", run.dir)
		}
	}
	p, err := Pair(a, b)
	if err != nil {
		return Pairs{}, fmt.Errorf("%s and %s: %w", base, new, err)
	}
	return p, nil
}

// Pair pairs samples by question id. A question whose right answer is not the same in both runs makes it fail: its scores
// cannot be compared.
func Pair(base, new []Sample) (Pairs, error) {
	byID := make(map[string]Sample, len(new))
	for _, s := range new {
		if _, ok := byID[s.ID]; ok {
			return Pairs{}, fmt.Errorf("question %q is answered twice", s.ID)
		}
		byID[s.ID] = s
	}
	var p Pairs
	seen := make(map[string]bool, len(base))
	for _, a := range base {
		if seen[a.ID] {
			return Pairs{}, fmt.Errorf("question %q is answered twice", a.ID)
		}
		seen[a.ID] = true
		b, ok := byID[a.ID]
		if !ok {
			p.BaseOnly = append(p.BaseOnly, a.ID)
			continue
		}
		if a.Reference != b.Reference {
			return Pairs{}, fmt.Errorf("question %q has the right answer %q in one run and %q in the other", a.ID, a.Reference, b.Reference)
		}
		p.Base, p.New = append(p.Base, a), append(p.New, b)
	}
	for _, b := range new {
		if !seen[b.ID] {
			p.NewOnly = append(p.NewOnly, b.ID)
		}
	}
	if len(p.Base) == 0 {
		return Pairs{}, errors.New("no question is answered by both")
	}
	return p, nil
}

// Marks are the scores of the pairs that have a right answer, with the image of each (its pixel digest) for clustering.
func (p Pairs) Marks() (base, new []float64, images []string) {
	for i := range p.Base {
		a, ok := p.Base[i].Mark()
		b, okNew := p.New[i].Mark()
		if !ok || !okNew {
			continue
		}
		image := p.Base[i].PixelSHA256
		if image == "" {
			image = p.New[i].PixelSHA256
		}
		base, new, images = append(base, a), append(new, b), append(images, image)
	}
	return base, new, images
}
