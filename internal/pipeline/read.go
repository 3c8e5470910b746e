package pipeline

import (
	"context"
	"time"

	"llavabench/internal/model/llama"
)

// A reading is input that one sequence has yet to take.
type reading struct {
	session *llama.Session
	x       []float32      // [rows, hidden]
	took    *time.Duration // its share of the time is added
	skip    int            // rows at the beginning whose hidden states nobody needs
}

// A piece is rows of a reading: those from first on.
type piece struct{ index, first, rows int }

// read runs the decoder over all readings, up to the pipeline's chunk of positions at a time, whosever they are. seen gets the
// hidden states after the final norm [rows, hidden] of each pass, which are those of the pieces one after the other, to use during
// the call; its error ends the reading.
func (p *Pipeline) read(ctx context.Context, stage string, all []reading, seen func(pieces []piece, hidden []float32) error) error {
	hidden := p.llm.Config().Hidden
	var scratch llama.Scratch
	read := make([]int, len(all))
	total, done := 0, 0
	for _, r := range all {
		total += len(r.x) / hidden
	}
	for first := 0; first < len(all); {
		start := time.Now()
		var x []float32
		var segments []llama.Segment
		var pieces []piece
		rows, end := 0, first
		for ; end < len(all) && rows < p.chunk; end++ {
			r := all[end]
			n := min(len(r.x)/hidden-read[end], p.chunk-rows)
			x = append(x, r.x[read[end]*hidden:(read[end]+n)*hidden]...)
			segments = append(segments, llama.Segment{Session: r.session, Rows: n, Skip: min(n, max(0, r.skip-read[end]))})
			pieces = append(pieces, piece{end, read[end], n})
			rows += n
		}
		if err := p.llm.Forward(p.workers, &scratch, x, segments, p.until(ctx, 0)); err != nil {
			return err
		}
		if err := seen(pieces, x); err != nil {
			return err
		}
		took := time.Since(start)
		for _, c := range pieces {
			read[c.index] += c.rows
			*all[c.index].took += took * time.Duration(c.rows) / time.Duration(rows)
		}
		done += rows
		p.report(stage, done, total)
		first = end
		if last := end - 1; read[last] < len(all[last].x)/hidden {
			first = last // the chunk ended within it
		}
	}
	return nil
}
