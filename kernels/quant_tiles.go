//go:build amd64 && !purego

package kernels

import "unsafe"

// A quantFunc continues or starts the chains of a tile over some groups of k, and finishes them; _gen documents it.
type quantFunc func(c *float32, ldc int, a, sums *int32, scale *float32, codes *byte, codesLd int, scales *byte,
	scalesLd int, groups, inner int, next *byte, step int, bias *float32, start, tiles int)

// A quantSet is the product with quantised weights of one instruction set.
type quantSet struct {
	kernels map[int]quantKernels // by the bits of a code
	// absMax and quantRow are absMaxGo and the rounding of quantRowGo for a multiple of 16 elements.
	absMax   func(x *float32, n int) uint32
	quantRow func(dst *int8, x *float32, n int, inverse float32)
	// sums sets sums[group][8] to minus zero times the sums of the activations of a group of quads dwords of eight rows.
	sums func(sums, a *int32, groups, quads, zero int)
}

// quantKernels are the kernels of one width of code, by rows of activations less one: for one tile of sixteen weight rows,
// and for two, which prefill takes unless there are none.
type quantKernels struct{ one, two []quantFunc }

// wide are the kernels of prefill, and their tiles of weight rows.
func (k quantKernels) wide() (f []quantFunc, tiles int) {
	if k.two == nil {
		return k.one, 1
	}
	return k.two, 2
}

// quantLanes is the number of rows in packed activations.
const quantLanes = 8

// A quantJob is one product with quantised weights.
type quantJob struct {
	p       *Workers
	dst     []float32
	w       Weight
	bias    []float32
	kernels quantKernels
	groups  int // of columns
	// The bytes of a group of columns of a tile of weight rows, of all of its columns, and of all of its scales.
	groupBytes, tileBytes, scaleBytes int
	split                             // rows of activations
	a                                 []int32
	aSize                             int       // of a tile of rows in a
	sums                              []int32   // [tile][group][quantLanes]
	scale                             []float32 // [row]
}

func (t *x86Set) matMulQuant(p *Workers, s *matMulScratch, dst, x []float32, m int, w Weight, bias []float32) {
	j := &quantJob{p: p, dst: dst, w: w, bias: bias, kernels: t.quant.kernels[w.quant.Bits()], groups: w.quant.groupsOf(w.cols)}
	j.groupBytes = w.quant.groupBytes()
	j.tileBytes, j.scaleBytes = j.groups*j.groupBytes, j.groups*2*groupRows
	few := m <= len(j.kernels.one)
	j.split = splitRows(m, m)
	if wide, _ := j.kernels.wide(); !few {
		j.split = splitRows(m, len(wide))
	}
	t.quantActivations(j, s, x)
	if few {
		j.decode(s)
	} else {
		j.prefill(s)
	}
}

// quantActivations rounds the rows of x, packs them tile by tile and sums them by groups.
func (t *x86Set) quantActivations(j *quantJob, s *matMulScratch, x []float32) {
	quads := j.w.quant.Group() / 4
	cols := j.groups * quads // dwords of a row
	rows := s.codes(4 * cols * j.rows)
	j.scale = s.activations(j.rows)
	j.aSize = cols * quantLanes
	all := s.floats(j.tiles * (j.aSize + j.groups*quantLanes))
	ints := unsafe.Slice((*int32)(unsafe.Pointer(unsafe.SliceData(all))), len(all))
	j.a, j.sums = ints[:j.tiles*j.aSize], ints[j.tiles*j.aSize:]
	j.p.Do(j.tiles, func(_, i int) {
		first, n := j.tile(i)
		for r := first; r < first+n; r++ {
			row := rows[4*cols*r : 4*cols*(r+1)]
			clear(row[j.w.cols:])
			j.scale[r] = t.quant.row(row[:j.w.cols], x[r*j.w.cols:(r+1)*j.w.cols])
		}
		var ptr [8]*float32
		for r := range ptr {
			ptr[r] = (*float32)(unsafe.Pointer(&rows[4*cols*(first+min(r, n-1))]))
		}
		a := &j.a[i*j.aSize]
		t.packRows((*float32)(unsafe.Pointer(a)), 4*quantLanes, &ptr, cols)
		t.quant.sums(&j.sums[i*j.groups*quantLanes], a, j.groups, quads, quantFormats[j.w.quant].zero)
	})
	if j.rows == 1 { // the kernel for one row reads it as it is
		j.a = unsafe.Slice((*int32)(unsafe.Pointer(unsafe.SliceData(rows))), cols)
	}
}

// row is quantRowGo.
func (q *quantSet) row(dst []int8, x []float32) float32 {
	whole := len(x) &^ 15
	most := absMaxGo(x[whole:])
	if whole > 0 {
		most = max(most, q.absMax(&x[0], whole))
	}
	inverse, scale := quantScale(most)
	if inverse == 0 {
		clear(dst)
		return scale
	}
	if whole > 0 {
		q.quantRow(&dst[0], &x[0], whole, inverse)
	}
	quantRowRest(dst[whole:], x[whole:], inverse)
	return scale
}

// decodeRun is the bytes of codes that one call goes through in decode, some 10 µs.
const decodeRun = 256 << 10

// decode computes few rows: workers take runs of tiles of weight rows, one call each. A last tile with rows beyond the
// matrix is a run of its own.
func (j *quantJob) decode(s *matMulScratch) {
	own := s.ownFloats(j.p.N(), (j.rows+1)*groupRows)
	b := &quantBlockJob{quantJob: j, kn: j.groups}
	whole := j.w.rows / groupRows
	run := max(1, min(decodeRun/j.tileBytes, whole/(4*j.p.N())))
	runs := (whole + run - 1) / run
	j.p.Do(runs+j.w.groups()-whole, func(worker, i int) {
		c := quantCall{quantBlockJob: b, f: j.kernels.one, g0: i * run, tiles: 1, edge: own[worker]}
		if i < runs {
			c.following = min(run, whole-c.g0) - 1
		} else {
			c.g0 = whole
		}
		c.run(0, b.codes(c.g0), 0)
	})
}

// The blocking of prefill: columns at a time, so that all packed activations stay in the last-level cache, and bytes of codes
// that a worker holds in the second-level one.
const (
	quantBlock = 4096
	quantPanel = 400 << 10
)

// prefill takes a block of columns after the other; in each, workers take panels of weight rows and run all tiles of
// activations over each pair of tiles in the panel. The chains restart from dst at the next block.
func (j *quantJob) prefill(s *matMulScratch) {
	own := s.ownFloats(j.p.N(), (quantLanes+1)*2*groupRows)
	size := j.w.quant.Group()
	block := evenBlock(j.groups*size, quantBlock)
	block = (block + size - 1) / size
	for g := 0; g < j.groups; g += block {
		b := quantBlockJob{quantJob: j, k0: g, kn: min(block, j.groups-g)}
		wide := max(2, quantPanel/(b.kn*j.groupBytes)&^1)
		plan := planPanels((j.w.groups()+wide-1)/wide, j.p.N(), j.split.tiles)
		q := queue{n: plan.units()}
		j.p.Do(min(j.p.N(), q.n), func(worker, _ int) {
			for i, ok := q.claim(); ok; {
				next, more := q.claim()
				if !more {
					next = i
				}
				panel, from, to := plan.unit(i)
				ahead, _, _ := plan.unit(next)
				b.panel(own[worker], panel*wide, min((panel+1)*wide, j.w.groups()), ahead*wide, from, to)
				i, ok = next, more
			}
		})
	}
}

// A quantBlockJob is groups k0..k0+kn of the columns of a product.
type quantBlockJob struct {
	*quantJob
	k0, kn int
}

// panel computes row tiles from..to for weight tiles g0..g1, and prefetches a share of those from tile next on with every
// call.
func (b *quantBlockJob) panel(edge []float32, g0, g1, next, from, to int) {
	size := b.kn * b.groupBytes
	step := min(lineBytes, (4*lineBytes+to-from-1)/(to-from))
	last := b.w.groups()
	wide, tiles := b.kernels.wide()
	for i := from; i < to; i++ {
		share := (i - from) * size / (to - from) &^ (lineBytes - 1)
		for g := g0; g < g1; g += tiles {
			c := quantCall{quantBlockJob: b, f: wide, g0: g, tiles: tiles, edge: edge}
			if g+1 == g1 {
				c.f, c.tiles = b.kernels.one, 1
			}
			ahead := unsafe.Add(unsafe.Pointer(b.codes(min(next+g-g0, last-c.tiles))), share)
			c.run(i, (*byte)(ahead), step)
		}
	}
}

// codes and scales return where those of the block begin in a tile of weight rows.
func (b *quantBlockJob) codes(tile int) *byte { return &b.w.data[tile*b.tileBytes+b.k0*b.groupBytes] }
func (b *quantBlockJob) scales(tile int) *byte {
	return &b.w.scales[tile*b.scaleBytes+b.k0*2*groupRows]
}

// A quantCall is one tile of dst.
type quantCall struct {
	*quantBlockJob
	f         []quantFunc
	g0, tiles int // of weight rows
	following int // tiles that the kernel computes after these, with nothing of them at the edge
	edge      []float32
}

// run computes row tile i of activations.
func (c *quantCall) run(i int, next *byte, step int) {
	first, rows := c.tile(i)
	width := c.tiles * groupRows
	n0 := c.g0 * groupRows
	count := min(width, c.w.rows-n0)
	out, ldc := c.dst[first*c.w.rows+n0:], c.w.rows
	var scale, bias []float32
	if c.k0+c.kn == c.groups {
		scale = c.scale[first : first+rows]
		if c.bias != nil {
			bias = c.bias[n0 : n0+count]
		}
	}
	start := 1
	if c.k0 > 0 {
		start = 0
	}
	if count < width { // the kernels write whole tiles: let them do it elsewhere
		out, ldc = c.edge[:rows*width], width
		for r := range rows {
			copy(out[r*width:r*width+count], c.dst[(first+r)*c.w.rows+n0:])
		}
		if bias != nil {
			wide := c.edge[rows*width : (rows+1)*width]
			clear(wide[copy(wide, bias):])
			bias = wide
		}
	}
	lanes := quantLanes
	if c.rows == 1 {
		lanes = 1
	}
	a := &c.a[i*c.aSize+c.k0*c.w.quant.Group()/4*lanes]
	sums := &c.sums[(i*c.groups+c.k0)*quantLanes]
	callQuant(c.f[rows-1], &out[0], 4*ldc, a, sums, ptr(scale), c.codes(c.g0), c.tileBytes, c.scales(c.g0), c.scaleBytes,
		c.kn, c.w.quant.Group()/32, next, step, ptr(bias), start, 1+c.following)
	if count < width {
		for r := range rows {
			copy(c.dst[(first+r)*c.w.rows+n0:(first+r)*c.w.rows+n0+count], out[r*width:])
		}
	}
}

// callQuant is where loops over this assembly pass through Go; see callTile.
//
//go:noinline
func callQuant(f quantFunc, c *float32, ldc int, a, sums *int32, scale *float32, codes *byte, codesLd int, scales *byte,
	scalesLd int, groups, inner int, next *byte, step int, bias *float32, start, tiles int) {
	f(c, ldc, a, sums, scale, codes, codesLd, scales, scalesLd, groups, inner, next, step, bias, start, tiles)
}
