package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"llavabench/internal/checkpoint"
	"llavabench/internal/rundir"
	"llavabench/internal/shell"
	"llavabench/reports/study"
	"llavabench/reports/tables"
)

// A cell is one run of several over the same questions.
type cell struct {
	name string   // of its run directory, below that of all
	args []string // of the eval command that makes it by itself, but for --out: "--model", "DIR", ...
}

// maxCellName bounds the names of run directories, bytes.
const maxCellName = 100

// checkCells refuses names that are no directory of their own.
func checkCells(cells []cell) error {
	seen := map[string]string{}
	for _, c := range cells {
		if c.name == "" || len(c.name) > maxCellName || c.name[0] == '.' || strings.ContainsAny(c.name, `/\`) || study.Visible(c.name) != c.name || !filepath.IsLocal(c.name) {
			return fmt.Errorf("the name %q cannot be that of a run directory: expected up to %d visible characters without / and \\ and no . at the beginning", c.name, maxCellName)
		}
		fold := strings.ToLower(c.name) // some file systems take both for one
		if other, ok := seen[fold]; ok {
			return fmt.Errorf("two runs would write to %q and %q: give them different names", other, c.name)
		}
		seen[fold] = c.name
	}
	return nil
}

// runCells makes the runs of the cells one after the other into directories of their names in out, and reads them. With resume
// it goes on with what is there, and leaves complete runs alone. A cell of which no question is answered does not stop the
// others; the error says so in the end.
func runCells(ctx context.Context, env *environment, out string, cells []cell, resume bool) ([]study.Run, error) {
	if err := checkCells(cells); err != nil {
		return nil, err
	}
	var runs []study.Run
	var none []error
	told := map[string]bool{}
	for i, c := range cells {
		dir := filepath.Join(out, c.name)
		if !resume || !c.complete(dir) {
			inner := *env
			inner.label, inner.told = c.name, told
			if len(cells) > 1 {
				inner.label = fmt.Sprintf("%s (%d of %d)", c.name, i+1, len(cells))
			}
			if err := c.run(ctx, &inner, dir, resume); err != nil && !errors.As(err, new(noAnswerError)) {
				return nil, fmt.Errorf("%s: %w", c.name, err)
			}
		}
		r, err := study.Load(dir)
		if err != nil {
			return nil, err
		}
		if r.Failed() == len(r.Samples) {
			none = append(none, fmt.Errorf("%s: %w", c.name, noAnswerError{len(r.Samples), r.Samples[0]}))
		}
		r.Name = c.name
		runs = append(runs, r)
	}
	return runs, errors.Join(none...)
}

// command is the command line that makes the cell's run in dir.
func (c cell) command(dir string) string {
	return shell.Line(append(append([]string{"llavabench", "eval"}, c.args...), "--out", dir))
}

// run makes the cell's run, as the eval command of its arguments does.
func (c cell) run(ctx context.Context, env *environment, dir string, resume bool) error {
	outer := env.args
	env.args, env.stdout = append(append([]string{"eval"}, c.args...), "--out", dir), io.Discard
	if _, err := os.Stat(filepath.Join(dir, "manifest.json")); resume && err == nil {
		env.args = append(env.args, "--resume")
	}
	root := newRoot(env)
	root.SetArgs(env.args)
	root.SetOut(io.Discard)
	root.SetErr(env.stderr)
	err := root.ExecuteContext(ctx)
	var stopped interruptedError
	if errors.As(err, &stopped) {
		stopped.args = outer
		return stopped
	}
	return err
}

// harmless are the flags of eval that decide no answer.
var harmless = []string{"out", "resume", "threads", "batch", "no-share", "memory-limit", "prefill-chunk", "strict", "verify", "limits", "json", "key-env"}

// complete reports whether dir holds the whole run of the cell. Where that is not certain, because the command line is another
// or a file is newer than the run, eval finds out.
func (c cell) complete(dir string) bool {
	m, err := rundir.ReadManifest(dir)
	if err != nil || m.Ended == nil || len(m.Command) < 2 {
		return false
	}
	then, now := newEval(&environment{}), newEval(&environment{})
	if then.ParseFlags(m.Command[2:]) != nil || now.ParseFlags(c.args) != nil || !slices.Equal(flagArgs(then.Flags(), harmless), flagArgs(now.Flags(), harmless)) {
		return false
	}
	older := func(path string, size int64) bool {
		info, err := os.Stat(path)
		return err == nil && info.ModTime().Before(*m.Ended) && (size < 0 || info.Size() == size)
	}
	if file := now.Flag("questions").Value.String(); file != "" && !older(file, -1) {
		return false
	}
	if len(m.System.Files) == 0 {
		return true
	}
	model, err := checkpoint.Resolve(m.System.Model, nil)
	if err != nil {
		return false
	}
	return !slices.ContainsFunc(m.System.Files, func(f rundir.File) bool {
		return !older(filepath.Join(model, filepath.FromSlash(f.Name)), f.Size)
	})
}

// printCells prints the runs of each study side by side, compared with its first.
func printCells(env *environment, studies []study.Study, asJSON bool) error {
	for i, s := range studies {
		s.Baseline = true
		t := tables.Comparison(s)
		if asJSON {
			if err := t.JSON(env.stdout); err != nil {
				return err
			}
			continue
		}
		if i > 0 {
			fmt.Fprintln(env.stdout)
		}
		fmt.Fprintf(env.stdout, "%s: accuracy with 95 %% intervals, paired differences to %s\n\n", s.Title(), s.Runs[0].Name)
		if err := t.Terminal(env.stdout); err != nil {
			return err
		}
		for _, n := range t.Notes {
			fmt.Fprintf(env.stdout, "%s\n", n)
		}
	}
	return nil
}
