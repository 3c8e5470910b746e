package pipeline

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"llavabench/internal/prompt"
	"llavabench/internal/tokenizer"
	"llavabench/variants"
)

// Placeholder marks a picture's place in a question, as in the reference's run_llava.py.
const Placeholder = "<image-placeholder>"

// The tokens around a picture of LLaVA-1 (mm_use_im_start_end), and the one that no current prompt uses but that takes an
// id before them (mm_use_im_patch_token).
const (
	patchToken = "<im_patch>"
	startToken = "<im_start>"
	endToken   = "<im_end>"
)

// A Question is a user's turn.
type Question struct {
	Text     string  // Placeholder marks the pictures' places; without one they come first, each on a line of its own
	Images   int     // number of pictures
	Template string  // conversation template; "" is the one that belongs to the checkpoint
	System   *string // replaces the template's system text
}

// A Prompt is a question as the decoder gets it.
type Prompt struct {
	IDs      []int    // with ImageID for each picture
	Text     string   // the exact string, with <image> for each picture
	Template string   // name of the template used
	Stop     []string // strings that end the answer
	EOS      []int    // ids that end the answer, beside the checkpoint's
}

// Prompt renders and tokenises a question with an open answer. Special tokens that the question spells out stay text.
func (p *Pipeline) Prompt(q Question) (*Prompt, error) {
	name := q.Template
	if name == "" {
		name = prompt.Default(prompt.ModelName(p.ckpt.Dir), variants.Template(p.ckpt.Config))
	}
	t, err := prompt.ByName(name)
	if err != nil {
		return nil, err
	}
	question, err := place(q, p.opts.StartEnd)
	if err != nil {
		return nil, err
	}
	conversation := prompt.Ask(t, question)
	conversation.System = q.System
	return p.Conversation(conversation, false)
}

// Conversation renders and tokenises a conversation. parseData parses special tokens that its texts spell out, as the
// reference does; without it they stay text.
func (p *Pipeline) Conversation(c prompt.Conversation, parseData bool) (*Prompt, error) {
	if p.tok == nil {
		return nil, fmt.Errorf("%s has no tokenizer: give one with --tokenizer, or token ids with --input-ids", p.ckpt.Dir)
	}
	pieces, err := prompt.Render(c)
	if err != nil {
		return nil, err
	}
	o := prompt.TokenOptions{ParseData: parseData}
	if p.opts.Flavour != variants.Original {
		o.Mode = prompt.LlavaHF
	}
	ids, err := prompt.Tokens(p.tok, pieces, o)
	if err != nil {
		return nil, err
	}
	return &Prompt{
		IDs: ids, Text: prompt.String(pieces), Template: c.Template.Name,
		Stop: prompt.StopStrings(c.Template), EOS: c.Template.StopTokens,
	}, nil
}

// place puts the pictures into a question.
func place(q Question, startEnd bool) ([]prompt.Piece, error) {
	if !strings.Contains(q.Text, Placeholder) {
		return prompt.ImageQuestion(q.Images, q.Text, startEnd), nil
	}
	pieces := prompt.Split(q.Text, Placeholder, startEnd)
	if n := prompt.Images(pieces); n != q.Images {
		return nil, fmt.Errorf("the question has %d times %s, but there are %d pictures", n, Placeholder, q.Images)
	}
	return pieces, nil
}

// openTokenizer finds the checkpoint's tokenizer, checks that it fits the vocabulary, and settles which ids end an answer.
// A checkpoint without one can still be run on token ids.
func (p *Pipeline) openTokenizer(o Options) error {
	dir := p.ckpt.Dir
	if o.Tokenizer != "" {
		dir = o.Tokenizer
		if info, err := os.Stat(dir); err == nil && !info.IsDir() {
			dir = filepath.Dir(dir)
		}
	}
	m := p.ckpt.Config.Multimodal
	var added []string
	if m.UsePatchToken && m.UseStartEnd {
		added = append(added, patchToken)
	}
	if m.UseStartEnd {
		added = append(added, startToken, endToken)
	}
	text := p.ckpt.Config.Text
	p.eos = slices.Clone(text.EOS)
	tok, err := tokenizer.Open(dir, tokenizer.Options{Added: added})
	switch {
	case errors.Is(err, os.ErrNotExist) && o.Tokenizer == "":
		p.notes = append(p.notes, fmt.Sprintf("%s has no tokenizer: answers are token ids only", p.ckpt.Dir))
		return nil
	case err != nil:
		return fmt.Errorf("tokenizer: %w", err)
	}
	if err := tok.CheckVocabulary(text.Vocab); err != nil {
		return fmt.Errorf("tokenizer %s does not fit the checkpoint: %w", tok.Info().File, err)
	}
	p.tok = tok
	p.notes = append(p.notes, tok.Info().Warnings...)
	// The tokenizer knows better than config.json: Vicuna 1.1 files give the ids of another vocabulary there.
	if bos, ok := tok.BOS(); ok {
		p.eos = slices.DeleteFunc(p.eos, func(id int) bool { return id == bos })
	}
	if eos, ok := tok.EOS(); ok && !slices.Contains(p.eos, eos) {
		p.eos = append(p.eos, eos)
	}
	return nil
}
