package slurm

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"llavabench/internal/rundir"
)

func TestRanges(t *testing.T) {
	for want, numbers := range map[string][]int{"": nil, "3": {3}, "1-4": {1, 2, 3, 4}, "1,3": {1, 3}, "1-2,5,7-8": {1, 2, 5, 7, 8}} {
		require.Equal(t, want, Ranges(numbers))
	}
}

func TestParseQueue(t *testing.T) {
	tasks, err := parseQueue("7|2|RUNNING|None\n7|3|PENDING|BeginTime\n\n 8|N/A|PENDING|Dependency\n")
	require.NoError(t, err)
	require.Equal(t, []Task{{"7", 2, "RUNNING"}, {"7", 3, "PENDING (BeginTime)"}, {"8", 0, "PENDING (Dependency)"}}, tasks)
	for _, bad := range []string{"7|2|RUNNING", "7|x|RUNNING|None"} {
		_, err := parseQueue(bad)
		require.ErrorContains(t, err, "squeue: line")
	}
}

// The scripts are shell, whatever is in the names, and the words of the question arrive whole.
func TestScripts(t *testing.T) {
	l := Launch{Run: "/r u/n%1", Dir: "/it's", Program: "/bin/llava bench", Ask: []string{"eval", "--model=a b", "--set=x='$y'"}, Shards: 3, Answers: "/a b", Options: []string{"--mem=4G --time=10"}}
	shard, err := l.ShardText()
	require.NoError(t, err)
	merge, err := l.MergeText()
	require.NoError(t, err)
	for _, text := range []string{shard, merge} {
		cmd := exec.Command("bash", "-n")
		cmd.Stdin = strings.NewReader(text)
		out, err := cmd.CombinedOutput()
		require.NoError(t, err, string(out))
		require.Contains(t, text, "#SBATCH --mem=4G --time=10\n")
		require.Contains(t, text, `="/r u/n%%1/slurm/logs/`)
	}
	require.Equal(t, "eval '--model=a b' '--set=x='\\''$y'\\'''", askOf(shard))
	require.Contains(t, shard, `--threads="$threads" --shard="auto/3" --out="$shard" --answers="$shard/answers.jsonl" $resume &`)
	l.Ask = append(l.Ask, "--threads=2")
	shard, err = l.ShardText()
	require.NoError(t, err)
	require.NotContains(t, shard, "$threads")

	l.Options = []string{"--mem=4G\nrm -r x"}
	_, err = l.ShardText()
	require.ErrorContains(t, err, "end of line")
	l.Options, l.Run = nil, `/a"b`
	_, err = l.ShardText()
	require.ErrorContains(t, err, "takes no quotes")
}

// What is complete, in the queue and missing is seen in the files and in what squeue prints; other settings are refused.
func TestState(t *testing.T) {
	dir := t.TempDir()
	l := Launch{Run: filepath.Join(dir, "run"), Dir: dir, Program: "/llavabench", Ask: []string{"eval"}, Shards: 3}
	suite := rundir.Suite{Name: "s", Version: "1", Items: 3}
	fake := func(name, text string) {
		require.NoError(t, os.WriteFile(filepath.Join(dir, name), []byte("#!/bin/sh\n"+text+"\n"), 0o755))
	}
	t.Setenv("PATH", dir)
	_, err := l.State(t.Context(), suite)
	require.ErrorIs(t, err, ErrNoSlurm)
	t.Setenv("PATH", dir+":/bin:/usr/bin")
	fake("squeue", `case "$*" in *-merge*) ;; *) echo '5|2|RUNNING|None';; esac`)
	fake("sbatch", `echo "$*" >>"`+dir+`/submitted"; echo '9;cluster'`)

	require.NoError(t, l.write())
	m := rundir.Manifest{Suite: suite, Shard: &rundir.Shard{Number: 1, Count: 3, Items: 1}}
	d, err := rundir.Create(l.Shard(1), m)
	require.NoError(t, err)
	now := m.Started
	m.Ended = &now
	require.NoError(t, d.Finish(m, nil))
	require.NoError(t, d.Close())

	s, err := l.State(t.Context(), suite)
	require.NoError(t, err)
	require.Equal(t, State{Complete: []int{1}, Queue: []Task{{"5", 2, "RUNNING"}}, Missing: []int{3}}, s)
	done, err := l.Submit(t.Context(), s)
	require.NoError(t, err)
	require.Equal(t, Submission{"9", "9"}, done)
	submitted, err := os.ReadFile(filepath.Join(dir, "submitted"))
	require.NoError(t, err)
	require.Regexp(t, `--array=3 .*shard.sh\n.*--dependency=afterany:5:9 .*merge.sh\n$`, string(submitted))

	_, err = l.State(t.Context(), rundir.Suite{Name: "other", Items: 3})
	require.ErrorContains(t, err, "choose another directory")
	l.Ask = []string{"eval", "--seed=8"}
	_, err = l.State(t.Context(), suite)
	require.ErrorContains(t, err, "was launched with other settings: eval, and now with: eval --seed=8")
	l.Ask, l.Shards = []string{"eval"}, 4
	_, err = l.State(t.Context(), suite)
	require.ErrorContains(t, err, "--shards 3")
	fake("sbatch", "echo no such partition >&2; exit 1")
	_, err = l.Submit(t.Context(), State{Missing: []int{1}})
	require.ErrorContains(t, err, "no such partition")
}
