package checkpoint

import (
	"context"
	"encoding/binary"
	"fmt"
	"math"
	"runtime"
	"slices"
	"sync"

	"github.com/x448/float16"

	"llavabench/internal/tensor"
)

// ApplyDelta adds the released difference at delta (LLaVA v0 and v1.1) to the LLaMA weights at base (in the transformers
// layout; both directories or hub names) and writes the sum to the new directory out, with the configuration and tokenizer
// of the delta.
//
// As in the reference, everything is float16: both sides are rounded to it, and so is each sum, once. Rows that only the
// delta has are final values; tensors that only the delta has must be the projector's. Rotary frequencies are left out.
//
// Source: LLaVA, llava/model/apply_delta.py.
func ApplyDelta(ctx context.Context, base, delta, out string, o ConvertOptions) error {
	var sides [2]*weights
	for i, path := range []string{base, delta} {
		dir, err := Resolve(path, o.Env)
		if err != nil {
			return err
		}
		w, err := openWeights(dir, OpenOptions{Env: o.Env})
		if err != nil {
			return err
		}
		defer w.Close()
		sides[i] = w
	}
	pairs, err := pair(sides[0], sides[1])
	if err != nil {
		return err
	}
	return Assemble(out, func(tmp string) error {
		specs := make([]Spec, len(pairs))
		for i, p := range pairs {
			specs[i] = Spec{Name: p.delta.Name, DType: tensor.F16, Shape: p.delta.Shape}
		}
		if err := writeAll(ctx, tmp, specs, o, func(i int, write func([]byte) error) error { return pairs[i].sum(write) }); err != nil {
			return err
		}
		return CopyCompanions(sides[1].dir, tmp)
	})
}

// A deltaPair is a tensor of the delta with what it is added to; base has no data where there is nothing.
type deltaPair struct{ delta, base tensor.Tensor }

// pair matches the tensors of both sides.
func pair(base, delta *weights) ([]deltaPair, error) {
	left := map[string]tensor.Tensor{}
	for _, t := range base.tensors {
		if !ignoredName.MatchString(t.Name) {
			left[t.Name] = t
		}
	}
	var pairs []deltaPair
	for _, d := range delta.tensors {
		if ignoredName.MatchString(d.Name) {
			continue
		}
		b, ok := left[d.Name]
		delete(left, d.Name)
		if !ok && !isProjector(d.Name) {
			return nil, errf(ErrMismatch, "%s: tensor %s is not in %s, and not the projector's", d.File, quote(d.Name), base.dir)
		}
		for _, t := range []tensor.Tensor{d, b} {
			if t.Name != "" && !t.DType.IsFloat() {
				return nil, errf(ErrUnsupported, "%s: tensor %s has type %s, expected F32, F16 or BF16", t.File, quote(t.Name), t.DType)
			}
		}
		if ok && !slices.Equal(d.Shape, b.Shape) {
			grows := d.Name == "model.embed_tokens.weight" || d.Name == "lm_head.weight"
			if !grows || len(d.Shape) != 2 || len(b.Shape) != 2 || d.Shape[0] < b.Shape[0] || d.Shape[1] < b.Shape[1] {
				return nil, errf(ErrMismatch, "%s: tensor %s has shape %s, but %s has %s", d.File, quote(d.Name), tensor.ShapeString(d.Shape), b.File, tensor.ShapeString(b.Shape))
			}
		}
		pairs = append(pairs, deltaPair{d, b})
	}
	if len(left) > 0 {
		var names []string
		for name := range left {
			names = append(names, quote(name))
		}
		slices.Sort(names)
		return nil, errf(ErrMismatch, "%s lacks %d tensors of %s: %s", delta.dir, len(names), base.dir, firstFew(names, 3))
	}
	return pairs, nil
}

// sum writes the pair's sum in float16, a block of rows at a time.
func (p deltaPair) sum(write func([]byte) error) error {
	rows, cols := matrix(p.delta)
	baseRows, baseCols := 0, 0
	if p.base.Name != "" {
		baseRows, baseCols = matrix(p.base)
	}
	if cols == 0 {
		return nil
	}
	workers := runtime.GOMAXPROCS(0)
	block := max(1, (1<<20)/cols) // rows of one worker
	out := make([]byte, 2*cols*min(rows, block*workers))
	for row := 0; row < rows; row += block * workers {
		end := min(rows, row+block*workers)
		errs := make([]error, workers)
		var wg sync.WaitGroup
		for i := range workers {
			first, last := min(end, row+i*block), min(end, row+(i+1)*block)
			wg.Go(func() {
				errs[i] = CatchFault(func() error {
					for r := first; r < last; r++ {
						dst := out[2*cols*(r-row):][:2*cols]
						var b []byte
						if r < baseRows {
							width := p.base.DType.Size()
							b = p.base.Data[r*baseCols*width:][:baseCols*width]
						}
						width := p.delta.DType.Size()
						if at := sumRow(dst, p.delta.Data[r*cols*width:][:cols*width], p.delta.DType, b, p.base.DType); at >= 0 {
							return errf(ErrOverflow, "%s: tensor %s: element [%d, %d] of the sum is beyond the range of float16", p.delta.File, quote(p.delta.Name), r, at)
						}
					}
					return nil
				})
			})
		}
		wg.Wait()
		for _, err := range errs {
			if err != nil {
				return err
			}
		}
		if err := write(out[:2*cols*(end-row)]); err != nil {
			return err
		}
	}
	return nil
}

// sumRow writes float16(delta) + float16(base) for one row; base may be shorter. It returns the index of the first sum that
// is not finite, or -1.
func sumRow(dst, delta []byte, deltaType tensor.DType, base []byte, baseType tensor.DType) int {
	n := 0
	if len(base) > 0 {
		n = len(base) / baseType.Size()
	}
	for i := range len(dst) / 2 {
		h := half(deltaType, delta, i)
		if i < n {
			// Two float16 add exactly enough in float32 that rounding the sum again rounds it once: 24 >= 2*11 + 2 bits.
			h = float16.Fromfloat32(h.Float32() + half(baseType, base, i).Float32())
		}
		if !h.IsFinite() {
			return i
		}
		binary.LittleEndian.PutUint16(dst[2*i:], h.Bits())
	}
	return -1
}

// half reads element i, rounded to float16.
func half(d tensor.DType, data []byte, i int) float16.Float16 {
	switch d {
	case tensor.F16:
		return float16.Frombits(binary.LittleEndian.Uint16(data[2*i:]))
	case tensor.BF16:
		return float16.Fromfloat32(math.Float32frombits(uint32(binary.LittleEndian.Uint16(data[2*i:])) << 16))
	case tensor.F32:
		return float16.Fromfloat32(math.Float32frombits(binary.LittleEndian.Uint32(data[4*i:])))
	}
	panic(fmt.Sprintf("checkpoint: half of %s", d)) // pair has checked the types
}
