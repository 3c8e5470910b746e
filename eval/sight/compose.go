package sight

// Sizes of pictures, width and height.
var (
	mixedSizes  = [][2]int{{336, 336}, {448, 448}, {480, 480}, {672, 672}, {896, 896}, {640, 480}, {480, 640}, {800, 600}, {600, 800}, {1008, 756}}
	squareSizes = [][2]int{{480, 480}, {560, 560}, {672, 672}, {672, 672}, {784, 784}, {896, 896}, {1008, 1008}}
	wideSizes   = [][2]int{{1008, 336}, {1344, 448}, {1200, 400}, {1008, 504}, {1344, 336}, {900, 360}}
)

// compose draws the answer first and then a scene in which it is true. ok is false when the scene had no room.
func compose(r *source, category Category) (*Scene, QA, int, bool) {
	switch category {
	case Presence:
		return presenceScene(r)
	case Attribute:
		return attributeScene(r)
	case Counting:
		return countingScene(r)
	case Position:
		return positionScene(r)
	case Reading:
		return readingScene(r, pick(r, squareSizes), false)
	case Wide:
		return wideScene(r)
	default:
		return choiceScene(r)
	}
}

// middle is the square in the middle of a picture, all that a centre crop keeps, without its outermost pixels.
func (b *builder) middle() region {
	w, h := b.scene.Width, b.scene.Height
	s := min(w, h)
	x, y := (w-s)/2, (h-s)/2
	return region{x + s/16, y + s/16, x + s - s/16, y + s - s/16}
}

// radius draws an object's radius such that it has from lo to hi pixels in a view of 224 over the shorter side, and the
// difficulty of that size.
func (b *builder) radius(lo, hi int) int {
	short := min(b.scene.Width, b.scene.Height)
	return max((b.between(lo*8, hi*8)*short/224+4)/8, 2)
}

// difficultyOf grades a radius, in pixels of the picture, by its size in a view of 224.
func difficultyOf(s *Scene, r int) int {
	switch at224 := r * 224 / min(s.Width, s.Height); {
	case at224 >= 12:
		return 1
	case at224 >= 7:
		return 2
	}
	return 3
}

// others adds n more objects that keep the answer as it is.
func (b *builder) others(n int, where region, allowed func(Shape, Colour) bool) bool {
	for range n {
		for try := 0; ; try++ {
			if try == 50 {
				return false
			}
			h, c := b.shape(), b.colour()
			if allowed(h, c) {
				if !b.object(h, c, b.radius(7, 18), where) {
					return false
				}
				break
			}
		}
	}
	return true
}

func anything(Shape, Colour) bool { return true }

func presenceScene(r *source) (*Scene, QA, int, bool) {
	size := pick(r, mixedSizes)
	b := newBuilder(r, size[0], size[1])
	yes := r.chance(50)
	small := r.chance(50) // half of the scenes has small objects only, where a model that cannot see them has to guess
	kind := pick(r, []string{"random", "popular", "adversarial"})
	for range r.between(3, 7) {
		radius := b.radius(8, 20)
		if small {
			radius = b.radius(2, 5)
		}
		if !b.object(r.shape(), r.colour(), radius, b.middle()) {
			return nil, QA{}, 0, false
		}
	}
	if yes {
		o := b.scene.Objects[0]
		return &b.scene, presenceOf("present", o.Name(), true, o.detail()), difficultyOf(&b.scene, o.R), true
	}
	name, ok := absent(r, &b.scene, kind)
	return &b.scene, presenceOf(kind, name, false, smallest(b.scene.Objects)), difficultyOf(&b.scene, (smallest(b.scene.Objects)-1)/2), ok
}

func attributeScene(r *source) (*Scene, QA, int, bool) {
	size := pick(r, mixedSizes)
	b := newBuilder(r, size[0], size[1])
	where := b.middle()
	shape, colour := pick(r, Shapes), pick(r, Colours)
	if !b.object(shape, colour, b.radius(6, 18), where) {
		return nil, QA{}, 0, false
	}
	o := b.scene.Objects[0]
	q := colourQuestion(o)
	allowed := func(h Shape, _ Colour) bool { return h != shape }
	if r.chance(50) {
		q = shapeQuestion(o)
		allowed = func(_ Shape, c Colour) bool { return c != colour }
	}
	ok := b.others(r.between(1, 6), where, allowed)
	return &b.scene, q, difficultyOf(&b.scene, o.R), ok
}

func countingScene(r *source) (*Scene, QA, int, bool) {
	size := pick(r, mixedSizes)
	b := newBuilder(r, size[0], size[1])
	where := b.middle()
	n, shape := r.intn(6), pick(r, Shapes)
	radius := b.radius(7, 14)
	for range n {
		if !b.object(shape, r.colour(), radius, where) {
			return nil, QA{}, 0, false
		}
	}
	if !b.others(r.between(1, 4), where, func(h Shape, _ Colour) bool { return h != shape }) {
		return nil, QA{}, 0, false
	}
	difficulty := 1 + min(n/2, 2)
	return &b.scene, countQuestion(&b.scene, shape), difficulty, true
}

func positionScene(r *source) (*Scene, QA, int, bool) {
	size := pick(r, mixedSizes)
	b := newBuilder(r, size[0], size[1])
	m := b.middle()
	shape, colour := pick(r, Shapes), pick(r, Colours)
	vertical, second := r.chance(50), r.chance(50)
	w, h := b.scene.Width, b.scene.Height
	margin := min(w, h) / 12
	half := m // the half of the middle that the object goes to, clear of the border between
	switch {
	case vertical && second:
		half.y0 = h/2 + margin
	case vertical:
		half.y1 = h/2 - margin
	case second:
		half.x0 = w/2 + margin
	default:
		half.x1 = w/2 - margin
	}
	if !b.object(shape, colour, b.radius(7, 16), half) {
		return nil, QA{}, 0, false
	}
	o := b.scene.Objects[0]
	unlike := func(h Shape, c Colour) bool { return h != shape || c != colour }
	if r.chance(50) {
		ok := b.others(r.between(1, 4), m, unlike)
		return &b.scene, halfQuestion(&b.scene, o, vertical), difficultyOf(&b.scene, o.R), ok
	}
	if !b.others(1, m, unlike) {
		return nil, QA{}, 0, false
	}
	p := b.scene.Objects[1]
	if max(abs(o.X-p.X), abs(o.Y-p.Y)) < o.R+p.R+margin/2 {
		return nil, QA{}, 0, false
	}
	q := orderQuestion(o, p, pick(r, sidesOf(o, p)))
	ok := b.others(r.between(0, 3), m, func(h Shape, c Colour) bool { return unlike(h, c) && (h != p.Shape || c != p.Colour) })
	return &b.scene, q, min(difficultyOf(&b.scene, min(o.R, p.R))+1, 3), ok
}

// tileScale is the scale at which AnyRes's five grids show a picture, as a fraction: the largest over the grids of the
// smaller of the two ratios. Signs are sized by what the tiles show, so that the tiles can be read and a view of the
// whole picture hardly.
func tileScale(w, h int) (num, den int) {
	num, den = 0, 1
	for _, g := range [][2]int{{336, 672}, {672, 336}, {672, 672}, {1008, 336}, {336, 1008}} {
		n, d := g[0], w
		if g[1]*w < g[0]*h {
			n, d = g[1], h
		}
		if n*den > num*d {
			num, den = n, d
		}
	}
	return num, den
}

// glyphHeight draws a height of 12 to 28 pixels in the tiles and gives it in pixels of the picture.
func (b *builder) glyphHeight() (height, inTile int) {
	num, den := tileScale(b.scene.Width, b.scene.Height)
	inTile = b.between(12, 28)
	return max(inTile*den/num, 6), inTile
}

func difficultyOfText(inTile int) int {
	switch {
	case inTile >= 22:
		return 1
	case inTile >= 16:
		return 2
	}
	return 3
}

// readingScene puts one to three signs into a picture; edges asks for the asked-for sign outside the middle square.
func readingScene(r *source, size [2]int, edges bool) (*Scene, QA, int, bool) {
	b := newBuilder(r, size[0], size[1])
	height, inTile := b.glyphHeight()
	where := b.everywhere()
	if edges {
		where = b.edge()
	}
	colours := sample(r, Colours, 3)
	if !b.sign(b.text(r.between(2, 3), r.chance(50)), colours[0], height, where) {
		return nil, QA{}, 0, false
	}
	for i := range r.intn(3) {
		other, _ := b.glyphHeight()
		if !b.sign(b.text(r.between(2, 3), r.chance(50)), colours[1+i], other, b.everywhere()) {
			return nil, QA{}, 0, false
		}
	}
	ok := b.others(r.between(0, 2), b.everywhere(), anything)
	return &b.scene, readingQuestion(&b.scene.Signs[0]), difficultyOfText(inTile), ok
}

// edge is one of the two ends of a wide or tall picture, outside its middle square.
func (b *builder) edge() region {
	w, h := b.scene.Width, b.scene.Height
	r := b.everywhere()
	long, short := max(w, h), min(w, h)
	end := (long-short)/2 - short/12
	lo, hi := 0, end
	if b.chance(50) {
		lo, hi = long-end, long
	}
	if w > h {
		r.x0, r.x1 = lo, hi
	} else {
		r.y0, r.y1 = lo, hi
	}
	return r
}

// wideScene asks about something outside the middle square of a wide or tall picture: mostly a sign, else an object.
func wideScene(r *source) (*Scene, QA, int, bool) {
	size := pick(r, wideSizes)
	if r.chance(50) {
		size[0], size[1] = size[1], size[0]
	}
	if r.chance(50) {
		s, q, d, ok := readingScene(r, size, true)
		return s, q, d, ok
	}
	b := newBuilder(r, size[0], size[1])
	shape, colour := pick(r, Shapes), pick(r, Colours)
	if !b.object(shape, colour, b.radius(5, 14), b.edge()) {
		return nil, QA{}, 0, false
	}
	o := b.scene.Objects[0]
	q, allowed := colourQuestion(o), func(h Shape, _ Colour) bool { return h != shape }
	if r.chance(50) {
		q, allowed = shapeQuestion(o), func(_ Shape, c Colour) bool { return c != colour }
	}
	ok := b.others(r.between(2, 6), b.everywhere(), allowed)
	return &b.scene, q, difficultyOf(&b.scene, o.R), ok
}

func choiceScene(r *source) (*Scene, QA, int, bool) {
	if r.chance(50) {
		s, q, d, ok := readingScene(r, pick(r, squareSizes), false)
		if !ok {
			return nil, QA{}, 0, false
		}
		return s, choose(r, q, otherTexts(r, q.Answer, 3)), d, true
	}
	s, q, d, ok := attributeScene(r)
	if !ok {
		return nil, QA{}, 0, false
	}
	if q.Kind == "colour" {
		return s, choose(r, q, otherNames(r, Colours, Colour(q.Answer), 3)), d, true
	}
	return s, choose(r, q, otherNames(r, Shapes, Shape(q.Answer), 3)), d, true
}
