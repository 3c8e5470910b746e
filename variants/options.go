package variants

import (
	"llavabench/internal/checkpoint"
	"llavabench/internal/imaging"
)

// Options are all settings that an ablation can vary, flat and serialisable. A field is never left for later code to
// fill in: a Variant's Defaults sets every one, and a zero means zero. Change them with Set or With, list the
// differences with Diff, check them with the Variant's Check.
type Options struct {
	Variant string  `json:"variant"`
	Flavour Flavour `json:"flavour"`

	// Views: which pixels the vision tower sees.

	// AspectRatio is `image_aspect_ratio`: "square" (resize the shorter side, centre crop), "pad" (to a square first),
	// "anyres", "anyres_max_N" (with the feature map shrunk to about N views), "highres" or "crop_split".
	AspectRatio string `json:"aspect_ratio"`
	Side        int    `json:"side"`  // of a view and a tile, pixels; the tower's image_size
	Patch       int    `json:"patch"` // side of a tower patch, pixels; what is left over at the right and below is not seen
	// ShortestEdge is the resize target of the shorter side before the centre crop, pixels. Tiled pictures need Side.
	ShortestEdge int            `json:"shortest_edge"`
	Filter       imaging.Filter `json:"filter"`
	PadColor     imaging.Color  `json:"pad_color"`    // fills what squaring adds (aspect "pad", "highres", global view "pad")
	CanvasColor  imaging.Color  `json:"canvas_color"` // fills what a canvas of tiles leaves around the picture
	Global       Global         `json:"global"`       // view of the whole picture beside the tiles
	// Pinpoints are the canvases that "anyres" chooses from, pixels, in order of preference, as written in
	// `image_grid_pinpoints`: (width, height), or (height, width) in the transformers flavours.
	Pinpoints [][2]int `json:"pinpoints"`
	MaxTiles  int      `json:"max_tiles"` // canvases of more tiles are not considered; at most MaxTiles
	// HighRes is the side that "highres" resizes the squared picture to, pixels.
	HighRes int `json:"high_res"`
	// CropResolution and SplitResolution are the square that "crop_split" cuts out of the middle and its tiles' side,
	// pixels.
	CropResolution  int `json:"crop_resolution"`
	SplitResolution int `json:"split_resolution"`
	// ChannelsGuess repeats a fault of the reference's processor, which takes an array 1 or 3 pixels high for
	// channels-first: 3 scrambles the picture, 1 is refused. Without it every size is handled alike.
	ChannelsGuess bool `json:"channels_guess"`

	// Features: what is taken from the tower.

	SelectLayer   int    `json:"select_layer"`   // index into the hidden states; negative counts from the end
	SelectFeature string `json:"select_feature"` // FeaturePatch or FeatureClassPatch
	Projector     string `json:"projector"`      // "linear", "mlpNx_gelu" or "identity"

	// Merge: which features become tokens, in which order.

	// MergeType is `mm_patch_merge_type`: "flat" (view after view) or "spatial" (tiles stitched to one map) with any of
	// the suffixes "_unpad" (Strip and RowEnd apply), "_maxpool2x2" and "_nobase" (LLaVA-NeXT).
	MergeType string `json:"merge_type"`
	Strip     Strip  `json:"strip"`   // cells of the map that are dropped as padding; only with "_unpad"
	RowEnd    RowEnd `json:"row_end"` // vector after each row of the map; only with "_unpad"
	// GlobalLast puts the global view behind the map.
	GlobalLast bool `json:"global_last"`
	// SingleViewNewline appends one row end to a picture of one view under an "_unpad" merge. The reference does so when
	// it is handed a list or a 5-dimensional tensor, and not on the path of its command-line tools.
	SingleViewNewline bool `json:"single_view_newline"`
	// MaxImageTokens refuses pictures of more tokens; 0 is no limit.
	MaxImageTokens int `json:"max_image_tokens"`

	// Sequence: what surrounds the image.

	// Template names the conversation template, see Template.
	Template string `json:"template"`
	// StartEnd puts the image between the tokens <im_start> and <im_end> (`mm_use_im_start_end`).
	StartEnd bool `json:"start_end"`
	// TokenizerMaxLength cuts the merged sequence on the right, silently in the reference
	// (`tokenizer_model_max_length`); 0 never cuts.
	TokenizerMaxLength int `json:"tokenizer_max_length"`
	// AttentionWindow is the number of keys that a position of the decoder sees, itself included; 0 is all.
	AttentionWindow int `json:"attention_window"`

	// Weights: the type that each part's matrices are converted to when loaded: "stored" (no conversion), "f32", "f16",
	// "bf16", or quantised "q8", "q4" (groups of 32, attention in 8 bits), "q4g64", or "q4-all" and "q4g64-all" (attention
	// in 4 bits too). Embeddings and the head are not quantised.

	TowerWeights     string `json:"tower_weights"`
	ProjectorWeights string `json:"projector_weights"`
	DecoderWeights   string `json:"decoder_weights"`
}

// Values of SelectFeature: the class token's row is dropped or kept in front of the patches.
const (
	FeaturePatch      = "patch"
	FeatureClassPatch = "cls_patch"
)

// MaxTiles is the largest number of tiles that one picture may be cut into.
const MaxTiles = 144

// A Global says how the view of the whole picture beside the tiles is made.
type Global string

// The global views.
const (
	GlobalSquash Global = "squash" // resized to Side x Side, aspect ignored
	GlobalPad    Global = "pad"    // padded to a square with PadColor, then resized
	GlobalNone   Global = "none"
)

// A Strip says which cells of the stitched map are dropped as padding.
type Strip string

// The rules.
const (
	// StripUnpad is unpad_image of LLaVA-1.6, which computes from the picture's original size and truncates; in the
	// transformers flavours with their arithmetic.
	StripUnpad Strip = "unpad16"
	// StripCover drops a cell only if all its pixels are padding.
	StripCover Strip = "cover"
	StripNone  Strip = "none"
)

// A RowEnd says which vector follows each row of the stitched map.
type RowEnd string

// The sources of the vector.
const (
	RowEndCheckpoint RowEnd = "checkpoint" // tensor image_newline, or row_end
	RowEndNone       RowEnd = "none"
	RowEndNewline    RowEnd = "newline_embedding" // the embedding of the token for "\n"
	RowEndMean       RowEnd = "mean_row"          // the mean over all rows of the embedding
	RowEndZero       RowEnd = "zero"
)

// Base gives the settings that mean the same for every generation, as a checkpoint states them: one view, cropped or
// padded as the processor says, its patches in order. A Variant's Defaults starts from it and sets what differs.
func Base(name string, c checkpoint.Config) Options {
	m, p := c.Multimodal, c.Processor
	o := Options{
		Variant:            name,
		Flavour:            Original,
		AspectRatio:        m.AspectRatio,
		Side:               c.Vision.Image,
		Patch:              c.Vision.Patch,
		ShortestEdge:       p.ShortestEdge,
		Filter:             filterOf(p.Resample),
		PadColor:           imaging.Normalizer{Mean: p.Mean}.MeanColor(),
		Global:             GlobalSquash,
		Pinpoints:          m.GridPinpoints,
		MaxTiles:           MaxTiles,
		HighRes:            2 * c.Vision.Image,
		CropResolution:     m.ImageCropResolution,
		SplitResolution:    m.ImageSplitResolution,
		ChannelsGuess:      true,
		SelectLayer:        m.SelectLayer,
		SelectFeature:      m.SelectFeature,
		Projector:          m.ProjectorType,
		MergeType:          m.MergeType,
		Strip:              StripUnpad,
		RowEnd:             RowEndCheckpoint,
		Template:           Template(c),
		StartEnd:           m.UseStartEnd,
		TokenizerMaxLength: m.TokenizerMaxLength,
		AttentionWindow:    c.Text.SlidingWindow,
		TowerWeights:       "stored",
		ProjectorWeights:   "stored",
		DecoderWeights:     "stored",
	}
	if o.AspectRatio == "" {
		o.AspectRatio = "square"
	}
	if o.ShortestEdge == 0 {
		o.ShortestEdge = o.Side
	}
	if o.SelectFeature == "" {
		o.SelectFeature = FeaturePatch
	}
	if o.MergeType == "" {
		o.MergeType = "flat"
	}
	if o.CropResolution == 0 {
		o.CropResolution = 2 * o.Side
	}
	if o.SplitResolution == 0 {
		o.SplitResolution = o.Side
	}
	if c.Layout == checkpoint.HuggingFace {
		o.Flavour = Transformers
		o.TokenizerMaxLength = 0 // the transformers classes never cut
		o.AspectRatio = "square"
		if p.DoPad {
			o.AspectRatio = "pad"
		}
	}
	return o
}

// filterOf names Pillow's filter codes; an unknown code becomes a name that Validate refuses.
func filterOf(code int) imaging.Filter {
	switch code {
	case 1:
		return imaging.Lanczos
	case 2:
		return imaging.Bilinear
	case 3:
		return imaging.Bicubic
	}
	return imaging.Filter("unsupported")
}
