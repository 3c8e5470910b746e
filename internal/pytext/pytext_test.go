package pytext

import (
	"math"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestLower(t *testing.T) {
	for in, want := range map[string]string{
		"Plain ASCII":    "plain ascii",
		"İstanbul":       "i\u0307stanbul",
		"ΟΔΥΣΣΕΥΣ":       "οδυσσευς",
		"Σ":              "σ",
		"ΑΣ.Β":           "ασ.β",
		"ΑΣ. Β":          "ας. β",
		"Α\u0301Σ'":      "α\u0301ς'",
		"ÀÉ ΣΑ":          "àé σα",
		"\U00010400":     "\U00010428",
		"ǅ \u212a\u2126": "ǆ kω",
	} {
		require.Equal(t, want, Lower(in), "%q", in)
	}
}

func TestSpace(t *testing.T) {
	require.Equal(t, "a\u200bb", Strip("\u001f\u3000 a\u200bb\u0085\n"))
	require.Equal(t, []string{"a", "b", "c"}, Fields(" a\u001cb\u00a0 c\v"))
	require.Equal(t, "x'", StripChar("..x'..", '.'))
	require.Equal(t, 2, Len("é\U0001f600"))
}

func TestFloat(t *testing.T) {
	for in, want := range map[string]float64{
		" 7 ": 7, "1_000": 1000, "1e5": 1e5, ".5": .5, "5.": 5, "-3.5": -3.5, "+2": 2, "٣": 3, "１２.５": 12.5, "𝟗": 9,
		"1e999": math.Inf(1), "-inf": math.Inf(-1), "Infinity": math.Inf(1), "1e-999": 0, "1_0.0_1e1_0": 10.01e10, "\u20037\n": 7,
	} {
		got, ok := Float(in)
		require.True(t, ok, "%q", in)
		require.Equal(t, want, got, "%q", in)
	}
	for _, in := range []string{"nan", "-NaN", "+nan"} {
		got, ok := Float(in)
		require.True(t, ok && math.IsNaN(got), "%q", in)
	}
	for _, in := range []string{
		"", " ", "0x10", "1__0", "_1", "1_", "1_.5", "1._5", "1,000", "--1", "+-1", "$5", "1e", ".", "e5", "infin", "i_nf", "1 2", "½", "0x1p4", "1e+_5",
	} {
		_, ok := Float(in)
		require.False(t, ok, "%q", in)
	}
}

func TestRound(t *testing.T) {
	require.Equal(t, 2.67, Round(2.675, 2))
	require.Equal(t, 1.0, Round(1.005, 2))
	require.Equal(t, 0.12, Round(0.125, 2))
	require.Equal(t, 2.68, NumpyRound(2.675, 2))
	require.Equal(t, 0.2, NumpyRound(0.25, 1))
	require.Equal(t, math.Inf(1), Round(math.Inf(1), 2))
	require.Equal(t, 1e300, NumpyRound(1e300, 2))
	require.Equal(t, []string{"1.0", "1e-05", "0.0001", "1e+16", "nan", "-inf", "0.0"},
		[]string{Repr(1), Repr(1e-5), Repr(1e-4), Repr(1e16), Repr(math.NaN()), Repr(math.Inf(-1)), Repr(0)})
}

func TestNumpySum(t *testing.T) {
	v := make([]float64, 1000)
	for i := range v {
		v[i] = 1 / float64(i+1)
	}
	// As numpy 1.24 and Python 3.11 give them.
	require.Equal(t, 7.485470860550345, NumpySum(v))
	require.Equal(t, 7.485470860550343, Sum(v))
	require.Equal(t, 5.187377517639621, NumpySum(v[:100]))
	require.Equal(t, 3.0, NumpyMean([]float64{1, 2, 6}))
}

func FuzzFloat(f *testing.F) {
	for _, s := range []string{"1_000", "-.5e3", "nan", "٣", "0x1p-2", "1e400"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		if v, ok := Float(s); ok {
			w, again := Float(Repr(v))
			require.True(t, again)
			require.True(t, v == w || math.IsNaN(v) && math.IsNaN(w))
			require.False(t, strings.ContainsAny(s, "xXpP"))
		}
		Lower(s)
	})
}
