//go:build (amd64 || arm64) && !purego

package kernels

// A blocking says how prefill cuts a product, in rows of x and in k.
type blocking struct {
	rows   int // packed at a time
	k      int // packed at a time, for all workers; the chains restart from dst at the next
	kPanel int // of a panel of weights, widened at a time by one worker
}

// blockingFor chooses the blocks for m rows of k columns. More rows at a time save widening weights, more k save passing over
// dst; but what is packed for all workers should stay in the last-level cache, and a widened panel beside a few tiles in the
// second-level one.
func blockingFor(m, k int) blocking {
	if m <= 256 {
		return blocking{rows: m, k: k, kPanel: 1024}
	}
	return blocking{rows: 1024, k: 1024, kPanel: 1024}
}

// prefill multiplies many rows: for each block of rows and of k, activations are packed tile by tile for all workers, then
// every worker takes panels of up to 48 weight rows, widens and transposes them into its own scratch, which stays in its
// second-level cache, and runs all tiles over it.
func (j *tileJob) prefill() {
	limit := blockingFor(j.m, j.cols)
	k := evenBlock(j.cols, limit.k)
	for r0 := 0; r0 < j.m; r0 += limit.rows {
		b := prefillBlock{tileJob: j, r0: r0, split: splitRows(min(limit.rows, j.m-r0), j.tileSet.rows)}
		for k0 := 0; k0 < j.cols; k0 += k {
			b.k0, b.kn = k0, min(k, j.cols-k0)
			b.kPanel = evenBlock(b.kn, limit.kPanel)
			b.run()
		}
	}
}

// evenBlock divides n into equal blocks of at most limit, a multiple of 32.
func evenBlock(n, limit int) int {
	blocks := (n + limit - 1) / limit
	return ((n+blocks-1)/blocks + 31) &^ 31
}

// A split divides rows into tiles of nearly equal height.
type split struct{ rows, tiles int }

func splitRows(rows, most int) split { return split{rows, (rows + most - 1) / most} }

// tile returns the first row and the number of rows of tile i.
func (s split) tile(i int) (first, rows int) {
	first = i * s.rows / s.tiles
	return first, (i+1)*s.rows/s.tiles - first
}

// A prefillBlock is one block of rows and k of a product.
type prefillBlock struct {
	*tileJob
	r0, k0, kn int
	kPanel     int
	split
	packed []float32
}

// tileSize is the number of elements of a packed tile: the last k of packRows writes up to 8 elements too far.
func (b *prefillBlock) tileSize() int { return b.kn*b.tileSet.rows + 8 }

func (b *prefillBlock) run() {
	b.packed = b.s.floats(b.tiles * b.tileSize())
	b.p.Do(b.tiles, func(_, i int) {
		first, rows := b.tile(i)
		b.packActivations(b.packed[i*b.tileSize():(i+1)*b.tileSize()], b.r0+first, rows, b.k0, b.kn)
	})
	wide := len(b.reader.tiles)
	own := b.s.ownFloats(b.p.N(), (b.kPanel+b.tileSet.rows+1)*wide*groupRows)
	plan := planPanels((b.w.groups()+wide-1)/wide, b.p.N(), b.tiles)
	q := queue{n: plan.units()}
	b.p.Do(min(b.p.N(), q.n), func(worker, _ int) {
		for i, ok := q.claim(); ok; {
			next, more := q.claim()
			if !more {
				next = i
			}
			panel, from, to := plan.unit(i)
			ahead, _, _ := plan.unit(next)
			b.panel(own[worker], panel*wide, ahead*wide, from, to)
			i, ok = next, more
		}
	})
}

// A panelPlan shares out panels. The last ones, one for each worker, are cut into four parts of the row tiles, so that no
// worker waits long for another at the end.
type panelPlan struct{ whole, cut, parts, tiles int }

func planPanels(panels, workers, tiles int) panelPlan {
	if workers == 1 || tiles < 16 {
		return panelPlan{whole: panels, parts: 1, tiles: tiles}
	}
	cut := min(panels, workers)
	return panelPlan{whole: panels - cut, cut: cut, parts: 4, tiles: tiles}
}

func (p panelPlan) units() int { return p.whole + p.cut*p.parts }

// unit returns the panel of unit i and its row tiles.
func (p panelPlan) unit(i int) (panel, from, to int) {
	if i < p.whole {
		return i, 0, p.tiles
	}
	part := (i - p.whole) % p.parts
	return p.whole + (i-p.whole)/p.parts, part * p.tiles / p.parts, (part + 1) * p.tiles / p.parts
}

// panel computes row tiles from..to of the columns of a panel, the weight groups from g0 on, and prefetches the weights of
// the panel from group next on.
func (b *prefillBlock) panel(scratch []float32, g0, next, from, to int) {
	groups := min(len(b.reader.tiles), b.w.groups()-g0)
	width := groups * groupRows
	packed, rest := scratch[:b.kPanel*width], scratch[b.kPanel*width:]
	t := tileRun{prefillBlock: b, f: b.reader.tiles[groups-1], n0: g0 * groupRows, width: width, from: from, to: to, packed: packed}
	t.count = min(width, b.w.rows-t.n0)
	var bias []float32
	if b.bias != nil {
		bias = b.bias[t.n0 : t.n0+t.count]
	}
	if t.count < width { // the kernels write whole groups: let them do it elsewhere
		t.edge, rest = rest[:b.tileSet.rows*width], rest[b.tileSet.rows*width:]
		if bias != nil {
			clear(rest[copy(rest[:width], bias):width])
			bias = rest[:width]
		}
	}
	for k0 := 0; k0 < b.kn; k0 += b.kPanel {
		kn := min(b.kPanel, b.kn-k0)
		b.packWeights(packed, width, g0, groups, next, b.k0+k0, kn)
		if b.k0+k0+kn == b.cols {
			t.bias = bias
		}
		t.run(k0, kn)
	}
}

// packWeights widens kn columns from k0 on of some groups of weight rows to dst[k][width].
func (b *prefillBlock) packWeights(dst []float32, width, g0, groups, next, k0, kn int) {
	whole := b.whole(k0, kn)
	for g := range groups {
		if whole > 0 {
			ahead := min(next+g, b.w.groups()-1)
			callPack(b.pack, &dst[g*groupRows], 4*width, &b.w.group(g0 + g)[k0*b.unit], b.w.stride(), whole, &b.w.group(ahead)[k0*b.unit])
		}
		if whole < kn {
			b.packSlow(dst[whole*width+g*groupRows:], width, g0+g, k0+whole, kn-whole)
		}
	}
}

// A tileRun runs row tiles over one widened panel after another.
type tileRun struct {
	*prefillBlock
	f            []tileFunc
	n0           int // first column of dst
	width, count int // columns of the panel, and those of them that dst has
	from, to     int // row tiles
	packed       []float32
	bias, edge   []float32
}

// run continues the chains over columns k0..k0+kn of the block.
func (t *tileRun) run(k0, kn int) {
	ld := t.w.rows
	flags := t.tileFlags(t.k0+k0 == 0)
	for i := t.from; i < t.to; i++ {
		first, rows := t.tile(i)
		a := &t.prefillBlock.packed[i*t.tileSize()+k0*t.tileSet.rows]
		c := t.dst[(t.r0+first)*ld+t.n0:]
		if t.edge == nil {
			callTile(t.f[rows-1], &c[0], 4*ld, a, &t.packed[0], kn, flags, ptr(t.bias))
			continue
		}
		for r := range rows {
			copy(t.edge[r*t.width:r*t.width+t.count], c[r*ld:])
		}
		callTile(t.f[rows-1], &t.edge[0], 4*t.width, a, &t.packed[0], kn, flags, ptr(t.bias))
		for r := range rows {
			copy(c[r*ld:], t.edge[r*t.width:r*t.width+t.count])
		}
	}
}
