package rundir

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func manifest() Manifest {
	return Manifest{Suite: Suite{Name: "toy", Items: 9}, Settings: json.RawMessage(`{"a":1}`)}
}

// written is a run of n samples that was broken off.
func written(t *testing.T, n int) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "run")
	d, err := Create(path, manifest())
	require.NoError(t, err)
	for i := range n {
		require.NoError(t, d.Append(Sample{Index: i, ID: "q"}, Timing{Index: i, ID: "q"}))
	}
	require.NoError(t, d.Close())
	return path
}

// What a crash, a full disk or a failing one does to the end of a log is repaired; what cannot be told apart is refused.
func TestRepair(t *testing.T) {
	line := func(f string) string { return `{"index":` + f + `,"id":"q"}` + "\n" }
	three := line("0") + line("1") + line("2")
	for _, c := range []struct {
		name, samples, timings string
		kept, times            int    // lines that are left
		says                   string // in a note, or in the error when kept is -1
	}{
		{"whole", three, three, 3, 3, ""},
		{"no end", three + `{"index":3,"i`, three, 3, 3, "samples.jsonl: the last line, 4, has no end: its 13 bytes are dropped, the question is answered again"},
		{"overwritten", line("0") + line("1") + "\x00\x00\x00\x00\n", three, 2, 2, "line, 3, is damaged (invalid character '\\x00'"},
		{"overwritten and torn", line("0") + "xx\n{", three, 1, 1, "line, 2, is damaged (invalid character 'x'"},
		{"another index", line("0") + line("1") + line("7"), three, 2, 2, "line, 3, is damaged (index is 7, expected 2)"},
		{"twice", three + line("2"), three, 3, 3, "line, 4, is damaged (index is 2, expected 3)"},
		{"a timing without sample", line("0"), line("0") + line("1"), 1, 1, ""},
		{"a sample without timing", three, line("0") + line("2"), 3, 2, ""},
		{"torn timing", three, line("0") + line("1") + "{", 3, 2, "timings.jsonl: the last line, 3, has no end: its 1 bytes are dropped, the times are lost"},
		{"empty", "", "", 0, 0, ""},
		{"damaged inside", line("0") + "xx\n" + line("2"), three, -1, 0, "samples.jsonl: line 2: invalid character 'x'"},
		{"a line missing", line("0") + line("2") + line("3"), three, -1, 0, "samples.jsonl: line 2: index is 2, expected 1"},
		{"another type", line("0") + `{"index":"1"}` + "\n" + line("2"), three, -1, 0, "samples.jsonl: line 2: json: cannot unmarshal string"},
	} {
		t.Run(c.name, func(t *testing.T) {
			path := written(t, 0)
			require.NoError(t, os.WriteFile(filepath.Join(path, SamplesFile), []byte(c.samples), 0o644))
			require.NoError(t, os.WriteFile(filepath.Join(path, timingsName), []byte(c.timings), 0o644))
			d, err := Resume(path, manifest())
			if c.kept < 0 {
				require.ErrorContains(t, err, c.says)
				return
			}
			require.NoError(t, err)
			require.Len(t, d.Done(), c.kept)
			require.Contains(t, strings.Join(d.Notes(), "\n"), c.says)
			require.Equal(t, c.says == "", len(d.Notes()) == 0)
			require.NoError(t, d.Append(Sample{Index: c.kept}, Timing{Index: c.kept}))
			require.NoError(t, d.Close())
			samples, err := ReadSamples(path)
			require.NoError(t, err)
			require.Len(t, samples, c.kept+1)
			timings, err := ReadTimings(path)
			require.NoError(t, err)
			require.Len(t, timings, c.times+1)
		})
	}
}

func TestDifferencesAreListed(t *testing.T) {
	path := written(t, 1)
	other := manifest()
	other.Suite.Name, other.Suite.Items, other.Settings = "other", 8, json.RawMessage(`{"a":2}`)
	_, err := Resume(path, other)
	require.ErrorContains(t, err, `suite.items was 9 in the run, but is 8 now; suite.name was "toy" in the run, but is "other" now; settings.a was 1 in the run, but is 2 now`)
	for i := range 20 {
		other.System.Files = append(other.System.Files, File{Size: int64(i)})
	}
	_, err = Resume(path, other)
	require.ErrorContains(t, err, "more differences")
	require.NotContains(t, err.Error(), "\n")
}

// A process that was killed before its manifest was written leaves nothing in the way of the next.
func TestCreateAfterEarlyDeath(t *testing.T) {
	path := t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(path, lockName), nil, 0o644))
	require.NoError(t, os.WriteFile(filepath.Join(path, "."+manifestName+".123"), []byte("{"), 0o644))
	_, err := Resume(path, manifest())
	require.ErrorContains(t, err, "holds no run to go on with")
	d, err := Create(path, manifest())
	require.NoError(t, err)
	require.NoError(t, d.Close())
	_, err = Create(path, manifest())
	require.ErrorContains(t, err, "is not empty")
}

func TestBadManifest(t *testing.T) {
	for content, says := range map[string]string{
		"":                      "unexpected end",
		"null":                  "schema_version is 0",
		`{"schema_version":99}`: "schema_version is 99, this program reads 1 to",
		`{"schema_version":1,"suite":{"items":"x"}}`: "suite.items",
	} {
		path := written(t, 1)
		require.NoError(t, os.WriteFile(filepath.Join(path, manifestName), []byte(content), 0o644))
		_, err := Resume(path, manifest())
		require.ErrorContains(t, err, says, content)
	}
}

func FuzzRepair(f *testing.F) {
	f.Add([]byte(`{"index":0,"id":"a"}`+"\n"+`{"index":1,`), []byte(`{"index":0}`+"\n"))
	f.Add([]byte("{\"index\":0}\nxx\n"), []byte{})
	f.Fuzz(func(t *testing.T, samples, timings []byte) {
		path := filepath.Join(t.TempDir(), "run")
		d, err := Create(path, manifest())
		require.NoError(t, err)
		require.NoError(t, d.Close())
		require.NoError(t, os.WriteFile(filepath.Join(path, SamplesFile), samples, 0o644))
		require.NoError(t, os.WriteFile(filepath.Join(path, timingsName), timings, 0o644))
		if d, err = Resume(path, manifest()); err != nil {
			return
		}
		n := len(d.Done())
		if n == manifest().Questions() {
			require.NoError(t, d.Close())
			return // one more would be too many
		}
		require.NoError(t, d.Append(Sample{Index: n}, Timing{Index: n}))
		require.NoError(t, d.Close())
		// What was repaired once needs no more repair.
		d, err = Resume(path, manifest())
		require.NoError(t, err)
		require.Len(t, d.Done(), n+1)
		require.Empty(t, d.Notes())
		require.NoError(t, d.Close())
	})
}
