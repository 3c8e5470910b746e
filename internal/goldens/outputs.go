package goldens

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"path"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// outputsManifest is outputs/manifest.json.
type outputsManifest struct {
	What       information             `json:"what"`
	Note       information             `json:"note"`
	Reference  information             `json:"reference"`
	Tensors    information             `json:"tensors"`
	Precision  information             `json:"precision_fields"`
	Crosscheck information             `json:"openai_clip_crosscheck"`
	Models     map[string]outputsModel `json:"models"`
	AnyResMax  *anyResMaxManifest      `json:"anyres_max"`
	EndToEnd   string                  `json:"e2e"`
}

// An outputsModel is one checkpoint.
type outputsModel struct {
	Note   information            `json:"note"`
	Spec   information            `json:"spec"` // what its files say; they are read themselves
	Dir    string                 `json:"dir"`
	Vision string                 `json:"vision_dir"`
	HF     string                 `json:"hf_dir"`  // the llava-hf layout of the same weights
	Bin    string                 `json:"bin_dir"` // the same tensors pickled; the path ends at the first blank
	Cases  map[string]outputsCase `json:"cases"`
}

// An outputsCase is one prompt, with what transformers makes of the llava-hf weights under keys of their own.
type outputsCase struct {
	Note      information           `json:"note"`
	Precision information           `json:"precision"`
	LogitsMax information           `json:"logits_absmax"`
	LogitsStd information           `json:"logits_std_last"`
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
	HF440     map[string]hfOutputs  `json:"transformers_4.40.2"`
	HF448     map[string]hfOutputs  `json:"transformers_4.48.3"`
}

// hfOutputs is what a release of transformers gave for a case. Only an entry with a file has tensors; the rest are
// figures.
type hfOutputs struct {
	Note          information           `json:"note"`
	Error         information           `json:"error"`
	LogitsLast    information           `json:"max_abs_logits_last_vs_original"`
	LogitsAll     information           `json:"max_abs_logits_all_vs_original"`
	Embeds        information           `json:"max_abs_inputs_embeds_vs_original"`
	GreedyEqual   information           `json:"greedy_equal_original"`
	ExtraColumns  information           `json:"extra_columns_max"`
	ArgmaxInExtra information           `json:"argmax_in_extra"`
	Sequence      *int                  `json:"sequence"`
	File          string                `json:"file"`
	Tensors       map[string]tensorType `json:"tensors"`
}

// hfEntries are the kinds of runs of the llava-hf weights.
var hfEntries = []string{"original_pixels", "own_processor", "processor_4.57", "text"}

// pictureFolder is where the pictures of cases lie, from the set's root.
const pictureFolder = "preprocess/images"

func (s *set) readOutputs(p *Part) (outputsManifest, error) {
	var m outputsManifest
	err := s.readJSON(p, outputsManifestFile, &m)
	return m, err
}

func (s *set) checkOutputs(p *Part) error {
	m, err := s.readOutputs(p)
	if err != nil {
		return err
	}
	total, done := 0, 0
	for _, model := range m.Models {
		total += len(model.Cases)
	}
	if total == 0 {
		return errors.New("the manifest has no cases")
	}
	for _, name := range slices.Sorted(maps.Keys(m.Models)) {
		model := m.Models[name]
		r := s.newRunner()
		s.checkTower(p, r, name, modelUse{dir: model.Dir}, model.Vision)
		for _, c := range slices.Sorted(maps.Keys(model.Cases)) {
			s.checkCase(p, r, name, model, c)
			done++
			s.progress(p, done, total)
			if s.ctx.Err() != nil {
				break
			}
		}
		r.close()
	}
	return nil
}

// checkTower compares the folder in which a checkpoint's vision tower is looked for with the one that the manifest names.
func (s *set) checkTower(p *Part, r *runner, name string, model modelUse, want string) {
	if want == "" {
		return
	}
	if _, err := s.model(want); !p.require(name, "vision_dir", err) {
		return
	}
	pipe, err := r.pipeline(model)
	if !p.require(name, "dir", err) {
		return
	}
	if got := pipe.Checkpoint().Config.Multimodal.VisionTower; got != "" {
		equal(p, name, "vision_dir", path.Join(path.Dir(model.dir), got), path.Clean(want))
	}
}

// truncatedCase names cases that are cut to a number of positions.
var truncatedCase = regexp.MustCompile(`^truncated_to_(\d+)$`)

// checkCase runs one case of a model in each layout that was recorded.
func (s *set) checkCase(p *Part, r *runner, name string, model outputsModel, caseName string) {
	c := model.Cases[caseName]
	mc := modelCase{
		where: name + "." + caseName, model: modelUse{dir: model.Dir}, folder: "outputs", file: c.File, tensors: c.Tensors,
		promptIDs: c.PromptIDs, sequence: c.Sequence, sizes: c.Sizes, views: c.Tiles, grids: c.Grids, pixelHash: c.PixelHash,
	}
	for _, image := range c.Images {
		mc.pictures = append(mc.pictures, path.Join(pictureFolder, image))
	}
	if m := truncatedCase.FindStringSubmatch(caseName); m != nil {
		mc.model = mc.model.with(setting("tokenizer_max_length", m[1]))
	}
	r.runCase(p, mc)
	if bin, _, _ := strings.Cut(model.Bin, " "); bin != "" {
		if s.has(bin) {
			other := mc
			other.where = path.Base(bin) + "." + caseName
			other.model.dir = bin
			r.runCase(p, other)
		} else {
			p.skip(fmt.Sprintf("the set has no %s", bin), 1)
		}
	}
	for _, release := range []string{"transformers_4.40.2", "transformers_4.48.3"} {
		entries := map[string]map[string]hfOutputs{"transformers_4.40.2": c.HF440, "transformers_4.48.3": c.HF448}[release]
		for _, kind := range slices.Sorted(maps.Keys(entries)) {
			e := entries[kind]
			where := name + "." + caseName + " " + release + " " + kind
			switch {
			case !slices.Contains(hfEntries, kind):
				p.failf(where, "entry", "the kind of run is not understood, expected one of %s", strings.Join(hfEntries, ", "))
			case e.File == "" && e.Tensors == nil:
				p.inform(release+" "+kind, "without a file it has no tensors, only figures of the reference")
			case model.HF == "":
				p.failf(where, "hf_dir", "the entry has a file, but the model no llava-hf folder")
			default:
				r.runCase(p, modelCase{
					where: strings.TrimSuffix(e.File, ".safetensors"), model: modelUse{dir: model.HF}, folder: "outputs", file: e.File,
					tensors: e.Tensors, pictures: mc.pictures, sequence: e.Sequence,
				})
			}
		}
	}
}

// anyResMaxManifest is the section anyres_max: cases with a shrunken map of features.
type anyResMaxManifest struct {
	Code   information              `json:"code"`
	Note   information              `json:"note"`
	Greedy information              `json:"greedy"`
	Model  string                   `json:"model"` // a sentence whose first word is the folder
	Cases  map[string]anyResMaxCase `json:"cases"` // by picture
}

type anyResMaxCase struct {
	Note      information           `json:"note"`
	Margin    information           `json:"greedy_min_margin"`
	File      string                `json:"file"`
	Size      *[2]int               `json:"size_wh"`
	Tiles     *int                  `json:"tiles"`
	Sequence  *int                  `json:"sequence"`
	PromptIDs *int                  `json:"prompt_ids"`
	PixelHash string                `json:"pixel_u8_sha256"`
	Tensors   map[string]tensorType `json:"tensors"`
}

// anyResMaxSides is how many tiles the pinpoints of the section have on a side at most, unless its sentence says
// otherwise, and N of anyres_max_N.
const anyResMaxSides = 4

var anyResMaxRange = regexp.MustCompile(`i,j in 1\.\.(\d+)`)

func (s *set) checkAnyResMax(p *Part) error {
	m, err := s.readOutputs(newPart("")) // its unknown keys are reported by the part "outputs"
	if err != nil {
		return err
	}
	if m.AnyResMax == nil {
		p.skip("outputs/manifest.json has no anyres_max", 1)
		return nil
	}
	dir, sentence, _ := strings.Cut(m.AnyResMax.Model, " ")
	aspect := anyResMaxName.FindString(sentence)
	if aspect == "" {
		aspect = fmt.Sprintf("anyres_max_%d", anyResMaxSides)
	}
	sides := anyResMaxSides
	if found := anyResMaxRange.FindStringSubmatch(sentence); found != nil {
		if sides, err = strconv.Atoi(found[1]); err != nil || sides > 12 {
			return fmt.Errorf("model: %q has no usable range of tiles", sentence)
		}
	}
	r := s.newRunner()
	defer r.close()
	model := modelUse{dir: dir}
	pipe, err := r.pipeline(model)
	if err != nil {
		return err
	}
	pinpoints, err := json.Marshal(squareGrid(pipe.Settings().Side, 1, sides))
	if err != nil {
		return err
	}
	model = model.with(setting("aspect_ratio", aspect), setting("pinpoints", string(pinpoints)))
	for i, picture := range slices.Sorted(maps.Keys(m.AnyResMax.Cases)) {
		c := m.AnyResMax.Cases[picture]
		mc := modelCase{
			where: "anyres_max " + picture, model: model, folder: "outputs", file: c.File, tensors: c.Tensors,
			pictures: []string{path.Join(pictureFolder, picture)}, promptIDs: c.PromptIDs, sequence: c.Sequence, pixelHash: c.PixelHash,
		}
		if c.Size != nil {
			mc.sizes = [][2]int{*c.Size}
		}
		if c.Tiles != nil {
			mc.views = []int{*c.Tiles}
		}
		r.runCase(p, mc)
		s.progress(p, i+1, len(m.AnyResMax.Cases))
	}
	return nil
}
