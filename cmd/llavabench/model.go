package main

import (
	"context"
	"fmt"
	"strings"

	"github.com/spf13/pflag"

	"llavabench/internal/memory"
	"llavabench/internal/model/weights"
	"llavabench/internal/pipeline"
	"llavabench/internal/tensor"
)

// modelFlags are the flags of every command that runs a model.
type modelFlags struct {
	path    string
	opts    pipeline.Options
	dtype   string
	kvDType string
	memory  string
}

func (f *modelFlags) register(fl *pflag.FlagSet) {
	fl.StringVar(&f.opts.Variant, "variant", "", "generation: llava1, llava15, llava15hd or llava16 (default: what the checkpoint is)")
	fl.StringArrayVar(&f.opts.Set, "set", nil, "change a setting of the variant, `name=value`; repeat for several")
	fl.StringVar(&f.opts.VisionDir, "vision-dir", "", "`directory` of the CLIP tower, for checkpoints that lack one")
	fl.StringVar(&f.opts.Tokenizer, "tokenizer", "", "tokenizer file or `directory`, for checkpoints that lack one")
	fl.StringVar(&f.dtype, "dtype", "", "weight `type`: f32, f16, bf16, or quantised on loading q8, q4, q4g64, q4-all, q4g64-all (default: as stored; f32 widens exactly, without a copy)")
	fl.StringVar(&f.kvDType, "kv-dtype", "f32", "`type` of the key-value cache: f32, f16 or bf16")
	fl.StringVar(&f.opts.Numerics, "numerics", "f32", "numeric `profile` of the matrix products: f32, or bf16 (activations rounded to bf16)")
	fl.IntVar(&f.opts.Threads, "threads", 0, "worker `threads` (default: one per core); never changes a result")
	f.registerMemory(fl)
	fl.IntVar(&f.opts.PrefillChunk, "prefill-chunk", 0, "prompt `positions` per pass (default 512); never changes a result")
}

func (f *modelFlags) registerMemory(fl *pflag.FlagSet) {
	fl.StringVar(&f.memory, "memory-limit", "", "memory that the run may take, a `size` such as 4GiB, or none: what cannot fit is refused before it is loaded (default: what the machine or its control group has, less a margin)")
}

// demand says what will be asked of the model, and how much memory there is for it.
func (f *modelFlags) demand(d pipeline.Demand) (pipeline.Demand, error) {
	switch f.memory {
	case "none":
	case "":
		if l, ok := memory.Available(); ok {
			d.Limit, d.Source = l.Bytes, l.Source
		}
	default:
		n, err := memory.ParseSize(f.memory)
		if err != nil {
			return d, usagef("--memory-limit: %v", err)
		}
		d.Limit, d.Source = n, "--memory-limit"
	}
	return d, nil
}

// maxThreads bounds --threads: each takes memory, and no machine has as many cores.
const maxThreads = 4096

// open loads the model for what will be asked of it.
func (f *modelFlags) open(ctx context.Context, bar *progress, d pipeline.Demand) (*pipeline.Pipeline, error) {
	o := f.opts
	var err error
	if o.Demand, err = f.demand(d); err != nil {
		return nil, err
	}
	if o.Weights, err = parseWeights(f.dtype); err != nil {
		return nil, err
	}
	if o.KV, err = parseDType("--kv-dtype", f.kvDType); err != nil {
		return nil, err
	}
	if o.Threads < 0 || o.PrefillChunk < 0 {
		return nil, usagef("--threads and --prefill-chunk cannot be negative")
	}
	if o.Threads > maxThreads {
		return nil, usagef("--threads: %d is more than %d", o.Threads, maxThreads)
	}
	o.Progress = bar.report
	return pipeline.Open(ctx, f.path, o)
}

// parseWeights checks the name of a weight type; "" is as stored.
func parseWeights(name string) (string, error) {
	if _, err := weights.ParseRecipe(name); err == nil {
		return name, nil
	}
	if _, err := parseDType("--dtype", name); err != nil {
		return "", usagef("--dtype: %q is not a type, expected f32, f16, bf16, %s", name, strings.Join(weights.RecipeNames(), ", "))
	}
	return name, nil
}

func parseDType(flag, name string) (tensor.DType, error) {
	switch name {
	case "":
		return tensor.Invalid, nil
	case "f32":
		return tensor.F32, nil
	case "f16":
		return tensor.F16, nil
	case "bf16":
		return tensor.BF16, nil
	}
	return tensor.Invalid, usagef("%s: %q is not a type, expected f32, f16 or bf16", flag, name)
}

func formatBytes(n int64) string {
	switch {
	case n >= 1<<30:
		return fmt.Sprintf("%.2f GiB", float64(n)/(1<<30))
	case n >= 1<<20:
		return fmt.Sprintf("%.1f MiB", float64(n)/(1<<20))
	case n >= 1<<10:
		return fmt.Sprintf("%.1f KiB", float64(n)/(1<<10))
	}
	return fmt.Sprintf("%d B", n)
}
