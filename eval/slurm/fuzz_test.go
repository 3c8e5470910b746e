package slurm

import (
	"testing"

	"github.com/stretchr/testify/require"
)

// Any table of squeue gives tasks with a state each, or an error of one line.
func FuzzQueue(f *testing.F) {
	f.Add("12|3|PENDING|Resources\n12|N/A|RUNNING|None\n")
	f.Add("12|x|RUNNING|None\n\n|||")
	f.Fuzz(func(t *testing.T, table string) {
		if _, err := parseQueue(table); err != nil {
			require.NotContains(t, err.Error(), "\n")
		}
	})
}
