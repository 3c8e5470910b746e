package stats

import (
	"fmt"
	"math"
)

// Paired compares two systems on the same items.
type Paired struct {
	N          int      `json:"n"`
	Clusters   int      `json:"clusters"`
	Base       float64  `json:"base"` // means
	New        float64  `json:"new"`
	Difference float64  `json:"difference"` // New - Base
	SE         float64  `json:"se"`         // of the difference, robust to the clusters
	CI         Interval `json:"ci95"`       // of the difference, respecting the clusters
	Naive      Interval `json:"ci95_naive"` // as if every item stood alone
	Better     int      `json:"better"`     // items that New scores higher on
	Worse      int      `json:"worse"`      // items that New scores lower on
	P          float64  `json:"p"`          // two-sided, of no difference, by Test
	Test       string   `json:"test"`
	// McNemar is the exact McNemar test, which takes 0/1 items for independent; absent for other scores.
	McNemar *float64 `json:"p_mcnemar,omitempty"`
}

// Compare compares the scores of two systems item by item. clusters is that of Mean.
//
// For 0/1 scores of independent items the test is McNemar's exact one and the interval that of Bonett and Price (2012),
// recommended by Fagerland, Lydersen and Laake (2014): the Wald interval after one item is added to each of the two kinds on
// which the systems differ. It is not empty where they agree on everything. Where 0/1 items share clusters, the test is the
// exact sign-flip test of SignFlip over the clusters, and the interval that of the clustered error of the differences after
// the same two items are added, each a cluster of its own. Other scores get difference +- t*se and the t-test, with the
// standard error of Mean over the differences.
func Compare(base, new []float64, clusters []string) Paired {
	if len(base) != len(new) || clusters != nil && len(clusters) != len(base) {
		panic(fmt.Sprintf("stats: %d and %d scores with %d clusters", len(base), len(new), len(clusters)))
	}
	groups, count := number(len(base), clusters)
	r := Paired{N: len(base), Clusters: count, P: 1, Test: "none", CI: Interval{-1, 1}, Naive: Interval{-1, 1}}
	if r.N == 0 {
		return r
	}
	r.Base, r.New = mean(base), mean(new)
	differences := make([]float64, r.N)
	for i := range base {
		differences[i] = new[i] - base[i]
		switch {
		case differences[i] > 0:
			r.Better++
		case differences[i] < 0:
			r.Worse++
		}
	}
	r.Difference = mean(differences)
	r.SE = clusteredSE(differences, r.Difference, groups, count)
	alone, n := number(r.N, nil)
	if !binary(base) || !binary(new) {
		r.CI = around(r.Difference, r.SE, count)
		r.Naive = around(r.Difference, clusteredSE(differences, r.Difference, alone, n), n)
		r.P, r.Test = tTest(r.Difference, r.SE, count-1), "paired t"
		if count < n {
			r.Test += ", clustered"
		}
		return r
	}
	exact := McNemar(r.Better, r.Worse)
	r.McNemar = &exact
	r.Naive = bonettPrice(r.Better, r.Worse, r.N)
	if count == n {
		r.CI, r.P, r.Test = r.Naive, exact, "exact McNemar"
		return r
	}
	r.CI = adjusted(differences, groups, count)
	sums := make([]int, count)
	for i, d := range differences {
		sums[groups[i]] += int(d)
	}
	if p, ok := SignFlip(sums); ok {
		r.P, r.Test = p, "exact sign flips, clustered"
	} else {
		r.P, r.Test = tTest(r.Difference, r.SE, count-1), "paired t, clustered"
	}
	return r
}

// around is difference +- t*se.
func around(difference, se float64, count int) Interval {
	if count < 2 {
		return Interval{math.Inf(-1), math.Inf(1)}
	}
	half := tQuantile(count-1) * se
	return Interval{difference - half, difference + half}
}

// bonettPrice is the interval of Bonett and Price for b and c unequal pairs among n.
func bonettPrice(b, c, n int) Interval {
	m := float64(n + 2)
	up, down := float64(b+1)/m, float64(c+1)/m
	d := up - down
	half := z95 * math.Sqrt((up+down-float64(d*d))/m)
	return Interval{max(d-half, -1), min(d+half, 1)}
}

// adjusted is the clustered interval of the mean of differences to which +1 and -1 are added.
func adjusted(differences []float64, groups []int, count int) Interval {
	d := append(append([]float64(nil), differences...), 1, -1)
	g := append(append([]int(nil), groups...), count, count+1)
	m := mean(d)
	ci := around(m, clusteredSE(d, m, g, count+2), count+2)
	return Interval{max(ci.Low, -1), min(ci.High, 1)}
}

// maxSignFlipWork bounds the additions of SignFlip: a fraction of a second.
const maxSignFlipWork = 1 << 28

// SignFlip is the exact two-sided randomisation test of Fisher (1935) over the signs of sums: if two systems are alike, the
// difference of each cluster might as well have had the other sign. The p-value is the share of the 2^n choices of signs
// whose total is at least as far from 0 as the one seen. With sums of 0, 1 and -1 only it is McNemar's exact test. ok is
// false where there are too many and too large sums to do it exactly.
func SignFlip(sums []int) (p float64, ok bool) {
	var reach, total, nonzero int
	for _, s := range sums {
		total += s
		if s != 0 {
			reach += abs(s)
			nonzero++
		}
	}
	if nonzero == 0 {
		return 1, true
	}
	if float64(nonzero)*float64(2*reach+1) > maxSignFlipWork {
		return 0, false
	}
	// chance[reach+t] is the probability of the total t of the sums so far.
	chance, next := make([]float64, 2*reach+1), make([]float64, 2*reach+1)
	chance[reach] = 1
	width := 0
	for _, s := range sums {
		if s == 0 {
			continue
		}
		a := abs(s)
		clear(next[reach-width-a : reach+width+a+1])
		for t := reach - width; t <= reach+width; t++ {
			half := chance[t] / 2
			next[t-a] += half
			next[t+a] += half
		}
		width += a
		chance, next = next, chance
	}
	for t, c := range chance {
		if abs(t-reach) >= abs(total) {
			p += c
		}
	}
	return min(p, 1), true
}

func abs(n int) int {
	if n < 0 {
		return -n
	}
	return n
}
