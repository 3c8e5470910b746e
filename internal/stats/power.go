package stats

import (
	"fmt"
	"math"
	"sort"

	"gonum.org/v1/gonum/stat/distuv"
)

// A Design is a planned comparison of two systems on the same 0/1 items.
type Design struct {
	// Discordance is the share of items on which exactly one of the systems will be right.
	Discordance float64
	Alpha       float64 // level of the two-sided test; 0.05 as a rule
}

// check refuses a design that cannot be, with a difference in accuracy d.
func (w Design) check(d float64) error {
	switch {
	case !(w.Discordance > 0 && w.Discordance <= 1):
		return fmt.Errorf("discordance is %v, expected a share above 0 and at most 1", w.Discordance)
	case !(w.Alpha > 0 && w.Alpha < 1):
		return fmt.Errorf("level is %v, expected a share between 0 and 1", w.Alpha)
	case !(d > 0 && d <= w.Discordance):
		return fmt.Errorf("difference is %v, expected above 0 and at most the discordance %v: where the systems agree there is no difference", d, w.Discordance)
	}
	return nil
}

// Power is the probability that McNemar's exact test finds a true difference d in accuracy among n independent items. The
// number of items on which the systems differ is binomial(n, discordance); given m of them, those in favour of the better
// system are binomial(m, (discordance+d)/(2*discordance)), and the test rejects in both tails of binomial(m, 1/2).
func (w Design) Power(n int, d float64) (float64, error) {
	if err := w.check(d); err != nil {
		return 0, err
	}
	if n < 0 {
		return 0, fmt.Errorf("number of items is %d", n)
	}
	return w.power(n, d), nil
}

func (w Design) power(n int, d float64) float64 {
	share := (w.Discordance + d) / (2 * w.Discordance)
	unequal := distuv.Binomial{N: float64(n), P: w.Discordance}
	// What lies further out has a probability below 1e-14.
	centre, reach := float64(n)*w.Discordance, 8*math.Sqrt(float64(n)*w.Discordance*(1-w.Discordance))+8
	var power float64
	for m := max(0, int(centre-reach)); m <= min(n, int(centre+reach)+1); m++ {
		k := w.critical(m)
		if k < 0 {
			continue
		}
		inFavour := distuv.Binomial{N: float64(m), P: share}
		against := distuv.Binomial{N: float64(m), P: 1 - share}
		chance := 1.0
		if w.Discordance < 1 {
			chance = unequal.Prob(float64(m))
		} else if m < n {
			continue
		}
		power += float64(chance * (cdf(inFavour, k) + cdf(against, k)))
	}
	return min(power, 1)
}

// critical is the largest k for which the test of k among m unequal items rejects; -1 where none does.
func (w Design) critical(m int) int {
	coin := distuv.Binomial{N: float64(m), P: 0.5}
	// The number of k that reject; the tail grows with k.
	return sort.Search(m/2+1, func(k int) bool { return 2*cdf(coin, k) > w.Alpha }) - 1
}

// cdf is P(X <= k), also for certain outcomes.
func cdf(b distuv.Binomial, k int) float64 {
	switch {
	case float64(k) >= b.N, b.P <= 0:
		return 1
	case b.P >= 1:
		return 0
	}
	return b.CDF(float64(k))
}

// maxItems is where the search for a number of items ends.
const maxItems = 1 << 30

// Items is the smallest number of independent items with which McNemar's exact test finds a true difference d with at least
// the given power, from Power by bisection.
func (w Design) Items(d, power float64) (int, error) {
	approximate, err := w.ItemsNormal(d, power)
	if err != nil {
		return 0, err
	}
	if approximate > maxItems/4 {
		return 0, fmt.Errorf("more than %d items are needed", maxItems/4)
	}
	high := max(approximate, 8)
	for w.power(high, d) < power {
		high *= 2
	}
	low := 0 // has too little power
	for high-low > 1 {
		if middle := low + (high-low)/2; w.power(middle, d) < power {
			low = middle
		} else {
			high = middle
		}
	}
	return high, nil
}

// ItemsNormal is the same in the usual approximation (Miettinen 1968; Connor 1987), rounded up:
//
//	n = (z(1-alpha/2) sqrt(discordance) + z(power) sqrt(discordance - d^2))^2 / d^2
func (w Design) ItemsNormal(d, power float64) (int, error) {
	if err := w.check(d); err != nil {
		return 0, err
	}
	if !(power > 0 && power < 1) {
		return 0, fmt.Errorf("power is %v, expected a share between 0 and 1", power)
	}
	z := distuv.UnitNormal
	root := float64(z.Quantile(1-w.Alpha/2)*math.Sqrt(w.Discordance)) + float64(z.Quantile(power)*math.Sqrt(w.Discordance-float64(d*d)))
	n := float64(root*root) / float64(d*d)
	if n > math.MaxInt32 {
		return math.MaxInt32, nil
	}
	return int(math.Ceil(n)), nil
}

// Detectable is the smallest difference in accuracy that n independent items show with at least the given power; ok is
// false where not even the largest possible one, the discordance itself, is shown.
func (w Design) Detectable(n int, power float64) (d float64, ok bool, err error) {
	if err := w.check(w.Discordance); err != nil {
		return 0, false, err
	}
	if w.power(n, w.Discordance) < power {
		return 0, false, nil
	}
	low, high := 0.0, w.Discordance
	for range 40 {
		if middle := (low + high) / 2; middle == 0 || w.power(n, middle) < power {
			low = middle
		} else {
			high = middle
		}
	}
	return high, true, nil
}

// DesignEffect is by how many times more items are needed where perCluster questions share an image and their scores have
// the intra-cluster correlation icc, than if each had its own: 1 + (perCluster-1)*icc (Kish 1965).
func DesignEffect(perCluster, icc float64) float64 { return 1 + float64((perCluster-1)*icc) }

// ItemsMean is the number of independent items on which scores of any kind, whose paired differences have the standard
// deviation sd, show a true mean difference d: ((z(1-alpha/2) + z(power)) * sd / d)^2, rounded up (Miller 2024).
func ItemsMean(d, sd, alpha, power float64) (int, error) {
	switch {
	case !(d > 0) || !(sd > 0):
		return 0, fmt.Errorf("difference %v and standard deviation %v are expected to be above 0", d, sd)
	case !(alpha > 0 && alpha < 1) || !(power > 0 && power < 1):
		return 0, fmt.Errorf("level %v and power %v are expected to be between 0 and 1", alpha, power)
	}
	z := distuv.UnitNormal
	root := (z.Quantile(1-alpha/2) + z.Quantile(power)) * sd / d
	if n := float64(root * root); n < math.MaxInt32 {
		return int(math.Ceil(n)), nil
	}
	return math.MaxInt32, nil
}
