package goldens

import (
	"errors"
	"fmt"
	"regexp"
	"slices"

	"llavabench/internal/imaging"
	"llavabench/internal/pipeline"
	"llavabench/internal/tensor"
)

// A rule says how the tensors of one name are compared.
type rule struct {
	needs  []string // tensors of the answer, by the names of pipeline.Observer
	states []string // prefixes of numbered ones
	check  func(*caseRun, golden) error
}

// rules has every tensor name of output files but those of featureName.
var rules = map[string]rule{
	"input_ids":         {check: (*caseRun).checkInput},
	"pixel_u8":          {check: (*caseRun).checkPixelBytes},
	"projected":         {needs: []string{"projected"}, check: viewsOf("projected")},
	"vision_feature":    {needs: []string{"vision_features"}, check: viewsOf("vision_features")},
	"inputs_embeds":     {needs: []string{"inputs_embeds"}, check: wholeOf("inputs_embeds", featureTolerance)},
	"inputs_embeds_sum": {needs: []string{"inputs_embeds"}, check: (*caseRun).checkEmbedsSum},
	"logits_all":        {needs: []string{"logits"}, check: wholeOf("logits", logitTolerance)},
	"logits_last":       {check: (*caseRun).checkLastLogits},
	"llm_hidden_last":   {states: []string{"llm_hidden_"}, check: (*caseRun).checkDecoderStates},

	"inputs_embeds_rows":  {needs: []string{"inputs_embeds"}, check: rowsOf("inputs_embeds", "rows", featureTolerance)},
	"logits_rows":         {needs: []string{"logits"}, check: rowsOf("logits", "logits_rows_idx", logitTolerance)},
	"vision_feature_rows": {needs: []string{"vision_features"}, check: patchRowsOf("vision_features")},
	"projected_rows":      {needs: []string{"projected"}, check: patchRowsOf("projected")},
	"rows":                {check: indexOf("inputs_embeds_rows")},
	"token_rows":          {check: indexOf("vision_hidden_rows, vision_feature_rows and projected_rows")},
	"logits_rows_idx":     {check: indexOf("logits_rows")},

	"vision_hidden":      {check: (*caseRun).checkTowerStates},
	"vision_hidden_rows": {check: (*caseRun).checkTowerRows},
	"vision_hidden_mean": {check: (*caseRun).checkTowerMeans},

	"greedy_ids":         {check: (*caseRun).checkGreedy},
	"greedy_top4_ids":    {needs: []string{stepLogits}, check: (*caseRun).checkTopIDs},
	"greedy_top4_logits": {needs: []string{stepLogits}, check: (*caseRun).checkTopLogits},

	"image_sizes_hw": {check: (*caseRun).checkImageSizes},
}

// featureName is the tower's features under another choice of layer and rows: vision_feature_layer-1_cls_patch.
var featureName = regexp.MustCompile(`^vision_feature_layer(-?\d+)_(patch|cls_patch)$`)

func ruleFor(name string) (rule, bool) {
	if m := featureName.FindStringSubmatch(name); m != nil {
		return rule{check: func(r *caseRun, want golden) error {
			rec, err := r.probe(m[1], m[2])
			if err != nil {
				return err
			}
			return r.compareViews(want, rec.got["vision_features"])
		}}, true
	}
	r, ok := rules[name]
	return r, ok
}

// indexOf is the rule of a list of row numbers, which another tensor's comparison uses.
func indexOf(user string) func(*caseRun, golden) error {
	return func(r *caseRun, want golden) error {
		r.inform(want.name, "the row numbers of "+user)
		return nil
	}
}

func (r *caseRun) checkInput(want golden) error {
	r.inform(want.name, "the prompt; its pictures and length are compared")
	n := 0
	for _, id := range r.ids {
		if id == pipeline.ImageID {
			n++
		}
	}
	equal(r.Part, r.where, "pictures in input_ids", n, len(r.images))
	return nil
}

func (r *caseRun) checkPixelBytes(want golden) error {
	got, err := r.pixels()
	if err != nil {
		return err
	}
	exact(r.Part, r.where, want.name, want.shape, got, want.bytes)
	return nil
}

// wholeOf compares a tensor element by element.
func wholeOf(name string, tol float64) func(*caseRun, golden) error {
	return func(r *caseRun, want golden) error {
		got := r.rec.got[name]
		if !slices.Equal(got.shape, want.shape) {
			return shapeError(got.shape, want.shape)
		}
		r.floats(r.where, want.name, want.shape, got.data, want.floats, tol)
		return nil
	}
}

func shapeError(got, want []int) error {
	return fmt.Errorf("the shape is %s, expected %s", tensor.ShapeString(got), tensor.ShapeString(want))
}

// viewsOf compares a tensor whose first dimension is the view.
func viewsOf(name string) func(*caseRun, golden) error {
	return func(r *caseRun, want golden) error { return r.compareViews(want, r.rec.got[name]) }
}

// recordedViews is how many views a file keeps where it does not keep all.
const recordedViews = 2

// firstViews cuts a tensor [views, ...] to the number of views that were recorded: all, or the first few.
func firstViews(got observed, want int) (observed, error) {
	if len(got.shape) == 0 {
		return got, errors.New("the pipeline did not deliver it")
	}
	views := got.shape[0]
	if want != views && want != min(recordedViews, views) {
		return got, fmt.Errorf("%d views were recorded, expected %d or %d", want, views, min(recordedViews, views))
	}
	return observed{
		shape: append([]int{want}, got.shape[1:]...),
		data:  got.data[:len(got.data)/views*want],
	}, nil
}

func (r *caseRun) compareViews(want golden, got observed) error {
	if len(want.shape) == 0 {
		return shapeError(got.shape, want.shape)
	}
	got, err := firstViews(got, want.shape[0])
	if err != nil {
		return err
	}
	if !slices.Equal(got.shape, want.shape) {
		return shapeError(got.shape, want.shape)
	}
	r.floats(r.where, want.name, want.shape, got.data, want.floats, featureTolerance)
	return nil
}

// rowsOf compares the rows of a tensor [rows, width] that the index lists.
func rowsOf(name, index string, tol float64) func(*caseRun, golden) error {
	return func(r *caseRun, want golden) error {
		got := r.rec.got[name]
		if len(got.shape) != 2 {
			return shapeError(got.shape, want.shape)
		}
		rows, err := r.want[index].indices(len(got.data) / got.width())
		if err != nil {
			return err
		}
		if shape := []int{len(rows), got.width()}; !slices.Equal(shape, want.shape) {
			return shapeError(shape, want.shape)
		}
		r.floats(r.where, want.name, want.shape, got.rows(rows), want.floats, tol)
		return nil
	}
}

// patchRowsOf compares the patches of every view that token_rows lists. Its first entry is the class token, which features
// do not have; token i is patch i-1.
func patchRowsOf(name string) func(*caseRun, golden) error {
	return func(r *caseRun, want golden) error {
		got := r.rec.got[name]
		if len(got.shape) != 3 {
			return shapeError(got.shape, want.shape)
		}
		tokens, err := r.want["token_rows"].indices(got.shape[1] + 1)
		if err != nil {
			return err
		}
		if len(tokens) == 0 || tokens[0] != 0 || slices.Contains(tokens[1:], 0) {
			return fmt.Errorf("token_rows is %v, expected the class token 0 first and only there", tokens)
		}
		var rows []int
		for v := range got.shape[0] {
			for _, t := range tokens[1:] {
				rows = append(rows, v*got.shape[1]+t-1)
			}
		}
		if shape := []int{got.shape[0], len(tokens) - 1, got.shape[2]}; !slices.Equal(shape, want.shape) {
			return shapeError(shape, want.shape)
		}
		r.floats(r.where, want.name, want.shape, got.rows(rows), want.floats, featureTolerance)
		return nil
	}
}

// checkEmbedsSum compares the sums over all positions, accumulated in float64 as in the reference. The tolerance grows
// with the number of positions.
func (r *caseRun) checkEmbedsSum(want golden) error {
	got := r.rec.got["inputs_embeds"]
	if len(got.shape) != 2 {
		return shapeError(got.shape, want.shape)
	}
	sum := make([]float64, got.width())
	for i, v := range got.data {
		sum[i%len(sum)] += float64(v)
	}
	r.floats(r.where, want.name, want.shape, narrow(sum), want.floats, featureTolerance*float64(got.shape[0]))
	return nil
}

func narrow(v []float64) []float32 {
	out := make([]float32, len(v))
	for i := range v {
		out[i] = float32(v[i])
	}
	return out
}

func (r *caseRun) checkLastLogits(want golden) error {
	r.floats(r.where, want.name, want.shape, r.answer.Logits, want.floats, logitTolerance)
	return nil
}

// checkDecoderStates compares the decoder's states [layers+1, width] at the last position.
func (r *caseRun) checkDecoderStates(want golden) error {
	states := r.rec.hidden("llm_hidden_")
	var got []float32
	for _, s := range states {
		got = append(got, s.last()...)
	}
	if len(states) == 0 || !slices.Equal([]int{len(states), states[0].width()}, want.shape) {
		return fmt.Errorf("%d states were delivered, expected shape %s", len(states), tensor.ShapeString(want.shape))
	}
	r.floats(r.where, want.name, want.shape, got, want.floats, logitTolerance)
	return nil
}

func (r *caseRun) checkImageSizes(want golden) error {
	var got []int
	for _, m := range r.images {
		got = append(got, m.Height, m.Width)
	}
	exact(r.Part, r.where, want.name, want.shape, got, want.ints)
	return nil
}

// setting writes a setting for pipeline.Options.
func setting(name string, value any) string { return fmt.Sprintf("%s=%v", name, value) }

// colour writes a colour as the settings have it.
func colour(c imaging.Color) string { return fmt.Sprintf("[%d,%d,%d]", c[0], c[1], c[2]) }
