package sight

// A Colour is one of the named colours of objects.
type Colour string

// A Shape is one of the named shapes of objects.
type Shape string

// Colours and Shapes in the order of their indices.
var (
	Colours = []Colour{"red", "orange", "yellow", "green", "cyan", "blue", "purple", "pink"}
	Shapes  = []Shape{"circle", "square", "triangle", "cross", "ring", "diamond", "star"}
)

// paints are the colours' values before jitter, far enough apart that +-colourJitter never makes one another's.
var paints = map[Colour][3]int{
	"red": {210, 40, 40}, "orange": {235, 130, 30}, "yellow": {235, 215, 50}, "green": {50, 150, 60},
	"cyan": {60, 200, 210}, "blue": {45, 75, 200}, "purple": {125, 50, 160}, "pink": {240, 130, 185},
}

const colourJitter = 16

// A Box is a rectangle in pixels.
type Box struct {
	X int `json:"x"`
	Y int `json:"y"`
	W int `json:"w"`
	H int `json:"h"`
}

// overlaps reports whether two boxes come closer than gap pixels.
func (b Box) overlaps(o Box, gap int) bool {
	return b.X < o.X+o.W+gap && o.X < b.X+b.W+gap && b.Y < o.Y+o.H+gap && o.Y < b.Y+b.H+gap
}

func (b Box) inside(w, h, gap int) bool {
	return b.X >= gap && b.Y >= gap && b.X+b.W <= w-gap && b.Y+b.H <= h-gap
}

// An Object is a coloured shape that fills its box's circle of radius R around (X, Y).
type Object struct {
	Shape  Shape  `json:"shape"`
	Colour Colour `json:"colour"`
	X      int    `json:"x"`
	Y      int    `json:"y"`
	R      int    `json:"r"`
	paint  [3]int
}

// Name is the object's name in a question: "red circle".
func (o Object) Name() string { return string(o.Colour) + " " + string(o.Shape) }

// A Sign is a plate with a short text. Its colour names it in a question: "the red sign".
type Sign struct {
	Text   string `json:"text"`
	Colour Colour `json:"colour"`
	Height int    `json:"height"` // of a capital, pixels
	Box    Box    `json:"box"`    // of the plate
	TextX  int    `json:"text_x"` // left edge of the first letter
	TextY  int    `json:"text_y"` // top edge of the letters
	paint  [3]int
	light  bool // light letters on a dark plate
}

// A Scene is a picture as data: everything that is drawn, from back to front, and the photograph's faults.
type Scene struct {
	Width   int      `json:"width"`
	Height  int      `json:"height"`
	Objects []Object `json:"objects"`
	Signs   []Sign   `json:"signs"`

	corners [4][3]int // background colours, bilinear between
	clutter []line
	blur    int // passes of a 3 x 3 binomial filter
	noise   int // standard deviation in levels
	jpeg    int // quality 1..100; 0 for none
	grain   uint64
}

type line struct {
	x0, y0, x1, y1, width int
	grey                  int
}

// A builder places things without overlap.
type builder struct {
	*source
	scene Scene
	taken []Box
}

// newBuilder starts a scene of the given size with a grey background and the faults of a photograph: noise on half of the
// scenes, blur on a sixth, JPEG on three in ten, up to five lines of clutter.
func newBuilder(s *source, w, h int) *builder {
	b := &builder{source: s, scene: Scene{Width: w, Height: h}}
	base := s.between(110, 190)
	for i := range b.scene.corners {
		for c := range 3 {
			b.scene.corners[i][c] = base + s.between(-34, 34) + s.between(-5, 5)
		}
		grey := b.scene.corners[i][1]
		b.scene.corners[i] = [3]int{grey + s.between(-6, 6), grey, grey + s.between(-6, 6)}
	}
	for range s.intn(6) {
		b.scene.clutter = append(b.scene.clutter, line{
			x0: s.intn(w), y0: s.intn(h), x1: s.intn(w), y1: s.intn(h),
			width: s.between(1, 3), grey: s.between(60, 220),
		})
	}
	if s.chance(17) {
		b.scene.blur = 1
	}
	if s.chance(50) {
		b.scene.noise = s.between(2, 10)
	}
	if s.chance(30) {
		b.scene.jpeg = s.between(60, 95)
	}
	b.scene.grain = s.next()
	return b
}

// A region limits where something may be placed: the centre of its box has to lie in it.
type region struct{ x0, y0, x1, y1 int }

func (b *builder) everywhere() region { return region{0, 0, b.scene.Width, b.scene.Height} }

// place finds a free box of w x h whose centre lies in r; ok is false when a hundred tries found none.
func (b *builder) place(w, h int, r region) (Box, bool) {
	const gap = 4
	for range 100 {
		box := Box{b.between(r.x0, max(r.x1-1, r.x0)) - w/2, b.between(r.y0, max(r.y1-1, r.y0)) - h/2, w, h}
		if !box.inside(b.scene.Width, b.scene.Height, 2) {
			continue
		}
		free := true
		for _, t := range b.taken {
			if box.overlaps(t, gap) {
				free = false
				break
			}
		}
		if free {
			b.taken = append(b.taken, box)
			return box, true
		}
	}
	return Box{}, false
}

// object places one object of radius r in the region.
func (b *builder) object(shape Shape, colour Colour, r int, where region) bool {
	box, ok := b.place(2*r+1, 2*r+1, where)
	if !ok {
		return false
	}
	b.scene.Objects = append(b.scene.Objects, Object{
		Shape: shape, Colour: colour, X: box.X + r, Y: box.Y + r, R: r, paint: b.jitter(paints[colour]),
	})
	return true
}

// sign places one sign with letters of the given height in the region.
func (b *builder) sign(text string, colour Colour, height int, where region) bool {
	pad := max(height/2, 3)
	tw := textWidth(len(text), height)
	box, ok := b.place(tw+2*pad, height+2*pad, where)
	if !ok {
		return false
	}
	b.scene.Signs = append(b.scene.Signs, Sign{
		Text: text, Colour: colour, Height: height, Box: box, TextX: box.X + pad, TextY: box.Y + pad,
		paint: b.jitter(paints[colour]), light: darkPaint(paints[colour]),
	})
	return true
}

func (b *builder) jitter(p [3]int) [3]int {
	for i := range p {
		p[i] = min(max(p[i]+b.between(-colourJitter, colourJitter), 0), 255)
	}
	return p
}

// darkPaint reports whether light letters stand out better on a paint.
func darkPaint(p [3]int) bool { return 3*p[0]+6*p[1]+p[2] < 1150 }

// text draws n symbols; digits only if asked.
func (b *builder) text(n int, digits bool) string {
	from := Symbols
	if digits {
		from = Symbols[len(Symbols)-10:]
	}
	t := make([]byte, n)
	for i := range t {
		t[i] = from[b.intn(len(from))]
	}
	return string(t)
}
