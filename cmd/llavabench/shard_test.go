package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"llavabench/eval"
)

// mustRun runs a command that succeeds and returns what it prints.
func mustRun(t *testing.T, args ...string) string {
	t.Helper()
	code, stdout, stderr := llavabench(t, args...)
	require.Zero(t, code, stderr)
	return stdout
}

func TestParseShard(t *testing.T) {
	array := func(id, count, first, last, step string) map[string]string {
		return map[string]string{"ID": id, "COUNT": count, "MIN": first, "MAX": last, "STEP": step}
	}
	for _, c := range []struct {
		shard string
		env   map[string]string
		want  [2]int
		err   string
	}{
		{"2/5", nil, [2]int{2, 5}, ""},
		{"auto", array("3", "4", "0", "3", "1"), [2]int{4, 4}, ""},
		{"auto", array("1", "4", "1", "4", ""), [2]int{1, 4}, ""},
		{"auto", array("1", "4", "1", "", ""), [2]int{1, 4}, ""},
		{"auto", array("8", "4", "0", "12", "4"), [2]int{3, 4}, ""},
		{"auto", array("7", "3", "1", "7", "1"), [2]int{}, "gaps"},
		{"auto", nil, [2]int{}, "no task of a Slurm job array"},
		{"auto/4", array("3", "2", "1", "3", "1"), [2]int{3, 4}, ""},
		{"auto/4", nil, [2]int{}, "no task of a Slurm job array"},
		{"3", nil, [2]int{}, `"3" is not I/N`},
		{"a/b", nil, [2]int{}, `"a/b" is not I/N`},
		{"1/2/3", nil, [2]int{}, "is not I/N"},
	} {
		n, count, err := parseShard(c.shard, func(name string) string {
			return c.env[strings.TrimPrefix(name, "SLURM_ARRAY_TASK_")]
		})
		if c.err != "" {
			require.ErrorContains(t, err, c.err, c.shard)
			continue
		}
		require.NoError(t, err, c.shard)
		require.Equal(t, c.want, [2]int{n, count}, c.shard)
	}
}

// Three shards, one of them found by its Slurm task, make the bytes of one run.
func TestMerge(t *testing.T) {
	dir := t.TempDir()
	args := []string{"eval", "--model", shipped(t, "models/llava15"), "--limit", "14", "--max-new-tokens", "3"}
	at := func(name string) string { return filepath.Join(dir, name) }
	ask := func(more ...string) { mustRun(t, append(append([]string{}, args...), more...)...) }
	ask("--out", at("whole"))
	ask("--out", at("1"), "--shard", "1/3")
	t.Setenv("SLURM_ARRAY_TASK_ID", "2")
	ask("--out", at("2"), "--shard", "auto/3")
	code, _, stderr := llavabench(t, "merge", at("1"), at("2"), "--out", at("merged"))
	require.Equal(t, exitFailed, code)
	require.Contains(t, stderr, "missing: shard 3/3")
	ask("--out", at("3"), "--shard", "3/3")
	out := mustRun(t, "merge", at("3"), at("1"), at("2"), "--out", at("merged"))
	require.Contains(t, out, "all")
	want, err := os.ReadFile(at("whole/samples.jsonl"))
	require.NoError(t, err)
	got, err := os.ReadFile(at("merged/samples.jsonl"))
	require.NoError(t, err)
	require.Equal(t, string(want), string(got))
	whole, err := eval.ReadSummary(at("whole"))
	require.NoError(t, err)
	merged, err := eval.ReadSummary(at("merged"))
	require.NoError(t, err)
	require.Equal(t, whole.Results(), merged.Results())
	require.Positive(t, merged.Cost.QuestionsPerHour)
	mustRun(t, "reproduce", at("merged"))
	mustRun(t, "reproduce", at("2"))
}

// Ctrl-C finishes the question, shows what there is and says how to go on; that ends with the bytes of an unbroken run.
func TestEvalInterrupted(t *testing.T) {
	self, err := os.Executable()
	require.NoError(t, err)
	dir := t.TempDir()
	args := []string{"eval", "--model", shipped(t, "models/llava16"), "--limit", "140", "--threads", "1", "--max-new-tokens", "3", "--out", filepath.Join(dir, "run")}
	cmd := exec.Command(self, args...)
	cmd.Env = append(os.Environ(), asProgram+"=1")
	var stdout, stderr strings.Builder
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	require.NoError(t, cmd.Start())
	samples := filepath.Join(dir, "run/samples.jsonl")
	require.Eventually(t, func() bool { info, err := os.Stat(samples); return err == nil && info.Size() > 0 }, time.Minute, time.Millisecond)
	require.NoError(t, cmd.Process.Signal(os.Interrupt))
	require.Error(t, cmd.Wait())
	require.Contains(t, stdout.String(), "accuracy %")
	require.Regexp(t, regexp.MustCompile(`interrupted after \d+ of 140 questions, all recorded; go on with: llavabench eval .* --resume\n`), stderr.String())
	require.FileExists(t, filepath.Join(dir, "run/summary.json"))
}
