package score

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestNormalisers(t *testing.T) {
	for _, c := range []struct{ raw, m4c, vqa, kit string }{
		{"", "", "", ""},
		{"The Red", "red", "red", "red"},
		{"two dogs", "2 dogs", "2 dogs", "2 dogs"},
		{"eleven", "eleven", "eleven", "eleven"},
		{"none", "0", "0", "0"},
		{"7.", "7", "7", "7."},
		{"3.5.", "3.5", "3.5", "3.5."},
		{"a,b", "ab", "b", "b"},
		{"one,two", "onetwo", "1 2", "1 2"},
		{"1,000-2", "1000 2", "10002", "10002"}, // a comma between digits turns every mark into nothing
		{"what's", "what 's", "what's", "what's"},
		{"dont", "don't", "don't", "don't"},
		{"x/y", "x y", "x y", "x y"},
		{"x / y", "x y", "x y", "x y"}, // a mark beside a space goes; the spaces collapse
		{"x /y", "x y", "x y", "x y"},
		{"a-b -c", "ab c", "ab c", "ab c"},
		{"line\nfeed\ttab", "line feed tab", "line feed tab", "line feed tab"},
		{"٣.٥", "٣.٥", "٣.٥", "٣.٥"},
		{strings.Repeat(".", 34), "..", "..", ".."},
		{"İ", "i̇", "i̇", "i̇"},
		{"\u2019s", "\u2019s", "\u2019s", "\u2019s"},
	} {
		require.Equal(t, c.m4c, NormaliseM4C(c.raw), "m4c of %q", c.raw)
		require.Equal(t, c.vqa, NormaliseVQA(c.raw), "vqa of %q", c.raw)
		require.Equal(t, c.kit, NormaliseVLMEvalKit(c.raw), "vlmevalkit of %q", c.raw)
	}
}

// n equal answers of ten give 0, 0.3, 0.6, 0.9 and 1 from four on.
func TestSoftAccuracy(t *testing.T) {
	for n, want := range []float64{0, 0.3, 0.6, 0.9, 1, 1, 1, 1, 1, 1, 1} {
		answers := make([]string, 10)
		for i := range n {
			answers[i] = "red"
		}
		require.InDelta(t, want, SoftAccuracy("red", answers), 1e-12, n)
		require.Equal(t, want, ExactMean(SoftAccuracies("red", answers)), n)
	}
	require.Zero(t, SoftAccuracy("red", nil))
}

func TestOfficialVQA(t *testing.T) {
	same := strings.Split(strings.Repeat("Red,", 9)+"Red", ",")
	mixed := append([]string{"blue"}, same[1:]...)
	for _, c := range []struct {
		prediction string
		answers    []string
		want       float64
		compared   string
	}{
		{"Red", same, 1, "Red"},
		{"red", same, 0, "red"}, // ten equal answers are compared as they are
		{" Red\n", same, 1, "Red"},
		{"the red.", mixed, 1, "red"},
	} {
		got, compared := OfficialVQA(c.prediction, c.answers)
		require.Equal(t, c.want, got, c.prediction)
		require.Equal(t, c.compared, compared)
	}
}

func FuzzNormalise(f *testing.F) {
	for _, s := range []string{"", "The 1,000 dogs' x/y.", "\x1c\u0130\u03a3", "\xff."} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		for _, normalise := range []func(string) string{NormaliseM4C, NormaliseVQA, NormaliseVLMEvalKit} {
			out := normalise(s)
			require.Equal(t, strings.Join(Fields(out), " "), out, "single spaces, none at the ends")
			require.NotContains(t, Fields(out), "the")
		}
	})
}
