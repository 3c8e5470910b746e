package plots

import (
	"math"
	"strconv"
	"unicode/utf8"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/vg"

	"llavabench/internal/stats"
)

// percentRange makes a vertical axis of percentages just hold the intervals, in steps of ten, and never less than twenty.
func percentRange(a *plot.Axis, intervals []stats.Interval) {
	low, high := 100.0, 0.0
	for _, i := range intervals {
		low, high = min(low, 100*i.Low), max(high, 100*i.High)
	}
	low, high = max(0, math.Floor(low/10)*10), min(100, math.Ceil(high/10)*10)
	for high-low < 20 {
		low, high = max(0, low-10), min(100, high+10)
	}
	a.Min, a.Max = low, high
}

// positive makes an axis of positive values: linear from zero, or logarithmic where they span more than a decade.
func positive(a *plot.Axis, values []float64) {
	low, high := math.Inf(1), 0.0
	for _, v := range values {
		if v > 0 {
			low, high = min(low, v), max(high, v)
		}
	}
	if high == 0 {
		a.Min, a.Max = 0, 1
		return
	}
	if high/low <= 10 {
		a.Min, a.Max = 0, high*1.08
		return
	}
	logarithmic(a, low/1.25, high*1.25)
}

func logarithmic(a *plot.Axis, low, high float64) {
	a.Min, a.Max = low, high
	a.Scale = plot.LogScale{}
	a.Tick.Marker = plot.TickerFunc(logTicks)
}

// logTicks puts labels at 1, 2 and 5 times the powers of ten, or at the powers alone where there are many.
func logTicks(low, high float64) []plot.Tick {
	var ticks []plot.Tick
	many := high/low > 300
	for e := math.Floor(math.Log10(low)); e <= math.Ceil(math.Log10(high)); e++ {
		for m := 1; m < 10; m++ {
			v := float64(m) * math.Pow(10, e)
			if v < low || v > high {
				continue
			}
			t := plot.Tick{Value: v}
			if m == 1 || !many && (m == 2 || m == 5) {
				t.Label = number(v)
			}
			ticks = append(ticks, t)
		}
	}
	return ticks
}

// linearTicks puts labels at multiples of 1, 2 or 5 times a power of ten, about five of them, and a mark between each two.
func linearTicks(low, high float64) []plot.Tick {
	if !(high > low) {
		return []plot.Tick{{Value: low, Label: number(low)}}
	}
	raw := (high - low) / 5
	step := math.Pow(10, math.Floor(math.Log10(raw)))
	for _, m := range []float64{2, 2.5, 2} { // 2, 5, 10 times the power
		if step < raw*0.9 {
			step *= m
		}
	}
	var ticks []plot.Tick
	for k := math.Ceil(2 * low / step); k*step/2 <= high*(1+1e-12); k++ {
		t := plot.Tick{Value: k * step / 2}
		if math.Mod(k, 2) == 0 {
			t.Label = number(t.Value)
		}
		ticks = append(ticks, t)
	}
	return ticks
}

// number prints an axis value in few characters: 0.5, 20, 1500, 20k, 3M.
func number(v float64) string {
	if v < 0 {
		return "−" + number(-v)
	}
	for _, unit := range []struct {
		size float64
		name string
	}{{1e9, "G"}, {1e6, "M"}, {1e4, "k"}} {
		if v >= unit.size {
			if unit.name == "k" {
				unit.size = 1e3
			}
			return strconv.FormatFloat(v/unit.size, 'g', 4, 64) + unit.name
		}
	}
	return strconv.FormatFloat(v, 'g', 4, 64)
}

// A bar is an uncertain value: a point with the ends of its interval.
type bar struct{ x, y, low, high float64 }

// bars are points with vertical error bars.
type bars []bar

// Len, XY and YError make bars what plotter.NewYErrorBars takes.
func (b bars) Len() int                    { return len(b) }
func (b bars) XY(i int) (x, y float64)     { return b[i].x, b[i].y }
func (b bars) YError(i int) (_, _ float64) { return b[i].y - b[i].low, b[i].high - b[i].y }
func percentBar(x float64, e estimate) bar {
	return bar{x, 100 * e.Value, 100 * e.CI.Low, 100 * e.CI.High}
}

type estimate = stats.Estimate

// scatter adds series i: markers with error bars, joined by a line if join is set, and its legend.
func (f *Figure) scatter(i int, label string, points bars, join bool) error {
	whiskers, err := plotter.NewYErrorBars(points)
	if err != nil {
		return err
	}
	whiskers.LineStyle = stroke(i)
	whiskers.Dashes = nil
	whiskers.Width = vg.Points(0.6)
	whiskers.CapWidth = vg.Points(3)
	f.plot.Add(whiskers)
	dots, err := plotter.NewScatter(points)
	if err != nil {
		return err
	}
	dots.GlyphStyle = marker(i)
	if join {
		line, err := plotter.NewLine(points)
		if err != nil {
			return err
		}
		line.LineStyle = stroke(i)
		f.plot.Add(line)
		f.explain(label, rule{stroke(i)}, dot{marker(i)})
	} else {
		f.explain(label, dot{marker(i)})
	}
	f.plot.Add(dots)
	return nil
}

// maxLabel is how many characters of a name a figure shows.
const maxLabel = 26

// short cuts the middle out of a long name.
func short(name string) string {
	if utf8.RuneCountInString(name) <= maxLabel {
		return name
	}
	r := []rune(name)
	return string(r[:maxLabel/2]) + "…" + string(r[len(r)-maxLabel/2+1:])
}
