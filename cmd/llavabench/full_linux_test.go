package main

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"
)

// A disk that is full ends the run with an error that says so; with room again it goes on to the bytes of the unbroken run.
func TestEvalFullDisk(t *testing.T) {
	dir := t.TempDir()
	disk := filepath.Join(dir, "disk")
	require.NoError(t, os.Mkdir(disk, 0o755))
	if err := unix.Mount("tmpfs", disk, "tmpfs", 0, "size=256k"); err != nil {
		t.Skip("a small file system can be mounted by root alone: ", err)
	}
	defer func() { require.NoError(t, unix.Unmount(disk, 0)) }()
	eval := func(out string, more ...string) []string {
		return append([]string{"eval", "--model", shipped(t, "models/llava15"), "--limit", "35", "--max-new-tokens", "2", "--batch", "2", "--out", out}, more...)
	}
	whole, broken := filepath.Join(dir, "whole"), filepath.Join(disk, "run")
	mustRun(t, eval(whole)...)

	ballast := filepath.Join(disk, "ballast")
	require.NoError(t, os.WriteFile(ballast, make([]byte, 220<<10), 0o644))
	code, _, stderr := llavabench(t, eval(broken)...)
	require.Equal(t, 1, code)
	require.Contains(t, stderr, "no space left on device")
	require.NoError(t, os.Remove(ballast))
	before, err := os.ReadFile(filepath.Join(broken, "samples.jsonl"))
	require.NoError(t, err)
	require.NotEmpty(t, before, "the disk was full before the first answer")

	mustRun(t, eval(broken, "--resume")...)
	want, err := os.ReadFile(filepath.Join(whole, "samples.jsonl"))
	require.NoError(t, err)
	got, err := os.ReadFile(filepath.Join(broken, "samples.jsonl"))
	require.NoError(t, err)
	require.Equal(t, string(want), string(got))
}
