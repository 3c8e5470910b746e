package variants

// A Ref is one image token: where its vector comes from. Which fields count depends on Kind.
type Ref struct {
	Kind Kind  `json:"kind"`
	View int32 `json:"view"`
	Row  int32 `json:"row"`
	Col  int32 `json:"col"`
}

// A Kind is the source of a token's vector.
type Kind int32

// The sources.
const (
	Feature Kind = iota // the projected patch (Row, Col) of view View
	Class               // the projected class token of view View; Row and Col are 0
	Newline             // the row-end vector after row Row of the map; View and Col are 0
	Pooled              // element (Row, Col) of the reduced map, made from Layout.Taps; View is 0
)

// String gives the kind's name.
func (k Kind) String() string {
	switch k {
	case Feature:
		return "feature"
	case Class:
		return "class"
	case Newline:
		return "newline"
	case Pooled:
		return "pooled"
	}
	return "unknown"
}

// Index is the row of a Feature or Class reference in its view's features [ViewRows, hidden].
func (l Layout) Index(r Ref) int {
	if r.Kind == Class {
		return 0
	}
	i := int(r.Row)*l.Cells + int(r.Col)
	if l.Class {
		i++
	}
	return i
}

// Taps are the four features behind one element of a reduced map.
//
// PoolMax takes the element-wise maximum of At; X and Y are not used. PoolBilinear takes, element-wise in float32 with
// each product and each sum rounded,
//
//	top    = X[0]*At[0] + X[1]*At[1]
//	bottom = X[0]*At[2] + X[1]*At[3]
//	value  = Y[0]*top + Y[1]*bottom
//
// as torch's upsample_bilinear2d does (ATen/native/cpu/UpSampleKernel.cpp).
type Taps struct {
	At   [4]Ref     // Feature references: top left, top right, bottom left, bottom right
	X, Y [2]float32 // weights of left and right, of top and bottom
}

// Taps gives the sources of a Pooled reference.
func (l Layout) Taps(r Ref) Taps {
	row, col := int(r.Row), int(r.Col)
	var t Taps
	var x, y [2]int
	if l.Pool.Kind == PoolMax {
		x, y = [2]int{2 * col, 2*col + 1}, [2]int{2 * row, 2*row + 1}
	} else {
		x, t.X = bilinear(col, l.KeptCols.Len(), l.Pool.Cols)
		y, t.Y = bilinear(row, l.KeptRows.Len(), l.Pool.Rows)
	}
	for i := range t.At {
		t.At[i] = l.cell(l.KeptRows.From+y[i/2], l.KeptCols.From+x[i%2])
	}
	return t
}

// bilinear gives the two source elements and their weights for element i of in elements resized to out, as torch does
// with align_corners=false and sizes given: all in float32,
//
//	scale  = in / out
//	source = max(scale*(i+0.5) - 0.5, 0)
//	left   = min(floor(source), in-1), right = min(left+1, in-1)
//	weight of right = source - left clamped to 0..1, of left = 1 - that
func bilinear(i, in, out int) ([2]int, [2]float32) {
	if in == out {
		return [2]int{i, i}, [2]float32{1, 0}
	}
	scale := float32(in) / float32(out)
	source := max(float32(scale*(float32(i)+0.5))-0.5, 0)
	left := min(int(source), in-1)
	right := min(left+1, in-1)
	w := min(max(source-float32(left), 0), 1)
	return [2]int{left, right}, [2]float32{1 - w, w}
}

// cell is the reference to a cell of the stitched map.
func (l Layout) cell(row, col int) Ref {
	view := l.firstTile() + row/l.Cells*l.Grid.Cols + col/l.Cells
	return Ref{Kind: Feature, View: int32(view), Row: int32(row % l.Cells), Col: int32(col % l.Cells)}
}

// Merge gives the tokens of a picture: the features of its one view, or view after view ("flat"), or the global view and
// the kept part of the map row by row with a row end after each. It is Merge of every variant in this module; a
// generation with another order brings its own.
//
// Source: prepare_inputs_labels_for_multimodal in LLaVA's and LLaVA-NeXT's llava_arch.py.
func Merge(o Options, l Layout) []Ref {
	refs := make([]Ref, 0, l.Tokens)
	if !l.Stitched {
		for v := range l.Views {
			refs = l.appendView(refs, v)
		}
		if o.singleNewline(len(l.Views)) {
			refs = append(refs, Ref{Kind: Newline})
		}
		return refs
	}
	global := l.firstTile() == 1
	if global && !o.GlobalLast {
		refs = l.appendView(refs, 0)
	}
	refs = l.appendMap(refs, o.rowEnds())
	if global && o.GlobalLast {
		refs = l.appendView(refs, 0)
	}
	return refs
}

// appendView adds all features of a view in order.
func (l Layout) appendView(refs []Ref, view int) []Ref {
	if l.Class {
		refs = append(refs, Ref{Kind: Class, View: int32(view)})
	}
	for row := range l.Cells {
		for col := range l.Cells {
			refs = append(refs, Ref{Kind: Feature, View: int32(view), Row: int32(row), Col: int32(col)})
		}
	}
	return refs
}

// appendMap adds the map row by row.
func (l Layout) appendMap(refs []Ref, rowEnds bool) []Ref {
	cols, rows := l.GridTokens()
	for row := range rows {
		for col := range cols {
			if l.Pool.Kind == PoolNone {
				refs = append(refs, l.cell(l.KeptRows.From+row, l.KeptCols.From+col))
			} else {
				refs = append(refs, Ref{Kind: Pooled, Row: int32(row), Col: int32(col)})
			}
		}
		if rowEnds {
			refs = append(refs, Ref{Kind: Newline, Row: int32(row)})
		}
	}
	return refs
}

// count is len(Merge(o, l)) before the views are written out: there are views of them, and global tells whether the first
// is the global one.
func count(o Options, l Layout, views int, global bool) int {
	perView := l.ViewRows()
	if !l.Stitched {
		n := views * perView
		if o.singleNewline(views) {
			n++
		}
		return n
	}
	cols, rows := l.GridTokens()
	if o.rowEnds() {
		cols++
	}
	n := rows * cols
	if global {
		n += perView
	}
	return n
}

// singleNewline reports whether the only view of a picture is followed by a row end.
func (o Options) singleNewline(views int) bool {
	return views == 1 && o.SingleViewNewline && o.unpads()
}
