package main

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"llavabench/eval"
)

// perShard is how many of the 28 questions each of the 4 shards asks.
const perShard = 7

// A launched is a run that is handed to the box.
type launched struct {
	*testing.T
	box *box
	ask []string // program and flags of eval
	run string
}

// The shipped suite as an array of 4 shards in a real Slurm. In one the process is killed half way: its task goes back to the
// queue by itself. Of another the whole task is killed: the merge refuses, and the same command again submits that shard. The
// result has the bytes of a local run, and what was answered before the kills was not answered again.
func TestArrayWithKilledShards(t *testing.T) {
	if names := missing(); names != "" {
		t.Skipf("not installed: %s (Debian: slurm-wlm and munge)", names)
	}
	runtime.LockOSThread() // daemons end with the thread that started them
	dir := t.TempDir()
	bin := filepath.Join(dir, "llavabench")
	out, err := exec.Command("go", "build", "-o", bin, "../../cmd/llavabench").CombinedOutput()
	require.NoError(t, err, string(out))
	model, err := filepath.Abs("../../testdata/models/llava1")
	require.NoError(t, err)
	b, err := start(t.Context(), 2)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, b.stop()) })

	ask := []string{bin, "eval", "--model", model, "--suite", "sight", "--limit", "28", "--max-new-tokens", "64"}
	local := filepath.Join(dir, "local")
	out, err = b.command(t.Context(), bin, append(ask[1:], "--out", local)...).CombinedOutput()
	require.NoError(t, err, string(out))

	// One question at a time: a batch would be all of a shard's, with nothing half way.
	l := launched{t, b, append(ask, "--batch", "1"), filepath.Join(dir, "a run")}
	require.Contains(t, l.launch(), "shards 1-4\n")
	require.Contains(t, l.launch(), "nothing had to be submitted")
	before := l.killHalfWay(2, 3)
	l.await("the merge has refused", func() bool { return strings.Contains(l.log("merge"), "not complete: shard 3/4") })
	require.Contains(t, l.log("shard-2"), "back to the queue")
	require.NotContains(t, l.log("merge"), "shard 2/4", "the merge waits for what went back to the queue")
	require.NoFileExists(t, filepath.Join(l.run, "manifest.json"))
	again := l.launch()
	require.Contains(t, again, "shards: 3 complete, 0 in the queue, 1 missing, of 4")
	require.Contains(t, again, "shards 3\n", "only what is missing is submitted")
	l.await("the run is merged", func() bool { _, err := os.Stat(filepath.Join(l.run, "manifest.json")); return err == nil })

	require.Equal(t, read(t, local, "samples.jsonl"), read(t, l.run, "samples.jsonl"))
	want, err := eval.ReadSummary(local)
	require.NoError(t, err)
	got, err := eval.ReadSummary(l.run)
	require.NoError(t, err)
	require.Equal(t, want.Results(), got.Results())
	require.Positive(t, got.Cost.QuestionsPerHour)
	for number, times := range before {
		require.NotEmpty(t, times)
		require.True(t, strings.HasPrefix(read(t, l.shard(number), "timings.jsonl"), times), "shard %d answered a question again", number)
	}
	require.Equal(t, perShard*4, strings.Count(read(t, l.run, "timings.jsonl"), "\n"))
	require.Contains(t, l.launch(), "is complete")
}

// launch runs the command that launches, and goes on.
func (l launched) launch() string {
	l.Helper()
	out, err := l.box.command(l.Context(), l.ask[0], append(l.ask[1:], "--out", l.run, "--launcher", "slurm", "--shards", "4", "--slurm-args", "--cpus-per-task=1")...).CombinedOutput()
	require.NoError(l, err, string(out))
	l.Logf("%s", out)
	return string(out)
}

// killHalfWay kills the process of one shard, and process and batch script of another, when each has some answers but not all.
// It gives the times that were recorded by then.
func (l launched) killHalfWay(process, task int) map[int]string {
	l.Helper()
	times := map[int]string{}
	l.await("two shards are killed", func() bool {
		for _, number := range []int{process, task} {
			pid, parent := l.process(number)
			if times[number] != "" || pid == 0 {
				continue
			}
			require.NoError(l, syscall.Kill(pid, syscall.SIGSTOP))
			l.await("it stands still", func() bool { _, state := stat(pid); return state == "T" })
			samples, _ := os.ReadFile(filepath.Join(l.shard(number), "samples.jsonl"))
			n := bytes.Count(samples, []byte("\n"))
			require.Less(l, n, perShard, "shard %d was too quick to be killed half way", number)
			if n < perShard/2 {
				require.NoError(l, syscall.Kill(pid, syscall.SIGCONT))
				continue
			}
			if number == task {
				require.NoError(l, syscall.Kill(parent, syscall.SIGKILL))
			}
			times[number] = read(l.T, l.shard(number), "timings.jsonl")
			require.NoError(l, syscall.Kill(pid, syscall.SIGKILL))
			l.Logf("shard %d was killed after %d of %d answers", number, n, perShard)
		}
		return len(times) == 2
	})
	return times
}

// process is the process that answers a shard, and its parent, the batch script; 0 where there is none.
func (l launched) process(number int) (pid, parent int) {
	all, err := os.ReadDir("/proc")
	require.NoError(l, err)
	for _, e := range all {
		pid, err := strconv.Atoi(e.Name())
		if err != nil {
			continue
		}
		line, _ := os.ReadFile(filepath.Join("/proc", e.Name(), "cmdline")) // it may have ended
		if bytes.HasPrefix(line, []byte(l.ask[0]+"\x00")) && bytes.Contains(line, []byte("\x00--out="+l.shard(number)+"\x00")) {
			parent, _ := stat(pid)
			return pid, parent
		}
	}
	return 0, 0
}

// stat reads the parent and the state of a process (proc(5)).
func stat(pid int) (parent int, state string) {
	text, _ := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	end := bytes.LastIndexByte(text, ')') // of the name, which can hold anything
	if end < 0 {
		return 0, "" // it has ended
	}
	fields := strings.Fields(string(text[end+1:]))
	parent, _ = strconv.Atoi(fields[1])
	return parent, fields[0]
}

func (l launched) shard(number int) string {
	return filepath.Join(l.run, "slurm", fmt.Sprintf("shard-%d-of-4", number))
}

func (l launched) log(name string) string {
	text, _ := os.ReadFile(filepath.Join(l.run, "slurm", "logs", name+".log")) // it may not be there yet
	return string(text)
}

// await waits until something is so.
func (l launched) await(what string, so func() bool) {
	l.Helper()
	ctx, cancel := context.WithTimeout(l.Context(), 2*time.Minute)
	defer cancel()
	for !so() {
		if ctx.Err() != nil {
			queue, _ := l.box.command(context.Background(), "squeue", "--array").CombinedOutput()
			l.Fatalf("waited too long until %s\n%s%s%s", what, queue, l.log("shard-2")+l.log("shard-3"), l.log("merge"))
		}
		time.Sleep(2 * time.Millisecond)
	}
}

func read(t *testing.T, dir, name string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(dir, name))
	require.NoError(t, err)
	return string(text)
}
