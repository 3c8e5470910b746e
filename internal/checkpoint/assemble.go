package checkpoint

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"llavabench/internal/tensor"
)

// ConvertOptions shape a checkpoint that is written. The zero value writes one file of weights.
type ConvertOptions struct {
	MaxShardBytes int64 // see WriterOptions
	// Env looks up environment variables of the hub cache; nil means os.Getenv.
	Env func(string) string
	// Progress, which may be nil, is told the bytes of tensors done of all.
	Progress func(done, total int64)
}

func (o ConvertOptions) report(done, total int64) {
	if o.Progress != nil {
		o.Progress(done, total)
	}
}

// companions are the files of a checkpoint that go along with its weights unchanged: configuration and tokenizer.
var companions = []string{
	"config.json", "generation_config.json", "preprocessor_config.json", "processor_config.json", "tokenizer.model", "tokenizer.json",
	"tokenizer_config.json", "special_tokens_map.json", "added_tokens.json", "vocab.json", "merges.txt", "chat_template.json", "chat_template.jinja",
}

// maxCompanionBytes bounds a copied file; the largest real ones, tokenizers of 128,000 pieces, have about 20 MB.
const maxCompanionBytes = 256 << 20

// CopyCompanions copies a checkpoint's configuration and tokenizer files, those that there are, to another directory.
func CopyCompanions(from, to string) error {
	for _, name := range companions {
		if !hasFile(from, name) {
			continue
		}
		path, err := member(from, name)
		if err != nil {
			return err
		}
		data, err := readSmall(path, maxCompanionBytes)
		if err != nil {
			return err
		}
		if err := writeFile(filepath.Join(to, name), data); err != nil {
			return err
		}
	}
	return nil
}

// Assemble builds a directory under a temporary name and gives it its final one when fill has succeeded: out is complete or
// absent. out must not exist, or be an empty directory.
func Assemble(out string, fill func(dir string) error) error {
	out = filepath.Clean(out)
	if entries, err := os.ReadDir(out); err == nil && len(entries) > 0 {
		return errf(ErrPath, "%s is not empty, expected a directory that does not exist yet", out)
	}
	if err := os.MkdirAll(filepath.Dir(out), 0o755); err != nil {
		return err
	}
	dir, err := os.MkdirTemp(filepath.Dir(out), "."+filepath.Base(out)+".*.tmp")
	if err != nil {
		return err
	}
	err = fill(dir)
	if err == nil {
		err = os.Chmod(dir, 0o755)
	}
	if err == nil {
		_ = os.Remove(out) // an empty directory
		err = os.Rename(dir, out)
	}
	if err != nil {
		return errors.Join(err, os.RemoveAll(dir))
	}
	return nil
}

// Convert writes the tensors of the checkpoint or tower at path, whatever its container, as safetensors into the new
// directory out, with the configuration and tokenizer files. Names, types and bytes of the tensors stay.
func Convert(ctx context.Context, path, out string, o ConvertOptions) error {
	dir, err := Resolve(path, o.Env)
	if err != nil {
		return err
	}
	w, err := openWeights(dir, OpenOptions{Env: o.Env})
	if err != nil {
		return err
	}
	defer w.Close()
	return Assemble(out, func(tmp string) error {
		specs := make([]Spec, len(w.tensors))
		for i, t := range w.tensors {
			specs[i] = Spec{Name: t.Name, DType: t.DType, Shape: t.Shape}
		}
		err := writeAll(ctx, tmp, specs, o, func(i int, write func([]byte) error) error {
			data := w.tensors[i].Data
			for len(data) > 0 {
				n := min(len(data), 4<<20)
				if err := CatchFault(func() error { return write(data[:n]) }); err != nil {
					return err
				}
				data = data[n:]
			}
			return nil
		})
		if err != nil {
			return err
		}
		return CopyCompanions(dir, tmp)
	})
}

// writeAll streams the planned tensors into a directory; each produces the bytes of tensor i in pieces.
func writeAll(ctx context.Context, dir string, specs []Spec, o ConvertOptions, each func(i int, write func([]byte) error) error) error {
	w, err := NewWriter(dir, specs, WriterOptions{MaxShardBytes: o.MaxShardBytes})
	if err != nil {
		return err
	}
	defer w.Close()
	var done, total int64
	for _, s := range specs {
		n, err := s.Bytes()
		if err != nil {
			return err
		}
		total += n
	}
	for i, s := range specs {
		if err := w.Begin(s.Name); err != nil {
			return err
		}
		err := each(i, func(p []byte) error {
			if err := ctx.Err(); err != nil {
				return err
			}
			if _, err := w.Write(p); err != nil {
				return fmt.Errorf("tensor %s: %w", quote(s.Name), err)
			}
			done += int64(len(p))
			o.report(done, total)
			return nil
		})
		if err != nil {
			return err
		}
	}
	return w.Commit()
}

// matrix gives a tensor's shape as rows of equal length; a vector or scalar is one row.
func matrix(t tensor.Tensor) (rows, cols int) {
	if len(t.Shape) < 2 {
		return 1, t.Elements()
	}
	return t.Shape[0], tensor.Elements(t.Shape[1:])
}

// isProjector reports whether a tensor is the projector's in the original layout.
func isProjector(name string) bool { return strings.HasPrefix(name, "model.mm_projector.") }
