package sight

import (
	"fmt"
	"strings"
)

// A QA is a question about a scene with its short answer.
type QA struct {
	Category Category `json:"category"`
	// Kind refines the category: the sort of negative, what is asked for, what is read.
	Kind     string   `json:"kind"`
	Question string   `json:"question"`
	Answer   string   `json:"answer"`
	Options  []string `json:"options,omitempty"` // of a multiple-choice question, in order A, B, ...
	// Detail is the size of the smallest thing that must be seen, in pixels of the picture: an object's diameter, the
	// height of a capital.
	Detail int `json:"detail_px"`
}

func yesNo(yes bool) string {
	if yes {
		return "yes"
	}
	return "no"
}

func (o Object) detail() int { return 2*o.R + 1 }

func smallest(objects []Object) int {
	d := 0
	for _, o := range objects {
		if d == 0 || o.detail() < d {
			d = o.detail()
		}
	}
	return d
}

func (s *Scene) has(shape Shape, colour Colour) bool {
	for _, o := range s.Objects {
		if o.Shape == shape && o.Colour == colour {
			return true
		}
	}
	return false
}

func (s *Scene) count(shape Shape) int {
	n := 0
	for _, o := range s.Objects {
		if o.Shape == shape {
			n++
		}
	}
	return n
}

// only returns the objects of which there is one kind by the given key.
func only[K comparable](objects []Object, key func(Object) K) (alone []Object) {
	count := map[K]int{}
	for _, o := range objects {
		count[key(o)]++
	}
	for _, o := range objects {
		if count[key(o)] == 1 {
			alone = append(alone, o)
		}
	}
	return alone
}

func shapeOf(o Object) Shape   { return o.Shape }
func colourOf(o Object) Colour { return o.Colour }
func nameOf(o Object) string   { return o.Name() }

// presenceOf asks whether there is such an object.
func presenceOf(kind, name string, yes bool, detail int) QA {
	return QA{Category: Presence, Kind: kind, Question: fmt.Sprintf("Is there a %s?", name), Answer: yesNo(yes), Detail: detail}
}

// absent draws an object that is not in the scene. The three kinds are POPE's: random, from the objects that are frequent
// in the suite (popular), and made of a colour and a shape that are both present, but not together (adversarial). ok is
// false when there is none of the kind.
func absent(r *source, s *Scene, kind string) (name string, ok bool) {
	var candidates []string
	for _, c := range Colours {
		for _, h := range Shapes {
			if s.has(h, c) {
				continue
			}
			shapeSeen := s.count(h) > 0
			colourSeen := false
			for _, o := range s.Objects {
				colourSeen = colourSeen || o.Colour == c
			}
			fits := false
			switch kind {
			case "random":
				fits = true
			case "popular":
				fits = popularShape(h) && popularColour(c)
			case "adversarial":
				fits = shapeSeen && colourSeen
			}
			if fits {
				candidates = append(candidates, string(c)+" "+string(h))
			}
		}
	}
	if len(candidates) == 0 {
		return "", false
	}
	return pick(r, candidates), true
}

// Popular shapes and colours are drawn more often than the others.
func popularShape(h Shape) bool   { return h == "circle" || h == "square" || h == "triangle" }
func popularColour(c Colour) bool { return c == "red" || c == "blue" || c == "green" || c == "yellow" }

func (r *source) shape() Shape {
	if r.chance(30) {
		return Shapes[r.intn(3)]
	}
	return pick(r, Shapes)
}

func (r *source) colour() Colour {
	if r.chance(30) {
		return pick(r, []Colour{"red", "blue", "green", "yellow"})
	}
	return pick(r, Colours)
}

func colourQuestion(o Object) QA {
	return QA{Category: Attribute, Kind: "colour", Question: fmt.Sprintf("What colour is the %s?", o.Shape), Answer: string(o.Colour), Detail: o.detail()}
}

func shapeQuestion(o Object) QA {
	return QA{Category: Attribute, Kind: "shape", Question: fmt.Sprintf("What shape is the %s object?", o.Colour), Answer: string(o.Shape), Detail: o.detail()}
}

func countQuestion(s *Scene, shape Shape) QA {
	return QA{Category: Counting, Kind: "shape", Question: fmt.Sprintf("How many %s are there?", plural(shape)), Answer: fmt.Sprint(s.count(shape)), Detail: smallest(s.Objects)}
}

func plural(h Shape) string {
	if h == "cross" {
		return "crosses"
	}
	return string(h) + "s"
}

// halfQuestion asks in which half of the picture an object is.
func halfQuestion(s *Scene, o Object, vertical bool) QA {
	first, second, at, size := "left", "right", o.X, s.Width
	if vertical {
		first, second, at, size = "top", "bottom", o.Y, s.Height
	}
	answer := first
	if 2*at >= size {
		answer = second
	}
	return QA{Category: Position, Kind: "half", Question: fmt.Sprintf("Is the %s in the %s or %s half?", o.Name(), first, second), Answer: answer, Detail: o.detail()}
}

// orderQuestion asks whether a is on the given side of b.
func orderQuestion(a, b Object, side string) QA {
	yes := map[string]bool{"left of": a.X < b.X, "right of": a.X > b.X, "above": a.Y < b.Y, "below": a.Y > b.Y}[side]
	return QA{Category: Position, Kind: "order", Question: fmt.Sprintf("Is the %s %s the %s?", a.Name(), side, b.Name()), Answer: yesNo(yes), Detail: smallest([]Object{a, b})}
}

func readingQuestion(s *Sign) QA {
	kind := "string"
	if strings.Trim(s.Text, "0123456789") == "" {
		kind = "number"
	}
	return QA{Category: Reading, Kind: kind, Question: fmt.Sprintf("What is written on the %s sign?", s.Colour), Answer: s.Text, Detail: s.Height}
}

// choose turns a question with a known answer into a multiple-choice one.
func choose(r *source, q QA, wrong []string) QA {
	options := append([]string{q.Answer}, wrong...)
	r.shuffle(len(options), func(i, j int) { options[i], options[j] = options[j], options[i] })
	var b strings.Builder
	b.WriteString(q.Question)
	answer := ""
	for i, o := range options {
		letter := string(rune('A' + i))
		fmt.Fprintf(&b, " %s. %s", letter, o)
		if o == q.Answer {
			answer = letter
		}
	}
	return QA{Category: Choice, Kind: q.Kind, Question: b.String(), Answer: answer, Options: options, Detail: q.Detail}
}

// otherNames draws n wrong answers.
func otherNames[T ~string](r *source, from []T, not T, n int) []string {
	var rest []string
	for _, v := range from {
		if v != not {
			rest = append(rest, string(v))
		}
	}
	return sample(r, rest, n)
}

// confusions are letters that a small bitmap hardly tells apart; a wrong option never differs by one of these alone.
var confusions = []string{"EF", "S5", "J1", "DU", "69", "0D", "B8", "Z2", "UV", "PR", "8S", "6G", "0U"}

func confusable(a, b byte) bool {
	for _, pair := range confusions {
		if strings.IndexByte(pair, a) >= 0 && strings.IndexByte(pair, b) >= 0 {
			return true
		}
	}
	return false
}

// otherTexts draws n wrong readings of the same length that differ in one or two letters.
func otherTexts(r *source, text string, n int) []string {
	symbols := Symbols
	if strings.Trim(text, "0123456789") == "" {
		symbols = Symbols[len(Symbols)-10:]
	}
	var out []string
	seen := map[string]bool{text: true}
	for len(out) < n {
		t := []byte(text)
		for range r.between(1, min(2, len(t))) {
			i := r.intn(len(t))
			if c := symbols[r.intn(len(symbols))]; !confusable(c, text[i]) {
				t[i] = c
			}
		}
		if !seen[string(t)] {
			seen[string(t)] = true
			out = append(out, string(t))
		}
	}
	return out
}

// More draws up to n further questions about a scene, of whatever it has to ask about: training asks several questions of
// each picture, an evaluation only the one it was drawn for.
func More(s *Scene, seed uint64, n int) []QA {
	r := newSource(seed)
	var out []QA
	asked := map[string]bool{}
	for range 4 * n {
		if len(out) == n {
			break
		}
		if q, ok := further(r, s); ok && !asked[q.Question] {
			asked[q.Question] = true
			out = append(out, q)
		}
	}
	return out
}

func further(r *source, s *Scene) (QA, bool) {
	if len(s.Objects) == 0 || (len(s.Signs) > 0 && r.chance(50)) {
		if len(s.Signs) == 0 {
			return QA{}, false
		}
		g := &s.Signs[r.intn(len(s.Signs))]
		q := readingQuestion(g)
		if r.chance(25) {
			q = choose(r, q, otherTexts(r, g.Text, 3))
		}
		return q, true
	}
	o := pick(r, s.Objects)
	switch r.intn(10) {
	case 0, 1:
		return presenceOf("present", o.Name(), true, o.detail()), true
	case 2, 3:
		kind := pick(r, []string{"random", "popular", "adversarial"})
		name, ok := absent(r, s, kind)
		return presenceOf(kind, name, false, smallest(s.Objects)), ok
	case 4:
		alone := only(s.Objects, shapeOf)
		if len(alone) == 0 {
			return QA{}, false
		}
		o = pick(r, alone)
		q := colourQuestion(o)
		if r.chance(20) {
			q = choose(r, q, otherNames(r, Colours, o.Colour, 3))
		}
		return q, true
	case 5:
		alone := only(s.Objects, colourOf)
		if len(alone) == 0 {
			return QA{}, false
		}
		o = pick(r, alone)
		q := shapeQuestion(o)
		if r.chance(20) {
			q = choose(r, q, otherNames(r, Shapes, o.Shape, 3))
		}
		return q, true
	case 6, 7:
		shape := o.Shape
		if r.chance(20) {
			shape = pick(r, Shapes)
		}
		return countQuestion(s, shape), true
	default:
		alone := only(s.Objects, nameOf)
		if len(alone) == 0 {
			return QA{}, false
		}
		o = pick(r, alone)
		if len(alone) == 1 || r.chance(50) {
			return halfQuestion(s, o, r.chance(50)), true
		}
		pair := sample(r, alone, 2)
		return orderQuestion(pair[0], pair[1], pick(r, sidesOf(pair[0], pair[1]))), true
	}
}

// sidesOf lists the directions in which two objects are clearly apart.
func sidesOf(a, b Object) []string {
	sides := []string{"left of", "right of"}
	if abs(a.Y-b.Y) > abs(a.X-b.X) {
		sides = []string{"above", "below"}
	}
	return sides
}
