package tables

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"llavabench/internal/cost"
	"llavabench/internal/rundir"
	"llavabench/reports/study"
	"llavabench/reports/study/studytest"
)

func load(t *testing.T, paths ...string) study.Study {
	t.Helper()
	runs, err := study.LoadAll(paths)
	require.NoError(t, err)
	return study.Group(runs)[0]
}

func write(t *testing.T, table Table, format string) string {
	t.Helper()
	var b bytes.Buffer
	require.NoError(t, table.WriteTo(&b, format))
	return b.String()
}

func byName(t *testing.T, all []Table, name string) Table {
	t.Helper()
	for _, table := range all {
		if table.Name == name {
			return table
		}
	}
	t.Fatalf("no table %q", name)
	return Table{}
}

// hostile is what data may hold and no format may take for its own.
const hostile = "a|b*c_d`e<script>alert(1)</script> & 50% {x} $y$ #z ~^\\ \"q\" 中文 ü\u202e\x1b[31m\r\nnext,line;é"

func hostileStudy(t *testing.T) study.Study {
	dir := t.TempDir()
	for i, m := range studytest.Generations {
		studytest.WriteRun(t, filepath.Join(dir, fmt.Sprint(i)), 35, m, func(manifest *rundir.Manifest, s *rundir.Sample) {
			manifest.System.Model = "x/" + strings.ReplaceAll(hostile, "/", "") + manifest.System.Variant
			manifest.Suite.Name, manifest.System.DType = "llava_pope_test.jsonl", hostile
			s.Scorer = hostile
			s.Category += hostile
		})
	}
	return load(t, filepath.Join(dir, "0"), filepath.Join(dir, "1"), filepath.Join(dir, "2"), filepath.Join(dir, "3"))
}

func TestAccuracyTable(t *testing.T) {
	all := All(load(t, studytest.Write(t, 210, studytest.Generations...)...))
	var names []string
	for _, table := range all {
		names = append(names, table.Name)
		for _, row := range table.Rows {
			require.Len(t, row, len(table.Columns), table.Name)
		}
	}
	require.Equal(t, []string{"accuracy", "categories", "differences", "latency", "cost", "percentiles", "settings"}, names)
	acc := byName(t, all, "accuracy")
	best := 0
	for _, row := range acc.Rows {
		require.NotNil(t, row[4].CI)
		require.LessOrEqual(t, row[4].CI.Low, row[4].Value)
		require.GreaterOrEqual(t, row[4].CI.High, row[4].Value)
		if row[4].Best {
			best++
			require.Equal(t, "llava16", row[0].Text)
		}
	}
	require.Equal(t, 1, best)
	for _, words := range []string{"models/llava16", "made-up test, seed 7", "n = 210", "max_new_tokens = 16", "Scored by: exact", "95 %"} {
		require.Contains(t, acc.Caption, words)
	}
	require.Contains(t, write(t, acc, "md"), "| **"+acc.Rows[3][4].Main()+"** \\[")
	require.Contains(t, write(t, acc, "tex"), "\\textbf{"+acc.Rows[3][4].Main()+"} {\\scriptsize [")
	require.Contains(t, write(t, acc, "txt"), "] *")
}

// Without a significant difference nothing is bold.
func TestNothingIsBoldByChance(t *testing.T) {
	twin := studytest.Generations[1]
	for _, table := range All(load(t, studytest.Write(t, 70, twin, twin)...)) {
		require.NotContains(t, write(t, table, "tex"), "\\textbf{5", table.Name)
		for _, row := range table.Rows {
			for _, c := range row {
				require.False(t, c.Best)
			}
		}
	}
}

// A CSV file loads without options: one line of unique names, as many fields everywhere, numbers where one is.
func TestCSV(t *testing.T) {
	for _, s := range []study.Study{hostileStudy(t), load(t, studytest.Write(t, 35, studytest.Quantised...)...)} {
		for _, table := range All(s) {
			records, err := csv.NewReader(strings.NewReader(write(t, table, "csv"))).ReadAll()
			require.NoError(t, err)
			require.Len(t, records, len(table.Rows)+1)
			seen := map[string]bool{}
			for i, name := range records[0] {
				require.False(t, seen[name], name)
				seen[name] = true
				texts, numbers := 0, 0
				for _, r := range records[1:] {
					if _, err := strconv.ParseFloat(r[i], 64); err == nil {
						numbers++
					} else if r[i] != "" {
						texts++
					}
				}
				if table.Name != "settings" {
					require.True(t, texts == 0 || numbers == 0, "%s: %s has both", table.Name, name)
				}
			}
		}
	}
}

func TestJSON(t *testing.T) {
	for _, table := range All(hostileStudy(t)) {
		var got struct {
			Columns []struct{ Key string }
			Rows    []map[string]any
		}
		require.NoError(t, json.Unmarshal([]byte(write(t, table, "json")), &got))
		require.Len(t, got.Rows, len(table.Rows))
		for _, row := range got.Rows {
			for _, c := range got.Columns {
				require.Contains(t, row, c.Key)
			}
		}
	}
}

func TestTerminalAndMarkdownKeepTheirShape(t *testing.T) {
	for _, table := range All(hostileStudy(t)) {
		text := write(t, table, "txt")
		require.NotContains(t, text, "\x1b")
		require.NotContains(t, text, "\u202e")
		for line := range strings.Lines(write(t, table, "md")) {
			require.NotContains(t, line, "<script")
			if strings.HasPrefix(line, "|") {
				require.Equal(t, len(table.Columns)+1, strings.Count(line, "|")-strings.Count(line, "\\|"))
			}
		}
	}
}

// What LaTeX is given compiles.
func TestLaTeXCompiles(t *testing.T) {
	pdflatex, err := exec.LookPath("pdflatex")
	if err != nil {
		t.Skip("pdflatex is not installed")
	}
	dir := t.TempDir()
	var doc strings.Builder
	doc.WriteString("\\documentclass{article}\n\\usepackage[T1]{fontenc}\n\\usepackage{booktabs,graphicx,textcomp}\n\\begin{document}\n")
	for _, s := range []study.Study{hostileStudy(t), load(t, studytest.Write(t, 35, studytest.Generations...)...)} {
		for _, table := range All(s) {
			doc.WriteString(write(t, table, "tex") + "\\clearpage\n")
		}
	}
	doc.WriteString(Escape(hostile) + "\n\\end{document}\n")
	require.NoError(t, os.WriteFile(filepath.Join(dir, "t.tex"), []byte(doc.String()), 0o644))
	cmd := exec.Command(pdflatex, "-interaction=nonstopmode", "-halt-on-error", "-no-shell-escape", "t.tex")
	cmd.Dir = dir
	out, err := cmd.CombinedOutput()
	require.NoError(t, err, string(out[max(0, len(out)-3000):]))
}

func TestFormat(t *testing.T) {
	require.Equal(t, "0.0", format(-0.04, 1))
	require.Equal(t, "-0.1", format(-0.06, 1))
	require.Equal(t, "<0.001", pValue(1e-9).String())
	require.Equal(t, "0.012", pValue(0.0123).String())
	require.Equal(t, "", value(1/zero(), 1).String())
	require.Equal(t, "63.3 [60.1, 66.4]", interval(63.31, 60.1, 66.4, 1).String())
}

func zero() float64 { return 0 }

func TestComparison(t *testing.T) {
	s := study.Against(load(t, studytest.Write(t, 70, studytest.Generations...)...).Runs)
	s.Runs[1].Reused = 3
	table := All(s)[0]
	require.Equal(t, "comparison", table.Name)
	require.Len(t, table.Rows, 4)
	difference := 3
	require.Equal(t, "difference_points", table.Columns[difference].Key)
	require.Empty(t, table.Rows[0][difference].String(), "the baseline is not compared with itself")
	for i, p := range s.Pairs() {
		require.InDelta(t, 100*p.Difference, table.Rows[i+1][difference].Value, 1e-9)
		require.InDelta(t, p.Holm, table.Rows[i+1][difference+1].Value, 1e-12)
	}
	require.Equal(t, []string{"3 answers, over all runs, took vision features from an earlier run: the times of an answer are of the others."}, table.Notes)
	for _, format := range Formats {
		require.NotEmpty(t, write(t, table, format))
	}
}

// Energy has a column only where a run could read it.
func TestCostTables(t *testing.T) {
	s := load(t, studytest.Write(t, 35, studytest.Generations...)...)
	without := byName(t, All(s), "cost")
	require.Len(t, without.Rows, len(s.Runs))
	require.NotContains(t, write(t, without, "csv"), "energy_j")
	require.Equal(t, s.Runs[0].Cost.Answers, int(without.Rows[0][1].Value))

	s.Runs[1].Cost.Energy = &cost.Energy{PerAnswer: rundir.Energy{Package: 2.5}}
	with := byName(t, All(s), "cost")
	last := len(with.Columns) - 1
	require.Equal(t, "energy_j", with.Columns[last].Key)
	require.Equal(t, Cell{}, with.Rows[0][last])
	require.Equal(t, "2.50", with.Rows[1][last].String())

	p := byName(t, All(s), "percentiles")
	require.Contains(t, write(t, p, "tex"), "run & n & \\shortstack[r]{first token\\\\p50, ms} & ")
	for _, row := range p.Rows {
		require.LessOrEqual(t, row[2].Value, row[3].Value)
		require.LessOrEqual(t, row[3].Value, row[4].Value)
	}
}
