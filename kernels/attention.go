package kernels

import (
	"fmt"

	"llavabench/internal/tensor"
)

// Attention says how queries see keys.
type Attention struct {
	// Scale multiplies every product of a query and a key, usually 1/sqrt(dim).
	Scale float32
	// Causal gives the rows of queries the positions Len-rows .. Len-1: position i sees the keys j <= i. Otherwise every
	// row sees every key.
	Causal bool
	// Window, if not 0, limits a causal row to the keys j > i - Window.
	Window int
}

// Attend computes the attention of rows queries, q being [rows, heads·dim], over the keys and values in kv, into dst of the
// same shape. heads is a multiple of kv's heads; query head h uses head h / (heads / kv.Heads()) of kv. For each row and
// head, with j running over the keys that the row sees, in ascending order, and every operation in float32:
//
//	s[j] = (fma chain over d from +0 of q[d]·k[j][d]) · Scale
//	m    = max s[j]
//	p[j] = expf(s[j] - m)
//	l    = 16 partial sums, partial i adding the p[j] with j mod 16 = i, ascending, from +0, folded by halves
//	o[d] = (fma chain over j from +0 of p[j]·v[j][d]) / l
//
// A key that the row does not see takes no part at all, whatever it holds, and no block size enters: a prompt has the same
// bits as a whole, in chunks and token by token. A NaN or +Inf among the scores, or no key at all, makes the row's head
// NaN. dst and q must not overlap.
func (w *Workers) Attend(dst, q []float32, rows, heads int, kv *KV, a Attention) {
	checkLen("Attend: dst", len(dst), rows*heads*kv.dim)
	checkLen("Attend: q", len(q), rows*heads*kv.dim)
	if heads%kv.heads != 0 {
		panic(fmt.Sprintf("kernels: %d query heads over %d key-value heads", heads, kv.heads))
	}
	if a.Causal && rows > kv.length {
		panic(fmt.Sprintf("kernels: %d causal rows over %d keys", rows, kv.length))
	}
	set := &vector().attention
	c := attendCall{set: set, dst: dst, q: q, rows: rows, heads: heads, group: heads / kv.heads, kv: kv, a: a}
	tile := set.tileRows[len(set.tileRows)-1]
	pairs := rows * c.group
	tiles := (pairs + tile - 1) / tile
	var scratch []attendScratch
	if w == nil {
		scratch = make([]attendScratch, 1)
	} else {
		scratch = w.attend
	}
	w.Do(kv.heads*tiles, func(worker, task int) {
		// The last tiles first: in a causal prompt they are the longest, and short ones at the end even out the workers.
		t := tiles - 1 - task%tiles
		c.tile(&scratch[worker], task/tiles, t*tile, min((t+1)*tile, pairs))
	})
}

// An attentionSet is one implementation of the steps of attention. A tile of query rows has one of tileRows rows, padded
// with zeros; its scores are [block][row][16], a block being 16 keys.
type attentionSet struct {
	// tileRows are the row counts that scores and weightedSum accept, ascending; weightedSum accepts 1 as well.
	tileRows []int
	// scores computes s = [blocks][rows][16] from q = [rows][dim] and blocks panels of keys. It may read and write as many
	// blocks as fill a multiple of four.
	scores func(d tensor.DType, s, q []float32, keys []byte, rows, blocks, dim int, scale float32)
	// expBlocks is described at expBlocksGo.
	expBlocks func(s []float32, step, blocks int) float32
	// weightedSum continues the chains acc = [rows][width] over n keys: values starts with the row of the first key, p with
	// the block that contains it, in which it is at lane. Blocks are step floats apart, rows 16.
	weightedSum func(d tensor.DType, acc, p []float32, values []byte, rows, n, lane, step, width int)
	// divide sets dst to x / by.
	divide func(dst, x []float32, by float32)
}

// An attendCall is the arguments of Attend.
type attendCall struct {
	set         *attentionSet
	dst, q      []float32
	rows, heads int
	group       int // query heads per head of kv
	kv          *KV
	a           Attention
}

// An attendScratch is what a worker needs for a tile; it grows to the largest one.
type attendScratch struct {
	q, s, acc []float32
	sum       []float32
}

// A span is a range of keys.
type span struct{ lo, hi int }

// sees returns the keys that a query row sees.
func (c *attendCall) sees(row int) span {
	n := c.kv.length
	if !c.a.Causal {
		return span{0, n}
	}
	end := n - c.rows + row + 1
	if c.a.Window > 0 {
		return span{max(0, end-c.a.Window), end}
	}
	return span{0, end}
}

// at is the offset in q and dst of one pair of a query row and a query head of group g; pairs are numbered row by row, so
// that the heads of one row, which see the same keys, share tiles.
func (c *attendCall) at(g, pair int) int {
	return (pair/c.group*c.heads + g*c.group + pair%c.group) * c.kv.dim
}

// tile computes the pairs first .. last-1 of the heads that use head g of kv.
func (c *attendCall) tile(t *attendScratch, g, first, last int) {
	kv, dim, n := c.kv, c.kv.dim, last-first
	rows := c.padded(n)
	size := kv.dtype.Size()
	all := span{c.sees(first / c.group).lo, c.sees((last - 1) / c.group).hi}

	q := grow(&t.q, rows*dim)
	for i := range n {
		copy(q[i*dim:(i+1)*dim], c.q[c.at(g, first+i):])
	}
	clear(q[n*dim:])
	base := all.lo / keyAlign * keyAlign // the key of lane 0 of block 0
	blocks := (all.hi - base + keyPanel - 1) / keyPanel
	step := rows * keyPanel
	s := grow(&t.s, roundUp(blocks, 4)*step)
	c.scores(s, q, g, base, rows, blocks)

	sum := grow(&t.sum, n)
	common := all
	for i := range n {
		see := c.sees((first + i) / c.group)
		common = span{max(common.lo, see.lo), min(common.hi, see.hi)}
		sum[i] = c.softmax(s[i*keyPanel:], step, span{see.lo - base, see.hi - base})
	}

	acc := grow(&t.acc, rows*kv.width)
	clear(acc)
	add := func(acc []float32, row, rows int, keys span) {
		// What a fork shares comes first; the chains go on over its own keys.
		for _, from := range []struct {
			kv    *KV
			first int
			keys  span
		}{{kv.base, 0, span{keys.lo, min(keys.hi, kv.shared)}}, {kv, kv.shared, span{max(keys.lo, kv.shared), keys.hi}}} {
			if n := from.keys.hi - from.keys.lo; n > 0 {
				p := s[(from.keys.lo-base)/keyPanel*step+row*keyPanel:]
				values := from.kv.headValues(g)[(from.keys.lo-from.first)*kv.width*size:]
				c.set.weightedSum(kv.dtype, acc, p, values, rows, n, from.keys.lo%keyPanel, step, kv.width)
			}
		}
	}
	// The keys that all rows see are summed for all rows at once; what a row sees before and after them, for it alone.
	if common.lo >= common.hi {
		common = span{all.hi, all.hi}
	}
	for i := range n {
		see := c.sees((first + i) / c.group)
		add(acc[i*kv.width:(i+1)*kv.width], i, 1, span{see.lo, min(see.hi, common.lo)})
	}
	add(acc, 0, rows, common)
	for i := range n {
		see := c.sees((first + i) / c.group)
		row := acc[i*kv.width : (i+1)*kv.width]
		add(row, i, 1, span{max(see.lo, common.hi), see.hi})
		c.set.divide(c.dst[c.at(g, first+i):][:dim], row[:dim], sum[i])
	}
}

// scores computes the scores of rows queries with blocks panels of keys from key base on, a multiple of keyAlign.
func (c *attendCall) scores(s, q []float32, g, base, rows, blocks int) {
	kv := c.kv
	panel := kv.dim * keyPanel * kv.dtype.Size()
	if n := min(blocks, (kv.shared-base)/keyPanel); n > 0 {
		c.set.scores(kv.dtype, s, q, kv.base.headKeys(g)[base/keyPanel*panel:], rows, n, kv.dim, c.a.Scale)
		s, base, blocks = s[n*rows*keyPanel:], kv.shared, blocks-n
	}
	if blocks > 0 {
		c.set.scores(kv.dtype, s, q, kv.headKeys(g)[(base-kv.shared)/keyPanel*panel:], rows, blocks, kv.dim, c.a.Scale)
	}
}

// softmax turns one row's scores of the keys in see, counted from the first block, into weights and returns their sum. Keys
// of its blocks that it does not see get the score -Inf.
func (c *attendCall) softmax(s []float32, step int, see span) float32 {
	b0, b1 := see.lo/keyPanel, (see.hi+keyPanel-1)/keyPanel
	for j := b0 * keyPanel; j < see.lo; j++ {
		s[b0*step+j%keyPanel] = negInf
	}
	for j := see.hi; j < b1*keyPanel; j++ {
		s[(b1-1)*step+j%keyPanel] = negInf
	}
	if b1 == b0 {
		return 0
	}
	return c.set.expBlocks(s[b0*step:], step, b1-b0)
}

// padded is the number of rows that the kernels compute for n.
func (c *attendCall) padded(n int) int {
	for _, rows := range c.set.tileRows {
		if rows >= n {
			return rows
		}
	}
	panic("kernels: tile too large")
}

// grow returns the first n elements of a scratch slice, which it enlarges when needed; their contents are undefined.
func grow(s *[]float32, n int) []float32 {
	if cap(*s) < n {
		*s = make([]float32, n+n/4)
	}
	return (*s)[:n]
}

// widen converts stored keys or values in the reference kernels.
func widenGo(d tensor.DType, dst []float32, src []byte) {
	switch d {
	case tensor.F16:
		widenF16Go(dst, src)
	case tensor.BF16:
		widenBF16Go(dst, src)
	default:
		widenF32(dst, src)
	}
}

func scoresGo(d tensor.DType, s, q []float32, keys []byte, rows, blocks, dim int, scale float32) {
	panel := make([]float32, dim*keyPanel)
	size := len(panel) * d.Size()
	for b := range blocks {
		widenGo(d, panel, keys[b*size:][:size])
		out := s[b*rows*keyPanel:][:rows*keyPanel]
		clear(out)
		for i := range dim {
			k := panel[i*keyPanel:][:keyPanel]
			for r := range rows {
				x, row := q[r*dim+i], out[r*keyPanel:][:keyPanel]
				for j := range row {
					row[j] = FMA32(x, k[j], row[j])
				}
			}
		}
		for j, v := range out {
			out[j] = float32(v * scale)
		}
	}
}

func weightedSumGo(d tensor.DType, acc, p []float32, values []byte, rows, n, lane, step, width int) {
	v := make([]float32, width)
	size := width * d.Size()
	for j := range n {
		widenGo(d, v, values[j*size:][:size])
		at := (lane+j)/keyPanel*step + (lane+j)%keyPanel
		for r := range rows {
			x := p[at+r*keyPanel]
			row := acc[r*width:][:width]
			for i := range row {
				row[i] = FMA32(x, v[i], row[i])
			}
		}
	}
}
