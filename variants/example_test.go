package variants_test

import (
	"fmt"

	"llavabench/internal/checkpoint"
	"llavabench/internal/imaging"
	"llavabench/variants"
	"llavabench/variants/variantstest"
)

// llavaQuad is a fifth generation: always two by two tiles, the global view last, every row of the map ended by the
// newline embedding. In the tree it is variants/llavaquad/llavaquad.go and one line in variants/all.
var llavaQuad = variants.Variant{
	Name:  "llavaquad",
	Title: "LLaVA-Quad",
	Notes: []string{"an example, no checkpoint is of this generation"},
	Matches: func(c checkpoint.Config) bool {
		return c.ModelType == "llava_quad"
	},
	Defaults: func(c checkpoint.Config) variants.Options {
		o := variants.Base("llavaquad", c)
		o.AspectRatio = "anyres"
		o.Pinpoints = [][2]int{{2 * o.Side, 2 * o.Side}}
		o.MergeType = "spatial_unpad"
		o.Strip = variants.StripCover
		o.RowEnd = variants.RowEndNewline
		o.GlobalLast = true
		return o
	},
	Check:      variants.Options.Validate,
	Plan:       variants.Plan,
	Merge:      variants.Merge,
	TokenCount: variants.TokenCount,
}

func Example() {
	v := llavaQuad
	options := v.Defaults(variantstest.LLaVA15(336))
	size := imaging.Size{W: 640, H: 480}
	layout, err := v.Plan(options, size)
	if err != nil {
		fmt.Println(err)
		return
	}
	tokens, _ := v.TokenCount(options, size)
	refs := v.Merge(options, layout)
	fmt.Println(len(layout.Views), "views,", tokens, "tokens, first", refs[0], "last", refs[len(refs)-1])

	_, err = variantstest.Contract(v, options, size)
	fmt.Println("contract broken:", err)
	// Output:
	// 5 views, 2340 tokens, first {feature 1 6 0} last {feature 0 23 23}
	// contract broken: <nil>
}
