package score

import (
	"math"
	"testing"

	"github.com/stretchr/testify/require"
)

// Values by Python 3.11.
func TestPythonStrings(t *testing.T) {
	require.Equal(t, "x", Strip("\x1c\u00a0 x\u2003\n"))
	require.Equal(t, []string{"a", "b"}, Fields(" a\x1f\u3000b "))
	for s, want := range map[string]string{"ABC": "abc", "İ": "i̇", "ΑΣ": "ας", "ΑΣΑ": "ασα", "Σ": "σ", "ẞ": "ß", "K": "k"} {
		require.Equal(t, want, Lower(s))
	}
	for s, want := range map[string]string{"": "", "wHAT is IT": "What is it", " How": " how", "ǆx": "ǅx", "ßX": "Ssx", "'A": "'a", "1A": "1a"} {
		require.Equal(t, want, Capitalise(s))
	}
}

func TestPythonNumbers(t *testing.T) {
	for s, want := range map[string]string{"1": "1.0", "1_0": "10.0", "٣.٥": "3.5", " 1 ": "1.0", "-Infinity": "-inf", "+nan": "nan", "1e400": "inf", "1e-400": "0.0",
		"１２": "12.0", ".5": "0.5", "5.": "5.0", "1e5": "100000.0", "1e16": "1e+16", "0.00001": "1e-05", "1_0.5": "10.5", "\u00a03": "3.0"} {
		v, ok := ParseFloat(s)
		require.True(t, ok, s)
		require.Equal(t, want, FormatFloat(v), s)
	}
	for _, s := range []string{"", "1_", "_1", "1__0", "0x1p3", ".", "1._5", "1,000", "infin", "²", "1 2", "--1", "\x1c1", "nan(1)", "+-nan"} {
		_, ok := ParseFloat(s)
		require.False(t, ok, s)
	}
	for s, want := range map[string]string{"7": "7", " -07 ": "-7", "1_000": "1000", "٣": "3", "+5": "5"} {
		v, ok := ParseInt(s)
		require.True(t, ok, s)
		require.Equal(t, want, v)
	}
	for _, s := range []string{"", "1.0", "+", "1__0", "_1", "1e3", "0x1"} {
		_, ok := ParseInt(s)
		require.False(t, ok, s)
	}
	for _, c := range []struct {
		v      float64
		digits int
		want   float64
	}{{2.675, 2, 2.67}, {0.5, 0, 0}, {1.5, 0, 2}, {66.565, 2, 66.56}, {-0.05, 1, -0.1}, {1250, -2, 1200}, {math.Inf(1), 2, math.Inf(1)}} {
		require.Equal(t, c.want, Round(c.v, c.digits), c.v)
	}
	text, ok := FormatInt(-0.9)
	require.True(t, ok)
	require.Equal(t, "0", text)
	text, ok = FormatInt(1e22)
	require.True(t, ok)
	require.Equal(t, "10000000000000000000000", text)
	_, ok = FormatInt(math.NaN())
	require.False(t, ok)
}

// Sums in the order of numpy differ from those in order in the last digits; both are close to the exact one.
func TestSums(t *testing.T) {
	var values []float64
	for i := range 1000 {
		values = append(values, 1/float64(i+3))
	}
	exact := ExactMean(values)
	for _, n := range []int{0, 1, 7, 8, 9, 128, 129, 1000} {
		require.InDelta(t, Sum(values[:n]), NumpySum(values[:n]), 1e-12)
	}
	require.InDelta(t, exact, Mean(values), 1e-12)
	require.InDelta(t, exact, NumpyMean(values), 1e-12)
	require.Equal(t, 0.6, ExactMean([]float64{0.6, 0.6, 0.6}))
	require.Zero(t, Mean(nil)+NumpyMean(nil)+ExactMean(nil))
	require.True(t, math.IsNaN(ExactMean([]float64{math.NaN()})))
}

func FuzzParseFloat(f *testing.F) {
	for _, s := range []string{"1_0.5e-3", "٣", "nan", "0x1", "\x00", "_"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		v, ok := ParseFloat(s)
		if !ok {
			return
		}
		back, ok := ParseFloat(FormatFloat(v))
		require.True(t, ok)
		require.True(t, back == v || math.IsNaN(back) && math.IsNaN(v))
	})
}
