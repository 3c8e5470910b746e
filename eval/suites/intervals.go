package suites

import (
	"fmt"
	"math"
	"slices"
	"strings"

	"llavabench/eval/score"
	"llavabench/internal/stats"
)

// An Uncertainty is how sure a figure is: what it might be over all questions of the same kind.
type Uncertainty struct {
	CI stats.Interval `json:"ci95"`
	// Naive is the interval as if no questions shared an image; nil where it is CI, or where the figure needs whole images.
	Naive    *stats.Interval `json:"ci95_naive,omitempty"`
	Clusters int             `json:"clusters"` // images, or whatever else groups the questions
	Method   string          `json:"method"`
}

// A composite computes figures that are no plain means (F1, sums of subtasks, ratios of means) from samples that count
// several times each, or not at all.
type composite struct {
	names []string
	fill  func(times []int, out []float64)
}

// AddIntervals gives figures their uncertainty: plain means of the samples' scores, over all questions or a category, an
// analytic interval (stats.Mean), composite figures a bootstrap interval, both clustered by image; other shares of right
// answers Wilson's. Which figure is what is not taken on trust: an interval is only given where the mean or the composite of the samples gives the figure itself, to
// the digits that it is printed with. Others, such as counts, have none.
func (r *Result) AddIntervals() {
	clusters := make([]string, len(r.Samples))
	for i, s := range r.Samples {
		clusters[i] = s.Group
	}
	for _, c := range r.composites {
		r.addBootstrap(c, clusters)
	}
	sets, whole := r.means(clusters), r.wholeScores()
	for i := range r.Metrics {
		m := &r.Metrics[i]
		if m.Interval != nil || m.Unit == Count {
			continue
		}
		for _, set := range sets {
			if u, ok := set.of(m); ok {
				m.Interval = u
				break
			}
		}
		if m.Interval == nil && whole {
			m.Interval = m.share()
		}
	}
}

// share is the interval of a figure that is a share of N questions of which more is not known here, such as those with a
// picture: Wilson's, as if they shared no images. It is nil where the figure is no such share.
func (m *Metric) share() *Uncertainty {
	scale := map[string]float64{Ratio: 1, Percent: 100}[m.Unit]
	if scale == 0 || m.N == 0 || !(m.Value >= 0 && m.Value <= scale) {
		return nil
	}
	right := math.Round(m.Value / scale * float64(m.N))
	if !m.near(right / float64(m.N) * scale) {
		return nil
	}
	_, ci := stats.Proportion(right, m.N)
	return &Uncertainty{CI: scaled(ci, scale), Clusters: m.N, Method: "Wilson, shared images not known"}
}

// wholeScores reports whether every sample is right or wrong.
func (r *Result) wholeScores() bool {
	return !slices.ContainsFunc(r.Samples, func(s Sample) bool { return s.Score != 0 && s.Score != 1 })
}

// near reports whether v is the metric's value, but for the rounding of its digits.
func (m *Metric) near(v float64) bool {
	slack := 1e-9 * math.Max(1, math.Abs(m.Value))
	if m.Digits >= 0 {
		slack += 0.5 * math.Pow10(-m.Digits)
	}
	return math.Abs(m.Value-v) <= slack
}

func (r *Result) addBootstrap(c composite, clusters []string) {
	times := make([]int, len(r.Samples))
	for i := range times {
		times[i] = 1
	}
	once := make([]float64, len(c.names))
	c.fill(times, once)
	figures := map[int]*Metric{}
	for i, name := range c.names {
		for k := range r.Metrics {
			if m := &r.Metrics[k]; m.Name == name && m.near(once[i]) {
				figures[i] = m
			}
		}
	}
	if len(figures) == 0 || len(r.Samples) == 0 {
		return
	}
	b := stats.NewBootstrap(len(r.Samples), clusters, 0, 0)
	intervals := b.Interval(len(c.names), c.fill)
	method := fmt.Sprintf("bootstrap, %d resamples, seed %d", stats.DefaultResamples, stats.DefaultSeed)
	if b.Clusters() < len(r.Samples) {
		method += ", clustered"
	}
	for i, m := range figures {
		m.Interval = &Uncertainty{CI: intervals[i], Clusters: b.Clusters(), Method: method}
	}
}

// A meanOf is the mean score of a category, or of all questions.
type meanOf struct {
	category string // "" for all
	estimate stats.Estimate
}

// means are the categories, then all questions.
func (r *Result) means(clusters []string) []meanOf {
	if len(r.Samples) == 0 {
		return nil
	}
	var order []string
	scores, groups := map[string][]float64{}, map[string][]string{}
	var all []float64
	for i, s := range r.Samples {
		all = append(all, s.Score)
		if s.Category == "" {
			continue
		}
		if scores[s.Category] == nil {
			order = append(order, s.Category)
		}
		scores[s.Category] = append(scores[s.Category], s.Score)
		groups[s.Category] = append(groups[s.Category], clusters[i])
	}
	var out []meanOf
	for _, name := range order {
		out = append(out, meanOf{name, stats.Mean(scores[name], groups[name])})
	}
	return append(out, meanOf{"", stats.Mean(all, clusters)})
}

// of is the interval of a figure that is this mean on the figure's scale.
func (s meanOf) of(m *Metric) (*Uncertainty, bool) {
	e := s.estimate
	if m.N != 0 && m.N != e.N || s.category != "" && !strings.Contains(m.Name, s.category) {
		return nil, false
	}
	scale := 1.0
	switch m.Unit {
	case Percent:
		scale = 100
	case Points:
		scale = float64(e.N)
	}
	if !m.near(e.Value * scale) {
		return nil, false
	}
	u := &Uncertainty{CI: scaled(e.CI, scale), Clusters: e.Clusters, Method: e.Method}
	if e.Naive != e.CI {
		naive := scaled(e.Naive, scale)
		u.Naive = &naive
	}
	return u, true
}

func scaled(i stats.Interval, by float64) stats.Interval {
	return stats.Interval{Low: i.Low * by, High: i.High * by}
}

// A confusionFigure is a figure of a table of yes/no predictions.
type confusionFigure struct {
	name  string
	scale float64
	of    func(score.Confusion) float64
}

// yesNoComposite computes figures of the yes/no answers of each category ("" is all), named prefix and figure, and the
// mean of the categories' first figures under the name of mean, unless that is empty.
func yesNoComposite(d *Data, r *Result, categories []string, predicted func(i int) string, figures []confusionFigure, mean string) composite {
	type answer struct{ predicted, label, category string }
	answers := make([]answer, len(r.Samples))
	present := map[string]bool{"": true}
	for i, s := range r.Samples {
		label, _ := d.Questions[i].Reference.(string) // the scorer has checked it
		answers[i] = answer{predicted(i), label, s.Category}
		present[s.Category] = true
	}
	var c composite
	var used []string
	for _, category := range categories {
		if !present[category] {
			continue
		}
		used = append(used, category)
		for _, f := range figures {
			c.names = append(c.names, strings.TrimPrefix(category+" "+f.name, " "))
		}
	}
	if mean != "" {
		c.names = append(c.names, mean)
	}
	c.fill = func(times []int, out []float64) {
		counts := map[string]*score.Confusion{"": {}}
		for _, category := range used {
			counts[category] = &score.Confusion{}
		}
		for i, a := range answers {
			counts[""].AddTimes(a.predicted, a.label, times[i])
			if table := counts[a.category]; table != nil && a.category != "" {
				table.AddTimes(a.predicted, a.label, times[i])
			}
		}
		at := 0
		var sum float64
		for _, category := range used {
			for k, f := range figures {
				out[at] = f.of(*counts[category]) * f.scale
				if k == 0 {
					sum += out[at]
				}
				at++
			}
		}
		if mean != "" {
			out[at] = sum / float64(len(used)) * 100
		}
	}
	return c
}

// predictedOr is the parsed answer of a sample; a missing one counts as the wrong label.
func predictedOr(d *Data, r *Result) func(i int) string {
	return func(i int) string {
		if s := r.Samples[i]; s.Answered {
			return s.Parsed
		}
		label, _ := d.Questions[i].Reference.(string) // the scorer has checked it
		return otherLabel(label)
	}
}
