package kernels

import (
	"encoding/binary"
	"fmt"
	"math"

	"llavabench/internal/tensor"
)

// A QuantFormat is a way to store a weight matrix in few bits; the package comment draws them.
type QuantFormat uint8

// The formats: 8 bits in groups of 128 columns, and 4 bits in groups of 32 or 64.
const (
	Q8 QuantFormat = iota + 1
	Q4
	Q4G64
)

var quantFormats = [...]struct {
	name  string
	bits  int
	group int
	zero  int // the code of 0
}{
	Q8:    {"q8", 8, 128, 128},
	Q4:    {"q4", 4, 32, 8},
	Q4G64: {"q4g64", 4, 64, 8},
}

// String is the name that ParseQuantFormat reads, such as "q8".
func (f QuantFormat) String() string {
	if f == 0 || int(f) >= len(quantFormats) {
		return fmt.Sprintf("QuantFormat(%d)", uint8(f))
	}
	return quantFormats[f].name
}

// ParseQuantFormat reads the name of a format: "q8", "q4" or "q4g64".
func ParseQuantFormat(name string) (QuantFormat, error) {
	for f, d := range quantFormats {
		if f > 0 && d.name == name {
			return QuantFormat(f), nil
		}
	}
	return 0, fmt.Errorf("unknown quantised format %q (known are q8, q4, q4g64)", name)
}

// Bits is the number of bits of a code.
func (f QuantFormat) Bits() int { return quantFormats[f].bits }

// Group is the number of columns that share a scale.
func (f QuantFormat) Group() int { return quantFormats[f].group }

// groupsOf is the number of groups in a row of cols columns, the last one perhaps filled up.
func (f QuantFormat) groupsOf(cols int) int { return (cols + f.Group() - 1) / f.Group() }

// groupBytes is the size of the codes of a group of columns of sixteen rows.
func (f QuantFormat) groupBytes() int { return groupRows * f.Group() * f.Bits() / 8 }

// Sizes is the number of bytes of the codes and of the scales of a matrix [rows, cols].
func (f QuantFormat) Sizes(rows, cols int) (codes, scales int64) {
	n := int64((rows+groupRows-1)/groupRows) * int64(f.groupsOf(cols))
	return n * int64(f.groupBytes()), n * 2 * groupRows
}

// NewQuantWeight describes the matrix [rows, cols] whose codes and scales Quantize made. MatMul multiplies with it.
func NewQuantWeight(f QuantFormat, rows, cols int, codes, scales []byte) (Weight, error) {
	if f == 0 || int(f) >= len(quantFormats) {
		return Weight{}, fmt.Errorf("weight matrix of unknown quantised format %d", uint8(f))
	}
	const most = 1 << 40 // keeps the sizes within int64
	if rows <= 0 || cols <= 0 || rows > most || cols > most/rows {
		return Weight{}, fmt.Errorf("weight matrix [%d, %d] is empty, negative or too large", rows, cols)
	}
	c, s := f.Sizes(rows, cols)
	if int64(len(codes)) != c || int64(len(scales)) != s {
		return Weight{}, fmt.Errorf("weight matrix [%d, %d] of %s has %d bytes of codes and %d of scales, expected %d and %d",
			rows, cols, f, len(codes), len(scales), c, s)
	}
	return Weight{dtype: tensor.U8, quant: f, rows: rows, cols: cols, data: codes, scales: scales}, nil
}

// Quantize converts a matrix of float weights. The result does not depend on the number of workers. Every group of columns
// of a row gets the scale that makes its largest magnitude the largest code (q8), or the one of a few such scales that has
// the least squared error (q4); the codes are the nearest. It fails when a weight is not finite or a scale is beyond fp16.
func (p *Workers) Quantize(f QuantFormat, w Weight) (codes, scales []byte, err error) {
	if w.quant != 0 {
		return nil, nil, fmt.Errorf("weight matrix is already quantised (%s)", w.quant)
	}
	c, s := f.Sizes(w.rows, w.cols)
	codes, scales = make([]byte, c), make([]byte, s)
	groups := f.groupsOf(w.cols)
	bad := make([]error, w.groups())
	p.Do(w.groups(), func(_, tile int) {
		q := quantTile{format: f, codes: codes[tile*groups*f.groupBytes():], scales: scales[tile*groups*2*groupRows:]}
		row := make([]float32, groups*f.Group())
		for r := range min(groupRows, w.rows-tile*groupRows) {
			w.widenRow(row[:w.cols], tile*groupRows+r)
			if err := q.row(r, row); err != nil {
				bad[tile] = fmt.Errorf("row %d: %w", tile*groupRows+r, err)
				return
			}
		}
		for r := w.rows - tile*groupRows; r < groupRows; r++ {
			clear(row)
			_ = q.row(r, row) // zeros always fit
		}
	})
	for _, err := range bad {
		if err != nil {
			return nil, nil, err
		}
	}
	return codes, scales, nil
}

// A quantTile is the codes and scales of sixteen rows.
type quantTile struct {
	format        QuantFormat
	codes, scales []byte
}

// row quantises row r, whose length is a multiple of the group.
func (q quantTile) row(r int, row []float32) error {
	size := q.format.Group()
	code := make([]int8, size)
	for g := 0; g*size < len(row); g++ {
		v := row[g*size : (g+1)*size]
		for k, x := range v {
			if x-x != 0 {
				return fmt.Errorf("column %d is %g, which cannot be quantised", g*size+k, x)
			}
		}
		scale := floatToHalf(q.scale(v))
		if scale&0x7fff == 0x7c00 {
			return fmt.Errorf("columns %d to %d are too large for an fp16 scale", g*size, (g+1)*size-1)
		}
		q.nearest(code, v, halfToFloat(scale))
		binary.LittleEndian.PutUint16(q.scales[2*(g*groupRows+r):], scale)
		for k, c := range code {
			q.put(g, r, k, c)
		}
	}
	return nil
}

// scale chooses the scale of a group before it is rounded to fp16.
func (q quantTile) scale(v []float32) float32 {
	var extreme float32
	for _, x := range v {
		if abs32(x) > abs32(extreme) {
			extreme = x
		}
	}
	if q.format == Q8 {
		return abs32(extreme) / 127
	}
	// Codes reach from -8 to 7: the extreme takes the side that has one more, and codes beyond are cut off when a smaller
	// scale serves the others better.
	best, least := float32(math.Inf(1)), math.Inf(1)
	code := make([]int8, len(v))
	for _, steps := range []float32{-8, -7.5, -7, -8.5, -9} {
		s := halfToFloat(floatToHalf(extreme / steps))
		q.nearest(code, v, s)
		sum := 0.0
		for k, x := range v {
			e := float64(x) - float64(float32(code[k])*s)
			sum += float64(e * e)
		}
		if sum < least {
			best, least = s, sum
		}
	}
	return best
}

func abs32(x float32) float32 { return math.Float32frombits(math.Float32bits(x) &^ (1 << 31)) }

// nearest sets the codes that come nearest to v with a scale; ties go to the even code.
func (q quantTile) nearest(code []int8, v []float32, scale float32) {
	low, high := -127.0, 127.0
	if q.format != Q8 {
		low, high = -8, 7
	}
	for k, x := range v {
		c := 0.0
		if scale != 0 {
			c = min(max(math.RoundToEven(float64(x/scale)), low), high)
		}
		code[k] = int8(c)
	}
}

// put stores the code of column k of group g of row r.
func (q quantTile) put(g, r, k int, code int8) {
	d := quantFormats[q.format]
	c := byte(int(code) + d.zero)
	block := q.codes[g*q.format.groupBytes():]
	if q.format == Q8 {
		block[4*(k/4*groupRows+r)+k%4] = c
		return
	}
	block[4*(k/8*groupRows+r)+k%4] |= c << (k / 4 % 2 * 4)
}

// code returns what put stored.
func (q quantTile) code(g, r, k int) int8 {
	d := quantFormats[q.format]
	block := q.codes[g*q.format.groupBytes():]
	if q.format == Q8 {
		return int8(int(block[4*(k/4*groupRows+r)+k%4]) - d.zero)
	}
	return int8(int(block[4*(k/8*groupRows+r)+k%4]>>(k/4%2*4)&15) - d.zero)
}

// scaleOf returns the scale of group g of row r.
func (q quantTile) scaleOf(g, r int) float32 {
	return halfToFloat(binary.LittleEndian.Uint16(q.scales[2*(g*groupRows+r):]))
}

// tileOf returns the codes and scales of rows 16·tile and on.
func (w Weight) tileOf(tile int) quantTile {
	groups := w.quant.groupsOf(w.cols)
	c, s := groups*w.quant.groupBytes(), groups*2*groupRows
	return quantTile{w.quant, w.data[tile*c : (tile+1)*c], w.scales[tile*s : (tile+1)*s]}
}

// widenRow writes row n in float32, exactly: a quantised element is its code times its scale.
func (w Weight) widenRow(dst []float32, n int) {
	if w.quant == 0 {
		Widen(dst, w.dtype, w.data[n*w.stride():(n+1)*w.stride()])
		return
	}
	q := w.tileOf(n / groupRows)
	size := w.quant.Group()
	for k := range dst {
		dst[k] = float32(q.code(k/size, n%groupRows, k%size)) * q.scaleOf(k/size, n%groupRows)
	}
}

// Row writes row n of the matrix, Cols elements, to dst as float32. It is exact for every format.
func (w Weight) Row(dst []float32, n int) {
	checkLen("Row: dst", len(dst), w.cols)
	w.widenRow(dst, n)
}
