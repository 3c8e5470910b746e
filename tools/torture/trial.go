package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// The limits on each process.
const (
	maxTime   = 2 * time.Second
	maxMemory = 300 << 20 // bytes resident
)

// A kind is a sort of file, with a valid example and the command that reads it.
type kind struct {
	name string
	// base holds the valid files; every case works on a copy. file is the one that is damaged, relative to it.
	base, file string
	// args are the command's, for the copy dir.
	args func(dir string) []string
	// sealed kinds have checksums over all that matters: damage that goes unnoticed must not change the answer.
	sealed bool
	// loose kinds are text by the line: a file that is cut off can be a valid one with less in it.
	loose bool
	// unnamed kinds are no files for the program: it cannot name them.
	unnamed bool
	// plain kinds have no generated cases of their own: the file is one of another kind.
	plain bool
	// structure, if not 0, is how many bytes from the start the generator concentrates on.
	structure int
	written   []*trial

	answer string // of the undamaged file
}

// A trial is one damaged file.
type trial struct {
	kind *kind
	name string
	// damage changes the copy.
	damage func(dir string) error
	// says are words that the error must have; none for generated cases. With ok the file is valid after all, and must be
	// accepted.
	says []string
	ok   bool
	// exact requires that an accepted file gives the answer of the undamaged one.
	exact bool
	// args replaces the kind's.
	args func(dir string) []string
	// usage is a command line that cannot be meant: exit code 2 is expected.
	usage bool
	// anyFile asks for no name of a file: it is the name that is wrong.
	anyFile bool

	outcome outcome
	problem string // why the trial failed
	message string // the program's last line on standard error
	took    time.Duration
	memory  int64
}

// An outcome is what the program made of a file.
type outcome int

const (
	refused  outcome = iota // exit code 1
	accepted                // exit code 0
	broken                  // anything else
)

// A torturer runs the program.
type torturer struct {
	self, bin string // this program, and the one under test
	work      string // directory of everything that is made
}

// prepare runs the kind's command on the undamaged files.
func (t *torturer) prepare(ctx context.Context, k *kind) error {
	dir := filepath.Join(t.work, "undamaged")
	if err := freshCopy(dir, k.base); err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	p := t.start(ctx, k.args(dir))
	if p.code != 0 {
		return fmt.Errorf("exit code %d: %s", p.code, p.stderr)
	}
	k.answer = normal(p.stdout, dir)
	return nil
}

// make fills dir with the kind's files and damages them.
func (c *trial) make(dir string) error {
	if err := freshCopy(dir, c.kind.base); err != nil {
		return err
	}
	return c.damage(dir)
}

// try runs one trial in dir and judges it.
func (t *torturer) try(ctx context.Context, c *trial, dir string) {
	defer os.RemoveAll(dir)
	if err := c.make(dir); err != nil {
		c.outcome, c.problem = broken, "making the case: "+err.Error()
		return
	}
	args := c.kind.args
	if c.args != nil {
		args = c.args
	}
	p := t.start(ctx, args(dir))
	c.took, c.memory = p.took, p.memory
	lines := strings.Split(strings.TrimRight(p.stderr, "\n"), "\n")
	c.message = lines[len(lines)-1]
	c.outcome = broken
	switch p.code {
	case 0:
		c.outcome = accepted
	case 1:
		c.outcome = refused
	case 2:
		if c.usage {
			c.outcome = refused
		}
	}
	c.problem = c.judge(p, lines, dir)
	if c.problem == "" && c.outcome == accepted && !c.ok && !c.exact {
		if err := c.make(dir); err != nil {
			c.problem = err.Error()
		} else if again := t.start(ctx, args(dir)); normal(again.stdout, dir) != normal(p.stdout, dir) {
			c.problem = "two runs gave different answers"
		}
	}
}

// judge says what is wrong with how the program ended; "" when nothing is.
func (c *trial) judge(p process, lines []string, dir string) string {
	switch {
	case p.took > maxTime:
		return fmt.Sprintf("took %v", p.took.Round(10*time.Millisecond))
	case p.memory > maxMemory:
		return fmt.Sprintf("took %d MiB", p.memory>>20)
	case strings.Contains(p.stderr, "goroutine ") || strings.Contains(p.stderr, "panic") || strings.Contains(p.stderr, "runtime error"):
		return "panicked: " + lines[0]
	case c.outcome == broken:
		return fmt.Sprintf("exit code %d: %s", p.code, p.stderr)
	case c.outcome == accepted && c.ok:
		return ""
	case c.outcome == accepted && len(c.says) > 0:
		return "was accepted"
	case c.outcome == accepted && c.exact && normal(p.stdout, dir) != c.kind.answer:
		return "was accepted, with another answer"
	case c.outcome == accepted:
		return ""
	case c.ok:
		return "was refused: " + c.message
	}
	if c.usage {
		lines = lines[:len(lines)-1] // "Try --help"
		c.message = lines[len(lines)-1]
	}
	for _, line := range lines {
		if !strings.HasPrefix(line, "llavabench: ") {
			return "more than one line: " + p.stderr
		}
		if strings.ContainsFunc(line, func(r rune) bool { return r < ' ' || r == 0x7f }) {
			return fmt.Sprintf("raw control characters: %q", line)
		}
	}
	if !c.usage && !c.anyFile && !c.kind.unnamed && !strings.Contains(c.message, dir) && !strings.Contains(c.message, filepath.Base(c.kind.file)) {
		return "no file is named: " + c.message
	}
	for _, word := range c.says {
		if !strings.Contains(c.message, word) {
			return fmt.Sprintf("%q is not said: %s", word, c.message)
		}
	}
	return ""
}

// normal is an answer without what differs from run to run.
func normal(stdout, dir string) string {
	stdout = strings.ReplaceAll(stdout, dir, "DIR")
	var v map[string]any
	if json.Unmarshal([]byte(stdout), &v) != nil {
		return stdout
	}
	for _, key := range []string{"timings_ms", "tokens_per_second", "peak_rss_bytes", "notes", "cost"} {
		delete(v, key)
	}
	out, err := json.Marshal(v)
	if err != nil {
		return stdout
	}
	return string(out)
}

// freshCopy makes dir a copy of base.
func freshCopy(dir, base string) error {
	if err := os.RemoveAll(dir); err != nil {
		return err
	}
	return os.CopyFS(dir, os.DirFS(base))
}
