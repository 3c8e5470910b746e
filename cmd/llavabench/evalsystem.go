package main

import (
	"context"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"time"

	"llavabench/eval"
	"llavabench/eval/local"
	"llavabench/eval/remote"
	"llavabench/internal/memory"
	"llavabench/internal/pipeline"
	"llavabench/internal/rundir"
	"llavabench/kernels"
)

// usualText is how many positions of text a question is assumed to have when memory is added up: prompts with context have some
// hundred. Longer ones are answered as well.
const usualText = 512

// An answerer is an open system with what the manifest says of it.
type answerer struct {
	system   eval.System
	manifest rundir.Manifest
	notes    []string
	verify   func(context.Context) error // compares the files with the manifest; nil where there are none
	usage    func() eval.Usage           // nil where this process does not run the model
	close    func() error
}

// together is how many questions are to go through the decoder together.
func (f evalFlags) together() int {
	if f.opts.SampleTimeout != 0 {
		return 1 // each has a time of its own
	}
	return f.batch
}

// open opens the system that --model names: a checkpoint, or a model on a server.
func (f evalFlags) open(ctx context.Context, suite eval.Suite, bar *progress) (answerer, error) {
	if strings.HasPrefix(f.model.path, remote.Prefix) {
		return f.openRemote(suite)
	}
	memory.ResetPeak()
	p, err := f.model.open(ctx, bar, pipeline.Demand{Images: 1, Text: usualText, NewTokens: f.opts.MaxNewTokens, Sequences: f.together()})
	if err != nil {
		return answerer{}, err
	}
	m, err := manifestOf(ctx, f, p, suite, bar)
	if err != nil {
		return answerer{}, errors.Join(err, p.Close())
	}
	usage := newUsageMeter()
	a := answerer{system: local.New(p, f.opts, pipeline.Together{Batch: f.batch, NoShare: f.noShare, KVBytes: p.KVRoom()}), manifest: m, notes: p.Notes(), usage: usage.read}
	a.close = func() error {
		usage.close()
		return p.Close()
	}
	a.verify = func(ctx context.Context) error { return local.Verify(ctx, p, m.System, bar.report) }
	bad, err := local.NotFinite(ctx, p)
	if err != nil {
		return answerer{}, errors.Join(err, a.close())
	}
	if bad != "" {
		a.notes = append(a.notes, bad)
	}
	return a, nil
}

// openRemote makes a system of openai:URL#NAME. The key comes from the environment variable that --key-env names.
func (f evalFlags) openRemote(suite eval.Suite) (answerer, error) {
	if f.opts.Blind || f.opts.Template != "" || f.verify || f.model.dtype != "" || f.model.opts.Variant != "" || len(f.model.opts.Set) > 0 {
		return answerer{}, usagef("--blind, --template, --verify, --dtype, --variant and --set are about a checkpoint, and %s is on a server", f.model.path)
	}
	if f.opts.Temperature != 0 {
		return answerer{}, usagef("--temperature: %s is on a server, which is asked for its most probable answer", f.model.path)
	}
	if f.opts.Choose != "" {
		return answerer{}, usagef("--choose %s: %s is behind a chat interface, which gives no log-likelihoods of given answers", f.opts.Choose, f.model.path)
	}
	o := remote.Options{MaxNewTokens: f.opts.MaxNewTokens}
	s, err := remote.New(f.model.path, os.Getenv(f.keyEnv), o)
	if err != nil {
		return answerer{}, usageError{err}
	}
	system, err := s.Describe()
	if err != nil {
		return answerer{}, err
	}
	settings, err := json.Marshal(o)
	if err != nil {
		return answerer{}, err
	}
	pictures, err := absolute(suite.Pictures)
	if err != nil {
		return answerer{}, err
	}
	return answerer{system: s, close: func() error { return nil }, manifest: rundir.Manifest{
		Suite: suite.Info, System: system, Settings: settings, Started: time.Now().UTC(), Pictures: pictures,
		Machine: rundir.Machine{CPU: cpuName(), OS: runtime.GOOS, Arch: runtime.GOARCH, Go: runtime.Version(), Revision: revision()},
	}}, nil
}

func manifestOf(ctx context.Context, f evalFlags, p *pipeline.Pipeline, suite eval.Suite, bar *progress) (rundir.Manifest, error) {
	system, err := local.Describe(ctx, p, f.model.path, bar.report)
	if err != nil {
		return rundir.Manifest{}, err
	}
	settings, err := json.Marshal(f.opts)
	if err != nil {
		return rundir.Manifest{}, err
	}
	work := p.Work()
	pictures, err := absolute(suite.Pictures)
	if err != nil {
		return rundir.Manifest{}, err
	}
	machine := rundir.Machine{CPU: cpuName(), ISA: kernels.ISA(), Threads: p.Threads(), OS: runtime.GOOS, Arch: runtime.GOARCH, Go: runtime.Version(), Revision: revision()}
	if f.limits {
		machine.Limits = measureLimits(p.Threads(), p.Numerics())
	}
	return rundir.Manifest{
		Suite: suite.Info, System: system, Settings: settings, Started: time.Now().UTC(),
		Machine: machine, Work: &work, Pictures: pictures,
	}, nil
}

// absolute makes a path absolute; "" stays.
func absolute(path string) (string, error) {
	if path == "" {
		return "", nil
	}
	return filepath.Abs(path)
}
