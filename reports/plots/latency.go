package plots

import (
	"fmt"
	"time"

	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/vg"
)

// A Latency is one bar: what was timed, and the times of its stages in the order of StageNames.
type Latency struct {
	Label  string
	Tokens int // image tokens, printed below the label
	Stages []time.Duration
}

// StageLatency draws stacked bars of stage times in milliseconds, one bar for each entry from top to bottom, the first stage
// at the left.
func StageLatency(title string, stages []string, bars []Latency) (*Figure, error) {
	if len(bars) == 0 {
		return nil, fmt.Errorf("there is nothing to draw")
	}
	p := newPlot("time to first token (ms)", "")
	f := newFigure("latency-stages", title, p)
	rows := make([]stacked, len(bars))
	for i, b := range bars {
		if len(b.Stages) != len(stages) {
			return nil, fmt.Errorf("%s has %d stages, expected %d", b.Label, len(b.Stages), len(stages))
		}
		rows[i].label = fmt.Sprintf("%s\n%d tokens", short(b.Label), b.Tokens)
		for _, d := range b.Stages {
			rows[i].parts = append(rows[i].parts, float64(d.Microseconds())/1000)
		}
	}
	return f, f.stack(stages, rows)
}

// A stacked is one row of a stacked bar chart.
type stacked struct {
	label string
	parts []float64
}

// stack draws rows from top to bottom.
func (f *Figure) stack(parts []string, rows []stacked) error {
	p := f.plot
	labels := make([]string, len(rows))
	most := 0.0
	for i, r := range rows {
		labels[len(rows)-1-i] = r.label
		sum := 0.0
		for _, v := range r.parts {
			sum += v
		}
		most = max(most, sum)
	}
	var below *plotter.BarChart
	for s, name := range parts {
		values := make(plotter.Values, len(rows))
		for i, r := range rows {
			values[len(rows)-1-i] = r.parts[s]
		}
		chart, err := plotter.NewBarChart(values, vg.Points(13))
		if err != nil {
			return err
		}
		chart.Horizontal = true
		chart.Color = palette[s%len(palette)]
		chart.LineStyle.Width = vg.Points(0.4)
		if below != nil {
			chart.StackOn(below)
		}
		below = chart
		p.Add(chart)
		f.explain(name, patch{chart.Color})
	}
	f.nominalRows(labels, 24)
	p.X.Min, p.X.Max = 0, most*1.05
	if most == 0 {
		p.X.Max = 1
	}
	return nil
}

// nominalRows names the rows 0, 1, ... of a figure from below and gives each its height.
func (f *Figure) nominalRows(labels []string, height vg.Length) {
	f.plot.NominalY(labels...)
	f.plot.Y.Min, f.plot.Y.Max = -0.5, float64(len(labels))-0.5
	f.plot.Y.Padding = vg.Points(2)
	f.Height = vg.Length(len(labels))*height + 32
}
