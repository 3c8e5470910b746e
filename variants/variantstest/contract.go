package variantstest

import (
	"fmt"

	"llavabench/internal/imaging"
	"llavabench/variants"
)

// Contract reports how v breaks what every generation promises for a picture of the given size: a plan or a refusal,
// never a panic; TokenCount agreeing with Plan and with Merge; a description of every view; references that exist, none
// of them twice. planned is false for a refusal.
func Contract(v variants.Variant, o variants.Options, size imaging.Size) (planned bool, err error) {
	counted, countErr := v.TokenCount(o, size)
	l, planErr := v.Plan(o, size)
	if (countErr == nil) != (planErr == nil) {
		return false, fmt.Errorf("TokenCount says %v, Plan says %v", countErr, planErr)
	}
	if planErr != nil {
		return false, nil
	}
	refs := v.Merge(o, l)
	if counted != len(refs) || l.Tokens != len(refs) {
		return true, fmt.Errorf("counted %d tokens, the layout has %d, merged %d", counted, l.Tokens, len(refs))
	}
	if l.Plan.Views() != len(l.Views) || l.Plan.Side != o.Side {
		return true, fmt.Errorf("plan of %d views of side %d, %d described, side is %d", l.Plan.Views(), l.Plan.Side, len(l.Views), o.Side)
	}
	return true, distinct(l, refs)
}

// distinct checks that references are within the layout and differ.
func distinct(l variants.Layout, refs []variants.Ref) error {
	used := make([]bool, len(l.Views)*l.ViewRows())
	pooled := make([]bool, l.Pool.Cols*l.Pool.Rows)
	newlines := 0
	take := func(marks []bool, i int, r variants.Ref) error {
		if i < 0 || i >= len(marks) || marks[i] {
			return fmt.Errorf("reference %+v is used twice or out of range", r)
		}
		marks[i] = true
		return nil
	}
	for _, r := range refs {
		var err error
		switch r.Kind {
		case variants.Feature, variants.Class:
			if err = exists(l, r); err == nil {
				err = take(used, int(r.View)*l.ViewRows()+l.Index(r), r)
			}
		case variants.Pooled:
			if err = take(pooled, int(r.Row)*l.Pool.Cols+int(r.Col), r); err == nil {
				err = taps(l, l.Taps(r))
			}
		case variants.Newline:
			if int(r.Row) != newlines {
				err = fmt.Errorf("row end %+v follows row end %d", r, newlines-1)
			}
			newlines++
		default:
			err = fmt.Errorf("reference of unknown kind %+v", r)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// exists reports a reference to a feature that no view has.
func exists(l variants.Layout, r variants.Ref) error {
	in := func(x int32, n int) bool { return x >= 0 && int(x) < n }
	if !in(r.View, len(l.Views)) || !in(r.Row, l.Cells) || !in(r.Col, l.Cells) || r.Kind == variants.Class && !l.Class {
		return fmt.Errorf("reference %+v is out of range", r)
	}
	return nil
}

// taps checks the sources of a pooled element.
func taps(l variants.Layout, t variants.Taps) error {
	for _, r := range t.At {
		if r.Kind != variants.Feature || exists(l, r) != nil || l.Views[r.View].Kind != variants.ViewTile {
			return fmt.Errorf("tap %+v is no feature of a tile", r)
		}
	}
	if l.Pool.Kind == variants.PoolBilinear {
		for _, w := range [][2]float32{t.X, t.Y} {
			if !(w[0] >= 0 && w[1] >= 0 && w[0]+w[1] == 1) {
				return fmt.Errorf("weights %v, expected parts of 1", w)
			}
		}
	}
	return nil
}
