package score

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestEditDistance(t *testing.T) {
	for _, c := range []struct {
		a, b string
		want int
	}{{"", "", 0}, {"abc", "", 3}, {"kitten", "sitting", 3}, {"東京都", "京都", 1}, {"ab", "ba", 2}} {
		require.Equal(t, c.want, EditDistance(c.a, c.b))
		require.Equal(t, c.want, EditDistance(c.b, c.a))
	}
}

func TestANLS(t *testing.T) {
	require.Equal(t, 1.0, ANLS("John  Smith", []string{"x", "john smith"}))
	require.Equal(t, 0.0, ANLS("abcd", []string{"axyz"}))
	require.Equal(t, 0.5, ANLS("abcd", []string{"abxy"}))
	require.InDelta(t, 1-1.0/7, ANLS("  abcde", []string{"abcd"}), 1e-12) // lengths are those of the raw texts
	require.Equal(t, 1.0, ANLS("", []string{""}))
	require.Zero(t, ANLS("x", nil))
	require.InDelta(t, 1-1.0/3, ANLS("aß", []string{"a"}), 1e-12) // the capital of ß is two characters long

	v, ok := STVQA("  ABCDE", []string{"abcd", "zzz"})
	require.True(t, ok)
	require.InDelta(t, 0.8, v, 1e-12)
	_, ok = STVQA(" ", []string{""})
	require.False(t, ok)
}

func TestRelaxed(t *testing.T) {
	for _, c := range []struct {
		prediction, target string
		want               bool
	}{
		{"105", "100", true}, {"105.1", "100", false}, {"14.", "14", true}, {"0.0", "0", false}, {"0", "0", true}, {"23%", "23", false},
		{"23%", "0.23", true}, {"Yes", "yes", true}, {"yes.", "yes", false}, {"1,000", "1000", false}, {"nan", "nan", false}, {"-100", "100", false}, {"5%%", "5%", true},
	} {
		require.Equal(t, c.want, RelaxedCorrect(c.prediction, c.target), "%q %q", c.prediction, c.target)
	}
	require.True(t, RelaxedCorrect("[1, 2]", "[1, 2]"))
	require.False(t, RelaxedCorrectList("[1, 2]", "[1, 2]"))
	require.True(t, RelaxedCorrectList("2.01", "[1, 2]"))
	require.True(t, RelaxedCorrectList("2.01", "2"))
}

func TestPythonList(t *testing.T) {
	for s, want := range map[string][]string{
		"[]": {}, "['a', \"b's\"]": {"a", "b's"}, "[1, -2.50, 1e3, 1_0]": {"1", "-2.5", "1000.0", "10"}, " ['x',] ": {"x"},
		`['\n\x41\u00e9\q']`: {"\nAé\\q"}, "[True, None]": {"True", "None"}, "['a, b', 'c]']": {"a, b", "c]"},
	} {
		got, ok := PythonList(s)
		require.True(t, ok, s)
		require.Equal(t, want, got, s)
	}
	for _, s := range []string{"", "x", "[", "[1", "['a]", "[1 2]", "[[1]]", "[1] x", "[,]", "[a]", "[012]", "['\\x4']", "[1,,2]", "[inf]", "[nan]", "['a' 'b']"} {
		_, ok := PythonList(s)
		require.False(t, ok, s)
	}
}

func TestOCRContains(t *testing.T) {
	require.True(t, OCRContains("The sign says\nCENTRE.", []string{"says centre"}, false))
	require.False(t, OCRContains("centr", []string{"centre"}, false))
	require.True(t, OCRContains(`\frac { 1 } { 2 } x`, []string{`\frac{1}{2}`}, true))
	require.False(t, OCRContains("X+1", []string{"x+1"}, true))
	require.True(t, OCRContains("", []string{""}, false))
	require.Equal(t, "Ab 1!", FoldFullWidth("Ａｂ\u3000１！"))
}

func TestMathVista(t *testing.T) {
	choices := MathVistaQuestion{MultiChoice: true, Choices: []string{"3/11", "8/11", "hong kong"}, AnswerType: "text"}
	for extraction, want := range map[string]string{"B": "8/11", " (c) hong": "hong kong", "(Z)": "3/11", "Hong Kong!": "hong kong", "": "3/11", "D": "3/11", "(b) (a)": "8/11"} {
		got, ok := MathVistaNormalise(extraction, choices)
		require.True(t, ok)
		require.Equal(t, want, got, extraction)
	}
	for _, c := range []struct {
		extraction string
		q          MathVistaQuestion
		want       string
		ok         bool
	}{
		{"1.9", MathVistaQuestion{AnswerType: "integer"}, "1", true},
		{"-0.005", MathVistaQuestion{AnswerType: "integer"}, "0", true},
		{"inf", MathVistaQuestion{AnswerType: "integer"}, "", false},
		{"1,000", MathVistaQuestion{AnswerType: "integer"}, "", false},
		{"1.005", MathVistaQuestion{AnswerType: "float", Precision: 2, HasPrecision: true}, "1.0", true},
		{"2.5", MathVistaQuestion{AnswerType: "float"}, "2", true},
		{"abc", MathVistaQuestion{AnswerType: "float", Precision: 1, HasPrecision: true}, "", false},
		{"[1, 2]", MathVistaQuestion{AnswerType: "list"}, "[1, 2]", true},
		{"A", MathVistaQuestion{MultiChoice: true}, "", false},
	} {
		got, ok := MathVistaNormalise(c.extraction, c.q)
		require.Equal(t, c.ok, ok, c)
		require.Equal(t, c.want, got, c)
	}
	for _, c := range []struct {
		response string
		q        MathVistaQuestion
		want     string
		ok       bool
	}{
		{"", choices, "", true}, {"8/11", choices, "8/11", true}, {"B", choices, "", false}, {" 12 ", MathVistaQuestion{AnswerType: "integer"}, "12", true},
		{"1.0", MathVistaQuestion{AnswerType: "integer"}, "", false}, {"1.50", MathVistaQuestion{AnswerType: "float"}, "1.5", true},
	} {
		got, ok := MathVistaExtract(c.response, c.q)
		require.Equal(t, c.ok, ok, c)
		require.Equal(t, c.want, got, c)
	}
}

func FuzzPythonList(f *testing.F) {
	for _, s := range []string{"['a', \"b\"]", "[1, 2.5e3]", `['\x4`, "[", "[']"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		if list, ok := PythonList(s); ok {
			require.LessOrEqual(t, len(list), maxListItems)
		}
	})
}
