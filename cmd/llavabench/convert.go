package main

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"

	"llavabench/internal/checkpoint"
)

type convertFlags struct {
	model, base, delta, out string
	shardGB                 float64
}

func newConvert(env *environment) *cobra.Command {
	var f convertFlags
	cmd := &cobra.Command{
		Use:   "convert (--base B --delta D | --model M) --out DIR",
		Short: "Apply a delta release, or rewrite PyTorch files as safetensors",
		Long: `convert writes a new checkpoint directory.

With --base and --delta it adds a delta release of LLaVA-1 (LLaVA-7b-delta-v0, LLaVA-13b-delta-v1-1, ...) to the original LLaMA
weights, in the layout of the transformers library, as the reference's apply_delta does: in float16, rounded once.

With --model it copies a checkpoint's tensors, unchanged, from PyTorch files to safetensors.

Configuration and tokenizer files go along. The output directory appears when it is complete.`,
		Example: `  llavabench convert --base llama-7b --delta liuhaotian/LLaVA-7b-delta-v0 --out llava-7b-v0
  llavabench convert --model liuhaotian/llava-v1.5-7b --out llava-v1.5-7b`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return execConvert(cmd.Context(), env, f) },
	}
	fl := cmd.Flags()
	fl.StringVar(&f.base, "base", "", "`directory` or hub name of the LLaMA weights")
	fl.StringVar(&f.delta, "delta", "", "`directory` or hub name of the delta release")
	fl.StringVar(&f.model, "model", "", "`directory` or hub name of a checkpoint to rewrite")
	fl.StringVar(&f.out, "out", "", "new `directory`")
	fl.Float64Var(&f.shardGB, "shard-gb", 5, "largest file in `GB`; 0 writes one file")
	_ = cmd.MarkFlagRequired("out")
	return cmd
}

func execConvert(ctx context.Context, env *environment, f convertFlags) error {
	delta := f.base != "" || f.delta != ""
	switch {
	case delta == (f.model != ""):
		return usagef("give either --base B and --delta D, or --model M")
	case delta && (f.base == "" || f.delta == ""):
		return usagef("--base and --delta go together")
	case !(f.shardGB >= 0):
		return usagef("--shard-gb is %v, expected 0 or more", f.shardGB)
	}
	bar := newProgress(env.stderr)
	o := checkpoint.ConvertOptions{
		MaxShardBytes: int64(f.shardGB * 1e9),
		Progress:      func(done, total int64) { bar.report("writing MB", int(done/1e6), int(total/1e6)) },
	}
	var err error
	if delta {
		err = checkpoint.ApplyDelta(ctx, f.base, f.delta, f.out, o)
	} else {
		err = checkpoint.Convert(ctx, f.model, f.out, o)
	}
	bar.finish()
	if err != nil {
		return err
	}
	fmt.Fprintf(env.stdout, "%s: written\n", f.out)
	return nil
}
