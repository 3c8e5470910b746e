package variants

import (
	"fmt"
	"math"
	"slices"
	"strings"

	"llavabench/internal/imaging"
)

// Bounds of settings; they keep every product of sizes far from overflow.
const (
	maxSide       = 1 << 12 // of a view, pixels
	maxResolution = 1 << 15 // of a canvas, pixels
	maxPinpoints  = 1024
)

// Validate refuses settings that contradict each other, are unknown or out of bounds. The error names the field.
func (o Options) Validate() error {
	for _, check := range []func() error{o.validateNames, o.validateView, o.validateTiles, o.validateRest} {
		if err := check(); err != nil {
			return err
		}
	}
	return nil
}

// oneOf reports a value that is not among those known.
func oneOf[T ~string](field string, value T, known ...T) error {
	if slices.Contains(known, value) {
		return nil
	}
	return fmt.Errorf("%s %q is not known, expected one of %s", field, string(value), join(known))
}

// within reports a number out of bounds.
func within(field string, value, low, high int) error {
	if value < low || value > high {
		return fmt.Errorf("%s is %d, expected %d to %d", field, value, low, high)
	}
	return nil
}

func first(errs ...error) error {
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}

func (o Options) validateNames() error {
	weights := []string{"stored", "f32", "f16", "bf16", "q8", "q4", "q4g64", "q4-all", "q4g64-all"}
	return first(
		oneOf("flavour", o.Flavour, flavours...),
		o.validateAspect(),
		oneOf("filter", o.Filter, imaging.Bicubic, imaging.Lanczos, imaging.Bilinear),
		oneOf("global", o.Global, GlobalSquash, GlobalPad, GlobalNone),
		oneOf("select_feature", o.SelectFeature, FeaturePatch, FeatureClassPatch),
		validateMerge(o.MergeType),
		oneOf("strip", o.Strip, StripUnpad, StripCover, StripNone),
		oneOf("row_end", o.RowEnd, RowEndCheckpoint, RowEndNone, RowEndNewline, RowEndMean, RowEndZero),
		oneOf("tower_weights", o.TowerWeights, weights...),
		oneOf("projector_weights", o.ProjectorWeights, weights...),
		oneOf("decoder_weights", o.DecoderWeights, weights...),
	)
}

func (o Options) validateAspect() error {
	if _, ok := anyResMax(o.AspectRatio); ok {
		return nil
	}
	known := []string{"square", "pad", "anyres", "anyres_max_N", "highres", "crop_split"}
	if o.AspectRatio == "anyres_max_N" {
		return fmt.Errorf("aspect_ratio %q needs a number for N", o.AspectRatio)
	}
	return oneOf("aspect_ratio", o.AspectRatio, known...)
}

// validateMerge takes "flat" and "spatial" with suffixes.
func validateMerge(merge string) error {
	parts := strings.Split(merge, "_")
	if merge == "flat" {
		return nil
	}
	known := []string{"unpad", "maxpool2x2", "nobase"}
	for i, p := range parts {
		if i == 0 && p != "spatial" || i > 0 && !slices.Contains(known, p) {
			return fmt.Errorf("merge_type %q is not known, expected \"flat\" or \"spatial\" with suffixes of _unpad, _maxpool2x2, _nobase",
				merge)
		}
	}
	return nil
}

func (o Options) validateView() error {
	return first(
		within("side", o.Side, 4, maxSide),
		within("patch", o.Patch, 1, o.Side),
		within("shortest_edge", o.ShortestEdge, o.Side, maxResolution),
	)
}

// tiled reports whether pictures are cut into tiles.
func (o Options) tiled() bool { return o.AspectRatio != "square" && o.AspectRatio != "pad" }

func (o Options) validateTiles() error {
	if err := first(
		within("max_tiles", o.MaxTiles, 1, MaxTiles),
		within("high_res", o.HighRes, o.Side, maxResolution),
		within("crop_resolution", o.CropResolution, 1, maxResolution),
		within("split_resolution", o.SplitResolution, 1, maxResolution),
		within("number of pinpoints", len(o.Pinpoints), 0, maxPinpoints),
	); err != nil || !o.tiled() {
		return err
	}
	if o.ShortestEdge != o.Side {
		return fmt.Errorf("shortest_edge is %d and side %d, expected the same where pictures are tiled", o.ShortestEdge, o.Side)
	}
	if o.Strip == StripCover && o.Side%o.Patch != 0 {
		return fmt.Errorf("strip %q needs a side that is a multiple of the patch, they are %d and %d", o.Strip, o.Side, o.Patch)
	}
	if o.Flavour == Transformers437 {
		return fmt.Errorf("flavour %q has no aspect_ratio %q", o.Flavour, o.AspectRatio)
	}
	switch o.AspectRatio {
	case "highres", "crop_split":
		return o.validateSquareTiles()
	}
	return o.validatePinpoints()
}

func (o Options) validatePinpoints() error {
	if len(o.Pinpoints) == 0 {
		return fmt.Errorf("pinpoints are empty, expected at least one for aspect_ratio %q", o.AspectRatio)
	}
	some := false
	for i, p := range o.Pinpoints {
		if p[0] < o.Side || p[1] < o.Side || p[0] > maxResolution || p[1] > maxResolution || p[0]%o.Side != 0 || p[1]%o.Side != 0 {
			return fmt.Errorf("pinpoint %d is %dx%d, expected multiples of the side %d up to %d", i, p[0], p[1], o.Side, maxResolution)
		}
		if tiles := p[0] / o.Side * (p[1] / o.Side); tiles > MaxTiles {
			return fmt.Errorf("pinpoint %d is %dx%d with %d tiles, expected at most %d", i, p[0], p[1], tiles, MaxTiles)
		}
		some = some || o.allowed(o.canvas(p))
	}
	if !some {
		return fmt.Errorf("max_tiles is %d, but every pinpoint has more tiles", o.MaxTiles)
	}
	return nil
}

func (o Options) validateSquareTiles() error {
	if o.Flavour != Original {
		return fmt.Errorf("aspect_ratio %q exists only in flavour %q, not in %q", o.AspectRatio, Original, o.Flavour)
	}
	n := o.HighRes / o.Side
	if o.AspectRatio == "crop_split" {
		n = o.CropResolution / o.SplitResolution
	}
	if n*n > o.MaxTiles {
		return fmt.Errorf("aspect_ratio %q makes %d tiles, expected at most max_tiles %d", o.AspectRatio, n*n, o.MaxTiles)
	}
	return nil
}

func (o Options) validateRest() error {
	return first(
		within("max_image_tokens", o.MaxImageTokens, 0, math.MaxInt),
		within("tokenizer_max_length", o.TokenizerMaxLength, 0, math.MaxInt),
		within("attention_window", o.AttentionWindow, 0, math.MaxInt),
	)
}
