package goldens

import (
	"errors"
	"maps"
	"path"
	"slices"
)

// extraManifestFile describes decoder and tower features that the main cases lack.
const extraManifestFile = "extra/manifest.json"

// extraManifest is extra/manifest.json.
type extraManifest struct {
	What      information           `json:"what"`
	Note      information           `json:"note"`
	Reference information           `json:"reference"`
	Models    map[string]extraModel `json:"models"`
}

// An extraModel is one checkpoint. Its folders, and the pictures of its cases, are named from the set's root.
type extraModel struct {
	Note   information          `json:"note"`
	Tests  information          `json:"tests"` // what the model is for
	Dir    string               `json:"dir"`
	Vision string               `json:"vision_dir"` // absent for the llava-hf layout
	Cases  map[string]extraCase `json:"cases"`
}

type extraCase struct {
	Note      information           `json:"note"`
	Margin    information           `json:"greedy_min_margin"`
	File      string                `json:"file"`
	Images    []string              `json:"images"`
	Sizes     [][2]int              `json:"sizes_wh"`
	Tiles     []int                 `json:"tiles"`
	Grids     [][2]int              `json:"grid_wh"`
	PromptIDs *int                  `json:"prompt_ids"`
	Sequence  *int                  `json:"sequence"`
	PixelHash string                `json:"pixel_u8_sha256"`
	Tensors   map[string]tensorType `json:"tensors"`
}

func (s *set) checkExtra(p *Part) error {
	var m extraManifest
	if err := s.readJSON(p, extraManifestFile, &m); err != nil {
		return err
	}
	if len(m.Models) == 0 {
		return errors.New("the manifest has no models")
	}
	done := 0
	for _, name := range slices.Sorted(maps.Keys(m.Models)) {
		model := m.Models[name]
		r := s.newRunner()
		s.checkTower(p, r, name, modelUse{dir: model.Dir}, model.Vision)
		for _, caseName := range slices.Sorted(maps.Keys(model.Cases)) {
			c := model.Cases[caseName]
			mc := modelCase{
				where: name + "." + caseName, model: modelUse{dir: model.Dir}, folder: "extra", file: c.File, tensors: c.Tensors,
				promptIDs: c.PromptIDs, sequence: c.Sequence, sizes: c.Sizes, views: c.Tiles, grids: c.Grids, pixelHash: c.PixelHash,
			}
			for _, image := range c.Images {
				mc.pictures = append(mc.pictures, path.Clean(image))
			}
			r.runCase(p, mc)
			if s.ctx.Err() != nil {
				break
			}
		}
		r.close()
		done++
		s.progress(p, done, len(m.Models))
	}
	return nil
}
