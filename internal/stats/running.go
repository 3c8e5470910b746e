package stats

import "math"

// A Running is the mean of scores that come one after the other, the items of a cluster together. It takes the same memory for
// any number of them.
type Running struct {
	n, clusters     int
	sum             float64
	fractional      bool // a score other than 0 and 1 was seen
	outside         bool // a score below 0 or above 1 was seen
	name            string
	last, size      float64 // sum of scores and number of items of the cluster under way
	s2, sn, squares float64 // over the clusters before it: sum of last², last·size and size²
}

// Add takes the score of an item; cluster is as for Mean.
func (r *Running) Add(score float64, cluster string) {
	if r.n == 0 || cluster == "" || cluster != r.name {
		r.s2, r.sn, r.squares = r.moments()
		r.clusters++
		r.name, r.last, r.size = cluster, 0, 0
	}
	r.n++
	r.sum += score
	r.last += score
	r.size++
	r.fractional = r.fractional || score != 0 && score != 1
	r.outside = r.outside || score < 0 || score > 1
}

// moments adds the cluster under way to the sums.
func (r *Running) moments() (s2, sn, squares float64) {
	return r.s2 + float64(r.last*r.last), r.sn + float64(r.last*r.size), r.squares + float64(r.size*r.size)
}

// Estimate is what Mean says of the scores so far, but for Naive, which is not kept.
func (r *Running) Estimate() Estimate {
	e := Estimate{N: r.n, Clusters: r.clusters, Value: math.NaN(), CI: Interval{0, 1}, Method: "none"}
	if r.n == 0 {
		return e
	}
	e.Value = r.sum / float64(r.n)
	if r.clusters > 1 {
		// The sum over clusters of (last - mean·size)².
		s2, sn, squares := r.moments()
		residuals := s2 - float64(2*e.Value*sn) + float64(float64(e.Value*e.Value)*squares)
		g := float64(r.clusters)
		e.SE = math.Sqrt(max(0, float64(g/(g-1)*residuals))) / float64(r.n)
	}
	bounds := []float64{0, 1} // stand for the scores where only their range counts
	if r.outside {
		bounds = []float64{-1}
	}
	e.Method = e.name(bounds)
	if r.clusters == r.n && !r.fractional {
		_, e.CI = Proportion(r.sum, r.n)
		return e
	}
	e.CI = e.interval(bounds, e.SE, r.clusters)
	if r.clusters < r.n {
		e.Method += ", clustered"
	}
	return e
}
