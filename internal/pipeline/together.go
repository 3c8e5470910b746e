package pipeline

import (
	"context"
	"errors"
	"slices"
	"time"

	"llavabench/internal/checkpoint"
	"llavabench/internal/imaging"
	"llavabench/internal/model/llama"
)

// Together says how several requests are answered. Nothing of it changes an answer.
type Together struct {
	Batch   int   // requests whose tokens are generated at the same time; 0 is 1
	NoShare bool  // work is not shared among requests about the same pictures
	KVBytes int64 // what their key-value caches may take; 0 is no limit. A batch shrinks to it, down to one request
}

// A Result is the answer to one of several requests, or why there is none.
type Result struct {
	Answer *Answer
	Err    error
}

// AnswerAll answers requests and hands each result to yield, in order. Every answer has the bits that Answer gives.
//
// Requests next to each other with the same Images share their preprocessing, vision features and the decoder's state after
// the tokens with which all their prompts begin. Up to o.Batch requests go through the decoder together, with the weights read
// once for all. What cannot be answered in company (a picture that cannot be planned, logits that are not finite) is answered
// once more by itself, and has the error of that.
//
// The error is yield's, ctx's, or of class checkpoint.ErrChanged; what was not yielded then has no result.
func (p *Pipeline) AnswerAll(ctx context.Context, reqs []Request, o Together, yield func(i int, r Result) error) error {
	for done := 0; done < len(reqs); {
		var results []Result
		err := p.guarded(func() (err error) {
			results, err = p.answerSome(ctx, reqs[done:], o)
			return err
		})
		if err != nil {
			p.kept = nil
			if ctx.Err() != nil || errors.Is(err, checkpoint.ErrChanged) {
				return err
			}
			// One of them fails; which one shows when each is by itself.
			results = nil
			for range min(max(1, o.Batch), len(reqs)-done) {
				a, err := p.Answer(ctx, reqs[done+len(results)])
				if ctx.Err() != nil || errors.Is(err, checkpoint.ErrChanged) {
					return err
				}
				results = append(results, Result{a, err})
			}
		}
		for _, r := range results {
			if err := yield(done, r); err != nil {
				return err
			}
			done++
		}
	}
	return nil
}

// A company is what requests about the same pictures have in common.
type company struct {
	images   []*imaging.RGB
	pictures []Picture
	err      error   // why the pictures cannot be seen
	cost     Timings // of what was done for all, not yet shared out
	begun            // after the first tokens of all prompts; nothing when there is one request only
}

// about reports whether the company is about a request's pictures.
func (c *company) about(r Request) bool { return c != nil && slices.Equal(c.images, r.Images) }

// A batch is a set of requests that go through the decoder together.
type batch struct {
	p       *Pipeline
	members []member
	bytes   int64 // of the key-value caches
	limit   int64 // for bytes; 0 is none
	// prepared is the time that reading the opening of the prompts took.
	prepared time.Duration
}

// A member is a request with what the decoder has not yet read of its prompt.
type member struct {
	answer *Answer
	seq    *sequence
	x      []float32 // [rows, hidden]
	err    error     // instead of seq and x
}

// answerSome answers as many of the requests as go together, at least one.
func (p *Pipeline) answerSome(ctx context.Context, reqs []Request, o Together) ([]Result, error) {
	if reqs[0].Observer != nil {
		a, err := p.answer(ctx, reqs[0])
		return []Result{{a, err}}, err
	}
	start := time.Now()
	b := &batch{p: p, limit: o.KVBytes}
	most := min(max(1, o.Batch), len(reqs))
	if !o.NoShare {
		took, err := p.prepare(ctx, reqs[:most], o)
		if err != nil {
			return nil, err
		}
		b.prepared = took
		if p.opening.session != nil {
			b.bytes = p.opening.session.Bytes()
		}
	}
	for len(b.members) < most {
		rest := reqs[len(b.members):]
		if rest[0].Observer != nil {
			break
		}
		alike := 1 // requests about the same pictures
		for !o.NoShare && len(rest[0].Images) > 0 && alike < len(rest) && rest[alike].Observer == nil && slices.Equal(rest[0].Images, rest[alike].Images) {
			alike++
		}
		now := min(alike, most-len(b.members))
		more := !o.NoShare && len(rest[0].Images) > 0 && (now < alike || rest[now-1].More)
		if full, err := b.add(ctx, rest[:now], more, o); err != nil {
			return nil, err
		} else if full {
			break
		}
	}
	if n := len(b.members); n < len(reqs) && !p.kept.about(reqs[n]) || n == len(reqs) && !reqs[n-1].More {
		p.kept = nil
	}
	return b.answer(ctx, start)
}

// answer reads the prompts and generates the answers.
func (b *batch) answer(ctx context.Context, start time.Time) ([]Result, error) {
	var able []member
	var open, scored []*sequence
	for _, m := range b.members {
		switch {
		case m.err != nil:
			continue
		case m.seq.scored():
			scored = append(scored, m.seq)
		default:
			open = append(open, m.seq)
		}
		able = append(able, m)
	}
	if err := b.p.readPrompts(ctx, able); err != nil {
		return nil, err
	}
	for _, m := range able {
		m.answer.Timings.Prefill += b.prepared / time.Duration(len(able))
	}
	since := func() time.Duration { return time.Since(start) }
	room := int64(0) // for the continuations' caches
	if b.limit > 0 {
		room = max(1, b.limit-b.bytes)
		for _, s := range scored {
			room += s.reserve
		}
	}
	if err := b.p.score(ctx, scored, room, since); err != nil {
		return nil, err
	}
	if err := b.p.decode(ctx, open, since); err != nil {
		return nil, err
	}
	took := time.Since(start)
	var results []Result
	for _, m := range b.members {
		if m.err != nil {
			results = append(results, Result{Err: m.err})
			continue
		}
		m.answer.Generation, m.answer.Together, m.answer.Timings.Total = *m.seq.finish(), len(able), took
		results = append(results, Result{Answer: m.answer})
	}
	return results, nil
}

// add makes members of requests about the same pictures, as many as there is room for. more says that there will be further
// ones. full says that there was no more room.
func (b *batch) add(ctx context.Context, reqs []Request, more bool, o Together) (full bool, err error) {
	p := b.p
	c := p.kept
	if o.NoShare || !c.about(reqs[0]) {
		c = &company{images: reqs[0].Images}
		c.pictures, c.err = p.Look(ctx, c.images, nil, &c.cost)
		var bad *PictureError
		if c.err != nil && !errors.As(c.err, &bad) {
			return false, c.err
		}
	}
	if len(reqs) > 1 || more {
		p.kept = c
		if c.session == nil && c.err == nil {
			if full, err := b.readCommon(ctx, c, reqs, more, o); err != nil || full {
				return full, err
			}
		}
	}
	from := c.begun
	if from.session == nil && !o.NoShare {
		from = p.opening
	}
	if c.session != nil {
		b.bytes += c.session.Bytes()
	}
	first := len(b.members)
	for _, r := range reqs {
		m, bytes := b.member(c, from, r)
		if o.KVBytes > 0 && len(b.members) > 0 && b.bytes+bytes > o.KVBytes {
			p.kept, full = c, true
			break
		}
		if err := m.open(p, from); err != nil {
			return false, err
		}
		b.members, b.bytes = append(b.members, m), b.bytes+bytes
	}
	c.shareOut(b.members[first:])
	return full, nil
}

// readCommon runs the decoder over the tokens with which the prompts of all requests begin, short of the last of each.
func (b *batch) readCommon(ctx context.Context, c *company, reqs []Request, more bool, o Together) (full bool, err error) {
	p := b.p
	ids := butLast(reqs[0].IDs)
	for _, r := range reqs[1:] {
		ids = ids[:commonPrefix(ids, butLast(r.IDs))]
	}
	if i := slices.Index(reversed(ids), ImageID); more && i >= 0 { // requests to come have at least the pictures in common
		ids = ids[:len(ids)-i]
	}
	if placed(ids) > len(c.pictures) || len(ids) == 0 {
		return false, nil // an error of the requests
	}
	x, err := p.embed(ids, 0, c.pictures)
	if err != nil {
		return false, nil // again
	}
	hidden := p.llm.Config().Hidden
	rows := len(x) / hidden
	if limit := p.Context(); limit > 0 && rows >= limit {
		return false, nil // again
	}
	if o.KVBytes > 0 && len(b.members) > 0 && b.bytes+p.kvBytes(rows, p.kvType) > o.KVBytes {
		return true, nil
	}
	session, err := p.llm.NewSession(rows, p.kvType)
	if err != nil {
		return false, err
	}
	start := time.Now()
	var scratch llama.Scratch
	for first := 0; first < rows; first += p.chunk {
		n := min(p.chunk, rows-first)
		segments := []llama.Segment{{Session: session, Rows: n, Skip: n}}
		if err := p.llm.Forward(p.workers, &scratch, x[first*hidden:(first+n)*hidden], segments, p.until(ctx, first)); err != nil {
			return false, err
		}
		p.report("prefill", first+n, rows)
	}
	c.cost.Prefill += time.Since(start)
	c.begun = begun{ids, session}
	return false, nil
}

// butLast leaves out the last token, whose logits every request needs for itself.
func butLast(ids []int) []int { return ids[:max(0, len(ids)-1)] }

func reversed(ids []int) []int {
	r := slices.Clone(ids)
	slices.Reverse(r)
	return r
}

func commonPrefix(a, b []int) int {
	n := 0
	for n < len(a) && n < len(b) && a[n] == b[n] {
		n++
	}
	return n
}

// member prepares a request that goes on from what was read, and says how much its key-value cache takes.
func (b *batch) member(c *company, from begun, r Request) (m member, bytes int64) {
	p := b.p
	m.answer = &Answer{Pictures: c.pictures}
	if m.err = placesFit(r); m.err != nil {
		return m, 0
	}
	if m.err = c.err; m.err != nil {
		return m, 0
	}
	cut := p.count(r.IDs, m.answer)
	tokens := 0 // of the prompt, that were read
	if from.session != nil && cut == 0 {
		tokens = commonPrefix(from.ids, butLast(r.IDs))
	}
	if m.x, m.err = p.embed(r.IDs, tokens, c.pictures); m.err != nil {
		return m, 0
	}
	m.x = m.x[:len(m.x)-cut*p.llm.Config().Hidden]
	if m.err = p.fits(m.answer); m.err != nil {
		return m, 0
	}
	if m.seq, m.err = p.newSequence(m.answer.PromptTokens, r.Generate, nil, &m.answer.Timings); m.err != nil {
		return m, 0
	}
	own := len(m.x) / p.llm.Config().Hidden
	if tokens > 0 {
		m.seq.copied += own
	}
	m.seq.reserve = p.continuationBytes(m.seq, m.seq.o.Continuations...)
	return m, p.kvBytes(own+m.seq.limit, p.kvType) + m.seq.reserve
}

// open makes the session of a member, after what was read of its prompt.
func (m *member) open(p *Pipeline, from begun) (err error) {
	if m.err != nil {
		return nil
	}
	positions := m.answer.PromptTokens
	if held := positions - len(m.x)/p.llm.Config().Hidden; held > 0 {
		m.seq.session, err = from.session.Fork(held, positions+m.seq.limit)
	} else {
		m.seq.session, err = p.llm.NewSession(positions+m.seq.limit, p.kvType)
	}
	return err
}

// shareOut gives each member an equal share of what was done once for all.
func (c *company) shareOut(members []member) {
	n := time.Duration(len(members))
	if n == 0 {
		return
	}
	t := c.cost
	part := Timings{Preprocess: t.Preprocess / n, Vision: t.Vision / n, Projector: t.Projector / n, Prefill: t.Prefill / n}
	c.cost = Timings{}
	for _, m := range members {
		m.answer.Timings = part
		if c.session != nil {
			m.answer.Shared = part
		}
	}
}

// readPrompts runs the decoder over the rest of all prompts.
func (p *Pipeline) readPrompts(ctx context.Context, members []member) error {
	if len(members) == 0 {
		return nil
	}
	cfg := p.llm.Config()
	ends := make([]float32, len(members)*cfg.Hidden) // hidden states of the last positions
	var rest []reading
	for _, m := range members {
		rest = append(rest, reading{m.seq.session, m.x, &m.answer.Timings.Prefill, len(m.x)/cfg.Hidden - 1})
	}
	err := p.read(ctx, "prefill", rest, func(pieces []piece, hidden []float32) error {
		for _, c := range pieces {
			hidden = hidden[(c.rows-1)*cfg.Hidden:]
			hidden = hidden[copy(ends[c.index*cfg.Hidden:(c.index+1)*cfg.Hidden], hidden):]
		}
		return nil
	})
	if err != nil {
		return err
	}
	logits := make([]float32, len(members)*cfg.Vocab)
	start := time.Now()
	p.llm.Logits(p.workers, logits, ends, len(members))
	share := time.Since(start) / time.Duration(len(members))
	for i, m := range members {
		m.answer.Timings.Prefill += share
		m.seq.begin(logits[i*cfg.Vocab : (i+1)*cfg.Vocab])
	}
	return nil
}
