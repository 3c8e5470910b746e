package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"time"
)

// A process is how the program ended.
type process struct {
	code           int
	stdout, stderr string
	took           time.Duration
	memory         int64 // largest resident size, bytes
}

// A usage is what the launcher found out.
type usage struct {
	Code             int
	Memory           int64
	Wall, Processors time.Duration
}

// launch runs a program as the only child of a small process and writes its usage to descriptor 3. The largest size that the
// system states for a process is at least that of the process which started it, and this one, full of damaged files, is large.
func launch(args []string) error {
	cmd := exec.Command(args[0], args[1:]...)
	cmd.Stdout, cmd.Stderr = os.Stdout, os.Stderr
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	start := time.Now()
	var exit *exec.ExitError
	if err := cmd.Run(); err != nil && !errors.As(err, &exit) {
		return err
	}
	u := usage{Code: cmd.ProcessState.ExitCode(), Wall: time.Since(start), Processors: cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime()}
	if r, ok := cmd.ProcessState.SysUsage().(*syscall.Rusage); ok {
		u.Memory = r.Maxrss << 10
	}
	return json.NewEncoder(os.NewFile(3, "usage")).Encode(u)
}

// start runs the program to its end, or ends it when it takes far too long.
func (t *torturer) start(ctx context.Context, args []string) process {
	ctx, cancel := context.WithTimeout(ctx, 5*maxTime)
	defer cancel()
	r, w, err := os.Pipe()
	if err != nil {
		return process{code: -1, stderr: err.Error()}
	}
	defer r.Close()
	cmd := exec.CommandContext(ctx, t.self, append([]string{"-launch", t.bin}, args...)...)
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	cmd.ExtraFiles = []*os.File{w}
	cmd.Env = append(os.Environ(), "HF_HUB_CACHE="+filepath.Join(t.work, "nocache"), "NO_COLOR=1", "TMPDIR="+t.work)
	start := time.Now()
	err = cmd.Run()
	w.Close()
	p := process{code: -1, stdout: stdout.String(), stderr: stderr.String(), took: time.Since(start)}
	var u usage
	if err == nil {
		err = json.NewDecoder(r).Decode(&u)
	}
	if err != nil {
		p.stderr += fmt.Sprintf("(ended after %v: %v)", p.took.Round(time.Millisecond), err)
		return p
	}
	p.code, p.memory, p.took = u.Code, u.Memory, u.Wall
	if p.took < 3*maxTime {
		// The time spent computing, unless it waited long: what other programs do to the clock is not the case's fault.
		p.took = min(p.took, u.Processors)
	}
	return p
}
