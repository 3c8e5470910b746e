package kernels

import "math"

// matMulRef is the definition of MatMul, element by element.
func matMulRef(dst, x []float32, m int, w Weight, bias []float32) {
	row := make([]float32, w.cols)
	for n := range w.rows {
		Widen(row, w.dtype, w.data[n*w.stride():(n+1)*w.stride()])
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

func productsGo() productSet { return productSet{matMul: matMulGo} }

// wideBlock is the number of k whose weights matMulGo holds in float64: 16 rows of them are 64 KiB.
const wideBlock = 512

// matMulGo is MatMul for every processor. A task is a group of 16 columns of dst: it widens a block of k of their weights
// to float64, laid out [column/4][k][column%4], and runs all rows of x over it. The chain restarts from dst at the next
// block.
func matMulGo(p *Workers, s *matMulScratch, dst, x []float32, m int, w Weight, bias []float32) {
	block := min(wideBlock, w.cols)
	wide := s.ownDoubles(p.N(), groupRows*block)
	own := s.ownFloats(p.N(), block)
	p.Do(w.groups(), func(worker, g int) {
		first := g * groupRows
		count := min(groupRows, w.rows-first)
		for k0 := 0; k0 < w.cols; k0 += block {
			kn := min(block, w.cols-k0)
			panel := wide[worker][:groupRows*kn]
			widenGroup(panel, own[worker][:kn], w, g, k0)
			for i := range m {
				out := dst[i*w.rows+first : i*w.rows+first+count]
				rowGo(out, x[i*w.cols+k0:i*w.cols+k0+kn], panel, k0 == 0)
				if bias != nil && k0+kn == w.cols {
					for n := range out {
						out[n] += bias[first+n]
					}
				}
			}
		}
	})
}

// widenGroup fills panel with the columns k0.. of the 16 weight rows of group g; row is scratch for one of them.
func widenGroup(panel []float64, row []float32, w Weight, g, k0 int) {
	data, size := w.group(g), w.dtype.Size()
	for n := range groupRows {
		at := n*w.stride() + k0*size
		Widen(row, w.dtype, data[at:at+len(row)*size])
		quad := panel[n/4*4*len(row):]
		for k, v := range row {
			quad[4*k+n%4] = float64(v)
		}
	}
}

// rowGo continues (or starts) the chains of up to 16 outputs of one row of x over a panel.
func rowGo(out, x []float32, panel []float64, start bool) {
	for n := 0; n < len(out); n += 4 {
		var acc [4]float32
		if !start {
			copy(acc[:], out[n:])
		}
		acc = chains4(acc, x, panel[n*len(x):(n+4)*len(x)])
		copy(out[n:], acc[:])
	}
}

// chains4 runs four chains of FMA32 over one row of x and four columns [k][4] of weights. The products and sums are those of
// FMA32; one test tells whether any of the four sums needs its slow path.
func chains4(acc [4]float32, x []float32, w []float64) [4]float32 {
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
		a0 = float64(FMA32(xk, float32(c[0]), float32(a0)))
		a1 = float64(FMA32(xk, float32(c[1]), float32(a1)))
		a2 = float64(FMA32(xk, float32(c[2]), float32(a2)))
		a3 = float64(FMA32(xk, float32(c[3]), float32(a3)))
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
