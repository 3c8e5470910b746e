package plots

import (
	"fmt"
	"math"

	"gonum.org/v1/plot/vg"

	"llavabench/internal/rundir"
	"llavabench/internal/stats"
	"llavabench/reports/study"
)

// A binned figure shows accuracy over intervals of a property of the question.
type binned struct {
	edges  []float64 // ascending; bin i holds edges[i-1] <= value < edges[i]
	labels func(low, high float64) string
	value  func(rundir.Sample) (float64, bool)
	fewest int // questions in a bin; smaller ones join a neighbour
}

// accuracyDetail shows accuracy against the size of what must be seen.
func accuracyDetail(s study.Study) (*Figure, error) {
	f := newFigure("accuracy-detail", "Accuracy against detail size", newPlot("smallest detail that matters (pixels)", "accuracy (%)"))
	f.Caption = "Accuracy against the size, in pixels of the picture, of the smallest detail that the answer depends on. " + asked(s)
	return f, f.binned(s, binned{
		edges: []float64{6, 8, 12, 16, 24, 32, 48, 64, 96, 128}, fewest: 8,
		labels: func(low, high float64) string {
			switch {
			case math.IsInf(low, -1):
				return fmt.Sprintf("<%g", high)
			case math.IsInf(high, 1):
				return fmt.Sprintf("≥%g", low)
			}
			return fmt.Sprintf("%g–%g", low, high-1)
		},
		value: func(x rundir.Sample) (float64, bool) { return float64(x.DetailPx), x.DetailPx > 0 },
	}, "no question records the size of its detail")
}

// accuracyAspect shows accuracy against the shape of the picture.
func accuracyAspect(s study.Study) (*Figure, error) {
	f := newFigure("accuracy-aspect", "Accuracy against aspect ratio", newPlot("aspect ratio (width / height)", "accuracy (%)"))
	f.Caption = "Accuracy against the aspect ratio of the picture, from tall at the left to wide at the right. " + asked(s)
	return f, f.binned(s, binned{
		edges: []float64{0.4, 0.7, 0.9, 1.1, 1.5, 2.5}, fewest: 8,
		labels: func(low, high float64) string {
			switch {
			case math.IsInf(low, -1):
				return fmt.Sprintf("<%g", high)
			case math.IsInf(high, 1):
				return fmt.Sprintf("≥%g", low)
			}
			return fmt.Sprintf("%g–%g", low, high)
		},
		value: func(x rundir.Sample) (float64, bool) {
			return float64(x.Width) / float64(x.Height), x.Width > 0 && x.Height > 0
		},
	}, "no question records the size of its picture")
}

// maxBins is how many bins fit the width with their labels.
const maxBins = 7

func (f *Figure) binned(s study.Study, b binned, missing nothing) error {
	bins := b.merge(s)
	if len(bins) == 0 {
		return missing
	}
	if len(bins) == 1 {
		return nothing("all questions are alike in this")
	}
	var intervals []stats.Interval
	labels := make([]string, len(bins))
	for r, run := range s.Runs {
		var points bars
		for i, bin := range bins {
			a := run.Accuracy(func(x rundir.Sample) bool {
				v, ok := b.value(x)
				return ok && v >= bin.low && v < bin.high
			})
			if a.N == 0 {
				continue
			}
			// Runs stand side by side, so that their error bars do not hide each other.
			shift := 0.0
			if n := len(s.Runs); n > 1 {
				shift = (float64(r)/float64(n-1) - 0.5) * min(0.5, 0.12*float64(n))
			}
			points, intervals = append(points, percentBar(float64(i)+shift, a)), append(intervals, a.CI)
		}
		if len(points) == 0 {
			continue
		}
		if err := f.scatter(r, short(run.Name), points, true); err != nil {
			return err
		}
	}
	for i, bin := range bins {
		labels[i] = fmt.Sprintf("%s\nn=%d", b.labels(bin.low, bin.high), bin.n)
	}
	f.plot.NominalX(labels...)
	f.plot.X.Min, f.plot.X.Max = -0.5, float64(len(bins))-0.5
	f.plot.X.Padding = vg.Points(2)
	f.plot.X.Tick.Label.Font.Size = smallSize - 1
	percentRange(&f.plot.Y, intervals)
	f.Height += 8
	return nil
}

// A bin is low <= value < high with the most questions that a run has there.
type bin struct {
	low, high float64
	n         int
}

// merge counts the questions of each bin and joins small ones to the smaller of their neighbours.
func (b binned) merge(s study.Study) []bin {
	bins := make([]bin, len(b.edges)+1)
	for i := range bins {
		bins[i].low, bins[i].high = math.Inf(-1), math.Inf(1)
		if i > 0 {
			bins[i].low = b.edges[i-1]
		}
		if i < len(b.edges) {
			bins[i].high = b.edges[i]
		}
	}
	for _, r := range s.Runs {
		count := make([]int, len(bins))
		for _, x := range r.Samples {
			v, ok := b.value(x)
			if _, counts := x.Mark(); !ok || !counts {
				continue
			}
			for i := range bins {
				if v >= bins[i].low && v < bins[i].high {
					count[i]++
				}
			}
		}
		for i := range bins {
			bins[i].n = max(bins[i].n, count[i])
		}
	}
	// Empty bins at the ends are dropped; those between stay visible as gaps only where nothing else can be done.
	for len(bins) > 0 && bins[0].n == 0 {
		bins = bins[1:]
	}
	for len(bins) > 0 && bins[len(bins)-1].n == 0 {
		bins = bins[:len(bins)-1]
	}
	for len(bins) > 1 {
		small := 0
		for i := range bins {
			if bins[i].n < bins[small].n {
				small = i
			}
		}
		if bins[small].n >= b.fewest && len(bins) <= maxBins {
			break
		}
		left := small - 1
		if small == 0 || small+1 < len(bins) && bins[small+1].n < bins[small-1].n {
			left = small
		}
		bins[left] = bin{bins[left].low, bins[left+1].high, bins[left].n + bins[left+1].n}
		bins = append(bins[:left+1], bins[left+2:]...)
	}
	return bins
}
