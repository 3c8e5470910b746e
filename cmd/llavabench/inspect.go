package main

import (
	"context"
	"encoding/json"
	"fmt"
	"image"
	"image/png"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"llavabench/internal/atomicfile"
	"llavabench/internal/checkpoint"
	"llavabench/internal/imaging"
	"llavabench/internal/inspect"
	"llavabench/internal/synth"
	"llavabench/variants"
	"llavabench/variants/all"
)

type inspectFlags struct {
	model   string
	vision  string
	variant string
	set     []string
	image   string
	json    bool
	png     string
	compare bool
}

func newInspect(env *environment) *cobra.Command {
	var f inspectFlags
	cmd := &cobra.Command{
		Use:   "inspect (--model M | --compare) [--image F]",
		Short: "Show a model's architecture and what it makes of a picture",
		Long: `inspect shows a model stage by stage, with the shape of each stage's output, parameters and memory. For a picture it adds
the chosen resolution, the tiles, the features that survive unpadding and the number of image tokens; --png draws them.

--compare puts all generations side by side, from built-in configurations of the released models: no checkpoint is needed.
Nothing is run, so even the largest model answers at once.`,
		Example: `  llavabench inspect --model DIR
  llavabench inspect --model DIR --image wide.png --png tiles.png
  llavabench inspect --compare --image wide.png
  llavabench inspect --model DIR --image wide.png --variant llava15hd --set strip=none --json`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return execInspect(cmd.Context(), env, f) },
	}
	fl := cmd.Flags()
	fl.StringVar(&f.model, "model", "", "checkpoint `directory`, or a name in the hub cache")
	fl.StringVar(&f.vision, "vision-dir", "", "`directory` of the CLIP tower, for checkpoints that lack one")
	fl.StringVar(&f.variant, "variant", "", "generation (default: what the checkpoint is)")
	fl.StringArrayVar(&f.set, "set", nil, "change a setting of the variant, `name=value`; repeat for several")
	fl.StringVar(&f.image, "image", "", "picture `file`")
	fl.BoolVar(&f.json, "json", false, "print JSON")
	fl.StringVar(&f.png, "png", "", "draw the picture with its tiles to this `file`")
	fl.BoolVar(&f.compare, "compare", false, "all generations side by side, without a checkpoint")
	return cmd
}

func execInspect(_ context.Context, env *environment, f inspectFlags) error {
	switch {
	case (f.model != "") == f.compare:
		return usagef("give either --model M or --compare")
	case f.png != "" && f.image == "":
		return usagef("--png needs --image F")
	case f.compare && (f.variant != "" || f.vision != ""):
		return usagef("--compare takes no --variant and no --vision-dir")
	}
	var img *imaging.RGB
	if f.image != "" {
		var err error
		if img, _, err = imaging.DecodeFile(f.image, imaging.DecodeOptions{}); err != nil {
			return err
		}
	}
	if f.compare {
		return compareVariants(env, f, img)
	}
	ckpt, err := checkpoint.Open(f.model, checkpoint.OpenOptions{VisionDir: f.vision})
	if err != nil {
		return err
	}
	defer ckpt.Close()
	m, err := describe(ckpt.Dir, ckpt.Config, f.variant, f.set, img)
	if err != nil {
		return err
	}
	if f.png != "" {
		d, err := inspect.Draw(img, m.title, m.layout)
		if err != nil {
			return err
		}
		if err := writePNG(f.png, d); err != nil {
			return err
		}
	}
	if f.json {
		return printJSON(env, m)
	}
	return m.print(env)
}

// A modelView is what inspect says of one model.
type modelView struct {
	Model        string               `json:"model"`
	Variant      string               `json:"variant"`
	Layout       checkpoint.Layout    `json:"layout,omitempty"`
	Settings     variants.Options     `json:"settings"`
	Architecture inspect.Architecture `json:"architecture"`
	Image        *inspect.Picture     `json:"image,omitempty"`
	Most         *mostTokens          `json:"most,omitempty"` // in a comparison
	Notes        []string             `json:"notes,omitempty"`
	title        string
	layout       variants.Layout
}

// describe applies a variant to a configuration and, if there is one, to a picture.
func describe(name string, cfg checkpoint.Config, variant string, set []string, img *imaging.RGB) (*modelView, error) {
	v, err := all.Detect(cfg)
	if variant != "" {
		v, err = all.ByName(variant)
	}
	if err != nil {
		return nil, err
	}
	o := v.Defaults(cfg)
	for _, s := range set {
		field, value, ok := strings.Cut(s, "=")
		if !ok {
			return nil, usagef("--set %q: expected name=value", s)
		}
		if o, err = o.Set(field, value); err != nil {
			return nil, usageError{err}
		}
	}
	if err := v.Check(o); err != nil {
		return nil, err
	}
	m := &modelView{Model: name, Variant: v.Name, Layout: cfg.Layout, Settings: o, Notes: append(append([]string(nil), cfg.Notes...), v.Notes...), title: v.Title}
	views, tokens := 0, 0
	if img != nil {
		p, l, err := inspect.Look(v, o, img.Size())
		if err != nil {
			return nil, err
		}
		m.Image, m.layout, views, tokens = &p, l, p.Views, p.ImageTokens
	}
	cfg.Multimodal.SelectLayer, cfg.Multimodal.SelectFeature, cfg.Multimodal.ProjectorType = o.SelectLayer, o.SelectFeature, o.Projector
	m.Architecture = inspect.Describe(cfg, views, tokens)
	return m, nil
}

func (m *modelView) print(env *environment) error {
	fmt.Fprintf(env.stdout, "%s: %s (%s), %s layout\n\n", m.Model, m.title, m.Variant, m.Layout)
	t := newTable(env.stdout, "stage", "what", "output", "parameters")
	for _, s := range m.Architecture.Stages {
		t.row(s.Name, s.Detail, s.Shape, formatCount(s.Parameters))
	}
	total, used := m.Architecture.Total()
	t.row("total", fmt.Sprintf("%s used by an answer", formatCount(used)), "", formatCount(total))
	if err := t.print(); err != nil {
		return err
	}
	fmt.Fprintln(env.stdout)
	t = newTable(env.stdout, "weights as", "memory")
	for _, w := range m.Architecture.Memory {
		t.row(w.Type, formatBytes(w.Bytes))
	}
	t.row("key-value cache, f32, per 1,000 positions", formatBytes(1000*m.Architecture.KVBytesPerToken))
	if err := t.print(); err != nil {
		return err
	}
	if m.Image != nil {
		fmt.Fprintln(env.stdout)
		t = newTable(env.stdout, "picture", "canvas", "tiles", "views", "scale", "map kept", "newlines", "image tokens")
		t.row(pictureRow(*m.Image)...)
		if err := t.print(); err != nil {
			return err
		}
	}
	notices(env.stderr, m.Notes)
	return nil
}

func pictureRow(p inspect.Picture) []string {
	tiles := "-"
	if p.Tiles != [2]int{} {
		tiles = fmt.Sprintf("%dx%d", p.Tiles[0], p.Tiles[1])
	}
	return []string{
		fmt.Sprintf("%dx%d", p.Width, p.Height), fmt.Sprintf("%dx%d", p.Canvas[0], p.Canvas[1]), tiles, fmt.Sprint(p.Views),
		fmt.Sprintf("%.2f", p.Scale), fmt.Sprintf("%dx%d", p.GridCells[0], p.GridCells[1]), fmt.Sprint(p.Newlines), formatCount(int64(p.ImageTokens)),
	}
}

// comparison is what --compare prints.
type comparison struct {
	Towers []towerView  `json:"vision_towers"`
	Models []*modelView `json:"models"`
}

type towerView struct {
	Name       string `json:"name"`
	Layers     int    `json:"layers"`
	Width      int    `json:"width"`
	Heads      int    `json:"heads"`
	Patch      int    `json:"patch"`
	Side       int    `json:"side"`
	Patches    int    `json:"patches"`
	Parameters int64  `json:"parameters"`
}

// compared are the generations side by side: built-in configurations, the variant to run them as, and settings.
var compared = []struct {
	label, config, variant string
	set                    []string
}{
	{"LLaVA-1", "llava-1-7b", "", nil},
	{"LLaVA-1.5", "llava-1.5-7b", "", nil},
	{"LLaVA-1.5-HD, tiles of 336", "llava-1.5-7b", "llava15hd", nil},
	{"LLaVA-1.6", "llava-1.6-vicuna-7b", "", nil},
	{"LLaVA-1.6, the article's grids", "llava-1.6-vicuna-7b", "llava16", []string{"pinpoints=article"}},
}

// compareVariants prints all generations, and the largest number of image tokens of each where no picture is given.
func compareVariants(env *environment, f inspectFlags, img *imaging.RGB) error {
	if f.png != "" {
		return compareDrawing(f, img)
	}
	var c comparison
	for _, v := range inspect.Towers() {
		c.Towers = append(c.Towers, towerView{
			Name: inspect.TowerName(v), Layers: v.Layers, Width: v.Hidden, Heads: v.Heads, Patch: v.Patch, Side: v.Image,
			Patches: v.Grid() * v.Grid(), Parameters: inspect.TowerParameters(v),
		})
	}
	for _, row := range compared {
		m, err := comparedModel(row.config, row.variant, append(append([]string(nil), row.set...), f.set...), img)
		if err != nil {
			return fmt.Errorf("%s: %w", row.label, err)
		}
		m.Model = row.label
		if m.Most, err = most(m); err != nil {
			return fmt.Errorf("%s: %w", row.label, err)
		}
		c.Models = append(c.Models, m)
	}
	if f.json {
		return printJSON(env, c)
	}
	t := newTable(env.stdout, "vision tower", "layers", "width", "heads", "patch", "patches", "parameters")
	for _, v := range c.Towers {
		t.row(v.Name, fmt.Sprint(v.Layers), fmt.Sprint(v.Width), fmt.Sprint(v.Heads), fmt.Sprint(v.Patch), fmt.Sprint(v.Patches), formatCount(v.Parameters))
	}
	if err := t.print(); err != nil {
		return err
	}
	fmt.Fprintln(env.stdout)
	if img == nil {
		t = newTable(env.stdout, "generation", "tower features", "projector", "most image tokens", "without newlines", "of a picture")
		for _, m := range c.Models {
			t.row(m.Model, m.Architecture.Stages[1].Shape, m.Settings.Projector, formatCount(int64(m.Most.Tokens)),
				formatCount(int64(m.Most.Tokens-m.Most.Newlines)), fmt.Sprintf("%dx%d", m.Most.Width, m.Most.Height))
		}
		return t.print()
	}
	t = newTable(env.stdout, "generation", "picture", "canvas", "tiles", "views", "scale", "map kept", "newlines", "image tokens")
	for _, m := range c.Models {
		t.row(append([]string{m.Model}, pictureRow(*m.Image)...)...)
	}
	return t.print()
}

func comparedModel(config, variant string, set []string, img *imaging.RGB) (*modelView, error) {
	named, err := synth.ByName(config)
	if err != nil {
		return nil, err
	}
	return describe(config, named.Config, variant, set, img)
}

// mostTokens is the picture that gives a model the most image tokens.
type mostTokens struct {
	Width    int `json:"width"`
	Height   int `json:"height"`
	Tokens   int `json:"image_tokens"`
	Newlines int `json:"newlines"` // of the tokens
}

// most tries every canvas of a model's grid, filled.
func most(m *modelView) (*mostTokens, error) {
	v, err := all.ByName(m.Variant)
	if err != nil {
		return nil, err
	}
	o := m.Settings
	sizes := []imaging.Size{{W: o.Side, H: o.Side}}
	if o.AspectRatio != "square" && o.AspectRatio != "pad" {
		for _, p := range o.Pinpoints {
			sizes = append(sizes, imaging.Size{W: p[0], H: p[1]}, imaging.Size{W: p[1], H: p[0]})
		}
	}
	best := &mostTokens{}
	for _, s := range sizes {
		p, _, err := inspect.Look(v, o, s)
		if err != nil {
			return nil, err
		}
		if p.ImageTokens > best.Tokens {
			best = &mostTokens{Width: s.W, Height: s.H, Tokens: p.ImageTokens, Newlines: p.Newlines}
		}
	}
	return best, nil
}

// compareDrawing draws the picture once per generation, one below the other.
func compareDrawing(f inspectFlags, img *imaging.RGB) error {
	var parts []*image.RGBA
	width, height := 0, 0
	for _, row := range compared {
		m, err := comparedModel(row.config, row.variant, append(append([]string(nil), row.set...), f.set...), img)
		if err != nil {
			return fmt.Errorf("%s: %w", row.label, err)
		}
		d, err := inspect.Draw(img, row.label, m.layout)
		if err != nil {
			return err
		}
		parts = append(parts, d)
		width, height = max(width, d.Rect.Dx()), height+d.Rect.Dy()
	}
	return writePNG(f.png, inspect.Stack(parts, width, height))
}

// writePNG writes a picture; the file appears when it is complete.
func writePNG(path string, m image.Image) error {
	return atomicfile.Write(path, func(w io.Writer) error { return png.Encode(w, m) })
}

func printJSON(env *environment, v any) error {
	enc := json.NewEncoder(env.stdout)
	enc.SetIndent("", "  ")
	enc.SetEscapeHTML(false)
	return enc.Encode(v)
}
