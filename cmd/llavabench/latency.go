package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"time"

	"github.com/spf13/cobra"

	"llavabench/internal/bench"
	"llavabench/internal/cost"
	"llavabench/internal/pipeline"
	"llavabench/kernels"
	"llavabench/reports/plots"
)

// The checkpoints and pictures that ship with the repository.
const (
	shippedModels = "testdata/models"
	shippedImages = "testdata/images"
)

type latencyFlags struct {
	model  modelFlags
	models []string
	images []string
	prompt string
	tokens int
	repeat int
	json   bool
	plot   string
}

func newLatency(env *environment) *cobra.Command {
	var f latencyFlags
	cmd := &cobra.Command{
		Use:   "latency [MODEL]...",
		Short: "Time the generations side by side: image tokens, stage latencies, tokens per second",
		Long: `latency answers one question about each picture with each model and prints image tokens, the latency of every stage and the
decoding speed. Without arguments it runs all four generations on the checkpoints and pictures that ship in testdata, from
the repository's root. Each figure is the median of --repeat answers, which must agree token by token.

A model may be written as MODEL=VARIANT to run it as another generation.`,
		Example: `  llavabench latency
  llavabench latency DIR DIR=llava15hd --image wide.png --repeat 5
  llavabench latency --json > latency.json
  llavabench latency --plot latency.svg`,
		RunE: func(cmd *cobra.Command, args []string) error {
			f.models = args
			return execLatency(cmd.Context(), env, f)
		},
	}
	fl := cmd.Flags()
	fl.StringArrayVar(&f.images, "image", nil, "picture `file`; repeat for several (default: those in "+shippedImages+")")
	fl.StringVar(&f.prompt, "prompt", "What is written on the sign?", "the question")
	fl.IntVar(&f.tokens, "max-new-tokens", 16, "`tokens` to generate per answer")
	fl.IntVar(&f.repeat, "repeat", 3, "`answers` per model and picture")
	fl.IntVar(&f.model.opts.Threads, "threads", 0, "worker `threads` (default: one per core)")
	f.model.registerMemory(fl)
	fl.StringVar(&f.model.dtype, "dtype", "", "weight `type`: f32, f16, bf16, q8, q4, q4g64, q4-all or q4g64-all (default: as stored)")
	fl.BoolVar(&f.json, "json", false, "print JSON")
	fl.StringVar(&f.plot, "plot", "", "also draw the stages' latencies to this `file` (.svg, .pdf or .png)")
	return cmd
}

func execLatency(ctx context.Context, env *environment, f latencyFlags) error {
	if f.repeat < 1 || f.tokens < 1 {
		return usagef("--repeat and --max-new-tokens must be at least 1")
	}
	weights, err := parseWeights(f.model.dtype)
	if err != nil {
		return err
	}
	o := bench.Options{Images: f.images, Question: f.prompt, Tokens: f.tokens, Repeat: f.repeat}
	o.Model = f.model.opts
	o.Model.Weights = weights
	if o.Model.Demand, err = f.model.demand(pipeline.Demand{Images: 1, Text: len(f.prompt)/3 + templateText, NewTokens: f.tokens}); err != nil {
		return err
	}
	shipped := len(f.models) == 0
	if shipped {
		if f.models, err = listed(shippedModels, "*/config.json"); err != nil {
			return err
		}
		for i, m := range f.models {
			f.models[i] = filepath.Dir(m)
		}
	}
	for _, m := range f.models {
		dir, variant := splitVariant(m)
		o.Models, o.Variants = append(o.Models, dir), append(o.Variants, variant)
	}
	if len(o.Images) == 0 {
		if o.Images, err = listed(shippedImages, "*.*"); err != nil {
			return err
		}
	}
	if shipped {
		// The HD generation has no checkpoints of its own; the directory's name says which one runs as it.
		for i, dir := range o.Models {
			if filepath.Base(dir) == "llava15hd" {
				o.Variants[i] = "llava15hd"
			}
		}
	}
	bar := newProgress(env.stderr)
	o.Progress = bar.report
	results, err := bench.Run(ctx, o)
	bar.finish()
	if err != nil {
		return err
	}
	if f.plot != "" {
		if err := plotLatency(f.plot, results); err != nil {
			return err
		}
	}
	if f.json {
		return printJSON(env, results)
	}
	fmt.Fprintf(env.stdout, "%s, %s kernels, %d threads, median of %d\n\n", cpuName(), kernels.ISA(), threadsOf(f.model.opts.Threads), f.repeat)
	if err := printStages(env, results); err != nil {
		return err
	}
	if shipped {
		fmt.Fprintln(env.stdout, "\nThe shipped checkpoints have real geometry but small networks and random weights: image tokens and the ratios of")
		fmt.Fprintln(env.stdout, "latencies are real, the answers mean nothing.")
	}
	return nil
}

// splitVariant takes MODEL=VARIANT apart. What is a directory as a whole is one.
func splitVariant(arg string) (model, variant string) {
	if exists(arg) {
		return arg, ""
	}
	for i := len(arg) - 1; i >= 0 && arg[i] != filepath.Separator; i-- {
		if arg[i] == '=' {
			return arg[:i], arg[i+1:]
		}
	}
	return arg, ""
}

// listed gives the files of a directory that match, in order; none is an error.
func listed(dir, pattern string) ([]string, error) {
	files, err := filepath.Glob(filepath.Join(dir, pattern))
	if err != nil {
		return nil, err
	}
	if len(files) == 0 {
		wd, _ := os.Getwd()
		return nil, fmt.Errorf("%s has no %s: run this from the repository's root (here: %s), or name models and pictures", dir, pattern, wd)
	}
	slices.Sort(files)
	return files, nil
}

func printStages(env *environment, results []bench.Result) error {
	t := newTable(env.stdout, "model", "picture", "size", "views", "image tokens", "prompt", "preprocess ms", "vision ms", "projector ms", "prefill ms", "first token ms", "tokens/s")
	for _, r := range results {
		ms := func(stage string) string { return fmt.Sprintf("%.1f", r.Milliseconds[stage]) }
		t.row(filepath.Base(r.Model), r.Image, fmt.Sprintf("%dx%d", r.Width, r.Height), fmt.Sprint(r.Views), fmt.Sprint(r.ImageTokens), fmt.Sprint(r.PromptTokens),
			ms("preprocess"), ms("vision"), ms("projector"), ms("prefill"), ms(cost.FirstToken), fmt.Sprintf("%.0f", r.TokensPerSecond))
	}
	return t.print()
}

// plotLatency draws one bar for each model: the mean over the pictures of each stage until the first token.
func plotLatency(path string, results []bench.Result) error {
	var bars []plots.Latency
	for start := 0; start < len(results); {
		end := start
		var pre, vision, prefill float64
		tokens := 0
		for ; end < len(results) && results[end].Model == results[start].Model && results[end].Variant == results[start].Variant; end++ {
			t := results[end].Milliseconds
			pre += t["preprocess"]
			vision += t["vision"] + t["projector"]
			prefill += t["prefill"]
			tokens += results[end].ImageTokens
		}
		n := end - start
		mean := func(sum float64) time.Duration { return time.Duration(sum / float64(n) * float64(time.Millisecond)) }
		bars = append(bars, plots.Latency{
			Label: filepath.Base(results[start].Model), Tokens: tokens / n,
			Stages: []time.Duration{mean(pre), mean(vision), mean(prefill)},
		})
		start = end
	}
	p, err := plots.StageLatency("Latency by stage, mean over pictures", []string{"preprocess", "vision and projector", "prefill"}, bars)
	if err != nil {
		return err
	}
	return p.Save(path)
}

func cpuName() string {
	if name := kernels.CPUModel(); name != "" {
		return name
	}
	return runtime.GOARCH
}

func threadsOf(n int) int {
	if n > 0 {
		return n
	}
	return runtime.GOMAXPROCS(0)
}
