// Package pipeline takes a picture and a question to an answer: it is the one place that calls the rooms in turn, and it
// lets every intermediate tensor and the time of every stage be seen.
package pipeline

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"llavabench/internal/checkpoint"
	"llavabench/internal/imaging"
	"llavabench/internal/model/clip"
	"llavabench/internal/model/llama"
	"llavabench/internal/model/projector"
	"llavabench/internal/model/weights"
	"llavabench/internal/tensor"
	"llavabench/internal/tokenizer"
	"llavabench/kernels"
	"llavabench/variants"
	"llavabench/variants/all"
)

// Options choose how a checkpoint is run. The zero value runs it as it says itself.
type Options struct {
	Variant      string       // a variant's name; "" detects it from the configuration
	Set          []string     // "name=value" changes to the variant's options, by their JSON names
	VisionDir    string       // directory of the CLIP tower where the checkpoint has none
	Tokenizer    string       // tokenizer file or directory where the checkpoint has none
	Weights      string       // type of all matrices: "f32", "f16", "bf16", or a recipe of weights; "" is as stored, mapped
	KV           tensor.DType // type of the key-value cache; Invalid is F32
	Numerics     string       // numeric profile of the matrix products: "f32" (also ""), "bf16"
	Threads      int          // 0: one per core
	PrefillChunk int          // prompt positions per pass; 0 is DefaultPrefillChunk
	Demand       Demand       // what will be asked, and the memory for it
	// Check leaves the weights as they are stored, so that opening takes no time: to see whether the checkpoint can be run so.
	Check bool
	// Features keeps what the vision tower makes of views, and gives it again. It may be nil.
	Features FeatureStore
	// Progress is told how many of total units of a stage are done. It may be nil.
	Progress func(stage string, done, total int)
}

// DefaultPrefillChunk bounds the activations of a long prompt: at the width of a 7B decoder about 60 MB.
const DefaultPrefillChunk = 512

// A Pipeline is an open checkpoint, ready to answer. It serves one question at a time.
type Pipeline struct {
	ckpt    *checkpoint.Checkpoint
	variant variants.Variant
	opts    variants.Options
	tower   *clip.Model
	proj    *projector.Model
	llm     *llama.Model
	tok     tokenizer.Tokenizer // nil when there is none
	norm    imaging.Normalizer
	rowEnd  []float32 // the vector after each row of features; nil when the options ask for none
	workers *kernels.Workers
	profile weights.Profile
	kvType  tensor.DType
	dtype   string
	chunk   int
	eos     []int
	notes   []string
	report  func(stage string, done, total int)
	vision  clip.Scratch
	demand  Demand
	check   bool
	// features is Options.Features; towerID begins the keys in it.
	features FeatureStore
	towerID  []byte
	kept     *company // of the last requests, where more about the same pictures are to come
	opening  begun    // of requests about different pictures
}

// Open opens the checkpoint at path (a directory, or a name in the hub cache) and builds its networks over the mapped
// files. Close releases it.
func Open(ctx context.Context, path string, o Options) (_ *Pipeline, err error) {
	if err := kernels.Init(); err != nil {
		return nil, err
	}
	profile, err := weights.ParseProfile(o.Numerics)
	if err != nil {
		return nil, err
	}
	ckpt, err := checkpoint.Open(path, checkpoint.OpenOptions{VisionDir: o.VisionDir})
	if err != nil {
		return nil, err
	}
	p := &Pipeline{ckpt: ckpt, profile: profile, kvType: o.KV, chunk: o.PrefillChunk, report: o.Progress, demand: o.Demand, check: o.Check, features: o.Features}
	defer func() {
		if err != nil {
			p.Close()
		}
	}()
	p.notes = append(p.notes, ckpt.Config.Notes...)
	if p.kvType == tensor.Invalid {
		p.kvType = tensor.F32
	}
	if p.chunk == 0 {
		p.chunk = DefaultPrefillChunk
	}
	if p.report == nil {
		p.report = func(string, int, int) {}
	}
	p.workers = kernels.NewWorkers(o.Threads)
	if err = p.choose(o); err != nil {
		return nil, err
	}
	if err = ctx.Err(); err != nil {
		return nil, err
	}
	if err = p.checkMemory(o.Demand); err != nil {
		return nil, err
	}
	p.noteBatch()
	if err = p.guarded(p.build); err != nil {
		return nil, err
	}
	if err = p.openTokenizer(o); err != nil {
		return nil, err
	}
	if err = p.guarded(p.loadRowEnd); err != nil {
		return nil, err
	}
	return p, nil
}

// choose settles the variant and its options.
func (p *Pipeline) choose(o Options) (err error) {
	if o.Variant == "" {
		p.variant, err = all.Detect(p.ckpt.Config)
	} else {
		p.variant, err = all.ByName(o.Variant)
	}
	if err != nil {
		return err
	}
	p.opts = p.variant.Defaults(p.ckpt.Config)
	if o.Weights != "" {
		p.opts.TowerWeights, p.opts.ProjectorWeights, p.opts.DecoderWeights = o.Weights, o.Weights, o.Weights
		if r, err := weights.ParseRecipe(o.Weights); err == nil {
			p.opts.TowerWeights, p.opts.ProjectorWeights = r.Beside, r.Beside
		}
	}
	for _, s := range o.Set {
		name, value, ok := strings.Cut(s, "=")
		if !ok {
			return fmt.Errorf("setting %q: expected name=value", s)
		}
		if p.opts, err = p.opts.Set(name, value); err != nil {
			return err
		}
	}
	tower := p.ckpt.Config.Vision
	if p.opts.Side != tower.Image || p.opts.Patch != tower.Patch {
		return fmt.Errorf("the settings have views of %d pixels in patches of %d, but the vision tower of %s was made for %d and %d",
			p.opts.Side, p.opts.Patch, p.ckpt.Dir, tower.Image, tower.Patch)
	}
	return p.variant.Check(p.opts)
}

// build makes the networks.
func (p *Pipeline) build() error {
	cfg := p.ckpt.Config
	decoder := llama.FromCheckpoint(cfg.Text)
	decoder.Window = p.opts.AttentionWindow
	src, o, err := p.source("decoder", p.ckpt.LLM(), p.opts.DecoderWeights)
	if err != nil {
		return err
	}
	p.dtype = src.typeName(o.Quant)
	if p.llm, err = llama.New(decoder, src, o); err != nil {
		return err
	}
	if err := p.lost(src); err != nil {
		return err
	}
	if src, o, err = p.source("vision tower", p.ckpt.Vision(), p.opts.TowerWeights); err != nil {
		return err
	}
	if p.tower, err = clip.New(clip.FromCheckpoint(cfg.Vision, p.opts.SelectLayer, p.opts.SelectFeature), src, o); err != nil {
		return err
	}
	if err := p.lost(src); err != nil {
		return err
	}
	if src, o, err = p.source("projector", p.ckpt.Projector(), p.opts.ProjectorWeights); err != nil {
		return err
	}
	proj := projector.Config{Type: p.opts.Projector, In: cfg.Vision.Hidden, Out: cfg.Text.Hidden, Bias: cfg.Multimodal.ProjectorBias}
	if p.proj, err = projector.New(proj, src, o); err != nil {
		return err
	}
	if err := p.lost(src); err != nil {
		return err
	}
	p.norm = normalizer(cfg.Processor)
	if p.features != nil {
		p.towerID, err = p.towerIdentity()
	}
	return err
}

// lost notes what a conversion of weights rounded to zero, and refuses one that made weights infinite.
func (p *Pipeline) lost(c *caster) error {
	if c.overflow > 0 {
		return fmt.Errorf("%s: %d weights of %s are too large for %s: use bf16 or f32", c.part, c.overflow, p.ckpt.Dir, c.to)
	}
	if c.underflow > 0 {
		p.notes = append(p.notes, fmt.Sprintf("%s: rounding the weights to %s made %d of them zero", c.part, c.to, c.underflow))
	}
	return nil
}

func normalizer(c checkpoint.Processor) imaging.Normalizer {
	return imaging.Normalizer{Mean: c.Mean, Std: c.Std, Factor: c.RescaleFactor, Rescale: c.DoRescale, Normalize: c.DoNormalize}
}

// Close releases the workers and the mapped files. Nothing of the pipeline may be used afterwards.
func (p *Pipeline) Close() error {
	if p.workers != nil {
		p.workers.Close()
	}
	return p.ckpt.Close()
}

// Variant is the generation that is run.
func (p *Pipeline) Variant() variants.Variant { return p.variant }

// Settings are the variant's options in use.
func (p *Pipeline) Settings() variants.Options { return p.opts }

// Checkpoint is the open checkpoint.
func (p *Pipeline) Checkpoint() *checkpoint.Checkpoint { return p.ckpt }

// Tokenizer is the checkpoint's tokenizer; nil when it has none.
func (p *Pipeline) Tokenizer() tokenizer.Tokenizer { return p.tok }

// DType is the type of the decoder's matrices: "f32", "f16", "bf16" or the name of a recipe of weights, such as "q4".
func (p *Pipeline) DType() string { return p.dtype }

// Numerics names the numeric profile of the decoder's matrix products: that of quantised weights, or the one chosen.
func (p *Pipeline) Numerics() string {
	if strings.HasPrefix(p.dtype, "q") {
		return strings.TrimSuffix(p.dtype, "-all")
	}
	return string(p.profile)
}

// KVDType is the type of the key-value cache: "f32", "f16" or "bf16".
func (p *Pipeline) KVDType() string { return strings.ToLower(p.kvType.String()) }

// Threads is the number of workers.
func (p *Pipeline) Threads() int { return p.workers.N() }

// Tokens is the number of image tokens and of views that a picture of a size has. It fails where the picture cannot be seen
// with the settings.
func (p *Pipeline) Tokens(size imaging.Size) (tokens, views int, err error) {
	layout, err := p.variant.Plan(p.opts, size)
	if err != nil {
		return 0, 0, err
	}
	refs := p.variant.Merge(p.opts, layout)
	if p.rowEnd == nil && slices.ContainsFunc(refs, func(r variants.Ref) bool { return r.Kind == variants.Newline }) {
		return 0, 0, p.noRowEnd()
	}
	if limit := p.Context(); limit > 0 && len(refs) > limit {
		return 0, 0, fmt.Errorf("picture of %v pixels gives %d image tokens, but the context has %d positions (max_position_embeddings)", size, len(refs), limit)
	}
	return len(refs), len(layout.Views), nil
}

// noRowEnd says that a vector is missing.
func (p *Pipeline) noRowEnd() error {
	return fmt.Errorf("%s: the settings ask for row ends (%s), but the checkpoint has neither image_newline nor row_end", p.ckpt.Dir, p.opts.RowEnd)
}

// Notes are remarks about the checkpoint and how it is run that a user should see.
func (p *Pipeline) Notes() []string { return p.notes }

// Context is the largest number of positions of a sequence; 0 when the checkpoint does not say.
func (p *Pipeline) Context() int { return p.llm.Config().MaxPositions }
