package main

import (
	"bytes"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestTable(t *testing.T) {
	const in = `goos: linux
BenchmarkPrefill/isa=avx512/type=BF16/m=640-2         	      10	 100000 ns/op	        93.50 %peak	       210.4 GFLOP/s
BenchmarkPrefill/isa=avx512/type=BF16/m=640-2         	      10	 100000 ns/op	        95.50 %peak	       212.4 GFLOP/s
BenchmarkDecode/isa=avx2/m=1-2         	      10	 100000 ns/op	        88.00 %read	       30.0 GB/s
PASS
`
	var out bytes.Buffer
	require.NoError(t, run(strings.NewReader(in), &out))
	for _, want := range []string{"Prefill", "isa=avx512 type=BF16 m=640", "95.5", "212.4", "%read", "88.0"} {
		require.Contains(t, out.String(), want)
	}
	require.ErrorContains(t, run(strings.NewReader("PASS\n"), &out), "no benchmark results")
}
