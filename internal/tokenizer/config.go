package tokenizer

import (
	"bytes"
	"encoding/json"
	"fmt"
	"path/filepath"
	"slices"
	"sort"
	"strconv"
)

// tokenSpec is a token as configuration files write it: a string, or an object with its matching rules.
type tokenSpec struct {
	Content    string `json:"content"`
	SingleWord bool   `json:"single_word"`
	LStrip     bool   `json:"lstrip"`
	RStrip     bool   `json:"rstrip"`
	Normalized *bool  `json:"normalized"` // absent: the opposite of special
	Special    bool   `json:"special"`
}

// UnmarshalJSON accepts both forms.
func (t *tokenSpec) UnmarshalJSON(b []byte) error {
	if len(b) > 0 && b[0] == '"' {
		*t = tokenSpec{}
		return json.Unmarshal(b, &t.Content)
	}
	return json.Unmarshal(b, (*tokenObject)(t))
}

// tokenObject is a tokenSpec that is always an object.
type tokenObject tokenSpec

// specialKeys are the roles of special tokens in configuration files, in the order in which Hugging Face's tokenizers
// add those that the vocabulary lacks.
var specialKeys = [...]string{"bos_token", "eos_token", "unk_token", "sep_token", "pad_token", "cls_token", "mask_token"}

// config is what a directory's tokenizer_config.json, special_tokens_map.json and added_tokens.json say together.
type config struct {
	class      string
	legacy     *bool
	addBOS     *bool
	addEOS     *bool
	cleanUp    *bool
	special    map[string]*tokenSpec // role -> token; nil for an explicit null
	additional []tokenSpec
	added      []addedToken // by ascending id
	hasDecoder bool         // added comes from added_tokens_decoder, which overrides the other files
}

// readConfig reads the configuration files of a directory, all of which may be absent, in the way of
// PreTrainedTokenizerBase._from_pretrained (transformers 4.37): a tokenizer_config.json with added_tokens_decoder
// stands alone; otherwise special_tokens_map.json and added_tokens.json are laid over it.
func readConfig(dir string) (*config, error) {
	c := &config{special: make(map[string]*tokenSpec)}
	var file struct {
		Class   string               `json:"tokenizer_class"`
		Legacy  *bool                `json:"legacy"`
		AddBOS  *bool                `json:"add_bos_token"`
		AddEOS  *bool                `json:"add_eos_token"`
		CleanUp *bool                `json:"clean_up_tokenization_spaces"`
		Decoder map[string]tokenSpec `json:"added_tokens_decoder"`
	}
	path := filepath.Join(dir, "tokenizer_config.json")
	raw, err := readJSON(path, &file)
	if err != nil {
		return nil, err
	}
	c.class, c.legacy, c.addBOS, c.addEOS, c.cleanUp = file.Class, file.Legacy, file.AddBOS, file.AddEOS, file.CleanUp
	if err := c.readSpecial(path, raw); err != nil {
		return nil, err
	}
	if file.Decoder != nil {
		c.hasDecoder = true
		for key, spec := range file.Decoder {
			id, err := strconv.Atoi(key)
			if err != nil {
				return nil, formatf("%s: added_tokens_decoder key %q", path, key)
			}
			c.added = append(c.added, spec.as(id))
		}
		return c, c.checkAdded(path)
	}

	path = filepath.Join(dir, "special_tokens_map.json")
	if raw, err = readJSON(path, nil); err != nil {
		return nil, err
	}
	if err := c.readSpecial(path, raw); err != nil {
		return nil, err
	}
	path = filepath.Join(dir, "added_tokens.json")
	var ids map[string]int
	if _, err := readJSON(path, &ids); err != nil {
		return nil, err
	}
	names := c.specialTexts()
	for text, id := range ids {
		c.added = append(c.added, tokenSpec{Content: text, Special: names[text]}.as(id))
	}
	return c, c.checkAdded(path)
}

// addFromJSON takes over the added tokens that a tokenizer.json lists.
func (c *config) addFromJSON(path string) error {
	raw, err := readOptional(path, maxModelFile)
	if err != nil || raw == nil {
		return err
	}
	var file struct {
		Added []struct {
			ID int `json:"id"`
			tokenObject
		} `json:"added_tokens"`
	}
	if err := json.Unmarshal(raw, &file); err != nil {
		return formatf("%s: %v", path, err)
	}
	ids := make(map[int]bool)
	for _, a := range file.Added {
		ids[a.ID] = true
	}
	c.added = slices.DeleteFunc(c.added, func(a addedToken) bool { return ids[a.id] })
	for _, a := range file.Added {
		c.added = append(c.added, tokenSpec(a.tokenObject).as(a.ID))
	}
	return c.checkAdded(path)
}

// readSpecial takes over the special tokens of a JSON object.
func (c *config) readSpecial(path string, raw []byte) error {
	if raw == nil {
		return nil
	}
	var keys map[string]json.RawMessage
	if err := json.Unmarshal(raw, &keys); err != nil {
		return formatf("%s: %v", path, err)
	}
	for _, key := range specialKeys {
		value, ok := keys[key]
		if !ok {
			continue
		}
		c.special[key] = nil
		if !isNull(value) {
			spec := new(tokenSpec)
			if err := json.Unmarshal(value, spec); err != nil {
				return formatf("%s: %s: %v", path, key, err)
			}
			c.special[key] = spec
		}
	}
	if value, ok := keys["additional_special_tokens"]; ok && !isNull(value) {
		if err := json.Unmarshal(value, &c.additional); err != nil {
			return formatf("%s: additional_special_tokens: %v", path, err)
		}
	}
	return nil
}

// specialTexts returns the texts of all special tokens.
func (c *config) specialTexts() map[string]bool {
	texts := make(map[string]bool)
	for _, spec := range c.specials() {
		texts[spec.Content] = true
	}
	return texts
}

// specials returns the special tokens in the order of specialKeys, then the additional ones.
func (c *config) specials() []tokenSpec {
	var specs []tokenSpec
	for _, key := range specialKeys {
		if spec := c.special[key]; spec != nil {
			specs = append(specs, *spec)
		}
	}
	return append(specs, c.additional...)
}

// text returns the text of the special token of a role, "" if there is none.
func (c *config) text(role string) string {
	if spec := c.special[role]; spec != nil {
		return spec.Content
	}
	return ""
}

// setDefault gives a role a token unless a file spoke of it.
func (c *config) setDefault(role, text string) {
	if _, ok := c.special[role]; !ok {
		c.special[role] = &tokenSpec{Content: text}
	}
}

// checkAdded sorts the added tokens by id and refuses empty and repeated ones.
func (c *config) checkAdded(path string) error {
	sort.Slice(c.added, func(i, j int) bool {
		if c.added[i].id != c.added[j].id {
			return c.added[i].id < c.added[j].id
		}
		return c.added[i].text < c.added[j].text
	})
	if err := checkAdded(c.added); err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	return nil
}

// as returns the added token that a spec describes.
func (t tokenSpec) as(id int) addedToken {
	normalized := !t.Special
	if t.Normalized != nil {
		normalized = *t.Normalized
	}
	return addedToken{
		id: id, text: t.Content, special: t.Special,
		lstrip: t.LStrip, rstrip: t.RStrip, singleWord: t.SingleWord, normalized: normalized,
	}
}

// readJSON reads a JSON file into v (skipped if nil) and returns its bytes, nil if there is no such file.
func readJSON(path string, v any) ([]byte, error) {
	raw, err := readOptional(path, maxConfigFile)
	if err != nil || raw == nil {
		return nil, err
	}
	if v != nil {
		if err := json.Unmarshal(raw, v); err != nil {
			return nil, formatf("%s: %v", path, err)
		}
	}
	return raw, nil
}

func isNull(raw json.RawMessage) bool {
	return len(raw) == 0 || bytes.Equal(bytes.TrimSpace(raw), []byte("null"))
}

// or returns *p, or def if p is nil.
func or(p *bool, def bool) bool {
	if p == nil {
		return def
	}
	return *p
}
