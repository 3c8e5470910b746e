package variants_test

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"

	"llavabench/internal/imaging"
	"llavabench/variants"
	"llavabench/variants/all"
	"llavabench/variants/variantstest"
)

// defaultsOf gives the settings of a variant for a checkpoint that it is meant for.
func defaultsOf(v variants.Variant, side int) variants.Options {
	switch v.Name {
	case "llava1":
		return v.Defaults(variantstest.LLaVA1(side))
	case "llava16":
		return v.Defaults(variantstest.LLaVA16(side))
	}
	return v.Defaults(variantstest.LLaVA15(side))
}

func pick[T any](r *rand.Rand, list ...T) T { return list[r.IntN(len(list))] }

// drawOptions draws a variant and settings that may or may not fit together.
func drawOptions(t testing.TB, r *rand.Rand) (variants.Variant, variants.Options) {
	v := pick(r, all.All...)
	o := defaultsOf(v, pick(r, 56, 224, 336))
	o.Strip = pick(r, variants.StripUnpad, variants.StripCover, variants.StripNone)
	o.RowEnd = pick(r, variants.RowEndCheckpoint, variants.RowEndNone, variants.RowEndZero)
	o.Global = pick(r, variants.GlobalSquash, variants.GlobalPad, variants.GlobalNone)
	o.GlobalLast = pick(r, true, false)
	o.SingleViewNewline = pick(r, true, false)
	if v.Name != "llava15hd" {
		o.Flavour = pick(r, variants.Original, variants.Transformers, variants.Transformers447, variants.Transformers440,
			variants.Transformers437)
		o.MergeType = pick(r, "flat", "spatial", "spatial_unpad", "spatial_unpad", "spatial_nobase", "spatial_unpad_nobase",
			"spatial_maxpool2x2")
		o.SelectFeature = pick(r, "patch", "patch", "patch", "cls_patch")
		o.ChannelsGuess = pick(r, true, false)
	}
	if v.Name == "llava16" {
		o.AspectRatio = pick(r, "square", "pad", "anyres", "anyres", "anyres", "anyres_max_1", "anyres_max_4", "anyres_max_9",
			"highres", "crop_split")
	}
	if o.AspectRatio != "square" && o.AspectRatio != "pad" {
		o = set(t, o, "pinpoints", pick(r, "released", "article", "hd", "(1x1),...,(6x6)", "(2x1),...,(3x5)"))
	}
	return v, o
}

// drawSide draws sides of all magnitudes.
func drawSide(r *rand.Rand, most int) int { return 1 + r.IntN(1+r.IntN(most)) }

func TestCountedEqualsMerged(t *testing.T) {
	n := 100_000
	if testing.Short() || raceEnabled {
		n = 2_000
	}
	r := rand.New(rand.NewPCG(1, 2))
	refused := 0
	for range n {
		v, o := drawOptions(t, r)
		size := imaging.Size{W: drawSide(r, 4096), H: drawSide(r, 4096)}
		planned, err := variantstest.Contract(v, o, size)
		require.NoError(t, err, "%v under %v", size, o.Diff(defaultsOf(v, o.Side)))
		if !planned {
			refused++
		}
	}
	require.Less(t, refused, n/4)
	t.Logf("%d pictures, %d of them refused", n, refused)
}

func TestExtremeSizes(t *testing.T) {
	sizes := []imaging.Size{{W: 1, H: 1}, {W: 1, H: 65535}, {W: 65535, H: 1}, {W: 1 << 24, H: 1}, {W: 1, H: 1 << 24}, {W: 1 << 24, H: 1 << 24},
		{W: 10000, H: 1}, {W: 3665, H: 50}, {W: 3, H: 3}}
	for _, v := range all.All {
		for _, side := range []int{14, 224, 336, 4088} {
			o := defaultsOf(v, side)
			o.ChannelsGuess = false
			require.NoError(t, v.Check(o))
			for _, size := range sizes {
				if side == 4088 && v.Name != "llava1" {
					continue // 292 x 292 cells a tile
				}
				planned, err := variantstest.Contract(v, o, size)
				require.NoError(t, err, "%s %v", v.Name, size)
				require.True(t, planned, "%s %v", v.Name, size)
			}
			for _, size := range []imaging.Size{{}, {W: 5}, {H: 5}, {W: -3, H: 4}, {W: 1<<24 + 1, H: 2}} {
				_, err := v.Plan(o, size)
				require.ErrorContains(t, err, fmt.Sprint(size), v.Name)
				_, err = v.TokenCount(o, size)
				require.Error(t, err)
			}
		}
	}
}

func TestTokenLimits(t *testing.T) {
	v := variant(t, "llava16")
	o := defaultsOf(v, 336)
	o.MaxImageTokens = 2339
	_, err := v.TokenCount(o, imaging.Size{W: 640, H: 480})
	require.ErrorContains(t, err, "640x480 pixels gives 2340 image tokens, above the limit of 2339")
	o.MaxImageTokens = 2340
	n, err := v.TokenCount(o, imaging.Size{W: 640, H: 480})
	require.NoError(t, err)
	require.Equal(t, 2340, n)
	// A side and a patch that are each allowed give more than any decoder takes.
	o.MaxImageTokens, o.Side, o.ShortestEdge, o.HighRes, o.Patch = 0, 4096, 4096, 8192, 1
	o = set(t, o, "pinpoints", "(1x1),...,(2x2)")
	_, err = v.Plan(o, imaging.Size{W: 640, H: 480})
	require.ErrorContains(t, err, "above the limit")
}

func FuzzPlan(f *testing.F) {
	for i, v := range all.All {
		f.Add(uint8(i), 640, 480, `{}`)
		o, err := json.Marshal(defaultsOf(v, 56))
		require.NoError(f, err)
		f.Add(uint8(i), 3, 3, string(o))
	}
	f.Add(uint8(3), 1024, 128, `{"aspect_ratio":"anyres_max_2","flavour":"hf447","strip":"cover"}`)
	f.Add(uint8(3), 1024, 128, `{"aspect_ratio":"crop_split","merge_type":"flat","crop_resolution":673,"split_resolution":77}`)
	f.Add(uint8(3), 50, 3, `{"aspect_ratio":"highres","high_res":700,"side":336,"global":"pad"}`)
	f.Add(uint8(2), 2000, 1, `{"strip":"unpad16","row_end":"zero","pinpoints":[[336,336]],"max_tiles":1}`)
	f.Fuzz(func(t *testing.T, which uint8, w, h int, changes string) {
		v := all.All[int(which)%len(all.All)]
		o, err := defaultsOf(v, 336).With([]byte(changes))
		if err != nil || v.Check(o) != nil {
			return
		}
		if o.Side/o.Patch > 64 {
			return // slow to check, not to plan
		}
		_, err = variantstest.Contract(v, o, imaging.Size{W: w, H: h})
		require.NoError(t, err)
	})
}
