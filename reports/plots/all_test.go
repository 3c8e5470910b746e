package plots

import (
	"bytes"
	"image/png"
	"math"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"llavabench/internal/rundir"
	"llavabench/internal/stats"
	"llavabench/reports/study"
	"llavabench/reports/study/studytest"
)

func load(t *testing.T, paths ...string) study.Study {
	t.Helper()
	runs, err := study.LoadAll(paths)
	require.NoError(t, err)
	return study.Group(runs)[0]
}

// render gives the bytes of every figure in every format.
func render(t *testing.T, s study.Study) map[string][]byte {
	t.Helper()
	figures, _, err := All(s)
	require.NoError(t, err)
	out := map[string][]byte{}
	for _, f := range figures {
		for _, format := range Formats {
			var b bytes.Buffer
			require.NoError(t, f.WriteTo(&b, format))
			out[f.Name+"."+format] = b.Bytes()
		}
	}
	return out
}

func TestFiguresAreTheSameBytes(t *testing.T) {
	paths := studytest.Write(t, 70, append(studytest.Generations, studytest.Quantised[3])...)
	first := render(t, load(t, paths...))
	require.Len(t, first, len(makers)*len(Formats))
	second := render(t, load(t, paths...))
	for name, b := range first {
		require.True(t, bytes.Equal(b, second[name]), name)
	}
	for name, b := range first {
		switch filepath.Ext(name) {
		case ".svg":
			require.NotContains(t, string(b), "NaN", name)
			require.NotContains(t, string(b), "Inf", name)
			require.NotContains(t, string(b), "href=\"http", name)
			require.Contains(t, string(b), "sans-serif")
		case ".png":
			c, err := png.DecodeConfig(bytes.NewReader(b))
			require.NoError(t, err)
			require.InDelta(t, 3.25*resolution, c.Width, 1, name)
		}
	}
}

func TestOnlyWhatIsThereIsDrawn(t *testing.T) {
	dir := t.TempDir()
	bare := filepath.Join(dir, "bare")
	studytest.WriteRun(t, bare, 8, studytest.Generations[0], func(m *rundir.Manifest, s *rundir.Sample) {
		m.Work, m.Machine.Limits = nil, nil
		s.Score, s.Reference, s.DetailPx, s.Width, s.Height, s.Category = nil, "", 0, 0, 0, ""
	})
	figures, missing, err := All(load(t, bare))
	require.NoError(t, err)
	var names []string
	for _, f := range figures {
		names = append(names, f.Name)
	}
	require.Equal(t, []string{"latency-stages", "prefill-speed", "decode-speed"}, names)
	require.Len(t, missing, len(makers)-3)
	for _, m := range missing {
		require.NotEmpty(t, m.Reason)
	}
	var b bytes.Buffer
	require.NoError(t, figures[2].WriteTo(&b, "svg"))
	require.NotContains(t, b.String(), "roofline", "neither the model's work nor the machine's limits are known")
}

// Odd runs: one question, all answers alike, a failed one, names that are markup.
func TestOddRuns(t *testing.T) {
	dir := t.TempDir()
	for name, change := range map[string]func(*rundir.Manifest, *rundir.Sample){
		"alike":  func(_ *rundir.Manifest, s *rundir.Sample) { one := 1.0; s.Score = &one },
		"failed": func(_ *rundir.Manifest, s *rundir.Sample) { s.Error, s.Score, s.ImageTokens = "no", nil, 0 },
		"markup": func(m *rundir.Manifest, s *rundir.Sample) {
			m.System.Model, s.Category = `x/<script>&"`+"\u202e\x01\n", s.Category+"<b>&"
		},
	} {
		for _, n := range []int{1, 30} {
			path := filepath.Join(dir, name, strings.Repeat("x", n))
			studytest.WriteRun(t, path, n, studytest.Generations[3], change)
			for file, b := range render(t, load(t, path)) {
				require.NotContains(t, string(b), "<script>", file)
				if filepath.Ext(file) == ".pdf" {
					require.Contains(t, string(b), "/Count 1\n", "%s has one page", file)
				}
			}
		}
	}
}

func TestPareto(t *testing.T) {
	point := func(x, y float64) cost { return cost{x: x, mean: stats.Estimate{Value: y}} }
	front := pareto([]cost{point(5, 0.5), point(1, 0.2), point(3, 0.1), point(2, 0.5), point(9, 0.9), point(9, 0.7)})
	require.Equal(t, []cost{point(1, 0.2), point(2, 0.5), point(9, 0.9)}, front)
}

func TestMergeBins(t *testing.T) {
	s := load(t, studytest.Write(t, 140, studytest.Generations[0])...)
	b := binned{edges: []float64{6, 8, 12, 16, 24, 32, 48, 64, 96}, fewest: 10, value: func(x rundir.Sample) (float64, bool) { return float64(x.DetailPx), true }}
	bins := b.merge(s)
	require.LessOrEqual(t, len(bins), maxBins)
	n := 0
	for i, bin := range bins {
		require.GreaterOrEqual(t, bin.n, 10)
		if i > 0 {
			require.Equal(t, bins[i-1].high, bin.low)
		}
		n += bin.n
	}
	require.Equal(t, 140, n)
}

func TestTicks(t *testing.T) {
	labels := func(low, high float64) (out []string) {
		for _, tick := range linearTicks(low, high) {
			if tick.Label != "" {
				out = append(out, tick.Label)
			}
		}
		return out
	}
	require.Equal(t, []string{"0", "20", "40", "60", "80", "100"}, labels(0, 100))
	require.Equal(t, []string{"0", "500", "1000", "1500", "2000", "2500"}, labels(0, 2500))
	require.Equal(t, []string{"−50", "0", "50"}, labels(-60, 60))
	require.Equal(t, []string{"0", "0.1", "0.2", "0.3", "0.4"}, labels(0, 0.41))
	require.Equal(t, []string{"7"}, labels(7, 7))
	require.Equal(t, "20k", number(20000))
	require.Equal(t, "5000", number(5000))
	require.Equal(t, "1.5M", number(1.5e6))
	for _, tick := range logTicks(30, 2100) {
		if tick.Label != "" {
			require.Contains(t, "50 100 200 500 1000 2000", tick.Label)
		}
	}
	require.Len(t, logTicks(math.Pi, math.Pi), 0)
}
