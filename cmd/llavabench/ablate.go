package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"llavabench/eval"
	"llavabench/eval/ablation"
	"llavabench/eval/pictures"
	"llavabench/eval/remote"
	"llavabench/internal/features"
	"llavabench/internal/imaging"
	"llavabench/internal/memory"
	"llavabench/internal/pipeline"
	"llavabench/internal/rundir"
	"llavabench/reports"
	"llavabench/reports/study"
)

type ablateFlags struct {
	out      string
	limit    int
	resume   bool
	dryRun   bool
	skip     bool
	share    bool
	features string
	picture  string
	threads  int
	batch    int
	memory   string
	report   bool
	json     bool
}

func newAblate(env *environment) *cobra.Command {
	var f ablateFlags
	cmd := &cobra.Command{
		Use:   "ablate SPEC.yaml --out DIR",
		Short: "Run a study: one thing varied at a time, compared with a baseline",
		Long: `ablate reads a study from a YAML file: the questions that are asked, a list of named cells (combinations of settings), or a
grid of values of which every combination is a cell, and the baseline that they are compared with. Everything that a run depends
on can be varied: the model, the generation, every setting of --set, weight types as a whole and by part, numerics, prompts,
temperature. docs/ablations.md describes the file, testdata/ablations holds studies of the shipped models.

Each cell is an ordinary run directory below --out, as 'llavabench eval' makes it; its manifest has the eval command that makes
it by itself, so that 'llavabench reproduce' can. At the end stands one table of all cells with paired differences to the
baseline, corrected for their number (Holm), the verdict on each claim of the file, and a report with tables and figures.

Cells that cannot be run are refused with the reason before anything is asked; --skip-impossible runs the others. --dry-run
lists the cells with the image tokens of a picture of --picture pixels. A broken study goes on with --resume: complete cells
are left alone.

Cells that show the same views to the same vision tower compute its features once: they are kept in a file below --out, which
is removed at the end. This changes no answer. Times of answers whose features were kept are left out; --share=false computes,
and times, everything.`,
		Example: `  llavabench ablate testdata/ablations/quantisation.yaml --out runs/quantisation
  llavabench ablate study.yaml --out runs/study --dry-run
  llavabench ablate study.yaml --out runs/study --resume`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error { return execAblate(cmd.Context(), env, f, args[0]) },
	}
	fl := cmd.Flags()
	fl.StringVar(&f.out, "out", "", "`directory` of the study")
	fl.IntVar(&f.limit, "limit", 0, "first `questions` only, instead of the file's limit")
	fl.BoolVar(&f.resume, "resume", false, "go on with the study that is in --out")
	fl.BoolVar(&f.dryRun, "dry-run", false, "list the cells, run nothing")
	fl.BoolVar(&f.skip, "skip-impossible", false, "leave out cells that cannot be run, and say so in the result")
	fl.BoolVar(&f.share, "share", true, "compute vision features that cells have in common once; never changes an answer")
	fl.StringVar(&f.features, "feature-limit", "2GiB", "`size` on disk that kept vision features may have")
	fl.StringVar(&f.picture, "picture", "1024x768", "`WxH` of the picture whose image tokens --dry-run shows, pixels")
	fl.IntVar(&f.threads, "threads", 0, "worker `threads` (default: one per core); never changes a result")
	fl.IntVar(&f.batch, "batch", 1, "`questions` that go through the decoder together: more is faster with large models, but times are then of the batch; never changes a result")
	fl.StringVar(&f.memory, "memory-limit", "", "memory that a run may take, a `size` such as 4GiB, or none (default: what the machine or its control group has)")
	fl.BoolVar(&f.report, "report", true, "also write the report (page, tables, figures) to the directory report below --out")
	fl.BoolVar(&f.json, "json", false, "print the result as JSON")
	_ = cmd.MarkFlagRequired("out")
	return cmd
}

// reportDir is the directory of the report, below that of the study; no cell may have its name.
const reportDir = "report"

func execAblate(ctx context.Context, env *environment, f ablateFlags, file string) error {
	size, err := parseSize(f.picture)
	if err != nil {
		return err
	}
	limit, err := memory.ParseSize(f.features)
	if err != nil {
		return usagef("--feature-limit: %v", err)
	}
	if f.limit < 0 {
		return usagef("--limit cannot be negative")
	}
	spec, err := ablation.Read(file)
	if err != nil {
		return err
	}
	if f.limit > 0 {
		spec.Suite.Limit = fmt.Sprint(f.limit)
	}
	plan, err := f.plan(ctx, env, spec, size)
	if err != nil {
		return err
	}
	if f.dryRun {
		return plan.print(env, f.json)
	}
	if err := plan.possible(f.skip); err != nil {
		return fmt.Errorf("%s: %w", file, err)
	}
	runs, failed := f.runAll(ctx, env, plan, limit)
	if runs == nil {
		return failed
	}
	return errors.Join(f.finish(ctx, env, plan.result(runs), runs), failed)
}

// A planned cell is one of the spec with what would come of it.
type planned struct {
	spec   ablation.Cell
	cell   cell
	tokens int // image tokens of the reference picture; 0 where they are not known
	views  int
	reason error // why it cannot be run; nil where it can
}

// A plan is a study before it is run.
type plan struct {
	spec  ablation.Spec
	size  imaging.Size
	cells []planned
}

// plan checks every cell without asking anything.
func (f ablateFlags) plan(ctx context.Context, env *environment, spec ablation.Spec, size imaging.Size) (plan, error) {
	p := plan{spec: spec, size: size}
	var cells []cell
	suites := map[string]error{} // why the questions cannot be asked, by the prompts: all else about them is the same in all cells
	bar := newProgress(env.stderr)
	defer bar.finish()
	for i, c := range spec.Cells {
		x := planned{spec: c, cell: cell{name: c.Name, args: spec.Args(c)}}
		for _, o := range []struct {
			flag  string
			value string
			given bool
		}{{"threads", fmt.Sprint(f.threads), f.threads != 0}, {"batch", fmt.Sprint(f.batch), true}, {"memory-limit", f.memory, f.memory != ""}} {
			if o.given {
				x.cell.args = append(x.cell.args, "--"+o.flag+"="+o.value)
			}
		}
		var ef evalFlags
		if ef, x.reason = parseEval(x.cell.args); x.reason == nil {
			if _, ok := suites[ef.prompts]; !ok {
				suites[ef.prompts] = probeSuite(ef)
			}
			x.reason = suites[ef.prompts]
		}
		if x.reason == nil {
			x.tokens, x.views, x.reason = probe(ctx, ef, size)
		}
		if ctx.Err() != nil {
			return plan{}, ctx.Err()
		}
		p.cells, cells = append(p.cells, x), append(cells, x.cell)
		bar.report("checking cells", i+1, len(spec.Cells))
	}
	if err := checkCells(append(cells, cell{name: reportDir})); err != nil {
		return plan{}, err
	}
	return p, nil
}

// probeSuite says why the questions of a run cannot be asked.
func probeSuite(f evalFlags) error {
	bench, err := f.official()
	if err != nil {
		return err
	}
	if bench != nil {
		defer bench.Dir.Close()
	}
	_, err = f.chosen(bench)
	return err
}

// probe opens what a run asks, without loading weights, and says why it cannot be run. A model on a server is not asked.
func probe(ctx context.Context, f evalFlags, size imaging.Size) (tokens, views int, err error) {
	if err := f.checkRun(); err != nil {
		return 0, 0, err
	}
	if strings.HasPrefix(f.model.path, remote.Prefix) {
		_, err := f.openRemote(eval.Suite{})
		return 0, 0, err
	}
	f.model.opts.Check = true
	p, err := f.model.open(ctx, nil, pipeline.Demand{Images: 1, Text: usualText, NewTokens: f.opts.MaxNewTokens})
	if err != nil {
		return 0, 0, err
	}
	defer p.Close()
	if _, err := p.Prompt(pipeline.Question{Text: "?", Images: 1, Template: f.opts.Template}); err != nil {
		return 0, 0, err
	}
	return p.Tokens(size)
}

// print lists the cells.
func (p plan) print(env *environment, asJSON bool) error {
	type row struct {
		Name     string `json:"name"`
		Settings string `json:"settings"`
		Tokens   int    `json:"image_tokens"`
		Views    int    `json:"views"`
		Reason   string `json:"impossible,omitempty"`
		Command  string `json:"command"`
	}
	var rows []row
	impossible := 0
	t := newTable(env.stdout, "cell", "settings that differ", "views", "image tokens")
	for _, c := range p.cells {
		r := row{c.spec.Name, p.spec.Differing(c.spec), c.tokens, c.views, "", c.cell.command("DIR")}
		tokens, views := fmt.Sprint(c.tokens), fmt.Sprint(c.views)
		if c.reason != nil {
			impossible++
			r.Reason, tokens, views = c.reason.Error(), "impossible", "-"
		} else if c.tokens == 0 {
			tokens, views = "-", "-"
		}
		rows = append(rows, r)
		t.row(r.Name, r.Settings, views, tokens)
	}
	if asJSON {
		return printJSON(env, rows)
	}
	fmt.Fprintf(env.stdout, "%s\n\n", orElse(p.spec.Title, "Study"))
	if err := t.print(); err != nil {
		return err
	}
	fmt.Fprintf(env.stdout, "\n%d cells, %d of them impossible; image tokens of a picture of %d x %d pixels. The first cell is the baseline.\n", len(p.cells), impossible, p.size.W, p.size.H)
	for _, c := range p.cells {
		if c.reason != nil {
			fmt.Fprintf(env.stdout, "%s: %v\n", c.spec.Name, c.reason)
		}
	}
	return nil
}

// possible refuses a plan with cells that cannot be run; with skip only one whose baseline, or every other cell, is of them.
func (p plan) possible(skip bool) error {
	var reasons []string
	able := 0
	for _, c := range p.cells {
		if c.reason != nil {
			reasons = append(reasons, fmt.Sprintf("%s: %v", c.spec.Name, c.reason))
		} else {
			able++
		}
	}
	switch {
	case len(reasons) == 0 || skip && p.cells[0].reason == nil && able > 1:
		return nil
	case skip:
		return fmt.Errorf("the baseline and at least one other cell must be possible: %s", strings.Join(reasons, "; "))
	}
	return fmt.Errorf("%d of %d cells cannot be run (--skip-impossible leaves them out): %s", len(reasons), len(p.cells), strings.Join(reasons, "; "))
}

// featuresFile is the file of kept vision features, below the study's directory.
const featuresFile = ".features"

// runAll makes the runs of all cells that can be run. With runs, an error is about cells without a single answer.
func (f ablateFlags) runAll(ctx context.Context, env *environment, p plan, limit int64) ([]study.Run, error) {
	if err := os.MkdirAll(f.out, 0o755); err != nil {
		return nil, err
	}
	lock, err := rundir.Lock(f.out)
	if err != nil {
		return nil, err
	}
	if lock != nil {
		defer lock.Close()
	}
	var cells []cell
	for _, c := range p.cells {
		if c.reason == nil {
			cells = append(cells, c.cell)
		}
	}
	inner := *env
	kept := filepath.Join(f.out, featuresFile)
	if f.share {
		store, err := features.Open(kept, revision(), limit)
		if err != nil {
			return nil, err
		}
		defer func() {
			if store.Err() != nil {
				notice(env.stderr, "vision features were not kept to the end: %v", store.Err())
			}
			store.Close()
		}()
		inner.features = store
	}
	runs, failed := runCells(ctx, &inner, f.out, cells, f.resume)
	if runs == nil {
		return nil, failed
	}
	if err := os.Remove(kept); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	return runs, failed
}

// finish writes the result and the report, and prints what came out.
func (f ablateFlags) finish(ctx context.Context, env *environment, result studyResult, runs []study.Run) error {
	if err := result.write(f.out); err != nil {
		return err
	}
	page := ""
	if f.report {
		bar := newProgress(env.stderr)
		var finder pictures.Finder
		defer finder.Close()
		o := reportOptions(ctx, &finder)
		o.Title, o.Intro, o.Baseline, o.Progress = orElse(result.Title, "Study"), result.lines(), true, bar.report
		index, err := reports.WriteAll(filepath.Join(f.out, reportDir), runs, o)
		bar.finish()
		if err != nil {
			return err
		}
		notices(env.stderr, index.Notes)
		page = filepath.Join(f.out, reportDir, index.Page)
	}
	if f.json {
		return printJSON(env, result)
	}
	if err := printCells(env, []study.Study{study.Against(runs)}, false); err != nil {
		return err
	}
	fmt.Fprintln(env.stdout)
	for _, line := range result.lines() {
		fmt.Fprintln(env.stdout, line)
	}
	if page != "" {
		fmt.Fprintf(env.stdout, "\nReport: %s\n", page)
	}
	return nil
}

// parseSize reads WxH.
func parseSize(text string) (imaging.Size, error) {
	var s imaging.Size
	if n, err := fmt.Sscanf(text, "%dx%d", &s.W, &s.H); err != nil || n != 2 || fmt.Sprintf("%dx%d", s.W, s.H) != text || s.W < 1 || s.H < 1 {
		return s, usagef("--picture: %q is not a size such as 1024x768", text)
	}
	return s, nil
}

func orElse(text, otherwise string) string {
	if text == "" {
		return otherwise
	}
	return text
}
