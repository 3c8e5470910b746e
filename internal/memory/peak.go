package memory

import (
	"bufio"
	"os"
	"strconv"
	"strings"
)

// Peak is the largest resident memory of this process since ResetPeak, or since it began, in bytes; 0 where the system does not
// say. Pages of mapped files count while they are in memory.
//
// Reference: VmHWM of /proc/PID/status, proc(5).
func Peak() int64 {
	f, err := os.Open("/proc/self/status")
	if err != nil {
		return 0
	}
	defer f.Close()
	for sc := bufio.NewScanner(f); sc.Scan(); {
		rest, ok := strings.CutPrefix(sc.Text(), "VmHWM:")
		if !ok {
			continue
		}
		kb, err := strconv.ParseInt(strings.TrimSuffix(strings.TrimSpace(rest), " kB"), 10, 64)
		if err != nil || kb < 0 {
			return 0
		}
		return kb << 10
	}
	return 0
}

// ResetPeak makes Peak begin anew at what is resident now, so that a process that does several things can tell their peaks
// apart. Where the system refuses, Peak stays that of the whole process.
//
// Reference: value 5 of /proc/PID/clear_refs, proc(5).
func ResetPeak() {
	_ = os.WriteFile("/proc/self/clear_refs", []byte("5"), 0)
}
