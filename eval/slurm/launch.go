package slurm

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"llavabench/internal/atomicfile"
	"llavabench/internal/rundir"
	"llavabench/internal/shell"
)

// A State is how far a launch is.
type State struct {
	Merged   bool   // the whole run is there
	Complete []int  // numbers of the shards with all their answers
	Queue    []Task // tasks of the array that Slurm has, waiting or running
	Merge    []Task // merges that Slurm has
	Missing  []int  // numbers of the shards that are neither complete nor in the queue
}

// State reads how far the launch is, for a suite. A run directory that holds something else is an error that says what.
func (l Launch) State(ctx context.Context, suite rundir.Suite) (State, error) {
	var s State
	if err := l.checkHome(); err != nil {
		return s, err
	}
	var err error
	// The queue comes first: a task that ends between the two looks then counts as complete or as in the queue, never as missing.
	if s.Queue, err = queued(ctx, l.JobName()); err != nil {
		return s, err
	}
	if s.Merge, err = queued(ctx, l.MergeName()); err != nil {
		return s, err
	}
	if s.Merged, err = l.merged(suite); err != nil {
		return s, err
	}
	for number := 1; number <= l.Shards; number++ {
		complete, err := l.complete(number, suite)
		switch {
		case err != nil:
			return s, err
		case complete:
			s.Complete = append(s.Complete, number)
		case !slices.ContainsFunc(s.Queue, func(t Task) bool { return t.Number == number }):
			s.Missing = append(s.Missing, number)
		}
	}
	return s, nil
}

// checkHome checks that what was launched into the run directory before was the same, and cut the same way.
func (l Launch) checkHome() error {
	found, err := os.ReadDir(l.home())
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	for _, e := range found {
		var number, count int
		if n, _ := fmt.Sscanf(e.Name(), "shard-%d-of-%d", &number, &count); n == 2 && count != l.Shards {
			return fmt.Errorf("%s was cut into %d shards, not %d: go on with --shards %d, or choose another directory", l.Run, count, l.Shards, count)
		}
	}
	old, err := os.ReadFile(l.ShardScript())
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	if was, now := askOf(string(old)), shell.Line(l.Ask); was != now {
		return fmt.Errorf("%s was launched with other settings: %s, and now with: %s; choose another directory, or remove %s (tasks refuse what would change answers that are there)", l.Run, was, now, l.ShardScript())
	}
	return nil
}

// merged reports whether the run directory holds the whole run.
func (l Launch) merged(suite rundir.Suite) (bool, error) {
	m, err := rundir.ReadManifest(l.Run)
	if errors.Is(err, os.ErrNotExist) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("%s: %w", l.Run, err)
	}
	if len(m.Merged) != l.Shards {
		return false, fmt.Errorf("%s holds a run that was not launched in %d shards: choose another directory", l.Run, l.Shards)
	}
	return true, sameSuite(l.Run, m.Suite, suite)
}

// complete reports whether a shard has all its answers.
func (l Launch) complete(number int, suite rundir.Suite) (bool, error) {
	path := l.Shard(number)
	m, err := rundir.ReadManifest(path)
	if errors.Is(err, os.ErrNotExist) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("%s: %w", path, err)
	}
	if err := sameSuite(path, m.Suite, suite); err != nil || m.Ended == nil {
		return false, err
	}
	if l.Answers != "" {
		if _, err := os.Stat(filepath.Join(path, answersName)); err != nil {
			return false, nil // written after the run: the task makes up for it
		}
	}
	return true, nil
}

func sameSuite(path string, old, now rundir.Suite) error {
	if old != now {
		return fmt.Errorf("%s asks %d questions of %s (version %s, split %q, seed %d), not %d of %s (version %s, split %q, seed %d): choose another directory",
			path, old.Items, old.Name, old.Version, old.Split, old.Seed, now.Items, now.Name, now.Version, now.Split, now.Seed)
	}
	return nil
}

// A Submission is what was handed to Slurm.
type Submission struct {
	Array string // id of the job array; "" where no shard was missing
	Merge string // id of the merge
}

// Submit hands the missing shards to Slurm, and a merge that waits for them and for those in the queue. It replaces a merge that
// waits already. Where there is nothing to do, the submission is empty.
func (l Launch) Submit(ctx context.Context, s State) (Submission, error) {
	var out Submission
	if s.Merged || len(s.Missing) == 0 && len(s.Merge) > 0 {
		return out, nil
	}
	if err := l.write(); err != nil {
		return out, err
	}
	var err error
	if len(s.Missing) > 0 {
		if out.Array, err = submit(ctx, l.arrayArgs(s.Missing)); err != nil {
			return out, err
		}
	}
	for _, old := range s.Merge {
		if err := cancel(ctx, old.Job); err != nil {
			return out, err
		}
	}
	out.Merge, err = submit(ctx, l.mergeArgs(l.awaited(s, out.Array)))
	return out, err
}

// awaited are the ids of the arrays that the merge waits for.
func (l Launch) awaited(s State, array string) []string {
	var ids []string
	for _, t := range s.Queue {
		if !slices.Contains(ids, t.Job) {
			ids = append(ids, t.Job)
		}
	}
	if array != "" {
		ids = append(ids, array)
	}
	return ids
}

// Commands are the command lines that submit everything, for people: the merge's has ARRAY for the id of the array.
func (l Launch) Commands() []string {
	all := make([]int, l.Shards)
	for i := range all {
		all[i] = i + 1
	}
	return []string{"sbatch " + shell.Line(l.arrayArgs(all)), "sbatch " + shell.Line(l.mergeArgs([]string{"ARRAY"}))}
}

func (l Launch) arrayArgs(numbers []int) []string {
	return []string{"--parsable", "--job-name=" + l.JobName(), "--array=" + Ranges(numbers), l.ShardScript()}
}

// mergeArgs has the merge wait until the arrays have ended, however they did: it proves itself that all shards are complete, and
// says which are not. A merge that waited for their success would wait for ever after a failure.
func (l Launch) mergeArgs(arrays []string) []string {
	args := []string{"--parsable", "--job-name=" + l.MergeName()}
	if len(arrays) > 0 {
		args = append(args, "--dependency=afterany:"+strings.Join(arrays, ":"))
	}
	return append(args, l.MergeScript())
}

// write writes both scripts and makes the directory of the logs.
func (l Launch) write() error {
	if err := os.MkdirAll(l.Logs(), 0o755); err != nil {
		return err
	}
	for _, script := range []struct {
		path string
		text func() (string, error)
	}{{l.ShardScript(), l.ShardText}, {l.MergeScript(), l.MergeText}} {
		text, err := script.text()
		if err != nil {
			return err
		}
		if err := atomicfile.Write(script.path, func(w io.Writer) error {
			_, err := io.WriteString(w, text)
			return err
		}); err != nil {
			return err
		}
	}
	return nil
}

// Ranges writes ascending numbers as sbatch reads them: 1-3,7.
func Ranges(numbers []int) string {
	var parts []string
	for i := 0; i < len(numbers); {
		end := i
		for end+1 < len(numbers) && numbers[end+1] == numbers[end]+1 {
			end++
		}
		part := strconv.Itoa(numbers[i])
		if end > i {
			part += "-" + strconv.Itoa(numbers[end])
		}
		parts = append(parts, part)
		i = end + 1
	}
	return strings.Join(parts, ",")
}
