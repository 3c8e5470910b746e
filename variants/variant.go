// Package variants says what a generation of LLaVA is, as data and pure functions: how to recognise its checkpoints,
// which views of a picture the vision tower sees, and which of their features reach the decoder in which order.
//
//	picture size ── Plan ──> Layout ── imaging.Render ──> views [views, side, side]
//	                           │                             │ tower, projector
//	                           │                          features [views, rows, hidden]
//	                           └── Merge ──> []Ref ──────────┴──> image tokens [len(refs), hidden]
//
// Nothing here needs weights or pixels, so a plan can be printed, counted and compared on its own. The folders beside
// this file hold one generation each; variants/all lists them. Sizes are width first; rows and columns count from the
// top left.
package variants

import (
	"llavabench/internal/checkpoint"
	"llavabench/internal/imaging"
)

// A Variant is one generation. Its functions are pure; Plan, Merge and TokenCount take the same Options, which start
// from Defaults.
type Variant struct {
	Name  string // as in --variant: "llava15"
	Title string // "LLaVA-1.5"
	// Notes are what a user should know about results of this variant, one sentence each.
	Notes []string
	// TrainedContext is the length of the sequences that the generation was trained with, tokens; 0 where it is not
	// known. Longer ones deserve a warning.
	TrainedContext int
	// Matches reports whether a checkpoint is of this generation. A variant that no released checkpoint belongs to
	// matches none and is chosen by name.
	Matches func(checkpoint.Config) bool
	// Defaults gives the settings with which the reference runs the checkpoint. Every field is filled.
	Defaults func(checkpoint.Config) Options
	// Check refuses settings that contradict each other or that this generation has no meaning for.
	Check func(Options) error
	// Plan lays a picture out: views, tiles, the cells that are kept. It fails for sizes and settings that the
	// reference cannot run either, and says so.
	Plan func(Options, imaging.Size) (Layout, error)
	// Merge gives the image's tokens in the order in which the decoder sees them.
	Merge func(Options, Layout) []Ref
	// TokenCount is the number of image tokens by the reference's arithmetic, without planning or merging. It fails where
	// Plan fails.
	TokenCount func(Options, imaging.Size) (int, error)
}
