package goldens

import (
	"errors"
	"fmt"
	"maps"
	"slices"

	"llavabench/internal/checkpoint"
	"llavabench/internal/imaging"
	"llavabench/internal/pipeline"
	"llavabench/internal/tensor"
)

// A modelCase is one recorded run of a model. Expectations that a manifest does not state are left at their zero value.
type modelCase struct {
	where    string
	model    modelUse
	folder   string // of file, from the set's root
	file     string
	tensors  map[string]tensorType
	pictures []string // from the set's root

	promptIDs *int
	sequence  *int
	sizes     [][2]int // width, height
	views     []int
	grids     [][2]int // tiles across and down; nil where pictures are not tiled
	pixelHash string
	perImage  []perImage
}

// A caseRun is a case after its run.
type caseRun struct {
	*Part
	modelCase
	set    *set
	runner *runner
	pipe   *pipeline.Pipeline
	images []*imaging.RGB
	want   map[string]golden
	ids    []int // prompt with one placeholder per picture
	rec    *recorder
	answer *pipeline.Answer
	probes map[string]*recorder
}

// runCase runs a case through the pipeline and compares everything that was recorded of it.
func (r *runner) runCase(p *Part, c modelCase) {
	p.Cases++
	if err := r.tryCase(p, c); err != nil && r.set.ctx.Err() == nil {
		p.failf(c.where, "run", "%v", err)
	}
}

func (r *runner) tryCase(p *Part, c modelCase) error {
	run := &caseRun{Part: p, modelCase: c, set: r.set, runner: r, rec: newRecorder(), probes: map[string]*recorder{}}
	var err error
	if run.want, err = r.set.readGoldens(p, c.where, c.folder, c.file, c.tensors); err != nil {
		return err
	}
	if run.images, err = r.set.picturesOf(c.pictures); err != nil {
		return err
	}
	if run.pipe, err = r.pipeline(c.model); err != nil {
		return err
	}
	if err := run.prompt(); err != nil {
		return err
	}
	run.rec.want("pixel_values")
	for _, name := range slices.Sorted(maps.Keys(run.want)) {
		rule, ok := ruleFor(name)
		if !ok {
			p.failf(c.where, name, "the tensor is not understood")
			continue
		}
		run.rec.want(rule.needs...)
		run.rec.states = append(run.rec.states, rule.states...)
	}
	if run.answer, err = run.pipe.Answer(r.set.ctx, run.request()); err != nil {
		return err
	}
	run.checkLayout()
	for _, name := range slices.Sorted(maps.Keys(run.want)) {
		rule, ok := ruleFor(name)
		if !ok {
			continue
		}
		if err := rule.check(run, run.want[name]); err != nil {
			p.failf(c.where, name, "%v", err)
		}
	}
	return nil
}

// request asks for as many tokens as were recorded, and for one more after an end token: it must not come.
func (r *caseRun) request() pipeline.Request {
	req := pipeline.Request{Images: r.images, IDs: r.ids, Observer: r.rec}
	if ids := r.want["greedy_ids"].ints; len(ids) > 0 {
		req.Generate.MaxNewTokens = len(ids)
		if slices.Contains(r.pipe.Checkpoint().Config.Text.EOS, ids[len(ids)-1]) {
			req.Generate.MaxNewTokens++
		}
	}
	return req
}

// prompt takes the ids of the prompt from input_ids. In the Hugging Face layout the image token stands there once for each
// image token; each run becomes one placeholder.
func (r *caseRun) prompt() error {
	in, ok := r.want["input_ids"]
	if !ok || len(in.shape) != 1 {
		return errors.New("there is no tensor input_ids of one dimension")
	}
	if r.promptIDs != nil {
		equal(r.Part, r.where, "prompt_ids", len(in.ints), *r.promptIDs)
	}
	if cfg := r.pipe.Checkpoint().Config; cfg.Layout == checkpoint.HuggingFace {
		return r.collapse(in.ints, cfg.Multimodal.ImageTokenIndex)
	}
	r.ids = in.ints
	return nil
}

// collapse replaces the image tokens of each picture, as many as the variant counts for it, by one placeholder.
func (r *caseRun) collapse(ids []int, image int) error {
	picture := 0
	for i := 0; i < len(ids); i++ {
		if ids[i] != image {
			r.ids = append(r.ids, ids[i])
			continue
		}
		if picture == len(r.images) {
			return fmt.Errorf("input_ids has image tokens at %d for more than the %d pictures", i, len(r.images))
		}
		n, err := r.pipe.Variant().TokenCount(r.pipe.Settings(), r.images[picture].Size())
		if err != nil {
			return err
		}
		end := i + n
		for k := i; k < end; k++ {
			if k >= len(ids) || ids[k] != image {
				return fmt.Errorf("input_ids has %d image tokens at %d, but picture %d has %d", k-i, i, picture+1, n)
			}
		}
		r.ids = append(r.ids, pipeline.ImageID)
		picture++
		i = end - 1
	}
	return nil
}

// checkLayout compares what the manifest says about sizes, views, counts and pixels.
func (r *caseRun) checkLayout() {
	a := r.answer
	if r.sequence != nil {
		equal(r.Part, r.where, "sequence", a.PromptTokens, *r.sequence)
	}
	var sizes, grids [][2]int
	var views []int
	for i, pic := range a.Pictures {
		sizes = append(sizes, [2]int{r.images[i].Width, r.images[i].Height})
		grids = append(grids, pic.Grid)
		views = append(views, pic.Views)
	}
	if r.sizes != nil {
		equalList(r.Part, r.where, "sizes_wh", sizes, r.sizes)
	}
	if r.views != nil {
		equalList(r.Part, r.where, "tiles", views, r.views)
	}
	if r.grids != nil {
		equalList(r.Part, r.where, "grid_wh", grids, r.grids)
	}
	if r.pixelHash != "" {
		pixels, err := r.pixels()
		if r.require(r.where, "pixel_u8_sha256", err) {
			equal(r.Part, r.where, "pixel_u8_sha256", sha256Hex(pixels), r.pixelHash)
		}
	}
	if r.perImage != nil {
		r.checkPerImage()
	}
}

// pixels gives the bytes [views, 3, side, side] behind the normalised views that the pipeline fed to the tower, found in
// the table that made them.
func (r *caseRun) pixels() ([]uint8, error) {
	values, ok := r.rec.got["pixel_values"]
	if !ok {
		return nil, errors.New("the pipeline delivered no pixel_values")
	}
	c := r.pipe.Checkpoint().Config.Processor
	norm := imaging.Normalizer{Mean: c.Mean, Std: c.Std, Factor: c.RescaleFactor, Rescale: c.DoRescale, Normalize: c.DoNormalize}
	var bytes [3]map[float32]uint8
	for channel, row := range norm.Table() {
		bytes[channel] = map[float32]uint8{}
		for b, v := range row {
			bytes[channel][v] = uint8(b)
		}
	}
	if len(values.shape) != 4 || values.shape[1] != 3 {
		return nil, fmt.Errorf("pixel_values has shape %s, expected [views, 3, side, side]", tensor.ShapeString(values.shape))
	}
	plane := values.shape[2] * values.shape[3]
	out := make([]uint8, len(values.data))
	for i, v := range values.data {
		b, ok := bytes[i/plane%3][v]
		if !ok {
			return nil, fmt.Errorf("pixel_values%v is %v, which no byte gives", unravel(i, values.shape), v)
		}
		out[i] = b
	}
	return out, nil
}
