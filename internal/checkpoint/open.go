// Package checkpoint opens LLaVA checkpoints: configuration, tensors under canonical names, image processor. It reads
// safetensors and PyTorch files, single or sharded, in the layout of the LLaVA repositories and that of llava-hf, maps
// them read-only and runs no code. Everything it reads may be wrong or hostile: no allocation is sized by a number that
// has not been compared with the bytes that are really there, and every refusal names the file and what was expected.
package checkpoint

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"llavabench/internal/tensor"
)

// FileInfo is one file that an open checkpoint consists of.
type FileInfo struct {
	Path   string
	Size   int64  // bytes
	SHA256 string // hexadecimal; filled by Digest
}

// A Checkpoint is an open checkpoint. Its tensors point into mapped files and are valid until Close.
type Checkpoint struct {
	Config Config
	Dir    string
	// VisionDir is the directory whose tower is in use; Dir when the checkpoint holds the tower itself.
	VisionDir string
	// TowerDir is the directory whose files describe the tower; "" when the checkpoint's own do, or its name says enough.
	TowerDir string
	// Files are the configuration and weight files in the order in which they were read.
	Files []FileInfo

	open      []*weights
	llm       *tensor.Map
	vision    *tensor.Map
	projector *tensor.Map
	extra     *tensor.Map
}

// Open opens the checkpoint at path, a directory or a name in the hub cache (see Resolve). Every tensor must have a known
// name; that all needed ones are present with the right shapes is found out by the networks that take them.
func Open(path string, o OpenOptions) (_ *Checkpoint, err error) {
	dir, err := Resolve(path, o.Env)
	if err != nil {
		return nil, err
	}
	// The configuration is looked at first, so that a directory of something else is refused by its name.
	if _, err := readConfig(dir, o, true); err != nil {
		return nil, err
	}
	c := &Checkpoint{
		Dir: dir, VisionDir: dir,
		llm: tensor.NewMap(), vision: tensor.NewMap(), projector: tensor.NewMap(), extra: tensor.NewMap(),
	}
	defer func() {
		if err != nil {
			c.Close()
		}
	}()
	main, err := openWeights(dir, o)
	if err != nil {
		return nil, err
	}
	c.open = append(c.open, main)
	if err := c.sort(main, classify); err != nil {
		return nil, err
	}
	r, err := readConfig(dir, o, len(c.vision.Names()) > 0)
	if err != nil {
		return nil, err
	}
	c.Config = r.cfg
	c.TowerDir = r.tower.dir
	if err := c.addTower(r.tower, o); err != nil {
		return nil, err
	}
	if err := c.addProjector(o); err != nil {
		return nil, err
	}
	for _, w := range c.open {
		c.Config.Notes = append(c.Config.Notes, w.notes...)
	}
	c.Config.Multimodal.HasNewline = len(c.extra.Names()) > 0
	if err := c.check(); err != nil {
		return nil, err
	}
	return c, c.listFiles(r.files)
}

// sort hands the tensors of w to their parts.
func (c *Checkpoint) sort(w *weights, classify func(string) (part, string)) error {
	var strange []string
	var file string // of the first strange one
	for _, t := range w.tensors {
		p, canonical := classify(t.Name)
		var m *tensor.Map
		switch p {
		case ignored:
			continue
		case partLLM:
			m = c.llm
		case partVision:
			m = c.vision
		case partProjector:
			m = c.projector
		case partExtra:
			m = c.extra
		default:
			if openaiName.MatchString(t.Name) {
				return errf(ErrUnsupported, "%s: tensor %s is named as in the openai/CLIP repository: use the transformers layout of the tower", t.File, quote(t.Name))
			}
			if len(strange) == 0 {
				file = t.File
			}
			strange = append(strange, quote(t.Name))
			continue
		}
		if other, ok := m.Tensor(canonical); ok {
			return errf(ErrMismatch, "%s: tensor %s means %s, which %s already holds", t.File, quote(t.Name), canonical, other.File)
		}
		if canonical == "model.norm.weight" && t.Name != canonical {
			w.notes = append(w.notes, fmt.Sprintf("tensor names: the decoder is nested as in %q", t.Name))
		}
		t.Name = canonical
		m.Add(t)
	}
	if len(strange) > 0 {
		return errf(ErrUnsupported, "%s: %d tensors have unknown names: %s", file, len(strange), firstFew(strange, 5))
	}
	return nil
}

// addTower takes the vision tower from its own directory unless the checkpoint holds it.
func (c *Checkpoint) addTower(t tower, o OpenOptions) error {
	if len(c.vision.Names()) > 0 {
		if t.dir != "" {
			c.Config.Notes = append(c.Config.Notes, fmt.Sprintf("vision tower: the checkpoint's own weights are used; %s gives its configuration", t.dir))
		}
		return nil
	}
	if c.Config.Layout == HuggingFace {
		return errf(ErrMismatch, "%s holds no tensors of the vision tower", c.Dir)
	}
	w, err := openWeights(t.dir, o)
	if err != nil {
		return fmt.Errorf("vision tower: %w", err)
	}
	c.open = append(c.open, w)
	c.VisionDir = t.dir
	c.Config.Notes = append(c.Config.Notes, fmt.Sprintf("vision tower: from %s", t.dir))
	if err := c.sort(w, classifyTower); err != nil {
		return fmt.Errorf("vision tower: %w", err)
	}
	return nil
}

// addProjector takes the projector from its own file where the weights lack it, as training saves it.
func (c *Checkpoint) addProjector(o OpenOptions) error {
	const name = "mm_projector.bin"
	if len(c.projector.Names()) > 0 || c.Config.Multimodal.ProjectorType == "identity" || !hasFile(c.Dir, name) {
		return nil
	}
	w := &weights{dir: c.Dir, options: o}
	c.open = append(c.open, w)
	if err := w.openFile(name); err != nil {
		return err
	}
	w.notes = append(w.notes, "projector: from "+name)
	return c.sort(w, func(tensorName string) (part, string) {
		p, canonical := classify(tensorName)
		if p == partLLM {
			return ignored, "" // embedding rows that training saves along; the checkpoint has its own
		}
		return p, canonical
	})
}

// check compares the tensors' names and sizes with the configuration, as far as a silent difference could give wrong
// answers: layers and biases beyond the configured ones, embedding rows.
func (c *Checkpoint) check() error {
	t, v := c.Config.Text, c.Config.Vision
	for _, part := range []struct {
		m      *tensor.Map
		what   string
		layers int
	}{{c.llm, "decoder", t.Layers}, {c.vision, "vision tower", v.Layers}} {
		for _, name := range part.m.Names() {
			if layer, ok := layerOf(name); ok && layer >= part.layers {
				x, _ := part.m.Tensor(name)
				return errf(ErrMismatch, "%s: tensor %s belongs to layer %d of the %s, but the configuration has %d layers", x.File, name, layer, part.what, part.layers)
			}
		}
	}
	for _, name := range c.llm.Names() {
		if !strings.HasSuffix(name, ".bias") {
			continue
		}
		if isOut := strings.HasSuffix(name, "o_proj.bias"); isOut && !t.OutBias || !isOut && !t.QKVBias {
			x, _ := c.llm.Tensor(name)
			return errf(ErrMismatch, "%s: tensor %s is a bias, but the configuration has none there", x.File, name)
		}
	}
	if e, ok := c.llm.Tensor("model.embed_tokens.weight"); ok && (len(e.Shape) != 2 || e.Shape[0] != t.Vocab) {
		return errf(ErrMismatch, "%s: model.embed_tokens.weight has shape %s, but vocab_size is %d", e.File, tensor.ShapeString(e.Shape), t.Vocab)
	}
	if p, ok := c.vision.Tensor("embeddings.position_embedding.weight"); ok && (len(p.Shape) != 2 || p.Shape[0] != v.Grid()*v.Grid()+1) {
		return errf(ErrMismatch, "%s: embeddings.position_embedding.weight has shape %s, but %d pixels in patches of %d make %d rows", p.File, tensor.ShapeString(p.Shape), v.Image, v.Patch, v.Grid()*v.Grid()+1)
	}
	if _, ok := c.llm.Tensor("lm_head.weight"); ok && t.TieEmbeddings {
		c.Config.Notes = append(c.Config.Notes, "lm_head.weight is not used: the embeddings are tied")
	}
	return nil
}

// listFiles fills Files.
func (c *Checkpoint) listFiles(configs []string) error {
	paths := slices.Clone(configs)
	for _, w := range c.open {
		if w.index != "" {
			paths = append(paths, filepath.Join(w.dir, w.index))
		}
		for _, f := range w.files {
			paths = append(paths, f.path)
		}
	}
	for _, p := range paths {
		info, err := os.Stat(p)
		if err != nil {
			return err
		}
		c.Files = append(c.Files, FileInfo{Path: p, Size: info.Size()})
	}
	return nil
}

// LLM is the decoder: `model.embed_tokens.weight`, `model.layers.0.…`, `model.norm.weight`, `lm_head.weight` (absent when
// the embeddings are tied).
func (c *Checkpoint) LLM() tensor.Source { return c.llm }

// Vision is the CLIP tower, named as below `vision_model.` of transformers: `embeddings.class_embedding`,
// `encoder.layers.0.…`.
func (c *Checkpoint) Vision() tensor.Source { return c.vision }

// Projector is the projector, its linear layers numbered 0, 2, 4 as in a sequence with activations between: `0.weight`,
// `0.bias`.
func (c *Checkpoint) Projector() tensor.Source { return c.projector }

// Extra is the rest: `image_newline`, `row_end`.
func (c *Checkpoint) Extra() tensor.Source { return c.extra }

// Prefault reads the weights into the page cache ahead of their use, where the system has a call for it.
func (c *Checkpoint) Prefault() error {
	for _, w := range c.open {
		for _, f := range w.files {
			if len(f.data) == 0 {
				continue
			}
			if err := prefault(f.data); err != nil {
				return fmt.Errorf("%s: %w", f.path, err)
			}
		}
	}
	return nil
}

// Unchanged returns an error of class ErrChanged that names a file of weights that was written to since it was opened: what
// was computed from it may be wrong. It looks at sizes and times; Digest looks at the bytes.
func (c *Checkpoint) Unchanged() error {
	for _, w := range c.open {
		for _, f := range w.files {
			if err := f.unchanged(); err != nil {
				return err
			}
		}
	}
	return nil
}

// Close unmaps the files. No tensor of the checkpoint may be used afterwards.
func (c *Checkpoint) Close() error {
	var errs []error
	for _, w := range c.open {
		errs = append(errs, w.Close())
	}
	c.open = nil
	return errors.Join(errs...)
}
