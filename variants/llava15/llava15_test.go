package llava15_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"llavabench/internal/checkpoint"
	"llavabench/internal/imaging"
	"llavabench/variants"
	"llavabench/variants/llava15"
	"llavabench/variants/variantstest"
)

func TestPlan(t *testing.T) {
	o := llava15.Variant.Defaults(variantstest.LLaVA15(336))
	require.NoError(t, llava15.Variant.Check(o))
	l, err := llava15.Variant.Plan(o, imaging.Size{W: 640, H: 481})
	require.NoError(t, err)
	require.Equal(t, imaging.Plan{Side: 336, Canvases: []imaging.Canvas{{Steps: []imaging.Step{
		{Paste: &imaging.Paste{Canvas: imaging.Size{W: 640, H: 640}, Y: 79, Fill: imaging.Color{122, 116, 104}}},
		{Resize: &imaging.Resize{Size: imaging.Size{W: 336, H: 336}, Filter: imaging.Bicubic}},
	}}}}, l.Plan)
	require.Equal(t, 576, l.Tokens)
	require.Empty(t, l.Warnings())
	row, col, ok := l.FirstCell()
	require.Equal(t, [3]any{0, 0, false}, [3]any{row, col, ok})
}

// TestHuggingFace crops unless do_pad is set.
func TestHuggingFace(t *testing.T) {
	c := variantstest.LLaVA15(336)
	c.Layout, c.Multimodal.VisionTower = checkpoint.HuggingFace, ""
	require.True(t, llava15.Variant.Matches(c))
	o := llava15.Variant.Defaults(c)
	require.Equal(t, variants.Transformers, o.Flavour)
	require.Equal(t, "square", o.AspectRatio)
	c.Processor.DoPad = true
	require.Equal(t, "pad", llava15.Variant.Defaults(c).AspectRatio)
}
