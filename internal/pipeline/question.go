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
	c, err := p.conversation(q)
	if err != nil {
		return nil, err
	}
	return p.Conversation(c, false)
}

// conversation is the one of a question.
func (p *Pipeline) conversation(q Question) (c prompt.Conversation, err error) {
	name := q.Template
	if name == "" {
		name = prompt.Default(prompt.ModelName(p.ckpt.Dir), variants.Template(p.ckpt.Config))
	}
	t, err := prompt.ByName(name)
	if err != nil {
		return c, err
	}
	question, err := place(q, p.opts.StartEnd)
	if err != nil {
		return c, err
	}
	c = prompt.Ask(t, question)
	c.System = q.System
	return c, nil
}

// Conversation renders and tokenises a conversation. parseData parses special tokens that its texts spell out, as the
// reference does; without it they stay text.
func (p *Pipeline) Conversation(c prompt.Conversation, parseData bool) (*Prompt, error) {
	pieces, err := prompt.Render(c)
	if err != nil {
		return nil, err
	}
	ids, err := p.tokens(pieces, parseData)
	if err != nil {
		return nil, err
	}
	return &Prompt{
		IDs: ids, Text: prompt.String(pieces), Template: c.Template.Name,
		Stop: prompt.StopStrings(c.Template), EOS: c.Template.StopTokens,
	}, nil
}

func (p *Pipeline) tokens(pieces []prompt.Piece, parseData bool) ([]int, error) {
	if p.tok == nil {
		return nil, fmt.Errorf("%s has no tokenizer: give one with --tokenizer, or token ids with --input-ids", p.ckpt.Dir)
	}
	o := prompt.TokenOptions{ParseData: parseData}
	if p.opts.Flavour != variants.Original {
		o.Mode = prompt.LlavaHF
	}
	return prompt.Tokens(p.tok, pieces, o)
}

// Choices tokenises a question together with each of the answers that may follow, for GenerateOptions.Continuations. An answer
// stands where the model's own would, behind the white space of the template; with end the separator behind answers belongs to it.
//
// Prompt and answer are tokenised as one text, and the ids beyond those of the prompt are the answer's, as lm-evaluation-harness
// does it (TemplateLM._encode_pair). Where the tokenizer merges the end of the prompt with the beginning of an answer, the prompt
// that is returned ends before the first token that is not the same in all, and all answers begin there: their likelihoods are still
// those of the same text given the same tokens.
func (p *Pipeline) Choices(q Question, answers []string, end bool) (*Prompt, [][]int, error) {
	c, err := p.conversation(q)
	if err != nil {
		return nil, nil, err
	}
	asked, err := p.Conversation(c, false)
	if err != nil {
		return nil, nil, err
	}
	shared := len(asked.IDs)
	whole := make([][]int, len(answers))
	for i, answer := range answers {
		pieces, err := prompt.Begin(c, answer, end)
		if err != nil {
			return nil, nil, err
		}
		if whole[i], err = p.tokens(pieces, false); err != nil {
			return nil, nil, err
		}
		shared = min(shared, commonPrefix(asked.IDs, whole[i]))
	}
	if shared == 0 || placed(asked.IDs[:shared]) < q.Images {
		return nil, nil, fmt.Errorf("nothing of the prompt is left before the answers: its tokens are others with each of them")
	}
	for i := range whole {
		if whole[i] = whole[i][shared:]; len(whole[i]) == 0 {
			return nil, nil, fmt.Errorf("answer %q adds no token to the prompt", answers[i])
		}
	}
	asked.IDs = asked.IDs[:shared]
	return asked, whole, nil
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
