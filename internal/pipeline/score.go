package pipeline

import (
	"context"
	"fmt"
	"time"
)

// logitRows is how many rows of logits are held at a time when continuations are scored.
const logitRows = 64

// checkContinuations says whether continuations can be scored behind a prompt of rows positions: each has at least one token, none
// that cannot be generated, and a place in the context for all but the last, which nothing follows.
func (p *Pipeline) checkContinuations(rows int, all [][]int) error {
	for i, ids := range all {
		if len(ids) == 0 {
			return fmt.Errorf("continuation %d has no tokens", i+1)
		}
		for _, id := range ids {
			if n := p.vocabulary(); id < 0 || id >= n {
				return fmt.Errorf("continuation %d: token id %d is outside the vocabulary of %d", i+1, id, n)
			}
		}
		if limit := p.Context(); limit > 0 && rows+len(ids)-1 > limit {
			return fmt.Errorf("continuation %d: a prompt of %d positions and %d tokens are longer than the context of %d", i+1, rows, len(ids), limit)
		}
	}
	return nil
}

// A strand is a continuation of more than one token.
type strand struct {
	seq   *sequence
	index int
	sum   *float64
}

func (s strand) ids() []int { return s.seq.o.Continuations[s.index] }

// score gives the log-likelihood of every continuation of sequences whose prompts have been read. That of ids t[0], t[1], … is
//
//	Σ ln p(t[i] | prompt, t[0] … t[i-1])      ln p(t) = logit[t] - ln Σ exp(logit)
//
// over the ids that can be generated, each term as kernels.LogSumExp defines it, added in float64 in the order of the ids and rounded
// to float32 once. A first token costs nothing but the logits that the prompt ended with. Further ones are read by forks of the
// sequence's state, together with those of all other continuations as far as their key-value caches fit into room bytes (0: all do),
// one at least. Nothing of that changes a bit. since gives the time that has passed.
func (p *Pipeline) score(ctx context.Context, seqs []*sequence, room int64, since func() time.Duration) error {
	sums := make([][]float64, len(seqs))
	var rest []strand
	for i, s := range seqs {
		start := time.Now()
		sums[i] = make([]float64, len(s.o.Continuations))
		first, err := p.logSum(s.session.Len()-1, s.logits)
		if err != nil {
			return err
		}
		for k, ids := range s.o.Continuations {
			sums[i][k] = float64(s.logits[ids[0]]) - first
			if len(ids) > 1 {
				rest = append(rest, strand{s, k, &sums[i][k]})
			}
		}
		s.t.Decode += time.Since(start)
	}
	for len(rest) > 0 {
		n, bytes := 0, int64(0)
		for n < len(rest) {
			bytes += p.continuationBytes(rest[n].seq, rest[n].ids())
			if n > 0 && room > 0 && bytes > room {
				break
			}
			n++
		}
		if err := p.follow(ctx, rest[:n]); err != nil {
			return err
		}
		rest = rest[n:]
	}
	for i, s := range seqs {
		s.g.Finish = FinishScored
		for _, sum := range sums[i] {
			s.g.LogProbs = append(s.g.LogProbs, float32(sum))
		}
		s.t.FirstToken = since()
	}
	return nil
}

// continuationBytes is what the key-value cache of the longest of continuations takes; nothing where all have one token.
func (p *Pipeline) continuationBytes(s *sequence, all ...[]int) int64 {
	longest := 1
	for _, ids := range all {
		longest = max(longest, len(ids))
	}
	if longest == 1 {
		return 0
	}
	return p.kvBytes(s.copied+longest-1, p.kvType)
}

// follow reads continuations behind their prompts, all together, and adds to their sums the terms of all tokens but the first.
func (p *Pipeline) follow(ctx context.Context, strands []strand) error {
	cfg := p.llm.Config()
	var all []reading
	for _, s := range strands {
		start := time.Now()
		ids := s.ids()
		ids = ids[:len(ids)-1]
		held := s.seq.session.Len()
		fork, err := s.seq.session.Fork(held, held+len(ids))
		if err != nil {
			return err
		}
		x := make([]float32, len(ids)*cfg.Hidden)
		if err := p.llm.Embed(x, ids); err != nil {
			return err
		}
		all = append(all, reading{fork, x, &s.seq.t.Decode, 0})
		s.seq.t.Decode += time.Since(start)
	}
	logits := make([]float32, logitRows*cfg.Vocab)
	return p.read(ctx, "score", all, func(pieces []piece, hidden []float32) error {
		var rows []row
		for _, c := range pieces {
			for r := range c.rows {
				rows = append(rows, row{strands[c.index], c.first + r})
			}
		}
		for len(rows) > 0 {
			n := min(logitRows, len(rows))
			p.llm.Logits(p.workers, logits[:n*cfg.Vocab], hidden[:n*cfg.Hidden], n)
			for i, r := range rows[:n] {
				if err := p.term(r, logits[i*cfg.Vocab:(i+1)*cfg.Vocab]); err != nil {
					return err
				}
			}
			rows, hidden = rows[n:], hidden[n*cfg.Hidden:]
		}
		return nil
	})
}

// A row is one that is read of a strand: that of its token at.
type row struct {
	strand
	at int
}

// term adds to a strand's sum the logarithm of the probability of the token behind a row.
func (p *Pipeline) term(r row, logits []float32) error {
	l, err := p.logSum(r.seq.session.Len()+r.at, logits)
	*r.sum += float64(logits[r.ids()[r.at+1]]) - l
	return err
}

// logSum gives ln Σ exp of the logits of a position, over the ids that can be generated. Logits that are not finite are an error.
func (p *Pipeline) logSum(position int, logits []float32) (float64, error) {
	used := p.vocabulary()
	var sum [1]float64
	if err := p.checkLogits(position, logits[:used]); err != nil {
		return 0, err
	}
	p.workers.LogSumExp(sum[:], logits[:used], 1, used)
	return sum[0], nil
}
