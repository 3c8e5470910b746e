package checkpoint

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"math"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"llavabench/internal/tensor"
)

// withHeader builds a safetensors file of a header and n bytes of data.
func withHeader(header string, n int) []byte {
	out := binary.LittleEndian.AppendUint64(nil, uint64(len(header)))
	out = append(out, header...)
	for i := range n {
		out = append(out, byte(i))
	}
	return out
}

// entry is one tensor of a header.
func entry(name, dtype, shape string, begin, end int) string {
	return fmt.Sprintf(`%q:{"dtype":%q,"shape":%s,"data_offsets":[%d,%d]}`, name, dtype, shape, begin, end)
}

// A malformed input and what must be said about it. The comments name the lines of the list of hostile inputs.
type malformed struct {
	name  string
	data  []byte
	class error
	says  string
}

func malformedSafetensors() []malformed {
	long := func(n uint64) []byte { return binary.LittleEndian.AppendUint64(nil, n) }
	u8 := func(name string, begin, end int) string {
		return entry(name, "U8", fmt.Sprintf("[%d]", end-begin), begin, end)
	}
	return []malformed{
		{"ST-01 empty", nil, ErrTruncated, "0 bytes"},
		{"ST-01 seven bytes", make([]byte, 7), ErrTruncated, "7 bytes"},
		{"ST-02 largest length", long(1<<64 - 1), ErrTooLarge, "18446744073709551615"},
		{"ST-03 over the limit", append(long(100_000_001), make([]byte, 100)...), ErrTooLarge, "100000000"},
		{"ST-04 beyond the file", append(long(50), "{}"...), ErrTruncated, "50 exceeds the 2"},
		{"ST-05 no header", long(0), ErrFormat, "header length is 0"},
		{"ST-05 blank header", withHeader("    ", 0), ErrFormat, "expected '{'"},
		{"ST-06 lone byte", withHeader("{\"a\xff\":{}}", 0), ErrFormat, "UTF-8"},
		{"ST-06 overlong", withHeader("{\"a\xc0\xaf\":{}}", 0), ErrFormat, "UTF-8"},
		{"ST-06 surrogate", withHeader("{\"a\xed\xa0\x80\":{}}", 0), ErrFormat, "UTF-8"},
		{"ST-06 escaped surrogate", withHeader(`{"a\ud800":{}}`, 0), ErrFormat, "surrogate"},
		{"ST-07 array", withHeader("[]", 0), ErrFormat, "expected '{'"},
		{"ST-07 null", withHeader("null", 0), ErrFormat, "expected '{'"},
		{"ST-07 number", withHeader("3", 0), ErrFormat, "expected '{'"},
		{"ST-07 string", withHeader(`"x"`, 0), ErrFormat, "expected '{'"},
		{"ST-08 in a string", withHeader(`{"a`, 0), ErrFormat, "inside a string"},
		{"ST-08 in an escape", withHeader(`{"a\u00`, 0), ErrFormat, "hexadecimal"},
		{"ST-08 in a number", withHeader(`{"a":{"shape":[1`, 0), ErrFormat, "JSON at byte 16"},
		{"ST-09 deep", withHeader(strings.Repeat(`{"a":`, 100_000), 0), ErrFormat, "deeper"},
		{"ST-09 deep in an unknown key", withHeader(`{"t":{"x":`+strings.Repeat("[", 100_000), 0), ErrFormat, "deeper"},
		{"ST-10 trailing bytes", withHeader("{} x", 0), ErrFormat, "end of the text"},
		{"ST-11 duplicate", withHeader("{"+u8("a", 0, 1)+","+u8("a", 1, 2)+"}", 2), ErrFormat, `duplicate key "a"`},
		{"ST-12 duplicate of no size", withHeader("{"+u8("a", 0, 0)+","+u8("a", 0, 2)+"}", 2), ErrFormat, `duplicate key "a"`},
		{"ST-13 case of a field", withHeader(`{"a":{"DTYPE":"U8","Shape":[1],"data_offsets":[0,1]}}`, 1), ErrFormat, "no dtype"},
		{"ST-14 unknown type", withHeader("{"+entry("a", "Q7", "[1]", 0, 1)+"}", 1), ErrUnsupported, `"Q7"`},
		{"ST-14 unknown type overlaps", withHeader("{"+u8("a", 0, 2)+","+entry("b", "Q7", "[1]", 1, 2)+"}", 2), ErrFormat, "overlap"},
		{"ST-15 half bytes", withHeader("{"+entry("a", "F4", "[3]", 0, 2)+"}", 2), ErrFormat, "12 bits"},
		{"ST-16 negative", withHeader("{"+entry("a", "U8", "[-1]", 0, 1)+"}", 1), ErrFormat, `"-1" is not a size`},
		{"ST-16 fraction", withHeader("{"+entry("a", "U8", "[1.0]", 0, 1)+"}", 1), ErrFormat, `"1.0" is not a size`},
		{"ST-16 exponent", withHeader("{"+entry("a", "U8", "[1e3]", 0, 1)+"}", 1), ErrFormat, `"1e3" is not a size`},
		{"ST-16 string", withHeader("{"+entry("a", "U8", `["1"]`, 0, 1)+"}", 1), ErrFormat, "expected a number"},
		{"ST-16 over 2^63", withHeader("{"+entry("a", "U8", "[9223372036854775809]", 0, 1)+"}", 1), ErrFormat, "too large"},
		{"ST-16 over 2^64", withHeader("{"+entry("a", "U8", "[18446744073709551616]", 0, 1)+"}", 1), ErrFormat, "not a size"},
		{"ST-17 product", withHeader("{"+entry("a", "U8", "[2,18446744073709551614]", 0, 1)+"}", 1), ErrOverflow, "64 bits"},
		{"ST-18 times the size", withHeader("{"+entry("a", "I32", "[2,9223372036854775807]", 0, 1)+"}", 1), ErrOverflow, "bits"},
		{"ST-19 rank", withHeader("{"+entry("a", "U8", "[1"+strings.Repeat(",1", 999_999)+"]", 0, 1)+"}", 1), ErrFormat, "more than 8"},
		{"ST-20 one offset", withHeader(`{"a":{"dtype":"U8","shape":[1],"data_offsets":[0]}}`, 1), ErrFormat, "1 entries"},
		{"ST-20 three offsets", withHeader(`{"a":{"dtype":"U8","shape":[1],"data_offsets":[0,1,2]}}`, 1), ErrFormat, "more than 2"},
		{"ST-20 negative", withHeader("{"+entry("a", "U8", "[1]", -1, 0)+"}", 1), ErrFormat, "not a size"},
		{"ST-20 end before start", withHeader("{"+entry("a", "U8", "[1]", 1, 0)+"}", 1), ErrFormat, "before they begin"},
		{"ST-20 beyond the file", withHeader("{"+u8("a", 0, 2)+","+u8("b", 2, 9)+"}", 2), ErrTruncated, "holds 2 bytes"},
		{"ST-21 overlap", withHeader("{"+u8("a", 0, 2)+","+u8("b", 1, 3)+"}", 3), ErrFormat, "overlap"},
		{"ST-22 gap", withHeader("{"+u8("a", 0, 1)+","+u8("b", 2, 3)+"}", 3), ErrFormat, "gap"},
		{"ST-22 bytes after the last", withHeader("{"+u8("a", 0, 1)+"}", 3), ErrFormat, "holds 3 bytes"},
		{"ST-23 not at 0", withHeader("{"+u8("a", 1, 2)+"}", 2), ErrFormat, "gap"},
		{"ST-24 wrong size", withHeader("{"+entry("a", "F32", "[2]", 0, 4)+"}", 4), ErrMismatch, "4 bytes, but shape [2] of F32 needs 8"},
		{"ST-25 metadata not an object", withHeader(`{"__metadata__":[]}`, 0), ErrFormat, "expected '{'"},
		{"ST-25 metadata not strings", withHeader(`{"__metadata__":{"a":1}}`, 0), ErrFormat, `expected '"'`},
		{"ST-26 no shape", withHeader(`{"a":{"dtype":"U8","data_offsets":[0,1]}}`, 1), ErrFormat, `"a" has no shape`},
		{"ST-26 no offsets", withHeader(`{"a":{"dtype":"U8","shape":[1]}}`, 1), ErrFormat, "no data_offsets"},
		{"ST-27 no name", withHeader("{"+u8("", 0, 1)+"}", 1), ErrFormat, "tensor name of 0 bytes"},
		{"ST-27 long name", withHeader("{"+u8(strings.Repeat("n", 1<<20), 0, 1)+"}", 1), ErrFormat, "tensor name of 1048576 bytes"},
		{"ST-27 escapes", withHeader(`{"\u001b[31m\n\u0000":{"dtype":"U8"}}`, 1), ErrFormat, `"\x1b[31m\n\x00"`},
		{"not a file of tensors", []byte("version https://git-lfs.github.com/spec/v1\n"), ErrTooLarge, "Git LFS pointer"},
	}
}

func TestMalformedSafetensors(t *testing.T) {
	for _, c := range malformedSafetensors() {
		t.Run(c.name, func(t *testing.T) {
			_, err := ParseSafetensors("dir/model.safetensors", c.data)
			require.ErrorIs(t, err, c.class)
			require.ErrorContains(t, err, c.says)
			require.ErrorContains(t, err, "dir/model.safetensors")
			require.NotContains(t, err.Error(), "\n")
			require.Less(t, len(err.Error()), 400)
		})
	}
}

func TestAcceptedSafetensors(t *testing.T) {
	for _, c := range []struct {
		name string
		data []byte
		want []string
	}{
		{"nothing in it", withHeader("{}", 0), nil},
		{"white space around", withHeader(" \n{}\t\r\n ", 0), nil},
		{"scalar, empty, unknown key", withHeader(`{"s":{"dtype":"F32","shape":[],"data_offsets":[0,4],"more":{"x":[1,{}]}},`+entry("e", "F64", "[3,0]", 4, 4)+"}", 4), []string{"s", "e"}},
		{"order of the bytes, not of the header", withHeader("{"+entry("b", "U8", "[1]", 2, 3)+","+entry("a", "I16", "[1]", 0, 2)+"}", 3), []string{"a", "b"}},
		{"ST-30 a length that begins like zlib", withHeader("{}"+strings.Repeat(" ", 8310), 0), nil},
		{"escaped name", withHeader(`{"\u0061\/\ud83d\ude00":{"dtype":"BOOL","shape":[1],"data_offsets":[0,1]}}`, 1), []string{"a/😀"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			f, err := ParseSafetensors("x", c.data)
			require.NoError(t, err)
			require.Equal(t, c.want, f.Names())
		})
	}
}

func FuzzSafetensorsHeader(f *testing.F) {
	for _, c := range malformedSafetensors() {
		if len(c.data) < 1<<12 {
			f.Add(c.data)
		}
	}
	f.Add(withHeader("{"+entry("a", "F16", "[2,3]", 0, 12)+","+entry("b", "BF16", "[]", 12, 14)+"}", 14))
	f.Fuzz(func(t *testing.T, data []byte) {
		file, err := ParseSafetensors("x", data)
		if err != nil {
			require.NotContains(t, err.Error(), "\n")
			return
		}
		// What was accepted can be written and read back as the same tensors.
		dir := t.TempDir()
		var specs []Spec
		for _, name := range file.Names() {
			x, _ := file.Tensor(name)
			require.Len(t, x.Data, x.Elements()*x.DType.Size())
			specs = append(specs, Spec{Name: name, DType: x.DType, Shape: x.Shape})
		}
		w, err := NewWriter(dir, specs, WriterOptions{Metadata: file.Metadata})
		require.NoError(t, err)
		defer w.Close()
		for _, s := range specs {
			x, _ := file.Tensor(s.Name)
			require.NoError(t, w.Tensor(s.Name, x.Data))
		}
		require.NoError(t, w.Commit())
		again, err := OpenSafetensors(filepath.Join(dir, "model.safetensors"))
		require.NoError(t, err)
		defer again.Close()
		requireSame(t, file, again, 0)
	})
}

func TestWriter(t *testing.T) {
	specs := []Spec{
		{"a", tensor.F32, []int{3}}, {"b", tensor.U8, []int{5}}, {"c<&>\u2028", tensor.BF16, []int{2, 2}}, {"d", tensor.F16, nil}, {"e", tensor.I64, []int{0}},
	}
	data := func(i int) []byte { n, _ := specs[i].Bytes(); return bytes.Repeat([]byte{byte(i + 1)}, int(n)) }
	for limit, want := range map[int64][]string{
		0:  {"model.safetensors"},
		12: {"model-00001-of-00003.safetensors", "model-00002-of-00003.safetensors", "model-00003-of-00003.safetensors", "model.safetensors.index.json"},
		1:  {"model-00001-of-00004.safetensors", "model-00002-of-00004.safetensors", "model-00003-of-00004.safetensors", "model-00004-of-00004.safetensors", "model.safetensors.index.json"},
	} {
		dir := t.TempDir()
		w, err := NewWriter(dir, specs, WriterOptions{MaxShardBytes: limit})
		require.NoError(t, err)
		for i, s := range specs {
			require.NoError(t, w.Tensor(s.Name, data(i)))
			require.Empty(t, visible(t, dir), "no file under its final name before Commit")
		}
		require.NoError(t, w.Commit())
		require.NoError(t, w.Close())
		require.ElementsMatch(t, want, listNames(dir, 100), "and no temporary file after it")
		got, err := openWeights(dir, OpenOptions{})
		require.NoError(t, err)
		require.Empty(t, got.notes)
		for i, x := range got.tensors {
			require.Equal(t, specs[i].Name, x.Name)
			require.Equal(t, data(i), x.Data)
		}
		header := got.files[0].data[8 : 8+binary.LittleEndian.Uint64(got.files[0].data)]
		require.True(t, json.Valid(header))
		require.Zero(t, (8+len(header))%headerAlign)
		require.NoError(t, got.Close())
	}
}

// visible lists the files that are not temporary.
func visible(t *testing.T, dir string) []string {
	var out []string
	for _, n := range listNames(dir, 100) {
		if !strings.HasPrefix(n, ".") {
			out = append(out, n)
		}
	}
	return out
}

func TestWriterRefuses(t *testing.T) {
	dir := t.TempDir()
	_, err := NewWriter(dir, []Spec{{"a", tensor.F32, []int{1}}, {"a", tensor.F32, []int{1}}}, WriterOptions{})
	require.ErrorIs(t, err, ErrFormat)
	_, err = NewWriter(dir, []Spec{{"a", tensor.F32, []int{math.MaxInt, math.MaxInt}}}, WriterOptions{})
	require.ErrorIs(t, err, ErrOverflow)

	w, err := NewWriter(dir, []Spec{{"a", tensor.F32, []int{1}}, {"b", tensor.F32, []int{1}}}, WriterOptions{})
	require.NoError(t, err)
	require.ErrorContains(t, w.Tensor("b", make([]byte, 4)), `expected "a"`)
	require.NoError(t, w.Begin("a"))
	_, err = w.Write(make([]byte, 5))
	require.ErrorContains(t, err, "takes 4 more")
	require.ErrorContains(t, w.Begin("b"), "4 bytes of the one before it")
	require.ErrorContains(t, w.Commit(), "missing")
	_, err = w.Write(make([]byte, 4))
	require.NoError(t, err)
	require.ErrorContains(t, w.Commit(), "not all planned")
	require.NoError(t, w.Close())
	require.Empty(t, listNames(dir, 10), "nothing is left behind")
}

func TestWriterEmpty(t *testing.T) {
	dir := t.TempDir()
	w, err := NewWriter(dir, nil, WriterOptions{})
	require.NoError(t, err)
	require.NoError(t, w.Commit())
	f, err := OpenSafetensors(filepath.Join(dir, "model.safetensors"))
	require.NoError(t, err)
	require.Empty(t, f.Names())
	require.NoError(t, f.Close())
}
