package tokenizer

import (
	"encoding/json"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

// jsonPart is a component of a tokenizer.json: a normaliser, pre-tokenizer, post-processor or decoder. The fields of all
// kinds that are known stand side by side.
type jsonPart struct {
	Type string `json:"type"`

	Normalizers   []json.RawMessage `json:"normalizers"`
	PreTokenizers []json.RawMessage `json:"pretokenizers"`
	Processors    []json.RawMessage `json:"processors"`
	Decoders      []json.RawMessage `json:"decoders"`

	Pattern struct {
		String *string `json:"String"`
		Regex  *string `json:"Regex"`
	} `json:"pattern"`
	Content  string `json:"content"`  // Replace, Strip
	Prepend  string `json:"prepend"`  // Prepend
	Behavior string `json:"behavior"` // Split
	Invert   bool   `json:"invert"`   // Split

	Individual     bool    `json:"individual_digits"` // Digits
	AddPrefixSpace *bool   `json:"add_prefix_space"`  // ByteLevel, Metaspace
	UseRegex       *bool   `json:"use_regex"`         // ByteLevel
	Replacement    string  `json:"replacement"`       // Metaspace
	PrependScheme  *string `json:"prepend_scheme"`    // Metaspace
	Split          *bool   `json:"split"`             // Metaspace
	Start          int     `json:"start"`             // Strip
	Stop           int     `json:"stop"`              // Strip

	Single        []templateItem `json:"single"` // TemplateProcessing
	SpecialTokens map[string]struct {
		IDs []int `json:"ids"`
	} `json:"special_tokens"`
}

// templateItem is a place in a TemplateProcessing: a special token or the text.
type templateItem struct {
	Special *struct {
		ID string `json:"id"`
	} `json:"SpecialToken"`
	Sequence *struct {
		ID string `json:"id"`
	} `json:"Sequence"`
}

// maxNesting bounds how deep sequences of components may nest.
const maxNesting = 8

// parsePart reads a component; nil for an absent one.
func parsePart(raw json.RawMessage, role string) (*jsonPart, error) {
	if isNull(raw) {
		return nil, nil
	}
	p := new(jsonPart)
	if err := json.Unmarshal(raw, p); err != nil {
		return nil, formatf("%s: %v", role, err)
	}
	return p, nil
}

// flatten reads a component and the members of sequences in it.
func flatten(raw json.RawMessage, role string, members func(*jsonPart) []json.RawMessage) ([]*jsonPart, error) {
	var out []*jsonPart
	var walk func(json.RawMessage, int) error
	walk = func(raw json.RawMessage, depth int) error {
		p, err := parsePart(raw, role)
		if err != nil || p == nil {
			return err
		}
		if p.Type != "Sequence" {
			out = append(out, p)
			return nil
		}
		if depth == maxNesting {
			return formatf("%s: sequences nested deeper than %d", role, maxNesting)
		}
		for _, m := range members(p) {
			if err := walk(m, depth+1); err != nil {
				return err
			}
		}
		return nil
	}
	return out, walk(raw, 0)
}

func parseNormalizer(raw json.RawMessage) ([]textStep, error) {
	parts, err := flatten(raw, "normalizer", func(p *jsonPart) []json.RawMessage { return p.Normalizers })
	if err != nil {
		return nil, err
	}
	var steps []textStep
	for _, p := range parts {
		switch p.Type {
		case "NFC":
			steps = append(steps, normalForm(norm.NFC))
		case "NFD":
			steps = append(steps, normalForm(norm.NFD))
		case "NFKC":
			steps = append(steps, normalForm(norm.NFKC))
		case "NFKD":
			steps = append(steps, normalForm(norm.NFKD))
		case "Prepend":
			steps = append(steps, func(s string) string {
				if s == "" {
					return s
				}
				return p.Prepend + s
			})
		case "Replace":
			if p.Pattern.String == nil || *p.Pattern.String == "" {
				return nil, unsupportedf("normalizer Replace with a pattern that is not a string")
			}
			steps = append(steps, func(s string) string { return strings.ReplaceAll(s, *p.Pattern.String, p.Content) })
		default:
			return nil, unsupportedf("normalizer %q", p.Type)
		}
	}
	return steps, nil
}

func parsePreTokenizer(raw json.RawMessage) ([]wordStep, error) {
	parts, err := flatten(raw, "pre_tokenizer", func(p *jsonPart) []json.RawMessage { return p.PreTokenizers })
	if err != nil {
		return nil, err
	}
	var steps []wordStep
	for _, p := range parts {
		var step wordStep
		switch p.Type {
		case "Split":
			step, err = splitStep(p)
		case "Digits":
			step = digitsStep(p.Individual)
		case "ByteLevel":
			step = byteLevelStep(or(p.AddPrefixSpace, true), or(p.UseRegex, true))
		case "Metaspace":
			step, err = metaspaceStep(p)
		default:
			err = unsupportedf("pre_tokenizer %q", p.Type)
		}
		if err != nil {
			return nil, err
		}
		steps = append(steps, step)
	}
	return steps, nil
}

// splitStep cuts words at a pattern whose matches cover all of a text, so that keeping them apart and removing what is
// between them are the same.
func splitStep(p *jsonPart) (wordStep, error) {
	if p.Pattern.Regex == nil {
		return nil, unsupportedf("pre_tokenizer Split with a pattern that is not a regular expression")
	}
	if !(p.Behavior == "Isolated" || p.Behavior == "Removed" && p.Invert) {
		return nil, unsupportedf("pre_tokenizer Split with behavior %q, invert %v", p.Behavior, p.Invert)
	}
	scan, err := scannerOf(*p.Pattern.Regex)
	if err != nil {
		return nil, err
	}
	return scanStep(scan), nil
}

// scanStep cuts a word into those that a scanner finds.
func scanStep(scan scanner) wordStep {
	return func(dst []word, w word) []word {
		for w.text != "" {
			n := scan(w.text)
			dst = append(dst, word{w.text[:n], w.first})
			w = word{w.text[n:], false}
		}
		return dst
	}
}

// digitsStep keeps runs of digits, or each digit, apart.
func digitsStep(individual bool) wordStep {
	return scanStep(func(s string) int {
		if n := run(s, func(r rune) bool { return !unicode.IsNumber(r) }); n > 0 {
			return n
		}
		if individual {
			_, n := utf8.DecodeRuneInString(s)
			return n
		}
		return run(s, unicode.IsNumber)
	})
}

// byteLevelStep writes words in byte-level characters, split by GPT-2's pattern if useRegex is set.
func byteLevelStep(prefixSpace, useRegex bool) wordStep {
	chars := newByteLevel()
	split := scanStep(scanGPT2)
	return func(dst []word, w word) []word {
		if prefixSpace && !strings.HasPrefix(w.text, " ") {
			w.text = " " + w.text
		}
		n := len(dst)
		if useRegex {
			dst = split(dst, w)
		} else {
			dst = append(dst, w)
		}
		for i := range dst[n:] {
			dst[n+i].text = chars.encode(dst[n+i].text)
		}
		return dst
	}
}

// metaspaceStep writes spaces as the replacement character, puts one in front, and may cut in front of each.
func metaspaceStep(p *jsonPart) (wordStep, error) {
	replacement, scheme, err := p.metaspace()
	if err != nil {
		return nil, err
	}
	split := or(p.Split, true)
	return func(dst []word, w word) []word {
		w.text = strings.ReplaceAll(w.text, " ", replacement)
		if (scheme == "always" || scheme == "first" && w.first) && !strings.HasPrefix(w.text, replacement) {
			w.text = replacement + w.text
		}
		if !split {
			return append(dst, w)
		}
		for w.text != "" {
			n := len(w.text)
			if i := strings.Index(w.text[1:], replacement); i >= 0 {
				n = 1 + i
			}
			dst = append(dst, word{w.text[:n], w.first})
			w = word{w.text[n:], false}
		}
		return dst
	}, nil
}

// metaspace returns the settings of a Metaspace, of which older files have only add_prefix_space.
func (p *jsonPart) metaspace() (replacement, scheme string, err error) {
	replacement = p.Replacement
	if replacement == "" {
		replacement = underline
	}
	if utf8.RuneCountInString(replacement) != 1 {
		return "", "", formatf("Metaspace with replacement %q", replacement)
	}
	scheme = "always"
	if !or(p.AddPrefixSpace, true) {
		scheme = "never"
	}
	if p.PrependScheme != nil {
		scheme = *p.PrependScheme
	}
	switch scheme {
	case "always", "first", "never":
		return replacement, scheme, nil
	}
	return "", "", formatf("Metaspace with prepend_scheme %q", scheme)
}

// parsePostProcessor returns the ids that are put in front of and behind a text.
func (t *fast) parsePostProcessor(raw json.RawMessage) (prefix, suffix []int, err error) {
	parts, err := flatten(raw, "post_processor", func(p *jsonPart) []json.RawMessage { return p.Processors })
	if err != nil {
		return nil, nil, err
	}
	for _, p := range parts {
		switch p.Type {
		case "ByteLevel": // moves offsets only
		case "TemplateProcessing":
			before, after, err := t.template(p)
			if err != nil {
				return nil, nil, err
			}
			prefix, suffix = append(before, prefix...), append(suffix, after...)
		default:
			return nil, nil, unsupportedf("post_processor %q", p.Type)
		}
	}
	return prefix, suffix, nil
}

// template returns what a TemplateProcessing puts in front of and behind a single text.
func (t *fast) template(p *jsonPart) (prefix, suffix []int, err error) {
	texts := 0
	for _, item := range p.Single {
		switch {
		case item.Sequence != nil && item.Sequence.ID == "A":
			texts++
		case item.Special != nil:
			special, ok := p.SpecialTokens[item.Special.ID]
			if !ok {
				return nil, nil, formatf("TemplateProcessing without ids for %q", item.Special.ID)
			}
			for _, id := range special.IDs {
				if _, ok := t.Piece(id); !ok {
					return nil, nil, formatf("TemplateProcessing: %q has id %d, which no token has", item.Special.ID, id)
				}
			}
			if texts == 0 {
				prefix = append(prefix, special.IDs...)
			} else {
				suffix = append(suffix, special.IDs...)
			}
		default:
			return nil, nil, formatf("TemplateProcessing: an item that is neither a special token nor the text")
		}
	}
	if texts != 1 {
		return nil, nil, formatf("TemplateProcessing has the text %d times", texts)
	}
	return prefix, suffix, nil
}

func parseDecoder(raw json.RawMessage) ([]stageSpec, error) {
	if isNull(raw) {
		return []stageSpec{func() stage { return new(spacedStage) }}, nil
	}
	parts, err := flatten(raw, "decoder", func(p *jsonPart) []json.RawMessage { return p.Decoders })
	if err != nil {
		return nil, err
	}
	var specs []stageSpec
	joined := false // what comes out so far are parts of one token
	for _, p := range parts {
		if joined && p.Type != "Strip" && p.Type != "Fuse" {
			return nil, unsupportedf("decoder %q behind one that joins tokens", p.Type)
		}
		switch p.Type {
		case "ByteLevel":
			chars := newByteLevel()
			specs = append(specs, func() stage { return &byteLevelStage{chars: chars} })
			joined = true
		case "ByteFallback":
			specs = append(specs, func() stage { return new(byteFallbackStage) })
		case "Fuse":
			joined = true
		case "Replace":
			if p.Pattern.String == nil || *p.Pattern.String == "" {
				return nil, unsupportedf("decoder Replace with a pattern that is not a string")
			}
			specs = append(specs, func() stage { return replaceStage{old: *p.Pattern.String, new: p.Content} })
		case "Strip":
			if !joined || p.Stop != 0 || p.Start < 0 || utf8.RuneCountInString(p.Content) != 1 {
				return nil, unsupportedf("decoder Strip of %q, start %d, stop %d, joined %v", p.Content, p.Start, p.Stop, joined)
			}
			specs = append(specs, func() stage { return &stripStage{content: p.Content, count: p.Start} })
		case "Metaspace":
			replacement, scheme, err := p.metaspace()
			if err != nil {
				return nil, err
			}
			specs = append(specs, func() stage {
				return &metaspaceStage{replacement: replacement, prepended: scheme != "never"}
			})
		default:
			return nil, unsupportedf("decoder %q", p.Type)
		}
	}
	return specs, nil
}
