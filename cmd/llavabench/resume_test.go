package main

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"llavabench/internal/rundir"
)

// A run that is broken off goes on with any batch, with or without shared work, with any number of threads and any prefill chunk: the
// samples are those of an unbroken run, byte for byte, wherever it broke, within a batch and between questions about one picture.
func TestResumeInAnotherWay(t *testing.T) {
	dir := t.TempDir()
	var lines strings.Builder
	pictures := []string{"square.png", "wide.png", "tall.png"}
	const questions = 21
	for i := range questions { // seven about each picture
		fmt.Fprintf(&lines, "{\"question_id\":%d,\"image\":%q,\"text\":\"Question %d: is it red?\",\"answer\":\"yes\"}\n", i, pictures[i/7], i*i)
	}
	file := filepath.Join(dir, "questions.jsonl")
	require.NoError(t, os.WriteFile(file, []byte(lines.String()), 0o644))
	ask := func(out string, more ...string) []byte {
		mustRun(t, append([]string{"eval", "--model", shipped(t, "models/llava15"), "--questions", file, "--images", shipped(t, "images"), "--max-new-tokens", "4", "--out", out}, more...)...)
		b, err := os.ReadFile(filepath.Join(out, rundir.SamplesFile))
		require.NoError(t, err)
		return b
	}
	want := ask(filepath.Join(dir, "whole"), "--batch", "1", "--no-share", "--threads", "1")
	require.Equal(t, questions, bytes.Count(want, []byte("\n")))
	ends := []int{0}
	for i, c := range want {
		if c == '\n' {
			ends = append(ends, i+1)
		}
	}
	ways := [][]string{
		{"--batch", "16", "--threads", "2"},
		{"--batch", "5", "--no-share", "--threads", "1", "--prefill-chunk", "64"},
		{"--batch", "1", "--threads", "3"},
		{"--batch", "32", "--no-share"},
	}
	for i, way := range ways {
		out := filepath.Join(dir, fmt.Sprint("run", i))
		require.Equal(t, string(want), string(ask(out, way...)))
		for _, other := range ways {
			for _, kept := range []int{ends[3] + 7, ends[10], ends[20]} {
				require.NoError(t, os.Truncate(filepath.Join(out, rundir.SamplesFile), int64(kept)))
				require.Equal(t, string(want), string(ask(out, append(other, "--resume")...)), "%v, then %v after %d bytes", way, other, kept)
			}
		}
	}
	timings, err := rundir.ReadTimings(filepath.Join(dir, "run0"))
	require.NoError(t, err)
	require.Len(t, timings, questions)
}
