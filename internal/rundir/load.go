package rundir

import (
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// ReadLoad reads what the threads of this process got of the machine so far, from Linux's scheduler statistics (proc(5),
// /proc/PID/task/TID/schedstat: nanoseconds on a CPU, nanoseconds waiting for one, time slices). It is nil where there are
// none.
func ReadLoad() *Load {
	files, err := filepath.Glob("/proc/self/task/*/schedstat")
	if err != nil {
		return nil
	}
	var l Load
	known := false
	for _, name := range files {
		raw, err := os.ReadFile(name)
		if err != nil {
			continue // a thread that has ended
		}
		fields := strings.Fields(string(raw))
		if len(fields) < 2 {
			continue
		}
		cpu, err1 := strconv.ParseFloat(fields[0], 64)
		waited, err2 := strconv.ParseFloat(fields[1], 64)
		if err1 != nil || err2 != nil {
			continue
		}
		known = true
		l.CPU += cpu / 1e9
		l.Waited += waited / 1e9
	}
	if !known {
		return nil
	}
	return &l
}

// Since is the load from an earlier reading to this one; nil where one of them is.
func (l *Load) Since(before *Load) *Load {
	if l == nil || before == nil {
		return nil
	}
	// Threads that have ended took what they had got with them.
	return &Load{CPU: max(0, l.CPU-before.CPU), Waited: max(0, l.Waited-before.Waited)}
}
