package main

import (
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"github.com/schollz/progressbar/v3"
	"golang.org/x/term"
)

// Rules of output: answers and data go to standard output, everything else to standard error. Notices start with a lower
// case word and end without a period. Progress appears only for what takes longer than progressDelay: a bar with the
// time left on a terminal, a line now and then elsewhere. NO_COLOR is honoured by having no colours.

const (
	progressDelay = 2 * time.Second
	progressEvery = 10 * time.Second // between lines when standard error is not a terminal
)

// A progress shows how far a long step has come. Its zero value is not usable; a nil *progress shows nothing.
type progress struct {
	w        io.Writer
	terminal bool
	label    string // what the stages belong to; "" for nothing else
	only     string // the one stage that is shown; "" for all
	stage    string
	first    int // units that were done when the stage began
	started  time.Time
	printed  time.Time
	bar      *progressbar.ProgressBar
}

func newProgress(w io.Writer) *progress {
	f, ok := w.(*os.File)
	return &progress{w: w, terminal: ok && term.IsTerminal(int(f.Fd()))}
}

// report says that done of total units of stage are finished.
func (p *progress) report(stage string, done, total int) { p.reportWith(stage, "", done, total) }

// reportWith also says how it goes.
func (p *progress) reportWith(stage, note string, done, total int) {
	if p == nil || total <= 0 || p.only != "" && p.only != stage {
		return
	}
	now := time.Now()
	if stage != p.stage {
		p.finish()
		p.stage, p.first, p.started, p.printed = stage, done, now, now
	}
	elapsed := now.Sub(p.started)
	if elapsed < progressDelay {
		return
	}
	if done > p.first {
		left := time.Duration(float64(elapsed) / float64(done-p.first) * float64(total-done))
		note = strings.TrimPrefix(fmt.Sprintf("%s, about %s left", note, left.Round(time.Second)), ", ")
	}
	if p.label != "" {
		stage = p.label + ", " + stage
	}
	if p.terminal {
		if p.bar == nil {
			p.bar = progressbar.NewOptions(total, progressbar.OptionSetWriter(p.w), progressbar.OptionSetDescription(stage),
				progressbar.OptionSetPredictTime(false), progressbar.OptionShowCount(), progressbar.OptionClearOnFinish(),
				progressbar.OptionThrottle(100*time.Millisecond))
		}
		p.bar.ChangeMax(total)
		p.bar.Describe(strings.TrimSuffix(stage+": "+note, ": "))
		_ = p.bar.Set(done) // only the drawing can fail
		return
	}
	if now.Sub(p.printed) < progressEvery || done == p.first {
		return
	}
	fmt.Fprintf(p.w, "llavabench: %s: %d of %d, %s\n", stage, done, total, note)
	p.printed = now
}

// show shows one stage from now on, of which done of total units are finished, and leaves out the steps within it.
func (p *progress) show(stage string, done, total int) {
	p.only = stage
	p.report(stage, done, total)
}

// finish clears the bar.
func (p *progress) finish() {
	if p == nil {
		return
	}
	if p.bar != nil {
		_ = p.bar.Clear()
		p.bar = nil
	}
	p.stage = ""
}

// notices prints each remark of a run, but for those that an earlier run of several has printed.
func (env *environment) notices(remarks []string) {
	var fresh []string
	for _, r := range remarks {
		if !env.told[r] {
			fresh = append(fresh, r)
		}
		if env.told != nil {
			env.told[r] = true
		}
	}
	notices(env.stderr, fresh)
}

// notices prints each different remark once.
func notices(w io.Writer, remarks []string) {
	seen := map[string]bool{}
	for _, r := range remarks {
		if !seen[r] {
			seen[r] = true
			notice(w, "%s", r)
		}
	}
}

func notice(w io.Writer, format string, args ...any) {
	fmt.Fprintf(w, "llavabench: "+format+"\n", args...)
}
