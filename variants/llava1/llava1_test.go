package llava1_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"llavabench/internal/imaging"
	"llavabench/variants"
	"llavabench/variants/llava1"
	"llavabench/variants/variantstest"
)

func TestPlan(t *testing.T) {
	o := llava1.Variant.Defaults(variantstest.LLaVA1(224))
	require.NoError(t, llava1.Variant.Check(o))
	require.True(t, o.StartEnd)
	require.Equal(t, "llava_v1", o.Template)
	l, err := llava1.Variant.Plan(o, imaging.Size{W: 640, H: 480})
	require.NoError(t, err)
	require.Equal(t, imaging.Plan{Side: 224, Canvases: []imaging.Canvas{{Steps: []imaging.Step{
		{Resize: &imaging.Resize{Size: imaging.Size{W: 298, H: 224}, Filter: imaging.Bicubic}},
		{Crop: &imaging.Rect{X: 37, W: 224, H: 224}},
	}}}}, l.Plan)
	require.Equal(t, []variants.View{{Kind: variants.ViewWhole}}, l.Views)
	require.Equal(t, 256, l.Tokens)
	refs := llava1.Variant.Merge(o, l)
	require.Len(t, refs, 256)
	require.Equal(t, variants.Ref{Kind: variants.Feature, Row: 15, Col: 15}, refs[255])
}

// TestClassToken keeps the class token in front.
func TestClassToken(t *testing.T) {
	c := variantstest.LLaVA1(224)
	c.Multimodal.SelectFeature = "cls_patch"
	o := llava1.Variant.Defaults(c)
	l, err := llava1.Variant.Plan(o, imaging.Size{W: 640, H: 480})
	require.NoError(t, err)
	refs := llava1.Variant.Merge(o, l)
	require.Len(t, refs, 257)
	require.Equal(t, variants.Ref{Kind: variants.Class}, refs[0])
	for i, r := range refs {
		require.Equal(t, i, l.Index(r))
	}
}

// TestChannelsGuess has the heights that the reference's processor misreads.
func TestChannelsGuess(t *testing.T) {
	o := llava1.Variant.Defaults(variantstest.LLaVA1(224))
	l, err := llava1.Variant.Plan(o, imaging.Size{W: 50, H: 3})
	require.NoError(t, err)
	require.Equal(t, imaging.Size{W: 3, H: 50}, l.Seen)
	require.Equal(t, imaging.Step{RowsAsChannels: true}, l.Plan.Canvases[0].Steps[0])
	_, err = llava1.Variant.Plan(o, imaging.Size{W: 50, H: 1})
	require.ErrorContains(t, err, "channels_guess")

	o.AspectRatio = "pad" // hides the heights, but not of pictures that are square with 1 or 3 pixels
	for size, scrambled := range map[imaging.Size]bool{{W: 50, H: 3}: false, {W: 50, H: 1}: false, {W: 3, H: 2}: true, {W: 1, H: 3}: true} {
		l, err := llava1.Variant.Plan(o, size)
		require.NoError(t, err)
		require.Equal(t, scrambled, l.Warnings() != nil || l.Plan.Canvases[0].Steps[1].RowsAsChannels, "%v", size)
	}
	o.Flavour = variants.Transformers // guesses before it pads
	l, err = llava1.Variant.Plan(o, imaging.Size{W: 50, H: 3})
	require.NoError(t, err)
	require.Equal(t, imaging.Size{W: 3, H: 50}, l.Seen)
	_, err = llava1.Variant.Plan(o, imaging.Size{W: 50, H: 1})
	require.ErrorContains(t, err, "channels_guess")
}
