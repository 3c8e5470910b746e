package main

import (
	"encoding/json"
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"llavabench/internal/rundir"
)

// writeRun writes a run of samples without running anything.
func writeRun(t *testing.T, m rundir.Manifest, samples []rundir.Sample, timings []rundir.Timing) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "run")
	if m.Settings == nil {
		m.Settings = json.RawMessage(`{}`)
	}
	if m.System.Options == nil {
		m.System.Options = json.RawMessage(`{}`)
	}
	d, err := rundir.Create(path, m)
	require.NoError(t, err)
	for i, s := range samples {
		timing := rundir.Timing{Index: i, ID: s.ID}
		if timings != nil {
			timing = timings[i]
		}
		require.NoError(t, d.Append(s, timing))
	}
	require.NoError(t, d.Close())
	return path
}

func TestPowerPlans(t *testing.T) {
	for _, c := range []struct {
		args string
		code int
		want string
	}{
		{"--difference 2 --discordance 0.15", 0, "needs 3,028 questions"},
		{"--questions 500 --discordance 0.15", 0, "500 questions show a difference of 4.99 points or more with a probability of 0.8"},
		{"--questions 500 --difference 2 --discordance 0.15", 0, "500 questions show it with a probability of 0.179"},
		{"--difference 1 --discordance 0.1 --per-image 18 --icc 0.1", 0, "a design effect of 2.7"},
		{"--questions 10 --discordance 0.1", 0, "no difference at all"},
		{"--difference 3 --sd 0.4 --questions 900", 0, "needs 1,396 questions"},
		{"--difference 20 --discordance 0.1", exitUsage, "at most the discordance"},
		{"--difference 2", exitUsage, "--discordance S is needed"},
		{"--discordance 0.1", exitUsage, "--difference D or --questions N is needed"},
		{"--difference 2 --discordance 0.1 --power 1", exitUsage, "shares between 0 and 1"},
		{"run", exitUsage, "expected two or none"},
	} {
		code, stdout, stderr := llavabench(t, append([]string{"power"}, strings.Fields(c.args)...)...)
		require.Equal(t, c.code, code, stderr)
		require.Contains(t, stdout+stderr, c.want)
	}
}

func TestPowerOfTwoRuns(t *testing.T) {
	var base, new []rundir.Sample
	for i := range 200 {
		a, b := float64(i%2), float64(i%2)
		if i < 20 {
			a, b = 0, 1
		}
		s := rundir.Sample{Index: i, ID: fmt.Sprint(i), Reference: "x", PixelSHA256: fmt.Sprint(i / 4), OutputIDs: []int{1}}
		s.Score = &a
		base = append(base, s)
		s.Score = &b
		new = append(new, s)
	}
	code, stdout, stderr := llavabench(t, "power", "--json", writeRun(t, rundir.Manifest{}, base, nil), writeRun(t, rundir.Manifest{}, new, nil))
	require.Zero(t, code, stderr)
	var plan powerPlan
	require.NoError(t, json.Unmarshal([]byte(stdout), &plan))
	require.InDelta(t, 0.1, plan.Discordance, 1e-12)
	require.InDelta(t, 10, plan.Difference, 1e-9)
	require.Equal(t, 50, plan.Observed.Clusters)
	require.InDelta(t, 4, plan.DesignEffect, 0.2, "the questions of an image go together here")
	require.Greater(t, plan.Needed, plan.Normal/2)

	new[3].Reference = "y"
	code, _, stderr = llavabench(t, "power", writeRun(t, rundir.Manifest{}, base, nil), writeRun(t, rundir.Manifest{}, new, nil))
	require.Equal(t, exitFailed, code)
	require.Contains(t, stderr, `question "3" has the right answer "x" in one run and "y" in the other`)
	code, _, stderr = llavabench(t, "power", t.TempDir(), t.TempDir())
	require.Equal(t, exitFailed, code)
	require.Contains(t, stderr, "has no samples")
}
