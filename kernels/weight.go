package kernels

import (
	"fmt"
	"math"

	"llavabench/internal/tensor"
)

// groupRows is the number of weight rows that every kernel takes at a time: one output per lane of a 512-bit register.
const groupRows = 16

// A Weight is an immutable matrix [Rows, Cols] that multiplies from the right transposed: y = x·wᵀ. It is row-major and
// little-endian (NewWeight) or quantised (NewQuantWeight). It does not own its bytes, which usually lie in a mapped file at
// any alignment and must outlive it.
type Weight struct {
	dtype      tensor.DType
	quant      QuantFormat // 0 for float elements
	rows, cols int
	data       []byte // the codes when quantised
	scales     []byte
	// tail is a copy of the last rows%groupRows rows, filled up to groupRows rows with zeros, so that kernels may always
	// read whole groups. Nil when rows is a multiple.
	tail []byte
}

// NewWeight describes the matrix [rows, cols] of F32, F16 or BF16 elements whose bytes are data.
func NewWeight(d tensor.DType, rows, cols int, data []byte) (Weight, error) {
	if !d.IsFloat() {
		return Weight{}, fmt.Errorf("weight matrix of type %s, expected F32, F16 or BF16", d)
	}
	if rows <= 0 || cols <= 0 {
		return Weight{}, fmt.Errorf("weight matrix [%d, %d] is empty or negative", rows, cols)
	}
	if size := int64(d.Size()); int64(cols) > math.MaxInt64/size/int64(rows) || int64(rows)*int64(cols)*size != int64(len(data)) {
		return Weight{}, fmt.Errorf("weight matrix [%d, %d] of %s does not fit its %d bytes", rows, cols, d, len(data))
	}
	w := Weight{dtype: d, rows: rows, cols: cols, data: data}
	if over := rows % groupRows; over != 0 {
		w.tail = make([]byte, groupRows*w.stride())
		copy(w.tail, data[(rows-over)*w.stride():])
	}
	return w, nil
}

// Rows is the number of outputs.
func (w Weight) Rows() int { return w.rows }

// Cols is the number of inputs.
func (w Weight) Cols() int { return w.cols }

// DType is the type of the stored elements, U8 for the codes of a quantised matrix.
func (w Weight) DType() tensor.DType { return w.dtype }

// Quant is the format of a quantised matrix, 0 for float elements.
func (w Weight) Quant() QuantFormat { return w.quant }

// Bytes is the size of the matrix in memory: what a product with one row reads.
func (w Weight) Bytes() int64 { return int64(len(w.data) + len(w.scales)) }

// stride is the number of bytes of a row.
func (w Weight) stride() int { return w.cols * w.dtype.Size() }

// groups is the number of groups of groupRows rows, the last one counted even when it is partly padding.
func (w Weight) groups() int { return (w.rows + groupRows - 1) / groupRows }

// group returns the bytes of the 16 rows from g*16 on.
func (w Weight) group(g int) []byte {
	size := groupRows * w.stride()
	if (g+1)*groupRows > w.rows {
		return w.tail
	}
	return w.data[g*size : (g+1)*size : (g+1)*size]
}
