package sight

// A source draws numbers by SplitMix64 (Steele, Lea and Flood, "Fast splittable pseudorandom number generators", 2014): a
// counter and a mixing function, integers only, so that a seed gives the same picture on every machine.
type source struct{ state uint64 }

func newSource(seed uint64) *source { return &source{state: seed} }

func (s *source) next() uint64 {
	s.state += 0x9e3779b97f4a7c15
	return mix(s.state)
}

// mix is SplitMix64's finaliser, a bijection of 64 bits.
func mix(z uint64) uint64 {
	z = (z ^ z>>30) * 0xbf58476d1ce4e5b9
	z = (z ^ z>>27) * 0x94d049bb133111eb
	return z ^ z>>31
}

// intn draws from 0..n-1. The bias of the remainder is below n/2^32.
func (s *source) intn(n int) int { return int((s.next() >> 32) % uint64(n)) }

// between draws from lo..hi, both included.
func (s *source) between(lo, hi int) int { return lo + s.intn(hi-lo+1) }

// chance is true in percent of 100 cases.
func (s *source) chance(percent int) bool { return s.intn(100) < percent }

// shuffle puts 0..n-1 into a random order by swaps.
func (s *source) shuffle(n int, swap func(i, j int)) {
	for i := n - 1; i > 0; i-- {
		swap(i, s.intn(i+1))
	}
}

// pick draws one element.
func pick[T any](s *source, from []T) T { return from[s.intn(len(from))] }

// sample draws n different elements.
func sample[T any](s *source, from []T, n int) []T {
	all := append([]T(nil), from...)
	s.shuffle(len(all), func(i, j int) { all[i], all[j] = all[j], all[i] })
	return all[:n]
}
