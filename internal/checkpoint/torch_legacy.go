package checkpoint

import (
	"encoding/binary"
	"fmt"
	"math/bits"

	"llavabench/internal/tensor"
)

// legacyMagic is how a file of PyTorch before 1.6 begins: a pickle of the integer 0x1950a86a20f9469cfc6c.
const legacyMagic = "\x80\x02\x8a\x0a\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19."

// legacyProtocol follows the magic number.
const legacyProtocol = 1001

// parseTorchLegacy reads the format before zip archives: pickles of a magic number, a protocol number, a dictionary about
// the system, the tensors and the list of storage keys; then per key the number of elements and the raw data.
//
// Reference: PyTorch, torch/serialization.py (_legacy_save).
func parseTorchLegacy(path string, data []byte) ([]tensor.Tensor, error) {
	at := len(legacyMagic)
	next := func(what string) (any, error) {
		v, n, err := readPickle(data[at:])
		if err != nil {
			return nil, fmt.Errorf("%s: %s at byte %d: %w", path, what, at, err)
		}
		at += n
		return v, nil
	}
	protocol, err := next("protocol number")
	if err != nil {
		return nil, err
	}
	if protocol != any(int64(legacyProtocol)) {
		return nil, errf(ErrFormat, "%s: protocol number is %v, expected %d", path, protocol, legacyProtocol)
	}
	system, err := next("system description")
	if err != nil {
		return nil, err
	}
	if d, ok := system.(*pyDict); !ok || d.values["little_endian"] != any(true) {
		return nil, errf(ErrUnsupported, "%s was not saved on a little-endian system", path)
	}
	value, err := next("tensors")
	if err != nil {
		return nil, err
	}
	keys, err := next("storage keys")
	if err != nil {
		return nil, err
	}
	storages, err := legacyStorages(path, value, keys, data[at:])
	if err != nil {
		return nil, err
	}
	return tensorsOf(path, value, storages, len(data))
}

// legacyStorages cuts the raw data into storages. Their element types are those with which the tensors refer to them.
func legacyStorages(path string, value, keys any, rest []byte) (map[string][]byte, error) {
	list, ok := keys.(*pyList)
	if !ok {
		return nil, errf(ErrFormat, "%s: storage keys are %s, expected a list", path, describeValue(keys))
	}
	types := map[string]tensor.DType{}
	if dict, ok := value.(*pyDict); ok {
		for _, v := range dict.values {
			if t, ok := v.(*pyTensor); ok {
				types[t.storage.key] = t.storage.dtype
			}
		}
	}
	storages := map[string][]byte{}
	for _, k := range list.items {
		key, _ := k.(string)
		dtype, known := types[key]
		if _, twice := storages[key]; !known || twice {
			return nil, errf(ErrMismatch, "%s: storage %s is used by no tensor, or listed twice", path, quote(describeValue(k)))
		}
		if len(rest) < 8 {
			return nil, errf(ErrTruncated, "%s: ends before storage %s", path, quote(key))
		}
		hi, n := bits.Mul64(binary.LittleEndian.Uint64(rest), uint64(dtype.Size()))
		rest = rest[8:]
		if hi != 0 || n > uint64(len(rest)) {
			return nil, errf(ErrTruncated, "%s: storage %s needs %d bytes, but %d are left", path, quote(key), n, len(rest))
		}
		storages[key], rest = rest[:n:n], rest[n:]
	}
	if len(rest) != 0 {
		return nil, errf(ErrFormat, "%s: %d bytes follow the last storage", path, len(rest))
	}
	return storages, nil
}
