package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"path/filepath"

	"github.com/spf13/cobra"

	"llavabench/eval/pictures"
	"llavabench/internal/imaging"
	"llavabench/internal/inspect"
	"llavabench/internal/rundir"
	"llavabench/reports"
	"llavabench/reports/page"
	"llavabench/reports/study"
	"llavabench/reports/tables"
	"llavabench/variants"
	"llavabench/variants/all"
)

type reportFlags struct {
	out        string
	title      string
	pictureMB  float64
	noPictures bool
	json       bool
}

func newReport(env *environment) *cobra.Command {
	var f reportFlags
	cmd := &cobra.Command{
		Use:   "report RUN... --out DIR",
		Short: "Make tables, figures and a page from run directories",
		Long: `report reads run directories (of 'llavabench eval') and writes to --out

  index.html   one page that needs nothing else: summary, tables that sort, figures, manifests, and a browser of the samples
               with pictures, tiles and the answers of all runs side by side; open it in any browser, no server is needed
  tables/      every table as Markdown, CSV, JSON, LaTeX (booktabs) and plain text
  figures/     every figure as SVG, PDF and PNG, 3.25 inches wide
  report.tex   a LaTeX document of all tables and figures
  index.json   what there is, and which figures are not drawn and why

No model is run. Pictures of the shipped suite are drawn again from their seed; others are read from where the run found
them (folders, zip files, tables), if they are still there and still the same. The same runs give the same files, byte for byte.

Accuracy comes with 95 % intervals. The best is set in bold only where it is better than the second by a paired test on the
same questions. Scores of public benchmarks by their owners' rules have a table of their own. What the papers state of the released
models stands beside them, marked as published and not measured, only where a run measured the same figure over the whole split;
a list of all published values of the benchmark follows.`,
		Example: `  llavabench report runs/llava15 runs/llava16 --out runs/report
  llavabench report runs/* --out report --title 'Resolution and small text' --picture-mb 60`,
		Args: cobra.MinimumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error { return execReport(cmd.Context(), env, f, args) },
	}
	fl := cmd.Flags()
	fl.StringVar(&f.out, "out", "", "`directory` of the report: new, empty, or that of an earlier report")
	fl.StringVar(&f.title, "title", "", "title of the page (default: made from the suites)")
	fl.Float64Var(&f.pictureMB, "picture-mb", 24, "`megabytes` of thumbnails that the page may hold; pictures beyond are left out")
	fl.BoolVar(&f.noPictures, "no-pictures", false, "leave the pictures out of the page")
	fl.BoolVar(&f.json, "json", false, "print the index of the report as JSON")
	_ = cmd.MarkFlagRequired("out")
	return cmd
}

func execReport(ctx context.Context, env *environment, f reportFlags, paths []string) error {
	if !(f.pictureMB >= 0 && f.pictureMB <= 1e4) {
		return usagef("--picture-mb is %v, expected 0 to 10000", f.pictureMB)
	}
	runs, err := reports.Load(paths)
	if err != nil {
		return err
	}
	for _, r := range runs {
		if want := r.Manifest.Suite.Items; len(r.Samples) < want {
			notice(env.stderr, "%s is not finished: %d of %d questions are answered", r.Path, len(r.Samples), want)
		}
	}
	bar := newProgress(env.stderr)
	var finder pictures.Finder
	defer finder.Close()
	o := reportOptions(ctx, &finder)
	o.Title, o.PictureBytes, o.Progress = f.title, int64(f.pictureMB*1e6), bar.report
	if f.noPictures {
		o.Picture = nil
	}
	index, err := reports.WriteAll(f.out, runs, o)
	bar.finish()
	if err != nil {
		return err
	}
	notices(env.stderr, index.Notes)
	if f.json {
		return printJSON(env, index)
	}
	return printReport(env, f.out, runs, index)
}

// reportOptions wires what reports do not know: how the pictures of a run are found again, and where views lie on them.
func reportOptions(ctx context.Context, finder *pictures.Finder) reports.Options {
	return reports.Options{Options: page.Options{
		PictureBytes: 24e6,
		Picture: func(m rundir.Manifest, s rundir.Sample) (*imaging.RGB, error) {
			if err := ctx.Err(); err != nil {
				return nil, err
			}
			img, err := finder.Of(m, s)
			if errors.Is(err, pictures.ErrNone) {
				err = page.ErrNoPicture
			}
			return img, err
		},
		Views: viewsOf,
	}}
}

// viewsOf lays a picture out as a run's system did.
func viewsOf(system rundir.System, size imaging.Size) ([]page.Region, error) {
	v, err := all.ByName(system.Variant)
	if err != nil {
		return nil, err
	}
	var o variants.Options
	if err := json.Unmarshal(system.Options, &o); err != nil {
		return nil, err
	}
	layout, err := v.Plan(o, size)
	if err != nil {
		return nil, err
	}
	var out []page.Region
	for _, r := range inspect.Overlay(layout) {
		out = append(out, page.Region{Kind: string(r.Kind), X: r.X, Y: r.Y, W: r.W, H: r.H})
	}
	return out, nil
}

// printReport prints the main table of every suite and where the report is.
func printReport(env *environment, out string, runs []reports.Run, index reports.Index) error {
	for _, s := range study.Group(runs) {
		fmt.Fprintf(env.stdout, "%s\n\n", s.Title())
		if err := tables.All(s)[0].Terminal(env.stdout); err != nil {
			return err
		}
		fmt.Fprintln(env.stdout)
	}
	fmt.Fprintf(env.stdout, "%d files in %s, the page is %s\n", len(index.Files)+1, out, filepath.Join(out, index.Page))
	return nil
}
