package goldens

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"llavabench/internal/imaging"
)

// preprocessManifest is preprocess/manifest.json.
type preprocessManifest struct {
	What      information            `json:"what"`
	Note      information            `json:"note"`
	Pillow    information            `json:"pillow"`
	U8        information            `json:"u8"`
	U8Hash    information            `json:"u8_sha256"`
	F32Hash   information            `json:"f32_sha256"`
	Sample    information            `json:"sample"`
	NormTable information            `json:"norm_lut"`
	Flavours  map[string]information `json:"flavours"`
	Modes     map[string]string      `json:"modes"` // explanations, from which sizes and pinpoints are taken
	Images    []*pictureEntry        `json:"images"`
}

// A pictureEntry is one picture of the manifest.
type pictureEntry struct {
	File        string         `json:"file"`
	Note        information    `json:"note"`
	Bytes       int            `json:"bytes"`
	SHA256      string         `json:"sha256"`
	OpenError   *string        `json:"open_error"`
	Mode        string         `json:"pil_mode"`
	Format      string         `json:"pil_format"`
	Width       int            `json:"width"`
	Height      int            `json:"height"`
	RGBHash     string         `json:"rgb_sha256"`
	RGB         string         `json:"rgb"` // a file below rgb/, or a sentence
	Best        *[2]int        `json:"best_resolution_wh"`
	BestArticle *[2]int        `json:"best_resolution_article_wh"`
	Outputs     []outputPixels `json:"outputs"`
}

// outputPixels is what one flavour makes of a picture in one mode.
type outputPixels struct {
	Flavour    string      `json:"flavour"`
	Mode       string      `json:"mode"`
	Error      *string     `json:"error"`
	Shape      []int       `json:"shape"` // [views, 3, side, side]
	U8Hash     string      `json:"u8_sha256"`
	F32Hash    string      `json:"f32_sha256"`
	SameAs     string      `json:"same_u8_as"`
	U8         string      `json:"u8"`
	Sample     string      `json:"sample"`
	SampleStep int         `json:"sample_step"`
	TableExact information `json:"lut_exact"`
}

func (o outputPixels) name() string { return o.Flavour + ":" + o.Mode }

// normTableFile holds the reference's float of every byte by channel, float32 [3][256].
const normTableFile = "preprocess/norm_lut_f32.bin"

func (s *set) checkPreprocess(p *Part) error {
	var m preprocessManifest
	if err := s.readJSON(p, preprocessManifestFile, &m); err != nil {
		return err
	}
	if err := s.checkNormTable(p); err != nil {
		p.failf(normTableFile, "file", "%v", err)
	}
	modes, err := newModeTable(m)
	if err != nil {
		return err
	}
	if len(m.Images) == 0 {
		return errors.New("the manifest has no images")
	}
	s.each(p, len(m.Images), func(i int, p *Part) { s.checkPicture(p, modes, m.Images[i]) })
	return nil
}

// checkNormTable compares the table that turns bytes into floats, bit for bit.
func (s *set) checkNormTable(p *Part) error {
	want, err := s.read(normTableFile)
	if err != nil {
		return err
	}
	var got []byte
	for _, channel := range imaging.ClipNormalizer().Table() {
		got = appendFloats(got, channel[:])
	}
	exact(p, normTableFile, "norm_lut", []int{3, 256, 4}, got, want)
	return nil
}

func (s *set) checkPicture(p *Part, modes *modeTable, e *pictureEntry) {
	p.Cases++
	where := strings.TrimPrefix(e.File, "images/")
	path, err := s.named("preprocess", e.File)
	if !p.require(where, "file", err) {
		return
	}
	data, err := readFile(path)
	if !p.require(where, "file", err) {
		return
	}
	equal(p, where, "bytes", len(data), e.Bytes)
	if !equal(p, where, "sha256", sha256Hex(data), e.SHA256) {
		return // another picture than the one that the rest is about
	}
	img, info, err := imaging.Decode(data, imaging.DecodeOptions{})
	if e.OpenError != nil {
		checkOpenError(p, where, err, *e.OpenError)
		return
	}
	decoded := p.require(where, "decode", err)
	if decoded {
		equal(p, where, "pil_format", info.Format, e.Format)
		equal(p, where, "pil_mode", info.Mode, e.Mode)
		equal(p, where, "width", img.Width, e.Width)
		equal(p, where, "height", img.Height, e.Height)
	}
	reference, err := s.referencePixels(e)
	p.require(where, "rgb", err)
	if decoded {
		checkPixels(p, where, e, img, reference)
	}
	// Everything behind the decoder starts from the reference's pixels where there is a copy of them, so that a decoder
	// at fault fails once and not in every mode.
	if reference != nil {
		img = reference
	}
	if img == nil {
		return
	}
	equalBest(p, where, "best_resolution_wh", modes, "anyres", img.Size(), e.Best)
	equalBest(p, where, "best_resolution_article_wh", modes, "anyres_article", img.Size(), e.BestArticle)
	s.checkModes(p, where, modes, e, img)
}

// checkOpenError compares the kind of failure: Pillow's words for it are "cannot identify image file" for what is no
// picture, and "truncated" for one that is cut short.
func checkOpenError(p *Part, where string, err error, want string) {
	kind, class := "a picture that cannot be decoded", error(nil)
	switch {
	case strings.Contains(want, "truncated"):
		kind, class = "a truncated picture", imaging.ErrTruncated
	case strings.Contains(want, "cannot identify"):
		kind, class = "no picture", imaging.ErrUnsupported
	}
	if err == nil || class != nil && !errors.Is(err, class) {
		p.fail(Failure{Case: where, Check: "open_error", Got: fmt.Sprint(err), Want: fmt.Sprintf("%q", want),
			Message: "expected an error that says " + kind})
		return
	}
	p.Checked++
}

// checkPixels compares decoded pixels with the reference's; reference may be nil. The golden README would allow a bound for
// JPEG, lossy WebP and CMYK, because most decoders differ in chroma upsampling and conversion. None is used here: this
// build's decoders give the pixels of libjpeg-turbo, libwebp and Pillow for every format.
func checkPixels(p *Part, where string, e *pictureEntry, img, reference *imaging.RGB) {
	if reference != nil && reference.Size() == img.Size() {
		exact(p, where, "rgb", []int{img.Height, img.Width, 3}, img.Pix, reference.Pix) // says where a difference lies
	}
	equal(p, where, "rgb_sha256", img.PixelSHA256(), e.RGBHash)
}

// referencePixels is the reference's decoded picture; nil where there is no copy of it.
func (s *set) referencePixels(e *pictureEntry) (*imaging.RGB, error) {
	if !strings.HasPrefix(e.RGB, "rgb/") {
		return nil, nil
	}
	m, ok, err := s.readPicture("preprocess", e.RGB)
	if err == nil && !ok {
		err = fmt.Errorf("%s does not exist", e.RGB)
	}
	if err != nil {
		return nil, err
	}
	if m.PixelSHA256() != e.RGBHash {
		return nil, fmt.Errorf("%s has the pixels %s, but rgb_sha256 is %s", e.RGB, m.PixelSHA256(), e.RGBHash)
	}
	return m, nil
}

func equalBest(p *Part, where, check string, modes *modeTable, mode string, size imaging.Size, want *[2]int) {
	if want == nil {
		return
	}
	o, err := modes.options("haotian", mode)
	if !p.require(where, check, err) {
		return
	}
	l, err := modes.plan(o, size)
	if p.require(where, check, err) {
		equal(p, where, check, [2]int{l.Canvas.W, l.Canvas.H}, *want)
	}
}

// checkModes checks every output of one picture.
func (s *set) checkModes(p *Part, where string, modes *modeTable, e *pictureEntry, img *imaging.RGB) {
	r := newRenderer(img)
	for _, out := range e.Outputs {
		where := where + " " + out.name()
		o, err := modes.options(out.Flavour, out.Mode)
		if !p.require(where, "mode", err) {
			continue
		}
		l, err := modes.plan(o, img.Size())
		if out.Error != nil {
			if err == nil {
				p.fail(Failure{Case: where, Check: "error", Got: "an output", Want: fmt.Sprintf("%q", *out.Error)})
			} else {
				p.Checked++
			}
			continue
		}
		if !p.require(where, "preprocess", err) {
			continue
		}
		views, err := r.render(l.Plan)
		if !p.require(where, "preprocess", err) {
			continue
		}
		if out.SameAs != "" {
			i := slices.IndexFunc(e.Outputs, func(other outputPixels) bool { return other.name() == out.SameAs })
			if i < 0 {
				p.failf(where, "same_u8_as", "the picture has no output %q", out.SameAs)
			} else {
				equal(p, where, "same_u8_as", out.U8Hash, e.Outputs[i].U8Hash)
			}
		}
		s.checkViews(p, where, "preprocess", views, out.Shape, viewHashes{out.U8Hash, out.F32Hash}, out.U8, r)
		s.checkSample(p, where, views, out)
	}
}

// viewHashes are the expected hashes of views as bytes and as floats [views, 3, side, side].
type viewHashes struct{ u8, f32 string }

// noPicture is why a picture of bytes is not compared: a set may lack it, and its hash is compared all the same.
const noPicture = "the set lacks the picture of these bytes; their hash decides"

// checkViews compares rendered views with hashes, and with the picture of their bytes where the set has it: it says
// where a difference lies.
func (s *set) checkViews(p *Part, where, folder string, views []*imaging.RGB, shape []int, want viewHashes, picture string, r *renderer) {
	side := views[0].Width
	if !equalList(p, where, "shape", []int{len(views), 3, side, side}, shape) {
		return
	}
	if picture != "" {
		m, ok, err := s.readPicture(folder, picture)
		switch {
		case !p.require(where, "u8", err):
		case !ok:
			p.skip(noPicture, 1)
		default:
			exact(p, where, "u8", []int{len(views) * side, side, 3}, stacked(views), m.Pix)
		}
	}
	got := r.hashes(views)
	equal(p, where, "u8_sha256", got.u8, want.u8)
	equal(p, where, "f32_sha256", got.f32, want.f32)
}

// checkSample compares the strided subset of the stacked views that stands in for a picture too large to keep: rows
// 3, 3+step, ... and the same columns.
func (s *set) checkSample(p *Part, where string, views []*imaging.RGB, out outputPixels) {
	if out.Sample == "" {
		return
	}
	if out.SampleStep <= 0 {
		p.failf(where, "sample_step", "it is %d, expected a positive number", out.SampleStep)
		return
	}
	m, ok, err := s.readPicture("preprocess", out.Sample)
	if !p.require(where, "sample", err) {
		return
	}
	if !ok {
		p.skip(noPicture, 1)
		return
	}
	const first = 3
	side := views[0].Width
	full := stacked(views)
	var got []uint8
	for y := first; y < len(views)*side; y += out.SampleStep {
		for x := first; x < side; x += out.SampleStep {
			i := 3 * (y*side + x)
			got = append(got, full[i:i+3]...)
		}
	}
	exact(p, where, "sample", []int{m.Height, m.Width, 3}, got, m.Pix)
}
