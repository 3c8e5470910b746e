package sight

import "llavabench/internal/imaging"

// Draw renders a scene. Every step is integer arithmetic, so the pixels are the same on every machine.
func Draw(s *Scene) *imaging.RGB {
	c := &canvas{w: s.Width, h: s.Height, pix: make([]uint8, 3*s.Width*s.Height)}
	c.background(s.corners)
	for _, l := range s.clutter {
		c.line(l)
	}
	for i := range s.Objects {
		c.object(&s.Objects[i])
	}
	for i := range s.Signs {
		c.sign(&s.Signs[i])
	}
	for range s.blur {
		c.blur()
	}
	if s.noise > 0 {
		c.noise(newSource(s.grain), s.noise)
	}
	if s.jpeg > 0 {
		c.jpeg(s.jpeg)
	}
	return &imaging.RGB{Width: s.Width, Height: s.Height, Pix: c.pix}
}

type canvas struct {
	w, h int
	pix  []uint8
}

// blend mixes colour into a pixel by cover of 255.
func (c *canvas) blend(x, y int, colour [3]int, cover int) {
	if x < 0 || y < 0 || x >= c.w || y >= c.h || cover <= 0 {
		return
	}
	p := c.pix[3*(y*c.w+x):]
	for i := range 3 {
		old := int(p[i])
		p[i] = uint8((old*(255-cover) + colour[i]*cover + 127) / 255)
	}
}

func (c *canvas) background(corners [4][3]int) {
	dw, dh := max(c.w-1, 1), max(c.h-1, 1)
	for y := range c.h {
		for x := range c.w {
			p := c.pix[3*(y*c.w+x):]
			for i := range 3 {
				top := corners[0][i]*(dw-x) + corners[1][i]*x
				bottom := corners[2][i]*(dw-x) + corners[3][i]*x
				v := (top*(dh-y) + bottom*y) / (dw * dh)
				p[i] = uint8(min(max(v, 0), 255))
			}
		}
	}
}

// line draws a grey line: every pixel whose distance to the segment is at most half the width.
func (c *canvas) line(l line) {
	dx, dy := l.x1-l.x0, l.y1-l.y0
	length := dx*dx + dy*dy
	if length == 0 {
		return
	}
	grey := [3]int{l.grey, l.grey, l.grey}
	for y := max(min(l.y0, l.y1)-l.width, 0); y <= min(max(l.y0, l.y1)+l.width, c.h-1); y++ {
		for x := max(min(l.x0, l.x1)-l.width, 0); x <= min(max(l.x0, l.x1)+l.width, c.w-1); x++ {
			px, py := x-l.x0, y-l.y0
			along := px*dx + py*dy
			cross := px*dy - py*dx
			// distance² = cross²/length; compared with (width/2)² without a division.
			if along >= 0 && along <= length && 4*cross*cross <= l.width*l.width*length {
				c.blend(x, y, grey, 200)
			}
		}
	}
}

// object covers each pixel by the share of its 4 x 4 sample points that lie in the shape.
func (c *canvas) object(o *Object) {
	inside := outline(o.Shape, 8*o.R)
	for y := o.Y - o.R; y <= o.Y+o.R; y++ {
		for x := o.X - o.R; x <= o.X+o.R; x++ {
			hits := 0
			for j := range 4 {
				for i := range 4 {
					if inside(8*(x-o.X)+2*i-3, 8*(y-o.Y)+2*j-3) {
						hits++
					}
				}
			}
			c.blend(x, y, o.paint, hits*255/16)
		}
	}
}

// outline returns the test whether a point, in eighths of a pixel from the centre, lies in a shape of radius r eighths.
func outline(shape Shape, r int) func(x, y int) bool {
	switch shape {
	case "circle":
		return func(x, y int) bool { return x*x+y*y <= r*r }
	case "ring":
		in := r * 9 / 16
		return func(x, y int) bool { d := x*x + y*y; return d <= r*r && d >= in*in }
	case "square":
		a := r * 13 / 16
		return func(x, y int) bool { return abs(x) <= a && abs(y) <= a }
	case "cross":
		a := r * 5 / 16
		return func(x, y int) bool {
			return (abs(x) <= a && abs(y) <= r) || (abs(y) <= a && abs(x) <= r)
		}
	case "diamond":
		return func(x, y int) bool { return 5*abs(x)+4*abs(y) <= 4*r }
	case "triangle":
		return polygon(trianglePoints, r)
	case "star":
		return polygon(starPoints, r)
	}
	panic("sight: shape " + string(shape) + " has no outline")
}

// The corners of shapes on a circle of radius 1024, clockwise from the top.
var (
	trianglePoints = [][2]int{{0, -1024}, {887, 512}, {-887, 512}}
	starPoints     = [][2]int{{0, -1024}, {253, -348}, {974, -316}, {409, 133}, {602, 828}, {0, 430},
		{-602, 828}, {-409, 133}, {-974, -316}, {-253, -348}}
)

// polygon tests by the even-odd rule.
func polygon(points [][2]int, r int) func(x, y int) bool {
	scaled := make([][2]int, len(points))
	for i, p := range points {
		scaled[i] = [2]int{p[0] * r / 1024, p[1] * r / 1024}
	}
	return func(x, y int) bool {
		in := false
		for i, a := range scaled {
			b := scaled[(i+1)%len(scaled)]
			if (a[1] > y) == (b[1] > y) {
				continue
			}
			// The edge crosses the row of y: is the crossing to the right of x?
			side := (b[0]-a[0])*(y-a[1]) - (x-a[0])*(b[1]-a[1])
			if (side > 0) == (b[1] > a[1]) {
				in = !in
			}
		}
		return in
	}
}

func abs(x int) int { return max(x, -x) }

// sign draws the plate with a thin border and its text.
func (c *canvas) sign(s *Sign) {
	letters, edge := [3]int{15, 15, 20}, [3]int{25, 25, 25}
	if s.light {
		letters, edge = [3]int{250, 250, 245}, [3]int{235, 235, 235}
	}
	for y := s.Box.Y; y < s.Box.Y+s.Box.H; y++ {
		for x := s.Box.X; x < s.Box.X+s.Box.W; x++ {
			colour := s.paint
			if x == s.Box.X || y == s.Box.Y || x == s.Box.X+s.Box.W-1 || y == s.Box.Y+s.Box.H-1 {
				colour = edge
			}
			c.blend(x, y, colour, 255)
		}
	}
	for i := range len(s.Text) {
		pixels, width := coverage(s.Text[i], s.Height)
		left := s.TextX + i*advance(s.Height)
		for k, cover := range pixels {
			c.blend(left+k%width, s.TextY+k/width, letters, int(cover))
		}
	}
}

// blur applies the binomial filter 1 2 1 in both directions; pixels beyond the edge repeat it.
func (c *canvas) blur() {
	out := make([]uint8, len(c.pix))
	for _, step := range [2][2]int{{1, 0}, {0, 1}} {
		for y := range c.h {
			for x := range c.w {
				before := 3 * (max(y-step[1], 0)*c.w + max(x-step[0], 0))
				after := 3 * (min(y+step[1], c.h-1)*c.w + min(x+step[0], c.w-1))
				at := 3 * (y*c.w + x)
				for i := range 3 {
					out[at+i] = uint8((int(c.pix[before+i]) + 2*int(c.pix[at+i]) + int(c.pix[after+i]) + 2) / 4)
				}
			}
		}
		copy(c.pix, out)
	}
}

// noise adds to each value a sum of four uniform numbers with about the given standard deviation.
func (c *canvas) noise(s *source, deviation int) {
	// Four 8-bit uniforms have a variance of 4*(256²-1)/12, a deviation of about 147.8.
	var step [1021]int
	for i := range step {
		step[i] = roundedQuotient((i-510)*deviation, 148)
	}
	var r uint64
	for i := range c.pix {
		if i%2 == 0 {
			r = s.next()
		} else {
			r >>= 32
		}
		sum := r&255 + r>>8&255 + r>>16&255 + r>>24&255
		c.pix[i] = clamp(int(c.pix[i]) + step[sum])
	}
}
