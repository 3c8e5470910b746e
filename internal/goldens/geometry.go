package goldens

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"llavabench/internal/imaging"
	"llavabench/variants"
	"llavabench/variants/all"
)

// geometryFile holds the AnyRes geometry of many sizes.
const geometryFile = "geometry/anyres.json"

// geometryManifest is geometry/anyres.json.
type geometryManifest struct {
	Note       information                          `json:"note"`
	Columns    map[string]information               `json:"columns"`
	Patch      int                                  `json:"patch"`
	Tile       int                                  `json:"tile"`
	BaseTokens int                                  `json:"base_tokens"`
	Pinpoints  map[string]json.RawMessage           `json:"pinpoints"` // a list, or a sentence that describes one
	Sets       map[string][]geometryRow             `json:"sets"`
	Summary    map[string]map[string]geometryCounts `json:"summary"`
}

// A geometryRow is one size.
type geometryRow struct {
	Size     [2]int           `json:"size_wh"`
	Original originalGeometry `json:"original"`
	Next     *nextGeometry    `json:"next"`
	HF440    *hfGeometry      `json:"hf_4_40"`
	HF448    *hfGeometry      `json:"hf_4_48"`
}

// hfColumns are the columns of releases of transformers; without the underscores they are names of flavours.
var hfColumns = []string{"hf_4_40", "hf_4_48"}

// column is the entry of a column of hfColumns; nil when the row has none.
func (r geometryRow) column(name string) *hfGeometry {
	return map[string]*hfGeometry{"hf_4_40": r.HF440, "hf_4_48": r.HF448}[name]
}

// originalGeometry is what the LLaVA repository makes of a size.
type originalGeometry struct {
	Best    [2]int  `json:"best_wh"`
	Tiles   [2]int  `json:"tiles_wh"`
	Resized [2]int  `json:"resized_wh"`
	Paste   [2]int  `json:"paste_xy"`
	Grid    [2]int  `json:"grid_hw"`
	Tokens  int     `json:"image_tokens"`
	First   *[2]int `json:"first_cell_yx"` // absent when no cell is left
}

// nextGeometry is what the LLaVA-NeXT repository makes of a size under anyres_max.
type nextGeometry struct {
	Grid   [2]int `json:"grid_hw"`
	Tokens int    `json:"image_tokens"`
}

// hfGeometry is what a release of transformers makes of a size: the word "same", or an object.
type hfGeometry struct {
	Same            bool        `json:"-"`
	Best            [2]int      `json:"best_hw"`
	Tiles           [2]int      `json:"tiles_hw"`
	Grid            [2]int      `json:"grid_hw"`
	Tokens          int         `json:"image_tokens"`
	ProcessorTokens information `json:"processor_tokens"` // where a release's processor disagrees with its own model
}

// UnmarshalJSON reads either form and refuses unknown keys.
func (h *hfGeometry) UnmarshalJSON(b []byte) error {
	var word string
	if json.Unmarshal(b, &word) == nil {
		if word != "same" {
			return fmt.Errorf("expected \"same\" or an object, found %q", word)
		}
		h.Same = true
		return nil
	}
	type plain hfGeometry
	return strictUnmarshal(b, (*plain)(h))
}

// geometryCounts counts the rows of a column that differ from the original.
type geometryCounts struct {
	Resolution int         `json:"other_resolution"`
	Grid       int         `json:"same_resolution_other_grid"`
	Processor  information `json:"processor_count_differs"`
}

func (s *set) checkGeometry(p *Part) error {
	var m geometryManifest
	if err := s.readJSON(p, geometryFile, &m); err != nil {
		return err
	}
	if m.Tile <= 0 || m.Patch <= 0 || m.Tile%m.Patch != 0 {
		return fmt.Errorf("tile %d and patch %d do not fit", m.Tile, m.Patch)
	}
	for column := range m.Columns {
		if !slices.Contains(append([]string{"original", "next"}, hfColumns...), column) {
			p.failf(geometryFile, "columns."+column, "the column is not understood")
		}
	}
	equal(p, geometryFile, "base_tokens", (m.Tile/m.Patch)*(m.Tile/m.Patch), m.BaseTokens)
	if len(m.Sets) == 0 {
		return errors.New("there are no sets")
	}
	for _, name := range slices.Sorted(maps.Keys(m.Sets)) {
		if err := s.checkGeometrySet(p, m, name); err != nil {
			p.failf(name, "set", "%v", err)
		}
	}
	for name := range m.Summary {
		if m.Sets[name] == nil {
			p.failf(name, "summary", "there is no set of that name")
		}
	}
	return nil
}

func (s *set) checkGeometrySet(p *Part, m geometryManifest, name string) error {
	base, err := defaults("llava16", m.Tile, m.Patch)
	if err != nil {
		return err
	}
	// The tables pass sizes, not pictures, so the processor's guess of the channel axis has no part in them.
	base.ChannelsGuess = false
	if base.Pinpoints, err = parsePinpoints(m.Pinpoints[name]); err != nil {
		return fmt.Errorf("pinpoints: %w", err)
	}
	next := base
	if next.AspectRatio = anyResMaxName.FindString(name); next.AspectRatio == "" {
		next.AspectRatio = "anyres_max_9" // the shrinking of every released configuration
	}
	columns := map[string]variants.Options{}
	for _, column := range hfColumns {
		o := base
		if o.Flavour, err = variants.ParseFlavour(strings.ReplaceAll(column, "_", "")); err != nil {
			return err
		}
		columns[column] = o
	}
	counts := map[string]geometryCounts{}
	for _, row := range m.Sets[name] {
		if s.ctx.Err() != nil {
			return nil
		}
		p.Cases++
		size := imaging.Size{W: row.Size[0], H: row.Size[1]}
		where := fmt.Sprintf("%s %v", name, size)
		original := row.Original.check(p, where+" original", base, size)
		if row.Next != nil {
			if l, ok := planned(p, where+" next", next, size); ok {
				equal(p, where+" next", "grid_hw", keptGrid(l), row.Next.Grid)
				checkTokens(p, where+" next", next, size, l, row.Next.Tokens)
			}
		}
		for _, column := range hfColumns {
			want := row.column(column)
			if want == nil {
				continue
			}
			l, ok := want.check(p, where+" "+column, columns[column], size, row.Original)
			if !ok || original == nil {
				continue
			}
			c := counts[column]
			switch {
			case l.Canvas != original.Canvas:
				c.Resolution++
			case keptGrid(l) != keptGrid(*original):
				c.Grid++
			}
			counts[column] = c
		}
	}
	for _, column := range slices.Sorted(maps.Keys(m.Summary[name])) {
		want := m.Summary[name][column]
		equal(p, name+" summary "+column, "other_resolution", counts[column].Resolution, want.Resolution)
		equal(p, name+" summary "+column, "same_resolution_other_grid", counts[column].Grid, want.Grid)
	}
	return nil
}

// check compares one size with the original's columns and returns its layout.
func (g originalGeometry) check(p *Part, where string, o variants.Options, size imaging.Size) *variants.Layout {
	l, ok := planned(p, where, o, size)
	if !ok {
		return nil
	}
	equal(p, where, "best_wh", [2]int{l.Canvas.W, l.Canvas.H}, g.Best)
	equal(p, where, "tiles_wh", [2]int{l.Grid.Cols, l.Grid.Rows}, g.Tiles)
	equal(p, where, "resized_wh", [2]int{l.Resized.W, l.Resized.H}, g.Resized)
	equal(p, where, "paste_xy", [2]int{l.Paste.X, l.Paste.Y}, g.Paste)
	equal(p, where, "grid_hw", keptGrid(l), g.Grid)
	checkFirstCell(p, where, l, g.First)
	checkTokens(p, where, o, size, l, g.Tokens)
	return &l
}

// check compares one size with a column of transformers and returns its layout.
func (h *hfGeometry) check(p *Part, where string, o variants.Options, size imaging.Size, original originalGeometry) (variants.Layout, bool) {
	l, ok := planned(p, where, o, size)
	if !ok {
		return l, false
	}
	want := *h
	if h.Same {
		want.Best, want.Tiles = [2]int{original.Best[1], original.Best[0]}, [2]int{original.Tiles[1], original.Tiles[0]}
		want.Grid, want.Tokens = original.Grid, original.Tokens
	}
	equal(p, where, "best_hw", [2]int{l.Canvas.H, l.Canvas.W}, want.Best)
	equal(p, where, "grid_hw", keptGrid(l), want.Grid)
	// The height and width of the canvas are read as (height, width) there, and tiles are counted the same way.
	equal(p, where, "tiles_hw", [2]int{l.Grid.Rows, l.Grid.Cols}, want.Tiles)
	checkTokens(p, where, o, size, l, want.Tokens)
	return l, true
}

// planned is the layout of a size; a failure to plan is a failed check.
func planned(p *Part, where string, o variants.Options, size imaging.Size) (variants.Layout, bool) {
	v, err := all.ByName(o.Variant)
	if !p.require(where, "plan", err) {
		return variants.Layout{}, false
	}
	l, err := v.Plan(o, size)
	return l, p.require(where, "plan", err)
}

// keptGrid is the map of tokens as (rows, columns), row ends not counted; without rows no columns are reported.
func keptGrid(l variants.Layout) [2]int {
	cols, rows := l.GridTokens()
	if rows == 0 {
		cols = 0
	}
	return [2]int{rows, cols}
}

func checkFirstCell(p *Part, where string, l variants.Layout, want *[2]int) {
	row, col, ok := l.FirstCell()
	switch {
	case ok && want != nil:
		equal(p, where, "first_cell_yx", [2]int{row, col}, *want)
	case ok:
		p.fail(Failure{Case: where, Check: "first_cell_yx", Got: fmt.Sprint([2]int{row, col}), Want: "no cell"})
	case want != nil:
		p.fail(Failure{Case: where, Check: "first_cell_yx", Got: "no cell", Want: fmt.Sprint(*want)})
	default:
		p.Checked++
	}
}

// checkTokens compares the number of image tokens three ways: as counted, as planned, and as merged.
func checkTokens(p *Part, where string, o variants.Options, size imaging.Size, l variants.Layout, want int) {
	v, err := all.ByName(o.Variant)
	if !p.require(where, "image_tokens", err) {
		return
	}
	n, err := v.TokenCount(o, size)
	if !p.require(where, "image_tokens", err) {
		return
	}
	if merged := len(v.Merge(o, l)); n != want || l.Tokens != want || merged != want {
		p.fail(Failure{Case: where, Check: "image_tokens", Want: strconv.Itoa(want),
			Got: fmt.Sprintf("%d counted, %d planned, %d merged", n, l.Tokens, merged)})
		return
	}
	p.Checked++
}

// pinpointSentence describes a list: "all [i*336, j*336], i and j from 1 to 6, i outermost".
var pinpointSentence = regexp.MustCompile(`^all \[i\*(\d+), j\*(\d+)\], i and j from (\d+) to (\d+), i outermost$`)

// parsePinpoints reads a list of pinpoints or the sentence for one.
func parsePinpoints(raw json.RawMessage) ([][2]int, error) {
	if len(raw) == 0 {
		return nil, errors.New("the set has none")
	}
	var text string
	if json.Unmarshal(raw, &text) != nil {
		var list [][2]int
		err := json.Unmarshal(raw, &list)
		return list, err
	}
	m := pinpointSentence.FindStringSubmatch(text)
	if m == nil {
		return nil, fmt.Errorf("the sentence %q is not understood", text)
	}
	var n [4]int
	for i := range n {
		v, err := strconv.Atoi(m[i+1])
		if err != nil || v < 1 || v > 1<<16 {
			return nil, fmt.Errorf("the sentence %q has the number %s, expected 1 to %d", text, m[i+1], 1<<16)
		}
		n[i] = v
	}
	if n[0] != n[1] || n[3] < n[2] || n[3] > variants.MaxTiles {
		return nil, fmt.Errorf("the sentence %q describes no list of at most %d tiles a side", text, variants.MaxTiles)
	}
	return squareGrid(n[0], n[2], n[3]), nil
}

// squareGrid is all [i*side, j*side] for i and j from first to last, i outermost.
func squareGrid(side, first, last int) [][2]int {
	var list [][2]int
	for i := first; i <= last; i++ {
		for j := first; j <= last; j++ {
			list = append(list, [2]int{i * side, j * side})
		}
	}
	return list
}
