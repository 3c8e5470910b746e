package checkpoint

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
)

// OpenOptions say where the parts of a checkpoint may be found. The zero value is right for most.
type OpenOptions struct {
	// VisionDir is the directory (or hub name) of the CLIP tower, for checkpoints in the original layout; "" searches for
	// what `mm_vision_tower` names.
	VisionDir string
	// Env looks up environment variables of the hub cache; nil means os.Getenv.
	Env func(string) string
	// SkipChecksums leaves out the CRC-32 of the tensors in PyTorch files, whose check reads every byte.
	SkipChecksums bool
}

// ReadConfig reads the configuration of the checkpoint at path (a directory, or a name in the hub cache) without its
// weights. A tower directory that is missing is no error when its name is that of a released CLIP model.
func ReadConfig(path string, o OpenOptions) (Config, error) {
	dir, err := Resolve(path, o.Env)
	if err != nil {
		return Config{}, err
	}
	r, err := readConfig(dir, o, true)
	if err != nil {
		return Config{}, err
	}
	r.cfg.Multimodal.HasNewline = strings.Contains(r.cfg.Multimodal.MergeType, "unpad")
	return r.cfg, nil
}

// A configReader collects what the JSON files say.
type configReader struct {
	dir   string
	cfg   Config
	files []string // read so far, in this order
	tower tower
}

// readConfig reads everything but the weights. towerInside says that the checkpoint holds the tower's weights, so that
// the tower's own directory is needed for its numbers only.
func readConfig(dir string, o OpenOptions, towerInside bool) (*configReader, error) {
	r := &configReader{dir: dir}
	f, raw, err := readObject(dir, "config.json")
	if err != nil {
		return nil, err
	}
	r.files = append(r.files, f.file)
	r.cfg.Raw = json.RawMessage(bytes.Clone(raw))
	if err := r.detect(f); err != nil {
		return nil, err
	}
	if r.cfg.Layout == HuggingFace {
		if o.VisionDir != "" {
			f.note("the vision directory %s is not used: this layout holds its tower", o.VisionDir)
		}
		err = r.transformers(f)
	} else {
		err = r.original(f, o, towerInside)
	}
	if err == nil {
		err = r.generation()
	}
	if err != nil {
		return nil, err
	}
	return r, r.check(f)
}

// detect decides the layout by structure: model_type is "llava" in both.
func (r *configReader) detect(f *fields) error {
	hf, original := f.has("text_config"), f.has("mm_vision_tower") || f.has("vision_tower") || f.has("mm_hidden_size")
	switch {
	case hf && original:
		return errf(ErrMismatch, "%s has both text_config and mm_vision_tower, expected one layout", f.file)
	case hf:
		r.cfg.Layout = HuggingFace
	case original:
		r.cfg.Layout = Original
	default:
		return errf(ErrUnsupported, "%s is not a LLaVA configuration: it has neither text_config nor mm_vision_tower (model_type is %s)", f.file, f.describe(f.m["model_type"]))
	}
	if q := f.m["quantization_config"]; q != nil {
		return errf(ErrUnsupported, "%s: quantization_config is given: weights quantised by other programs are not read", f.file)
	}
	for _, key := range []string{"auto_map", "trust_remote_code", "custom_pipelines"} {
		if f.has(key) {
			f.note("%s is ignored: no code is loaded", key)
		}
	}
	r.cfg.ModelType = f.string("model_type", "")
	r.cfg.Architectures = f.strings("architectures")
	return f.s.err
}

// transformers reads the Hugging Face layout, where everything lies in one directory.
func (r *configReader) transformers(f *fields) error {
	r.cfg.Multimodal = readTransformers(f)
	text := f.object("text_config")
	r.cfg.Text = readText(text, family(text, "llama"))
	t := &r.cfg.Text
	if !text.written("tie_word_embeddings") {
		t.TieEmbeddings = f.bool("tie_word_embeddings", false)
	}
	if t.Pad < 0 {
		t.Pad = f.int("pad_token_id", -1, -1, maxVocab)
	}
	if t.DType == "" {
		t.DType = f.string("torch_dtype", f.string("dtype", ""))
	}
	if t.Family == "mistral" && !text.has("rope_theta") && !text.has("rope_parameters") {
		f.note("rope_theta is absent: 10000 by the class default, but the released Mistral checkpoints need 1000000")
	}
	r.cfg.Vision = readVision(f.object("vision_config"))
	if f.s.err != nil {
		return f.s.err
	}
	readGrids(f, &r.cfg)
	if f.s.err != nil {
		return f.s.err
	}
	r.cfg.Notes = append(r.cfg.Notes, f.s.notes...)
	return r.processor(r.dir)
}

// processor reads the image processor of a directory and compares it with the model.
func (r *configReader) processor(dir string) error {
	p, notes, err := readProcessor(dir, r.cfg.Vision)
	if err != nil {
		return err
	}
	r.cfg.Processor = p
	r.cfg.Notes = append(r.cfg.Notes, notes...)
	for _, name := range []string{"preprocessor_config.json", "processor_config.json"} {
		if !hasFile(dir, name) {
			continue
		}
		f, _, err := readObject(dir, name)
		if err != nil {
			return err
		}
		r.files = append(r.files, f.file)
		v := r.cfg.Vision
		if patch := f.int("patch_size", v.Patch, 1, maxPatch); patch != v.Patch {
			f.fail(ErrMismatch, "patch_size", "is %d, but the tower's is %d", patch, v.Patch)
		}
		grids := readPinpoints(f, "image_grid_pinpoints", v.Image)
		if want := r.cfg.Multimodal.GridPinpoints; grids != nil && want != nil && !slices.Equal(grids, want) {
			f.fail(ErrMismatch, "image_grid_pinpoints", "is %v, but config.json has %v", grids, want)
		}
		if f.s.err != nil {
			return f.s.err
		}
	}
	return nil
}

// original reads the layout of the LLaVA repositories, whose tower is described in a directory of its own.
func (r *configReader) original(f *fields, o OpenOptions, towerInside bool) error {
	r.cfg.Multimodal = readMultimodal(f)
	r.cfg.Text = readText(f, family(f, "llava"))
	if f.s.err != nil {
		return f.s.err
	}
	t, err := findTower(r.dir, r.cfg.Multimodal.VisionTower, o, towerInside)
	if err != nil {
		return err
	}
	r.tower = t
	r.cfg.Vision, r.cfg.Processor = t.vision, t.processor
	r.files = append(r.files, t.files...)
	readGrids(f, &r.cfg)
	r.cfg.Notes = append(append(r.cfg.Notes, f.s.notes...), t.notes...)
	return f.s.err
}

func (r *configReader) generation() error {
	const name = "generation_config.json"
	if !hasFile(r.dir, name) {
		return nil
	}
	f, _, err := readObject(r.dir, name)
	if err != nil {
		return err
	}
	r.files = append(r.files, f.file)
	readGeneration(f, &r.cfg.Text)
	r.cfg.Notes = append(r.cfg.Notes, f.s.notes...)
	return f.s.err
}

// check compares the parts of a configuration with each other.
func (r *configReader) check(f *fields) error {
	t := r.cfg.Text
	for _, id := range append([]int{t.BOS}, t.EOS...) {
		if id >= t.Vocab {
			return errf(ErrMismatch, "%s: token id %d lies outside the vocabulary of %d", f.file, id, t.Vocab)
		}
	}
	return nil
}

// String is a one-line summary: layout, family and sizes.
func (c Config) String() string {
	return fmt.Sprintf("%s layout, %s decoder of %d layers and width %d, tower of %d layers at %d pixels, projector %s",
		c.Layout, c.Text.Family, c.Text.Layers, c.Text.Hidden, c.Vision.Layers, c.Vision.Image, c.Multimodal.ProjectorType)
}
