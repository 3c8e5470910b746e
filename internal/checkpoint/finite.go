package checkpoint

import (
	"context"
	"encoding/binary"
	"slices"
	"strings"

	"llavabench/internal/tensor"
)

// CheckFinite reads the floating-point tensors of src whose names begin with one of prefixes (all without any) and returns an
// error of class ErrFormat that names the first element that is infinite or not a number, as a bad conversion leaves. It
// reads the weights: seconds for a large checkpoint.
func CheckFinite(ctx context.Context, src tensor.Source, prefixes ...string) error {
	for _, name := range src.Names() {
		if len(prefixes) > 0 && !slices.ContainsFunc(prefixes, func(p string) bool { return strings.HasPrefix(name, p) }) {
			continue
		}
		if err := ctx.Err(); err != nil {
			return err
		}
		t, _ := src.Tensor(name)
		at := -1
		if err := CatchFault(func() error { at = firstNonFinite(t); return nil }); err != nil {
			return err
		}
		if at >= 0 {
			return errf(ErrFormat, "%s: tensor %s holds an infinite value or NaN at element %d of shape %s", t.File, quote(name), at, tensor.ShapeString(t.Shape))
		}
	}
	return nil
}

// firstNonFinite looks for an exponent of all ones; -1 when there is none.
func firstNonFinite(t tensor.Tensor) int {
	switch t.DType {
	case tensor.F32:
		for i := 0; i+4 <= len(t.Data); i += 4 {
			if x := binary.LittleEndian.Uint32(t.Data[i:]); x&0x7f800000 == 0x7f800000 {
				return i / 4
			}
		}
	case tensor.F16, tensor.BF16:
		mask := uint16(0x7c00)
		if t.DType == tensor.BF16 {
			mask = 0x7f80
		}
		for i := 0; i+2 <= len(t.Data); i += 2 {
			if x := binary.LittleEndian.Uint16(t.Data[i:]); x&mask == mask {
				return i / 2
			}
		}
	}
	return -1
}
