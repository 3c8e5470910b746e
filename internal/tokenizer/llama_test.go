package tokenizer

import (
	"encoding/json"
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// pieces returns the texts of ids, for readable tables.
func pieces(t testing.TB, tok Tokenizer, ids []int) string {
	t.Helper()
	texts := make([]string, len(ids))
	for i, id := range ids {
		text, ok := tok.Piece(id)
		require.True(t, ok)
		texts[i] = text
	}
	return strings.Join(texts, "|")
}

func TestLegacy(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ text, modern, legacy string }{
		{"", "<s>", "<s>"},
		{"tile cat", "<s>|▁tile|▁cat", "<s>|▁tile|▁cat"},
		{"</s>tile", "<s>|</s>|t|ile", "<s>|</s>|▁tile"},
		{"tile</s>tile", "<s>|▁tile|</s>|t|ile", "<s>|▁tile|</s>|▁tile"},
		{"</s> tile", "<s>|</s>|▁tile", "<s>|</s>|▁|▁tile"},
		{" </s> ", "<s>|▁|▁|</s>|▁", "<s>|▁|▁|</s>|▁|▁"},
		{"<s><unk>", "<s>|<s>|<unk>", "<s>|<s>|<unk>"},
		{"tile▁cat", "<s>|▁tile|▁cat", "<s>|▁tile|▁cat"},
	} {
		modern := openFixture(t, "bpe.model", "tokenizer.model", `{"legacy":false}`, Options{})
		legacy := openFixture(t, "bpe.model", "tokenizer.model", `{}`, Options{})
		require.Equal(t, c.modern, pieces(t, modern, modern.Encode(c.text)), "%q", c.text)
		require.Equal(t, c.legacy, pieces(t, legacy, legacy.Encode(c.text)), "%q, legacy", c.text)
	}
}

func TestPlainText(t *testing.T) {
	t.Parallel()
	for name, tok := range everyFixture(t) {
		eos, ok := tok.ID("</s>")
		require.True(t, ok, name)
		require.Contains(t, tok.Encode("a</s>b"), eos, name)
		require.NotContains(t, tok.EncodePlain("a</s>b"), eos, name)
		mixed := tok.EncodeSpans([]Span{{Text: "x</"}, {Text: "s></s>", Plain: true}, {Text: "</s>"}, {Text: "</s", Plain: true}, {Text: ">"}})
		require.Equal(t, 1, strings.Count(pieces(t, tok, mixed)+"|", "</s>|"), "%s: only the template's own", name)
		if name != "unigram" { // which has no piece for <
			require.Contains(t, tok.Decode(mixed, true), "x</s></s>", name)
		}
	}
	tok := openFixture(t, "unigram.model", "tokenizer.model", "", Options{})
	mark, ok := tok.ID("<|im_end|>")
	require.True(t, ok)
	require.Contains(t, tok.Encode("a<|im_end|>"), mark, "a user-defined piece of the model itself")
	require.NotContains(t, tok.EncodePlain("a<|im_end|>"), mark)
}

func TestAddedTokenRules(t *testing.T) {
	t.Parallel()
	tok := openFixture(t, "bpe.model", "tokenizer.model", `{"legacy":false,"added_tokens_decoder":{
		"400":{"content":"<l>","lstrip":true,"special":true},
		"401":{"content":"<r>","rstrip":true,"special":true},
		"402":{"content":"word","single_word":true},
		"403":{"content":"<long","special":true},
		"404":{"content":"<longer>","special":true}}}`, Options{Added: []string{"<new>", "<s>", "<new>"}})
	for text, want := range map[string]string{
		"a  <l>  b":         "<s>|▁a|<l>|▁|▁b",
		"a  <r>  b":         "<s>|▁a|▁|▁|<r>|b",
		"a word b":          "<s>|▁a|▁|word|▁b",
		"<longer><long>":    "<s>|▁|<longer>|<long|<0x3E>",
		"a<new>":            "<s>|▁a|<new>",
		"<r> \u00a0\x1f\tb": "<s>|▁|<r>|b",
	} {
		require.Equal(t, want, pieces(t, tok, tok.Encode(text)), "%q", text)
	}
	require.NotContains(t, pieces(t, tok, tok.Encode("swords")), "|word|")
	id, ok := tok.ID("<new>")
	require.True(t, ok)
	require.Equal(t, 405, id)
	require.Equal(t, 406, tok.Size())
	require.NoError(t, tok.CheckVocabulary(406))
	require.NoError(t, tok.CheckVocabulary(1000))
	require.ErrorIs(t, tok.CheckVocabulary(405), ErrVocabulary)
}

func TestDecodeSections(t *testing.T) {
	t.Parallel()
	config := `{"legacy":%s,"added_tokens_decoder":{"400":{"content":"<extra>"}}}`
	ids := func(tok Tokenizer, texts ...string) (ids []int) {
		for _, text := range texts {
			id, ok := tok.ID(text)
			require.True(t, ok, text)
			ids = append(ids, id)
		}
		return ids
	}
	for _, legacy := range []string{"true", "false"} {
		tok := openFixture(t, "bpe.model", "tokenizer.model", strings.Replace(config, "%s", legacy, 1), Options{})
		for _, c := range []struct{ texts, want, wantLegacy string }{
			{"<s>,▁tile", "<s> tile", "<s>tile"},
			{"▁tile,</s>", "tile</s>", " tile</s>"}, // legacy puts its space in front of tile whole stretch
			{"▁tile,</s>,▁tile,</s>", "tile</s> tile</s>", " tile</s> tile</s>"},
			{"▁tile,<extra>,▁cat", "tile <extra> cat", "tile <extra> cat"},
			{"<extra>,<extra>,▁", "<extra> <extra> ", "<extra> <extra> "},
			{"▁,<extra>", "<extra>", "<extra>"},
			{"▁,▁tile", " tile", "tile"},
			{"▁tile,<unk>", "tile<unk>", " tile<unk>"},
			{"▁tile,<0xE2>,<0x96>,▁cat", "tile\uFFFD\uFFFD cat", "tile\uFFFD\uFFFD cat"},
			{"<0xF0>,<0x9F>,<0x99>,<0x82>,<0xF0>", "🙂\uFFFD", "🙂\uFFFD"},
		} {
			in := ids(tok, strings.Split(c.texts, ",")...)
			want := c.want
			if legacy == "true" {
				want = c.wantLegacy
			}
			require.Equal(t, want, tok.Decode(in, false), "%s, legacy %s", c.texts, legacy)
			require.Equal(t, want, streamed(t, tok, in, false), "%s, legacy %s", c.texts, legacy)
		}
		require.Empty(t, tok.Decode([]int{-200, -1, 1 << 30}, false))
	}
}

func TestStreamIsPrompt(t *testing.T) {
	t.Parallel()
	for _, legacy := range []string{"true", "false"} {
		tok := openFixture(t, "bpe.model", "tokenizer.model", `{"legacy":`+legacy+`}`, Options{})
		s := tok.NewStream(true)
		var got []string
		for _, id := range tok.Encode("tile 🙂 cat</s>") {
			got = append(got, s.Push(id))
		}
		require.Equal(t, "|tile| ||||🙂| cat|", strings.Join(got, "|"), "text comes as soon as it is final")
		require.Empty(t, s.Flush())
	}
}

func TestConfigFiles(t *testing.T) {
	t.Parallel()
	model, err := os.ReadFile("testdata/bpe.model")
	require.NoError(t, err)
	open := func(files map[string]string, o Options) (Tokenizer, error) {
		files["tokenizer.model"] = string(model)
		return Open(writeDir(t, files), o)
	}
	no := false
	for name, c := range map[string]struct {
		files map[string]string
		o     Options
		ids   string
	}{
		"nothing":          {map[string]string{}, Options{}, "<s>|▁a"},
		"no bos":           {map[string]string{"tokenizer_config.json": `{"add_bos_token":false}`}, Options{}, "▁a"},
		"no bos, override": {map[string]string{}, Options{AddBOS: &no}, "▁a"},
		"bos null":         {map[string]string{"tokenizer_config.json": `{"bos_token":null}`}, Options{}, "▁a"},
		"eos":              {map[string]string{"tokenizer_config.json": `{"add_eos_token":true}`}, Options{}, "<s>|▁a|</s>"},
		"bos object":       {map[string]string{"tokenizer_config.json": `{"bos_token":{"__type":"AddedToken","content":"</s>"}}`}, Options{}, "</s>|▁a"},
		"special map":      {map[string]string{"special_tokens_map.json": `{"bos_token":{"content":"</s>"}}`}, Options{}, "</s>|▁a"},
		"map is overruled": {map[string]string{"special_tokens_map.json": `{"bos_token":"</s>"}`, "tokenizer_config.json": `{"added_tokens_decoder":{}}`}, Options{}, "<s>|▁a"},
		"bos is added":     {map[string]string{"added_tokens.json": `{"<b>":400}`, "tokenizer_config.json": `{"bos_token":"<b>"}`}, Options{}, "<b>|▁a"},
		"bos is new":       {map[string]string{"tokenizer_config.json": `{"bos_token":"<b>","pad_token":"<p>"}`}, Options{}, "<b>|▁a"},
		"tokenizer.json":   {map[string]string{"tokenizer.json": `{"added_tokens":[{"id":400,"content":"a","special":false}]}`}, Options{}, "<s>|a"},
	} {
		tok, err := open(c.files, c.o)
		require.NoError(t, err, name)
		require.Equal(t, c.ids, pieces(t, tok, tok.Encode("a")), name)
	}
	for name, c := range map[string]struct {
		file, content string
		is            error
	}{
		"class":          {"tokenizer_config.json", `{"tokenizer_class":"T5Tokenizer"}`, ErrUnsupported},
		"not JSON":       {"tokenizer_config.json", `{`, ErrFormat},
		"bad key":        {"tokenizer_config.json", `{"added_tokens_decoder":{"x":{"content":"a"}}}`, ErrFormat},
		"empty token":    {"added_tokens.json", `{"":400}`, ErrFormat},
		"negative id":    {"added_tokens.json", `{"<b>":-1}`, ErrFormat},
		"huge id":        {"added_tokens.json", `{"<b>":1000000000000}`, ErrFormat},
		"id twice":       {"added_tokens.json", `{"<b>":400,"<c>":400}`, ErrFormat},
		"text twice":     {"tokenizer_config.json", `{"added_tokens_decoder":{"400":{"content":"a"},"401":{"content":"a"}}}`, ErrFormat},
		"bos is a list":  {"special_tokens_map.json", `{"bos_token":[]}`, ErrFormat},
		"tokenizer.json": {"tokenizer.json", `[]`, ErrFormat},
	} {
		_, err := open(map[string]string{c.file: c.content}, Options{})
		require.ErrorIs(t, err, c.is, name)
	}
	_, err = Open(t.TempDir(), Options{})
	require.ErrorIs(t, err, os.ErrNotExist)
	tok, err := open(map[string]string{"tokenizer_config.json": `{"tokenizer_class":"T5Tokenizer"}`}, Options{AnyClass: true})
	require.NoError(t, err)
	info, err := json.Marshal(tok.Info())
	require.NoError(t, err)
	require.Contains(t, string(info), "sentencepiece bpe")
}
