package tokenizer

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"golang.org/x/text/unicode/norm"
)

// tinyJSON is a tokenizer.json with some of its parts replaced.
func tinyJSON(parts map[string]string) string {
	all := map[string]string{
		"added_tokens":   `[{"id":5,"content":"<s>","special":true}]`,
		"normalizer":     `null`,
		"pre_tokenizer":  `null`,
		"post_processor": `null`,
		"decoder":        `{"type":"ByteLevel"}`,
		"model":          `{"type":"BPE","vocab":{"a":0,"b":1,"ab":2,"Ġ":3,"aba":4},"merges":["a b","ab a"]}`,
	}
	for key, value := range parts {
		all[key] = value
	}
	var fields []string
	for key, value := range all {
		fields = append(fields, fmt.Sprintf("%q:%s", key, value))
	}
	return "{" + strings.Join(fields, ",") + "}"
}

func TestRefusedJSON(t *testing.T) {
	t.Parallel()
	model := func(s string) map[string]string { return map[string]string{"model": s} }
	vocab := `"vocab":{"a":0,"b":1,"ab":2,"Ġ":3,"aba":4}`
	part := func(key, value string) map[string]string { return map[string]string{key: value} }
	for name, c := range map[string]struct {
		parts map[string]string
		is    error
		says  string
	}{
		"unigram":             {model(`{"type":"Unigram","vocab":[["a",0]]}`), ErrUnsupported, `"Unigram"`},
		"no type":             {model(`{"vocab":{"a":0}}`), ErrUnsupported, "without a type"},
		"word pieces":         {model(`{"type":"WordPiece","vocab":{"a":0}}`), ErrUnsupported, `"WordPiece"`},
		"affix":               {model(`{"type":"BPE",` + vocab + `,"merges":[],"end_of_word_suffix":"</w>"}`), ErrUnsupported, "affixes"},
		"dropout":             {model(`{"type":"BPE",` + vocab + `,"merges":[],"dropout":0.1}`), ErrUnsupported, "dropout"},
		"merge of a stranger": {model(`{"type":"BPE",` + vocab + `,"merges":["a x"]}`), ErrFormat, `"a" and "x"`},
		"merge to a stranger": {model(`{"type":"BPE",` + vocab + `,"merges":["b a"]}`), ErrFormat, `"ba"`},
		"merge of three":      {model(`{"type":"BPE",` + vocab + `,"merges":["a b a"]}`), ErrFormat, "one space"},
		"merge of one":        {model(`{"type":"BPE",` + vocab + `,"merges":[["a"]]}`), ErrFormat, "pair of strings"},
		"merge is a number":   {model(`{"type":"BPE",` + vocab + `,"merges":[7]}`), ErrFormat, "pair of strings"},
		"id twice":            {model(`{"type":"BPE","vocab":{"a":0,"b":0,"c":1,"d":2,"e":4},"merges":[]}`), ErrFormat, "id 0"},
		"gap":                 {model(`{"type":"BPE","vocab":{"a":0,"b":1,"c":2,"d":3,"e":9},"merges":[]}`), ErrFormat, "ids up to 9"},
		"id beyond int32":     {model(`{"type":"BPE","vocab":{"a":4294967296},"merges":[]}`), ErrFormat, "4294967296"},
		"negative id":         {model(`{"type":"BPE","vocab":{"a":-1},"merges":[]}`), ErrFormat, "-1"},
		"id is no number":     {model(`{"type":"BPE","vocab":{"a":"x"},"merges":[]}`), ErrFormat, "vocab"},
		"unknown is unknown":  {model(`{"type":"BPE",` + vocab + `,"merges":[],"unk_token":"?"}`), ErrFormat, `"?"`},
		"added twice":         {part("added_tokens", `[{"id":5,"content":"x"},{"id":6,"content":"x"}]`), ErrFormat, "ids 5 and 6"},
		"added empty":         {part("added_tokens", `[{"id":5,"content":""}]`), ErrFormat, "empty"},
		"added, other id":     {part("added_tokens", `[{"id":5,"content":"ab"}]`), ErrFormat, "the vocabulary says 2"},
		"added, gap":          {part("added_tokens", `[{"id":7,"content":"x"}]`), ErrFormat, "only 6 tokens"},
		"normalizer":          {part("normalizer", `{"type":"Lowercase"}`), ErrUnsupported, `"Lowercase"`},
		"normalizer regex":    {part("normalizer", `{"type":"Replace","pattern":{"Regex":"a+"},"content":""}`), ErrUnsupported, "Replace"},
		"deep sequence":       {part("normalizer", strings.Repeat(`{"type":"Sequence","normalizers":[`, 12)+strings.Repeat(`]}`, 12)), ErrFormat, "nested"},
		"pre_tokenizer":       {part("pre_tokenizer", `{"type":"Whitespace"}`), ErrUnsupported, `"Whitespace"`},
		"unknown pattern":     {part("pre_tokenizer", `{"type":"Split","pattern":{"Regex":"(a+)+$"},"behavior":"Isolated"}`), ErrUnsupported, `"(a+)+$"`},
		"split at a string":   {part("pre_tokenizer", `{"type":"Split","pattern":{"String":" "},"behavior":"Isolated"}`), ErrUnsupported, "Split"},
		"split and merge":     {part("pre_tokenizer", `{"type":"Split","pattern":{"Regex":"x"},"behavior":"MergedWithNext"}`), ErrUnsupported, "MergedWithNext"},
		"metaspace":           {part("pre_tokenizer", `{"type":"Metaspace","replacement":"ab"}`), ErrFormat, `"ab"`},
		"metaspace scheme":    {part("pre_tokenizer", `{"type":"Metaspace","prepend_scheme":"last"}`), ErrFormat, `"last"`},
		"post_processor":      {part("post_processor", `{"type":"BertProcessing"}`), ErrUnsupported, `"BertProcessing"`},
		"template, no ids":    {part("post_processor", `{"type":"TemplateProcessing","single":[{"SpecialToken":{"id":"<s>"}},{"Sequence":{"id":"A"}}]}`), ErrFormat, "without ids"},
		"template, bad id":    {part("post_processor", `{"type":"TemplateProcessing","single":[{"SpecialToken":{"id":"<s>"}},{"Sequence":{"id":"A"}}],"special_tokens":{"<s>":{"ids":[77]}}}`), ErrFormat, "id 77"},
		"template, no text":   {part("post_processor", `{"type":"TemplateProcessing","single":[]}`), ErrFormat, "0 times"},
		"decoder":             {part("decoder", `{"type":"WordPiece"}`), ErrUnsupported, `"WordPiece"`},
		"decoder order":       {part("decoder", `{"type":"Sequence","decoders":[{"type":"Fuse"},{"type":"ByteFallback"}]}`), ErrUnsupported, "joins tokens"},
		"decoder strip":       {part("decoder", `{"type":"Strip","content":" ","start":0,"stop":1}`), ErrUnsupported, "Strip"},
		"not an object":       {part("normalizer", `7`), ErrFormat, "normalizer"},
	} {
		_, err := newFast([]byte(tinyJSON(c.parts)), &config{special: map[string]*tokenSpec{}}, Options{})
		require.ErrorIs(t, err, c.is, name)
		require.ErrorContains(t, err, c.says, name)
	}
}

func TestMergeRanks(t *testing.T) {
	t.Parallel()
	for model, want := range map[string][]int{
		`{"vocab":{"a":0,"b":1,"ab":2,"Ġ":3,"aba":4},"merges":["a b","ab a"]}`:                                         {2, 2},
		`{"type":"BPE","vocab":{"a":0,"b":1,"ab":2,"ba":3,"abab":4},"merges":[["b","a"],["a","b"]]}`:                   {0, 3, 1},
		`{"type":"BPE","vocab":{"a":0,"b":1,"ab":2,"ba":3,"abab":4},"merges":["b a"],"ignore_merges":true}`:            {4},
		`{"type":"BPE","vocab":{"a":0,"x":1,"y":2,"z":3,"?":4},"merges":[],"unk_token":"?","fuse_unk":true}`:           {0, 4, 0, 4},
		`{"type":"BPE","vocab":{"a":0,"<0x62>":1,"y":2,"z":3,"?":4},"merges":[],"unk_token":"?","byte_fallback":true}`: {0, 1, 0, 1},
		`{"type":"BPE","vocab":{"a":0,"x":1,"y":2,"z":3,"?":4},"merges":[]}`:                                           {0, 0},
	} {
		tok, err := newFast([]byte(tinyJSON(map[string]string{"model": model})), &config{special: map[string]*tokenSpec{}}, Options{})
		require.NoError(t, err, model)
		require.Equal(t, want, tok.Encode("abab"), model)
	}
}

func TestScanners(t *testing.T) {
	t.Parallel()
	words := func(scan scanner, s string) string {
		var out []string
		for _, w := range scanStep(scan)(nil, word{text: s}) {
			out = append(out, w.text)
		}
		return strings.Join(out, "|")
	}
	for _, c := range []struct{ text, gpt2, llama3, qwen2 string }{
		{"Hello world", "Hello| world", "Hello| world", "Hello| world"},
		{"a   b", "a|  | b", "a|  | b", "a|  | b"},
		{"a   ", "a|   ", "a|   ", "a|   "},
		{"a 12345", "a| 12345", "a| |123|45", "a| |1|2|3|4|5"},
		{"I'm WE'LL", "I|'m| WE|'|LL", "I|'m| WE|'LL", "I|'m| WE|'LL"},
		{"we'ſ 'tis", "we|'|ſ| '|tis", "we|'ſ| '|tis", "we|'ſ| '|tis"},
		{"a\n\n b", "a|\n\n| b", "a|\n\n| b", "a|\n\n| b"},
		{"a  \n\n  b", "a|  \n\n | b", "a|  \n\n| | b", "a|  \n\n| | b"},
		{"x(y)!?\n\nz", "x|(|y|)!?|\n|\n|z", "x|(y|)!?\n\n|z", "x|(y|)!?\n\n|z"},
		{"a\tb", "a|\t|b", "a|\tb", "a|\tb"},
		{"²Ⅳa٣", "²Ⅳ|a|٣", "²Ⅳ|a|٣", "²|Ⅳ|a|٣"},
		{"日本e\u0301", "日本e|\u0301", "日本e|\u0301", "日本e|\u0301"},
		{"\u00a0a \u3000", "\u00a0|a| \u3000", "\u00a0a| \u3000", "\u00a0a| \u3000"},
		{" ", " ", " ", " "},
		{" '", " '", " '", " '"},
	} {
		for pattern, want := range map[string]string{gpt2Pattern: c.gpt2, llama3Pattern: c.llama3, qwen2Pattern: c.qwen2} {
			scan, err := scannerOf(pattern)
			require.NoError(t, err)
			require.Equal(t, want, words(scan, c.text), "%q by %s", c.text, pattern)
		}
	}
	require.Equal(t, "a|12|b", words(func(s string) int { return len(digitsStep(false)(nil, word{text: s})[0].text) }, "a12b"))
}

// Where text has fewer marks in a row than the norm package bears, the long way round must give what it gives.
func TestNormalizeLong(t *testing.T) {
	t.Parallel()
	texts := append(seedTexts(), "e\u0323\u0301", "\u1100\u1161\u11a8", "\u0958", "\u0344", "Å", "\u1e9b\u0323", "か\u3099", "q\u0307\u0323")
	for _, form := range []norm.Form{norm.NFC, norm.NFD, norm.NFKC, norm.NFKD} {
		for _, s := range texts {
			s = validText(s)
			if want := form.String(s); !strings.Contains(want, joiner) {
				require.Equal(t, want, normalizeLong(form, s), "%q", s)
			}
		}
		long := "e" + strings.Repeat("\u0316\u0301", 40)
		want := norm.NFD.String("e") + strings.Repeat("\u0316", 40) + strings.Repeat("\u0301", 40)
		if form == norm.NFC || form == norm.NFKC {
			want = "é" + strings.Repeat("\u0316", 40) + strings.Repeat("\u0301", 39)
		}
		require.Equal(t, want, normalForm(form)(long))
		pairs := strings.Repeat("\u0344", 40) // each is two marks
		require.Equal(t, strings.Repeat("\u0308\u0301", 40), normalForm(form)(pairs))
	}
}

func TestLossyDecoding(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		"a\xe6\x97b":             "a\uFFFDb",
		"\xe6\x97":               "\uFFFD",
		"\xf0\x9f\x99\xf0":       "\uFFFD\uFFFD",
		"\xed\xa0\x80":           "\uFFFD\uFFFD\uFFFD",
		"\xc0\xaf\x80":           "\uFFFD\uFFFD\uFFFD",
		"\xf4\x90\x80\x80":       "\uFFFD\uFFFD\uFFFD\uFFFD",
		"\xe6\x97\xa5\xe6":       "日\uFFFD",
		"\xf0\x9f\x99\x82\xffok": "🙂\uFFFDok",
	} {
		s := &byteLevelStage{chars: newByteLevel()}
		var b strings.Builder
		emit := func(s string) { b.WriteString(s) }
		for i := range len(in) {
			s.push(s.chars.encode(in[i:i+1]), emit)
		}
		s.flush(emit)
		require.Equal(t, want, b.String(), "%q", in)
	}
}

func TestCleanUp(t *testing.T) {
	t.Parallel()
	in := "a . b ? c ! d , e ' f do n't I 'm it 's we 've they 're  . ' '"
	want := "a. b? c! d, e'f don't I'm it's we've they're .''"
	c := newCleaner()
	var whole []byte
	for i := range len(in) {
		whole = append(whole, c.push([]byte{in[i]})...)
	}
	require.Equal(t, want, string(append(whole, c.flush(nil)...)))
	require.Equal(t, want, string(newCleaner().flush([]byte(in))))
}

func TestVocabMerges(t *testing.T) {
	t.Parallel()
	files := map[string]string{
		"vocab.json": `{"a":0,"b":1,"Ġ":2,"ab":3,"Ġab":4,"Ã":5,"©":6,"é":7}`,
		"merges.txt": "#version: 0.2\na b\nĠ ab\nÃ ©\n",
		"tokenizer_config.json": `{"tokenizer_class":"Qwen2Tokenizer","bos_token":null,"eos_token":"<|end|>",
			"added_tokens_decoder":{"8":{"content":"<|end|>","special":true}}}`,
	}
	files["vocab.json"] = strings.Replace(files["vocab.json"], `"é"`, `"Ã©"`, 1)
	tok, err := Open(writeDir(t, files), Options{Added: []string{"<im_start>"}})
	require.NoError(t, err)
	require.Equal(t, []int{3, 4, 7, 8, 9}, tok.Encode("ab abe\u0301<|end|><im_start>"))
	_, ok := tok.BOS()
	require.False(t, ok)
	eos, ok := tok.EOS()
	require.True(t, ok)
	require.Equal(t, 8, eos)
	require.Equal(t, "ab abé", tok.Decode([]int{3, 4, 7, 8, 9}, true))

	files["merges.txt"] = "a b\na x\n"
	_, err = Open(writeDir(t, files), Options{})
	require.ErrorIs(t, err, ErrFormat)
	require.ErrorContains(t, err, "line 2")
	files["tokenizer_config.json"] = `{"tokenizer_class":"XTokenizer"}`
	_, err = Open(writeDir(t, files), Options{})
	require.ErrorIs(t, err, ErrUnsupported)
}

func TestFastConfig(t *testing.T) {
	t.Parallel()
	yes := true
	for name, c := range map[string]struct {
		config string
		o      Options
		ids    string
	}{
		"as the file says":   {"", Options{}, "<s>|a"},
		"llama without bos":  {`{"tokenizer_class":"LlamaTokenizer","add_bos_token":false}`, Options{}, "a"},
		"llama with eos":     {`{"tokenizer_class":"LlamaTokenizerFast","add_eos_token":true}`, Options{}, "<s>|a|</s>"},
		"other class":        {`{"tokenizer_class":"PreTrainedTokenizerFast","add_bos_token":false}`, Options{}, "<s>|a"},
		"eos by option":      {`{"eos_token":"</s>"}`, Options{AddEOS: &yes}, "<s>|a|</s>"},
		"a new pad token":    {`{"pad_token":"<pad>"}`, Options{}, "<s>|a"},
		"added by the class": {`{"added_tokens_decoder":{"9999":{"content":"<new>","special":true}}}`, Options{}, "<s>|a"},
	} {
		tok := openFixture(t, "bytelevel.json", "tokenizer.json", c.config, c.o)
		require.Equal(t, c.ids, pieces(t, tok, tok.Encode("a")), name)
		if name == "added by the class" {
			require.Len(t, tok.Info().Warnings, 1)
		}
	}
}

func FuzzTokenizerJSON(f *testing.F) {
	for _, name := range []string{"bytelevel.json", "fallback.json"} {
		file, err := os.ReadFile(filepath.Join("testdata", name))
		require.NoError(f, err)
		f.Add(file, "a text")
	}
	f.Add([]byte(tinyJSON(nil)), "abab ab")
	f.Add([]byte(tinyJSON(map[string]string{"decoder": "null", "pre_tokenizer": `{"type":"Metaspace"}`})), " a  b ")
	f.Fuzz(func(t *testing.T, file []byte, text string) {
		if len(file) > 1<<16 || len(text) > 1<<10 {
			t.Skip()
		}
		tok, err := newFast(file, &config{special: map[string]*tokenSpec{}}, Options{})
		if err != nil {
			return
		}
		ids := tok.Encode(text)
		for _, id := range ids {
			_, ok := tok.Piece(id)
			require.True(t, ok)
		}
		require.Equal(t, tok.Decode(ids, false), streamed(t, tok, ids, false))
	})
}
