package eval

import (
	"math"

	"llavabench/internal/cost"
	"llavabench/internal/rundir"
	"llavabench/internal/stats"
)

// A Summary is a run in figures.
type Summary struct {
	Samples    int     `json:"samples"`
	Failed     int     `json:"failed"`   // questions without an answer; they count as wrong
	Unscored   int     `json:"unscored"` // answers to questions without a reference; they do not count
	Total      Group   `json:"total"`
	Categories []Group `json:"categories"` // in the order of their first question
	// ImageTokens and PromptTokens are means over the answered questions.
	ImageTokens  float64 `json:"mean_image_tokens"`
	PromptTokens float64 `json:"mean_prompt_tokens"`
	// Cost is what the answers cost: no part of a result, and another one in every run. Absent where no times were recorded.
	Cost *cost.Cost `json:"cost,omitempty"`
	// Official is the score by the rules of the benchmark's owners; absent for other suites.
	Official *rundir.Official `json:"official,omitempty"`
}

// A Group is the accuracy of a set of samples, with its 95 % interval. Questions about one image are a cluster of samples,
// see stats.Mean.
type Group struct {
	Name     string         `json:"name"`
	N        int            `json:"n"`
	Clusters int            `json:"clusters"` // different images; a question without one counts as its own
	Accuracy float64        `json:"accuracy"`
	SE       float64        `json:"se"`         // standard error, clustered by image
	CI       stats.Interval `json:"ci95"`       // clustered by image where questions share one
	Naive    stats.Interval `json:"ci95_naive"` // as if no questions shared an image
	Method   string         `json:"method,omitempty"`
}

// ReadSummary reads the summary of a run directory.
func ReadSummary(dir string) (Summary, error) {
	var s Summary
	return s, rundir.ReadSummary(dir, &s)
}

// Results is the summary without the cost: what is the same whenever the answers are.
func (s Summary) Results() Summary {
	s.Cost = nil
	return s
}

// Summarise computes the figures of a run from its samples and their times, which may be nil.
func Summarise(samples []rundir.Sample, timings []rundir.Timing) Summary {
	s := Summary{Samples: len(samples), Cost: cost.Of(samples, timings)}
	var all marks
	categories := map[string]*marks{}
	var order []string
	answered := 0
	for _, x := range samples {
		if x.Error == "" {
			answered++
			s.ImageTokens += float64(x.ImageTokens)
			s.PromptTokens += float64(x.PromptTokens)
		} else {
			s.Failed++
		}
		mark, ok := x.Mark()
		if !ok {
			s.Unscored++
			continue
		}
		if categories[x.Category] == nil {
			categories[x.Category] = &marks{}
			order = append(order, x.Category)
		}
		all.add(mark, x.PixelSHA256)
		categories[x.Category].add(mark, x.PixelSHA256)
	}
	s.ImageTokens /= math.Max(1, float64(answered))
	s.PromptTokens /= math.Max(1, float64(answered))
	s.Total = all.group("all")
	for _, name := range order {
		s.Categories = append(s.Categories, categories[name].group(name))
	}
	return s
}

// marks are what a set of samples scored, with the image of each.
type marks struct {
	scores []float64
	images []string
}

func (m *marks) add(score float64, image string) {
	m.scores = append(m.scores, score)
	m.images = append(m.images, image)
}

func (m *marks) group(name string) Group {
	g := Group{Name: name, N: len(m.scores)}
	if g.N == 0 {
		return g
	}
	e := stats.Mean(m.scores, m.images)
	g.Clusters, g.Accuracy, g.SE, g.CI, g.Naive, g.Method = e.Clusters, e.Value, e.SE, e.CI, e.Naive, e.Method
	return g
}
