package main

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// An event happens to a run. It starts the program and returns when that has ended.
type event struct {
	name string
	do   func(b *breaker, ctx context.Context, run string) error
}

var events = []event{
	{"nothing", func(b *breaker, ctx context.Context, run string) error {
		p, err := b.start(run)
		if err != nil {
			return err
		}
		return b.wait(p, true)
	}},
	{"killed", func(b *breaker, ctx context.Context, run string) error { return b.signalled(run, syscall.SIGKILL) }},
	{"terminated", func(b *breaker, ctx context.Context, run string) error { return b.signalled(run, syscall.SIGTERM) }},
	{"interrupted", func(b *breaker, ctx context.Context, run string) error { return b.signalled(run, syscall.SIGINT) }},
	{"full disk", func(b *breaker, ctx context.Context, run string) error {
		return b.disk.whileFull(b, run)
	}},
	{"file size limit", func(b *breaker, ctx context.Context, run string) error {
		p, err := b.start(run)
		if err != nil {
			return err
		}
		size := uint64(fileSize(filepath.Join(run, "samples.jsonl")) + int64(b.rng.IntN(4000)))
		if err := unix.Prlimit(p.cmd.Process.Pid, unix.RLIMIT_FSIZE, &unix.Rlimit{Cur: size, Max: size}, nil); err != nil {
			return err
		}
		return b.wait(p, false, "file too large")
	}},
	{"weights absent", func(b *breaker, ctx context.Context, run string) error {
		if err := os.Remove(b.weights()); err != nil {
			return err
		}
		p, err := b.start(run)
		if err == nil {
			err = b.wait(p, false, "holds no weights")
		}
		return join(err, b.restore())
	}},
	{"weights deleted", func(b *breaker, ctx context.Context, run string) error {
		return b.meanwhile(run, func() error { return os.Remove(b.weights()) }, "no such file", "holds no weights", "was replaced while it was in use")
	}},
	{"weights cut off", func(b *breaker, ctx context.Context, run string) error {
		return b.meanwhile(run, func() error { return os.Truncate(b.weights(), int64(b.rng.IntN(600_000))) },
			"was changed while it was in use", "can no longer be read", "had 697920 bytes when it was opened", "data end at", "header length", "safetensors file", "empty file", "text ends")
	}},
	{"weights written to", func(b *breaker, ctx context.Context, run string) error {
		return b.meanwhile(run, func() error {
			// Before the manifest is there, a new run could be one of the other weights, from its beginning to its end.
			for range 1000 {
				if fileSize(filepath.Join(run, "manifest.json")) > 0 {
					break
				}
				time.Sleep(5 * time.Millisecond)
			}
			return scribble(b.weights())
		}, "was changed while it was in use", "cannot be resumed", "safetensors")
	}},
	{"two processes", func(b *breaker, ctx context.Context, run string) error {
		p, err := b.start(run)
		if err != nil {
			return err
		}
		q, err := b.start(run)
		if err != nil {
			return join(err, b.wait(p, false))
		}
		inUse := []string{"in use by another process", "is not empty", "holds no run to go on with"}
		first, second := b.wait(p, false, inUse...), b.wait(q, false, inUse...)
		if p.code != 0 && q.code != 0 && !strings.Contains(p.stderr.String()+q.stderr.String(), "in use") {
			return fmt.Errorf("neither of two processes had the directory: %s%s", p.stderr.String(), q.stderr.String())
		}
		return join(first, second)
	}},
	{"damaged line", func(b *breaker, ctx context.Context, run string) error {
		return b.between(run, "samples.jsonl", func(data []byte) []byte {
			return append(data, []string{"{\"index\":", "\x00\x00\x00\n", "nonsense\n", "{}\n"}[b.rng.IntN(4)]...)
		})
	}},
	{"timings lost", func(b *breaker, ctx context.Context, run string) error {
		return b.between(run, "timings.jsonl", func(data []byte) []byte { return data[:b.rng.IntN(len(data)+1)] })
	}},
}

// signalled starts the program and sends it a signal a little later.
func (b *breaker) signalled(run string, s syscall.Signal) error {
	p, err := b.start(run)
	if err != nil {
		return err
	}
	time.Sleep(b.moment())
	_ = p.cmd.Process.Signal(s) // it may have ended
	return b.wait(p, false, "interrupted", "context canceled")
}

// meanwhile changes something while the program runs and puts the weights back afterwards.
func (b *breaker) meanwhile(run string, change func() error, says ...string) error {
	p, err := b.start(run)
	if err != nil {
		return err
	}
	time.Sleep(b.moment())
	err = change()
	return join(err, b.wait(p, false, says...), b.restore())
}

// between changes a log while nobody has it open, if it is there, and then starts the program.
func (b *breaker) between(run, name string, change func([]byte) []byte) error {
	path := filepath.Join(run, name)
	data, err := os.ReadFile(path)
	if os.IsNotExist(err) {
		return nil
	}
	if err != nil {
		return err
	}
	if err := os.WriteFile(path, change(bytes.Clone(data)), 0o644); err != nil {
		return err
	}
	p, err := b.start(run)
	if err != nil {
		return err
	}
	return b.wait(p, true)
}

// scribble overwrites some bytes of a file in place.
func scribble(path string) error {
	f, err := os.OpenFile(path, os.O_WRONLY, 0)
	if err != nil {
		return err
	}
	_, err = f.WriteAt([]byte("scribbled over"), fileSize(path)/2)
	return join(err, f.Close())
}

func fileSize(path string) int64 {
	info, err := os.Stat(path)
	if err != nil {
		return 0
	}
	return info.Size()
}
