package checkpoint

import (
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"llavabench/internal/tensor"
)

const (
	maxIndexBytes = 100_000_000 // as a safetensors header
	maxShards     = 10_000
)

// weights are the tensors of one directory with the files that hold them.
type weights struct {
	dir     string
	options OpenOptions
	files   []*mapped
	index   string // name of the index file; "" for none
	tensors []tensor.Tensor
	notes   []string
}

func (w *weights) Close() error {
	var errs []error
	for _, f := range w.files {
		errs = append(errs, f.Close())
	}
	w.files, w.tensors = nil, nil
	return errors.Join(errs...)
}

// containers in the order in which they are looked for, as transformers does.
var containers = []string{"model.safetensors", "model.safetensors.index.json", "pytorch_model.bin", "pytorch_model.bin.index.json"}

// openWeights opens the tensors of a directory: one file or an index with its shards, safetensors before pickles.
func openWeights(dir string, o OpenOptions) (*weights, error) {
	var found []string
	for _, name := range containers {
		if hasFile(dir, name) {
			found = append(found, name)
		}
	}
	if len(found) == 0 {
		return nil, noWeights(dir)
	}
	w := &weights{dir: dir, options: o}
	if len(found) > 1 {
		w.notes = append(w.notes, fmt.Sprintf("%s holds %s: %s is used", dir, strings.Join(found, ", "), found[0]))
	}
	var err error
	if strings.HasSuffix(found[0], ".json") {
		err = w.openSharded(found[0])
	} else {
		err = w.openFile(found[0])
	}
	if err != nil {
		w.Close()
		return nil, err
	}
	return w, nil
}

// noWeights says why a directory cannot be opened.
func noWeights(dir string) error {
	names := listNames(dir, 1000)
	for _, n := range names {
		switch {
		case n == "adapter_config.json" || strings.HasPrefix(n, "adapter_model."):
			return errf(ErrUnsupported, "%s is a LoRA adapter without the base weights: merge it first", dir)
		case strings.HasPrefix(n, "consolidated."):
			return errf(ErrUnsupported, "%s holds weights in Meta's own layout (%s): convert them to the transformers layout first", dir, quote(n))
		case strings.HasSuffix(n, ".gguf"):
			return errf(ErrUnsupported, "%s holds a GGUF file (%s), which is not read here", dir, quote(n))
		case strings.Contains(n, "-of-") && (strings.HasSuffix(n, ".safetensors") || strings.HasSuffix(n, ".bin")):
			return errf(ErrNotFound, "%s holds shards such as %s but no index file (%s or %s)", dir, quote(n), containers[1], containers[3])
		}
	}
	return errf(ErrNotFound, "%s holds no weights: looked for %s; it holds %q", dir, strings.Join(containers, ", "), names[:min(len(names), 20)])
}

// openFile adds the tensors of one file.
func (w *weights) openFile(name string) error {
	path, err := member(w.dir, name)
	if err != nil {
		return err
	}
	m, err := mapFile(path)
	if err != nil {
		return err
	}
	w.files = append(w.files, m)
	return CatchFault(func() error {
		if filepath.Ext(name) == ".bin" {
			tensors, err := parseTorch(path, m.data, !w.options.SkipChecksums)
			w.tensors = append(w.tensors, tensors...)
			return err
		}
		tensors, _, err := parseSafetensors(path, m.data)
		w.tensors = append(w.tensors, tensors...)
		if err != nil {
			return sniffed(err, m.data)
		}
		return nil
	})
}

// openSharded opens every shard that an index names and checks that index and shards name the same tensors.
func (w *weights) openSharded(index string) error {
	w.index = index
	path, err := member(w.dir, index)
	if err != nil {
		return err
	}
	data, err := readSmall(path, maxIndexBytes)
	if err != nil {
		return err
	}
	total, weightMap, err := parseIndex(data)
	if err != nil {
		return sniffed(fmt.Errorf("%s: %w", path, err), data)
	}
	var shards []string
	seen := map[string]bool{}
	for _, shard := range weightMap {
		if !seen[shard] {
			seen[shard] = true
			shards = append(shards, shard)
		}
	}
	if len(shards) > maxShards {
		return errf(ErrTooLarge, "%s names %d shards, expected at most %d", path, len(shards), maxShards)
	}
	slices.Sort(shards)
	ext := ".safetensors"
	if strings.Contains(index, ".bin.") {
		ext = ".bin"
	}
	held := make(map[string]string, len(weightMap))
	var sum uint64
	for _, shard := range shards {
		if filepath.Ext(shard) != ext {
			return errf(ErrFormat, "%s names shard %s, expected a name that ends in %s", path, quote(shard), ext)
		}
		first := len(w.tensors)
		if err := w.openFile(shard); err != nil {
			if errors.Is(err, ErrNotFound) {
				return errf(ErrNotFound, "shard that %s names: %w%s", path, err, incompleteHint(w.dir))
			}
			return err
		}
		for _, t := range w.tensors[first:] {
			if other, ok := held[t.Name]; ok {
				return errf(ErrMismatch, "tensor %s is in two shards of %s: %q and %q", quote(t.Name), w.dir, other, shard)
			}
			held[t.Name] = shard
			sum += uint64(len(t.Data))
		}
	}
	if err := compareIndex(path, weightMap, held); err != nil {
		return err
	}
	if total != "" && total != number(fmt.Sprint(sum)) {
		w.notes = append(w.notes, fmt.Sprintf("%s states a total size of %s bytes, the tensors take %d", path, total, sum))
	}
	return nil
}

// compareIndex checks that the index and the shards agree about which shard holds which tensor.
func compareIndex(path string, weightMap, held map[string]string) error {
	var wrong []string
	for name, shard := range weightMap {
		if got, ok := held[name]; !ok {
			wrong = append(wrong, fmt.Sprintf("%s is in no shard, expected in %q", quote(name), shard))
		} else if got != shard {
			wrong = append(wrong, fmt.Sprintf("%s is in %q, expected in %q", quote(name), got, shard))
		}
	}
	for name, shard := range held {
		if _, ok := weightMap[name]; !ok {
			wrong = append(wrong, fmt.Sprintf("%s is in %q, but not in the index", quote(name), shard))
		}
	}
	if len(wrong) == 0 {
		return nil
	}
	slices.Sort(wrong)
	return errf(ErrMismatch, "%s: %d tensors disagree with the shards: %s", path, len(wrong), firstFew(wrong, 3))
}

// parseIndex reads the index of a sharded checkpoint: the total size as written ("" for none) and the shard of every tensor.
func parseIndex(data []byte) (total number, weightMap map[string]string, err error) {
	r := &jsonReader{data: data}
	err = r.object(func(key string) error {
		switch key {
		case "metadata":
			return r.object(func(key string) error {
				if c := r.peek(); key == "total_size" && c != '"' && c != '{' && c != '[' && c != 'n' {
					total, err = r.number()
					return err
				}
				return r.skip()
			})
		case "weight_map":
			weightMap = map[string]string{}
			return r.object(func(name string) error {
				if name == "" || len(name) > maxNameBytes {
					return r.errorf("tensor name of %d bytes, expected 1 to %d", len(name), maxNameBytes)
				}
				shard, err := r.string()
				if err == nil && !plainName(shard) {
					return errf(ErrPath, "weight_map places %s in %s: expected a plain file name", quote(name), quote(shard))
				}
				weightMap[name] = shard
				return err
			})
		}
		return r.skip()
	})
	if err == nil {
		err = r.end()
	}
	if err == nil && len(weightMap) == 0 {
		err = errf(ErrFormat, "weight_map is missing or empty")
	}
	return total, weightMap, err
}

// firstFew joins at most n strings and counts the others.
func firstFew(list []string, n int) string {
	if len(list) <= n {
		return strings.Join(list, "; ")
	}
	return fmt.Sprintf("%s; and %d more", strings.Join(list[:n], "; "), len(list)-n)
}
