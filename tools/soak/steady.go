package main

import (
	"bytes"
	"errors"
	"fmt"
	"math"
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

// A growth compares the sizes of a process in two parts of its time.
type growth struct {
	first, last float64 // mean sizes, bytes
	// percent is the change and deviation its standard error, from means of tenths of each part: the size goes up and down with
	// the collector, and a short time sees few of its turns.
	percent, deviation float64
}

// finish ends the process and compares its size in the second fifth of its time (in the first it finds its pace) with that in
// the last. It gives the number of questions answered as well.
func (s *steady) finish() (growth, int, error) {
	sizes := s.stop()
	if text := s.stderr.String(); s.cmd.ProcessState.ExitCode() != 1 || !strings.Contains(text, "interrupted") {
		return growth{}, 0, fmt.Errorf("the process that answers all the time ended by itself: %s", text)
	}
	n := len(sizes) / 5
	if n < tenths {
		return growth{}, 0, errors.New("too short a time to compare the memory")
	}
	data, err := os.ReadFile(filepath.Join(s.out, "samples.jsonl"))
	if err != nil {
		return growth{}, 0, err
	}
	first, firstError := meanOf(sizes[n : 2*n])
	last, lastError := meanOf(sizes[len(sizes)-n:])
	return growth{first, last, 100 * (last/first - 1), 100 * math.Hypot(firstError, lastError) / first}, bytes.Count(data, []byte{'\n'}), nil
}

// tenths is the number of pieces that a part is cut into for its standard error.
const tenths = 10

// meanOf is the mean of x with its standard error.
func meanOf(x []float64) (mean, deviation float64) {
	var squares float64
	for i := range tenths {
		var piece float64
		part := x[i*len(x)/tenths : (i+1)*len(x)/tenths]
		for _, v := range part {
			piece += v / float64(len(part))
		}
		mean += piece / tenths
		squares += piece * piece / tenths
	}
	return mean, math.Sqrt(max(0, squares-mean*mean) / (tenths - 1))
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
