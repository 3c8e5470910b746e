package checkpoint

import "encoding/json"

// A Layout is the way in which a checkpoint directory names its tensors and writes its configuration.
type Layout string

// The layouts. Original is that of the LLaVA repositories (flat config, `mm_*` fields, vision tower in a directory of its
// own or inside); HuggingFace is that of the llava-hf releases (`text_config`, `vision_config`).
const (
	Original    Layout = "original"
	HuggingFace Layout = "hf"
)

// A Config is everything that a checkpoint's JSON files say about the model, with absent fields resolved by the written
// table of defaults. It is the only place where the two layouts' spellings are known.
type Config struct {
	Layout        Layout
	ModelType     string // config.json model_type, as written
	Architectures []string
	Text          TextConfig
	Vision        VisionConfig
	Multimodal    Multimodal
	Processor     Processor
	// Notes are remarks about resolved defaults and ignored fields that a user should see, one sentence each.
	Notes []string
	// Raw is config.json as read, for tools that show it.
	Raw json.RawMessage
}

// TextConfig describes the decoder.
type TextConfig struct {
	Family        string // "llama", "mistral" or "qwen2"
	Hidden        int
	Layers        int
	Heads         int
	KVHeads       int
	HeadDim       int
	FFN           int
	Vocab         int // rows of the embedding as configured
	MaxPositions  int
	NormEps       float64
	RopeTheta     float64
	RopeScaling   RopeScaling
	SlidingWindow int // 0: none
	TieEmbeddings bool
	QKVBias       bool // biases on the q, k and v projections
	OutBias       bool // bias on the output projection (llama attention_bias)
	HiddenAct     string
	BOS           int // -1: none
	EOS           []int
	Pad           int    // -1: none
	DType         string // torch_dtype as written; information only
}

// RopeScaling is the scaling of rotary frequencies. Type is "" (none), "linear" or "llama3".
type RopeScaling struct {
	Type                 string
	Factor               float64
	LowFreqFactor        float64
	HighFreqFactor       float64
	OriginalMaxPositions int
}

// VisionConfig describes the CLIP vision tower.
type VisionConfig struct {
	Hidden    int
	FFN       int
	Layers    int
	Heads     int
	Patch     int // pixels
	Image     int // pixels
	Channels  int
	HiddenAct string // "quick_gelu", "gelu" or "gelu_pytorch_tanh"
	NormEps   float64
}

// Grid is the number of patches along one side of a view.
func (v VisionConfig) Grid() int { return v.Image / v.Patch }

// Multimodal describes how the tower's features reach the decoder.
type Multimodal struct {
	VisionTower   string // mm_vision_tower as written; "" in the Hugging Face layout
	ProjectorType string // "linear", "mlpNx_gelu" or "identity"
	ProjectorBias bool
	SelectLayer   int    // index into hidden states; negative counts from the end
	SelectFeature string // "patch" or "cls_patch"
	UseStartEnd   bool   // mm_use_im_start_end
	UsePatchToken bool   // mm_use_im_patch_token
	AspectRatio   string // image_aspect_ratio: "square", "pad", "anyres", "anyres_max_N", "highres", "crop_split"
	MergeType     string // mm_patch_merge_type: "flat", "spatial", "spatial_unpad"
	// GridPinpoints are the pairs of image_grid_pinpoints in the order and orientation as written: (width, height) in
	// the original layout, (height, width) in the Hugging Face one. A range "(1x1),...,(6x6)" is expanded.
	GridPinpoints        [][2]int
	ImageCropResolution  int  // image_crop_resolution; 0 when absent
	ImageSplitResolution int  // image_split_resolution; 0 when absent
	TokenizerMaxLength   int  // tokenizer_model_max_length; 0 when absent
	MaxSequenceLength    int  // max_sequence_length; 0 when absent
	ImageTokenIndex      int  // Hugging Face layout: id of the image placeholder; -1 when absent
	HasNewline           bool // the checkpoint holds image_newline
}

// Processor describes the CLIP image processor (preprocessor_config.json).
type Processor struct {
	Class         string // image_processor_type or feature_extractor_type as written
	ShortestEdge  int    // pixels; the resize target of the shorter side
	CropHeight    int    // pixels
	CropWidth     int    // pixels
	DoResize      bool
	DoCenterCrop  bool
	DoRescale     bool
	DoNormalize   bool
	DoPad         bool // llava-hf 1.5: pad to a square first
	RescaleFactor float64
	Mean          [3]float64
	Std           [3]float64
	Resample      int // Pillow's code; 3 is bicubic
}
