package recorded

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"llavabench/internal/imaging"
	"llavabench/internal/pipeline"
	"llavabench/internal/tensor"
	"llavabench/kernels"
)

// Run answers a case on an instruction set of this machine. Paths are relative to dir. threads of 0 is one per core; it
// changes nothing.
func Run(ctx context.Context, dir string, c Case, isa string, threads int) (r Result, err error) {
	if err := c.check(); err != nil {
		return r, err
	}
	before := kernels.ISA()
	if err := kernels.Select(isa); err != nil {
		return r, err
	}
	defer func() { err = errors.Join(err, kernels.Select(before)) }()
	o := pipeline.Options{Variant: c.Variant, Set: c.Set, Weights: c.Weights, Numerics: c.Numerics, Threads: threads}
	switch c.KV {
	case "", "f32":
	case "f16":
		o.KV = tensor.F16
	case "bf16":
		o.KV = tensor.BF16
	default:
		return r, fmt.Errorf("kv is %q, expected f32, f16 or bf16", c.KV)
	}
	p, err := pipeline.Open(ctx, within(dir, c.Model), o)
	if err != nil {
		return r, err
	}
	defer func() { err = errors.Join(err, p.Close()) }()
	if r.Files, err = files(ctx, p); err != nil {
		return r, err
	}
	req := pipeline.Request{IDs: c.InputIDs, Generate: pipeline.GenerateOptions{MaxNewTokens: c.MaxNewTokens}}
	for _, name := range c.Images {
		img, _, err := imaging.DecodeFile(filepath.Join(dir, filepath.FromSlash(name)), imaging.DecodeOptions{})
		if err != nil {
			return r, err
		}
		req.Images = append(req.Images, img)
	}
	if len(c.InputIDs) == 0 {
		prompt, err := p.Prompt(pipeline.Question{Text: c.Prompt, Images: len(c.Images)})
		if err != nil {
			return r, err
		}
		req.IDs, req.Generate.Stop, req.Generate.EOS = prompt.IDs, prompt.Stop, prompt.EOS
	}
	keep := &keeper{values: c.Values}
	req.Observer = keep
	a, err := p.Answer(ctx, req)
	if err != nil {
		return r, err
	}
	r.PromptIDs, r.PromptTokens, r.ImageTokens, r.OutputIDs, r.Text = req.IDs, a.PromptTokens, a.ImageTokens, append([]int{}, a.IDs...), a.Text
	r.Tensors = keep.tensors
	slices.SortStableFunc(r.Tensors, func(a, b Tensor) int { return cmp.Compare(stage(a.Name), stage(b.Name)) })
	return r, nil
}

// stages are the beginnings of tensors' names in the order in which they are computed, which is not quite that in which they
// are delivered.
var stages = []string{"pixel_values", "vision_hidden", "vision_features", "projected", "inputs_embeds", "llm_hidden", "logits", "step_logits"}

func stage(name string) int {
	i := slices.IndexFunc(stages, func(s string) bool { return strings.HasPrefix(name, s) })
	if i < 0 {
		return len(stages)
	}
	return i
}

// within makes a directory that is given relative to dir one seen from here; a name in the hub cache stays.
func within(dir, model string) string {
	path := filepath.FromSlash(model)
	if filepath.IsAbs(path) {
		return path
	}
	if joined := filepath.Join(dir, path); isDir(joined) {
		return joined
	}
	return model
}

func isDir(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.IsDir()
}

// files are the files of a checkpoint with their digests, by their names in it.
func files(ctx context.Context, p *pipeline.Pipeline) ([]File, error) {
	list, err := p.Checkpoint().Digest(ctx, nil)
	if err != nil {
		return nil, err
	}
	dir, err := filepath.Abs(p.Checkpoint().Dir)
	if err != nil {
		return nil, err
	}
	var out []File
	for _, f := range list {
		path, err := filepath.Abs(f.Path)
		if err != nil {
			return nil, err
		}
		name, err := filepath.Rel(dir, path)
		if err != nil {
			name = filepath.Base(path)
		}
		out = append(out, File{filepath.ToSlash(name), f.SHA256})
	}
	return out, nil
}

// A keeper observes every tensor.
type keeper struct {
	values  int
	steps   int
	tensors []Tensor
}

// Wants asks for everything.
func (k *keeper) Wants(string) bool { return true }

// Tensor keeps what identifies a tensor.
func (k *keeper) Tensor(name string, shape []int, data []float32) error {
	if name == "step_logits" {
		name = fmt.Sprintf("%s_%02d", name, k.steps)
		k.steps++
	}
	t, err := summarise(name, shape, data, k.values)
	k.tensors = append(k.tensors, t)
	return err
}

// maxParts is into how many ranges of rows a tensor is cut for Tensor.Parts.
const maxParts = 8

func summarise(name string, shape []int, data []float32, values int) (Tensor, error) {
	t := Tensor{Name: name, Shape: slices.Clone(shape)}
	width := shape[len(shape)-1]
	rows := len(data) / width
	parts := min(rows, maxParts)
	whole := sha256.New()
	for i := range parts {
		from, to := partRange(i, parts, rows)
		part := sha256.New()
		add(data[from*width:to*width], whole, part)
		t.Parts = append(t.Parts, hex.EncodeToString(part.Sum(nil))[:8])
	}
	t.SHA256 = hex.EncodeToString(whole.Sum(nil))
	for _, v := range data {
		if !(math.Abs(float64(v)) <= math.MaxFloat32) {
			return t, errors.New("it has a value that is not finite: there is nothing to keep of such a model")
		}
		t.Largest = max(t.Largest, max(v, -v))
	}
	for _, i := range spread(len(data), values) {
		t.Values = append(t.Values, data[i])
	}
	return t, nil
}

// partRange is the range of rows of part i.
func partRange(i, parts, rows int) (from, to int) { return i * rows / parts, (i + 1) * rows / parts }

// add hashes values as little-endian float32.
func add(values []float32, to ...hash.Hash) {
	const block = 4096
	b := make([]byte, 0, 4*min(block, len(values)))
	for values := range slices.Chunk(values, block) {
		b = b[:0]
		for _, v := range values {
			b = binary.LittleEndian.AppendUint32(b, math.Float32bits(v))
		}
		for _, h := range to {
			h.Write(b)
		}
	}
}

// spread gives up to k indices below n, evenly spread, the first and the last included.
func spread(n, k int) []int {
	k = min(n, k)
	out := make([]int, 0, k)
	for i := range k {
		if k == 1 {
			out = append(out, 0)
			continue
		}
		out = append(out, int(int64(i)*int64(n-1)/int64(k-1)))
	}
	return out
}
