//go:build amd64 && !purego

package kernels

// The blocking of prefill, in rows of x and in k.
const (
	rowBlock = 1024
	kBlock   = 1024
)

// prefill multiplies many rows: for each block of rows and of k, activations are packed tile by tile for all workers, then
// every worker takes panels of up to 48 weight rows, widens and transposes them into its own scratch, which stays in its
// second-level cache, and runs all tiles over it. The chains restart from dst at every block of k.
func (j *tileJob) prefill() {
	blocks := (j.w.cols + kBlock - 1) / kBlock
	kb := ((j.w.cols+blocks-1)/blocks + 31) &^ 31
	for r0 := 0; r0 < j.m; r0 += rowBlock {
		b := prefillBlock{tileJob: j, r0: r0, split: splitRows(min(rowBlock, j.m-r0), j.rows)}
		for k0 := 0; k0 < j.w.cols; k0 += kb {
			b.k0, b.kn = k0, min(kb, j.w.cols-k0)
			b.run()
		}
	}
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
	split
	packed []float32
}

// tileSize is the number of elements of a packed tile: the last k of packRows writes up to 8 elements too far.
func (b *prefillBlock) tileSize() int { return b.kn*b.tileJob.rows + 8 }

func (b *prefillBlock) run() {
	b.packed = b.s.floats(b.tiles * b.tileSize())
	b.p.Do(b.tiles, func(_, i int) {
		first, rows := b.tile(i)
		b.packActivations(b.packed[i*b.tileSize():(i+1)*b.tileSize()], b.r0+first, rows, b.k0, b.kn)
	})
	width := len(b.tileJob.tiles) * groupRows
	own := b.s.ownFloats(b.p.N(), b.kn*width+(b.tileJob.rows+1)*width)
	panels := (b.w.groups() + len(b.tileJob.tiles) - 1) / len(b.tileJob.tiles)
	b.p.Do(panels, func(worker, i int) {
		g0 := i * len(b.tileJob.tiles)
		b.panel(own[worker], g0, min(len(b.tileJob.tiles), b.w.groups()-g0))
	})
}

// panel computes the columns of weight groups g0..g0+groups.
func (b *prefillBlock) panel(scratch []float32, g0, groups int) {
	width := groups * groupRows
	packed, rest := scratch[:b.kn*width], scratch[b.kn*width:]
	b.packWeights(packed, width, g0, groups)

	n0 := g0 * groupRows
	count := min(width, b.w.rows-n0)
	var bias []float32
	if b.bias != nil && b.k0+b.kn == b.w.cols {
		bias = b.bias[n0 : n0+count]
	}
	var edge []float32
	if count < width { // the kernels write whole groups: let them do it elsewhere
		edge, rest = rest[:b.tileJob.rows*width], rest[b.tileJob.rows*width:]
		if bias != nil {
			clear(rest[copy(rest[:width], bias):width])
			bias = rest[:width]
		}
	}
	for i := range b.tiles {
		first, rows := b.tile(i)
		f := b.tileJob.tiles[groups-1][rows-1]
		a := &b.packed[i*b.tileSize()]
		c := b.dst[(b.r0+first)*b.w.rows+n0:]
		if edge == nil {
			callTile(f, &c[0], 4*b.w.rows, a, &packed[0], b.kn, first1(b.k0 == 0), ptr(bias))
			continue
		}
		for r := range rows {
			copy(edge[r*width:r*width+count], c[r*b.w.rows:])
		}
		callTile(f, &edge[0], 4*width, a, &packed[0], b.kn, first1(b.k0 == 0), ptr(bias))
		for r := range rows {
			copy(c[r*b.w.rows:], edge[r*width:r*width+count])
		}
	}
}

// packWeights widens the block's k of some groups of weight rows to dst[k][width].
func (b *prefillBlock) packWeights(dst []float32, width, g0, groups int) {
	whole, size := b.whole(b.kn), b.w.dtype.Size()
	for g := range groups {
		if whole > 0 {
			src := &b.w.group(g0 + g)[b.k0*size]
			callPack(b.funcs.pack, &dst[g*groupRows], 4*width, src, b.w.stride(), whole, src)
		}
		if whole < b.kn {
			b.packSlow(dst[whole*width+g*groupRows:], width, g0+g, b.k0+whole, b.kn-whole)
		}
	}
}
