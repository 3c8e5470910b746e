package tokenizer

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// fixtureCase is what a reference library does with a text and with ids drawn at random (testdata/make.py, make.mjs).
type fixtureCase struct {
	Text        string `json:"text"`
	IDs         []int  `json:"ids"`
	Decode      string `json:"decode"`
	Skipped     string `json:"skipped"`
	Other       []int  `json:"other"`
	OtherDecode string `json:"other_decode"`
}

// fixtures reads a file of testdata and names the command that makes it if that is not there.
func fixtures(t testing.TB, name, maker string) map[string][]fixtureCase {
	t.Helper()
	raw, err := os.ReadFile(filepath.Join("testdata", name))
	require.NoError(t, err, "made by %s in testdata", maker)
	var sets map[string][]fixtureCase
	require.NoError(t, json.Unmarshal(raw, &sets))
	require.NotEmpty(t, sets)
	return sets
}

func TestSentencePieceLibrary(t *testing.T) {
	t.Parallel()
	for name, cases := range fixtures(t, "sentencepiece.json", "python3 make.py") {
		r, err := OpenRaw(filepath.Join("testdata", name+".model"))
		require.NoError(t, err)
		for _, c := range cases {
			require.Equal(t, c.IDs, r.Encode(c.Text), "%s: %q", name, c.Text)
			require.Equal(t, c.Decode, r.Decode(c.IDs), "%s: %q", name, c.Text)
			require.Equal(t, c.OtherDecode, r.Decode(c.Other), "%s: %v", name, c.Other)
		}
	}
}

func TestTokenizersLibrary(t *testing.T) {
	t.Parallel()
	for name, cases := range fixtures(t, "tokenizers.json", "node make.mjs") {
		tok := openFixture(t, name+".json", "tokenizer.json", "", Options{})
		for _, c := range cases {
			require.Equal(t, c.IDs, tok.Encode(c.Text), "%s: %q", name, c.Text)
			require.Equal(t, c.Decode, tok.Decode(c.IDs, false), "%s: %q", name, c.Text)
			require.Equal(t, c.Skipped, tok.Decode(c.IDs, true), "%s: %q", name, c.Text)
			require.Equal(t, c.OtherDecode, tok.Decode(c.Other, false), "%s: %v", name, c.Other)
		}
	}
}

// openFixture opens a file of testdata as if it lay in a model directory under the given name, with a tokenizer_config.json
// unless that is empty.
func openFixture(t testing.TB, file, as, config string, o Options) Tokenizer {
	t.Helper()
	raw, err := os.ReadFile(filepath.Join("testdata", file))
	require.NoError(t, err)
	files := map[string]string{as: string(raw)}
	if config != "" {
		files["tokenizer_config.json"] = config
	}
	tok, err := Open(writeDir(t, files), o)
	require.NoError(t, err)
	return tok
}

// writeDir makes a directory with the given files.
func writeDir(t testing.TB, files map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for name, content := range files {
		require.NoError(t, os.WriteFile(filepath.Join(dir, name), []byte(content), 0o600))
	}
	return dir
}

// streamed decodes ids one by one and checks that no part ends within a character.
func streamed(t testing.TB, tok Tokenizer, ids []int, skip bool) string {
	t.Helper()
	s := tok.NewStream(skip)
	var b strings.Builder
	for _, id := range ids {
		part := s.Push(id)
		require.Equal(t, strings.ToValidUTF8(part, ""), part)
		b.WriteString(part)
	}
	b.WriteString(s.Flush())
	return b.String()
}

// everyFixture opens each small tokenizer of testdata.
func everyFixture(t testing.TB) map[string]Tokenizer {
	return map[string]Tokenizer{
		"bpe":        openFixture(t, "bpe.model", "tokenizer.model", `{"legacy":false}`, Options{}),
		"bpe legacy": openFixture(t, "bpe.model", "tokenizer.model", `{"legacy":true}`, Options{Added: []string{"<image>"}}),
		"unigram":    openFixture(t, "unigram.model", "tokenizer.model", "", Options{}),
		"bytelevel":  openFixture(t, "bytelevel.json", "tokenizer.json", "", Options{}),
		"fallback":   openFixture(t, "fallback.json", "tokenizer.json", `{"tokenizer_class":"LlamaTokenizerFast"}`, Options{}),
		"cleaned": openFixture(t, "bytelevel.json", "tokenizer.json",
			`{"tokenizer_class":"PreTrainedTokenizerFast","clean_up_tokenization_spaces":true}`, Options{}),
	}
}

func TestStreamEqualsDecode(t *testing.T) {
	t.Parallel()
	for name, tok := range everyFixture(t) {
		for _, set := range []string{"sentencepiece.json", "tokenizers.json"} {
			for _, cases := range fixtures(t, set, "make.py") {
				for _, c := range cases {
					for _, ids := range [][]int{tok.Encode(c.Text), c.Other} {
						for _, skip := range []bool{false, true} {
							require.Equal(t, tok.Decode(ids, skip), streamed(t, tok, ids, skip), "%s: %v", name, ids)
						}
					}
				}
			}
		}
	}
}
