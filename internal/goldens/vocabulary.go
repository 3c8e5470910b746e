package goldens

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"

	"llavabench/internal/tokenizer"
)

// setTokenizer is where a set keeps the SentencePiece model of its texts, if it does.
const setTokenizer = "tokenizer/tokenizer.model"

// tokenizerName is what package tokenizer calls a SentencePiece model.
const tokenizerName = "tokenizer.model"

// errNoTokenizer reports that there is no model to check text with.
var errNoTokenizer = errors.New("no tokenizer.model: the set has none, none was given, and " + DefaultTokenizer + " does not exist")

// tokenizerFile finds the SentencePiece model.
func (s *set) tokenizerFile() (string, error) {
	if file := s.opt.Tokenizer; file != "" {
		if st, err := os.Stat(file); err == nil && st.IsDir() {
			file = filepath.Join(file, tokenizerName)
		}
		if filepath.Base(file) != tokenizerName {
			return "", fmt.Errorf("tokenizer %s: expected a file named %s", file, tokenizerName)
		}
		_, err := os.Stat(file)
		return file, err
	}
	if s.has(setTokenizer) {
		return s.file(setTokenizer), nil
	}
	if _, err := os.Stat(DefaultTokenizer); err == nil {
		return DefaultTokenizer, nil
	}
	return "", errNoTokenizer
}

// A vocabulary opens the tokenizers that the cases ask for, each once.
type vocabulary struct {
	path string
	open map[string]tokenizer.Tokenizer
}

// vocabulary finds the model; where there is none, n checks of p are counted as skipped and ok is false.
func (s *set) vocabulary(p *Part, n int) (v *vocabulary, ok bool) {
	path, err := s.tokenizerFile()
	switch {
	case errors.Is(err, errNoTokenizer):
		p.skip(err.Error(), n)
		return nil, false
	case err != nil:
		p.failf("tokenizer", "file", "%v", err)
		return nil, false
	}
	return &vocabulary{path: path, open: map[string]tokenizer.Tokenizer{}}, true
}

// extraTokens finds the pieces of a sentence such as "with <im_patch>=32000 <im_start>=32001 added" that name special
// tokens with their ids.
var extraTokens = regexp.MustCompile(`(<[^\s=]+>)=(\d+)`)

// tokenizer opens the model with the special tokens that a sentence names ("" for none), each of which must get the id
// that the sentence gives.
func (v *vocabulary) tokenizer(legacy bool, sentence string) (tokenizer.Tokenizer, error) {
	key := fmt.Sprint(legacy, sentence)
	if t := v.open[key]; t != nil {
		return t, nil
	}
	type token struct {
		text string
		id   int
	}
	var tokens []token
	for _, m := range extraTokens.FindAllStringSubmatch(sentence, -1) {
		id, err := strconv.Atoi(m[2])
		if err != nil {
			return nil, fmt.Errorf("tokenizer %q: %w", sentence, err)
		}
		tokens = append(tokens, token{m[1], id})
	}
	if sentence != "" && len(tokens) == 0 {
		return nil, fmt.Errorf("the tokenizer %q is not understood", sentence)
	}
	slices.SortFunc(tokens, func(a, b token) int { return a.id - b.id })
	o := tokenizer.Options{Format: tokenizer.SentencePiece, Legacy: &legacy}
	for _, t := range tokens {
		o.Added = append(o.Added, t.text)
	}
	t, err := tokenizer.Open(filepath.Dir(v.path), o)
	if err != nil {
		return nil, err
	}
	for _, want := range tokens {
		if id, ok := t.ID(want.text); !ok || id != want.id {
			return nil, fmt.Errorf("the added token %q has id %d, expected %d", want.text, id, want.id)
		}
	}
	v.open[key] = t
	return t, nil
}
