package kernels

import "math"

// matMulRef is the definition of MatMul, element by element.
func matMulRef(dst, x []float32, m int, w Weight, bias []float32) {
	row := make([]float32, w.cols)
	for n := range w.rows {
		w.widenRow(row, n)
		for i := range m {
			acc := float32(0)
			for k, v := range x[i*w.cols : (i+1)*w.cols] {
				acc = FMA32(v, row[k], acc)
			}
			if bias != nil {
				acc += bias[n]
			}
			dst[i*w.rows+n] = acc
		}
	}
}

func productsGo() productSet {
	return productSet{matMul: matMulGo, matMulBF16: matMulBF16Go, matMulQuant: matMulQuantGo}
}

// wideBlock is the number of k whose weights matMulGo holds in float64: 16 rows of them are 64 KiB.
const wideBlock = 512

// A goJob is a product in plain Go. A task is a group of 16 columns of dst: it widens a block of k of their weights to
// float64, laid out [column/4][k][column%4], and runs all rows of x over it. The chain restarts from dst at the next block.
type goJob struct {
	dst, x []float32 // x is [m][cols]
	m      int
	cols   int
	w      Weight
	bias   []float32
	row    func(dst []float32, row []byte, k0 int) // columns k0 and on of a weight row
	step   func(x, y, z float32) float32           // the fused multiply-add
}

// matMulGo is MatMul for every processor.
func matMulGo(p *Workers, s *matMulScratch, dst, x []float32, m int, w Weight, bias []float32) {
	size := w.dtype.Size()
	row := func(dst []float32, row []byte, k0 int) { Widen(dst, w.dtype, row[k0*size:(k0+len(dst))*size]) }
	j := goJob{dst: dst, x: x, m: m, cols: w.cols, w: w, bias: bias, row: row, step: FMA32}
	j.run(p, s)
}

func (j *goJob) run(p *Workers, s *matMulScratch) {
	block := min(wideBlock, j.cols)
	wide := s.ownDoubles(p.N(), groupRows*block)
	own := s.ownFloats(p.N(), block)
	n := j.w.rows
	p.Do(j.w.groups(), func(worker, g int) {
		first := g * groupRows
		count := min(groupRows, n-first)
		for k0 := 0; k0 < j.cols; k0 += block {
			kn := min(block, j.cols-k0)
			panel := wide[worker][:groupRows*kn]
			j.widenGroup(panel, own[worker][:kn], g, k0)
			for i := range j.m {
				out := j.dst[i*n+first : i*n+first+count]
				j.runRow(out, j.x[i*j.cols+k0:i*j.cols+k0+kn], panel, k0 == 0)
				if j.bias != nil && k0+kn == j.cols {
					for c := range out {
						out[c] += j.bias[first+c]
					}
				}
			}
		}
	})
}

// widenGroup fills panel with the columns k0.. of the 16 weight rows of group g; row is scratch for one of them.
func (j *goJob) widenGroup(panel []float64, row []float32, g, k0 int) {
	data, ld := j.w.group(g), j.w.stride()
	for n := range groupRows {
		j.row(row, data[n*ld:(n+1)*ld], k0)
		quad := panel[n/4*4*len(row):]
		for k, v := range row {
			quad[4*k+n%4] = float64(v)
		}
	}
}

// runRow continues (or starts) the chains of up to 16 outputs of one row of x over a panel.
func (j *goJob) runRow(out, x []float32, panel []float64, start bool) {
	for n := 0; n < len(out); n += 4 {
		var acc [4]float32
		if !start {
			copy(acc[:], out[n:])
		}
		acc = chains4(acc, x, panel[n*len(x):(n+4)*len(x)], j.step)
		copy(out[n:], acc[:])
	}
}

// chains4 runs four chains over one row of x and four columns [k][4] of weights. The products and sums are those of FMA32;
// one test tells whether any of the four sums needs step, the function in full.
func chains4(acc [4]float32, x []float32, w []float64, step func(x, y, z float32) float32) [4]float32 {
	a0, a1, a2, a3 := float64(acc[0]), float64(acc[1]), float64(acc[2]), float64(acc[3])
	for k, xk := range x {
		v, c := float64(xk), (*[4]float64)(w[4*k:])
		s0 := float64(v*c[0]) + a0
		s1 := float64(v*c[1]) + a1
		s2 := float64(v*c[2]) + a2
		s3 := float64(v*c[3]) + a3
		if suspect(s0)|suspect(s1)|suspect(s2)|suspect(s3) >= 0 {
			a0, a1, a2, a3 = float64(float32(s0)), float64(float32(s1)), float64(float32(s2)), float64(float32(s3))
			continue
		}
		a0 = float64(step(xk, float32(c[0]), float32(a0)))
		a1 = float64(step(xk, float32(c[1]), float32(a1)))
		a2 = float64(step(xk, float32(c[2]), float32(a2)))
		a3 = float64(step(xk, float32(c[3]), float32(a3)))
	}
	return [4]float32{float32(a0), float32(a1), float32(a2), float32(a3)}
}

// suspect is onMidpoint without a branch: negative when it holds.
func suspect(s float64) int64 {
	b := math.Float64bits(s)
	half := int64(b&(1<<29-1)^1<<28) - 1
	small := int64(b&(1<<63-1)) - 897<<52
	return half | small
}
