package all_test

import (
	"reflect"
	"testing"

	"github.com/stretchr/testify/require"

	"llavabench/internal/checkpoint"
	"llavabench/internal/imaging"
	"llavabench/variants/all"
	"llavabench/variants/variantstest"
)

// with changes a configuration.
func with(c checkpoint.Config, change func(*checkpoint.Config)) checkpoint.Config {
	change(&c)
	return c
}

func TestDetect(t *testing.T) {
	one, fifteen, sixteen := variantstest.LLaVA1(224), variantstest.LLaVA15(336), variantstest.LLaVA16(336)
	hf := func(modelType string) checkpoint.Config {
		return with(fifteen, func(c *checkpoint.Config) {
			c.Layout, c.ModelType = checkpoint.HuggingFace, modelType
			c.Multimodal = checkpoint.Multimodal{
				ProjectorType: "mlp2x_gelu", SelectLayer: -2, SelectFeature: "patch", GridPinpoints: sixteen.Multimodal.GridPinpoints,
			}
		})
	}
	for _, test := range []struct {
		name   string
		config checkpoint.Config
		want   string // the error's beginning where no variant has that name
	}{
		{"v1.1: model_type llava, nothing said about views", with(one, func(c *checkpoint.Config) {
			c.Multimodal.AspectRatio, c.Multimodal.MergeType, c.Multimodal.SelectFeature = "", "", ""
		}), "llava1"},
		{"v0: model_type llama", with(one, func(c *checkpoint.Config) { c.ModelType = "llama" }), "llava1"},
		{"llama-2 preview", with(one, func(c *checkpoint.Config) { c.Text.MaxPositions = 4096 }), "llava1"},
		{"v1-0719 at 336 pixels", variantstest.LLaVA1(336), "llava1"},
		{"1.5", fifteen, "llava15"},
		{"1.5 after stage 1: no aspect ratio", with(fifteen, func(c *checkpoint.Config) { c.Multimodal.AspectRatio = "square" }), "llava15"},
		{"1.5 trained further with a row end", with(fifteen, func(c *checkpoint.Config) { c.Multimodal.HasNewline = true }), "llava15"},
		{"1.5 with a deeper projector", with(fifteen, func(c *checkpoint.Config) { c.Multimodal.ProjectorType = "mlp3x_gelu" }), "llava15"},
		{"1.6", sixteen, "llava16"},
		{"1.6 mistral", with(sixteen, func(c *checkpoint.Config) { c.ModelType, c.Text.Family = "llava_mistral", "mistral" }), "llava16"},
		{"NeXT with a linear projector", with(sixteen, func(c *checkpoint.Config) { c.Multimodal.ProjectorType = "linear" }), "llava16"},
		{"NeXT with a limit", with(sixteen, func(c *checkpoint.Config) { c.Multimodal.AspectRatio = "anyres_max_9" }), "llava16"},
		{"NeXT highres, flat", with(sixteen, func(c *checkpoint.Config) {
			c.Multimodal.AspectRatio, c.Multimodal.MergeType = "highres", "flat"
		}), "llava16"},
		{"1.6 run with one view", with(sixteen, func(c *checkpoint.Config) { c.Multimodal.AspectRatio = "pad" }), "llava16"},
		{"llava-hf 1.5", hf("llava"), "llava15"},
		{"llava-hf 1.6", hf("llava_next"), "llava16"},
		{"llava-hf of another family", hf("vipllava"), "the configuration is of no known variant"},
		{"a language model", with(fifteen, func(c *checkpoint.Config) {
			c.ModelType, c.Multimodal = "llama", checkpoint.Multimodal{}
		}), "the configuration is of no known variant"},
	} {
		v, err := all.Detect(test.config)
		if err != nil {
			require.ErrorContains(t, err, test.want, test.name)
			continue
		}
		require.Equal(t, test.want, v.Name, test.name)
		require.NoError(t, v.Check(v.Defaults(test.config)), test.name)
	}
}

// TestDetectTwice has a list in which two generations claim a checkpoint.
func TestDetectTwice(t *testing.T) {
	list := all.All
	t.Cleanup(func() { all.All = list })
	all.All = append(list[:len(list):len(list)], list[1])
	_, err := all.Detect(variantstest.LLaVA15(336))
	require.ErrorContains(t, err, "fits several variants, llava15, llava15")
}

func TestByName(t *testing.T) {
	for _, v := range all.All {
		found, err := all.ByName(v.Name)
		require.NoError(t, err)
		require.Equal(t, v.Title, found.Title)
	}
	_, err := all.ByName("llava2")
	require.ErrorContains(t, err, `variant "llava2" is not known, expected one of llava1, llava15, llava15hd, llava16`)
}

// TestComplete checks every entry of the list in the same way.
func TestComplete(t *testing.T) {
	for _, v := range all.All {
		value := reflect.ValueOf(v)
		for i := range value.NumField() {
			switch name := value.Type().Field(i).Name; name {
			case "Notes", "TrainedContext":
			default:
				require.False(t, value.Field(i).IsZero(), "%s has no %s", v.Name, name)
			}
		}
		for _, c := range []checkpoint.Config{variantstest.LLaVA15(336), variantstest.LLaVA16(336), variantstest.LLaVA1(224)} {
			o := v.Defaults(c)
			require.Equal(t, v.Name, o.Variant)
			if v.Check(o) != nil {
				require.NotEqual(t, v.Matches(c), true, "%s refuses a checkpoint of its own", v.Name)
				continue
			}
			_, err := variantstest.Contract(v, o, imaging.Size{W: 640, H: 480})
			require.NoError(t, err, v.Name)
		}
	}
}
