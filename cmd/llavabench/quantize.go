package main

import (
	"context"
	"fmt"
	"slices"

	"github.com/spf13/cobra"

	"llavabench/internal/checkpoint"
	"llavabench/internal/quantize"
	"llavabench/kernels"
)

type quantizeFlags struct {
	model, vision, out string
	opts               quantize.Options
	threads            int
	shardGB            float64
	json               bool
}

func newQuantize(env *environment) *cobra.Command {
	var f quantizeFlags
	cmd := &cobra.Command{
		Use:   "quantize --model M --dtype TYPE --out DIR",
		Short: "Write a checkpoint with its matrices in 8 or 4 bits, or another 16-bit type",
		Long: `quantize writes a new checkpoint with the matrices of the linear layers in another type, and prints what each tensor lost.
Norms, biases, embeddings and the head keep a float type.

  q8      8 bits per weight, one fp16 scale for 128 weights of a row; activations are rounded to 8 bits per token
  q4      4 bits per weight in the decoder's MLPs, one fp16 scale for 32 weights of a row; attention, projector and vision
          tower lose the most from few bits and keep 8
  q4g64   the same with groups of 64
  q4-all, q4g64-all   4 bits in every linear layer: the smallest, and clearly less exact
  bf16, f16   rounded to nearest even; bf16 is what --numerics bf16 needs

The result is self-contained (the vision tower is inside), mapped when it is used, and accepted by every command.`,
		Example: `  llavabench quantize --model liuhaotian/llava-v1.5-7b --dtype q4 --keep-vision f16 --out llava-7b-q4`,
		Args:    cobra.NoArgs,
		RunE:    func(cmd *cobra.Command, _ []string) error { return execQuantize(cmd.Context(), env, f) },
	}
	fl := cmd.Flags()
	fl.StringVar(&f.model, "model", "", "checkpoint `directory`, or a name in the hub cache")
	fl.StringVar(&f.vision, "vision-dir", "", "`directory` of the CLIP tower, for checkpoints that lack one")
	fl.StringVar(&f.opts.Matrices, "dtype", "", "`type` of the matrices: q8, q4, q4g64, q4-all, q4g64-all, f16 or bf16")
	fl.StringVar(&f.opts.KeepVision, "keep-vision", "", "float `type` of vision tower and projector: f16, bf16 or f32 (default: 8 bits, or 4 with -all)")
	fl.StringVar(&f.out, "out", "", "new `directory`")
	fl.IntVar(&f.threads, "threads", 0, "worker `threads` (default: one per core); never changes the bytes")
	fl.Float64Var(&f.shardGB, "shard-gb", 5, "largest file in `GB`; 0 writes one file")
	fl.BoolVar(&f.json, "json", false, "print the errors of all tensors as JSON")
	for _, name := range []string{"model", "dtype", "out"} {
		_ = cmd.MarkFlagRequired(name)
	}
	return cmd
}

func execQuantize(ctx context.Context, env *environment, f quantizeFlags) error {
	if !(f.shardGB >= 0) {
		return usagef("--shard-gb is %v, expected 0 or more", f.shardGB)
	}
	if err := kernels.Init(); err != nil {
		return err
	}
	ckpt, err := checkpoint.Open(f.model, checkpoint.OpenOptions{VisionDir: f.vision})
	if err != nil {
		return err
	}
	defer ckpt.Close()
	w := kernels.NewWorkers(f.threads)
	defer w.Close()
	bar := newProgress(env.stderr)
	f.opts.MaxShardBytes, f.opts.Progress = int64(f.shardGB*1e9), bar.report
	errs, err := quantize.Write(ctx, w, ckpt, f.out, f.opts)
	bar.finish()
	if err != nil {
		return err
	}
	if f.json {
		return printJSON(env, errs)
	}
	const worst = 12
	sorted := slices.Clone(errs)
	slices.SortStableFunc(sorted, func(a, b quantize.Error) int {
		switch {
		case a.Cosine < b.Cosine:
			return -1
		case a.Cosine > b.Cosine:
			return 1
		}
		return 0
	})
	fmt.Fprintf(env.stdout, "%s: %d matrices converted to %s; those that changed most:\n\n", f.out, len(errs), f.opts.Matrices)
	t := newTable(env.stdout, "tensor", "type", "largest error", "RMS error", "cosine")
	for _, e := range sorted[:min(worst, len(sorted))] {
		t.row(e.Tensor, e.Type, fmt.Sprintf("%.3g", e.Max), fmt.Sprintf("%.3g", e.RMS), fmt.Sprintf("%.6f", e.Cosine))
	}
	return t.print()
}
