package checkpoint

import (
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"llavabench/internal/tensor"
)

// counting is n little-endian float32 whose bits count from 0.
func counting(n int) []byte {
	var out []byte
	for i := range n {
		out = binary.LittleEndian.AppendUint32(out, uint32(i))
	}
	return out
}

func words(data []byte) (out []int) {
	for ; len(data) > 0; data = data[4:] {
		out = append(out, int(binary.LittleEndian.Uint32(data)))
	}
	return out
}

// one is the simplest tensor: six float32 in storage 0.
var one = tensorSpec{"w", "FloatStorage", "0", 6, 0, []int{2, 3}, []int{3, 1}}

func (t tensorSpec) with(change func(*tensorSpec)) tensorSpec { change(&t); return t }

func TestTorchViews(t *testing.T) {
	file := func(v tensorSpec) []byte {
		return torchFile(newPickler().dict(v).stop(), zipItem{name: "0", data: counting(v.numel)})
	}
	for _, c := range []struct {
		name   string
		view   tensorSpec
		want   []int
		shared bool // points into the file
	}{
		{"contiguous", one, []int{0, 1, 2, 3, 4, 5}, true},
		{"slice", one.with(func(s *tensorSpec) { s.offset, s.size, s.stride = 2, []int{3}, []int{1} }), []int{2, 3, 4}, true},
		{"transposed", one.with(func(s *tensorSpec) { s.size, s.stride = []int{3, 2}, []int{1, 3} }), []int{0, 3, 1, 4, 2, 5}, false},
		{"every other", one.with(func(s *tensorSpec) { s.offset, s.size, s.stride = 1, []int{3}, []int{2} }), []int{1, 3, 5}, false},
		{"repeated", one.with(func(s *tensorSpec) { s.size, s.stride = []int{3, 2}, []int{0, 1} }), []int{0, 1, 0, 1, 0, 1}, false},
		{"one row of any stride", one.with(func(s *tensorSpec) { s.size, s.stride = []int{1, 6}, []int{99, 1} }), []int{0, 1, 2, 3, 4, 5}, true},
		{"scalar", one.with(func(s *tensorSpec) { s.offset, s.size, s.stride = 4, nil, nil }), []int{4}, true},
		{"empty", one.with(func(s *tensorSpec) { s.size, s.stride = []int{0, 3}, []int{3, 1} }), nil, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			data := file(c.view)
			tensors, err := parseTorch("x.bin", data, true)
			require.NoError(t, err)
			require.Len(t, tensors, 1)
			require.Equal(t, tensor.F32, tensors[0].DType)
			require.Equal(t, c.want, words(tensors[0].Data))
			if len(c.want) > 0 {
				before := tensors[0].Data[0]
				for i := range data {
					data[i]++
				}
				require.Equal(t, c.shared, before != tensors[0].Data[0])
			}
		})
	}
}

// Forms that real files take beyond the plainest.
func TestTorchForms(t *testing.T) {
	w := []zipItem{{name: "0", data: counting(6)}}
	build := func(p *pickler) []byte { return torchFile(p.stop(), w...) }
	orderedDict := newPickler().global("collections", "OrderedDict").op(opEmptyTuple, opReduce, opMark).str("w").tensor(one).op(opSetItems)
	for name, data := range map[string][]byte{
		"ordered, with _metadata": build(orderedDict.op(opEmptyDict).str("_metadata").op(opEmptyDict, opSetItem, opBuild)),
		"parameter": build(newPickler().op(opEmptyDict).str("w").global("torch._utils", "_rebuild_parameter").op(opMark).tensor(one).
			op(opNewTrue).global("collections", "OrderedDict").op(opEmptyTuple, opReduce, opTuple, opReduce, opSetItem)),
		"sizes in the local header": buildZip(zipItem{name: "a/data.pkl", data: newPickler().dict(one).stop(), stated: true},
			zipItem{name: "a/data/0", data: counting(6), stated: true}, zipItem{name: "a/version", data: []byte("3\n"), stated: true}),
		"with byte order and id": buildZip(zipItem{name: "a/data.pkl", data: newPickler().dict(one).stop()}, zipItem{name: "a/byteorder", data: []byte("little")},
			zipItem{name: "a/data/0", data: counting(6)}, zipItem{name: "a/version", data: []byte("3\n")}, zipItem{name: "a/.data/serialization_id", data: []byte("12")}),
		"protocol 4 names": build((&pickler{opProto, 4, opFrame, 0, 0, 0, 0, 0, 0, 0, 0, opEmptyDict}).str("w").
			op(opShortUnicode, 12).op([]byte("torch._utils")...).op(opMemoize, opShortUnicode, 18).op([]byte("_rebuild_tensor_v2")...).op(opStackGlobal, opMark).
			storage(one).int(0).ints(2, 3).ints(3, 1).op(opNewFalse, opNone, opTuple, opReduce, opSetItem)),
		"before 1.6": legacyFile(legacyProtocol, opNewTrue, newPickler().dict(one).stop(), []string{"0"}, counting(6)),
	} {
		t.Run(name, func(t *testing.T) {
			tensors, err := parseTorch("x.bin", data, true)
			require.NoError(t, err)
			require.Len(t, tensors, 1)
			require.Equal(t, "w", tensors[0].Name)
			require.Equal(t, []int{2, 3}, tensors[0].Shape)
			require.Equal(t, []int{0, 1, 2, 3, 4, 5}, words(tensors[0].Data))
		})
	}
}

// Tensors that share a storage are all there, and its bytes are not copied.
func TestTorchSharedStorage(t *testing.T) {
	tied := one.with(func(s *tensorSpec) { s.name = "tied" })
	row := one.with(func(s *tensorSpec) { s.name, s.offset, s.size, s.stride = "row", 3, []int{3}, []int{1} })
	tensors, err := parseTorch("x.bin", torchFile(newPickler().dict(one, tied, row).stop(), zipItem{name: "0", data: counting(6)}), true)
	require.NoError(t, err)
	require.Len(t, tensors, 3)
	require.Same(t, &tensors[0].Data[0], &tensors[1].Data[0])
	require.Same(t, &tensors[0].Data[12], &tensors[2].Data[0])
}

// Files that PyTorch itself wrote, in three forms, with what it read back from them.
func TestTorchFiles(t *testing.T) {
	var want map[string]map[string]struct {
		Shape []int
		Hex   string
	}
	data, err := os.ReadFile("testdata/torch/want.json")
	require.NoError(t, err)
	require.NoError(t, json.Unmarshal(data, &want))
	for name, tensors := range want {
		for _, form := range []string{"zip", "legacy", "protocol4"} {
			path := filepath.Join("testdata/torch", name+"."+form+".bin")
			m, err := mapFile(path)
			require.NoError(t, err)
			got, err := parseTorch(path, m.data, true)
			require.NoError(t, err)
			require.Len(t, got, len(tensors))
			for _, x := range got {
				require.Equal(t, tensors[x.Name].Shape, x.Shape, "%s: %s", path, x.Name)
				require.Equal(t, tensors[x.Name].Hex, hex.EncodeToString(x.Data), "%s: %s", path, x.Name)
			}
			require.NoError(t, m.Close())
		}
	}
}

// Without checksums the storages are not read, the rest is.
func TestTorchSkipChecksums(t *testing.T) {
	good := newPickler().dict(one).stop()
	damaged := torchFile(good, zipItem{name: "0", data: counting(6), crc: 1})
	_, err := parseTorch("x.bin", damaged, true)
	require.ErrorIs(t, err, ErrMismatch)
	_, err = parseTorch("x.bin", damaged, false)
	require.NoError(t, err)
	_, err = parseTorch("x.bin", buildZip(zipItem{name: "a/data.pkl", data: good, crc: 1}, zipItem{name: "a/version", data: []byte("3\n")}), false)
	require.ErrorIs(t, err, ErrMismatch)
}

// malformedPickles are the bodies of data.pkl that must be refused.
func malformedPickles() []malformed {
	call := func(module, name string) []byte {
		return newPickler().global(module, name).op(opMark).str("touch /tmp/x").op(opTuple, opReduce).stop()
	}
	raw := func(b ...byte) []byte { return append([]byte{opProto, 2}, b...) }
	dictOf := func(change func(*tensorSpec)) []byte { return newPickler().dict(one.with(change)).stop() }
	deep := newPickler()
	for range 1 << 15 {
		deep.op(opTuple1)
	}
	return []malformed{
		{"PK-01 os.system", call("os", "system"), ErrUnsafe, `"os.system"`},
		{"PK-01 eval", call("builtins", "eval"), ErrUnsafe, `"builtins.eval"`},
		{"PK-01 posix", call("posix", "system"), ErrUnsafe, `"posix.system"`},
		{"PK-02 garbage behind", append(call("nt", "system"), "\xff\xff garbage"...), ErrUnsafe, `"nt.system"`},
		{"PK-03 pip", call("pip", "main"), ErrUnsafe, `"pip.main"`},
		{"PK-03 hub", call("torch.hub", "load"), ErrUnsafe, `"torch.hub.load"`},
		{"PK-03 numpy", call("numpy.f2py.crackfortran", "_eval_length"), ErrUnsafe, "numpy"},
		{"PK-04 names from the memo", newPickler().str("os").op(opBinPut, 0).str("system").op(opBinPut, 1, opPop, opPop, opBinGet, 0, opBinGet, 1, opStackGlobal).stop(), ErrUnsafe, `"os.system"`},
		{"PK-04 attributes", newPickler().str("torch").str("storage.os.system").op(opStackGlobal).stop(), ErrUnsafe, `"torch.storage.os.system"`},
		{"PK-04 names that are not strings", newPickler().int(1).str("x").op(opStackGlobal).stop(), ErrFormat, "an integer"},
		{"PK-05 NUL in a module", newPickler().global("collections\x00", "OrderedDict").stop(), ErrUnsafe, `"collections\x00.OrderedDict"`},
		{"PK-05 space in a name", newPickler().global("torch", "FloatStorage x").stop(), ErrUnsafe, "FloatStorage x"},
		{"PK-05 no newline", raw(append([]byte{opGlobal}, "os"...)...), ErrTruncated, "line"},
		{"PK-06 BUILD of a tensor", newPickler().tensor(one).op(opEmptyDict, opBuild).stop(), ErrUnsafe, "state of a tensor"},
		{"PK-06 INST", raw('i'), ErrUnsafe, "INST"},
		{"PK-06 OBJ", raw('o'), ErrUnsafe, "OBJ"},
		{"PK-06 NEWOBJ", raw(0x81), ErrUnsafe, "NEWOBJ"},
		{"PK-06 NEWOBJ_EX", raw(0x92), ErrUnsafe, "NEWOBJ_EX"},
		{"PK-06 call of a storage class", newPickler().global("torch", "FloatStorage").op(opEmptyTuple, opReduce).stop(), ErrUnsafe, "FloatStorage"},
		{"PK-06 call of a string", newPickler().str("x").op(opEmptyTuple, opReduce).stop(), ErrUnsafe, "calls x"},
		{"PK-06 OrderedDict of something", newPickler().global("collections", "OrderedDict").op(opNone, opTuple1, opReduce).stop(), ErrUnsafe, "1 arguments"},
		{"PK-07 EXT1", raw(0x82), ErrUnsafe, "EXT1"},
		{"PK-07 PERSID", raw('P'), ErrUnsafe, "PERSID"},
		{"PK-07 NEXT_BUFFER", raw(0x97), ErrUnsafe, "NEXT_BUFFER"},
		{"PK-07 other persistent id", newPickler().str("module").op(opTuple1, opBinPersID).stop(), ErrFormat, "persistent id"},
		{"PK-08 unknown opcode", raw(0xff), ErrFormat, "byte 2: unknown opcode 0xff"},
		{"PK-08 protocol 6", []byte{opProto, 6, opNone, opStop}, ErrUnsupported, "protocol 6"},
		{"PK-08 protocol twice", raw(opProto, 2, opNone, opStop), ErrUnsupported, "at the start"},
		{"PK-08 truncated argument", raw(opBinInt, 1), ErrTruncated, "4 bytes are needed, but 1 are left"},
		{"PK-08 no stop", raw(opNone), ErrTruncated, "byte 3"},
		{"PK-08 bytes behind", append(newPickler().dict(one).stop(), 0), ErrFormat, "pickle ends at byte"},
		{"PK-08 two values", raw(opNone, opNone, opStop), ErrFormat, "2 values"},
		{"PK-09 LONG4", raw(opLong4, 0xff, 0xff, 0xff, 0x7f), ErrTruncated, "2147483647 bytes"},
		{"PK-09 UNICODE8", raw(opUnicode8, 255, 255, 255, 255, 255, 255, 255, 255), ErrTruncated, "18446744073709551615 bytes"},
		{"PK-09 BYTEARRAY8", raw(0x96), ErrUnsafe, "BYTEARRAY8"},
		{"PK-09 FRAME", raw(opFrame, 255, 255, 255, 255, 255, 255, 255, 255), ErrTruncated, "frame"},
		{"PK-10 memo not set", raw(opLongBinGet, 255, 255, 255, 255), ErrFormat, "memo 4294967295"},
		{"PK-10 underflow", raw(opPop), ErrFormat, "underflow"},
		{"PK-10 underflow through a mark", raw(opNone, opMark, opPop), ErrFormat, "underflow"},
		{"PK-10 no mark", raw(opPopMark), ErrFormat, "no mark"},
		{"PK-10 tuple of too few", raw(opNone, opTuple3), ErrFormat, "underflow"},
		{"PK-11 a list in itself", raw(opEmptyList, opDup, opAppend, opStop), ErrFormat, "a list, expected a dictionary"},
		{"PK-11 a dictionary in itself", newPickler().op(opEmptyDict, opBinPut, 0).str("a").op(opBinGet, 0, opSetItem).stop(), ErrUnsupported, `"a" is a dictionary`},
		{"PK-11 many values", append(append(raw(opEmptyList), bytes.Repeat([]byte{opNone, opAppend}, 1<<20)...), opStop), ErrTooLarge, "more than 1048576 values"},
		{"PK-11 many marks", append(raw(), bytes.Repeat([]byte{opMark}, 1<<21)...), ErrTooLarge, "more than 1048576 values"},
		{"PK-11 deep", append(append([]byte{opProto, 2, opNone}, (*deep)[2:]...), opStop), ErrFormat, "a tuple, expected a dictionary"},
		{"PK-12 unknown class", newPickler().op(opMark).str("storage").global("collections", "OrderedDict").str("0").str("cpu").int(1).op(opTuple, opBinPersID).stop(), ErrUnsupported, "OrderedDict"},
		{"PK-12 negative count", dictOf(func(s *tensorSpec) { s.numel = -1 }), ErrFormat, "number of elements"},
		{"PK-12 key with a path", dictOf(func(s *tensorSpec) { s.key = "../0" }), ErrPath, `"../0"`},
		{"PK-12 key with NUL", dictOf(func(s *tensorSpec) { s.key = "0\x00" }), ErrPath, `"0\x00"`},
		{"PK-12 no such storage", dictOf(func(s *tensorSpec) { s.key = "7" }), ErrMismatch, `"7", which the file lacks`},
		{"PK-12 storage of another size", dictOf(func(s *tensorSpec) { s.numel = 7 }), ErrMismatch, "24 bytes, but 7 elements"},
		{"PK-13 negative stride", dictOf(func(s *tensorSpec) { s.stride = []int{3, -1} }), ErrFormat, "stride"},
		{"PK-13 negative offset", dictOf(func(s *tensorSpec) { s.offset = -1 }), ErrFormat, "offset"},
		{"PK-13 outside", dictOf(func(s *tensorSpec) { s.offset = 1 }), ErrMismatch, "element 6 lies outside the storage of 6"},
		{"PK-13 far outside", dictOf(func(s *tensorSpec) { s.stride = []int{math.MaxInt / 2, math.MaxInt / 2} }), ErrMismatch, "outside"},
		{"PK-13 overflow", dictOf(func(s *tensorSpec) { s.size = []int{math.MaxInt, math.MaxInt} }), ErrOverflow, "64 bits"},
		{"PK-13 repeats too much", dictOf(func(s *tensorSpec) { s.size, s.stride = []int{1 << 30, 6}, []int{0, 1} }), ErrTooLarge, "repeat more"},
		{"PK-13 sizes and strides", dictOf(func(s *tensorSpec) { s.stride = []int{1} }), ErrMismatch, "2 dimensions, but 1 strides"},
		{"PK-13 rank", dictOf(func(s *tensorSpec) { s.size, s.stride = make([]int, 9), make([]int, 9) }), ErrFormat, "size"},
		{"duplicate name", newPickler().dict(one, one).stop(), ErrFormat, `duplicate key "w"`},
		{"not a dictionary", newPickler().int(5).stop(), ErrFormat, "an integer"},
		{"nested", newPickler().op(opEmptyDict).str("state_dict").op(opEmptyDict, opSetItem).stop(), ErrUnsupported, `"state_dict" is a dictionary`},
		{"key that is not a string", newPickler().op(opEmptyDict).int(1).tensor(one).op(opSetItem).stop(), ErrFormat, "an integer"},
		{"long string", newPickler().str(strings.Repeat("x", 1<<17)).stop(), ErrTooLarge, "131072"},
	}
}

// malformedTorch are whole files that must be refused.
func malformedTorch() []malformed {
	good := newPickler().dict(one).stop()
	weight := zipItem{name: "0", data: counting(6)}
	item := func(change func(*zipItem)) []byte { it := weight; change(&it); return torchFile(good, it) }
	version := zipItem{name: "archive/version", data: []byte("3\n")}
	with := func(extra ...zipItem) []byte {
		return buildZip(append([]zipItem{{name: "archive/data.pkl", data: good}, {name: "archive/data/0", data: counting(6)}, version}, extra...)...)
	}
	file := torchFile(good, weight)
	patch := func(at int, b ...byte) []byte { d := bytes.Clone(file); copy(d[len(d)+at:], b); return d }
	const end, end64 = -zipEndSize, -zipEndSize - zipLocatorSize - zipEnd64Size
	tar := make([]byte, 1024)
	copy(tar[257:], "ustar")
	legacy := func(protocol int, little byte, keys []string, storages ...[]byte) []byte {
		return legacyFile(protocol, little, good, keys, storages...)
	}
	return []malformed{
		{"PK-15 other name in the local header", item(func(i *zipItem) { i.localName = "archive/data/1" }), ErrMismatch, "another name"},
		{"PK-15 other size", item(func(i *zipItem) { i.stated, i.size = true, ^uint64(3) }), ErrMismatch, "another size"},
		{"PK-15 size beyond the data", item(func(i *zipItem) { i.size = 1 << 20 }), ErrTruncated, "beyond"},
		{"PK-15 other CRC in the local header", item(func(i *zipItem) { i.stated, i.localCRC = true, 1 }), ErrMismatch, "another size or CRC"},
		{"PK-16 encrypted", item(func(i *zipItem) { i.flags = 1 }), ErrUnsupported, "encrypted"},
		{"PK-16 other flags", item(func(i *zipItem) { i.flags = 1 << 5 }), ErrUnsupported, "flags"},
		{"PK-17 wrong CRC", item(func(i *zipItem) { i.crc = 1 }), ErrMismatch, "damaged"},
		{"PK-18 two pickles", with(zipItem{name: "archive/data.pkl", data: good}), ErrFormat, "two entries"},
		{"PK-18 another pickle", with(zipItem{name: "archive/more.pkl", data: good}), ErrUnsafe, "more.pkl"},
		{"PK-18 a second folder", with(zipItem{name: "other/data.pkl", data: good}), ErrFormat, "outside"},
		{"PK-19 deflate", item(func(i *zipItem) { i.method = 8 }), ErrUnsupported, "compressed with method 8"},
		{"PK-20 2^64 entries", patch(end64+24, bytes.Repeat([]byte{255}, 16)...), ErrFormat, "end records disagree"},
		{"PK-20 65535 entries", append(bytes.Clone(file[:len(file)+end64]), append([]byte("PK\x05\x06\x00\x00\x00\x00\xff\xff\xff\xff"), patch(end)[len(file)-10:]...)...), ErrFormat, "cannot hold 65535 entries"},
		{"PK-20 overlapping entries", overlapping(file), ErrFormat, "not followed by"},
		{"PK-20 escape", with(zipItem{name: "archive/../x", data: nil}), ErrPath, "not allowed"},
		{"PK-21 data in front", append([]byte("PK\x03\x04"), file...), ErrFormat, "end record is not where"},
		{"PK-21 data behind", append(bytes.Clone(file), 0), ErrTruncated, "appended"},
		{"PK-21 data between", item(func(i *zipItem) { i.skip = 100 }), ErrFormat, "data descriptor"},
		{"truncated", file[:len(file)/2], ErrTruncated, "truncated"},
		{"only the beginning", []byte("PK\x03\x04"), ErrTruncated, "at least 22"},
		{"PK-22 7-zip", []byte("7z\xbc\xaf\x27\x1c\x00\x04"), ErrFormat, "7-zip"},
		{"PK-22 gzip", []byte("\x1f\x8b\x08\x00"), ErrFormat, "gzip"},
		{"PK-22 xz", []byte("\xfd7zXZ\x00"), ErrFormat, "xz"},
		{"PK-22 tar", tar, ErrFormat, "tar"},
		{"PK-22 plain pickle", good, ErrFormat, "plain pickle"},
		{"PK-22 web page", []byte("\n<!DOCTYPE html><html>"), ErrFormat, "web page"},
		{"PK-22 nothing", nil, ErrFormat, "empty"},
		{"LFS pointer", []byte("version https://git-lfs.github.com/spec/v1\noid"), ErrFormat, "Git LFS"},
		{"PK-23 big-endian", with(zipItem{name: "archive/byteorder", data: []byte("big")}), ErrUnsupported, `"big"`},
		{"PK-23 version", buildZip(zipItem{name: "a/data.pkl", data: good}, zipItem{name: "a/version", data: []byte("99")}), ErrUnsupported, `"99"`},
		{"TorchScript", with(zipItem{name: "archive/constants.pkl", data: good}), ErrUnsupported, "TorchScript"},
		{"a zip of something else", buildZip(zipItem{name: "a/version", data: []byte("3")}), ErrFormat, "without data.pkl"},
		{"PK-24 protocol", legacy(1002, opNewTrue, []string{"0"}, counting(6)), ErrFormat, "1002"},
		{"PK-24 big-endian", legacy(legacyProtocol, opNewFalse, []string{"0"}, counting(6)), ErrUnsupported, "little-endian"},
		{"PK-24 other size", legacy(legacyProtocol, opNewTrue, []string{"0"}, counting(7)), ErrMismatch, "28 bytes"},
		{"PK-24 truncated", cut(legacy(legacyProtocol, opNewTrue, []string{"0"}, counting(6)), 9), ErrTruncated, "needs 24 bytes, but 15 are left"},
		{"PK-24 bytes behind", append(legacy(legacyProtocol, opNewTrue, []string{"0"}, counting(6)), 1), ErrFormat, "follow"},
		{"PK-24 key twice", legacy(legacyProtocol, opNewTrue, []string{"0", "0"}, counting(6), counting(6)), ErrMismatch, "twice"},
		{"PK-24 unknown key", legacy(legacyProtocol, opNewTrue, []string{"1"}, counting(6)), ErrMismatch, "no tensor"},
	}
}

func cut(data []byte, n int) []byte { return data[:len(data)-n] }

// overlapping makes the second entry of an archive begin where the first does.
func overlapping(file []byte) []byte {
	out := bytes.Clone(file)
	start := int(binary.LittleEndian.Uint32(out[len(out)-6:]))
	nameLen := int(binary.LittleEndian.Uint16(out[start+28:]))
	binary.LittleEndian.PutUint32(out[start+zipCentralSize+nameLen+42:], 0)
	return out
}

func TestMalformedTorch(t *testing.T) {
	cases := malformedTorch()
	for _, c := range malformedPickles() {
		c.data = torchFile(c.data, zipItem{name: "0", data: counting(6)})
		cases = append(cases, c)
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			_, err := parseTorch("dir/pytorch_model.bin", c.data, true)
			require.ErrorIs(t, err, c.class)
			require.ErrorContains(t, err, c.says)
			require.ErrorContains(t, err, "dir/pytorch_model.bin")
			require.NotContains(t, err.Error(), "\n")
			require.Less(t, len(err.Error()), 500)
		})
	}
}

func FuzzPickle(f *testing.F) {
	for _, c := range malformedPickles() {
		if len(c.data) < 1<<12 {
			f.Add(c.data)
		}
	}
	f.Add(newPickler().dict(one).stop())
	raw := map[string][]byte{"0": counting(6)}
	f.Fuzz(func(t *testing.T, data []byte) {
		value, n, err := readPickle(data)
		if err != nil {
			return
		}
		require.LessOrEqual(t, n, len(data))
		tensors, err := tensorsOf("x", value, raw, 1<<10)
		if err == nil {
			requireWhole(t, tensors)
		}
	})
}

func FuzzBin(f *testing.F) {
	for _, c := range malformedTorch() {
		f.Add(c.data)
	}
	f.Add(torchFile(newPickler().dict(one).stop(), zipItem{name: "0", data: counting(6)}))
	f.Fuzz(func(t *testing.T, data []byte) {
		if tensors, err := parseTorch("x", data, true); err == nil {
			requireWhole(t, tensors)
		}
	})
}

// requireWhole checks that every tensor has the bytes that its shape needs.
func requireWhole(t *testing.T, tensors []tensor.Tensor) {
	for _, x := range tensors {
		require.Len(t, x.Data, x.Elements()*x.DType.Size())
	}
}
