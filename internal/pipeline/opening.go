package pipeline

import (
	"context"
	"slices"
	"time"

	"llavabench/internal/model/llama"
)

// A begun is the decoder's state after the first tokens of prompts, which go on from it.
type begun struct {
	ids     []int
	session *llama.Session // nil where nothing was read
}

// minOpening is how many tokens requests about different pictures must begin with for them to be read once: a fork costs a little
// in every later position.
const minOpening = 16

// prepare reads what the prompts of requests about different pictures begin with, the text before the first picture, such as a
// template's instructions; it is kept for later ones. took is the time that this call needed. Nothing of it changes an answer.
func (p *Pipeline) prepare(ctx context.Context, reqs []Request, o Together) (took time.Duration, err error) {
	ids := openingOf(reqs[0])
	if n := len(p.opening.ids); n > 0 && commonPrefix(ids, p.opening.ids) == n {
		return 0, nil
	}
	alike := true
	for _, r := range reqs[1:] {
		ids = ids[:commonPrefix(ids, openingOf(r))]
		alike = alike && slices.Equal(r.Images, reqs[0].Images)
	}
	if len(reqs) < 2 || alike && len(reqs[0].Images) > 0 || len(ids) < minOpening {
		return 0, nil
	}
	if limit := p.Context(); limit > 0 && len(ids) >= limit || o.KVBytes > 0 && p.kvBytes(len(ids), p.kvType) > o.KVBytes/4 {
		return 0, nil
	}
	x, err := p.embed(ids, 0, nil)
	if err != nil {
		return 0, nil // an error of the requests
	}
	session, err := p.llm.NewSession(len(ids), p.kvType)
	if err != nil {
		return 0, err
	}
	err = p.read(ctx, "prefill", []reading{{session, x, &took, len(ids)}}, func([]piece, []float32) error { return nil })
	if err != nil {
		return 0, err
	}
	p.opening = begun{slices.Clone(ids), session}
	return took, nil
}

// openingOf is the text before a prompt's first picture, without the last token.
func openingOf(r Request) []int {
	ids := butLast(r.IDs)
	if i := slices.Index(ids, ImageID); i >= 0 {
		ids = ids[:i]
	}
	return ids
}
