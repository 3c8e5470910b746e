package tokenizer

import (
	"encoding/json"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
)

// jsonFile is a tokenizer.json.
type jsonFile struct {
	Added []struct {
		ID int `json:"id"`
		tokenObject
	} `json:"added_tokens"`
	Normalizer    json.RawMessage `json:"normalizer"`
	PreTokenizer  json.RawMessage `json:"pre_tokenizer"`
	PostProcessor json.RawMessage `json:"post_processor"`
	Decoder       json.RawMessage `json:"decoder"`
	Model         struct {
		Type         *string           `json:"type"`
		Vocab        json.RawMessage   `json:"vocab"`
		Merges       []json.RawMessage `json:"merges"`
		Unk          *string           `json:"unk_token"`
		Prefix       *string           `json:"continuing_subword_prefix"`
		Suffix       *string           `json:"end_of_word_suffix"`
		Dropout      *float64          `json:"dropout"`
		FuseUnk      bool              `json:"fuse_unk"`
		ByteFallback bool              `json:"byte_fallback"`
		IgnoreMerges bool              `json:"ignore_merges"`
	} `json:"model"`
}

// openJSON reads tokenizer.json and the configuration files beside it.
func openJSON(dir string, o Options) (Tokenizer, error) {
	path := filepath.Join(dir, "tokenizer.json")
	raw, err := readFile(path, maxModelFile)
	if err != nil {
		return nil, err
	}
	c, err := readConfig(dir)
	if err != nil {
		return nil, err
	}
	t, err := newFast(raw, c, o)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	t.info.File = path
	return t, nil
}

// newFast builds a tokenizer from a tokenizer.json and its configuration.
func newFast(raw []byte, c *config, o Options) (*fast, error) {
	var file jsonFile
	if err := json.Unmarshal(raw, &file); err != nil {
		return nil, formatf("%v", err)
	}
	t := &fast{info: Info{Kind: "tokenizer.json bpe"}}
	var err error
	if t.model, err = file.bpe(); err != nil {
		return nil, err
	}
	if t.norm, err = parseNormalizer(file.Normalizer); err != nil {
		return nil, err
	}
	if t.words, err = parsePreTokenizer(file.PreTokenizer); err != nil {
		return nil, err
	}
	if t.stages, err = parseDecoder(file.Decoder); err != nil {
		return nil, err
	}
	var tokens []addedToken
	for _, a := range file.Added {
		tokens = append(tokens, tokenSpec(a.tokenObject).as(a.ID))
	}
	if err := t.finish(tokens, c, o); err != nil {
		return nil, err
	}
	if t.prefix, t.suffix, err = t.parsePostProcessor(file.PostProcessor); err != nil {
		return nil, err
	}
	t.frame(c, o)
	return t, nil
}

// bpe builds the model.
func (f *jsonFile) bpe() (*mergeBPE, error) {
	m := &f.Model
	if m.Type != nil && *m.Type != "BPE" || m.Type == nil && m.Merges == nil {
		kind := "without a type"
		if m.Type != nil {
			kind = fmt.Sprintf("%q", *m.Type)
		}
		return nil, unsupportedf("model %s", kind)
	}
	for _, affix := range []*string{m.Prefix, m.Suffix} {
		if affix != nil && *affix != "" {
			return nil, unsupportedf("BPE with word affixes (%q)", *affix)
		}
	}
	if m.Dropout != nil && *m.Dropout != 0 {
		return nil, unsupportedf("BPE with dropout %v", *m.Dropout)
	}
	b := &mergeBPE{unk: -1, fuseUnk: m.FuseUnk, byteFallback: m.ByteFallback, ignoreMerges: m.IgnoreMerges}
	var err error
	if b.vocab, err = parseVocab(m.Vocab); err != nil {
		return nil, err
	}
	if m.Unk != nil {
		id, ok := b.vocab[*m.Unk]
		if !ok {
			return nil, formatf("unk_token %q is not in the vocabulary", *m.Unk)
		}
		b.unk = id
	}
	b.merges = make(map[[2]int32]merge, len(m.Merges))
	for rank, raw := range m.Merges {
		left, right, err := parseMerge(raw)
		if err != nil {
			return nil, err
		}
		if err := b.addMerge(rank, left, right); err != nil {
			return nil, err
		}
	}
	return b, nil
}

// parseVocab reads an object of tokens and ids.
func parseVocab(raw json.RawMessage) (map[string]int32, error) {
	var ids map[string]int64
	if err := json.Unmarshal(raw, &ids); err != nil {
		return nil, formatf("vocab: %v", err)
	}
	vocab := make(map[string]int32, len(ids))
	for token, id := range ids {
		if id < 0 || id > maxID {
			return nil, formatf("token %q has id %d", token, id)
		}
		vocab[token] = int32(id)
	}
	return vocab, nil
}

// parseMerge reads a merge in either form, "a b" or ["a", "b"].
func parseMerge(raw json.RawMessage) (left, right string, err error) {
	if len(raw) > 0 && raw[0] == '"' {
		var s string
		if err := json.Unmarshal(raw, &s); err != nil {
			return "", "", formatf("merge: %v", err)
		}
		return splitMerge(s)
	}
	var pair []string
	if err := json.Unmarshal(raw, &pair); err != nil || len(pair) != 2 {
		return "", "", formatf("merge %.60q: want a string or a pair of strings", raw)
	}
	return pair[0], pair[1], nil
}

// finish adds the tokens of the configuration to those of the file and builds the indexes (PreTrainedTokenizerFast,
// transformers 4.37; AddedVocabulary::add_tokens).
func (t *fast) finish(tokens []addedToken, c *config, o Options) error {
	known := make(map[string]bool)
	high := len(t.model.vocab) - 1
	for _, a := range tokens {
		known[a.text] = true
		high = max(high, a.id)
	}
	specials := c.specialTexts()
	var more []addedToken
	for _, a := range c.added {
		a.special = a.special || specials[a.text]
		more = append(more, a)
	}
	for _, spec := range c.specials() {
		spec.Special = true
		more = append(more, spec.as(-1))
	}
	for _, text := range o.Added {
		more = append(more, tokenSpec{Content: text, Special: true}.as(-1))
	}
	for _, a := range more {
		if known[a.text] {
			continue
		}
		known[a.text] = true
		given := a.id
		if id, ok := t.model.vocab[a.text]; ok {
			a.id = int(id)
		} else {
			high++
			a.id = high
		}
		if given >= 0 && given != a.id {
			t.info.Warnings = append(t.info.Warnings,
				fmt.Sprintf("added token %q: the configuration says id %d, the vocabulary makes it %d", a.text, given, a.id))
		}
		tokens = append(tokens, a)
	}
	return t.index(tokens)
}

// index checks the ids and builds the lookup tables.
func (t *fast) index(tokens []addedToken) error {
	if err := checkAdded(tokens); err != nil {
		return err
	}
	t.added = newAddedSet(tokens)
	for _, id := range t.model.vocab {
		t.size = max(t.size, int(id)+1)
	}
	for _, a := range tokens {
		t.size = max(t.size, a.id+1)
	}
	if t.size > len(t.model.vocab)+len(tokens) {
		return formatf("ids up to %d, but only %d tokens", t.size-1, len(t.model.vocab)+len(tokens))
	}
	t.pieces = make([]string, t.size)
	for text, id := range t.model.vocab {
		if t.pieces[id] != "" {
			return formatf("tokens %q and %q both have id %d", t.pieces[id], text, id)
		}
		t.pieces[id] = text
	}
	for id, text := range t.pieces {
		if _, ok := t.added.byID[id]; !ok && text == "" {
			return formatf("no token has id %d, the highest is %d", id, t.size-1)
		}
	}
	t.blocked = make(map[int]bool)
	var raw, cooked []addedToken
	for _, a := range tokens {
		if id, ok := t.model.vocab[a.text]; ok {
			if int(id) != a.id {
				return formatf("added token %q has id %d, the vocabulary says %d", a.text, a.id, id)
			}
			t.blocked[a.id] = a.structural()
		}
		if !a.normalized {
			raw = append(raw, a)
		} else if a.text = t.normalize(a.text); a.text != "" {
			cooked = append(cooked, a)
		}
	}
	t.raw, t.cooked = newAddedSet(raw), newAddedSet(cooked)
	return nil
}

// frame settles BOS and EOS. The LLaMA classes put them around a text by their own flags, whatever the post-processor of
// the file says (LlamaTokenizerFast.update_post_processor).
func (t *fast) frame(c *config, o Options) {
	t.bos, t.eos = -1, -1
	llama := strings.HasPrefix(c.class, "Llama") || strings.HasPrefix(c.class, "CodeLlama")
	if llama {
		c.setDefault("bos_token", "<s>")
		c.setDefault("eos_token", "</s>")
	}
	if id, ok := t.ID(c.text("bos_token")); ok {
		t.bos = id
	} else if len(t.prefix) == 1 && !slices.Contains(t.suffix, t.prefix[0]) {
		t.bos = t.prefix[0]
	}
	if id, ok := t.ID(c.text("eos_token")); ok {
		t.eos = id
	}
	addBOS, addEOS := o.AddBOS, o.AddEOS
	if llama {
		if addBOS == nil {
			b := or(c.addBOS, true)
			addBOS = &b
		}
		if addEOS == nil {
			b := or(c.addEOS, false)
			addEOS = &b
		}
	}
	t.prefix = around(t.prefix, addBOS, t.bos)
	t.suffix = around(t.suffix, addEOS, t.eos)
	t.info.AddBOS = len(t.prefix) > 0 && t.prefix[0] == t.bos
	t.info.AddEOS = len(t.suffix) > 0 && t.suffix[0] == t.eos
	t.cleanUp = or(c.cleanUp, c.class != "" && !llama && !strings.HasPrefix(c.class, "Qwen2"))
}

// around returns ids unless add says whether the one given id stands there.
func around(ids []int, add *bool, id int) []int {
	switch {
	case add == nil:
		return ids
	case *add && id >= 0:
		return []int{id}
	}
	return nil
}
