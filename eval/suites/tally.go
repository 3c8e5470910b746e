package suites

import (
	"maps"
	"slices"

	"llavabench/eval/score"
)

// A tally gathers scores of 0 to 1.
type tally struct {
	sum float64
	n   int
}

func (t *tally) add(v float64) { t.sum += v; t.n++ }

// mean is the sum in the order of adding over the count; 0 of nothing.
func (t tally) mean() float64 {
	if t.n == 0 {
		return 0
	}
	return t.sum / float64(t.n)
}

// percent is round(100*sum/n, digits), the order of operations of VQAEval.
func (t tally) percent(name string, digits int) Metric {
	v := 0.0
	if t.n > 0 {
		v = score.Round(100*t.sum/float64(t.n), digits)
	}
	return Metric{Name: name, Value: v, N: t.n, Unit: Percent, Digits: digits}
}

// ratio is the plain mean.
func (t tally) ratio(name string) Metric {
	return Metric{Name: name, Value: t.mean(), N: t.n, Unit: Ratio, Digits: -1}
}

// tallies are tallies by name.
type tallies map[string]*tally

func (t tallies) add(name string, v float64) {
	if t[name] == nil {
		t[name] = &tally{}
	}
	t[name].add(v)
}

func (t tallies) names() []string { return slices.Sorted(maps.Keys(t)) }

func (t tallies) percents(prefix string, digits int) []Metric {
	var list []Metric
	for _, name := range t.names() {
		list = append(list, t[name].percent(prefix+name, digits))
	}
	return list
}

func (t tallies) ratios(prefix string) []Metric {
	var list []Metric
	for _, name := range t.names() {
		list = append(list, t[name].ratio(prefix+name))
	}
	return list
}
