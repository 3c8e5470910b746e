package tokenizer

import (
	"bytes"
	"encoding/json"
	"fmt"
	"path/filepath"
	"strings"

	"golang.org/x/text/unicode/norm"
)

// openVocabMerges reads a byte-level BPE from vocab.json and merges.txt. What such a pair leaves open is settled by
// tokenizer_class: Qwen2Tokenizer (NFC, Qwen's split pattern) or GPT2Tokenizer (GPT-2's).
func openVocabMerges(dir string, o Options) (Tokenizer, error) {
	c, err := readConfig(dir)
	if err != nil {
		return nil, err
	}
	path := filepath.Join(dir, "vocab.json")
	vocab, err := readFile(path, maxModelFile)
	if err != nil {
		return nil, err
	}
	mergesPath := filepath.Join(dir, "merges.txt")
	merges, err := readFile(mergesPath, maxModelFile)
	if err != nil {
		return nil, err
	}
	t := &fast{model: &mergeBPE{unk: -1}, info: Info{Kind: "vocab.json bpe", File: path}}
	switch strings.TrimSuffix(c.class, "Fast") {
	case "Qwen2Tokenizer":
		t.norm = []textStep{normalForm(norm.NFC)}
		t.words = []wordStep{scanStep(func(s string) int { return scanCL100K(s, 1) }), byteLevelStep(false, false)}
	case "GPT2Tokenizer":
		t.words = []wordStep{byteLevelStep(false, true)}
	default:
		return nil, fmt.Errorf("%s: %w", path, unsupportedf("vocab.json with tokenizer_class %q", c.class))
	}
	chars := newByteLevel()
	t.stages = []stageSpec{func() stage { return &byteLevelStage{chars: chars} }}
	if t.model.vocab, err = parseVocab(json.RawMessage(vocab)); err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	if err := t.model.readMerges(merges); err != nil {
		return nil, fmt.Errorf("%s: %w", mergesPath, err)
	}
	specials := c.specialTexts()
	for i := range c.added {
		c.added[i].special = c.added[i].special || specials[c.added[i].text]
	}
	if err := t.finish(c.added, c, o); err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	t.frame(c, o)
	return t, nil
}

// readMerges reads merges.txt: a merge per line, the first line may be a version.
func (m *mergeBPE) readMerges(file []byte) error {
	m.merges = make(map[[2]int32]merge)
	rank := 0
	for n := 1; len(file) > 0; n++ {
		line, rest, _ := bytes.Cut(file, []byte("\n"))
		file = rest
		text := strings.TrimRight(string(line), "\r ")
		if text == "" || n == 1 && strings.HasPrefix(text, "#version:") {
			continue
		}
		left, right, err := splitMerge(text)
		if err != nil {
			return fmt.Errorf("line %d: %w", n, err)
		}
		if err := m.addMerge(rank, left, right); err != nil {
			return fmt.Errorf("line %d: %w", n, err)
		}
		rank++
	}
	return nil
}
