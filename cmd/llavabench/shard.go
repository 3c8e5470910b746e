package main

import (
	"slices"
	"strconv"
	"strings"

	"llavabench/eval"
	"llavabench/internal/rundir"
)

// sharded is the part of a suite that --shard asks for: "I/N", or "auto" and "auto/N" from the environment of a task of a Slurm job
// array (sbatch(1), "Output environment variables").
func sharded(s eval.Suite, shard string, getenv func(string) string) (eval.Suite, error) {
	if shard == "" {
		return s, nil
	}
	i, n, err := parseShard(shard, getenv)
	if err != nil {
		return s, err
	}
	part, err := s.Shard(i, n)
	if err != nil {
		return s, usagef("--%v", err)
	}
	return part, nil
}

func parseShard(shard string, getenv func(string) string) (number, count int, err error) {
	if shard == "auto" {
		return arrayTask(getenv)
	}
	first, second, _ := strings.Cut(shard, "/")
	if first == "auto" {
		first = getenv("SLURM_ARRAY_TASK_ID") // of the array 1-N, of which only a part need run
		if first == "" {
			return 0, 0, usagef("--shard %s: SLURM_ARRAY_TASK_ID is not set: this is no task of a Slurm job array", shard)
		}
	}
	if number, err = strconv.Atoi(first); err == nil {
		count, err = strconv.Atoi(second)
	}
	if err != nil {
		return 0, 0, usagef("--shard: %q is not I/N, auto or auto/N", shard)
	}
	return number, count, nil
}

// withShard is a command line in which an automatic --shard has become the one that it stood for, so that it means the same
// anywhere.
func withShard(args []string, part *rundir.Shard) []string {
	args = slices.Clone(args)
	for i := range args {
		if value, ok := strings.CutPrefix(args[i], "--shard="); ok && strings.HasPrefix(value, "auto") {
			args[i] = "--shard=" + part.String()
		}
		if i > 0 && args[i-1] == "--shard" && strings.HasPrefix(args[i], "auto") {
			args[i] = part.String()
		}
	}
	return args
}

// arrayTask is the place, from 1, of the Slurm task that this process runs in, and the number of tasks. Tasks whose ids have
// gaps that are no step cannot be counted.
func arrayTask(getenv func(string) string) (number, count int, err error) {
	value := func(name string, otherwise int) int {
		text := getenv(name)
		if text == "" && otherwise >= 0 {
			return otherwise
		}
		v, bad := strconv.Atoi(text)
		if bad != nil && err == nil {
			err = usagef("--shard auto: %s is %q, expected a number: this is no task of a Slurm job array", name, text)
		}
		return v
	}
	id, count := value("SLURM_ARRAY_TASK_ID", -1), value("SLURM_ARRAY_TASK_COUNT", -1)
	first := value("SLURM_ARRAY_TASK_MIN", -1)
	step := max(1, value("SLURM_ARRAY_TASK_STEP", 1))
	last := value("SLURM_ARRAY_TASK_MAX", first+max(0, count-1)*step)
	if err != nil {
		return 0, 0, err
	}
	if last-first != (count-1)*step || (id-first)%step != 0 {
		return 0, 0, usagef("--shard auto: the array has %d tasks from %d to %d, which leaves gaps; give --shard auto/N, with tasks from 1 to N", count, first, last)
	}
	return (id-first)/step + 1, count, nil
}
