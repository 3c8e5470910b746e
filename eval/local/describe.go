package local

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"llavabench/internal/checkpoint"
	"llavabench/internal/pipeline"
	"llavabench/internal/rundir"
	"llavabench/internal/tensor"
)

// Describe identifies the checkpoint for a manifest, with the digest of every file.
func Describe(ctx context.Context, p *pipeline.Pipeline, model string, progress func(stage string, done, total int)) (rundir.System, error) {
	options, err := json.Marshal(p.Settings())
	if err != nil {
		return rundir.System{}, err
	}
	files, err := digests(ctx, p, progress)
	if err != nil {
		return rundir.System{}, err
	}
	return rundir.System{Model: model, Variant: p.Variant().Name, DType: p.DType(), Numerics: p.Numerics(), KV: p.KVDType(), Options: options, Files: files}, nil
}

// Verify compares the files of the checkpoint with what Describe found before; an error of class checkpoint.ErrChanged names
// the one that differs.
func Verify(ctx context.Context, p *pipeline.Pipeline, before rundir.System, progress func(stage string, done, total int)) error {
	files, err := digests(ctx, p, progress)
	if err != nil {
		return err
	}
	for i, f := range files {
		if b := before.Files[i]; f != b {
			return fmt.Errorf("%s %w during the run: it had %d bytes of SHA-256 %s, now %d of %s", f.Name, checkpoint.ErrChanged, b.Size, b.SHA256, f.Size, f.SHA256)
		}
	}
	return nil
}

func digests(ctx context.Context, p *pipeline.Pipeline, progress func(stage string, done, total int)) ([]rundir.File, error) {
	files, err := p.Checkpoint().Digest(ctx, func(done, total int64) {
		if progress != nil {
			progress("digests, MB", int(done>>20), int(total>>20))
		}
	})
	if err != nil {
		return nil, err
	}
	var out []rundir.File
	for _, f := range files {
		name, err := rundir.NameFrom(p.Checkpoint().Dir, f.Path)
		if err != nil {
			return nil, err
		}
		out = append(out, rundir.File{Name: name, Size: f.Size, SHA256: f.SHA256})
	}
	tokenizer, err := tokenizerDigests(ctx, p)
	return append(out, tokenizer...), err
}

// tokenizerFiles are the files that a tokenizer may be read from.
var tokenizerFiles = []string{"tokenizer.model", "tokenizer.json", "vocab.json", "merges.txt", "tokenizer_config.json", "special_tokens_map.json", "added_tokens.json"}

func tokenizerDigests(ctx context.Context, p *pipeline.Pipeline) ([]rundir.File, error) {
	if p.Tokenizer() == nil {
		return nil, nil
	}
	dir := filepath.Dir(p.Tokenizer().Info().File)
	var out []rundir.File
	for _, base := range tokenizerFiles {
		path := filepath.Join(dir, base)
		name, err := rundir.NameFrom(p.Checkpoint().Dir, path)
		if err != nil {
			return nil, err
		}
		f, err := rundir.HashFile(ctx, path, name)
		switch {
		case errors.Is(err, os.ErrNotExist):
		case err != nil:
			return nil, err
		default:
			out = append(out, f)
		}
	}
	return out, nil
}

// NotFinite reads all weights and names the first that is infinite or NaN; "" when there is none. Answers that need such a
// weight fail; one in a row that is never used does no harm.
func NotFinite(ctx context.Context, p *pipeline.Pipeline) (string, error) {
	c := p.Checkpoint()
	for _, part := range []struct {
		name string
		src  tensor.Source
	}{{"vision tower", c.Vision()}, {"projector", c.Projector()}, {"row end", c.Extra()}, {"decoder", c.LLM()}} {
		switch err := checkpoint.CheckFinite(ctx, part.src); {
		case errors.Is(err, checkpoint.ErrFormat):
			return fmt.Sprintf("%s: %v; answers that need it fail", part.name, err), nil
		case err != nil:
			return "", err
		}
	}
	return "", nil
}
