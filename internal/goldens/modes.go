package goldens

import (
	"encoding/json"
	"fmt"
	"regexp"
	"strconv"
	"strings"

	"llavabench/internal/checkpoint"
	"llavabench/internal/imaging"
	"llavabench/variants"
	"llavabench/variants/all"
)

// A modeTable turns the names of preprocessing modes into the settings of variants.
type modeTable struct {
	flavours map[string]information
	modes    map[string]string // explanations
	sides    map[string]int    // side of a view by mode, from the outputs
}

func newModeTable(m preprocessManifest) (*modeTable, error) {
	t := &modeTable{flavours: m.Flavours, modes: m.Modes, sides: map[string]int{}}
	for _, e := range m.Images {
		for _, o := range e.Outputs {
			if len(o.Shape) != 4 {
				continue
			}
			mode := strings.TrimSuffix(o.Mode, toldChannels)
			if side, ok := t.sides[mode]; ok && side != o.Shape[3] {
				return nil, fmt.Errorf("mode %q has views of %d and of %d pixels", mode, side, o.Shape[3])
			}
			t.sides[mode] = o.Shape[3]
		}
	}
	return t, nil
}

// toldChannels ends the names of modes in which the processor is told the channel axis instead of guessing it.
const toldChannels = "_cl"

var (
	modeOneView   = regexp.MustCompile(`^(crop|pad)(\d+)$`)
	modeRange     = regexp.MustCompile(`^anyres_(\d+)x(\d+)_(\d+)x(\d+)$`)
	modeHighRes   = regexp.MustCompile(`^hd_highres(\d+)$`)
	modeCropSplit = regexp.MustCompile(`^hd_crop_split(\d+)$`)
	pinpointList  = regexp.MustCompile(`\[\[[\d,\[\] ]+\]\]`)
	anyResMaxName = regexp.MustCompile(`anyres_max_(\d+)`)
)

// options gives the settings of a flavour's mode. The explanation of a mode states its pinpoints; without one the lists
// of the released checkpoints and of the article are meant, at the side of the mode's views.
func (t *modeTable) options(flavour, mode string) (variants.Options, error) {
	if _, ok := t.flavours[flavour]; !ok {
		return variants.Options{}, fmt.Errorf("the flavour %q is not among the manifest's flavours", flavour)
	}
	f, err := variants.ParseFlavour(flavour)
	if err != nil {
		return variants.Options{}, err
	}
	base := strings.TrimSuffix(mode, toldChannels)
	side := t.sides[base]
	if m := modeOneView.FindStringSubmatch(base); m != nil {
		if side, err = strconv.Atoi(m[2]); err != nil {
			return variants.Options{}, fmt.Errorf("mode %q: %w", mode, err)
		}
	}
	if side == 0 {
		return variants.Options{}, fmt.Errorf("the mode %q is not understood, or has no output that states the side of its views", mode)
	}
	variant := "llava16"
	if modeOneView.MatchString(base) {
		variant = "llava15"
	}
	o, err := defaults(variant, side, patchOf(side))
	if err != nil {
		return variants.Options{}, err
	}
	o.Flavour = f
	o.ChannelsGuess = base == mode
	o.Pinpoints = nil
	if o, err = t.apply(o, base); err != nil {
		return variants.Options{}, err
	}
	return o, o.Validate()
}

// apply sets what a mode asks for.
func (t *modeTable) apply(o variants.Options, mode string) (variants.Options, error) {
	text := t.modes[mode]
	if m := modeOneView.FindStringSubmatch(mode); m != nil {
		o.AspectRatio = map[string]string{"crop": "square", "pad": "pad"}[m[1]]
		return o, nil
	}
	if m := modeRange.FindStringSubmatch(mode); m != nil {
		o.AspectRatio = "anyres_max_9" // the number shrinks features and has no part in pixels
		if name := anyResMaxName.FindString(text); name != "" {
			o.AspectRatio = name
		}
		return o.SetGrid(fmt.Sprintf("(%sx%s),...,(%sx%s)", m[1], m[2], m[3], m[4]))
	}
	if m := modeHighRes.FindStringSubmatch(mode); m != nil {
		o.AspectRatio, o.MergeType = "highres", "flat" // only the pixels are asked for
		return o.Set("high_res", m[1])
	}
	if m := modeCropSplit.FindStringSubmatch(mode); m != nil {
		o.AspectRatio, o.MergeType = "crop_split", "flat"
		o.SplitResolution = o.Side
		return o.Set("crop_resolution", m[1])
	}
	set := map[string]string{"anyres": "released", "anyres_article": "article"}[mode]
	if set == "" {
		return o, fmt.Errorf("the mode %q is not understood", mode)
	}
	o.AspectRatio = "anyres"
	if list := pinpointList.FindString(text); list != "" {
		if err := json.Unmarshal([]byte(list), &o.Pinpoints); err != nil {
			return o, fmt.Errorf("the pinpoints of mode %q: %w", mode, err)
		}
		return o, nil
	}
	return o.SetGrid(set)
}

// plan lays a picture out as the variant of the settings does.
func (t *modeTable) plan(o variants.Options, size imaging.Size) (variants.Layout, error) {
	v, err := all.ByName(o.Variant)
	if err != nil {
		return variants.Layout{}, err
	}
	return v.Plan(o, size)
}

// patchOf is the side of a tower patch for views of side pixels: 14 in the models that the goldens are about. Where it
// does not divide side, the geometry of features is not asked for and 1 will do.
func patchOf(side int) int {
	const patch = 14
	if side%patch == 0 {
		return patch
	}
	return 1
}

// defaults gives a variant's settings for a tower of the given sizes with OpenAI's CLIP processor, as for a released
// checkpoint in the original layout.
func defaults(variant string, side, patch int) (variants.Options, error) {
	v, err := all.ByName(variant)
	if err != nil {
		return variants.Options{}, err
	}
	clip := imaging.ClipNormalizer()
	return v.Defaults(checkpoint.Config{
		Layout: checkpoint.Original,
		Vision: checkpoint.VisionConfig{Image: side, Patch: patch, Channels: 3},
		Multimodal: checkpoint.Multimodal{
			ProjectorType: "mlp2x_gelu", ProjectorBias: true, SelectLayer: -2, SelectFeature: "patch",
			AspectRatio: "anyres", MergeType: "spatial_unpad",
		},
		Processor: checkpoint.Processor{
			ShortestEdge: side, CropHeight: side, CropWidth: side,
			DoResize: true, DoCenterCrop: true, DoRescale: true, DoNormalize: true,
			RescaleFactor: clip.Factor, Mean: clip.Mean, Std: clip.Std, Resample: 3,
		},
	}), nil
}
