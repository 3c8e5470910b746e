package kernels

import (
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
)

// useISA switches to an instruction set until the end of the test, which is skipped where the machine lacks it.
func useISA(t testing.TB, name string) {
	t.Helper()
	if !slices.Contains(ISAs(), name) {
		t.Skipf("instruction set %s is not available", name)
	}
	before := ISA()
	require.NoError(t, Select(name))
	t.Cleanup(func() { require.NoError(t, Select(before)) })
}

// eachISA runs f once for every instruction set of this machine.
func eachISA(t *testing.T, f func(t *testing.T)) {
	for _, name := range ISAs() {
		t.Run(name, func(t *testing.T) {
			useISA(t, name)
			f(t)
		})
	}
}

func TestSelect(t *testing.T) {
	before := ISA()
	defer func() { require.NoError(t, Select(before)) }()
	require.Equal(t, "purego", ISAs()[0])
	for _, name := range ISAs() {
		require.NoError(t, Select(name))
		require.Equal(t, name, ISA())
	}
	require.ErrorContains(t, Select("sse9"), `instruction set "sse9" is unknown (known are purego, avx2, avx512, neon)`)
	require.Equal(t, ISAs()[len(ISAs())-1], ISA(), "a failed Select changes nothing")
}

func TestSelectFromEnvironment(t *testing.T) {
	before := ISA()
	defer func() { require.NoError(t, Select(before)) }()
	best := ISAs()[len(ISAs())-1]

	t.Setenv(isaVariable, "purego")
	require.NoError(t, Select(""))
	require.Equal(t, "purego", ISA())

	t.Setenv(isaVariable, "sse9")
	require.ErrorContains(t, Select(""), `environment variable LLAVABENCH_ISA: instruction set "sse9" is unknown`)
	require.Equal(t, best, ISA())

	t.Setenv(isaVariable, "")
	require.NoError(t, Select(""))
	require.Equal(t, best, ISA())
}

func TestSelectUnsupported(t *testing.T) {
	all := isas
	defer func() { isas = all }()
	isas = append(slices.Clone(all), isa{name: "neon", missing: "asimd"})
	if all[len(all)-1].name == "neon" {
		isas = isas[len(all):]
	}
	require.ErrorContains(t, Select("neon"), `instruction set "neon" is not supported here: asimd is missing`)
	isas = all[:1]
	require.ErrorContains(t, Select("avx2"), `instruction set "avx2" is not part of this program (it has purego)`)
}
