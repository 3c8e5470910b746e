package goldens

import (
	"fmt"
	"slices"

	"llavabench/internal/pipeline"
	"llavabench/internal/tensor"
)

// probe runs the pictures through the tower with another layer or choice of rows and keeps its states and features.
func (r *caseRun) probe(layer, feature string) (*recorder, error) {
	key := layer + " " + feature
	if rec := r.probes[key]; rec != nil {
		return rec, nil
	}
	// Merging is not in question, and a class token has no place in a stitched map.
	pipe, err := r.runner.pipeline(r.model.with("select_layer="+layer, "select_feature="+feature, "merge_type=flat"))
	if err != nil {
		return nil, err
	}
	rec := newRecorder()
	rec.want("vision_features")
	rec.states = []string{"vision_hidden_"}
	if _, err := pipe.Look(r.set.ctx, r.images, rec, &pipeline.Timings{}); err != nil {
		return nil, err
	}
	r.probes[key] = rec
	return rec, nil
}

// towerStates gives all states of the tower, which ends a layer early unless the last one is asked for.
func (r *caseRun) towerStates(want golden) ([]observed, error) {
	rec, err := r.probe("-1", "patch")
	if err != nil {
		return nil, err
	}
	states := rec.hidden("vision_hidden_")
	if len(want.shape) < 3 || len(states) != want.shape[0] {
		return nil, fmt.Errorf("the tower has %d states, expected shape %s", len(states), tensor.ShapeString(want.shape))
	}
	return states, nil
}

// checkTowerStates compares [layers+1, views, tokens, width].
func (r *caseRun) checkTowerStates(want golden) error {
	states, err := r.towerStates(want)
	if err != nil {
		return err
	}
	var got []float32
	for _, s := range states {
		if s, err = firstViews(s, want.shape[1]); err != nil {
			return err
		}
		if !slices.Equal(s.shape, want.shape[1:]) {
			return shapeError(s.shape, want.shape[1:])
		}
		got = append(got, s.data...)
	}
	r.floats(r.where, want.name, want.shape, got, want.floats, featureTolerance)
	return nil
}

// checkTowerRows compares [layers+1, views, rows, width] for the tokens that token_rows lists.
func (r *caseRun) checkTowerRows(want golden) error {
	states, err := r.towerStates(want)
	if err != nil {
		return err
	}
	var got []float32
	for _, s := range states {
		if s, err = firstViews(s, want.shape[1]); err != nil {
			return err
		}
		tokens, err := r.want["token_rows"].indices(s.shape[1])
		if err != nil {
			return err
		}
		if shape := []int{s.shape[0], len(tokens), s.width()}; !slices.Equal(shape, want.shape[1:]) {
			return shapeError(shape, want.shape[1:])
		}
		for v := range s.shape[0] {
			for _, t := range tokens {
				got = append(got, s.rows([]int{v*s.shape[1] + t})...)
			}
		}
	}
	r.floats(r.where, want.name, want.shape, got, want.floats, featureTolerance)
	return nil
}

// checkTowerMeans compares the means over all tokens [layers+1, views, width], accumulated in float64 as in the
// reference.
func (r *caseRun) checkTowerMeans(want golden) error {
	states, err := r.towerStates(want)
	if err != nil {
		return err
	}
	var got []float32
	for _, s := range states {
		if s, err = firstViews(s, want.shape[1]); err != nil {
			return err
		}
		tokens, width := s.shape[1], s.width()
		for v := range s.shape[0] {
			mean := make([]float64, width)
			for i, x := range s.data[v*tokens*width : (v+1)*tokens*width] {
				mean[i%width] += float64(x)
			}
			for i := range mean {
				mean[i] /= float64(tokens)
			}
			got = append(got, narrow(mean)...)
		}
	}
	r.floats(r.where, want.name, want.shape, got, want.floats, featureTolerance)
	return nil
}
