package pipeline

import (
	"fmt"
	"math"
	"strings"

	"llavabench/internal/model/weights"
	"llavabench/internal/tensor"
	"llavabench/kernels"
)

// A caster is a Source whose matrices are rounded to another weight type, in memory. Vectors (norms, biases) keep the
// stored type: rounding them saves nothing. It counts what the target type cannot hold.
type caster struct {
	tensor.Source
	part                string
	check               bool         // tensors have the right type and shape, but need not have their values
	to                  tensor.DType // Invalid: as stored
	overflow, underflow int64
}

// source gives the tensors of one part and how its matrices are to be held, for a weight type of the options: "stored",
// "f32", "f16", "bf16", or the name of a quantised format.
func (p *Pipeline) source(part string, src tensor.Source, weightType string) (*caster, weights.Options, error) {
	c := &caster{Source: src, part: part, check: p.check}
	o := weights.Options{Profile: p.profile, Workers: p.workers}
	switch weightType {
	case "stored":
	case "f32":
		c.to = tensor.F32
	case "f16":
		c.to = tensor.F16
	case "bf16":
		c.to = tensor.BF16
	default:
		r, err := weights.ParseRecipe(weightType)
		if err != nil {
			return nil, o, fmt.Errorf("%s: weight type %q is not known, expected stored, f32, f16, bf16, %s", part, weightType, strings.Join(weights.RecipeNames(), ", "))
		}
		if p.check { // as stored, in the profile that takes any type
			o.Profile = weights.F32
		} else {
			o.Quant = r
		}
	}
	return c, o, nil
}

// Tensor returns the named tensor, rounded to nearest even if it is a matrix of another floating-point type. Widening to
// F32 is exact and done by the kernels as they read, so F32 leaves everything where it is.
func (c *caster) Tensor(name string) (tensor.Tensor, bool) {
	t, ok := c.Source.Tensor(name)
	if !ok || c.to == tensor.Invalid || c.to == tensor.F32 || !t.DType.IsFloat() || t.DType == c.to || len(t.Shape) < 2 {
		return t, ok
	}
	const block = 1 << 16
	n, from, to := t.Elements(), t.DType.Size(), c.to.Size()
	data := make([]byte, n*to)
	if c.check {
		t.DType, t.Data = c.to, data
		return t, true
	}
	wide, back := make([]float32, block), make([]float32, block)
	for i := 0; i < n; i += block {
		end := min(n, i+block)
		kernels.Widen(wide[:end-i], t.DType, t.Data[i*from:end*from])
		kernels.Narrow(data[i*to:end*to], c.to, wide[:end-i])
		kernels.Widen(back[:end-i], c.to, data[i*to:end*to])
		for k, v := range wide[:end-i] {
			switch {
			case v != 0 && back[k] == 0:
				c.underflow++
			case math.IsInf(float64(back[k]), 0) && !math.IsInf(float64(v), 0):
				c.overflow++
			}
		}
	}
	t.DType, t.Data = c.to, data
	return t, true
}

// typeName names the type that a part's matrices have for a user, when they are quantised by q (zero: not) on loading.
func (c *caster) typeName(q weights.Recipe) string {
	switch {
	case q.Name != "":
		return q.Name
	case c.to != tensor.Invalid:
		return strings.ToLower(c.to.String())
	}
	found := "unknown"
	var formats []kernels.QuantFormat
	for _, name := range c.Names() {
		if base, ok := strings.CutSuffix(name, ".codes"); ok {
			if f, err := kernels.ParseQuantFormat(base[strings.LastIndexByte(base, '.')+1:]); err == nil {
				formats = append(formats, f)
			}
		}
		if t, ok := c.Source.Tensor(name); ok && len(t.Shape) >= 2 && t.DType.IsFloat() {
			found = strings.ToLower(t.DType.String())
		}
	}
	if len(formats) > 0 {
		return weights.RecipeOf(formats)
	}
	return found
}
