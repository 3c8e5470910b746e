package imaging

import "fmt"

// A Size is a width and a height in pixels.
type Size struct {
	W int `json:"w"`
	H int `json:"h"`
}

// String prints "640x480", width first.
func (s Size) String() string { return fmt.Sprintf("%dx%d", s.W, s.H) }

// A Rect is the region of W x H pixels whose top left pixel is (X, Y). As a crop it may reach outside the picture: what
// lies there is zero, the reference's rule for centre crops of small pictures.
type Rect struct {
	X int `json:"x"`
	Y int `json:"y"`
	W int `json:"w"`
	H int `json:"h"`
}

// A Color is an 8-bit red, green, blue triple.
type Color [3]uint8

// A Step is one operation on an RGB image. Exactly one of its fields is set.
type Step struct {
	Resize *Resize `json:"resize,omitempty"`
	Paste  *Paste  `json:"paste,omitempty"`
	Crop   *Rect   `json:"crop,omitempty"`
	// RowsAsChannels reinterprets a picture 3 pixels high as one 3 wide and W high, as the reference's CLIP processor
	// does when it takes such a picture for channels-first: pixel (x = old channel, y = old column) gets the three old
	// rows as its colours.
	RowsAsChannels bool `json:"rows_as_channels,omitempty"`
}

// Resize resamples to Size with Filter, exactly as Pillow does. A direction that keeps its size is not filtered.
type Resize struct {
	Size   Size   `json:"size"`
	Filter Filter `json:"filter"`
}

// Paste puts the image on a canvas of one colour with its top left pixel at (X, Y). What sticks out is dropped.
type Paste struct {
	Canvas Size  `json:"canvas"`
	X      int   `json:"x"`
	Y      int   `json:"y"`
	Fill   Color `json:"fill"`
}

// A Filter names a resampling filter of Pillow.
type Filter string

// The filters that the reference uses.
const (
	Bicubic  Filter = "bicubic" // a = -0.5
	Lanczos  Filter = "lanczos" // a = 3
	Bilinear Filter = "bilinear"
)

// A Canvas is an image made from the source by Steps, and the views cut out of it in order. A canvas without cuts is
// itself one view.
type Canvas struct {
	Steps []Step `json:"steps"`
	Cuts  []Cut  `json:"cuts,omitempty"`
}

// A Cut takes Rect out of a canvas and then applies Steps to it (usually none).
type Cut struct {
	Rect  Rect   `json:"rect"`
	Steps []Step `json:"steps,omitempty"`
}

// A Plan says how one picture becomes the views that the vision tower encodes. All views have Side x Side pixels; their
// order is the order of the canvases and, within one, of its cuts.
type Plan struct {
	Side     int      `json:"side"`
	Canvases []Canvas `json:"canvases"`
}

// Views is the number of views that the plan produces.
func (p Plan) Views() int {
	n := 0
	for _, c := range p.Canvases {
		n += max(1, len(c.Cuts))
	}
	return n
}
