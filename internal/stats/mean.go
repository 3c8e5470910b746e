package stats

import (
	"fmt"
	"math"

	"gonum.org/v1/gonum/stat/distuv"
)

// An Estimate is the mean of scores with what is known about its error. The items are taken for a sample of the questions
// that might have been asked: the interval says what the mean over all of those may be.
type Estimate struct {
	N        int      `json:"n"`        // items
	Clusters int      `json:"clusters"` // groups of items that are not independent, such as the questions about one image
	Value    float64  `json:"value"`
	SE       float64  `json:"se"`         // standard error, robust to the clusters; 0 where one cluster leaves it unknown
	CI       Interval `json:"ci95"`       // respects the clusters
	Naive    Interval `json:"ci95_naive"` // as if every item stood alone; equal to CI where it does
	Method   string   `json:"method"`     // of CI, in words
}

// Mean estimates the mean of scores. clusters names the cluster of each item; "" or a nil slice leaves an item on its own.
//
// The standard error is the cluster-robust one of Liang and Zeger (1986) with the correction G/(G-1) for G clusters,
//
//	se = sqrt(G/(G-1) * sum over clusters of (sum of (score - mean))^2) / n
//
// which is what Miller ("Adding Error Bars to Evals", 2024) recommends for questions in groups, and what
// regressing on a constant with clustered errors gives in R and statsmodels.
//
// Scores of 0 to 1 get Wilson's interval at the effective sample size mean*(1-mean)/se^2, with the quantile of Student's t
// at G-1 degrees of freedom (Dean and Pagano 2015; Franco et al. 2019): sound near 0 and 1, where mean +- 2 se is not.
// Independent 0/1 scores get Wilson's interval itself. Where all scores are 0, or all 1, nothing shows how alike the items
// of a cluster are, and each cluster counts as one item. Other scores get mean +- t*se.
func Mean(scores []float64, clusters []string) Estimate {
	if clusters != nil && len(clusters) != len(scores) {
		panic(fmt.Sprintf("stats: %d scores with %d clusters", len(scores), len(clusters)))
	}
	groups, count := number(len(scores), clusters)
	e := Estimate{N: len(scores), Clusters: count}
	if e.N == 0 {
		e.Value, e.CI, e.Naive, e.Method = math.NaN(), Interval{0, 1}, Interval{0, 1}, "none"
		return e
	}
	e.Value = mean(scores)
	e.Naive, _ = e.independent(scores)
	if count == e.N {
		e.CI, e.SE = e.independent(scores)
		e.Method = e.name(scores)
		return e
	}
	e.SE = clusteredSE(scores, e.Value, groups, count)
	e.CI = e.interval(scores, e.SE, count)
	e.Method = e.name(scores) + ", clustered"
	return e
}

// independent is the interval and the standard error for items that stand alone.
func (e Estimate) independent(scores []float64) (Interval, float64) {
	groups, count := number(len(scores), nil)
	se := clusteredSE(scores, e.Value, groups, count)
	if binary(scores) {
		_, ci := Proportion(sum(scores), e.N)
		return ci, se
	}
	return e.interval(scores, se, count), se
}

func (e Estimate) name(scores []float64) string {
	if unit(scores) {
		return "Wilson"
	}
	return "t"
}

// interval is the interval of the mean for a standard error from count clusters.
func (e Estimate) interval(scores []float64, se float64, count int) Interval {
	p := e.Value
	switch {
	case !unit(scores):
		if count < 2 {
			return Interval{math.Inf(-1), math.Inf(1)}
		}
		half := tQuantile(count-1) * se
		return Interval{p - half, p + half}
	case count < 2 || p <= 0 || p >= 1:
		return wilson(p, float64(count), z95)
	case se == 0:
		return Interval{p, p}
	}
	return wilson(p, p*(1-p)/float64(se*se), tQuantile(count-1))
}

// clusteredSE is the standard error of a mean; 0 for a single cluster.
func clusteredSE(scores []float64, mean float64, groups []int, count int) float64 {
	if count < 2 {
		return 0
	}
	residuals := make([]float64, count)
	for i, s := range scores {
		residuals[groups[i]] += s - mean
	}
	var squares float64
	for _, r := range residuals {
		squares += float64(r * r)
	}
	g := float64(count)
	return math.Sqrt(float64(g/(g-1)*squares)) / float64(len(scores))
}

// number gives the items of a cluster the same number below count, in the order of their first items.
func number(n int, clusters []string) (groups []int, count int) {
	groups = make([]int, n)
	seen := map[string]int{}
	for i := range groups {
		name := ""
		if clusters != nil {
			name = clusters[i]
		}
		g, ok := seen[name]
		if name == "" || !ok {
			g = count
			count++
			if name != "" {
				seen[name] = g
			}
		}
		groups[i] = g
	}
	return groups, count
}

// tQuantile is the 97.5 % quantile of Student's t distribution.
func tQuantile(freedom int) float64 {
	return distuv.StudentsT{Mu: 0, Sigma: 1, Nu: float64(freedom)}.Quantile(0.975)
}

// tTest is the two-sided p-value of a difference with its standard error.
func tTest(difference, se float64, freedom int) float64 {
	switch {
	case difference == 0:
		return 1
	case freedom < 1:
		return 1 // nothing is known about the error
	case se == 0:
		return 0
	}
	return min(1, 2*distuv.StudentsT{Mu: 0, Sigma: 1, Nu: float64(freedom)}.CDF(-math.Abs(difference)/se))
}

func sum(x []float64) float64 {
	var s float64
	for _, v := range x {
		s += v
	}
	return s
}

func mean(x []float64) float64 { return sum(x) / float64(len(x)) }

func binary(x []float64) bool {
	for _, v := range x {
		if v != 0 && v != 1 {
			return false
		}
	}
	return true
}

// unit reports whether all scores lie from 0 to 1.
func unit(x []float64) bool {
	for _, v := range x {
		if !(v >= 0 && v <= 1) {
			return false
		}
	}
	return true
}
