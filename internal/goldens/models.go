package goldens

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"llavabench/internal/imaging"
	"llavabench/internal/pipeline"
)

// A runner opens the models of a set and keeps them open, so that the cases of one model share a pipeline.
type runner struct {
	set  *set
	open map[string]*pipeline.Pipeline
}

func (s *set) newRunner() *runner { return &runner{set: s, open: map[string]*pipeline.Pipeline{}} }

// close releases every model.
func (r *runner) close() {
	for _, key := range slices.Sorted(maps.Keys(r.open)) {
		r.open[key].Close()
	}
	r.open = map[string]*pipeline.Pipeline{}
}

// A modelUse is a model directory and how it is run.
type modelUse struct {
	dir       string   // from the set's root, with slashes
	variant   string   // "" for what the checkpoint is
	settings  []string // name=value
	tokenizer string   // file; "" for none
	weights   string   // type of the matrices; "" as stored
}

// with returns m with further settings.
func (m modelUse) with(settings ...string) modelUse {
	m.settings = append(slices.Clip(m.settings), settings...)
	return m
}

// pipeline opens a model, or returns it as opened before.
func (r *runner) pipeline(m modelUse) (*pipeline.Pipeline, error) {
	key := strings.Join(append([]string{m.dir, m.variant, m.tokenizer, m.weights}, m.settings...), "\x00")
	if p := r.open[key]; p != nil {
		return p, nil
	}
	path, err := r.set.model(m.dir)
	if err != nil {
		return nil, err
	}
	p, err := pipeline.Open(r.set.ctx, path, pipeline.Options{
		Variant:   m.variant,
		Set:       m.settings,
		Tokenizer: m.tokenizer,
		Weights:   m.weights,
		Threads:   r.set.opt.Threads,
	})
	if err != nil {
		return nil, fmt.Errorf("%s: %w", m.dir, err)
	}
	r.open[key] = p
	return p, nil
}

// model is the path of a folder of a model, which is marked as understood.
func (s *set) model(dir string) (string, error) {
	path, err := s.named(".", dir)
	if err == nil {
		s.mu.Lock()
		s.models[dir] = true
		s.mu.Unlock()
	}
	return path, err
}

// picturesOf reads the pictures of a case as the reference sees them: decoded by this build, or, where its decoder is at
// fault (which the part "preprocess" tells), from the reference's copy.
func (s *set) picturesOf(files []string) ([]*imaging.RGB, error) {
	var out []*imaging.RGB
	for _, file := range files {
		path, err := s.named(".", file)
		if err != nil {
			return nil, err
		}
		img, _, err := imaging.DecodeFile(path, imaging.DecodeOptions{})
		entry, indexErr := s.pictureEntry(file)
		if indexErr != nil {
			return nil, indexErr
		}
		if entry != nil && (err != nil || img.PixelSHA256() != entry.RGBHash) {
			reference, err := s.referencePixels(entry)
			if err != nil {
				return nil, err
			}
			if reference != nil {
				out = append(out, reference)
				continue
			}
		}
		if err != nil {
			return nil, err
		}
		out = append(out, img)
	}
	return out, nil
}

// pictureEntry is the entry of preprocess/manifest.json for a file; nil when there is none.
func (s *set) pictureEntry(file string) (*pictureEntry, error) {
	s.mu.Lock()
	known := s.pictures
	s.mu.Unlock()
	if known == nil {
		var m preprocessManifest
		// Unknown keys are reported by the part "preprocess".
		if err := s.readJSON(newPart(""), preprocessManifestFile, &m); err != nil {
			return nil, err
		}
		known = map[string]*pictureEntry{}
		for _, e := range m.Images {
			known["preprocess/"+e.File] = e
		}
		s.mu.Lock()
		s.pictures = known
		s.mu.Unlock()
	}
	return known[file], nil
}
