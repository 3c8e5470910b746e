package kernels

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestSelfTest(t *testing.T) {
	eachISA(t, func(t *testing.T) {
		checks := SelfTest()
		require.Len(t, checks, 7)
		for _, c := range checks {
			require.NoError(t, c.Err, c.Name)
		}
	})
}

func TestSelfTestSees(t *testing.T) {
	broken := *active.Load()
	before := active.Swap(&broken)
	defer active.Store(before)
	broken.matMul = func(p *Workers, s *matMulScratch, dst, x []float32, m int, w Weight, bias []float32) {
		before.matMul(p, s, dst, x, m, w, bias)
		dst[len(dst)-1] *= 1.0000001
	}
	require.ErrorContains(t, SelfTest()[0].Err, "1 rows: element 34 is ")
}
