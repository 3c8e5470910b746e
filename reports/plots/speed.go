package plots

import (
	"cmp"
	"fmt"
	"math"
	"slices"

	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"

	"llavabench/internal/rundir"
	"llavabench/internal/stats"
	"llavabench/reports/study"
)

// latencyStages shows where the time goes.
func latencyStages(s study.Study) (*Figure, error) {
	var stages []string
	for _, r := range s.Runs {
		for _, stage := range r.Stages() {
			if !slices.Contains(stages, stage) {
				stages = append(stages, stage)
			}
		}
	}
	if len(stages) == 0 {
		return nil, nothing("no run timed its stages")
	}
	var rows []stacked
	for _, r := range s.Runs {
		row := stacked{label: fmt.Sprintf("%s\n%.0f tokens", short(r.Name), r.ImageTokens())}
		timed := false
		for _, stage := range stages {
			ms := r.Stage(stage)
			sum := 0.0
			for _, v := range ms {
				sum += v
			}
			timed = timed || len(ms) > 0
			row.parts = append(row.parts, sum/float64(max(1, len(ms))))
		}
		if timed {
			rows = append(rows, row)
		}
	}
	f := newFigure("latency-stages", "Latency by stage", newPlot("time per answer (ms, mean)", ""))
	f.Caption = "Mean time of each stage of an answer, with the mean number of image tokens." + machines(s)
	return f, f.stack(stages, rows)
}

// prefillSpeed shows how fast prompts are read.
func prefillSpeed(s study.Study) (*Figure, error) {
	f := newFigure("prefill-speed", "Prefill speed", newPlot("prompt length (positions)", "prefill (positions/s)"))
	f.Caption = "Speed of the prefill against the length of the prompt: medians with quartiles. Lines without markers are the limit of the matrix products alone, " +
		"measured arithmetic over the operations of one position; attention comes on top of it." + machines(s)
	return f, f.speeds(s, study.Run.Prefill, func(w rundir.Work, l rundir.Limits, _ float64) float64 {
		return l.OpsPerSecond / float64(w.PositionOps)
	}, "prefills")
}

// decodeSpeed shows how fast tokens are generated.
func decodeSpeed(s study.Study) (*Figure, error) {
	f := newFigure("decode-speed", "Decoding speed", newPlot("sequence length (positions)", "decoding (tokens/s)"))
	f.Caption = "Speed of decoding against the length of the sequence: medians with quartiles. Lines without markers are the limit of reading the weights and the " +
		"keys and values from memory once per token; a model that the caches hold can be above it." + machines(s)
	return f, f.speeds(s, study.Run.Decode, func(w rundir.Work, l rundir.Limits, at float64) float64 {
		return l.ReadPerSecond / (float64(w.DecodeBytes) + float64(float64(w.KVBytes)*at))
	}, "decoding of more than one token")
}

// maxSpeedBins bounds the points of a run.
const maxSpeedBins = 8

// speeds draws the medians of a run's speeds over bins of the length, and the limit where both machine and model are known.
func (f *Figure) speeds(s study.Study, get func(study.Run) []study.Speed, limit func(rundir.Work, rundir.Limits, float64) float64, what string) error {
	type curve struct {
		run    int
		points bars
	}
	var curves []curve
	var xs, ys []float64
	for i, r := range s.Runs {
		points := medians(get(r))
		if len(points) == 0 {
			continue
		}
		curves = append(curves, curve{i, points})
		for _, p := range points {
			xs, ys = append(xs, p.x), append(ys, p.low, p.high)
		}
	}
	if len(curves) == 0 {
		return nothing("no run timed the " + what)
	}
	positive(&f.plot.X, xs)
	left, right := f.plot.X.Min, f.plot.X.Max
	if left == 0 {
		left = right / 200
	}
	drawn := map[string]bool{}
	most := limits(s)
	for _, c := range curves {
		m := s.Runs[c.run].Manifest
		if err := f.scatter(c.run, short(s.Runs[c.run].Name), c.points, true); err != nil {
			return err
		}
		limits, ok := most[machineOf(s.Runs[c.run])]
		if m.Work == nil || !ok {
			continue
		}
		var line plotter.XYs
		for i := range 65 {
			x := left * math.Pow(right/left, float64(i)/64)
			if y := limit(*m.Work, limits, x); y > 0 && !math.IsInf(y, 0) {
				line = append(line, plotter.XY{X: x, Y: y})
			}
		}
		if key := fmt.Sprintf("%.4g", line); len(line) > 1 && !drawn[key] {
			drawn[key] = true
			l, err := plotter.NewLine(line)
			if err != nil {
				return err
			}
			l.LineStyle = draw.LineStyle{Color: inks[c.run%len(inks)], Width: vg.Points(1.4), Dashes: dashes[2]}
			f.plot.Add(l)
			ys = append(ys, line[0].Y, line[len(line)-1].Y)
		}
	}
	if len(drawn) > 0 {
		f.explain("roofline limit", rule{draw.LineStyle{Color: black, Width: vg.Points(1.4), Dashes: dashes[2]}})
	}
	low, high := slices.Min(ys), slices.Max(ys)
	logarithmic(&f.plot.Y, low/1.4, high*1.4)
	return nil
}

// medians cuts the speeds, ordered by length, into groups of as equal size as can be, none dividing one length.
func medians(speeds []study.Speed) bars {
	sorted := slices.Clone(speeds)
	slices.SortStableFunc(sorted, func(a, b study.Speed) int { return cmp.Compare(a.Positions, b.Positions) })
	var out bars
	for start := 0; start < len(sorted); {
		end := min(len(sorted), start+max(1, (len(sorted)+maxSpeedBins-1)/maxSpeedBins))
		for end < len(sorted) && sorted[end].Positions == sorted[end-1].Positions {
			end++
		}
		var x, y []float64
		for _, v := range sorted[start:end] {
			x, y = append(x, float64(v.Positions)), append(y, v.Rate)
		}
		out = append(out, bar{stats.Median(x), stats.Median(y), stats.Quantile(y, 0.25), stats.Quantile(y, 0.75)})
		start = end
	}
	return out
}

// machineOf is what limits belong to: two runs with the same were measured against the same machine.
func machineOf(r study.Run) string {
	m := r.Manifest.Machine
	return fmt.Sprintf("%q %q %d %q", m.CPU, m.ISA, m.Threads, r.Manifest.System.Numerics)
}

// limits are the largest limits that any run measured on a machine: what else ran there can only lower them.
func limits(s study.Study) map[string]rundir.Limits {
	out := map[string]rundir.Limits{}
	for _, r := range s.Runs {
		if l := r.Manifest.Machine.Limits; l != nil {
			at := out[machineOf(r)]
			out[machineOf(r)] = rundir.Limits{OpsPerSecond: max(at.OpsPerSecond, l.OpsPerSecond), ReadPerSecond: max(at.ReadPerSecond, l.ReadPerSecond)}
		}
	}
	return out
}
