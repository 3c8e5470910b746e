package reports

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"llavabench/internal/rundir"
	"llavabench/reports/study/studytest"
)

// contents are the files below a directory.
func contents(t *testing.T, dir string) map[string]string {
	t.Helper()
	out := map[string]string{}
	require.NoError(t, filepath.WalkDir(dir, func(path string, e os.DirEntry, err error) error {
		if err != nil || e.IsDir() {
			return err
		}
		b, err := os.ReadFile(path)
		name, _ := filepath.Rel(dir, path)
		out[filepath.ToSlash(name)] = string(b)
		return err
	}))
	return out
}

func load(t *testing.T, paths ...string) []Run {
	t.Helper()
	runs, err := Load(paths)
	require.NoError(t, err)
	return runs
}

func TestWriteAll(t *testing.T) {
	paths := studytest.Write(t, 35, studytest.Generations...)
	first, second := filepath.Join(t.TempDir(), "a"), filepath.Join(t.TempDir(), "b", "c")
	index, err := WriteAll(first, load(t, paths...), Options{})
	require.NoError(t, err)
	_, err = WriteAll(second, load(t, paths...), Options{})
	require.NoError(t, err)
	files := contents(t, first)
	require.Equal(t, files, contents(t, second), "byte for byte")
	require.Len(t, files, len(index.Files)+1)
	for _, name := range append(index.Files, IndexName) {
		require.NotEmpty(t, files[name], name)
	}
	for _, name := range []string{"index.html", "report.tex", "tables/accuracy.csv", "tables/accuracy.tex", "tables/latency.md", "tables/categories.json", "tables/differences.txt", "figures/accuracy-tokens.svg", "figures/differences.pdf", "figures/decode-speed.png"} {
		require.Contains(t, files, name)
	}
	var stored Index
	require.NoError(t, json.Unmarshal([]byte(files[IndexName]), &stored))
	require.Equal(t, index, stored)
	require.Equal(t, "accuracy-memory", index.Missing[0].Name)

	// A second report over the first one leaves nothing of it, and nothing else is touched.
	mine := filepath.Join(first, "mine.txt")
	require.NoError(t, os.WriteFile(mine, nil, 0o644))
	_, err = WriteAll(first, load(t, paths[0]), Options{Title: "One run"})
	require.NoError(t, err)
	require.NoFileExists(t, filepath.Join(first, "figures/differences.pdf"))
	require.FileExists(t, mine)
	require.Contains(t, contents(t, first)["index.html"], "<h1>One run</h1>")
}

func TestWriteAllRefuses(t *testing.T) {
	_, err := WriteAll(t.TempDir(), nil, Options{})
	require.ErrorContains(t, err, "no runs")
	runs := load(t, studytest.Write(t, 3, studytest.Generations[0])...)
	dir := t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(dir, "thesis.doc"), nil, 0o644))
	_, err = WriteAll(dir, runs, Options{})
	require.ErrorContains(t, err, `holds "thesis.doc" and is not a report`)
	require.Len(t, contents(t, dir), 1)
}

// An index that names other files removes none of them.
func TestOnlyOwnFilesAreRemoved(t *testing.T) {
	for name, want := range map[string]bool{
		"tables/a.csv": true, "figures/b.svg": true, "tables/../x.csv": false, "../tables/a.csv": false, "tables/sub/a.csv": false, "index.html": false, "figures/b.exe": false, "/etc/passwd": false, "": false,
	} {
		require.Equal(t, want, ours(name), name)
	}
}

func TestSeveralSuites(t *testing.T) {
	dir := t.TempDir()
	for name, suite := range map[string]string{"a": "Suite One", "b": "suite/one", "c": "中"} {
		studytest.WriteRun(t, filepath.Join(dir, name), 20, studytest.Generations[0], func(m *rundir.Manifest, _ *rundir.Sample) { m.Suite.Name, m.Suite.Split, m.Suite.Seed = suite, "", 0 })
	}
	out := filepath.Join(dir, "report")
	index, err := WriteAll(out, load(t, filepath.Join(dir, "a"), filepath.Join(dir, "b"), filepath.Join(dir, "c")), Options{})
	require.NoError(t, err)
	for _, name := range []string{"tables/suite-one-accuracy.csv", "tables/suite-one-2-accuracy.csv", "tables/suite-accuracy.csv"} {
		require.Contains(t, index.Files, name)
	}
}

// The document of all tables and figures compiles where it lies.
func TestReportCompiles(t *testing.T) {
	pdflatex, err := exec.LookPath("pdflatex")
	if err != nil {
		t.Skip("pdflatex is not installed")
	}
	out := filepath.Join(t.TempDir(), "report")
	_, err = WriteAll(out, load(t, studytest.Write(t, 35, append(studytest.Generations, studytest.Quantised[2:]...)...)...), Options{})
	require.NoError(t, err)
	cmd := exec.Command(pdflatex, "-interaction=nonstopmode", "-halt-on-error", "-no-shell-escape", LaTeXName)
	cmd.Dir = out
	log, err := cmd.CombinedOutput()
	require.NoError(t, err, string(log[max(0, len(log)-3000):]))
	require.NotContains(t, string(log), "Float too large")
	for line := range strings.Lines(string(log)) {
		require.NotContains(t, line, "Overfull \\hbox", "a table or figure is wider than the page")
	}
}
