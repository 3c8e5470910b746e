package checkpoint

import (
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// maxPinpoints bounds a grid list; released ones have 5 to 36 entries.
const maxPinpoints = 1000

// The sides for which LLaVA-NeXT expands a range of grids.
var rangeSides = []int{224, 336, 384, 448, 512}

var rangeItem = regexp.MustCompile(`\(\s*(\d{1,4})x(\d{1,4})\s*\)`)

// readPinpoints reads `image_grid_pinpoints`: a list of pairs, a string holding such a list in Python's notation (which
// the reference evaluates and which is only parsed here), a comma-separated string of sides ("224,448", as mode highres
// has it), or a range such as "(1x1),...,(6x6)" in units of side.
//
// Source: LLaVA-NeXT, llava/mm_utils.py (select_best_resolution, process_anyres_image, process_highres_image).
func readPinpoints(f *fields, key string, side int) [][2]int {
	var pairs [][2]int
	var err error
	switch v := f.m[key].(type) {
	case nil:
		return nil
	case string:
		pairs, err = parsePinpoints(v, side)
	case []any:
		pairs, err = pairsOf(v)
	default:
		err = errf(ErrFormat, "is %s, expected a list of pairs", f.describe(v))
	}
	if err == nil {
		err = checkPinpoints(pairs)
	}
	if err != nil && f.s.err == nil {
		f.s.err = errf(err, "%s: %s%s %w", f.file, f.path, key, err)
	}
	return pairs
}

func checkPinpoints(pairs [][2]int) error {
	if len(pairs) == 0 {
		return errf(ErrFormat, "is empty, expected at least one pair")
	}
	for i, p := range pairs {
		for _, n := range p {
			if n < 1 || n > maxImageSide*8 {
				return errf(ErrFormat, "has entry %d of [%d, %d], expected sides from 1 to %d", i, p[0], p[1], maxImageSide*8)
			}
		}
	}
	return nil
}

func pairsOf(list []any) ([][2]int, error) {
	if len(list) > maxPinpoints {
		return nil, errf(ErrTooLarge, "has %d entries, expected at most %d", len(list), maxPinpoints)
	}
	out := make([][2]int, len(list))
	for i, e := range list {
		pair, ok := e.([]any)
		if !ok || len(pair) != 2 {
			return nil, errf(ErrFormat, "has an entry %d that is not a pair", i)
		}
		for j, n := range pair {
			s, _ := n.(number)
			v, err := strconv.Atoi(string(s))
			if err != nil {
				return nil, errf(ErrFormat, "has an entry %d that is not a pair of integers", i)
			}
			out[i][j] = v
		}
	}
	return out, nil
}

// parsePinpoints reads the string forms.
func parsePinpoints(s string, side int) ([][2]int, error) {
	if len(s) > 64<<10 {
		return nil, errf(ErrTooLarge, "is a string of %d bytes, expected at most %d", len(s), 64<<10)
	}
	if strings.Contains(s, "x") {
		return expandRange(s, side)
	}
	t := strings.TrimSpace(s)
	if !strings.HasPrefix(t, "[") && !strings.HasPrefix(t, "(") {
		return parseSides(t)
	}
	p := &pairParser{s: t}
	pairs, ok := p.list()
	if !ok {
		return nil, errf(ErrFormat, "is the string %s, expected a list of pairs such as \"[(336, 672), (672, 336)]\"", quote(s))
	}
	return pairs, nil
}

// expandRange lists all (i*side, j*side) with i and then j running from the first to the last item of the range.
func expandRange(s string, side int) ([][2]int, error) {
	items := rangeItem.FindAllStringSubmatch(s, -1)
	rest := strings.Trim(rangeItem.ReplaceAllString(s, ""), " ,.")
	if len(items) == 0 || rest != "" {
		return nil, errf(ErrFormat, "is the string %s, expected a range such as \"(1x1),...,(6x6)\"", quote(s))
	}
	if !slices.Contains(rangeSides, side) {
		return nil, errf(ErrUnsupported, "is the range %s, but the tower's side is %d: expected one of %v", quote(s), side, rangeSides)
	}
	at := func(item []string) (a, b int) {
		a, _ = strconv.Atoi(item[1])
		b, _ = strconv.Atoi(item[2])
		return a, b
	}
	a, b := at(items[0])
	c, d := at(items[len(items)-1])
	if a < 1 || b < 1 || c < a || d < b || (c-a+1)*(d-b+1) > maxPinpoints {
		return nil, errf(ErrFormat, "is the range %s, expected a first item of at least 1x1, a last one no smaller, and at most %d items between", quote(s), maxPinpoints)
	}
	var out [][2]int
	for i := a; i <= c; i++ {
		for j := b; j <= d; j++ {
			out = append(out, [2]int{i * side, j * side})
		}
	}
	return out, nil
}

// parseSides reads "224,448,672" as squares.
func parseSides(s string) ([][2]int, error) {
	var out [][2]int
	for _, part := range strings.SplitN(s, ",", maxPinpoints+1) {
		n, err := strconv.Atoi(strings.TrimSpace(part))
		if err != nil || len(out) == maxPinpoints {
			return nil, errf(ErrFormat, "is the string %s, expected a list of pairs, a list of sides or a range", quote(s))
		}
		out = append(out, [2]int{n, n})
	}
	return out, nil
}

// A pairParser reads a Python list or tuple of lists or tuples of two integers.
type pairParser struct {
	s  string
	at int
}

func (p *pairParser) next() byte {
	for p.at < len(p.s) && strings.IndexByte(" \t\r\n", p.s[p.at]) >= 0 {
		p.at++
	}
	if p.at == len(p.s) {
		return 0
	}
	return p.s[p.at]
}

func (p *pairParser) take(c byte) bool {
	if p.next() == c && p.at < len(p.s) {
		p.at++
		return true
	}
	return false
}

// open consumes a bracket and returns the one that closes it.
func (p *pairParser) open() (closing byte, ok bool) {
	switch {
	case p.take('['):
		return ']', true
	case p.take('('):
		return ')', true
	}
	return 0, false
}

func (p *pairParser) list() (out [][2]int, ok bool) {
	closing, ok := p.open()
	if !ok {
		return nil, false
	}
	for !p.take(closing) {
		pair, ok := p.pair()
		if !ok || len(out) == maxPinpoints {
			return nil, false
		}
		out = append(out, pair)
		if !p.take(',') && p.next() != closing {
			return nil, false
		}
	}
	return out, p.next() == 0 && p.at == len(p.s)
}

func (p *pairParser) pair() (out [2]int, ok bool) {
	closing, ok := p.open()
	if !ok {
		return out, false
	}
	for i := range out {
		p.next()
		start := p.at
		for p.at < len(p.s) && p.s[p.at] >= '0' && p.s[p.at] <= '9' {
			p.at++
		}
		n, err := strconv.Atoi(p.s[start:p.at])
		if err != nil {
			return out, false
		}
		out[i] = n
		if i == 0 && !p.take(',') {
			return out, false
		}
	}
	p.take(',')
	return out, p.take(closing)
}
