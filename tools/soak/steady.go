package main

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// A steady process answers questions without end, and its resident size is noted.
type steady struct {
	cmd    *exec.Cmd
	stderr bytes.Buffer
	out    string
	quit   chan struct{}
	sizes  chan []float64
}

func startSteady(bin, work string) (*steady, error) {
	s := &steady{out: filepath.Join(work, "steady"), quit: make(chan struct{}), sizes: make(chan []float64, 1)}
	s.cmd = exec.Command(bin, "eval", "--model", shipped, "--limit", "100000000", "--max-new-tokens", "2", "--threads", "1", "--out", s.out)
	s.cmd.Stderr = &s.stderr
	// Collected often, so that what is measured is what the process holds and not what waits for the collector.
	s.cmd.Env = append(os.Environ(), "GOGC=10")
	s.cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if err := s.cmd.Start(); err != nil {
		return nil, err
	}
	go func() {
		var sizes []float64
		for {
			select {
			case <-s.quit:
				s.sizes <- sizes
				return
			case <-time.After(100 * time.Millisecond):
				if n, err := residentSize(s.cmd.Process.Pid); err == nil {
					sizes = append(sizes, n)
				}
			}
		}
	}()
	return s, nil
}

func (s *steady) stop() []float64 {
	close(s.quit)
	sizes := <-s.sizes
	_ = s.cmd.Process.Signal(syscall.SIGTERM) // finish looks at how it ended
	_ = s.cmd.Wait()
	return sizes
}

// finish ends the process and gives the mean sizes in the second fifth of its time (the first is left to the collector to find
// its pace) and in the last, and the number of questions answered.
func (s *steady) finish() (first, last float64, answered int, err error) {
	sizes := s.stop()
	if text := s.stderr.String(); s.cmd.ProcessState.ExitCode() != 1 || !strings.Contains(text, "interrupted") {
		return 0, 0, 0, fmt.Errorf("the process that answers all the time ended by itself: %s", text)
	}
	n := len(sizes) / 5
	if n == 0 {
		return 0, 0, 0, errors.New("too short a time to compare the memory")
	}
	data, err := os.ReadFile(filepath.Join(s.out, "samples.jsonl"))
	if err != nil {
		return 0, 0, 0, err
	}
	return mean(sizes[n : 2*n]), mean(sizes[len(sizes)-n:]), bytes.Count(data, []byte{'\n'}), nil
}

func mean(x []float64) (m float64) {
	for _, v := range x {
		m += v / float64(len(x))
	}
	return m
}

// residentSize is the resident memory of a process in bytes.
func residentSize(pid int) (float64, error) {
	data, err := os.ReadFile(fmt.Sprintf("/proc/%d/statm", pid))
	if err != nil {
		return 0, err
	}
	fields := strings.Fields(string(data))
	if len(fields) < 2 {
		return 0, errors.New("statm has no second field")
	}
	pages, err := strconv.ParseFloat(fields[1], 64)
	return pages * float64(os.Getpagesize()), err
}
