package kernels

import "math"

// quantRowGo rounds a row of activations to eight bits and returns the scale of the codes; the package comment has the
// definition.
func quantRowGo(dst []int8, x []float32) (scale float32) {
	inverse, scale := quantScale(absMaxGo(x))
	if inverse == 0 {
		clear(dst)
		return scale
	}
	quantRowRest(dst, x, inverse)
	return scale
}

// quantRowRest rounds activations to codes.
func quantRowRest(dst []int8, x []float32, inverse float32) {
	for k, v := range x {
		dst[k] = int8(math.RoundToEven(float64(float32(v * inverse))))
	}
}

// absMaxGo is the largest magnitude in x as the bits of a float32: above those of all finite numbers when x has an
// infinity or a NaN.
func absMaxGo(x []float32) uint32 {
	most := uint32(0)
	for _, v := range x {
		most = max(most, math.Float32bits(v)&^(1<<31))
	}
	return most
}

// quantScale returns the factor from activations to codes and the one back, for the bits of the largest magnitude. A factor
// of zero stands for rows that count as zeros; a row that is not finite has the scale NaN.
func quantScale(most uint32) (inverse, scale float32) {
	const least = 0x1p-100
	a := math.Float32frombits(most)
	switch {
	case most >= 0x7f800000:
		return 0, float32(math.NaN())
	case a < least:
		return 0, 0
	}
	return 127 / a, a / 127
}

// matMulQuantRef is the definition of MatMul with quantised weights, element by element.
func matMulQuantRef(dst, x []float32, m int, w Weight, bias []float32) {
	size := w.quant.Group()
	a := make([]int8, w.quant.groupsOf(w.cols)*size)
	for i := range m {
		row := x[i*w.cols : (i+1)*w.cols]
		scale := quantRowGo(a, row)
		for n := range w.rows {
			q := w.tileOf(n / groupRows)
			f := float32(0)
			for g := 0; g*size < len(a); g++ {
				sum := int32(0)
				for k := range size {
					sum += int32(a[g*size+k]) * int32(q.code(g, n%groupRows, k))
				}
				f = FMA32(float32(sum), q.scaleOf(g, n%groupRows), f)
			}
			f = float32(f * scale)
			if bias != nil {
				f += bias[n]
			}
			dst[i*w.rows+n] = f
		}
	}
}

// matMulQuantGo is MatMul with quantised weights for every processor. A task is sixteen rows of weights.
func matMulQuantGo(p *Workers, s *matMulScratch, dst, x []float32, m int, w Weight, bias []float32) {
	size, groups := w.quant.Group(), w.quant.groupsOf(w.cols)
	a, scales := s.codes(m*groups*size), s.activations(m)
	p.Do(m, func(_, i int) {
		row := a[i*groups*size : (i+1)*groups*size]
		clear(row[w.cols:])
		scales[i] = quantRowGo(row[:w.cols], x[i*w.cols:(i+1)*w.cols])
	})
	p.Do(w.groups(), func(_, tile int) {
		q := w.tileOf(tile)
		code := make([]int8, groupRows*size)
		f := make([]float32, m*groupRows)
		for g := range groups {
			for r := range groupRows {
				for k := range size {
					code[r*size+k] = q.code(g, r, k)
				}
			}
			for i := range m {
				chainsQuant(f[i*groupRows:(i+1)*groupRows], a[(i*groups+g)*size:(i*groups+g+1)*size], code, q, g)
			}
		}
		for i := range m {
			for r := range min(groupRows, w.rows-tile*groupRows) {
				n := tile*groupRows + r
				y := float32(f[i*groupRows+r] * scales[i])
				if bias != nil {
					y += bias[n]
				}
				dst[i*w.rows+n] = y
			}
		}
	})
}

// chainsQuant continues the chains of sixteen outputs by one group of activations a and codes.
func chainsQuant(f []float32, a, code []int8, q quantTile, g int) {
	for r := range f {
		sum := int32(0)
		c := code[r*len(a) : (r+1)*len(a)]
		for k, v := range a {
			sum += int32(v) * int32(c[k])
		}
		f[r] = FMA32(float32(sum), q.scaleOf(g, r), f[r])
	}
}
