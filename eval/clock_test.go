package eval_test

import (
	"context"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"llavabench/eval"
	"llavabench/internal/rundir"
)

// A machine's clock and counter that go on only while a question is asked: a second and 50 joules each.
type machine struct {
	seconds int
	began   float64 // of the counter, in this session
}

func (m *machine) now() time.Time { return time.Unix(int64(m.seconds), 0) }

func (m *machine) usage() eval.Usage {
	return eval.Usage{PeakRSS: int64(1e6 + m.seconds), Energy: &rundir.Energy{Package: 50*float64(m.seconds) - m.began}}
}

// What a run cost is what was recorded over all its sessions: the time in between, and what was loaded, do not count.
func TestCostOverSessions(t *testing.T) {
	path := filepath.Join(t.TempDir(), "run")
	m := &machine{}
	ctx, cancel := context.WithCancel(context.Background())
	sys := answers()
	session := func(ctx context.Context, resume bool) (eval.Summary, error) {
		start := rundir.Create
		if resume {
			start = rundir.Resume
		}
		d, err := start(path, manifest())
		require.NoError(t, err)
		m.began = 50 * float64(m.seconds)
		s, err := eval.Run(ctx, suite(), sys, d, manifest(), eval.Options{Batch: 2, Now: m.now, Usage: m.usage})
		require.NoError(t, d.Close())
		return s, err
	}
	sys.stop = func(id string) {
		if m.seconds++; id == "q7" {
			cancel()
		}
	}
	_, err := session(ctx, false)
	require.ErrorIs(t, err, context.Canceled)
	m.seconds += 1000 // nobody runs it
	s, err := session(context.Background(), true)
	require.NoError(t, err)

	timings, err := rundir.ReadTimings(path)
	require.NoError(t, err)
	var warm []string
	for _, x := range timings {
		require.Equal(t, 1000., x.Wall)
		require.Equal(t, 50., x.Energy.Package)
		require.Nil(t, x.Energy.DRAM)
		if x.WarmUp {
			warm = append(warm, x.ID)
		}
	}
	require.Len(t, timings, items)
	require.Equal(t, []string{"q0", "q8"}, warm, "the first batch of each session, of one question where they cannot be answered together")
	require.InDelta(t, items, s.Cost.Wall, 1e-9)
	require.Equal(t, []int{9, 2}, []int{s.Cost.Answers, s.Cost.WarmUp}, "q5 failed")
	require.InDelta(t, 9./10*3600, s.Cost.QuestionsPerHour, 1e-9)
	require.InDelta(t, 50*items, s.Cost.Energy.Package, 1e-9)
	require.InDelta(t, 50*10./9, s.Cost.Energy.PerAnswer.Package, 1e-9)
	require.EqualValues(t, 1e6+1000+items, s.Cost.PeakRSS)
}
