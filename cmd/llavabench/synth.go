package main

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"

	"llavabench/internal/checkpoint"
	"llavabench/internal/synth"
	"llavabench/internal/tensor"
	"llavabench/kernels"
)

type synthFlags struct {
	config  string
	dtype   string
	layout  string
	out     string
	seed    uint64
	threads int
	sparse  bool
	list    bool
}

func newSynth(env *environment) *cobra.Command {
	var f synthFlags
	cmd := &cobra.Command{
		Use:   "synth --config NAME --out DIR",
		Short: "Write a random checkpoint of a built-in configuration",
		Long: `synth writes a checkpoint with random weights: the shapes, files and configuration of a real model, so that memory and
speed can be measured without its weights. The same configuration, type and seed give the same bytes on every machine.

--list prints the built-in configurations.`,
		Example: `  llavabench synth --config tiny-llava16 --out M
  llavabench synth --config llava-1.5-7b --dtype bf16 --out M7      13.5 GB
  llavabench synth --config llava-1.5-7b --sparse --out S7         takes no room; 'run --memory-limit' needs no more`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return execSynth(cmd.Context(), env, f) },
	}
	fl := cmd.Flags()
	fl.StringVar(&f.config, "config", "", "`name` of the configuration")
	fl.StringVar(&f.dtype, "dtype", "bf16", "weight `type`: f32, f16 or bf16")
	fl.StringVar(&f.layout, "layout", string(checkpoint.Original), "`layout` of names and files: original or hf")
	fl.StringVar(&f.out, "out", "", "new or empty `directory`")
	fl.Uint64Var(&f.seed, "seed", 1, "seed of the weights")
	fl.IntVar(&f.threads, "threads", 0, "worker `threads` (default: one per core); never changes the bytes")
	fl.BoolVar(&f.sparse, "sparse", false, "leave the weights zero and off the disk: to see what a model needs, not what it computes")
	fl.BoolVar(&f.list, "list", false, "list the configurations")
	return cmd
}

func execSynth(ctx context.Context, env *environment, f synthFlags) error {
	if f.list {
		t := newTable(env.stdout, "configuration", "what")
		for _, n := range synth.Configs() {
			t.row(n.Name, n.Title)
		}
		return t.print()
	}
	if f.config == "" || f.out == "" {
		return usagef("--config NAME and --out DIR are needed (or --list)")
	}
	n, err := synth.ByName(f.config)
	if err != nil {
		return usageError{err}
	}
	d, err := parseDType("--dtype", f.dtype)
	if err != nil {
		return err
	}
	if d == tensor.Invalid {
		return usagef("--dtype is empty, expected f32, f16 or bf16")
	}
	layout := checkpoint.Layout(f.layout)
	if layout != checkpoint.Original && layout != checkpoint.HuggingFace {
		return usagef("--layout: %q is not a layout, expected original or hf", f.layout)
	}
	w := kernels.NewWorkers(f.threads)
	defer w.Close()
	bar := newProgress(env.stderr)
	err = synth.Write(ctx, w, n, f.out, synth.Options{DType: d, Layout: layout, Seed: f.seed, Sparse: f.sparse, Progress: bar.report})
	bar.finish()
	if err != nil {
		return err
	}
	if f.sparse {
		fmt.Fprintf(env.stdout, "%s: weights of zero in the shape of %s, %s\n", f.out, n.Name, f.dtype)
		return nil
	}
	fmt.Fprintf(env.stdout, "%s: random weights of %s, %s, seed %d\n", f.out, n.Name, f.dtype, f.seed)
	return nil
}
