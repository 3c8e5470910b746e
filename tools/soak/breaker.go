package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"strings"
	"syscall"
	"text/tabwriter"
	"time"

	"llavabench/eval"
)

// questions is the length of a run.
const questions = 14

const shipped = "testdata/models/llava15"

// A breaker runs the suite and has things happen to it.
type breaker struct {
	bin, work, model string
	rng              *rand.Rand
	disk             *disk
	verbose          bool
	want             []byte       // samples.jsonl of a run that nothing happened to
	summary          eval.Summary // its results
	took             time.Duration
	happened         map[string]int
}

func newBreaker(bin, work string, seed uint64, verbose bool) (*breaker, error) {
	b := &breaker{bin: bin, work: work, model: filepath.Join(work, "model"), rng: rand.New(rand.NewPCG(seed, 0)), verbose: verbose, happened: map[string]int{}}
	if err := os.CopyFS(b.model, os.DirFS(shipped)); err != nil {
		return nil, err
	}
	var err error
	if b.disk, err = newDisk(filepath.Join(work, "disk")); err != nil {
		return nil, err
	}
	whole := filepath.Join(work, "whole")
	start := time.Now()
	p, err := b.start(whole)
	if err == nil {
		err = b.wait(p, true)
	}
	b.took = time.Since(start)
	if err == nil {
		b.want, err = os.ReadFile(filepath.Join(whole, "samples.jsonl"))
	}
	if err == nil {
		b.summary, err = eval.ReadSummary(whole)
	}
	if err != nil {
		return nil, join(err, b.disk.close())
	}
	return b, nil
}

func (b *breaker) close() { _ = b.disk.close() } // the directory is in memory and goes with this process at the latest

func (b *breaker) weights() string { return filepath.Join(b.model, "model.safetensors") }

// restore puts the weights back, as a new file: processes that have the old one mapped keep it.
func (b *breaker) restore() error {
	data, err := os.ReadFile(filepath.Join(shipped, "model.safetensors"))
	if err != nil {
		return err
	}
	temp := b.weights() + ".new"
	if err := os.WriteFile(temp, data, 0o644); err != nil {
		return err
	}
	return os.Rename(temp, b.weights())
}

// moment is a random time within a run.
func (b *breaker) moment() time.Duration {
	return time.Duration(b.rng.Int64N(int64(b.took) + int64(b.took)/4))
}

// oneRun makes a run, breaks it several times, and ends it.
func (b *breaker) oneRun(ctx context.Context) error {
	run := filepath.Join(b.disk.dir, "run")
	if err := os.RemoveAll(run); err != nil {
		return err
	}
	kept := 0
	for attempt := 0; ctx.Err() == nil; attempt++ {
		e := events[b.rng.IntN(len(events))]
		if attempt >= 8 {
			e = events[0]
		}
		b.happened[e.name]++
		if err := e.do(b, ctx, run); err != nil {
			return fmt.Errorf("%s: %w", e.name, err)
		}
		n, err := b.progress(run)
		if err != nil {
			return fmt.Errorf("%s: %w", e.name, err)
		}
		if n < kept {
			return fmt.Errorf("%s: %d answers were recorded before, now %d", e.name, kept, n)
		}
		kept = n
		if b.verbose {
			fmt.Printf("%s: %d of %d\n", e.name, n, questions)
		}
		if done, err := b.done(run); err != nil || done {
			return err
		}
	}
	return ctx.Err()
}

// progress counts the answers that are recorded and compares them with the unbroken run's. What a crash or an event did to the
// end of the log does not count.
func (b *breaker) progress(run string) (int, error) {
	data, err := os.ReadFile(filepath.Join(run, "samples.jsonl"))
	if errors.Is(err, os.ErrNotExist) {
		return 0, nil
	}
	if err != nil {
		return 0, err
	}
	n := 0
	rest := b.want
	for line := range bytes.Lines(data) {
		if !bytes.HasPrefix(rest, line) || line[len(line)-1] != '\n' {
			return n, nil
		}
		rest = rest[len(line):]
		n++
	}
	return n, nil
}

// done reports whether a run is complete, and checks that it is what it should be.
func (b *breaker) done(run string) (bool, error) {
	summary, err := eval.ReadSummary(run)
	if errors.Is(err, os.ErrNotExist) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	if summary.Samples < questions {
		return false, nil // it was made when the run was interrupted
	}
	data, err := os.ReadFile(filepath.Join(run, "samples.jsonl"))
	if err != nil {
		return false, err
	}
	if !bytes.Equal(data, b.want) {
		if bytes.HasPrefix(data, b.want) {
			return false, nil // an event damaged the end of a finished run
		}
		return false, fmt.Errorf("the samples of a finished run differ from those of an unbroken one: %d and %d bytes", len(data), len(b.want))
	}
	if !reflect.DeepEqual(summary.Results(), b.summary.Results()) {
		return false, errors.New("the summary of a finished run differs from that of an unbroken one")
	}
	return true, nil
}

// A program is a started process.
type program struct {
	cmd    *exec.Cmd
	stderr bytes.Buffer
	code   int
}

// start begins a run, or goes on with the one that is there.
func (b *breaker) start(run string) (*program, error) {
	args := []string{"eval", "--model", b.model, "--limit", fmt.Sprint(questions), "--max-new-tokens", "2", "--out", run, "--json"}
	if _, err := os.Stat(filepath.Join(run, "manifest.json")); err == nil {
		args = append(args, "--resume")
	}
	p := &program{cmd: exec.Command(b.bin, args...)}
	p.cmd.Stderr = &p.stderr
	p.cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	return p, p.cmd.Start()
}

// wait waits for the end. The program must end well, or, unless well is asked for, by a signal or with one of the messages given.
func (b *breaker) wait(p *program, well bool, says ...string) error {
	late := time.AfterFunc(time.Minute, func() { _ = p.cmd.Process.Kill() })
	err := p.cmd.Wait()
	if !late.Stop() {
		return fmt.Errorf("hung: %s", p.stderr.String())
	}
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		return err
	}
	p.code = p.cmd.ProcessState.ExitCode()
	text := p.stderr.String()
	switch {
	case strings.Contains(text, "panic") || strings.Contains(text, "goroutine ") || strings.Contains(text, "fatal error"):
		return fmt.Errorf("crashed: %s", text)
	case p.code == 0:
		return nil
	case well:
		return fmt.Errorf("exit code %d: %s", p.code, text)
	case p.code == -1:
		return nil // by the signal
	}
	for _, s := range says {
		if strings.Contains(text, s) {
			return nil
		}
	}
	return fmt.Errorf("exit code %d with an error that does not belong to it: %s", p.code, text)
}

func (b *breaker) printEvents(w io.Writer) {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', tabwriter.AlignRight)
	for _, e := range events {
		fmt.Fprintf(t, "%d\t  %s\n", b.happened[e.name], e.name)
	}
	_ = t.Flush()
}

func join(errs ...error) error { return errors.Join(errs...) }
