package plots

import (
	"cmp"
	"encoding/json"
	"fmt"
	"math"
	"slices"

	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"

	"llavabench/internal/stats"
	"llavabench/reports/study"
)

// A cost is a run with what it costs and what it achieves.
type cost struct {
	run  int
	x    float64
	mean stats.Estimate
}

// accuracyTokens shows accuracy against the mean number of image tokens.
func accuracyTokens(s study.Study) (*Figure, error) {
	f := newFigure("accuracy-tokens", "Accuracy against image tokens", newPlot("image tokens per question (mean)", "accuracy (%)"))
	f.Caption = "Accuracy against the mean number of image tokens. The line is the Pareto front: no other run is at least as accurate with as few tokens. " + asked(s)
	return f, f.costs(s, func(r study.Run) float64 { return r.ImageTokens() }, "image tokens")
}

// accuracyLatency shows accuracy against the median time of an answer.
func accuracyLatency(s study.Study) (*Figure, error) {
	f := newFigure("accuracy-latency", "Accuracy against latency", newPlot("time per answer (ms, median)", "accuracy (%)"))
	f.Caption = "Accuracy against the median time from the picture to the last token of the answer. The line is the Pareto front. " + asked(s) + machines(s)
	return f, f.costs(s, func(r study.Run) float64 { return stats.Median(r.Latencies()) }, "time")
}

// costs draws one point for each run and the Pareto front.
func (f *Figure) costs(s study.Study, x func(study.Run) float64, what string) error {
	var points []cost
	var xs []float64
	var intervals []stats.Interval
	for i, r := range s.Runs {
		c := cost{i, x(r), r.Accuracy(nil)}
		if c.mean.N == 0 || !(c.x > 0) {
			continue
		}
		points, xs, intervals = append(points, c), append(xs, c.x), append(intervals, c.mean.CI)
	}
	if len(points) == 0 {
		return nothing("no run has both scores and " + what)
	}
	percentRange(&f.plot.Y, intervals)
	positive(&f.plot.X, xs)
	if front := pareto(points); len(front) > 1 {
		line, err := plotter.NewLine(steps(front))
		if err != nil {
			return err
		}
		line.LineStyle = draw.LineStyle{Color: gray, Width: vg.Points(0.8), Dashes: dashes[1]}
		f.plot.Add(line)
		defer f.explain("Pareto front", rule{line.LineStyle})
	}
	for _, c := range points {
		if err := f.scatter(c.run, short(s.Runs[c.run].Name), bars{percentBar(c.x, c.mean)}, false); err != nil {
			return err
		}
	}
	return nil
}

// pareto keeps the points that no other beats: from the cheapest on, each more accurate than all before.
func pareto(points []cost) []cost {
	sorted := slices.Clone(points)
	slices.SortStableFunc(sorted, func(a, b cost) int {
		return cmp.Or(cmp.Compare(a.x, b.x), cmp.Compare(b.mean.Value, a.mean.Value))
	})
	var front []cost
	best := math.Inf(-1)
	for _, c := range sorted {
		if c.mean.Value > best {
			front, best = append(front, c), c.mean.Value
		}
	}
	return front
}

// steps is the front as what can be had for a cost: flat until the next point is affordable.
func steps(front []cost) plotter.XYs {
	var line plotter.XYs
	for i, c := range front {
		if i > 0 {
			line = append(line, plotter.XY{X: c.x, Y: 100 * front[i-1].mean.Value})
		}
		line = append(line, plotter.XY{X: c.x, Y: 100 * c.mean.Value})
	}
	return line
}

// accuracyMemory shows what fewer bits cost: accuracy against the weights' memory for runs of one model in several types.
func accuracyMemory(s study.Study) (*Figure, error) {
	f := newFigure("accuracy-memory", "Accuracy against memory of the weights", newPlot("memory of the weights (MB)", "accuracy (%)"))
	f.Caption = "The same models with their weights in several types: accuracy against memory. " + asked(s)
	var xs []float64
	var intervals []stats.Interval
	families := map[string][]int{}
	var order []string
	for i, r := range s.Runs {
		if w := r.Manifest.Work; w == nil || w.WeightBytes <= 0 || r.Accuracy(nil).N == 0 {
			continue
		}
		key := r.Manifest.System.Model + "\x00" + r.Manifest.System.Variant
		if families[key] == nil {
			order = append(order, key)
		}
		families[key] = append(families[key], i)
	}
	types := map[string]int{}
	var typeOrder []string
	line := 0
	for _, key := range order {
		members := families[key]
		distinct := map[string]bool{}
		for _, i := range members {
			distinct[weightTypes(s.Runs[i])] = true
		}
		if len(distinct) < 2 {
			continue
		}
		slices.SortStableFunc(members, func(a, b int) int {
			return cmp.Compare(s.Runs[a].Manifest.Work.WeightBytes, s.Runs[b].Manifest.Work.WeightBytes)
		})
		var path plotter.XYs
		for _, i := range members {
			r := s.Runs[i]
			dtype := weightTypes(r)
			if _, ok := types[dtype]; !ok {
				types[dtype] = len(types)
				typeOrder = append(typeOrder, dtype)
			}
			a := r.Accuracy(nil)
			b := percentBar(float64(r.Manifest.Work.WeightBytes)/1e6, a)
			xs, intervals = append(xs, b.x), append(intervals, a.CI)
			path = append(path, plotter.XY{X: b.x, Y: b.y})
			if err := f.point(b, draw.GlyphStyle{Color: inks[line%len(inks)], Radius: glyphSize, Shape: glyphs[types[dtype]%len(glyphs)]}); err != nil {
				return nil, err
			}
		}
		joined, err := plotter.NewLine(path)
		if err != nil {
			return nil, err
		}
		joined.LineStyle = stroke(line)
		f.plot.Add(joined)
		first := s.Runs[members[0]].Manifest.System
		f.explain(short(fmt.Sprintf("%s (%s)", study.ModelName(first.Model), first.Variant)), rule{joined.LineStyle})
		line++
	}
	if line == 0 {
		return nil, nothing("no model was run with weights of several types")
	}
	for _, t := range typeOrder {
		f.explain(t, dot{draw.GlyphStyle{Color: black, Radius: glyphSize, Shape: glyphs[types[t]%len(glyphs)]}})
	}
	percentRange(&f.plot.Y, intervals)
	positive(&f.plot.X, xs)
	return f, nil
}

// weightTypes names the type of a run's weights; the vision tower's too, where that was chosen apart.
func weightTypes(r study.Run) string {
	var parts struct {
		Tower   string `json:"tower_weights"`
		Decoder string `json:"decoder_weights"`
	}
	system := r.Manifest.System
	if json.Unmarshal(system.Options, &parts) != nil || parts.Tower == parts.Decoder {
		return system.DType
	}
	return system.DType + ", vision " + parts.Tower
}

// point adds one marker with its error bar and no legend.
func (f *Figure) point(b bar, style draw.GlyphStyle) error {
	whisker, err := plotter.NewYErrorBars(bars{b})
	if err != nil {
		return err
	}
	whisker.LineStyle = thin(style.Color)
	whisker.CapWidth = vg.Points(3)
	dots, err := plotter.NewScatter(bars{b})
	if err != nil {
		return err
	}
	dots.GlyphStyle = style
	f.plot.Add(whisker, dots)
	return nil
}

// machines says where the times were taken.
func machines(s study.Study) string {
	var names []string
	for _, r := range s.Runs {
		m := r.Manifest.Machine
		if name := fmt.Sprintf("%s (%s, %d threads)", m.CPU, m.ISA, m.Threads); !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	if len(names) == 1 {
		return " Timed on " + names[0] + "."
	}
	return fmt.Sprintf(" Timed on %d different machines or settings: the times cannot be compared with each other.", len(names))
}
