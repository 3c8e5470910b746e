package cost

import "fmt"

// Notes say, each in some words, what has to be known to read the figures: what is left out, and what are shares.
func (c *Cost) Notes() []string {
	var notes []string
	if c.Cold {
		notes = append(notes, "the warm-up included, since all are of the first batch")
	} else {
		notes = append(notes, fmt.Sprintf("%d of the warm-up left out (the first batch)", c.WarmUp))
	}
	if c.Together > 1 {
		notes = append(notes, fmt.Sprintf("up to %d answered at the same time, the stages each answer's share of that", c.Together))
	}
	return notes
}
