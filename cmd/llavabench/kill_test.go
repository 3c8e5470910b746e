package main

import (
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// asProgram makes the test binary be llavabench, so that a test can start a process and kill it.
const asProgram = "LLAVABENCH_TEST_AS_PROGRAM"

func TestMain(m *testing.M) {
	if os.Getenv(asProgram) != "" {
		main()
		return
	}
	os.Exit(m.Run())
}

// A run killed at random moments, again and again, ends with the bytes of the unbroken run.
func TestEvalSurvivesKill(t *testing.T) {
	self, err := os.Executable()
	require.NoError(t, err)
	dir := t.TempDir()
	start := func(out string, more ...string) *exec.Cmd {
		args := append([]string{"eval", "--model", shipped(t, "models/llava15"), "--limit", "14", "--max-new-tokens", "3", "--out", filepath.Join(dir, out)}, more...)
		cmd := exec.Command(self, args...)
		cmd.Env = append(os.Environ(), asProgram+"=1")
		return cmd
	}
	out, err := start("whole").CombinedOutput()
	require.NoError(t, err, string(out))
	want, err := os.ReadFile(filepath.Join(dir, "whole/samples.jsonl"))
	require.NoError(t, err)

	rng := rand.New(rand.NewPCG(1, 1))
	samples := filepath.Join(dir, "killed/samples.jsonl")
	more := []string(nil)
	for range 10 {
		cmd := start("killed", more...)
		require.NoError(t, cmd.Start())
		time.Sleep(time.Duration(20+rng.IntN(150)) * time.Millisecond)
		require.NoError(t, cmd.Process.Kill())
		_ = cmd.Wait() // killed, or just done
		if _, err := os.Stat(filepath.Join(dir, "killed/manifest.json")); err == nil {
			more = []string{"--resume"}
		} else {
			require.NoError(t, os.RemoveAll(filepath.Join(dir, "killed")), "killed before the run began")
		}
	}
	out, err = start("killed", append(more, "--threads", "1")...).CombinedOutput()
	require.NoError(t, err, string(out))
	got, err := os.ReadFile(samples)
	require.NoError(t, err)
	require.Equal(t, string(want), string(got))
}
