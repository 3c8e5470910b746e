// Package quantize writes a checkpoint with its weight matrices in another type: 8 or 4 bits per weight, or a 16-bit
// float. The result is a checkpoint like any other, self-contained and mapped when it is used.
package quantize

import (
	"context"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strings"

	"llavabench/internal/checkpoint"
	"llavabench/internal/model/weights"
	"llavabench/internal/tensor"
	"llavabench/kernels"
)

// Options choose the types.
type Options struct {
	Matrices string // a recipe of weights, "f16" or "bf16": the decoder's and, unless kept, the other matrices
	// KeepVision is the type ("f16", "bf16", "f32") of the matrices of vision tower and projector; "" treats them as the
	// decoder's.
	KeepVision    string
	MaxShardBytes int64
	// Progress is told how many of total tensors are done. It may be nil.
	Progress func(stage string, done, total int)
}

// An Error is what a tensor lost.
type Error struct {
	Tensor string  `json:"tensor"`
	Type   string  `json:"type"`
	Max    float64 `json:"max"`    // largest absolute difference
	RMS    float64 `json:"rms"`    // root of the mean square of the differences
	Cosine float64 `json:"cosine"` // of the angle between old and new values; 1 is the same direction
}

// A kind is the type of a part's matrices: quantised by a recipe, or a float type where there is none.
type kind struct {
	recipe weights.Recipe
	dtype  tensor.DType
}

// A target is how one tensor is written: quantised, or in a float type where quant is 0.
type target struct {
	source tensor.Tensor
	name   string // in the new checkpoint
	quant  kernels.QuantFormat
	dtype  tensor.DType
}

// Write converts the checkpoint into the new directory out and returns the error of every converted matrix, in the order
// of the tensors. Norms, biases, embeddings, the position table and the head keep a float type: 16 bits as stored. The
// same input gives the same bytes on every machine.
func Write(ctx context.Context, w *kernels.Workers, ckpt *checkpoint.Checkpoint, out string, o Options) ([]Error, error) {
	targets, err := plan(ckpt, o)
	if err != nil {
		return nil, err
	}
	var errs []Error
	err = checkpoint.Assemble(out, func(dir string) (err error) {
		if errs, err = writeTensors(ctx, w, targets, dir, o); err != nil {
			return err
		}
		if err := checkpoint.CopyCompanions(ckpt.Dir, dir); err != nil {
			return err
		}
		return copyTowerConfig(ckpt, dir)
	})
	return errs, err
}

// plan decides the name and type of every tensor.
func plan(ckpt *checkpoint.Checkpoint, o Options) ([]target, error) {
	matrices, err := parseType(o.Matrices)
	if err != nil {
		return nil, err
	}
	vision := matrices
	if matrices.recipe.Name != "" {
		if vision, err = parseType(matrices.recipe.Beside); err != nil {
			return nil, err
		}
	}
	if o.KeepVision != "" {
		if vision, err = parseType(o.KeepVision); err != nil || vision.recipe.Name != "" {
			return nil, fmt.Errorf("type %q for the vision tower is not known, expected f16, bf16 or f32", o.KeepVision)
		}
	}
	var targets []target
	for _, part := range []struct {
		src  tensor.Source
		name func(string) string
		how  kind
	}{
		{ckpt.LLM(), ckpt.Config.LLMName, matrices},
		{ckpt.Projector(), ckpt.Config.ProjectorName, vision},
		{ckpt.Extra(), ckpt.Config.ExtraName, kind{}},
		{ckpt.Vision(), ckpt.Config.VisionName, vision},
	} {
		for _, name := range part.src.Names() {
			t, _ := part.src.Tensor(name)
			if !t.DType.IsFloat() {
				return nil, fmt.Errorf("%s: tensor %q has type %s: the checkpoint is quantised already", t.File, name, t.DType)
			}
			to := target{source: t, name: part.name(name), dtype: t.DType}
			switch {
			case len(t.Shape) < 2 || part.how == (kind{}):
			case part.how.recipe.Name == "":
				to.dtype = part.how.dtype
			case linear(name):
				to.quant = part.how.recipe.For(name)
			}
			targets = append(targets, to)
		}
	}
	return targets, nil
}

func parseType(name string) (kind, error) {
	switch name {
	case "f32":
		return kind{dtype: tensor.F32}, nil
	case "f16":
		return kind{dtype: tensor.F16}, nil
	case "bf16":
		return kind{dtype: tensor.BF16}, nil
	}
	r, err := weights.ParseRecipe(name)
	if err != nil {
		return kind{}, fmt.Errorf("type %q is not known, expected f16, bf16, %s", name, strings.Join(weights.RecipeNames(), ", "))
	}
	return kind{recipe: r}, nil
}

// linear reports whether a matrix belongs to a linear layer that is quantised: not embeddings, position tables, the patch
// convolution or the head.
func linear(name string) bool {
	return strings.HasSuffix(name, ".weight") && !strings.Contains(name, "embed") && name != "lm_head.weight"
}

// writeTensors converts and streams every tensor.
func writeTensors(ctx context.Context, w *kernels.Workers, targets []target, dir string, o Options) ([]Error, error) {
	var specs []checkpoint.Spec
	for _, t := range targets {
		specs = append(specs, t.specs()...)
	}
	out, err := checkpoint.NewWriter(dir, specs, checkpoint.WriterOptions{
		Metadata:      map[string]string{"format": "pt", "quantization": o.Matrices, "vision": o.KeepVision},
		MaxShardBytes: o.MaxShardBytes,
	})
	if err != nil {
		return nil, err
	}
	defer out.Close()
	var errs []Error
	for i, t := range targets {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		e, err := t.write(w, out)
		if err != nil {
			return nil, fmt.Errorf("%s: tensor %q: %w", t.source.File, t.source.Name, err)
		}
		if e != nil {
			errs = append(errs, *e)
		}
		if o.Progress != nil {
			o.Progress("converting tensors", i+1, len(targets))
		}
	}
	return errs, out.Commit()
}

// tileRows and the group of the format shape the arrays of a quantised matrix.
const tileRows = 16

func (t target) specs() []checkpoint.Spec {
	if t.quant == 0 {
		return []checkpoint.Spec{{Name: t.name, DType: t.dtype, Shape: t.source.Shape}}
	}
	rows, cols := t.size()
	tiles, groups := (rows+tileRows-1)/tileRows, (cols+t.quant.Group()-1)/t.quant.Group()
	codes, scales := weights.QuantNames(t.name, t.quant)
	return []checkpoint.Spec{
		{Name: codes, DType: tensor.U8, Shape: []int{tiles, groups, tileRows * t.quant.Group() * t.quant.Bits() / 8}},
		{Name: scales, DType: tensor.F16, Shape: []int{tiles, groups, tileRows}},
	}
}

func (t target) size() (rows, cols int) {
	return t.source.Shape[0], tensor.Elements(t.source.Shape[1:])
}

// write converts one tensor; its error is nil where nothing changed.
func (t target) write(w *kernels.Workers, out *checkpoint.Writer) (*Error, error) {
	if t.quant == 0 && t.dtype == t.source.DType {
		return nil, out.Tensor(t.name, t.source.Data)
	}
	rows, cols := t.size()
	old, err := kernels.NewWeight(t.source.DType, rows, cols, t.source.Data)
	if err != nil {
		return nil, err
	}
	if t.quant != 0 {
		codes, scales, err := w.Quantize(t.quant, old)
		if err != nil {
			return nil, err
		}
		converted, err := kernels.NewQuantWeight(t.quant, rows, cols, codes, scales)
		if err != nil {
			return nil, err
		}
		codesName, scalesName := weights.QuantNames(t.name, t.quant)
		if err := out.Tensor(codesName, codes); err != nil {
			return nil, err
		}
		e := compare(w, t.source.Name, t.quant.String(), old, converted)
		return &e, out.Tensor(scalesName, scales)
	}
	data := make([]byte, rows*cols*t.dtype.Size())
	row := make([]float32, cols)
	for i := range rows {
		old.Row(row, i)
		kernels.Narrow(data[i*cols*t.dtype.Size():(i+1)*cols*t.dtype.Size()], t.dtype, row)
	}
	converted, err := kernels.NewWeight(t.dtype, rows, cols, data)
	if err != nil {
		return nil, err
	}
	e := compare(w, t.source.Name, strings.ToLower(t.dtype.String()), old, converted)
	return &e, out.Tensor(t.name, data)
}

// compare measures the difference of two matrices of the same size. The sums are float64, row by row and then over the rows
// in order, so that they do not depend on the number of workers.
func compare(w *kernels.Workers, name, kind string, old, converted kernels.Weight) Error {
	type sums struct{ max, square, aa, bb, ab float64 }
	const block = 64
	rows := make([]sums, old.Rows())
	w.Do((old.Rows()+block-1)/block, func(_, task int) {
		a, b := make([]float32, old.Cols()), make([]float32, old.Cols())
		for i := task * block; i < min((task+1)*block, old.Rows()); i++ {
			old.Row(a, i)
			converted.Row(b, i)
			s := &rows[i]
			for k := range a {
				x, y := float64(a[k]), float64(b[k])
				d := x - y
				s.max = max(s.max, math.Abs(d))
				s.square += float64(d * d)
				s.aa += float64(x * x)
				s.bb += float64(y * y)
				s.ab += float64(x * y)
			}
		}
	})
	var all sums
	for _, s := range rows {
		all.max = max(all.max, s.max)
		all.square += s.square
		all.aa += s.aa
		all.bb += s.bb
		all.ab += s.ab
	}
	e := Error{Tensor: name, Type: kind, Max: all.max, RMS: math.Sqrt(all.square / float64(old.Rows()*old.Cols())), Cosine: 1}
	if all.aa > 0 && all.bb > 0 {
		e.Cosine = all.ab / math.Sqrt(all.aa) / math.Sqrt(all.bb)
	}
	return e
}

// copyTowerConfig puts the configuration of a tower with a directory of its own into the new checkpoint, which holds the
// tower's weights itself.
func copyTowerConfig(ckpt *checkpoint.Checkpoint, out string) error {
	name := ckpt.Config.Multimodal.VisionTower
	if ckpt.TowerDir == "" || name == "" {
		return nil
	}
	dir := filepath.Join(out, filepath.Base(name))
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	return checkpoint.CopyCompanions(ckpt.TowerDir, dir)
}
