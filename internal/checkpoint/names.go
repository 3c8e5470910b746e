package checkpoint

import (
	"regexp"
	"strconv"
	"strings"
)

// A part is the network that a tensor belongs to.
type part int

const (
	unknown part = iota
	ignored      // known, and of no use here
	partLLM
	partVision
	partProjector
	partExtra
)

// nestings are the ways in which checkpoints prefix the names of the parts, most specific first. The rest of the name must
// then be known in that part.
//
// Sources: LLaVA, llava/model/llava_arch.py and builder files (original); transformers, the weight conversion scripts of
// llava and llava_next, and LlavaNextForConditionalGeneration._checkpoint_conversion_mapping (before and since 4.52).
var nestings = []struct {
	prefix string
	part   part
	to     string // what replaces the prefix
}{
	{"model.vision_tower.vision_tower.vision_model.", partVision, ""},
	{"model.vision_tower.vision_tower.", partVision, ""},
	{"model.vision_tower.vision_model.", partVision, ""},
	{"model.vision_tower.", partVision, ""},
	{"vision_tower.vision_tower.vision_model.", partVision, ""},
	{"vision_tower.vision_model.", partVision, ""},
	{"vision_tower.", partVision, ""},
	{"model.mm_projector.", partProjector, ""},
	{"mm_projector.", partProjector, ""},
	{"model.multi_modal_projector.", partProjector, ""},
	{"multi_modal_projector.", partProjector, ""},
	{"language_model.model.image_newline", partExtra, "image_newline"},
	{"model.image_newline", partExtra, "image_newline"},
	{"image_newline", partExtra, "image_newline"},
	{"model.row_end", partExtra, "row_end"},
	{"row_end", partExtra, "row_end"},
	{"language_model.model.", partLLM, "model."},
	{"language_model.lm_head.", partLLM, "lm_head."},
	{"model.language_model.", partLLM, "model."},
	{"model.lm_head.", partLLM, "lm_head."},
	{"lm_head.", partLLM, "lm_head."},
	{"model.", partLLM, "model."},
}

// The names within each part.
var (
	llmName = regexp.MustCompile(`^(model\.embed_tokens\.weight|model\.norm\.weight|lm_head\.weight|` +
		`model\.layers\.(0|[1-9]\d{0,4})\.((input|post_attention)_layernorm\.weight|` +
		`self_attn\.[qkvo]_proj\.(weight|bias)|mlp\.(gate|up|down)_proj\.weight))$`)
	visionName = regexp.MustCompile(`^(embeddings\.(class_embedding|patch_embedding\.weight|position_embedding\.weight)|` +
		`(pre_layrnorm|post_layernorm)\.(weight|bias)|` +
		`encoder\.layers\.(0|[1-9]\d{0,4})\.(self_attn\.(q|k|v|out)_proj|layer_norm[12]|mlp\.fc[12])\.(weight|bias))$`)
	projectorName = regexp.MustCompile(`^((0|[1-9]\d?)\.)?(weight|bias)$`)
	linearName    = regexp.MustCompile(`^linear_([12])\.(weight|bias)$`)
	extraName     = regexp.MustCompile(`^(image_newline|row_end)$`)
)

// What is not read, with the reason: rotary frequencies are computed from the configuration (files saved before transformers
// 4.31 hold them), position ids are a counter, and CLIP's text tower and output projections are not part of LLaVA.
var ignoredName = regexp.MustCompile(`(^|\.)rotary_emb\.inv_freq$|(^|\.)embeddings\.position_ids$|(^|\.)visual_projection\.weight$|` +
	`^(text_model\..*|logit_scale|text_projection\.weight)$`)

// openaiName are the names of the openai/CLIP repository's own layout.
var openaiName = regexp.MustCompile(`(^|\.)(in_proj_(weight|bias)|resblocks\.\d.*|ln_pre\..*|ln_post\..*|positional_embedding)$`)

// classify finds the part that a checkpoint's tensor belongs to and its canonical name there: LLaMA's names for the decoder
// (`model.layers.0.…`, `lm_head.weight`), CLIP's below `vision_model.` for the tower, `0.weight`, `2.weight` for the
// projector.
//
// The two arrays of a quantised matrix are named after the matrix, `NAME.q8.codes` and `NAME.q8.scales`.
func classify(name string) (part, string) {
	if at := quantised.FindStringIndex(name); at != nil {
		p, canonical := classifyFloat(name[:at[0]])
		if p == ignored || p == unknown || !strings.HasSuffix(canonical, "weight") {
			return unknown, ""
		}
		return p, canonical + name[at[0]:]
	}
	return classifyFloat(name)
}

// quantised ends the names of a quantised matrix's arrays; the formats are those of package kernels.
var quantised = regexp.MustCompile(`\.(q8|q4|q4g64)\.(codes|scales)$`)

func classifyFloat(name string) (part, string) {
	if ignoredName.MatchString(name) {
		return ignored, ""
	}
	inner := name
	if strings.HasPrefix(name, "model.model.") { // one more level, as wrappers save it
		inner = name[len("model."):]
	}
	for _, n := range nestings {
		rest, ok := strings.CutPrefix(inner, n.prefix)
		if !ok {
			continue
		}
		if canonical, ok := n.part.canonical(n.to + rest); ok {
			return n.part, canonical
		}
	}
	return unknown, ""
}

// canonical checks a name within a part and, for projectors, numbers the layers as nn.Sequential does.
func (p part) canonical(name string) (string, bool) {
	switch p {
	case partLLM:
		return name, llmName.MatchString(name)
	case partVision:
		return name, visionName.MatchString(name)
	case partExtra:
		return name, extraName.MatchString(name)
	case partProjector:
		if m := linearName.FindStringSubmatch(name); m != nil {
			n, _ := strconv.Atoi(m[1])
			return strconv.Itoa(2*(n-1)) + "." + m[2], true
		}
		m := projectorName.FindStringSubmatch(name)
		if m == nil {
			return "", false
		}
		if m[1] == "" {
			return "0." + name, true
		}
		return name, true
	}
	return "", false
}

// classifyTower is classify for the directory of a CLIP model, with or without the prefix `vision_model.`.
func classifyTower(name string) (part, string) {
	if ignoredName.MatchString(name) {
		return ignored, ""
	}
	inner := strings.TrimPrefix(name, "vision_model.")
	if visionName.MatchString(inner) {
		return partVision, inner
	}
	return classifyTowerOfLLaVA(name)
}

// classifyTowerOfLLaVA accepts a whole LLaVA checkpoint as the directory of a tower.
func classifyTowerOfLLaVA(name string) (part, string) {
	p, canonical := classify(name)
	if p == partVision || p == unknown {
		return p, canonical
	}
	return ignored, ""
}

// layerOf gives the layer number in a canonical name; ok is false where there is none.
func layerOf(canonical string) (layer int, ok bool) {
	_, rest, found := strings.Cut(canonical, "layers.")
	if !found {
		return 0, false
	}
	digits, _, _ := strings.Cut(rest, ".")
	n, err := strconv.Atoi(digits)
	return n, err == nil
}
