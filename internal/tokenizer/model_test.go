package tokenizer

import (
	"encoding/binary"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// protoWriter writes protobuf messages for tests.
type protoWriter []byte

func (w protoWriter) key(number, kind int) protoWriter {
	return binary.AppendUvarint(w, uint64(number<<3|kind))
}

func (w protoWriter) varint(number int, v uint64) protoWriter {
	return binary.AppendUvarint(w.key(number, wireVarint), v)
}

func (w protoWriter) float(number int, v float32) protoWriter {
	return binary.LittleEndian.AppendUint32(w.key(number, wireFixed32), math.Float32bits(v))
}

func (w protoWriter) string(number int, s string) protoWriter {
	return append(binary.AppendUvarint(w.key(number, wireBytes), uint64(len(s))), s...)
}

func (w protoWriter) piece(text string, score float32, kind pieceType) protoWriter {
	return w.string(1, string(protoWriter(nil).string(1, text).float(2, score).varint(3, uint64(kind))))
}

// base returns the pieces that a model needs.
func (w protoWriter) base() protoWriter {
	return w.piece("<unk>", 0, pieceUnknown).piece("<s>", 0, pieceControl).piece("</s>", 0, pieceControl)
}

func (w protoWriter) bpe() protoWriter {
	return w.string(2, string(protoWriter(nil).varint(3, uint64(modelBPE))))
}

func TestMalformedModels(t *testing.T) {
	t.Parallel()
	spec := func(number int, inner protoWriter) string {
		return string(protoWriter(nil).base().piece("a", 0, pieceNormal).string(number, string(inner)))
	}
	charsmap := func(b string) string { return spec(3, protoWriter(nil).string(2, b)) }
	bytePieces := func(missing int) string {
		w := protoWriter(nil).base().string(2, string(protoWriter(nil).varint(35, 1)))
		for b := range 256 {
			if b != missing {
				w = w.piece("<0x"+string(upperHex[b>>4])+string(upperHex[b&15])+">", 0, pieceByte)
			}
		}
		return string(w)
	}
	whole := string(protoWriter(nil).base().piece("a", 0, pieceNormal))
	for name, c := range map[string]struct {
		file string
		is   error
		says string
	}{
		"empty file":            {"", ErrFormat, "no unknown piece"},
		"cut key":               {whole + "\x80", ErrFormat, "cut short"},
		"cut length":            {whole + "\x0a\x80", ErrFormat, "cut short"},
		"length beyond the end": {whole + "\x0a\x05abc", ErrFormat, "length 5, 3 bytes left"},
		"huge length":           {whole + "\x0a\xff\xff\xff\xff\xff\xff\xff\xff\x7f", ErrFormat, "bytes left"},
		"varint of 11 bytes":    {whole + "\x10" + strings.Repeat("\x80", 10) + "\x01", ErrFormat, "longer than 64 bits"},
		"cut fixed32":           {whole + "\x15\x00\x00", ErrFormat, "want 4 bytes"},
		"cut fixed64":           {whole + "\x11\x00\x00", ErrFormat, "want 8 bytes"},
		"group":                 {whole + "\x0b\x0c", ErrFormat, "wire type 3"},
		"wire type 7":           {whole + "\x0f", ErrFormat, "wire type 7"},
		"field 0":               {whole + "\x00\x01", ErrFormat, "field number 0"},
		"piece as a number":     {string(protoWriter(nil).varint(1, 7)), ErrFormat, "piece 0: wire type 0, want 2"},
		"piece text as float":   {string(protoWriter(nil).string(1, string(protoWriter(nil).float(1, 1)))), ErrFormat, "piece text"},
		"score as varint":       {string(protoWriter(nil).string(1, string(protoWriter(nil).string(1, "x").varint(2, 1)))), ErrFormat, "piece score"},
		"piece type 9":          {string(protoWriter(nil).piece("x", 0, 9)), ErrFormat, "piece type 9"},
		"empty piece":           {string(protoWriter(nil).piece("", 0, pieceNormal)), ErrFormat, "piece 0 is empty"},
		"piece not UTF-8":       {string(protoWriter(nil).piece("a\xff", 0, pieceNormal)), ErrFormat, "not UTF-8"},
		"score NaN":             {string(protoWriter(nil).piece("a", float32(math.NaN()), pieceNormal)), ErrFormat, "score NaN"},
		"score Inf":             {string(protoWriter(nil).piece("a", float32(math.Inf(-1)), pieceNormal)), ErrFormat, "score -Inf"},
		"piece twice":           {whole + string(protoWriter(nil).piece("a", -1, pieceUnused)), ErrFormat, `pieces 3 and 4 are both "a"`},
		"piece twice, reserved": {whole + string(protoWriter(nil).piece("<s>", -1, pieceNormal)), ErrFormat, `are both "<s>"`},
		"two unknown pieces":    {whole + string(protoWriter(nil).piece("u", 0, pieceUnknown)), ErrFormat, "both unknown"},
		"no unknown piece":      {string(protoWriter(nil).piece("a", 0, pieceNormal)), ErrFormat, "no unknown piece"},
		"byte without fallback": {whole + string(protoWriter(nil).piece("<0x41>", 0, pieceByte)), ErrFormat, "marked as a byte"},
		"byte that is none":     {bytePieces(-1) + string(protoWriter(nil).piece("<0xGG>", 0, pieceByte)), ErrFormat, "marked as a byte"},
		"byte missing":          {bytePieces(0xe2), ErrFormat, "byte 0xe2"},
		"word model":            {spec(2, protoWriter(nil).varint(3, 3)), ErrUnsupported, "WORD"},
		"char model":            {spec(2, protoWriter(nil).varint(3, 4)), ErrUnsupported, "CHAR"},
		"model type 8":          {spec(2, protoWriter(nil).varint(3, 8)), ErrFormat, "model type 8"},
		"bool as bytes":         {spec(2, protoWriter(nil).string(35, "x")), ErrFormat, "byte_fallback"},
		"denormalizer":          {spec(5, protoWriter(nil).string(2, "abcd")), ErrUnsupported, "denormalizer"},
		"charsmap of 3 bytes":   {charsmap("abc"), ErrFormat, "of 3 bytes"},
		"charsmap too long":     {charsmap("\xff\xff\xff\xffabcdefgh"), ErrFormat, "trie of"},
		"charsmap, odd trie":    {charsmap("\x03\x00\x00\x00abcdefgh"), ErrFormat, "trie of 3"},
		"charsmap, empty trie":  {charsmap("\x00\x00\x00\x00abcdefgh"), ErrFormat, "trie of 0"},
		"charsmap, no end":      {charsmap("\x04\x00\x00\x00abcdefgh"), ErrFormat, "without an end"},
	} {
		_, err := parseSentencePiece([]byte(c.file))
		require.ErrorIs(t, err, c.is, name)
		require.ErrorContains(t, err, c.says, name)
	}
	_, err := parseSentencePiece([]byte(whole))
	require.NoError(t, err)
	_, err = parseSentencePiece([]byte(bytePieces(-1)))
	require.NoError(t, err)
}

// Every prefix of a good model either is refused or is a smaller model; none panics.
func TestTruncatedModels(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"bpe.model", "unigram.model"} {
		file, err := os.ReadFile(filepath.Join("testdata", name))
		require.NoError(t, err)
		for n := range len(file) {
			if m, err := parseSentencePiece(file[:n]); err == nil {
				m.encode("a text", false)
			}
		}
	}
}

func TestMergeOrder(t *testing.T) {
	t.Parallel()
	w := protoWriter(nil).base().
		piece("a", -9, pieceNormal).piece("b", -9, pieceNormal).piece("aa", -1, pieceNormal).piece("ab", -1, pieceNormal).
		piece("bb", -2, pieceNormal).piece("aab", -3, pieceUnused).bpe().
		string(3, string(protoWriter(nil).varint(3, 0).varint(4, 0)))
	m, err := parseSentencePiece(w)
	require.NoError(t, err)
	for text, want := range map[string][]int{
		"aaa":  {5, 3},    // the leftmost of equals first
		"aab":  {5, 4},    // aa+b makes the unused aab, which falls apart as it was made
		"abab": {6, 6},    //
		"abb":  {6, 4},    // ab before bb
		"aaab": {5, 6},    // aa, ab at the same score, from the left
		"bab":  {4, 6},    //
		"":     {},        //
		"cc":   {0},       // a run of unknown characters is one piece
		"acca": {3, 0, 3}, //
	} {
		require.Equal(t, want, (&Raw{m}).Encode(text), text)
	}
}

func TestUnigramTies(t *testing.T) {
	t.Parallel()
	w := protoWriter(nil).base().
		piece("a", -1, pieceNormal).piece("aa", -2, pieceNormal).piece("aaa", -2.5, pieceNormal).piece("b", -1, pieceUnused).
		piece("ab", -50, pieceUserDefined).
		string(3, string(protoWriter(nil).varint(3, 0).varint(4, 0)))
	m, err := parseSentencePiece(w)
	require.NoError(t, err)
	for text, want := range map[string][]int{
		"aa":  {4}, // as likely as a a: the path that was found first stays, that of the longer piece
		"aaa": {5},
		"ab":  {7}, // user-defined: whatever its score
		"b":   {0}, // unused: as if it were not there
	} {
		require.Equal(t, want, (&Raw{m}).Encode(text), text)
	}
}

func FuzzSentencePiece(f *testing.F) {
	for _, name := range []string{"bpe.model", "unigram.model"} {
		file, err := os.ReadFile(filepath.Join("testdata", name))
		require.NoError(f, err)
		f.Add(file, "The cat ﬁ é  x")
	}
	f.Add([]byte(protoWriter(nil).base().piece("a", 0, pieceNormal).bpe()), "aaa")
	f.Fuzz(func(t *testing.T, file []byte, text string) {
		if len(file) > 1<<16 || len(text) > 1<<12 {
			t.Skip()
		}
		m, err := parseSentencePiece(file)
		if err != nil {
			return
		}
		r := &Raw{m}
		ids := r.Encode(text)
		for _, id := range ids {
			require.Less(t, id, len(m.pieces))
			require.GreaterOrEqual(t, id, 0)
		}
		r.Decode(ids)
	})
}
