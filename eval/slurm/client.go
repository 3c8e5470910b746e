package slurm

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"strings"
)

// A Task is a job, or a task of a job array, that Slurm has.
type Task struct {
	Job    string // id of the job or of the whole array
	Number int    // of the task in its array; 0 where it is none
	State  string // such as RUNNING, or PENDING with its reason
}

// queued are the user's waiting and running jobs with a name.
func queued(ctx context.Context, name string) ([]Task, error) {
	out, err := client(ctx, "squeue", "--noheader", "--array", "--user="+strconv.Itoa(os.Getuid()), "--name="+name, "--format=%F|%K|%T|%r")
	if err != nil {
		return nil, err
	}
	return parseQueue(out)
}

// parseQueue reads the table that queued asks for: id|task|state|reason in each line.
func parseQueue(table string) ([]Task, error) {
	var tasks []Task
	for line := range strings.Lines(table) {
		line = strings.TrimSpace(line)
		if line == "" {
			continue
		}
		columns := strings.SplitN(line, "|", 4)
		if len(columns) != 4 {
			return nil, fmt.Errorf("squeue: line %q has %d columns, expected 4", line, len(columns))
		}
		t := Task{Job: columns[0], State: columns[2]}
		if n := columns[1]; n != "N/A" {
			var err error
			if t.Number, err = strconv.Atoi(n); err != nil {
				return nil, fmt.Errorf("squeue: line %q: the task is %q, expected a number or N/A", line, n)
			}
		}
		if reason := columns[3]; t.State == "PENDING" && reason != "None" {
			t.State += " (" + reason + ")"
		}
		tasks = append(tasks, t)
	}
	return tasks, nil
}

// submit runs sbatch --parsable, which prints "id" or "id;cluster", and returns the id.
func submit(ctx context.Context, args []string) (string, error) {
	out, err := client(ctx, "sbatch", args...)
	if err != nil {
		return "", err
	}
	id, _, _ := strings.Cut(strings.TrimSpace(out), ";")
	if _, err := strconv.ParseUint(id, 10, 64); err != nil {
		return "", fmt.Errorf("sbatch printed %q, expected the id of a job", strings.TrimSpace(out))
	}
	return id, nil
}

// cancel ends a job. One that has ended meanwhile is no error.
func cancel(ctx context.Context, id string) error {
	_, err := client(ctx, "scancel", "--quiet", id)
	return err
}

// ErrNoSlurm says that this machine cannot submit jobs.
var ErrNoSlurm = errors.New("is not in PATH: jobs can be submitted only where Slurm's commands are installed (--dry-run prints the scripts anywhere)")

// client runs one of Slurm's commands and returns what it prints.
func client(ctx context.Context, name string, args ...string) (string, error) {
	path, err := exec.LookPath(name)
	if err != nil {
		return "", fmt.Errorf("%s %w", name, ErrNoSlurm)
	}
	var out, errs bytes.Buffer
	cmd := exec.CommandContext(ctx, path, args...)
	cmd.Stdout, cmd.Stderr = &out, &errs
	if err := cmd.Run(); err != nil {
		if text := strings.TrimSpace(errs.String()); text != "" {
			return "", fmt.Errorf("%s: %w: %s", name, err, text)
		}
		return "", fmt.Errorf("%s: %w", name, err)
	}
	return out.String(), nil
}
