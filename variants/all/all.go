// Package all lists the generations.
package all

import (
	"fmt"
	"strings"

	"llavabench/internal/checkpoint"
	"llavabench/variants"
	"llavabench/variants/llava1"
	"llavabench/variants/llava15"
	"llavabench/variants/llava15hd"
	"llavabench/variants/llava16"
)

// All is every generation, oldest first. Adding one is a folder and a line here.
var All = []variants.Variant{
	llava1.Variant,
	llava15.Variant,
	llava15hd.Variant,
	llava16.Variant,
}

// ByName finds a generation.
func ByName(name string) (variants.Variant, error) {
	for _, v := range All {
		if v.Name == name {
			return v, nil
		}
	}
	return variants.Variant{}, fmt.Errorf("variant %q is not known, expected one of %s", name, names(All))
}

// Detect finds the generation that a checkpoint belongs to. It fails when there is none or more than one.
func Detect(c checkpoint.Config) (variants.Variant, error) {
	var found []variants.Variant
	for _, v := range All {
		if v.Matches(c) {
			found = append(found, v)
		}
	}
	if len(found) == 1 {
		return found[0], nil
	}
	m := c.Multimodal
	seen := fmt.Sprintf("layout %q, model_type %q, mm_vision_tower %q, projector %q, image_aspect_ratio %q, mm_patch_merge_type %q",
		c.Layout, c.ModelType, m.VisionTower, m.ProjectorType, m.AspectRatio, m.MergeType)
	if len(found) == 0 {
		return variants.Variant{}, fmt.Errorf("the configuration is of no known variant (%s); choose one of %s by name", seen, names(All))
	}
	return variants.Variant{}, fmt.Errorf("the configuration fits several variants, %s (%s); choose one by name", names(found), seen)
}

func names(list []variants.Variant) string {
	var n []string
	for _, v := range list {
		n = append(n, v.Name)
	}
	return strings.Join(n, ", ")
}
