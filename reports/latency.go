package reports

import (
	"fmt"
	"time"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/vg"
)

// A Latency is one bar: what was timed, and the times of its stages in the order of StageNames.
type Latency struct {
	Label  string
	Tokens int // image tokens, printed below the label
	Stages []time.Duration
}

// StageLatency draws stacked bars of stage times in milliseconds, one bar for each entry, the first stage at the bottom.
func StageLatency(title string, stages []string, bars []Latency) (*plot.Plot, error) {
	if len(bars) == 0 {
		return nil, fmt.Errorf("there is nothing to draw")
	}
	p := newPlot(title, "time to first token (ms)")
	var below *plotter.BarChart
	labels := make([]string, len(bars))
	most := 0.0
	for s, stage := range stages {
		values := make(plotter.Values, len(bars))
		for i, b := range bars {
			if len(b.Stages) != len(stages) {
				return nil, fmt.Errorf("%s has %d stages, expected %d", b.Label, len(b.Stages), len(stages))
			}
			values[i] = float64(b.Stages[s].Microseconds()) / 1000
		}
		chart, err := plotter.NewBarChart(values, vg.Points(26))
		if err != nil {
			return nil, err
		}
		chart.Color = palette[s%len(palette)]
		chart.LineStyle.Width = vg.Points(0.4)
		if below != nil {
			chart.StackOn(below)
		}
		below = chart
		p.Add(chart)
		p.Legend.Add(stage, chart)
	}
	for i, b := range bars {
		labels[i] = fmt.Sprintf("%s\n%d tokens", b.Label, b.Tokens)
		var sum time.Duration
		for _, d := range b.Stages {
			sum += d
		}
		most = max(most, float64(sum.Microseconds())/1000)
	}
	p.NominalX(labels...)
	p.X.Tick.Label.YAlign = -1
	p.X.Padding = vg.Points(2)
	p.Legend.Top, p.Legend.Left = true, true
	p.Y.Min = 0
	p.Y.Max = most * 1.05
	return p, nil
}
