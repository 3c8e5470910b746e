//go:build (amd64 || arm64) && !purego

package kernels

// decode multiplies few rows: every worker takes groups of 16 weight rows, each read once from memory, transposed in
// registers and used for all rows of x. 16 rows of a row-major matrix are one contiguous run of bytes, and the kernel
// prefetches the group that its worker takes next in plain address order, so that memory sees sequential streams.
func (j *tileJob) decode() {
	d := decodeJob{tileJob: j, split: splitRows(j.m, len(j.reader.rows)), kn: j.whole(0, j.cols)}
	d.pack()
	own := j.s.ownFloats(j.p.N(), (j.m+1)*groupRows+(j.cols-d.kn)*groupRows)
	q := queue{n: j.w.groups()}
	j.p.Do(min(j.p.N(), q.n), func(worker, _ int) {
		for g, ok := q.claim(); ok; {
			next, more := q.claim()
			if !more {
				next = g
			}
			d.group(own[worker], g, next)
			g, ok = next, more
		}
	})
}

// A decodeJob is a product of few rows: in one pass over each group, or in several when there are more rows than the
// kernels take.
type decodeJob struct {
	*tileJob
	split
	kn     int       // columns that the kernels take
	packed []float32 // [pass][k < kn][stride], passes maxStride*kn apart; x itself for one row
	last   []float32 // [pass][k >= kn][rows of a tile]
}

// maxStride is the largest distance of k in packed activations of few rows.
const maxStride = 8

// rowStride is that distance for rows rows: a power of two.
func rowStride(rows int) int {
	s := 1
	for s < rows {
		s *= 2
	}
	return s
}

// pack transposes the activations.
func (d *decodeJob) pack() {
	lastSize := (d.cols-d.kn)*d.tileSet.rows + 8
	if d.m == 1 {
		d.packed, d.last = d.x, d.s.floats(lastSize)
	} else {
		all := d.s.floats(d.tiles * (maxStride*d.kn + lastSize))
		d.packed, d.last = all[:d.tiles*maxStride*d.kn], all[d.tiles*maxStride*d.kn:]
		for i := range d.tiles {
			first, rows := d.tile(i)
			packFew(d.packed[i*maxStride*d.kn:(i+1)*maxStride*d.kn], d.x[first*d.cols:], rows, d.cols, d.kn)
		}
	}
	if d.kn < d.cols {
		for i := range d.tiles {
			first, rows := d.tile(i)
			d.packActivations(d.last[i*lastSize:(i+1)*lastSize], first, rows, d.kn, d.cols-d.kn)
		}
	}
}

// packFew writes dst[k][rowStride(rows)] from the first kn columns of rows of x.
func packFew(dst, x []float32, rows, cols, kn int) {
	stride := rowStride(rows)
	for i := range rows {
		for k, v := range x[i*cols : i*cols+kn] {
			dst[k*stride+i] = v
		}
	}
}

// group computes the outputs of weight group g and prefetches group next.
func (d *decodeJob) group(scratch []float32, g, next int) {
	n0 := g * groupRows
	count := min(groupRows, d.w.rows-n0)
	c, ldc := d.dst[n0:], d.w.rows
	var bias []float32
	if d.bias != nil {
		bias = d.bias[n0 : n0+count]
	}
	if count < groupRows { // the kernels write whole groups: let them do it elsewhere
		edge := scratch[:d.m*groupRows]
		scratch = scratch[d.m*groupRows:]
		if bias != nil {
			clear(scratch[copy(scratch[:groupRows], bias):groupRows])
			bias, scratch = scratch[:groupRows], scratch[groupRows:]
		}
		d.compute(edge, groupRows, bias, scratch, g, next)
		for r := range d.m {
			copy(c[r*ldc:], edge[r*groupRows:r*groupRows+count])
		}
		return
	}
	d.compute(c, ldc, bias, scratch, g, next)
}

// compute is group for a c, with ldc elements from row to row, that has room for all of the group.
func (d *decodeJob) compute(c []float32, ldc int, bias, panel []float32, g, next int) {
	src, ahead := d.w.group(g), d.w.group(next)
	rest := d.cols - d.kn
	if rest > 0 {
		d.packSlow(panel, groupRows, g, d.kn, rest)
	}
	for i := range d.tiles {
		first, rows := d.tile(i)
		out := &c[first*ldc]
		if d.kn > 0 {
			b := ptr(bias)
			if rest > 0 {
				b = nil
			}
			if i > 0 { // the first pass has prefetched it
				ahead = src
			}
			callRows(d.reader.rows[rows-1], out, 4*ldc, &d.packed[i*maxStride*d.kn], &src[0], d.w.stride(), d.kn, &ahead[0], b)
		}
		if rest > 0 {
			a := &d.last[i*(rest*d.tileSet.rows+8)]
			callTile(d.reader.tiles[0][rows-1], out, 4*ldc, a, &panel[0], rest, d.tileFlags(d.kn == 0), ptr(bias))
		}
	}
}
