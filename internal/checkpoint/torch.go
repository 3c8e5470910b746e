package checkpoint

import (
	"bytes"
	"fmt"
	"hash/crc32"
	"math"
	"math/bits"
	"runtime"
	"strings"
	"sync"

	"llavabench/internal/tensor"
)

// parseTorch reads a dictionary of tensors as torch.save writes it: a zip archive with a pickle and one stored entry per
// storage, or the format before PyTorch 1.6. Tensors that are contiguous point into data; others are gathered. With
// checksums the CRC-32 of every entry is compared.
//
// Reference: PyTorch, torch/serialization.py and caffe2/serialize/inline_container.cc.
func parseTorch(path string, data []byte, checksums bool) ([]tensor.Tensor, error) {
	switch {
	case bytes.HasPrefix(data, []byte("PK\x03\x04")):
		return parseTorchZip(path, data, checksums)
	case bytes.HasPrefix(data, []byte(legacyMagic)):
		return parseTorchLegacy(path, data)
	}
	what := looksLike(data)
	if what == "" {
		what = "something else"
	}
	return nil, errf(ErrFormat, "%s is not a PyTorch file: it looks like %s", path, what)
}

// torchVersion is the version of the archive's layout that PyTorch has written since 1.6.
const torchVersion = "3"

func parseTorchZip(path string, data []byte, checksums bool) ([]tensor.Tensor, error) {
	entries, err := readZip(path, data)
	if err != nil {
		return nil, err
	}
	pickle, storages, err := sortEntries(path, entries)
	if err != nil {
		return nil, err
	}
	if err := checkCRC(path, entries, checksums); err != nil {
		return nil, err
	}
	value, n, err := readPickle(pickle)
	if err == nil && n != len(pickle) {
		err = errf(ErrFormat, "pickle ends at byte %d of %d", n, len(pickle))
	}
	if err != nil {
		return nil, fmt.Errorf("%s: data.pkl: %w", path, err)
	}
	return tensorsOf(path, value, storages, len(data))
}

// sortEntries finds the pickle and the storages of an archive and refuses entries that have no place in a file of tensors.
func sortEntries(path string, entries []zipEntry) (pickle []byte, storages map[string][]byte, err error) {
	storages = map[string][]byte{}
	top, version := "", ""
	for _, e := range entries {
		folder, name, ok := strings.Cut(e.name, "/")
		if top == "" {
			top = folder
		}
		key, isData := strings.CutPrefix(name, "data/")
		switch {
		case !ok || folder != top:
			return nil, nil, errf(ErrFormat, "%s: archive entry %s lies outside the folder %s", path, quote(e.name), quote(top))
		case isData && !strings.Contains(key, "/"):
			storages[key] = e.data
		case name == "data.pkl":
			pickle = e.data
		case name == "version":
			version = strings.TrimSpace(string(e.data[:min(len(e.data), 64)]))
		case name == "byteorder":
			if order := string(e.data[:min(len(e.data), 64)]); order != "little" {
				return nil, nil, errf(ErrUnsupported, "%s: byte order is %s, expected \"little\"", path, quote(order))
			}
		case name == ".data/serialization_id" || name == ".format_version" || name == ".storage_alignment":
		case name == "constants.pkl" || strings.HasPrefix(name, "code/"):
			return nil, nil, errf(ErrUnsupported, "%s is a TorchScript program (it has %s), not a file of tensors: save its state_dict, or use the model in the transformers layout", path, quote(e.name))
		default:
			return nil, nil, errf(ErrUnsafe, "%s: archive entry %s has no place in a file of tensors", path, quote(e.name))
		}
	}
	switch {
	case pickle == nil:
		return nil, nil, errf(ErrFormat, "%s is a zip archive without data.pkl: not a PyTorch file", path)
	case version != torchVersion:
		return nil, nil, errf(ErrUnsupported, "%s: archive version is %s, expected %q", path, quote(version), torchVersion)
	}
	return pickle, storages, nil
}

// checkCRC compares the CRC-32 of the entries: of all, or of those that are not storages.
func checkCRC(path string, entries []zipEntry, all bool) error {
	var wg sync.WaitGroup
	errs := make([]error, len(entries))
	slots := make(chan struct{}, runtime.GOMAXPROCS(0))
	for i, e := range entries {
		if !all && strings.Contains(e.name, "/data/") {
			continue
		}
		slots <- struct{}{}
		wg.Go(func() {
			defer func() { <-slots }()
			errs[i] = CatchFault(func() error {
				if got := crc32.ChecksumIEEE(e.data); got != e.crc {
					return errf(ErrMismatch, "%s: archive entry %s has CRC %08x, its directory says %08x: the file is damaged", path, quote(e.name), got, e.crc)
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
	return nil
}

// tensorsOf turns the value of a pickle into tensors over the storages. At most limit bytes are gathered.
func tensorsOf(path string, value any, storages map[string][]byte, limit int) ([]tensor.Tensor, error) {
	dict, ok := value.(*pyDict)
	if !ok {
		return nil, errf(ErrFormat, "%s holds %s, expected a dictionary of tensors", path, describeValue(value))
	}
	tensors := make([]tensor.Tensor, 0, len(dict.keys))
	for _, k := range dict.keys {
		name, ok := k.(string)
		if !ok || name == "" || len(name) > maxNameBytes {
			return nil, errf(ErrFormat, "%s: tensor name is %s of %d bytes, expected a string of 1 to %d", path, describeValue(k), len(name), maxNameBytes)
		}
		view, ok := dict.values[k].(*pyTensor)
		if !ok {
			return nil, errf(ErrUnsupported, "%s: %s is %s, expected a tensor", path, quote(name), describeValue(dict.values[k]))
		}
		raw, ok := storages[view.storage.key]
		if !ok {
			return nil, errf(ErrMismatch, "%s: tensor %s uses storage %s, which the file lacks", path, quote(name), quote(view.storage.key))
		}
		t, gathered, err := view.over(raw, limit)
		if err != nil {
			return nil, fmt.Errorf("%s: tensor %s: %w", path, quote(name), err)
		}
		limit -= gathered
		t.Name, t.File = name, path
		tensors = append(tensors, t)
	}
	return tensors, nil
}

// over lays a view over the bytes of its storage.
func (v *pyTensor) over(raw []byte, limit int) (t tensor.Tensor, gathered int, err error) {
	width := uint64(v.storage.dtype.Size())
	hi, total := bits.Mul64(v.storage.numel, width)
	if hi != 0 || total != uint64(len(raw)) {
		return t, 0, errf(ErrMismatch, "storage %s has %d bytes, but %d elements of %s were saved", quote(v.storage.key), len(raw), v.storage.numel, v.storage.dtype)
	}
	t = tensor.Tensor{DType: v.storage.dtype, Shape: make([]int, len(v.shape))}
	elements, last := uint64(1), v.offset
	for i, n := range v.shape {
		if n > math.MaxInt {
			return t, 0, errf(ErrFormat, "dimension %d is too large", n)
		}
		t.Shape[i] = int(n)
		hi, elements = bits.Mul64(elements, n)
		if hi != 0 {
			return t, 0, errf(ErrOverflow, "the product of size %v exceeds 64 bits", v.shape)
		}
		if n == 0 {
			continue
		}
		hi, step := bits.Mul64(n-1, v.stride[i])
		var carry uint64
		last, carry = bits.Add64(last, step, 0)
		if hi != 0 || carry != 0 {
			return t, 0, errf(ErrOverflow, "size %v with stride %v exceeds 64 bits", v.shape, v.stride)
		}
	}
	if elements == 0 {
		return t, 0, nil
	}
	if last >= v.storage.numel {
		return t, 0, errf(ErrMismatch, "element %d lies outside the storage of %d: offset %d, size %v, stride %v", last, v.storage.numel, v.offset, v.shape, v.stride)
	}
	if v.contiguous() {
		begin := v.offset * width
		end := begin + elements*width
		t.Data = raw[begin:end:end]
		return t, 0, nil
	}
	hi, need := bits.Mul64(elements, width)
	if hi != 0 || need > uint64(limit) {
		return t, 0, errf(ErrTooLarge, "size %v with stride %v would take %d bytes when laid out: views repeat more than the file holds", v.shape, v.stride, need)
	}
	t.Data = v.gather(raw, int(need), int(width))
	return t, int(need), nil
}

// contiguous reports whether the view is row-major without gaps. Strides of dimensions of one element do not matter.
func (v *pyTensor) contiguous() bool {
	want := uint64(1)
	for i := len(v.shape) - 1; i >= 0; i-- {
		if v.shape[i] == 1 {
			continue
		}
		if v.stride[i] != want {
			return false
		}
		want *= v.shape[i]
	}
	return true
}

// gather copies the elements of a view into row-major order.
func (v *pyTensor) gather(raw []byte, need, width int) []byte {
	out := make([]byte, 0, need)
	index := make([]uint64, len(v.shape))
	at := v.offset
	for len(out) < need {
		out = append(out, raw[int(at)*width:int(at)*width+width]...)
		for d := len(index) - 1; d >= 0; d-- {
			index[d]++
			at += v.stride[d]
			if index[d] < v.shape[d] {
				break
			}
			at -= index[d] * v.stride[d]
			index[d] = 0
		}
	}
	return out
}
