package main

import (
	"archive/zip"
	"bytes"
	"encoding/binary"
	"fmt"
	"io"
	"strconv"
	"strings"

	"llavabench/internal/checkpoint"
	"llavabench/internal/tensor"
)

const torchName = "pytorch_model.bin"

// A pickler writes the opcodes that torch.save writes (Python, Lib/pickletools.py).
type pickler []byte

func newPickler() *pickler { return &pickler{0x80, 2} }

func (p *pickler) op(b ...byte) *pickler { *p = append(*p, b...); return p }

func (p *pickler) raw(s string) *pickler { return p.op([]byte(s)...) }

func (p *pickler) str(s string) *pickler {
	*p = binary.LittleEndian.AppendUint32(append(*p, 'X'), uint32(len(s)))
	return p.raw(s)
}

func (p *pickler) int(n int) *pickler {
	*p = binary.LittleEndian.AppendUint64(append(*p, 0x8a, 8), uint64(int64(n)))
	return p
}

func (p *pickler) ints(list ...int) *pickler {
	p.op('(')
	for _, n := range list {
		p.int(n)
	}
	return p.op('t')
}

func (p *pickler) global(module, name string) *pickler {
	return p.raw("c" + module + "\n" + name + "\n")
}

// A view is a tensor over a storage.
type view struct {
	name, class, key string
	numel, offset    int
	size, stride     []int
}

func (p *pickler) view(v view) *pickler {
	p.str(v.name).global("torch._utils", "_rebuild_tensor_v2").op('(')
	p.op('(').str("storage").global("torch", v.class).str(v.key).str("cpu").int(v.numel).op('t', 'Q')
	p.int(v.offset).ints(v.size...).ints(v.stride...)
	return p.op(0x89).global("collections", "OrderedDict").op(')', 'R', 't', 'R')
}

func (p *pickler) dict(views ...view) []byte {
	p.op('}', '(')
	for _, v := range views {
		p.view(v)
	}
	return append(*p, 'u', '.')
}

// views are the tensors of a file, a storage for each.
func views(f *checkpoint.File) (out []view, storages [][]byte) {
	class := map[tensor.DType]string{tensor.BF16: "BFloat16Storage", tensor.F16: "HalfStorage", tensor.F32: "FloatStorage"}
	for i, name := range f.Names() {
		x, _ := f.Tensor(name)
		stride := make([]int, len(x.Shape))
		n := 1
		for d := len(stride) - 1; d >= 0; d-- {
			stride[d] = n
			n *= x.Shape[d]
		}
		out = append(out, view{name, class[x.DType], strconv.Itoa(i), n, 0, x.Shape, stride})
		storages = append(storages, x.Data)
	}
	return out, storages
}

// An item is an entry of an archive.
type item struct {
	name   string
	data   []byte
	method uint16
}

// archive makes a zip file as PyTorch lays it out: all entries stored.
func archive(items ...item) []byte {
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	for _, it := range items {
		w, err := z.CreateHeader(&zip.FileHeader{Name: it.name, Method: it.method})
		if err == nil {
			_, err = w.Write(it.data)
		}
		if err != nil {
			panic(err) // memory does not fail
		}
	}
	if err := z.Close(); err != nil {
		panic(err)
	}
	return b.Bytes()
}

// torchFile writes tensors as torch.save does since PyTorch 1.6.
func torchFile(f *checkpoint.File) []byte {
	list, storages := views(f)
	items := []item{{name: "archive/data.pkl", data: newPickler().dict(list...)}}
	for i, s := range storages {
		items = append(items, item{name: fmt.Sprint("archive/data/", i), data: s})
	}
	return archive(append(items, item{name: "archive/version", data: []byte("3\n")})...)
}

// legacyFile writes tensors as torch.save did before.
func legacyFile(f *checkpoint.File) []byte {
	list, storages := views(f)
	out := []byte("\x80\x02\x8a\x0a\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19.")
	out = append(out, append(*newPickler().int(1001), '.')...)
	out = append(out, append(*newPickler().op('}').str("little_endian").op(0x88, 's'), '.')...)
	out = append(out, newPickler().dict(list...)...)
	keys := newPickler().op(']', '(')
	for _, v := range list {
		keys.str(v.key)
	}
	out = append(out, append(*keys, 'e', '.')...)
	for i, s := range storages {
		out = binary.LittleEndian.AppendUint64(out, uint64(list[i].numel))
		out = append(out, s...)
	}
	return out
}

// pickleCase is an archive whose pickle is what it says; it has one storage of six float32, "0".
func pickleCase(name string, pickle []byte, says ...string) listed {
	return listed{name, replaced(torchName, archive(plainItems(pickle)...)), append(says, torchName)}
}

func plainItems(pickle []byte) []item {
	return []item{{name: "archive/data.pkl", data: pickle}, {name: "archive/data/0", data: make([]byte, 24)}, {name: "archive/version", data: []byte("3\n")}}
}

// one is the view of that storage.
var one = view{"w", "FloatStorage", "0", 6, 0, []int{2, 3}, []int{3, 1}}

func torchCases() []*trial {
	call := func(module, name string) []byte {
		return append(*newPickler().global(module, name).str("touch /tmp/torture-was-here").op(0x85, 'R'), '.')
	}
	ops := func(b ...byte) []byte { return append([]byte{0x80, 2}, b...) }
	with := func(change func(*view)) []byte { v := one; change(&v); return newPickler().dict(v) }
	good := newPickler().dict(one)
	list := []listed{
		pickleCase("PK-01 os.system", call("os", "system"), `"os.system"`),
		pickleCase("PK-01 eval", call("builtins", "eval"), `"builtins.eval"`),
		pickleCase("PK-01 exec", call("__builtin__", "exec"), `"__builtin__.exec"`),
		pickleCase("PK-01 subprocess", call("subprocess", "Popen"), `"subprocess.Popen"`),
		pickleCase("PK-01 nt.system", call("nt", "system"), `"nt.system"`),
		pickleCase("PK-02 garbage behind the payload", append(call("posix", "system"), "\xff\xff\xff"...), `"posix.system"`),
		pickleCase("PK-03 pip", call("pip", "main"), `"pip.main"`),
		pickleCase("PK-03 runpy", call("runpy", "_run_code"), `"runpy._run_code"`),
		pickleCase("PK-03 torch.hub", call("torch.hub", "load"), `"torch.hub.load"`),
		pickleCase("PK-03 webbrowser", call("webbrowser", "open"), `"webbrowser.open"`),
		pickleCase("PK-04 names from the memo", append(*newPickler().str("os").op('q', 0).str("system").op('q', 1, '0', '0', 'h', 0, 'h', 1, 0x93), '.'), `"os.system"`),
		pickleCase("PK-04 attributes", append(*newPickler().str("torch").str("storage.os.system").op(0x93), '.'), "storage.os.system"),
		pickleCase("PK-05 NUL in a module", append(*newPickler().global("collections\x00", "OrderedDict"), '.'), `collections\x00`),
		pickleCase("PK-05 no end of line", ops([]byte("cos")...), "line"),
		pickleCase("PK-06 BUILD", stateOfTensor(), "state of a tensor"),
		pickleCase("PK-06 INST", ops('i'), "INST"),
		pickleCase("PK-06 OBJ", ops('o'), "OBJ"),
		pickleCase("PK-06 NEWOBJ", ops(0x81), "NEWOBJ"),
		pickleCase("PK-06 NEWOBJ_EX", ops(0x92), "NEWOBJ_EX"),
		pickleCase("PK-07 EXT1", ops(0x82), "EXT1"),
		pickleCase("PK-07 EXT4", ops(0x84), "EXT4"),
		pickleCase("PK-07 PERSID", ops('P'), "PERSID"),
		pickleCase("PK-07 NEXT_BUFFER", ops(0x97), "NEXT_BUFFER"),
		pickleCase("PK-07 READONLY_BUFFER", ops(0x98), "READONLY_BUFFER"),
		pickleCase("PK-07 another persistent id", append(*newPickler().str("module").op(0x85, 'Q'), '.'), "persistent id"),
		pickleCase("PK-08 unknown opcode", ops(0xff), "unknown opcode 0xff"),
		pickleCase("PK-08 protocol 6", []byte{0x80, 6, 'N', '.'}, "protocol 6"),
		pickleCase("PK-08 cut argument", ops('J', 1), "4 bytes are needed"),
		pickleCase("PK-08 no end", ops('N'), "byte 3"),
		pickleCase("PK-08 bytes behind", append(bytes.Clone(good), 0), "pickle ends at byte"),
		pickleCase("PK-09 LONG4", ops(0x8b, 0xff, 0xff, 0xff, 0x7f), "2147483647 bytes"),
		pickleCase("PK-09 BINUNICODE8", ops(append([]byte{0x8d}, bytes.Repeat([]byte{255}, 8)...)...), "18446744073709551615 bytes"),
		pickleCase("PK-09 BYTEARRAY8", ops(0x96), "BYTEARRAY8"),
		pickleCase("PK-09 FRAME", ops(append([]byte{0x95}, bytes.Repeat([]byte{255}, 8)...)...), "frame"),
		pickleCase("PK-10 memo 2^32-1", ops('j', 255, 255, 255, 255), "memo 4294967295"),
		pickleCase("PK-10 underflow", ops('0'), "underflow"),
		pickleCase("PK-10 no mark", ops('1'), "no mark"),
		pickleCase("PK-11 a list in itself", ops(']', '2', 'a', '.'), "a list, expected a dictionary"),
		pickleCase("PK-11 a million values", append(append(ops(']'), bytes.Repeat([]byte{'N', 'a'}, 1<<20)...), '.'), "more than 1048576 values"),
		pickleCase("PK-11 a million tuples deep", append(append(ops('N'), bytes.Repeat([]byte{0x85}, 1<<20)...), '.'), torchName),
		pickleCase("PK-11 laughs", laughs(), torchName),
		pickleCase("PK-12 another storage class", append(*newPickler().op('(').str("storage").global("collections", "OrderedDict").str("0").str("cpu").int(1).op('t', 'Q'), '.'), "OrderedDict"),
		pickleCase("PK-12 negative count", with(func(v *view) { v.numel = -1 }), "number of elements"),
		pickleCase("PK-12 key with a path", with(func(v *view) { v.key = "../0" }), `"../0"`),
		pickleCase("PK-12 key with NUL", with(func(v *view) { v.key = "0\x00" }), `"0\x00"`),
		pickleCase("PK-12 no such storage", with(func(v *view) { v.key = "7" }), `"7", which the file lacks`),
		pickleCase("PK-13 negative stride", with(func(v *view) { v.stride = []int{3, -1} }), "stride"),
		pickleCase("PK-13 negative offset", with(func(v *view) { v.offset = -1 }), "offset"),
		pickleCase("PK-13 outside its storage", with(func(v *view) { v.offset = 1 }), "element 6 lies outside the storage of 6"),
		pickleCase("PK-13 huge", with(func(v *view) { v.size = []int{1 << 62, 1 << 62} }), "64 bits"),
		pickleCase("PK-13 repeats itself", with(func(v *view) { v.size, v.stride = []int{1 << 30, 6}, []int{0, 1} }), "repeat more"),
		pickleCase("a name twice", newPickler().dict(one, one), `duplicate key "w"`),
		pickleCase("not a dictionary", append(*newPickler().int(5), '.'), "an integer"),
	}
	zipped := func(name string, data []byte, says ...string) listed {
		return listed{name, replaced(torchName, data), append(says, torchName)}
	}
	file := archive(plainItems(good)...)
	patched := func(at int, b ...byte) []byte {
		out := bytes.Clone(file)
		if at < 0 {
			at += len(out)
		}
		copy(out[at:], b)
		return out
	}
	central := bytes.Index(file, []byte("PK\x01\x02"))
	extra := func(items ...item) []byte { return archive(append(plainItems(good), items...)...) }
	list = append(list,
		zipped("PK-15 another name in the local header", patched(30, []byte("archiwe")...), "another name"),
		zipped("PK-15 another size", patched(central+20, 9, 0, 0, 0), "packed"),
		zipped("PK-16 encrypted", patched(central+8, 9, 0), "encrypted"),
		zipped("PK-16 another flag", patched(central+8, 0x28, 0), "flags"),
		zipped("PK-17 wrong CRC", patched(central+16, 1, 2, 3, 4), "CRC"),
		zipped("PK-17 a changed byte of data", patched(bytes.Index(file, []byte("archive/data/0"))+14, 7), "CRC"),
		zipped("PK-18 two pickles", extra(item{name: "archive/data.pkl", data: good}), "two entries"),
		zipped("PK-18 a pickle under another name", extra(item{name: "archive/other.bin", data: good}), "other.bin"),
		zipped("PK-18 a TorchScript program", extra(item{name: "archive/constants.pkl", data: good}), "TorchScript"),
		zipped("PK-19 compressed", archive(item{name: "archive/data.pkl", data: good}, item{name: "archive/data/0", data: make([]byte, 24), method: zip.Deflate}, item{name: "archive/version", data: []byte("3\n")}), "compressed with method 8"),
		zipped("PK-19 a bomb", bomb("archive/data/0", "", 100<<20), "compressed with method 8"),
		zipped("PK-20 65535 entries", patched(-14, 255, 255, 255, 255), "cannot hold 65535 entries"),
		zipped("PK-20 an entry that escapes", extra(item{name: "archive/../../x"}), "not allowed"),
		zipped("PK-20 directory of 4 GB", patched(-10, 255, 255, 255, 255), "does not end where"),
		zipped("PK-21 data in front", append([]byte("PK\x03\x04...."), file...), "end record"),
		zipped("PK-21 data behind", append(bytes.Clone(file), "more"...), "appended"),
		zipped("PK-22 7-zip", []byte("7z\xbc\xaf\x27\x1c\x00\x04"), "7-zip"),
		zipped("PK-22 gzip", []byte("\x1f\x8b\x08\x00"), "gzip"),
		zipped("PK-22 xz", []byte("\xfd7zXZ\x00"), "xz"),
		zipped("PK-22 tar", append(append(make([]byte, 257), "ustar"...), make([]byte, 300)...), "tar"),
		zipped("PK-22 a plain pickle", good, "plain pickle"),
		zipped("PK-22 a web page", []byte("<!DOCTYPE html><html>"), "web page"),
		zipped("PK-22 nothing", nil, "empty file"),
		zipped("PK-23 big-endian", extra(item{name: "archive/byteorder", data: []byte("big")}), `"big"`),
		zipped("PK-23 another version", archive(item{name: "archive/data.pkl", data: good}, item{name: "archive/version", data: []byte("4\n")}), `"4"`),
	)
	out := trials(list)
	return append(out, &trial{name: "PK-25 both kinds of weights", damage: func(dir string) error {
		return replaced("model.safetensors", []byte("x"))(dir)
	}, says: []string{"model.safetensors", "has 1 bytes"}})
}

// stateOfTensor gives a tensor a state, which is how objects are made to run code of theirs.
func stateOfTensor() []byte {
	p := newPickler().op('}', '(').view(one)
	return append(*p.op('}', 'b', 'u'), '.')
}

// laughs is a tuple of two of the tuple before it, and so on: 2^100 values when it is laid out.
func laughs() []byte {
	p := newPickler().op('N')
	for i := range byte(100) {
		p.op('q', i, '0', 'h', i, 'h', i, 0x86)
	}
	return append(*p, '.')
}

// bomb is an archive of one compressed entry: a text and n zeros.
func bomb(name, text string, n int64) []byte {
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	w, err := z.CreateHeader(&zip.FileHeader{Name: name, Method: zip.Deflate})
	if err == nil {
		_, err = io.Copy(w, io.MultiReader(strings.NewReader(text), io.LimitReader(zeros{}, n)))
	}
	if err == nil {
		err = z.Close()
	}
	if err != nil {
		panic(err) // memory does not fail
	}
	return b.Bytes()
}

type zeros struct{}

func (zeros) Read(p []byte) (int, error) { clear(p); return len(p), nil }

func legacyCases() []*trial {
	const magic = 15 // bytes of the magic number
	file := func(name string, edit func([]byte) []byte, says ...string) listed {
		return listed{name, edited(torchName, edit), append(says, torchName)}
	}
	return trials([]listed{
		file("PK-24 wrong magic", func(d []byte) []byte { d[5]++; return d }, "not a PyTorch file"),
		file("PK-24 another protocol", func(d []byte) []byte { d[magic+4]++; return d }, "protocol number"),
		file("PK-24 big-endian", func(d []byte) []byte {
			return bytes.Replace(d, []byte("little_endian\x88"), []byte("little_endian\x89"), 1)
		}, "little-endian"),
		file("PK-24 no storages", func(d []byte) []byte { return d[:bytes.LastIndex(d, []byte("e."))+2] }, "storage"),
		file("PK-24 bytes behind", func(d []byte) []byte { return append(d, make([]byte, 7)...) }, "follow the last storage"),
		file("PK-02 a payload", func(d []byte) []byte {
			return append(append([]byte{}, d[:magic]...), "\x80\x02cos\nsystem\n."...)
		}, `"os.system"`),
	})
}
