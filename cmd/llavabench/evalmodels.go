package main

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/pflag"

	"llavabench/eval"
	"llavabench/eval/remote"
	"llavabench/eval/suites"
	"llavabench/internal/checkpoint"
	"llavabench/reports/study"
)

// asStored is the weight type of --dtype that leaves the weights as they lie in the file.
const asStored = "stored"

// A subject is a model of --model in a weight type of --dtype.
type subject struct {
	path, variant, dtype string
	name                 string // among others
}

// subjects are the models in all weight types, each with a name of its own. A model on a server has no weight types.
func (f evalFlags) subjects() ([]subject, error) {
	types := strings.Split(f.model.dtype, ",")
	for i, t := range types {
		if t == asStored {
			types[i] = ""
		} else if _, err := parseWeights(t); err != nil {
			return nil, err
		} else if t == "" && len(types) > 1 {
			return nil, usagef("--dtype %q names an empty type; %s leaves the weights as they are", f.model.dtype, asStored)
		}
		if slices.Contains(types[:i], types[i]) {
			return nil, usagef("--dtype: %q is named twice", t)
		}
	}
	var all []subject
	for i, arg := range f.models {
		if slices.Contains(f.models[:i], arg) {
			return nil, usagef("--model: %q is named twice", arg)
		}
		if strings.HasPrefix(arg, remote.Prefix) {
			s := subject{path: arg}
			if len(f.models) == 1 {
				s.dtype = f.model.dtype // which is refused
			}
			all = append(all, s)
			continue
		}
		path, variant := splitVariant(arg)
		if variant != "" && f.model.opts.Variant != "" {
			return nil, usagef("--model %s and --variant %s name a generation both", arg, f.model.opts.Variant)
		}
		for _, t := range types {
			all = append(all, subject{path: path, variant: variant, dtype: t})
		}
	}
	nameSubjects(all, len(types) > 1)
	return all, nil
}

// nameSubjects names models by the ends of their paths, as many parts of them as tell them apart, with generation and weight type
// where those are chosen.
func nameSubjects(all []subject, types bool) {
	for parts := 1; parts <= 4; parts++ {
		seen := map[string]bool{}
		for i := range all {
			s := &all[i]
			s.name = tail(s.path, parts)
			if s.variant != "" && s.variant != s.name {
				s.name += "-" + s.variant
			}
			if types && !strings.HasPrefix(s.path, remote.Prefix) {
				s.name += "-" + s.dtype
				if s.dtype == "" {
					s.name += asStored
				}
			}
			seen[s.name] = true
		}
		if len(seen) == len(all) {
			return
		}
	}
}

// tail is the last parts of a model's path or address, fit for a file name.
func tail(path string, parts int) string {
	if address, model, err := remote.Parse(path); err == nil {
		_, host, _ := strings.Cut(address, "://")
		path = host + "/" + model
	} else if abs, err := filepath.Abs(path); err == nil && parts > 1 {
		path = abs
	}
	all := strings.FieldsFunc(study.Visible(path), func(r rune) bool { return strings.ContainsRune(`/\:*?"<>|`, r) })
	name := strings.TrimLeft(strings.Join(all[max(0, len(all)-parts):], "-"), ".")
	if name == "" {
		return "model"
	}
	return name
}

// suiteNames are the suites of --suite.
func (f evalFlags) suiteNames() ([]string, error) {
	names := strings.Split(f.suite, ",")
	if len(names) == 1 {
		return names, nil
	}
	if f.file != "" || f.answer != "" || f.submission != "" {
		return nil, usagef("--questions, --answers and --submission go with one suite, --suite names %d", len(names))
	}
	for i, name := range names {
		if slices.Contains(names[:i], name) {
			return nil, usagef("--suite: %q is named twice", name)
		}
		if name != sightSuite {
			if _, err := suites.Find(name); err != nil {
				return nil, usageError{fmt.Errorf("--suite: %w", err)}
			}
		}
	}
	return names, nil
}

// ownOfSubject are the flags of eval that a run of several gets for itself, or that are about all of them.
var ownOfSubject = []string{"model", "variant", "dtype", "suite", "out", "resume", "json"}

// eachSubject asks several models the same questions, each in a run directory of its own, and compares them with the first. given
// are the flags of eval.
func (f evalFlags) eachSubject(ctx context.Context, env *environment, given *pflag.FlagSet, all []subject) error {
	names, err := f.suiteNames()
	if err != nil {
		return err
	}
	if f.answer != "" || f.submission != "" {
		return usagef("--answers and --submission write one file, but %d runs are made: 'llavabench score RUN --submission FILE' writes it from one of them", len(all))
	}
	for _, s := range all { // a name that is wrong shows now, not after the hours of the first run
		if strings.HasPrefix(s.path, remote.Prefix) {
			one := f
			one.model.path, one.model.dtype = s.path, ""
			_, err = one.openRemote(eval.Suite{}) // asks nothing
		} else {
			_, err = checkpoint.Resolve(s.path, nil)
		}
		if err != nil {
			return fmt.Errorf("--model %s: %w", s.path, err)
		}
	}
	common := flagArgs(given, ownOfSubject)
	var runs []study.Run
	var failed []error
	for _, suite := range names {
		out := f.out
		if len(names) > 1 {
			out = filepath.Join(f.out, suite)
		}
		var cells []cell
		for _, s := range all {
			cells = append(cells, cell{s.name, slices.Concat(f.argsOf(s), []string{"--suite", suite}, common)})
		}
		made, err := runCells(ctx, env, out, cells, f.resume)
		if err != nil && made == nil {
			return err
		}
		runs, failed = append(runs, made...), append(failed, err)
	}
	if err := printCells(env, study.Group(runs), f.json); err != nil {
		return err
	}
	if !f.json {
		where := "*"
		if len(names) > 1 {
			where = "*/*"
		}
		fmt.Fprintf(env.stdout, "\nall pairs, tables, figures and a page of the samples: llavabench report %s --out DIR\n", filepath.Join(f.out, where))
	}
	return errors.Join(failed...)
}

// argsOf are the arguments of eval that name a subject.
func (f evalFlags) argsOf(s subject) []string {
	args := []string{"--model", s.path}
	if s.variant != "" {
		args = append(args, "--variant", s.variant)
	} else if v := f.model.opts.Variant; v != "" {
		args = append(args, "--variant", v)
	}
	if s.dtype != "" {
		args = append(args, "--dtype", s.dtype)
	}
	return args
}
