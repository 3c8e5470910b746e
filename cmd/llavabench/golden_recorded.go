package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"llavabench/internal/goldens/recorded"
	"llavabench/internal/rundir"
	"llavabench/kernels"
)

type recordFlags struct {
	c     recorded.Case
	name  string
	isas  []string
	force bool
}

func newGoldenRecord(env *environment) *cobra.Command {
	var f recordFlags
	cmd := &cobra.Command{
		Use:   "record DIR --name NAME --model M [--image F]... --prompt T",
		Short: "Keep what a model gives now as a golden",
		Long: `record answers one question and writes DIR/NAME.json: the token ids exactly, and of every intermediate tensor (pixels, each
layer of the tower and of the decoder, logits of the prompt and of each step) the digest, digests of ranges of its rows, and
a few values. The same bits are promised on every instruction set, so all that this machine has are tried, and one golden
holds for them all.

'golden verify DIR' runs the cases again; 'golden update DIR' shows what moved and accepts it. With --tolerance T a tensor may
move as long as no kept value does by more than T; without, its digest must stay.

Model and pictures are kept relative to DIR.`,
		Example: `  llavabench golden record goldens --name llava16-q8 --model testdata/models/llava16 --dtype q8 --image testdata/images/square.png --prompt 'What is written on the sign?'
  llavabench golden record goldens --name big --model llava-hf/llava-1.5-7b-hf --image photo.jpg --prompt 'What is this?' --values 256 --tolerance 1e-4`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return execGoldenRecord(cmd.Context(), env, f, args[0])
		},
	}
	fl := cmd.Flags()
	fl.StringVar(&f.name, "name", "", "`name` of the golden")
	fl.StringVar(&f.c.Model, "model", "", "checkpoint `directory`, or a name in the hub cache such as org/name")
	fl.StringVar(&f.c.Variant, "variant", "", "generation (default: what the checkpoint is)")
	fl.StringArrayVar(&f.c.Set, "set", nil, "change a setting of the variant, `name=value`; repeat for several")
	fl.StringVar(&f.c.Weights, "dtype", "", "weight `type` (default: as stored)")
	fl.StringVar(&f.c.KV, "kv-dtype", "", "`type` of the key-value cache (default: f32)")
	fl.StringVar(&f.c.Numerics, "numerics", "", "numeric `profile`: f32 or bf16 (default: f32)")
	fl.StringArrayVar(&f.c.Images, "image", nil, "picture `file`; repeat for several")
	fl.StringVar(&f.c.Prompt, "prompt", "", "the question")
	fl.IntSliceVar(&f.c.InputIDs, "input-ids", nil, "comma-separated token `ids` instead of a prompt; -200 is a picture")
	fl.IntVar(&f.c.MaxNewTokens, "max-new-tokens", 8, "`tokens` to generate at most")
	fl.IntVar(&f.c.Values, "values", 8, "`number` of values to keep of each tensor")
	fl.Float64Var(&f.c.Tolerance, "tolerance", 0, "how `far` kept values may move, absolutely (default: the digest must stay)")
	fl.StringArrayVar(&f.isas, "isa", nil, "instruction `set` to try; repeat for several (default: all of this machine)")
	fl.BoolVar(&f.force, "force", false, "replace a golden of this name")
	for _, name := range []string{"name", "model"} {
		_ = cmd.MarkFlagRequired(name)
	}
	return cmd
}

func execGoldenRecord(ctx context.Context, env *environment, f recordFlags, dir string) error {
	if f.name == "" || strings.ContainsAny(f.name, `/\`) || !filepath.IsLocal(f.name) {
		return usagef("--name: %q is no name for a file", f.name)
	}
	path := filepath.Join(dir, f.name+".json")
	if _, err := os.Stat(path); err == nil && !f.force {
		return fmt.Errorf("%s is there already: 'golden update' accepts what moved, --force replaces it", path)
	}
	if _, err := recorded.Names(dir); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	var err error
	if info, e := os.Stat(f.c.Model); e == nil && info.IsDir() {
		if f.c.Model, err = rundir.NameFrom(dir, f.c.Model); err != nil {
			return err
		}
	}
	for i := range f.c.Images {
		if f.c.Images[i], err = rundir.NameFrom(dir, f.c.Images[i]); err != nil {
			return err
		}
	}
	result, err := onEveryISA(ctx, dir, f.name, f.c, f.isas, 0)
	if err != nil {
		return err
	}
	if err := recorded.Write(path, recorded.Golden{Case: f.c, Result: result}); err != nil {
		return err
	}
	fmt.Fprintf(env.stdout, "%s: %d tensors, %d generated ids\n", path, len(result.Tensors), len(result.OutputIDs))
	return nil
}

// onEveryISA answers a case on each instruction set and refuses results that are not the same.
func onEveryISA(ctx context.Context, dir, name string, c recorded.Case, isas []string, threads int) (recorded.Result, error) {
	if len(isas) == 0 {
		isas = kernels.ISAs()
	}
	var first recorded.Result
	for i, isa := range isas {
		r, err := recorded.Run(ctx, dir, c, isa, threads)
		if err != nil {
			return r, fmt.Errorf("%s: %w", filepath.Join(dir, name+".json"), err)
		}
		if i == 0 {
			first = r
		} else if d := recorded.Compare(first, r, 0); d.Failed {
			return r, fmt.Errorf("%s: %s does not give the bits of %s: %s", name, isa, isas[0], strings.Join(d.Lines, "; "))
		}
	}
	return first, nil
}

func newGoldenUpdate(env *environment) *cobra.Command {
	var only, isas []string
	cmd := &cobra.Command{
		Use:   "update DIR",
		Short: "Show what moved since goldens were recorded, and accept it",
		Long: `update answers every case of a directory of recorded goldens again, prints what moved, and writes what comes out now in its
place. Look at the difference before you commit it: the first tensor that moved is where to look.`,
		Example: `  llavabench golden update testdata/golden
  llavabench golden update testdata/golden --only llava16-q8`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			dir := args[0]
			names, err := recordedNames(dir, only)
			if err != nil {
				return err
			}
			moved := 0
			for _, name := range names {
				path := filepath.Join(dir, name+".json")
				g, err := recorded.Read(path)
				if err != nil {
					return err
				}
				result, err := onEveryISA(cmd.Context(), dir, name, g.Case, isas, 0)
				if err != nil {
					return err
				}
				d := recorded.Compare(g.Result, result, 0)
				if len(d.Lines) == 0 {
					continue
				}
				moved++
				printDiff(env, name, "", d)
				if err := recorded.Write(path, recorded.Golden{Case: g.Case, Result: result}); err != nil {
					return err
				}
			}
			fmt.Fprintf(env.stdout, "%d goldens, %d moved and accepted\n", len(names), moved)
			return nil
		},
	}
	cmd.Flags().StringArrayVar(&only, "only", nil, "update only this `golden`; repeat for several")
	cmd.Flags().StringArrayVar(&isas, "isa", nil, "instruction `set` to run; repeat for several (default: all of this machine)")
	return cmd
}

// recordedNames are the goldens of a directory that are asked for.
func recordedNames(dir string, only []string) ([]string, error) {
	names, err := recorded.Names(dir)
	if err != nil {
		return nil, err
	}
	if len(names) == 0 {
		return nil, fmt.Errorf("%s holds no recorded goldens: 'golden record' makes them", dir)
	}
	for _, name := range only {
		if !slices.Contains(names, name) {
			return nil, usagef("--only: %s has no golden %q, expected one of %s", dir, name, strings.Join(names, ", "))
		}
	}
	if len(only) > 0 {
		return only, nil
	}
	return names, nil
}

func printDiff(env *environment, name, isa string, d recorded.Diff) {
	if isa != "" {
		name += " (" + isa + ")"
	}
	fmt.Fprintf(env.stdout, "%s:\n", name)
	for _, line := range d.Lines {
		fmt.Fprintf(env.stdout, "  %s\n", line)
	}
}

// A recordedReport is what verify prints of recorded goldens with --json.
type recordedReport struct {
	Dir     string         `json:"dir"`
	Checked int            `json:"checked"` // cases times instruction sets
	Failed  int            `json:"failed"`
	Cases   []recordedCase `json:"cases"`
}

type recordedCase struct {
	Name string `json:"name"`
	ISA  string `json:"isa"`
	recorded.Diff
}

// verifyRecorded checks recorded goldens on every instruction set.
func verifyRecorded(ctx context.Context, env *environment, f goldenFlags, bar *progress, dir string) error {
	names, err := recordedNames(dir, f.opts.Only)
	if err != nil {
		return err
	}
	isas := f.isas
	if len(isas) == 0 {
		isas = kernels.ISAs()
	}
	report := recordedReport{Dir: dir, Cases: []recordedCase{}}
	for i, name := range names {
		g, err := recorded.Read(filepath.Join(dir, name+".json"))
		if err != nil {
			return err
		}
		for _, isa := range isas {
			r, err := recorded.Run(ctx, dir, g.Case, isa, f.opts.Threads)
			if err != nil {
				return fmt.Errorf("%s: %w", filepath.Join(dir, name+".json"), err)
			}
			d := recorded.Compare(g.Result, r, max(g.Case.Tolerance, f.tolerance))
			report.Checked++
			if d.Failed {
				report.Failed++
			}
			report.Cases = append(report.Cases, recordedCase{name, isa, d})
		}
		bar.report("goldens", i+1, len(names))
	}
	bar.finish()
	if f.json {
		err = printJSON(env, report)
	} else {
		for _, c := range report.Cases {
			if c.Failed || f.verbose && len(c.Lines) > 0 {
				printDiff(env, c.Name, c.ISA, c.Diff)
			}
		}
		_, err = fmt.Fprintf(env.stdout, "%d goldens on %s: %d checked, %d failed\n", len(names), strings.Join(isas, ", "), report.Checked, report.Failed)
	}
	if err == nil && report.Failed > 0 {
		err = fmt.Errorf("%s: %d of %d checks failed; if that is meant, 'llavabench golden update %s' accepts it", dir, report.Failed, report.Checked, dir)
	}
	return err
}
