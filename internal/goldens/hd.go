package goldens

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"path"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"llavabench/internal/imaging"
	"llavabench/variants"
)

// hdVariant is the generation that hd/ is about. No upstream code stands behind these files: they come from an
// independent implementation of the written definition.
const hdVariant = "llava15hd"

// The files of hd/.
const (
	hdGeometryFile   = "hd/geometry.json"
	hdPreprocessFile = "hd/preprocess.json"
	hdOutputsFile    = "hd/outputs/manifest.json"
)

// hdGeometryManifest is hd/geometry.json. A row has the key size_wh and one per side of a view: s224, s336.
type hdGeometryManifest struct {
	What  information                  `json:"what"`
	Note  information                  `json:"note"`
	Patch int                          `json:"patch"`
	Grids [][2]int                     `json:"grids_ab"` // columns, rows
	Sizes []map[string]json.RawMessage `json:"sizes"`
}

// hdGeometry is one size at one side.
type hdGeometry struct {
	Best    [2]int   `json:"best_wh"`
	Tiles   [2]int   `json:"tiles_wh"`
	Resized [2]int   `json:"resized_wh"`
	Paste   [2]int   `json:"paste_xy"`
	Cover   *hdStrip `json:"cover"`
	Unpad   *hdStrip `json:"unpad16"`
	None    *hdStrip `json:"none"`
}

// hdStrip is what one rule of stripping leaves.
type hdStrip struct {
	Grid         [2]int  `json:"grid_hw"`
	Tokens       int     `json:"image_tokens"`
	TokensRowEnd int     `json:"image_tokens_row_end"`
	First        *[2]int `json:"first_cell_yx"`
}

var hdSideKey = regexp.MustCompile(`^s(\d+)$`)

func (s *set) checkHDGeometry(p *Part) error {
	var m hdGeometryManifest
	if err := s.readJSON(p, hdGeometryFile, &m); err != nil {
		return err
	}
	if m.Patch <= 0 || len(m.Sizes) == 0 {
		return errors.New("the patch size or the list of sizes is missing")
	}
	for _, row := range m.Sizes {
		if s.ctx.Err() != nil {
			return nil
		}
		p.Cases++
		var size [2]int
		if err := json.Unmarshal(row["size_wh"], &size); err != nil {
			return fmt.Errorf("size_wh %s: %w", row["size_wh"], err)
		}
		for _, key := range slices.Sorted(maps.Keys(row)) {
			if key == "size_wh" {
				continue
			}
			where := fmt.Sprintf("%dx%d %s", size[0], size[1], key)
			if err := checkHDSize(p, where, m, key, row[key], imaging.Size{W: size[0], H: size[1]}); err != nil {
				p.failf(where, "geometry", "%v", err)
			}
		}
	}
	return nil
}

func checkHDSize(p *Part, where string, m hdGeometryManifest, key string, raw json.RawMessage, size imaging.Size) error {
	found := hdSideKey.FindStringSubmatch(key)
	if found == nil {
		return errors.New("the key is not understood")
	}
	side, err := strconv.Atoi(found[1])
	if err != nil {
		return err
	}
	var want hdGeometry
	if err := strictUnmarshal(raw, &want); err != nil {
		return err
	}
	o, err := defaults(hdVariant, side, m.Patch)
	if err != nil {
		return err
	}
	var grids [][2]int
	for _, c := range o.Canvases() {
		grids = append(grids, [2]int{c.W / side, c.H / side})
	}
	if !slices.Equal(grids, m.Grids) {
		return fmt.Errorf("the grids are %v, expected grids_ab %v", grids, m.Grids)
	}
	for _, strip := range []struct {
		rule variants.Strip
		want *hdStrip
	}{{variants.StripCover, want.Cover}, {variants.StripUnpad, want.Unpad}, {variants.StripNone, want.None}} {
		if strip.want == nil {
			continue
		}
		o.Strip, o.RowEnd = strip.rule, variants.RowEndNone
		l, ok := planned(p, where, o, size)
		if !ok {
			continue
		}
		equal(p, where, "best_wh", [2]int{l.Canvas.W, l.Canvas.H}, want.Best)
		equal(p, where, "tiles_wh", [2]int{l.Grid.Cols, l.Grid.Rows}, want.Tiles)
		equal(p, where, "resized_wh", [2]int{l.Resized.W, l.Resized.H}, want.Resized)
		equal(p, where, "paste_xy", [2]int{l.Paste.X, l.Paste.Y}, want.Paste)
		where := where + " " + string(strip.rule)
		equal(p, where, "grid_hw", keptGrid(l), strip.want.Grid)
		checkFirstCell(p, where, l, strip.want.First)
		checkTokens(p, where, o, size, l, strip.want.Tokens)
		o.RowEnd = variants.RowEndZero // any vector takes one position
		if l, ok = planned(p, where, o, size); ok {
			checkTokens(p, where+" row end", o, size, l, strip.want.TokensRowEnd)
		}
	}
	return nil
}

// hdPreprocessManifest is hd/preprocess.json.
type hdPreprocessManifest struct {
	What   information  `json:"what"`
	Note   information  `json:"note"`
	Images []hdPictures `json:"images"`
}

// hdPictures are the views of one picture.
type hdPictures struct {
	File    string      `json:"file"` // in preprocess/
	Note    information `json:"note"`
	Width   int         `json:"width"`
	Height  int         `json:"height"`
	Outputs []hdPixels  `json:"outputs"`
}

type hdPixels struct {
	Side     int    `json:"s"`
	PadColor string `json:"pad_color"`
	Global   string `json:"global"`
	Best     [2]int `json:"best_wh"`
	Shape    []int  `json:"shape"`
	U8Hash   string `json:"u8_sha256"`
	F32Hash  string `json:"f32_sha256"`
	U8       string `json:"u8"` // in hd/
}

func (s *set) checkHDPreprocess(p *Part) error {
	var m hdPreprocessManifest
	if err := s.readJSON(p, hdPreprocessFile, &m); err != nil {
		return err
	}
	if len(m.Images) == 0 {
		return errors.New("the manifest has no images")
	}
	if _, err := s.pictureEntry(""); err != nil { // before the index is shared
		return err
	}
	s.each(p, len(m.Images), func(i int, p *Part) { s.checkHDPicture(p, m.Images[i]) })
	return nil
}

func (s *set) checkHDPicture(p *Part, e hdPictures) {
	p.Cases++
	where := strings.TrimPrefix(e.File, "images/")
	pictures, err := s.picturesOf([]string{path.Join("preprocess", e.File)})
	if !p.require(where, "file", err) {
		return
	}
	img := pictures[0]
	equal(p, where, "width", img.Width, e.Width)
	equal(p, where, "height", img.Height, e.Height)
	r := newRenderer(img)
	for _, out := range e.Outputs {
		where := fmt.Sprintf("%s %d %s %s", where, out.Side, out.PadColor, out.Global)
		o, err := defaults(hdVariant, out.Side, patchOf(out.Side))
		if !p.require(where, "s", err) {
			continue
		}
		o.Global = variants.Global(out.Global)
		if o.CanvasColor, err = hdColour(o, out.PadColor); !p.require(where, "pad_color", err) {
			continue
		}
		l, ok := planned(p, where, o, img.Size())
		if !ok {
			continue
		}
		equal(p, where, "best_wh", [2]int{l.Canvas.W, l.Canvas.H}, out.Best)
		views, err := r.render(l.Plan)
		if p.require(where, "preprocess", err) {
			s.checkViews(p, where, "hd", views, out.Shape, viewHashes{out.U8Hash, out.F32Hash}, out.U8, r)
		}
	}
}

// hdColour is the colour of a canvas by its name.
func hdColour(o variants.Options, name string) (imaging.Color, error) {
	switch name {
	case "mean":
		return o.PadColor, nil
	case "black":
		return imaging.Color{}, nil
	}
	return imaging.Color{}, fmt.Errorf("the colour %q is not understood, expected \"mean\" or \"black\"", name)
}

// hdOutputsManifest is hd/outputs/manifest.json.
type hdOutputsManifest struct {
	What      information       `json:"what"`
	Note      information       `json:"note"`
	Reference information       `json:"reference"`
	Newline   int               `json:"newline_token_id"`
	Cases     map[string]hdCase `json:"cases"` // by MODEL.CASE
}

type hdCase struct {
	Note      information           `json:"note"`
	Margin    information           `json:"greedy_min_margin"`
	Model     string                `json:"model"` // folder in models/
	Images    []string              `json:"images"`
	Options   hdOptions             `json:"options"`
	PerImage  []perImage            `json:"per_image"`
	PromptIDs *int                  `json:"prompt_ids"`
	Sequence  *int                  `json:"sequence"`
	PixelHash string                `json:"pixel_u8_sha256"`
	File      string                `json:"file"`
	Tensors   map[string]tensorType `json:"tensors"`
}

// hdOptions are always all given.
type hdOptions struct {
	PadColor   string `json:"pad_color"`
	Strip      string `json:"strip"`
	RowEnd     string `json:"row_end"`
	Global     string `json:"global"`
	GlobalLast *bool  `json:"global_last"`
}

// perImage is what one picture becomes.
type perImage struct {
	Size   [2]int `json:"size_wh"`
	Best   [2]int `json:"best_wh"`
	Tiles  [2]int `json:"tiles_wh"`
	Views  int    `json:"views"`
	Grid   [2]int `json:"grid_hw"`
	Tokens int    `json:"image_tokens"` // row ends included
}

// hdNewlineToken is the token of "\n" that stands in where a checkpoint has no tokenizer.
const hdNewlineToken = 13

func (s *set) checkHDOutputs(p *Part) error {
	var m hdOutputsManifest
	if err := s.readJSON(p, hdOutputsFile, &m); err != nil {
		return err
	}
	equal(p, hdOutputsFile, "newline_token_id", hdNewlineToken, m.Newline)
	if len(m.Cases) == 0 {
		return errors.New("the manifest has no cases")
	}
	r := s.newRunner()
	defer r.close()
	last := ""
	for i, name := range slices.Sorted(maps.Keys(m.Cases)) {
		c := m.Cases[name]
		if c.Model != last { // the names begin with the model's, so the cases of one model follow each other
			r.close()
			last = c.Model
		}
		if err := s.checkHDCase(p, r, name, c); err != nil {
			p.failf(name, "case", "%v", err)
		}
		s.progress(p, i+1, len(m.Cases))
		if s.ctx.Err() != nil {
			break
		}
	}
	return nil
}

func (s *set) checkHDCase(p *Part, r *runner, where string, c hdCase) error {
	o := c.Options
	if o.PadColor == "" || o.Strip == "" || o.RowEnd == "" || o.Global == "" || o.GlobalLast == nil {
		return fmt.Errorf("options are %+v, expected all five", o)
	}
	model := modelUse{dir: path.Join("models", c.Model), variant: hdVariant}
	pipe, err := r.pipeline(model)
	if err != nil {
		return err
	}
	canvas, err := hdColour(pipe.Settings(), o.PadColor)
	if err != nil {
		return err
	}
	mc := modelCase{
		where: where, folder: "hd/outputs", file: c.File, tensors: c.Tensors,
		promptIDs: c.PromptIDs, sequence: c.Sequence, pixelHash: c.PixelHash, perImage: c.PerImage,
		model: model.with(setting("canvas_color", colour(canvas)), setting("strip", o.Strip), setting("row_end", o.RowEnd),
			setting("global", o.Global), setting("global_last", *o.GlobalLast)),
	}
	for _, image := range c.Images {
		mc.pictures = append(mc.pictures, path.Join(pictureFolder, image))
	}
	r.runCase(p, mc)
	return nil
}

// checkPerImage compares the layout of each picture.
func (r *caseRun) checkPerImage() {
	var got []perImage
	for _, pic := range r.answer.Pictures {
		l := pic.Layout
		got = append(got, perImage{
			Size: [2]int{l.Picture.W, l.Picture.H}, Best: [2]int{l.Canvas.W, l.Canvas.H}, Tiles: [2]int{l.Grid.Cols, l.Grid.Rows},
			Views: pic.Views, Grid: keptGrid(l), Tokens: pic.Tokens,
		})
	}
	equalList(r.Part, r.where, "per_image", got, r.perImage)
}
