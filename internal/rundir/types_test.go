package rundir

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestMark(t *testing.T) {
	one := 1.0
	for _, c := range []struct {
		s      Sample
		mark   float64
		counts bool
	}{
		{Sample{Score: &one, Reference: "x"}, 1, true},
		{Sample{Error: "broken", Reference: "x"}, 0, true}, // a failed question is a wrong one
		{Sample{Text: "anything"}, 0, false},
	} {
		mark, counts := c.s.Mark()
		require.Equal(t, c.mark, mark)
		require.Equal(t, c.counts, counts)
	}
}

func TestLoadSince(t *testing.T) {
	before, now := &Load{CPU: 3, Waited: 1}, &Load{CPU: 5, Waited: 0.5}
	require.Equal(t, &Load{CPU: 2}, now.Since(before), "threads that ended are no negative time")
	require.Nil(t, now.Since(nil))
	require.Nil(t, (*Load)(nil).Since(before))
}
