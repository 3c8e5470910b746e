package compare

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"llavabench/internal/rundir"
)

// Questions that were answered at the same time are one measurement: a slow moment makes all of them slow.
func TestABatchIsOneMeasurement(t *testing.T) {
	var pairs rundir.Pairs
	var a, b []rundir.Timing
	for i := range 64 {
		id := fmt.Sprint(i)
		s := rundir.Sample{ID: id, OutputIDs: []int{1}}
		pairs.Base, pairs.New = append(pairs.Base, s), append(pairs.New, s)
		slow := 1.0
		if i < 32 {
			slow = 2
		}
		a = append(a, rundir.Timing{ID: id, Together: 16, Milliseconds: map[string]float64{"prefill": 10}})
		b = append(b, rundir.Timing{ID: id, Together: 16, Milliseconds: map[string]float64{"prefill": 10 * slow}})
	}
	l := latency(rundir.Manifest{}, rundir.Manifest{}, pairs, a, b)
	require.False(t, l.Judged)
	require.Contains(t, l.Reason, "4 batches of samples")
	require.Equal(t, 4, l.Stages[0].N)

	for i := range b {
		b[i].Together = 8
	}
	l = latency(rundir.Manifest{}, rundir.Manifest{}, pairs, a, b)
	require.Contains(t, l.Reason, "different numbers of questions at the same time")
	for i := range b {
		a[i].Together, b[i].Together = 1, 1
	}
	l = latency(rundir.Manifest{}, rundir.Manifest{}, pairs, a, b)
	require.True(t, l.Judged)
	require.Equal(t, 64, l.Stages[0].N)
}
