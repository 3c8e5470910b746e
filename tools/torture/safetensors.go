package main

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"os"
	"strings"
	"syscall"
)

const weightsName = "model.safetensors"

// withHeader makes a safetensors file of a header and n zero bytes.
func withHeader(header string, n int) []byte {
	out := binary.LittleEndian.AppendUint64(nil, uint64(len(header)))
	return append(append(out, header...), make([]byte, n)...)
}

// headerCase is a file of its own header; its weights do not matter, because it is refused before they would.
func headerCase(name, header string, bytes int, says ...string) listed {
	return listed{name, replaced(weightsName, withHeader(header, bytes)), says}
}

// entry is a tensor of a header.
func entry(name, dtype, shape, offsets string) string {
	return fmt.Sprintf(`%q:{"dtype":%q,"shape":%s,"data_offsets":%s}`, name, dtype, shape, offsets)
}

// parts cuts a valid file.
func parts(data []byte) (header string, body []byte) {
	n := binary.LittleEndian.Uint64(data)
	return string(data[8 : 8+n]), data[8+n:]
}

// reheaded changes the header of the valid file and keeps its data.
func reheaded(edit func(header string) string) func(dir string) error {
	return edited(weightsName, func(data []byte) []byte {
		header, body := parts(data)
		return append(withHeader(edit(header), 0), body...)
	})
}

func safetensorsCases(dir string) []*trial {
	wrap := func(s string) string { return "{" + s + "}" }
	w := func(dtype, shape, offsets string) string { return wrap(entry("w", dtype, shape, offsets)) }
	file := []string{weightsName}
	say := func(words ...string) []string { return append(words, file...) }
	list := []listed{
		{"ST-01 no bytes", replaced(weightsName, nil), say("has 0 bytes")},
		{"ST-01 seven bytes", replaced(weightsName, make([]byte, 7)), say("has 7 bytes")},
		{"ST-02 header of 2^64-1", replaced(weightsName, append(bytes.Repeat([]byte{255}, 8), "{}"...)), say("18446744073709551615 exceeds the limit")},
		{"ST-03 header of 100,000,001", as(weightsName, func(path string) error { return sparse(path, 100_000_001, 100_000_009) }), say("100000001 exceeds the limit of 100000000")},
		{"ST-04 header longer than the file", replaced(weightsName, append(binary.LittleEndian.AppendUint64(nil, 100), "{}"...)), say("100 exceeds the 2 bytes")},
		headerCase("ST-05 header of length 0", "", 4, say("header length is 0")...),
		headerCase("ST-05 white space only", "    ", 0, say("header", "expected '{'")...),
		headerCase("ST-06 not UTF-8", "{\"\xff\":1}", 0, say("not valid UTF-8")...),
		headerCase("ST-06 overlong", "{\"\xc0\xaf\":1}", 0, say("not valid UTF-8")...),
		headerCase("ST-06 surrogate", "{\"\xed\xa0\x80\":1}", 0, say("not valid UTF-8")...),
		headerCase("ST-07 a list", "[]", 0, say("expected '{'")...),
		headerCase("ST-07 null", "null", 0, say("expected '{'")...),
		headerCase("ST-07 a number", "3", 0, say("expected '{'")...),
		headerCase("ST-07 a string", `"x"`, 0, say("expected '{'")...),
		headerCase("ST-08 ends in a string", `{"wei`, 0, say("byte", "text ends inside a string")...),
		headerCase("ST-08 ends in a number", `{"w":{"shape":[1`, 0, say("byte", "text ends")...),
		headerCase("ST-08 ends in an escape", `{"w\`, 0, say("byte", "text ends")...),
		headerCase("ST-09 nested deep", strings.Repeat(`{"a":`, 100_000)+"1"+strings.Repeat("}", 100_000), 0, say("header")...),
		headerCase("ST-09 nested deep in an unknown key", `{"w":{"x":`+strings.Repeat(`[`, 100_000)+strings.Repeat("]", 100_000)+"}}", 0, say("nested deeper than")...),
		headerCase("ST-10 bytes behind the object", "{} x", 0, say("expected the end")...),
		headerCase("ST-11 a name twice", wrap(entry("w", "U8", "[1]", "[0,1]")+","+entry("w", "U8", "[1]", "[1,2]")), 2, say("duplicate key", `"w"`)...),
		headerCase("ST-12 twice, once empty", wrap(entry("w", "U8", "[0]", "[0,0]")+","+entry("w", "U8", "[1]", "[0,1]")), 1, say("duplicate key", `"w"`)...),
		headerCase("ST-13 Shape", `{"w":{"dtype":"U8","Shape":[1],"data_offsets":[0,1]}}`, 1, say(`"w"`, "no shape")...),
		headerCase("ST-13 DTYPE", `{"w":{"DTYPE":"U8","shape":[1],"data_offsets":[0,1]}}`, 1, say(`"w"`, "no dtype")...),
		headerCase("ST-14 unknown type", w("Q7", "[1]", "[0,1]"), 1, say(`"w"`, `"Q7"`)...),
		headerCase("ST-14 unknown type, bad offsets", w("Q7", "[1]", "[0,9]"), 1, say(`"w"`, "data end at 9")...),
		headerCase("ST-15 four bits by three", w("F4", "[3]", "[0,2]"), 2, say(`"w"`, "12 bits, not whole bytes")...),
		headerCase("ST-16 negative", w("U8", "[-1]", "[0,1]"), 1, say(`"w"`, "-1", "is not a size")...),
		headerCase("ST-16 fraction", w("U8", "[1.5]", "[0,1]"), 1, say(`"w"`, "1.5", "is not a size")...),
		headerCase("ST-16 exponent", w("U8", "[1e3]", "[0,1]"), 1, say(`"w"`, "1e3", "is not a size")...),
		headerCase("ST-16 string", w("U8", `["1"]`, "[0,1]"), 1, say(`"w"`, "expected a number")...),
		headerCase("ST-16 beyond 2^64", w("U8", "[18446744073709551616]", "[0,1]"), 1, say(`"w"`, "is not a size")...),
		headerCase("ST-17 product overflows", w("U8", "[2,18446744073709551614]", "[0,1]"), 1, say(`"w"`, "exceeds 64 bits")...),
		headerCase("ST-18 bytes overflow", w("I32", "[2,9223372036854775807]", "[0,1]"), 1, say(`"w"`, "exceeds 2^64 bits")...),
		headerCase("ST-19 rank of a million", w("U8", "["+strings.Repeat("1,", 999_999)+"1]", "[0,1]"), 1, say(`"w"`, "more than 8 entries")...),
		headerCase("ST-20 one offset", w("U8", "[1]", "[0]"), 1, say(`"w"`, "data_offsets has 1 entries")...),
		headerCase("ST-20 three offsets", w("U8", "[1]", "[0,1,2]"), 1, say(`"w"`, "more than 2 entries")...),
		headerCase("ST-20 end before begin", w("U8", "[1]", "[1,0]"), 1, say(`"w"`, "end at 0 before they begin at 1")...),
		headerCase("ST-20 negative", w("U8", "[1]", "[-1,0]"), 1, say(`"w"`, "is not a size")...),
		headerCase("ST-20 beyond the file", w("U8", "[1]", "[900,901]"), 1, say(`"w"`, "data begin at 900")...),
		headerCase("ST-21 overlap", wrap(entry("v", "U8", "[2]", "[0,2]")+","+entry("w", "U8", "[2]", "[1,3]")), 3, say(`"w"`, "overlap")...),
		headerCase("ST-22 gap", wrap(entry("v", "U8", "[1]", "[0,1]")+","+entry("w", "U8", "[1]", "[2,3]")), 3, say(`"w"`, "gap")...),
		headerCase("ST-22 bytes behind", w("U8", "[1]", "[0,1]"), 9, say("tensors end at 1", "9 bytes of data")...),
		headerCase("ST-23 does not start at 0", w("U8", "[1]", "[1,2]"), 2, say(`"w"`, "data begin at 1")...),
		headerCase("ST-24 another size", w("F32", "[1]", "[0,3]"), 3, say(`"w"`, "data take 3 bytes", "needs 4")...),
		headerCase("ST-25 metadata is a list", `{"__metadata__":[]}`, 0, say("expected '{'")...),
		headerCase("ST-25 metadata holds a number", `{"__metadata__":{"a":1}}`, 0, say(`expected '"'`)...),
		headerCase("ST-26 no offsets", `{"w":{"dtype":"U8","shape":[1]}}`, 1, say(`"w"`, "no data_offsets")...),
		headerCase("ST-26 not an object", `{"w":5}`, 1, say(`"w"`, "expected '{'")...),
		headerCase("ST-27 empty name", wrap(entry("", "U8", "[1]", "[0,1]")), 1, say("tensor name of 0 bytes")...),
		headerCase("ST-27 name of 1 MiB", wrap(entry(strings.Repeat("n", 1<<20), "U8", "[1]", "[0,1]")), 1, say("tensor name of 1048576 bytes")...),
		headerCase("ST-27 escape sequences in a name", `{"\u001b[2J\u0000\n\u202e":{"dtype":"U8","shape":[1],"data_offsets":[0,1]}}`, 1, say(`\x1b[2J\x00\n\u202e`)...),
		{"ST-29 a directory", as(weightsName, func(path string) error { return os.Mkdir(path, 0o755) }), say("is a directory")},
		{"ST-29 a pipe", as(weightsName, func(path string) error { return syscall.Mkfifo(path, 0o644) }), say("is a named pipe")},
		{"ST-29 a device", as(weightsName, func(path string) error { return os.Symlink("/dev/zero", path) }), say("outside its directory")},
		{"ST-30 a header length that looks like zlib", reheaded(func(header string) string {
			n := 8312
			for n < len(header) {
				n += 1 << 16
			}
			return header + strings.Repeat(" ", n-len(header))
		}), valid},
		{"white space around the header", reheaded(func(h string) string { return " \n" + h + "\n " }), valid},
		{"unknown keys in an entry", reheaded(func(h string) string { return strings.Replace(h, `{"dtype"`, `{"more":[{"a":null}],"dtype"`, 1) }), valid},
		{"a tensor of an unknown name", reheaded(func(h string) string { return strings.Replace(h, `"lm_head.weight"`, `"lm_tail.weight"`, 1) }), []string{"unknown names", `"lm_tail.weight"`}},
		{"a tensor missing", reheaded(func(h string) string {
			return strings.Replace(h, `model.layers.1.mlp.up_proj`, `model.layers.0.self_attn.rotary_emb.inv_freq`, 1)
		}), []string{"model.layers."}},
		{"NU-01 NaN in a weight", poisoned("model.layers.0.mlp.down_proj.weight", 0x7fc0), []string{"decoder, layer 1 of 2", "NaN", weightsName, `"model.layers.0.mlp.down_proj.weight"`}},
		{"NU-01 infinity in a norm", poisoned("model.layers.1.input_layernorm.weight", 0x7f80), []string{"decoder, layer 2 of 2", weightsName, `"model.layers.1.input_layernorm.weight"`}},
		{"NU-01 NaN in the tower", poisoned("model.vision_tower.vision_tower.vision_model.encoder.layers.1.mlp.fc2.weight", 0xffc0), []string{"vision tower, layer 2 of 3", weightsName, `"encoder.layers.1.mlp.fc2.weight"`}},
		{"NU-04 NaN in the head", poisoned("lm_head.weight", 0x7fc0), []string{"logits", weightsName, `"lm_head.weight"`}},
		{"SH-04 a Git LFS pointer", replaced(weightsName, []byte("version https://git-lfs.github.com/spec/v1\noid sha256:"+strings.Repeat("0", 64)+"\nsize 12345\n")), say("Git LFS pointer")},
		{"a web page", replaced(weightsName, []byte("<!DOCTYPE html><html><body>404</body></html>")), say("web page")},
		{"gzip", replaced(weightsName, []byte("\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\x03")), say("gzip")},
		{"GG a GGUF file in its place", replaced(weightsName, append([]byte("GGUF\x03\x00\x00\x00"), make([]byte, 100)...)), say("GGUF")},
		{"GG only a GGUF file", steps(removed(weightsName), replaced("model.gguf", []byte("GGUF"))), []string{"GGUF"}},
		{"no weights at all", removed(weightsName), []string{"holds no weights"}},
	}
	out := trials(list)
	for _, bits := range []string{"f16"} {
		// Weights that bf16 holds and fp16 does not.
		out = append(out, &trial{name: "NU-01 too large for " + bits, damage: poisoned("model.layers.0.mlp.up_proj.weight", 0x7f00), says: []string{"too large for F16"},
			args: func(dir string) []string { return append(ask(dir), "--dtype", bits) }})
	}
	return out
}

// sparse makes a file of a size without writing it, which says that its header has n bytes.
func sparse(path string, n uint64, size int64) error {
	if err := os.WriteFile(path, binary.LittleEndian.AppendUint64(nil, n), 0o644); err != nil {
		return err
	}
	return os.Truncate(path, size)
}

// poisoned overwrites the first element of a bf16 tensor.
func poisoned(name string, bits uint16) func(dir string) error {
	return edited(weightsName, func(data []byte) []byte {
		header, body := parts(data)
		_, rest, _ := strings.Cut(header, fmt.Sprintf("%q:", name))
		_, rest, _ = strings.Cut(rest, `"data_offsets":[`)
		var begin int
		if _, err := fmt.Sscanf(rest, "%d,", &begin); err != nil {
			return nil // refused for another reason, which fails the case
		}
		binary.LittleEndian.PutUint16(body[begin:], bits)
		return data
	})
}

func shardCases() []*trial {
	const index, shard = "model.safetensors.index.json", "model-00001-of-00003.safetensors"
	place := func(name string) func(string) error { return swapped(index, `"`+shard+`"`, `"`+name+`"`) }
	return trials([]listed{
		{"SH-01 absolute", place("/etc/passwd"), []string{index, "plain file name", `"/etc/passwd"`}},
		{"SH-01 parent", place("../" + shard), []string{index, "plain file name"}},
		{"SH-01 backslash", place(`..\\x`), []string{index, "plain file name"}},
		{"SH-01 drive", place("C:x"), []string{index, "plain file name"}},
		{"SH-01 NUL", place(`x\u0000`), []string{index, "plain file name", `"x\x00"`}},
		{"SH-02 a link out of the folder", as(shard, func(path string) error { return os.Symlink("/etc/passwd", path) }), []string{shard, "outside its directory"}},
		{"SH-03 a tensor that no shard holds", swapped(index, `"weight_map": {`, `"weight_map": {"model.layers.9.x": "`+shard+`",`), []string{index, `"model.layers.9.x"`}},
		{"SH-03 in another shard", place("model-00002-of-00003.safetensors"), []string{index, "disagree"}},
		{"SH-04 a shard is absent", removed(shard), []string{index, shard, "no such file"}},
		{"SH-04 a pointer", replaced(shard, []byte("version https://git-lfs.github.com/spec/v1\n")), []string{shard, "Git LFS pointer"}},
		{"SH-06 an empty shard", replaced(shard, nil), []string{shard, "empty file"}},
		{"SH-05 another total size", set(index, map[string]any{"metadata.total_size": 7}), valid},
		{"no weight map", replaced(index, []byte(`{"metadata":{}}`)), []string{index, "weight_map"}},
		{"weight map is a list", replaced(index, []byte(`{"weight_map":[]}`)), []string{index, "expected '{'"}},
		{"an index alone is missing", removed(index), []string{"no index file"}},
		{"duplicate name", swapped(index, `"weight_map": {`, `"weight_map": {"lm_head.weight": "a", "lm_head.weight": "b",`), []string{index, "duplicate key"}},
	})
}
