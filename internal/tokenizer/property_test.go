package tokenizer

import (
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/stretchr/testify/require"
	"golang.org/x/text/unicode/norm"
)

// checkText encodes a text in every way with a tokenizer and checks what must hold for any.
func checkText(t *testing.T, name string, tok Tokenizer, text string) {
	t.Helper()
	for _, ids := range [][]int{tok.Encode(text), tok.EncodePlain(text)} {
		for _, id := range ids {
			_, ok := tok.Piece(id)
			require.True(t, ok, "%s: %q gives id %d", name, text, id)
		}
		for _, skip := range []bool{false, true} {
			require.Equal(t, tok.Decode(ids, skip), streamed(t, tok, ids, skip), "%s: %q", name, text)
		}
	}
	require.Equal(t, tok.Encode(text), tok.Encode(validText(text)), "%s: %q: bad bytes count as U+FFFD", name, text)

	half := len(text) / 2
	require.Equal(t, tok.EncodePlain(text), tok.EncodeSpans([]Span{{text[:half], true}, {text[half:], true}}),
		"%s: %q: how plain text is divided does not matter", name, validText(text))

	// What a plain text loses on the way is known; the rest comes back.
	text = validText(text)
	want := text
	switch name {
	case "bpe":
		want = strings.ReplaceAll(text, underline, " ")
	case "bytelevel":
		want = normalForm(norm.NFC)(text)
		text = want
	case "fallback":
		want = strings.ReplaceAll(text, underline, " ")
	default:
		return
	}
	require.Equal(t, want, tok.Decode(tok.EncodePlain(text), true), "%s: %q", name, text)
}

// validHalf reports whether a text can be cut in the middle without cutting a character.
func validHalf(text string) bool {
	return utf8.ValidString(text) && utf8.ValidString(text[:len(text)/2])
}

func TestTexts(t *testing.T) {
	t.Parallel()
	toks := everyFixture(t)
	for _, text := range seedTexts() {
		if !validHalf(text) {
			text += " "
		}
		for name, tok := range toks {
			if validHalf(text) {
				checkText(t, name, tok, text)
			}
		}
	}
}

// seedTexts are texts with something odd about each.
func seedTexts() []string {
	return []string{
		"", " ", "  ", "a", "The cat shows a picture.", "hello\r\nworld", "\n\n \n", "\t", "\x00", "\x7f\u0080",
		"<s>", "</s>a", "a<unk>b", "<image>", "<|im_end|>x", "<ctl>", "<0x0A>", "▁", "▁▁a", "a ▁ b",
		"é", "e\u0301", "日本語", "🙂👨‍👩‍👧", "\ufeffbom", "\u2028", "\u200b", "a\u0301\u0316\u0323", "각", "ﬁﬂ①ß",
		"12345", "3.14", "²Ⅳ٣", "Don't you'LL we'ſ", "xyz axyz xyz", "   <|im_end|>   x", "x   <image>   y",
		"\xff\xfe", "a\xe2\x96", "\xed\xa0\x80", "\xf0\x9f\x99", "\xc0\xaf", strings.Repeat("a", 300), strings.Repeat("\u0301", 80),
	}
}

func FuzzEncode(f *testing.F) {
	for _, s := range seedTexts() {
		f.Add(s)
	}
	toks := everyFixture(f)
	f.Fuzz(func(t *testing.T, text string) {
		if len(text) > 1<<12 || !validHalf(text) {
			t.Skip()
		}
		for name, tok := range toks {
			checkText(t, name, tok, text)
		}
	})
}

func TestInvalidUTF8(t *testing.T) {
	t.Parallel()
	for name, tok := range everyFixture(t) {
		for _, text := range seedTexts() {
			require.Equal(t, tok.Encode(validText(text)), tok.Encode(text), "%s: %q", name, text)
		}
	}
	require.Equal(t, "a\uFFFD\uFFFDb", validText("a\xe2\x96b"))
}

// A long run of one character takes time in proportion, up to a logarithm; were it quadratic, this would take hours.
func TestLongRuns(t *testing.T) {
	t.Parallel()
	n := 1 << 15
	if testing.Short() {
		n = 1 << 12
	}
	for name, tok := range everyFixture(t) {
		for _, unit := range []string{"a", " ", "\u0301", "<s>", "\n", "q"} {
			require.NotEmpty(t, tok.Encode(strings.Repeat(unit, n/len(unit))), "%s: %q", name, unit)
		}
	}
}
