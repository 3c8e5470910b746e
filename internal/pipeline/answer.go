package pipeline

import (
	"context"
	"crypto/sha256"
	"fmt"
	"math"
	"time"

	"llavabench/internal/imaging"
	"llavabench/internal/prompt"
	"llavabench/internal/tensor"
	"llavabench/kernels"
	"llavabench/variants"
)

// ImageID stands for a picture among token ids, as in the reference (IMAGE_TOKEN_INDEX).
const ImageID = prompt.ImageID

// A Request is one question, already as token ids.
type Request struct {
	Images   []*imaging.RGB
	IDs      []int // prompt, with ImageID where each picture goes
	Generate GenerateOptions
	Observer Observer // may be nil; AnswerAll answers a request that has one by itself
	// More says that a later call of AnswerAll begins with a request about the same Images, so that what they share is kept.
	More bool
}

// A Picture is what the decoder sees of one image.
type Picture struct {
	Layout   variants.Layout
	Views    int
	Grid     [2]int    // tiles across and down; 0, 0 for a picture of one view
	Reused   int       // views whose features Options.Features had
	Tokens   int       // rows of Embedded
	Embedded []float32 // image tokens [Tokens, hidden]
}

// A PictureError is about one of a request's pictures.
type PictureError struct {
	Index int // in Request.Images
	Size  imaging.Size
	Err   error
}

func (e *PictureError) Error() string {
	return fmt.Sprintf("picture %d (%s): %v", e.Index+1, e.Size, e.Err)
}

func (e *PictureError) Unwrap() error { return e.Err }

// An Answer is a generation with what led to it.
type Answer struct {
	Generation
	PromptTokens int // positions of the merged prompt
	TextTokens   int // of which text
	ImageTokens  int // of which image
	Pictures     []Picture
	Timings      Timings
	// Shared is the part of Timings that is this answer's share of work that was done once for several requests about the same
	// pictures. Timings of requests that are answered together add up to the time that passed, but for FirstToken and Total, which
	// say when the first token and all of the answers were known.
	Shared   Timings
	Together int      // requests answered at the same time; 1 for one by itself
	Notes    []string // remarks about this answer
}

// Answer runs a request from pixels to text. An error of class ErrNotFinite says that the numbers broke down and where; one of
// class checkpoint.ErrChanged that the files under the pipeline did.
func (p *Pipeline) Answer(ctx context.Context, req Request) (a *Answer, err error) {
	err = p.guarded(func() error {
		a, err = p.answer(ctx, req)
		return err
	})
	if err != nil {
		return nil, err
	}
	return a, nil
}

func (p *Pipeline) answer(ctx context.Context, req Request) (*Answer, error) {
	if err := placesFit(req); err != nil {
		return nil, err
	}
	a := &Answer{Together: 1}
	begun := time.Now()
	var err error
	if a.Pictures, err = p.Look(ctx, req.Images, req.Observer, &a.Timings); err != nil {
		return nil, err
	}
	start := time.Now()
	cut := p.count(req.IDs, a)
	x, err := p.embed(req.IDs, 0, a.Pictures)
	if err != nil {
		return nil, err
	}
	x = x[:len(x)-cut*p.llm.Config().Hidden]
	if err := p.fits(a); err != nil {
		return nil, err
	}
	a.Timings.Projector += time.Since(start)
	hidden := p.llm.Config().Hidden
	if err := observe(req.Observer, "inputs_embeds", []int{len(x) / hidden, hidden}, x); err != nil {
		return nil, err
	}
	g, err := p.Generate(ctx, x, req.Generate, req.Observer, &a.Timings)
	if err != nil {
		return nil, err
	}
	a.Generation = *g
	a.Timings.Total = time.Since(begun)
	return a, nil
}

// placesFit checks that a prompt has a place for each picture.
func placesFit(r Request) error {
	if n := placed(r.IDs); n != len(r.Images) {
		return fmt.Errorf("the prompt has places for %d pictures, but %d are given", n, len(r.Images))
	}
	return nil
}

func placed(ids []int) (n int) {
	for _, id := range ids {
		if id == ImageID {
			n++
		}
	}
	return n
}

// Look takes pictures to image tokens: plan, views, tower, projector, merge. The times are added to t.
func (p *Pipeline) Look(ctx context.Context, images []*imaging.RGB, obs Observer, t *Timings) ([]Picture, error) {
	start := time.Now()
	var pictures []Picture
	var pixels []float32
	var shown []*imaging.RGB // all views
	for i, img := range images {
		layout, err := p.variant.Plan(p.opts, img.Size())
		if err != nil {
			return nil, &PictureError{i, img.Size(), err}
		}
		rendered, err := imaging.Render(img, layout.Plan, p.loop)
		if err != nil {
			return nil, &PictureError{i, img.Size(), err}
		}
		pictures = append(pictures, Picture{Layout: layout, Views: len(rendered), Grid: [2]int{layout.Grid.Cols, layout.Grid.Rows}})
		pixels = append(pixels, p.norm.Tensor(rendered)...)
		shown = append(shown, rendered...)
	}
	views := len(shown)
	t.Preprocess += time.Since(start)
	if views == 0 {
		return pictures, nil
	}
	side := p.tower.Config().Image
	if err := observe(obs, "pixel_values", []int{views, 3, side, side}, pixels); err != nil {
		return nil, err
	}

	start = time.Now()
	features, reused, err := p.encode(ctx, shown, pixels, obs)
	if err != nil {
		return nil, err
	}
	for i := range pictures {
		for _, r := range reused[:pictures[i].Views] {
			if r {
				pictures[i].Reused++
			}
		}
		reused = reused[pictures[i].Views:]
	}
	t.Vision += time.Since(start)

	start = time.Now()
	rows, hidden := p.tower.Config().Features(), p.llm.Config().Hidden
	projected := make([]float32, views*rows*hidden)
	p.proj.Project(p.workers, projected, features, views*rows)
	if err := p.checkFinite("projector", projected, hidden, 0, p.ckpt.Projector()); err != nil {
		return nil, err
	}
	if err := observe(obs, "projected", []int{views, rows, hidden}, projected); err != nil {
		return nil, err
	}
	for i := range pictures {
		pic := &pictures[i]
		n := pic.Views * rows * hidden
		refs := p.variant.Merge(p.opts, pic.Layout)
		pic.Tokens = len(refs)
		if pic.Embedded, err = p.merge(pic.Layout, refs, projected[:n]); err != nil {
			return nil, err
		}
		projected = projected[n:]
	}
	t.Projector += time.Since(start)
	return pictures, nil
}

// encode runs the tower over views, whose normalised pixels are [views, 3, side, side], and returns the features
// [views, rows, width]. Where nobody observes the tower, it takes those that are kept, and says for which views.
func (p *Pipeline) encode(ctx context.Context, shown []*imaging.RGB, pixels []float32, obs Observer) (_ []float32, reused []bool, _ error) {
	cfg := p.tower.Config()
	views, rows, width := len(shown), cfg.Features(), cfg.Hidden
	depth, err := cfg.Depth()
	if err != nil {
		return nil, nil, err
	}
	keep := p.features != nil && obs == nil
	reused = make([]bool, views)
	features := make([]float32, views*rows*width)
	hidden := newHiddenRecorder(obs, "vision_hidden", depth+1, views*cfg.Tokens(), width)
	view := len(pixels) / views
	for i := range views {
		tap := func(layer int, h []float32) error {
			if err := p.checkTower(layer, h); err != nil {
				return err
			}
			hidden.add(layer, i*cfg.Tokens(), h)
			p.report("vision tower", i*(depth+1)+layer+1, views*(depth+1))
			return ctx.Err()
		}
		out := features[i*rows*width : (i+1)*rows*width]
		var key [sha256.Size]byte
		if keep {
			key = p.viewKey(shown[i])
			if reused[i] = p.features.Get(key, out); reused[i] {
				continue
			}
		}
		if err := p.tower.Encode(p.workers, &p.vision, out, pixels[i*view:(i+1)*view], tap); err != nil {
			return nil, nil, err
		}
		if keep {
			p.features.Put(key, out)
		}
	}
	if err := hidden.flush(views, cfg.Tokens()); err != nil {
		return nil, nil, err
	}
	return features, reused, observe(obs, "vision_features", []int{views, rows, width}, features)
}

// merge gathers a picture's tokens [len(refs), hidden] from its projected features [views, rows, hidden].
func (p *Pipeline) merge(l variants.Layout, refs []variants.Ref, projected []float32) ([]float32, error) {
	hidden := p.llm.Config().Hidden
	perView := l.ViewRows()
	feature := func(r variants.Ref) []float32 {
		i := int(r.View)*perView + l.Index(r)
		return projected[i*hidden : (i+1)*hidden]
	}
	out := make([]float32, len(refs)*hidden)
	for i, r := range refs {
		row := out[i*hidden : (i+1)*hidden]
		switch r.Kind {
		case variants.Feature, variants.Class:
			copy(row, feature(r))
		case variants.Newline:
			if p.rowEnd == nil {
				return nil, p.noRowEnd()
			}
			copy(row, p.rowEnd)
		case variants.Pooled:
			t := l.Taps(r)
			pool(row, l.Pool.Kind, t, [4][]float32{feature(t.At[0]), feature(t.At[1]), feature(t.At[2]), feature(t.At[3])})
		default:
			return nil, fmt.Errorf("image token %d has the unknown source %v", i, r.Kind)
		}
	}
	return out, nil
}

// pool reduces four features to one, as variants.Taps defines it.
func pool(dst []float32, kind variants.PoolKind, t variants.Taps, at [4][]float32) {
	for i := range dst {
		if kind == variants.PoolMax {
			dst[i] = max(at[0][i], at[1][i], at[2][i], at[3][i])
			continue
		}
		top := float32(t.X[0]*at[0][i]) + float32(t.X[1]*at[1][i])
		bottom := float32(t.X[0]*at[2][i]) + float32(t.X[1]*at[3][i])
		dst[i] = float32(t.Y[0]*top) + float32(t.Y[1]*bottom)
	}
}

// count adds up the positions of a prompt, and returns how many are to be cut off at its end where the settings ask for
// tokenizer_model_max_length, as the reference does silently.
func (p *Pipeline) count(ids []int, a *Answer) (cut int) {
	for i, pic := range a.Pictures {
		a.ImageTokens += pic.Tokens
		for _, w := range pic.Layout.Warnings() {
			a.Notes = append(a.Notes, fmt.Sprintf("picture %d: %s", i+1, w))
		}
	}
	a.TextTokens = len(ids) - len(a.Pictures)
	a.PromptTokens = a.TextTokens + a.ImageTokens
	if limit := p.opts.TokenizerMaxLength; limit > 0 && a.PromptTokens > limit {
		a.Notes = append(a.Notes, fmt.Sprintf("the prompt of %d positions is cut to %d on the right (tokenizer_model_max_length), as the reference does", a.PromptTokens, limit))
		cut, a.PromptTokens = a.PromptTokens-limit, limit
	}
	return cut
}

// embed builds the merged sequence [positions, hidden] of ids from index first on: the embedding of each text token, and each
// picture's tokens in its place.
func (p *Pipeline) embed(ids []int, first int, pictures []Picture) ([]float32, error) {
	hidden := p.llm.Config().Hidden
	var x []float32
	row := make([]float32, hidden)
	picture := 0
	for i, id := range ids {
		switch {
		case id == ImageID:
			if i >= first {
				x = append(x, pictures[picture].Embedded...)
			}
			picture++
		case i >= first:
			if err := p.llm.Embed(row, []int{id}); err != nil {
				return nil, fmt.Errorf("prompt position %d: %w", i, err)
			}
			x = append(x, row...)
		}
	}
	return x, nil
}

// fits refuses a prompt that is longer than the context, and notes one longer than any that the model was trained with.
func (p *Pipeline) fits(a *Answer) error {
	if limit := p.Context(); limit > 0 && a.PromptTokens > limit {
		return fmt.Errorf("the prompt is longer than the context: %d text tokens and %d image tokens make %d positions, but the model has %d (max_position_embeddings)",
			a.TextTokens, a.ImageTokens, a.PromptTokens, limit)
	}
	if trained := p.variant.TrainedContext; trained > 0 && a.PromptTokens > trained {
		a.Notes = append(a.Notes, fmt.Sprintf("the prompt has %d positions, but %s was trained with at most %d", a.PromptTokens, p.variant.Title, trained))
	}
	return nil
}

// loop shares the rows of an image among the workers.
func (p *Pipeline) loop(n int, body func(lo, hi int)) {
	parts := min(p.workers.N(), n)
	p.workers.Do(parts, func(_, i int) { body(i*n/parts, (i+1)*n/parts) })
}

// loadRowEnd finds the vector that follows each row of features.
func (p *Pipeline) loadRowEnd() error {
	hidden := p.llm.Config().Hidden
	switch p.opts.RowEnd {
	case variants.RowEndNone:
	case variants.RowEndZero:
		p.rowEnd = make([]float32, hidden)
	case variants.RowEndNewline:
		id := newlineID
		if p.tok != nil {
			if n, ok := p.tok.ID(newlinePiece); ok {
				id = n
			}
		}
		p.rowEnd = make([]float32, hidden)
		if err := p.llm.Embed(p.rowEnd, []int{id}); err != nil {
			return fmt.Errorf("row end %s: %w", p.opts.RowEnd, err)
		}
	case variants.RowEndMean:
		return p.meanEmbedding()
	case variants.RowEndCheckpoint:
		for _, name := range []string{"image_newline", "row_end"} {
			if _, ok := p.ckpt.Extra().Tensor(name); !ok {
				continue
			}
			t, err := tensor.Float(p.ckpt.Extra(), name, hidden)
			if err != nil {
				return err
			}
			p.rowEnd = make([]float32, hidden)
			kernels.Widen(p.rowEnd, t.DType, t.Data)
			return nil
		}
	default:
		return fmt.Errorf("row end %q is not known", p.opts.RowEnd)
	}
	return nil
}

// The token for "\n": the byte piece of LLaMA's vocabulary, and its id there for checkpoints without a tokenizer.
const (
	newlinePiece = "<0x0A>"
	newlineID    = 13
)

// meanEmbedding makes the mean over the embedding's rows the row end, summed in float64 and rounded once. The rows that
// the Hugging Face conversion appends (the image placeholder's and what follows) are left out.
func (p *Pipeline) meanEmbedding() error {
	cfg := p.llm.Config()
	rows := cfg.Vocab
	if i := p.ckpt.Config.Multimodal.ImageTokenIndex; i > 0 && i < rows {
		rows = i
	}
	sum := make([]float64, cfg.Hidden)
	row := make([]float32, cfg.Hidden)
	for id := range rows {
		if err := p.llm.Embed(row, []int{id}); err != nil {
			return err
		}
		for k, v := range row {
			sum[k] += float64(v)
		}
	}
	p.rowEnd = make([]float32, cfg.Hidden)
	for k, v := range sum {
		p.rowEnd[k] = float32(v / float64(rows))
		if math.IsNaN(v) {
			return fmt.Errorf("the mean of the embedding is not a number in column %d", k)
		}
	}
	return nil
}
