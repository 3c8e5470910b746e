package main

import (
	"context"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"llavabench/internal/checkpoint"
	"llavabench/internal/synth"
	"llavabench/internal/tensor"
)

const picture = "testdata/images/square.png"

// kinds makes the valid files of every kind.
func (t *torturer) kinds(ctx context.Context) ([]*kind, error) {
	var all []*kind
	for _, group := range []func(context.Context) ([]*kind, error){t.modelKinds, t.imageKinds, t.dataKinds, t.runKinds, t.recordKinds} {
		kinds, err := group(ctx)
		if err != nil {
			return nil, err
		}
		all = append(all, kinds...)
	}
	for _, k := range all {
		for _, c := range k.written {
			c.kind = k
		}
	}
	return all, nil
}

// modelKinds are the files of checkpoints. All have the same weights: those of a small random LLaVA-1.5.
func (t *torturer) modelKinds(ctx context.Context) ([]*kind, error) {
	single := filepath.Join(t.work, "single")
	config, err := synth.ByName("tiny-llava15")
	if err != nil {
		return nil, err
	}
	if err := synth.Write(ctx, nil, config, single, synth.Options{DType: tensor.BF16, Seed: 1}); err != nil {
		return nil, err
	}
	weights, err := checkpoint.OpenSafetensors(filepath.Join(single, "model.safetensors"))
	if err != nil {
		return nil, err
	}
	defer weights.Close()
	// variant copies the checkpoint and has change replace its weights.
	variant := func(name string, change func(dir string) error) (string, error) {
		dir := filepath.Join(t.work, name)
		if err := freshCopy(dir, single); err != nil {
			return "", err
		}
		return dir, change(dir)
	}
	sharded, err := variant("sharded", func(dir string) error {
		if err := os.Remove(filepath.Join(dir, "model.safetensors")); err != nil {
			return err
		}
		return writeShards(dir, weights)
	})
	if err != nil {
		return nil, err
	}
	instead := func(write func(dir string) error) func(string) error {
		return func(dir string) error {
			if err := os.Remove(filepath.Join(dir, "model.safetensors")); err != nil {
				return err
			}
			return write(dir)
		}
	}
	torch, err := variant("torch", instead(func(dir string) error {
		return os.WriteFile(filepath.Join(dir, torchName), torchFile(weights), 0o644)
	}))
	if err != nil {
		return nil, err
	}
	legacy, err := variant("legacy", instead(func(dir string) error {
		return os.WriteFile(filepath.Join(dir, torchName), legacyFile(weights), 0o644)
	}))
	if err != nil {
		return nil, err
	}
	quantised := filepath.Join(t.work, "quantised")
	if p := t.start(ctx, []string{"quantize", "--model", single, "--dtype", "q4", "--out", quantised}); p.code != 0 {
		return nil, fmt.Errorf("quantize: %s", p.stderr)
	}
	json1, err := variant("tokenizer.json", swapTokenizer("internal/tokenizer/testdata/fallback.json"))
	if err != nil {
		return nil, err
	}
	json2, err := variant("tokenizer.json byte level", swapTokenizer("internal/tokenizer/testdata/bytelevel.json"))
	if err != nil {
		return nil, err
	}
	hf := filepath.Join(t.work, "hf")
	if err := synth.Write(ctx, nil, config, hf, synth.Options{DType: tensor.BF16, Seed: 1, Layout: checkpoint.HuggingFace}); err != nil {
		return nil, err
	}
	header := headerLength(single)
	return []*kind{
		{name: "safetensors", base: single, file: "model.safetensors", args: ask, structure: header, written: safetensorsCases(single)},
		{name: "safetensors, 4 bits", base: quantised, file: "model.safetensors", args: ask, structure: header},
		{name: "index of shards", base: sharded, file: "model.safetensors.index.json", args: ask, written: shardCases()},
		{name: "a shard", base: sharded, file: "model-00001-of-00003.safetensors", args: ask, structure: 4096},
		{name: "PyTorch, zip", base: torch, file: torchName, args: ask, sealed: true, structure: 2048, written: torchCases()},
		{name: "PyTorch, before 1.6", base: legacy, file: torchName, args: ask, structure: 8192, written: legacyCases()},
		{name: "config.json", base: single, file: "config.json", args: ask, written: configCases()},
		{name: "config.json, Hugging Face", base: hf, file: "config.json", args: ask, written: hfCases()},
		{name: "config.json of the tower", base: single, file: "vision_tower/config.json", args: ask, written: towerCases()},
		{name: "preprocessor_config.json", base: single, file: "vision_tower/preprocessor_config.json", args: ask, written: preprocessorCases()},
		{name: "tokenizer_config.json", base: single, file: "tokenizer_config.json", args: ask, written: tokenizerConfigCases()},
		{name: "tokenizer.model", base: single, file: "tokenizer.model", args: ask, written: sentencePieceCases(single)},
		{name: "tokenizer.json", base: json1, file: "tokenizer.json", args: ask, written: tokenizerJSONCases()},
		{name: "tokenizer.json, byte level", base: json2, file: "tokenizer.json", args: ask},
	}, nil
}

// ask answers a question with the checkpoint in dir.
func ask(dir string) []string {
	return []string{"run", "--model", dir, "--image", picture, "--prompt", "Hello 12", "--max-new-tokens", "2", "--json"}
}

// writeShards writes tensors in several files with an index.
func writeShards(dir string, f *checkpoint.File) error {
	var specs []checkpoint.Spec
	for _, name := range f.Names() {
		x, _ := f.Tensor(name)
		specs = append(specs, checkpoint.Spec{Name: name, DType: x.DType, Shape: x.Shape})
	}
	w, err := checkpoint.NewWriter(dir, specs, checkpoint.WriterOptions{MaxShardBytes: 280_000})
	if err != nil {
		return err
	}
	defer w.Close()
	for _, s := range specs {
		x, _ := f.Tensor(s.Name)
		if err := w.Begin(s.Name); err != nil {
			return err
		}
		if _, err := w.Write(x.Data); err != nil {
			return err
		}
	}
	return w.Commit()
}

// swapTokenizer puts a tokenizer.json in place of the SentencePiece model.
func swapTokenizer(from string) func(dir string) error {
	return func(dir string) error {
		data, err := os.ReadFile(from)
		if err != nil {
			return err
		}
		for _, name := range []string{"tokenizer.model", "tokenizer_config.json"} {
			if err := os.Remove(filepath.Join(dir, name)); err != nil {
				return err
			}
		}
		return os.WriteFile(filepath.Join(dir, "tokenizer.json"), data, 0o644)
	}
}

func headerLength(dir string) int {
	data, err := os.ReadFile(filepath.Join(dir, "model.safetensors"))
	if err != nil || len(data) < 8 {
		return 0
	}
	return 8 + int(binary.LittleEndian.Uint64(data))
}

// The ways in which written cases damage a file of their kind.

// replaced gives the file other content.
func replaced(file string, content []byte) func(dir string) error {
	return func(dir string) error {
		return os.WriteFile(filepath.Join(dir, filepath.FromSlash(file)), content, 0o644)
	}
}

// edited changes the file's bytes.
func edited(file string, edit func(data []byte) []byte) func(dir string) error {
	return func(dir string) error {
		path := filepath.Join(dir, filepath.FromSlash(file))
		data, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		return os.WriteFile(path, edit(data), 0o644)
	}
}

// swapped replaces text in the file, which must be there.
func swapped(file, from, to string) func(dir string) error {
	return func(dir string) error {
		path := filepath.Join(dir, filepath.FromSlash(file))
		data, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		if !strings.Contains(string(data), from) {
			return fmt.Errorf("%s does not hold %q", file, from)
		}
		return os.WriteFile(path, []byte(strings.Replace(string(data), from, to, 1)), 0o644)
	}
}

// set gives keys of a JSON object other values; a value nil removes the key. Keys of nested objects are joined by dots.
func set(file string, values map[string]any) func(dir string) error {
	return func(dir string) error {
		path := filepath.Join(dir, filepath.FromSlash(file))
		data, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		var object map[string]any
		if err := json.Unmarshal(data, &object); err != nil {
			return err
		}
		for key, value := range values {
			parts := strings.Split(key, ".")
			in := object
			for _, p := range parts[:len(parts)-1] {
				sub, ok := in[p].(map[string]any)
				if !ok {
					sub = map[string]any{}
					in[p] = sub
				}
				in = sub
			}
			if last := parts[len(parts)-1]; value == nil {
				delete(in, last)
			} else {
				in[last] = value
			}
		}
		out, err := json.MarshalIndent(object, "", "  ")
		if err != nil {
			return err
		}
		return os.WriteFile(path, out, 0o644)
	}
}

// steps applies several.
func steps(all ...func(dir string) error) func(dir string) error {
	return func(dir string) error {
		for _, s := range all {
			if err := s(dir); err != nil {
				return err
			}
		}
		return nil
	}
}

// removed deletes a file.
func removed(file string) func(dir string) error {
	return func(dir string) error { return os.Remove(filepath.Join(dir, filepath.FromSlash(file))) }
}

// as puts something else than a regular file in its place.
func as(file string, make func(path string) error) func(dir string) error {
	return steps(removed(file), func(dir string) error { return make(filepath.Join(dir, filepath.FromSlash(file))) })
}

// listOf makes trials for one file out of names, damages and words.
type listed struct {
	name   string
	damage func(dir string) error
	says   []string
}

func trials(list []listed) []*trial {
	var out []*trial
	for _, l := range list {
		out = append(out, &trial{name: l.name, damage: l.damage, says: l.says, ok: slices.Equal(l.says, valid)})
	}
	return out
}

// valid marks a file that must be accepted.
var valid = []string{"accepted"}
