package pipeline

import (
	"context"
	"strings"
	"time"

	"llavabench/internal/model/llama"
	"llavabench/internal/model/sample"
)

// A FinishReason says why generation ended.
type FinishReason string

// The reasons.
const (
	FinishEOS    FinishReason = "eos"    // the model ended its answer
	FinishStop   FinishReason = "stop"   // a stop string appeared
	FinishLength FinishReason = "length" // MaxNewTokens were generated, or the context is full
	FinishScored FinishReason = "scored" // nothing was generated: continuations were scored
)

// GenerateOptions choose how an answer is decoded.
type GenerateOptions struct {
	// Continuations, if there are any, are scored, and nothing is generated: Generation.LogProbs says how likely each is behind the
	// prompt. The other options have no meaning then.
	Continuations [][]int
	MaxNewTokens  int
	Sample        sample.Options
	// Stop are strings that end the answer; they are not part of it.
	Stop []string
	// EOS are further token ids that end the answer, beside those of the checkpoint and its tokenizer.
	EOS []int
	// Stream receives the text as it becomes final, in pieces. It may be nil.
	Stream func(text string)
}

// A Generation is a decoded answer.
type Generation struct {
	IDs    []int  // the generated ids, the ending one included
	Text   string // without special tokens and without the stop string; not trimmed
	Finish FinishReason
	// Logits of the prompt's last position.
	Logits []float32
	// LogProbs are the log-likelihoods of Continuations, see score.
	LogProbs []float32
}

// Generate runs the decoder over a merged prompt x [rows, hidden] (overwritten) and then token by token. The result does
// not depend on Options.PrefillChunk or the number of threads. Times are added to t.
func (p *Pipeline) Generate(ctx context.Context, x []float32, o GenerateOptions, obs Observer, t *Timings) (*Generation, error) {
	rows := len(x) / p.llm.Config().Hidden
	s, err := p.newSequence(rows, o, obs, t)
	if err != nil {
		return nil, err
	}
	if s.session, err = p.llm.NewSession(rows+s.limit, p.kvType); err != nil {
		return nil, err
	}
	start := time.Now()
	last, err := p.prefill(ctx, s.session, x, rows, obs)
	if err != nil {
		return nil, err
	}
	t.Prefill += time.Since(start)
	s.begin(last)
	if s.scored() {
		return s.g, p.score(ctx, []*sequence{s}, 1, func() time.Duration { return t.beforeDecode() + t.Decode })
	}
	if err := p.decode(ctx, []*sequence{s}, func() time.Duration { return t.beforeDecode() + t.Decode }); err != nil {
		return nil, err
	}
	return s.finish(), nil
}

// prefill runs the prompt in chunks and returns the logits of its last position.
func (p *Pipeline) prefill(ctx context.Context, session *llama.Session, x []float32, rows int, obs Observer) ([]float32, error) {
	cfg := p.llm.Config()
	var all []float32
	if wants(obs, "logits") {
		all = make([]float32, rows*cfg.Vocab)
	}
	hidden := newHiddenRecorder(obs, "llm_hidden", cfg.Layers+1, rows, cfg.Hidden)
	last := make([]float32, cfg.Vocab)
	var scratch llama.Scratch
	for first := 0; first < rows; first += p.chunk {
		n := min(p.chunk, rows-first)
		part := x[first*cfg.Hidden : (first+n)*cfg.Hidden]
		tap := func(layer int, h []float32) error {
			if err := p.checkDecoder(layer, first, h); err != nil {
				return err
			}
			hidden.add(layer, first, h)
			p.report("prefill", first*(cfg.Layers+1)+n*(layer+1), rows*(cfg.Layers+1))
			return ctx.Err()
		}
		if err := p.llm.Forward(p.workers, &scratch, part, []llama.Segment{{Session: session, Rows: n}}, tap); err != nil {
			return nil, err
		}
		if all != nil {
			p.llm.Logits(p.workers, all[first*cfg.Vocab:(first+n)*cfg.Vocab], part, n)
		}
	}
	if all != nil {
		copy(last, all[(rows-1)*cfg.Vocab:])
		if err := obs.Tensor("logits", []int{rows, cfg.Vocab}, all); err != nil {
			return nil, err
		}
	} else {
		p.llm.Logits(p.workers, last, x[(rows-1)*cfg.Hidden:], 1)
	}
	return last, hidden.flush()
}

// vocabulary is the number of ids that may be generated: those below the rows that were only added to fill the embedding up.
// Such rows hold no trained values. They lie above the tokenizer's ids, and in the Hugging Face layout from the image
// placeholder on, which the conversion appends behind the real vocabulary with at most fillerRows rows.
func (p *Pipeline) vocabulary() int {
	n := p.llm.Config().Vocab
	if p.tok != nil {
		n = min(n, p.tok.Size())
	}
	if i := p.ckpt.Config.Multimodal.ImageTokenIndex; i > 0 && i < n && i >= n-fillerRows {
		n = i
	}
	return n
}

// fillerRows bounds what the conversion of llava-hf appends: placeholder, padding token, a few others, and rows up to a
// multiple of 64.
const fillerRows = 128

// until is the tap of a decoding step at a position.
func (p *Pipeline) until(ctx context.Context, position int) llama.Tap {
	return func(layer int, h []float32) error {
		if err := p.checkDecoder(layer, position, h); err != nil {
			return err
		}
		return ctx.Err()
	}
}

func (p *Pipeline) isEOS(id int, more []int) bool {
	for _, set := range [][]int{p.eos, more} {
		for _, e := range set {
			if id == e {
				return true
			}
		}
	}
	return false
}

// A textOut turns ids into text as they come, holds back what could still become a stop string, and streams the rest.
type textOut struct {
	push1  func(id int) string
	tail   func() string
	stops  []string
	stream func(string)
	text   strings.Builder // released
	held   string
}

func (p *Pipeline) newTextOut(stops []string, stream func(string)) *textOut {
	t := &textOut{stream: stream, push1: func(int) string { return "" }, tail: func() string { return "" }}
	for _, s := range stops {
		if s != "" {
			t.stops = append(t.stops, s)
		}
	}
	if p.tok != nil {
		s := p.tok.NewStream(true)
		t.push1, t.tail = s.Push, s.Flush
	}
	return t
}

// push adds a token and reports whether a stop string is complete.
func (t *textOut) push(id int) bool {
	t.held += t.push1(id)
	if cut, ok := t.stopAt(); ok {
		t.release(cut)
		t.held = ""
		t.push1 = func(int) string { return "" }
		t.tail = func() string { return "" }
		return true
	}
	t.release(len(t.held) - t.possible())
	return false
}

// stopAt is the earliest position of a stop string in what is held.
func (t *textOut) stopAt() (int, bool) {
	at := -1
	for _, s := range t.stops {
		if i := strings.Index(t.held, s); i >= 0 && (at < 0 || i < at) {
			at = i
		}
	}
	return at, at >= 0
}

// possible is the length of the longest end of the held text that begins a stop string.
func (t *textOut) possible() int {
	longest := 0
	for _, s := range t.stops {
		for n := min(len(s)-1, len(t.held)); n > longest; n-- {
			if strings.HasSuffix(t.held, s[:n]) {
				longest = n
			}
		}
	}
	return longest
}

func (t *textOut) release(n int) {
	if n <= 0 {
		return
	}
	t.text.WriteString(t.held[:n])
	if t.stream != nil {
		t.stream(t.held[:n])
	}
	t.held = t.held[n:]
}

func (t *textOut) finish() string {
	t.held += t.tail()
	t.release(len(t.held))
	return t.text.String()
}
