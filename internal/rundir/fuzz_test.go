package rundir

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

// Any manifest is refused with an error that names the file, or differs in nothing from itself.
func FuzzManifest(f *testing.F) {
	f.Add([]byte(`{"schema_version":1,"suite":{"name":"a","items":3},"settings":{"a":[1,{"b":null}]}}`))
	f.Add([]byte(`{"schema_version":1,"settings":{"":1,"a.b":2,"a":{"b":3}},"system":{"files":[{"name":"x"},{"name":"x"}]}}`))
	f.Add([]byte(`{"schema_version":99}`))
	f.Fuzz(func(t *testing.T, raw []byte) {
		dir := t.TempDir()
		require.NoError(t, os.WriteFile(filepath.Join(dir, manifestName), raw, 0o600))
		m, err := ReadManifest(dir)
		if err != nil {
			require.ErrorContains(t, err, manifestName)
			return
		}
		require.NoError(t, sameResults(m, m))
		require.Empty(t, Results(m, m))
		require.Empty(t, Circumstances(m, m))
	})
}
