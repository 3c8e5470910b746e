// Package memory says how much memory a process may use, and reads and prints sizes.
package memory

import (
	"fmt"
	"io/fs"
	"math"
	"os"
	"path"
	"strconv"
	"strings"
)

// A Limit is how much memory there is to use.
type Limit struct {
	Bytes  int64
	Source string // where the number comes from, such as "the machine's memory less a margin"
}

// Available is the memory of the machine, or of the control group that the process is in where that is less, less a margin for
// the system and other programs: a sixteenth, 256 MiB at least. ok is false where the system does not say.
func Available() (l Limit, ok bool) { return available(os.DirFS("/")) }

// minMargin is the least that is left to others.
const minMargin = 256 << 20

func available(root fs.FS) (Limit, bool) {
	l := Limit{Bytes: machine(root), Source: "the machine's memory less a margin"}
	if n := group(root); n > 0 && (l.Bytes == 0 || n < l.Bytes) {
		l = Limit{Bytes: n, Source: "the memory of this process's control group less a margin"}
	}
	if l.Bytes == 0 {
		return Limit{}, false
	}
	l.Bytes -= min(max(l.Bytes/16, minMargin), l.Bytes/2)
	return l, true
}

// machine is MemTotal of /proc/meminfo in bytes; 0 where it cannot be read.
func machine(root fs.FS) int64 {
	data, err := fs.ReadFile(root, "proc/meminfo")
	if err != nil {
		return 0
	}
	for line := range strings.Lines(string(data)) {
		if rest, ok := strings.CutPrefix(line, "MemTotal:"); ok {
			kb, err := strconv.ParseInt(strings.TrimSuffix(strings.TrimSpace(rest), " kB"), 10, 64)
			if err != nil || kb < 0 || kb > math.MaxInt64>>10 {
				return 0
			}
			return kb << 10
		}
	}
	return 0
}

// group is the smallest limit of the process's control group and the groups above it, in either version; 0 without one.
//
// Reference: Linux, Documentation/admin-guide/cgroup-v1/memory.rst and cgroup-v2.rst; cgroups(7) for the two files in /proc.
func group(root fs.FS) int64 {
	groups, err := fs.ReadFile(root, "proc/self/cgroup")
	if err != nil {
		return 0
	}
	mounts, err := fs.ReadFile(root, "proc/self/mountinfo")
	if err != nil {
		return 0
	}
	var least int64
	for line := range strings.Lines(string(groups)) {
		parts := strings.SplitN(strings.TrimSpace(line), ":", 3)
		if len(parts) != 3 {
			continue
		}
		files := []string{"memory.limit_in_bytes"}
		v2 := parts[1] == ""
		if v2 {
			files = []string{"memory.max", "memory.high"}
		} else if !hasWord(parts[1], "memory") {
			continue
		}
		mount, below, ok := mountOf(string(mounts), v2, parts[2])
		if !ok {
			continue
		}
		for dir := below; ; dir = path.Dir(dir) {
			for _, f := range files {
				if n := readLimit(root, path.Join(mount, dir, f)); n > 0 && (least == 0 || n < least) {
					least = n
				}
			}
			if dir == "/" || dir == "." {
				break
			}
		}
	}
	return least
}

// mountOf finds where a hierarchy of control groups is mounted, relative to the root, and the group's path below it.
func mountOf(mounts string, v2 bool, group string) (mount, below string, ok bool) {
	for line := range strings.Lines(mounts) {
		before, after, found := strings.Cut(strings.TrimSpace(line), " - ")
		fields, kind := strings.Fields(before), strings.Fields(after)
		if !found || len(fields) < 5 || len(kind) < 3 {
			continue
		}
		if v2 && kind[0] != "cgroup2" || !v2 && (kind[0] != "cgroup" || !hasWord(kind[2], "memory")) {
			continue
		}
		// fields[3] is what of the hierarchy is mounted: more than its root inside containers.
		below := group
		if fields[3] != "/" {
			rest, inside := strings.CutPrefix(group, fields[3])
			if !inside {
				rest = "/"
			}
			below = rest
		}
		return strings.TrimPrefix(fields[4], "/"), path.Clean("/" + below), true
	}
	return "", "", false
}

func hasWord(list, word string) bool {
	for w := range strings.SplitSeq(list, ",") {
		if w == word {
			return true
		}
	}
	return false
}

// noLimit is what version 1 of control groups states for none, rounded down to a page.
const noLimit = math.MaxInt64 >> 16 << 16

func readLimit(root fs.FS, name string) int64 {
	data, err := fs.ReadFile(root, name)
	if err != nil {
		return 0
	}
	n, err := strconv.ParseInt(strings.TrimSpace(string(data)), 10, 64) // "max" is none
	if err != nil || n <= 0 || n >= noLimit {
		return 0
	}
	return n
}

var units = []struct {
	name  string
	bytes int64
}{{"TiB", 1 << 40}, {"GiB", 1 << 30}, {"MiB", 1 << 20}, {"KiB", 1 << 10}, {"TB", 1e12}, {"GB", 1e9}, {"MB", 1e6}, {"kB", 1e3}, {"T", 1 << 40}, {"G", 1 << 30}, {"M", 1 << 20}, {"K", 1 << 10}, {"B", 1}, {"", 1}}

// ParseSize reads a size such as "4GiB", "3.5 GB", "512M" (MiB) or "1000000" (bytes).
func ParseSize(s string) (int64, error) {
	text := strings.TrimSpace(s)
	for _, u := range units {
		number, ok := strings.CutSuffix(strings.ToLower(text), strings.ToLower(u.name))
		if !ok {
			continue
		}
		x, err := strconv.ParseFloat(strings.TrimSpace(number), 64)
		if err != nil || !(x > 0) || x*float64(u.bytes) >= 1<<62 {
			break
		}
		return int64(x * float64(u.bytes)), nil
	}
	return 0, fmt.Errorf("size %q is not known, expected a number with a unit such as 4GiB, 3.5GB or 512MiB", s)
}

// Format prints a size.
func Format(n int64) string {
	for _, u := range units[:4] {
		if n >= u.bytes {
			return fmt.Sprintf("%.2f %s", float64(n)/float64(u.bytes), u.name)
		}
	}
	return fmt.Sprintf("%d B", n)
}
