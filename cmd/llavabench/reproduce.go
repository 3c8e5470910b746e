package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"llavabench/eval/remote"
	"llavabench/internal/checkpoint"
	"llavabench/internal/rundir"
	"llavabench/reports/compare"
)

type reproduceFlags struct {
	model     string
	questions string
	images    string
	data      string
	out       string
	threads   int
	check     bool
}

func newReproduce(env *environment) *cobra.Command {
	var f reproduceFlags
	cmd := &cobra.Command{
		Use:   "reproduce RUN/manifest.json",
		Short: "Check that model, data and code are those of a run, run it again and prove equal outputs",
		Long: `reproduce takes a run directory (or its manifest.json) and
1. checks the size and SHA-256 of every file of the model and of the data, and says which are not the same;
2. says whether the code and the machine are the same (other ones may not change an answer; that is what is tested);
3. runs it again from the command line in the manifest, after checking that this gives the very settings in the manifest;
4. compares the new samples.jsonl with the old one byte by byte. The exit code is 0 only when they are equal, and the first
   sample that is not, is shown.

Model and data are looked for beside the run first: in a copy of a whole directory tree, the files of the copy are used.
Then they are taken from where they were. --model-dir, --questions, --images and --data say it outright.`,
		Example: `  llavabench reproduce runs/sight/manifest.json
  llavabench reproduce runs/pope --model-dir /models/llava-v1.5-7b --images /data/coco/val2014
  llavabench reproduce runs/sight --check`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return execReproduce(cmd.Context(), env, f, args[0], cmd.Flags().Changed("threads"))
		},
	}
	fl := cmd.Flags()
	fl.StringVar(&f.model, "model-dir", "", "`directory` of the model")
	fl.StringVar(&f.questions, "questions", "", "`file` of the questions")
	fl.StringVar(&f.images, "images", "", "`directory` of the pictures")
	fl.StringVar(&f.data, "data", "", "`directory` of a suite's official files")
	fl.StringVar(&f.out, "out", "", "keep the new run in this `directory` (default: none is kept)")
	fl.IntVar(&f.threads, "threads", 0, "worker `threads` (default: as in the run); never changes a result")
	fl.BoolVar(&f.check, "check", false, "only check the files, run nothing")
	return cmd
}

func execReproduce(ctx context.Context, env *environment, f reproduceFlags, arg string, threads bool) error {
	run := arg
	if filepath.Base(arg) == "manifest.json" {
		run = filepath.Dir(arg)
	}
	m, err := rundir.ReadManifest(run)
	if err != nil {
		return err
	}
	if strings.HasPrefix(m.System.Model, remote.Prefix) {
		return fmt.Errorf("%s was asked behind a server: nothing can be checked about it, and it need not answer alike twice; 'llavabench compare' compares two runs", m.System.Model)
	}
	again, err := invocationOf(m)
	if err != nil {
		return fmt.Errorf("%s: %w", arg, err)
	}
	if err := again.relocate(run, m, f); err != nil {
		return err
	}
	if threads {
		again.set("threads", fmt.Sprint(f.threads))
	}
	bar := newProgress(env.stderr)
	defer bar.finish()
	if err := checkFiles(ctx, env, again, run, m, bar); err != nil {
		return err
	}
	bar.finish()
	if f.check {
		return nil
	}
	return again.reproduce(ctx, env, run, m, f.out)
}

// An invocation is the command line of a run, flag by flag.
type invocation struct {
	flags *pflag.FlagSet // of eval, as given
}

// invocationOf parses the command line in a manifest.
func invocationOf(m rundir.Manifest) (*invocation, error) {
	if len(m.Command) < 2 || m.Command[1] != "eval" {
		return nil, fmt.Errorf("command is %q, expected one of llavabench eval", strings.Join(m.Command, " "))
	}
	cmd := newEval(&environment{})
	if err := cmd.ParseFlags(m.Command[2:]); err != nil {
		return nil, fmt.Errorf("command %q: %w", strings.Join(m.Command, " "), err)
	}
	v := &invocation{cmd.Flags()}
	if _, variant := splitVariant(v.get("model")); variant != "" {
		if err := v.flags.Set("variant", variant); err != nil { // MODEL=VARIANT, of which relocate keeps the model
			return nil, err
		}
	}
	if strings.Contains(v.get("suite"), ",") { // each of several suites has a run of its own
		v.set("suite", m.Suite.Name)
	}
	return v, nil
}

// get is the value of a flag that was given; "" where it was not.
func (v *invocation) get(name string) string {
	flag := v.flags.Lookup(name)
	if flag == nil || !flag.Changed {
		return ""
	}
	if list, ok := flag.Value.(pflag.SliceValue); ok {
		return strings.Join(list.GetSlice(), ",")
	}
	return flag.Value.String()
}

// set gives a flag one value.
func (v *invocation) set(name, value string) {
	flag := v.flags.Lookup(name)
	if flag == nil {
		return
	}
	flag.Changed = true
	if list, ok := flag.Value.(pflag.SliceValue); ok {
		_ = list.Replace([]string{value}) // texts are always accepted
		return
	}
	_ = flag.Value.Set(value) // of the flag's own type
}

// args is the command line.
func (v *invocation) args() []string {
	aboutFirst := []string{"out", "resume", "answers", "submission", "json", "verify", "limits"}
	return append([]string{"eval"}, flagArgs(v.flags, aboutFirst)...)
}

// relocate finds where the model and the data are now.
func (v *invocation) relocate(run string, m rundir.Manifest, f reproduceFlags) error {
	isDir := func(path string) bool { info, err := os.Stat(path); return err == nil && info.IsDir() }
	isModel := func(path string) bool { _, err := os.Stat(filepath.Join(path, "config.json")); return err == nil }
	exists := func(path string) bool { _, err := os.Stat(path); return err == nil }
	v.set("model", m.System.Model)
	for _, p := range []struct {
		flag, given string
		check       func(string) bool
	}{{"model", f.model, isModel}, {"vision-dir", "", isDir}, {"tokenizer", "", exists}, {"questions", f.questions, exists}, {"images", f.images, isDir}, {"data", f.data, exists}} {
		old := v.get(p.flag)
		switch {
		case p.given != "":
			if v.flags.Lookup(p.flag) == nil || old == "" {
				return usagef("--%s: the run was made without it", p.flag)
			}
			v.set(p.flag, p.given)
		case old != "":
			v.set(p.flag, rundir.Relocate(run, old, p.check))
		}
	}
	return nil
}

// maxProblems bounds how many files that are not the same are listed.
const maxProblems = 20

// checkFiles compares the files of the model and of the data with the manifest, before anything is opened.
func checkFiles(ctx context.Context, env *environment, v *invocation, run string, m rundir.Manifest, bar *progress) error {
	dir, err := checkpoint.Resolve(v.get("model"), nil)
	if err != nil {
		return fmt.Errorf("model: %w (--model-dir says where it is)", err)
	}
	type file struct {
		rundir.File
		path string
	}
	var files []file
	for _, f := range m.System.Files {
		path := filepath.Join(dir, filepath.FromSlash(f.Name))
		// A tower or tokenizer may lie elsewhere; anything else outside the model is no business of a manifest.
		if home := filepath.Dir(path); !filepath.IsLocal(filepath.FromSlash(f.Name)) && home != filepath.Clean(v.get("tokenizer")) {
			if _, err := os.Stat(filepath.Join(home, "config.json")); err != nil {
				return fmt.Errorf("%s: the file %q leads out of the model's directory", filepath.Join(run, "manifest.json"), f.Name)
			}
		}
		files = append(files, file{f, path})
	}
	for i, f := range m.Data {
		if i > 0 && !filepath.IsLocal(filepath.FromSlash(f.Name)) {
			return fmt.Errorf("%s: the picture %q leads out of the directory of pictures", filepath.Join(run, "manifest.json"), f.Name)
		}
		path := filepath.Join(v.get("images"), filepath.FromSlash(f.Name))
		switch data := v.get("data"); {
		case data != "":
			path = filepath.Join(data, filepath.FromSlash(f.Name))
		case i == 0:
			path = v.get("questions")
		}
		files = append(files, file{f, path})
	}
	var problems []string
	for i, f := range files {
		problem, err := f.Check(ctx, f.path)
		if err != nil {
			return err
		}
		if problem != "" {
			problems = append(problems, problem)
		}
		bar.report("digests", i+1, len(files))
	}
	bar.finish()
	if n := len(problems); n > 0 {
		if n > maxProblems {
			problems = append(problems[:maxProblems], fmt.Sprintf("and %d more", n-maxProblems))
		}
		return fmt.Errorf("not reproducible: the files are not those of the run in %s: %s", run, strings.Join(problems, "; "))
	}
	fmt.Fprintf(env.stdout, "model: %s, %d files, sizes and SHA-256 as in the run\n", dir, len(m.System.Files))
	switch data := v.get("data"); {
	case data != "":
		fmt.Fprintf(env.stdout, "data: %s, %d files, sizes and SHA-256 as in the run\n", data, len(m.Data))
	case len(m.Data) > 0:
		fmt.Fprintf(env.stdout, "data: %s and %d pictures, sizes and SHA-256 as in the run\n", v.get("questions"), len(m.Data)-1)
	default:
		fmt.Fprintf(env.stdout, "data: %s, drawn by the program\n", m.Suite.Name)
	}
	return nil
}

// errDifferent says that the settings do not come out as in the manifest.
var errDifferent = errors.New("not reproducible")

// reproduce runs the command again and compares.
func (v *invocation) reproduce(ctx context.Context, env *environment, run string, m rundir.Manifest, out string) error {
	if out == "" {
		dir, err := os.MkdirTemp("", "llavabench-reproduce-")
		if err != nil {
			return err
		}
		defer os.RemoveAll(dir)
		out = filepath.Join(dir, "run")
	}
	var quiet bytes.Buffer
	args := append(v.args(), "--out="+out)
	inner := &environment{stdin: env.stdin, stdout: &quiet, stderr: env.stderr, args: args, manifest: func(now rundir.Manifest) error {
		return sayDifferences(env.stdout, m, now)
	}}
	root := newRoot(inner)
	root.SetArgs(args)
	root.SetOut(io.Discard)
	root.SetErr(env.stderr)
	if err := root.ExecuteContext(ctx); err != nil {
		return err
	}
	return sameSamples(env, run, out)
}

// sayDifferences prints what is not the same about code and machine, and refuses other settings.
func sayDifferences(w io.Writer, old, now rundir.Manifest) error {
	if d := rundir.Results(old, now); len(d) > 0 {
		var list []string
		for _, x := range d {
			list = append(list, fmt.Sprintf("%s is %s in the manifest, but what its command gives is %s", x.Path, absent(x.Base), absent(x.New)))
		}
		return fmt.Errorf("%w: %s", errDifferent, strings.Join(list, "; "))
	}
	fmt.Fprintln(w, "settings: as in the run")
	code, machine := []string{}, []string{}
	for _, x := range rundir.Circumstances(old, now) {
		line := fmt.Sprintf("%s was %s, is %s", strings.TrimPrefix(x.Path, "machine."), absent(x.Base), absent(x.New))
		switch x.Path {
		case "system.model":
		case "machine.revision", "machine.go":
			code = append(code, line)
		default:
			machine = append(machine, line)
		}
	}
	switch rev := old.Machine.Revision; {
	case len(code) > 0:
		fmt.Fprintf(w, "code: not the same: %s\n", strings.Join(code, "; "))
	case rev == "" || strings.HasSuffix(rev, "-dirty"):
		fmt.Fprintf(w, "code: revision %s on both sides, which does not say that the code is the same\n", absent(rev))
	default:
		fmt.Fprintf(w, "code: the same, revision %s\n", rev)
	}
	if len(machine) > 0 {
		fmt.Fprintf(w, "machine: not the same, which may not change an answer: %s\n", strings.Join(machine, "; "))
	} else {
		fmt.Fprintln(w, "machine: the same")
	}
	return nil
}

func absent(s string) string {
	if s == "" || s == `""` {
		return "unknown"
	}
	return s
}

// sameSamples proves that two runs recorded the same bytes, or shows the first difference.
func sameSamples(env *environment, run, again string) error {
	a, err := rundir.HashFile(context.Background(), filepath.Join(run, rundir.SamplesFile), rundir.SamplesFile)
	if err != nil {
		return err
	}
	b, err := rundir.HashFile(context.Background(), filepath.Join(again, rundir.SamplesFile), rundir.SamplesFile)
	if err != nil {
		return err
	}
	if a == b {
		fmt.Fprintf(env.stdout, "reproduced: samples.jsonl is the same, %d bytes of SHA-256 %s\n", a.Size, a.SHA256)
		return nil
	}
	c, err := compare.Runs(run, again)
	if err != nil {
		return fmt.Errorf("not reproduced: %w", err)
	}
	var found []string
	for _, o := range c.Outputs {
		if len(o.Differ) > 0 {
			d := o.Differ[0]
			found = append(found, fmt.Sprintf("%s in %d of %d samples, first in %q: %s", o.Kind, len(o.Differ), o.Compared, d.ID, compare.Arrow(d.Base, d.New)))
		}
	}
	if n := len(c.BaseOnly) + len(c.NewOnly); n > 0 {
		found = append(found, fmt.Sprintf("%d questions only in one of the runs, %d in both", n, c.Samples))
	}
	if len(found) == 0 {
		found = append(found, "a field that is not compared by itself, or the order of the samples")
	}
	return fmt.Errorf("not reproduced: samples.jsonl has the SHA-256 %s, it had %s; what differs: %s", b.SHA256, a.SHA256, strings.Join(found, "; "))
}
