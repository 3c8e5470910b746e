package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"llavabench/internal/bench"
	"llavabench/internal/imaging"
	"llavabench/internal/memory"
	"llavabench/internal/model/sample"
	"llavabench/internal/npy"
	"llavabench/internal/pipeline"
)

type runFlags struct {
	model      modelFlags
	images     []string
	prompt     string
	inputIDs   string
	system     string
	template   string
	stop       []string
	maxNew     int
	sample     sample.Options
	json       bool
	dump       string
	dumpHidden string
	orient     bool
	options    []string
	withEnd    bool
}

func newRun(env *environment) *cobra.Command {
	var f runFlags
	cmd := &cobra.Command{
		Use:   "run --model M [--image F]... --prompt T",
		Short: "Answer a question about pictures",
		Long: `run answers one question. The text streams to standard output as it is decoded; with --json one object is printed
at the end instead.

The pictures come before the question, each on a line of its own, as the reference puts them. To put them elsewhere write
<image-placeholder> into the prompt once for each. A literal <image> in the prompt is text.

--input-ids replaces the prompt by token ids; -200 stands for a picture. No tokenizer is needed then.

--options generates nothing: it prints the log-likelihood of each of the given answers to the question, all behind one reading of the
prompt, and names the most likely one (docs/likelihood.md). --options-end scores the separator that ends an answer with them.

--set changes one of the variant's settings, such as --set aspect_ratio=square or --set strip=none; 'llavabench inspect
--model M --json' lists them.`,
		Example: `  llavabench run --model llava-hf/llava-1.5-7b-hf --image cat.jpg --prompt 'What is the cat doing?'
  llavabench run --model DIR --image a.png --image b.png --prompt 'What changed?' --temperature 0.2 --seed 7
  llavabench run --model DIR --image wide.png --variant llava15hd --prompt 'Read the sign.' --json
  llavabench run --model DIR --image cat.jpg --prompt 'Is there a cat?' --options yes,no
  llavabench run --model DIR --image a.png --input-ids 1,2,-200,5 --max-new-tokens 8 --dump OUT`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := f.checkOptions(cmd.Flags()); err != nil {
				return err
			}
			return execRun(cmd.Context(), env, f, cmd.Flags().Changed("prompt"))
		},
	}
	fl := cmd.Flags()
	fl.StringVar(&f.model.path, "model", "", "checkpoint `directory`, or a name in the hub cache such as org/name")
	f.model.register(fl)
	fl.StringArrayVar(&f.images, "image", nil, "picture `file`; repeat for several")
	fl.StringVar(&f.prompt, "prompt", "", "the question; - reads it from standard input")
	fl.StringVar(&f.inputIDs, "input-ids", "", "comma-separated token `ids` instead of a prompt; -200 is a picture")
	fl.StringVar(&f.system, "system", "", "system text instead of the template's")
	fl.StringVar(&f.template, "template", "", "conversation template (default: the one that belongs to the checkpoint)")
	fl.StringArrayVar(&f.stop, "stop", nil, "further `string` that ends the answer; repeat for several")
	fl.IntVar(&f.maxNew, "max-new-tokens", 512, "`tokens` to generate at most")
	fl.Float64Var(&f.sample.Temperature, "temperature", 0, "0 is greedy")
	fl.Float64Var(&f.sample.TopP, "top-p", 1, "draw from the most probable tokens that make up this share")
	fl.Uint64Var(&f.sample.Seed, "seed", 0, "seed of the draws")
	fl.BoolVar(&f.json, "json", false, "print one JSON object instead of text")
	fl.StringVar(&f.dump, "dump", "", "write the intermediate tensors to this `directory` as .npy files")
	fl.StringVar(&f.dumpHidden, "dump-hidden", "", "with --dump, also these `states` of the vision tower: all, or numbers such as 0,12,23")
	fl.BoolVar(&f.orient, "honour-orientation", false, "turn pictures as their EXIF orientation says (the reference ignores it)")
	fl.StringSliceVar(&f.options, "options", nil, "score these `answers` instead of generating one, such as yes,no; in double quotes where one holds a comma")
	fl.BoolVar(&f.withEnd, "options-end", false, "with --options: score the separator that ends an answer too")
	_ = cmd.MarkFlagRequired("model")
	return cmd
}

// runOutput is what --json prints.
type runOutput struct {
	Text            string             `json:"text"`
	TokenIDs        []int              `json:"token_ids"`
	FinishReason    string             `json:"finish_reason"`
	PromptTokens    int                `json:"prompt_tokens"` // positions of the merged prompt, image tokens included
	ImageTokens     int                `json:"image_tokens"`
	Tiles           int                `json:"tiles"` // views encoded, all pictures
	Grid            [2]int             `json:"grid"`  // tiles across and down of the first picture; 0, 0 without one
	Images          []runImage         `json:"images"`
	Variant         string             `json:"variant"`
	DType           string             `json:"dtype"`
	Numerics        string             `json:"numerics"`
	Threads         int                `json:"threads"`
	TimingsMS       map[string]float64 `json:"timings_ms"`
	TokensPerSecond float64            `json:"tokens_per_second"` // generated after the first, per second of decoding
	PeakRSSBytes    int64              `json:"peak_rss_bytes"`
	Options         []runOption        `json:"options,omitempty"` // of --options; text is then the most likely one
	Notes           []string           `json:"notes,omitempty"`
}

type runImage struct {
	File        string `json:"file"`
	Width       int    `json:"width"`
	Height      int    `json:"height"`
	PixelSHA256 string `json:"pixel_sha256"`
	Tiles       int    `json:"tiles"`
	Grid        [2]int `json:"grid"`
	ImageTokens int    `json:"image_tokens"`
}

func execRun(ctx context.Context, env *environment, f runFlags, prompted bool) error {
	if prompted == (f.inputIDs != "") {
		return usagef("give either --prompt or --input-ids")
	}
	if f.dumpHidden != "" && f.dump == "" {
		return usagef("--dump-hidden needs --dump DIR")
	}
	if err := f.sample.Check(); err != nil {
		return usageError{err}
	}
	ids, err := parseIDs(f.inputIDs)
	if err != nil {
		return usageError{err}
	}
	if f.prompt == "-" {
		b, err := io.ReadAll(io.LimitReader(env.stdin, maxPromptBytes+1))
		if err != nil {
			return fmt.Errorf("prompt from standard input: %w", err)
		}
		f.prompt = string(b)
	}
	if len(f.prompt) > maxPromptBytes {
		return fmt.Errorf("the prompt has more than %d bytes", maxPromptBytes)
	}

	var pictures []*imaging.RGB
	images := []runImage{}
	demand := pipeline.Demand{Text: max(len(ids), len(f.prompt)/3+templateText), NewTokens: f.maxNew, Pictures: []imaging.Size{}}
	for _, file := range f.images {
		img, _, err := imaging.DecodeFile(file, imaging.DecodeOptions{HonourOrientation: f.orient})
		if err != nil {
			return err
		}
		pictures = append(pictures, img)
		demand.Pictures = append(demand.Pictures, img.Size())
		images = append(images, runImage{File: file, Width: img.Width, Height: img.Height, PixelSHA256: img.PixelSHA256()})
	}

	bar := newProgress(env.stderr)
	defer bar.finish()
	start := time.Now()
	p, err := f.model.open(ctx, bar, demand)
	if err != nil {
		return err
	}
	defer p.Close()
	load := time.Since(start)
	out := runOutput{Variant: p.Variant().Name, DType: p.DType(), Numerics: p.Numerics(), Threads: p.Threads(), Images: images}

	req := pipeline.Request{Images: pictures, IDs: ids, Generate: pipeline.GenerateOptions{
		MaxNewTokens: f.maxNew, Sample: f.sample, Stop: f.stop,
	}}
	if prompted {
		q := pipeline.Question{Text: f.prompt, Images: len(pictures), Template: f.template}
		if f.system != "" {
			q.System = &f.system
		}
		prompt, err := f.ask(p, q, &req.Generate)
		if err != nil {
			return err
		}
		req.IDs = prompt.IDs
		req.Generate.Stop = append(req.Generate.Stop, prompt.Stop...)
		req.Generate.EOS = prompt.EOS
	}
	var dump *dumper
	if f.dump != "" {
		if dump, err = newDumper(f.dump, f.dumpHidden); err != nil {
			return err
		}
		req.Observer = dump
	}
	text := &textWriter{w: env.stdout}
	if !f.json && len(f.options) == 0 {
		req.Generate.Stream = func(s string) { bar.finish(); text.write(s) }
	}
	a, err := p.Answer(ctx, req)
	bar.finish()
	if !f.json && len(f.options) == 0 && (err == nil || text.started) {
		text.end()
	}
	if bad := (*pipeline.PictureError)(nil); errors.As(err, &bad) {
		return fmt.Errorf("%q: %w", f.images[bad.Index], err)
	}
	if err != nil {
		return err
	}
	out.Notes = append(p.Notes(), a.Notes...)
	out.Options = f.scored(req.Generate.Continuations, a.LogProbs)
	if !f.json && len(f.options) > 0 {
		text.err = printOptions(env.stdout, out.Options)
	}
	if !f.json {
		notices(env.stderr, out.Notes)
		return text.err
	}
	out.fill(a, load)
	if best := mostLikely(out.Options); best >= 0 {
		out.Text = out.Options[best].Text
	}
	enc := json.NewEncoder(env.stdout)
	enc.SetIndent("", "  ")
	enc.SetEscapeHTML(false)
	return enc.Encode(out)
}

func (out *runOutput) fill(a *pipeline.Answer, load time.Duration) {
	out.Text = strings.TrimSpace(a.Text)
	out.TokenIDs = a.IDs
	if out.TokenIDs == nil {
		out.TokenIDs = []int{}
	}
	out.FinishReason = string(a.Finish)
	out.PromptTokens = a.PromptTokens
	out.ImageTokens = a.ImageTokens
	for i, pic := range a.Pictures {
		im := &out.Images[i]
		im.Tiles, im.Grid, im.ImageTokens = pic.Views, pic.Grid, pic.Tokens
		out.Tiles += pic.Views
	}
	if len(a.Pictures) > 0 {
		out.Grid = a.Pictures[0].Grid
	}
	out.TimingsMS = bench.Milliseconds(a.Timings)
	out.TimingsMS["load"] = float64(load.Microseconds()) / 1000
	if n := len(a.IDs) - 1; n > 0 && a.Timings.Decode > 0 {
		out.TokensPerSecond = float64(n) / a.Timings.Decode.Seconds()
	}
	out.PeakRSSBytes = memory.Peak()
}

// templateText is about how many positions a template adds to a question; three bytes of text make one or less.
const templateText = 64

// maxPromptBytes bounds a prompt before anything is made of it; the longest context is far shorter.
const maxPromptBytes = 1 << 20

func parseIDs(s string) ([]int, error) {
	if s == "" {
		return nil, nil
	}
	var ids []int
	for _, part := range strings.Split(s, ",") {
		id, err := strconv.ParseInt(strings.TrimSpace(part), 10, 32)
		if err != nil {
			return nil, fmt.Errorf("--input-ids: %q is not a token id", part)
		}
		ids = append(ids, int(id))
	}
	return ids, nil
}

// A textWriter prints an answer as it streams, without white space at its beginning, and ends it with one newline.
type textWriter struct {
	w       io.Writer
	started bool
	err     error
}

func (t *textWriter) write(s string) {
	if !t.started {
		s = strings.TrimLeft(s, " \t\r\n")
		t.started = s != ""
	}
	if t.err == nil {
		_, t.err = io.WriteString(t.w, s)
	}
}

func (t *textWriter) end() {
	if t.err == nil {
		_, t.err = io.WriteString(t.w, "\n")
	}
}

// A dumper writes the tensors of an answer to a directory.
type dumper struct {
	dir    string
	hidden map[int]bool
	all    bool
}

func newDumper(dir, hidden string) (*dumper, error) {
	d := &dumper{dir: dir, hidden: map[int]bool{}, all: hidden == "all"}
	if hidden != "" && !d.all {
		for _, part := range strings.Split(hidden, ",") {
			n, err := strconv.Atoi(strings.TrimSpace(part))
			if err != nil || n < 0 {
				return nil, usagef("--dump-hidden: %q is neither all nor the number of a hidden state", part)
			}
			d.hidden[n] = true
		}
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, fmt.Errorf("--dump: %w", err)
	}
	return d, nil
}

// Wants reports whether the tensor is written.
func (d *dumper) Wants(name string) bool {
	switch name {
	case "pixel_values", "vision_features", "projected", "inputs_embeds", "logits":
		return true
	}
	if n, ok := strings.CutPrefix(name, "vision_hidden_"); ok {
		i, err := strconv.Atoi(n)
		return err == nil && (d.all || d.hidden[i])
	}
	return false
}

// Tensor writes the tensor to NAME.npy.
func (d *dumper) Tensor(name string, shape []int, data []float32) error {
	return npy.Write(filepath.Join(d.dir, name+".npy"), shape, data)
}
