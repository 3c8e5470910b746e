package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"llavabench/eval/ablation"
	"llavabench/internal/imaging"
	"llavabench/internal/rundir"
	"llavabench/internal/stats"
)

// study writes a spec about a shipped checkpoint, which MODEL stands for.
func writeStudy(t *testing.T, text string) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "study.yaml")
	require.NoError(t, os.WriteFile(file, []byte(strings.ReplaceAll(text, "MODEL", shipped(t, "models/llava16"))), 0o644))
	return file
}

const smallStudy = `title: A small study
question: Does the global view help?
suite: {limit: 3}
settings: {model: MODEL, max_new_tokens: 2}
cells:
  - {name: as released}
  - {name: no global view, global: none}
  - {name: last layer, select_layer: -1}
  - {name: mixed, decoder_weights: q4, projector_weights: f16}
claims:
  - {says: the global view helps, source: nobody, cell: no global view, direction: worse}
`

// A study gives the same answers whether vision features are shared or not, in one piece or broken off, and every cell can be
// reproduced by itself.
func TestAblate(t *testing.T) {
	file, out := writeStudy(t, smallStudy), t.TempDir()
	shared, apart := filepath.Join(out, "shared"), filepath.Join(out, "apart")
	code, stdout, stderr := llavabench(t, "ablate", file, "--out", shared, "--batch", "1")
	require.Zero(t, code, stderr)
	for _, want := range []string{
		"paired differences to as released", "Does the global view help?", "Not shown: the global view helps (nobody).", "took vision features from an earlier run",
		"Report: " + filepath.Join(shared, "report", "index.html"),
	} {
		require.Contains(t, stdout, want)
	}
	require.NoFileExists(t, filepath.Join(shared, featuresFile))
	page, err := os.ReadFile(filepath.Join(shared, "report", "index.html"))
	require.NoError(t, err)
	require.Contains(t, string(page), "Does the global view help?")
	require.FileExists(t, filepath.Join(shared, "report", "tables", "comparison.tex"))

	code, stdout, stderr = llavabench(t, "ablate", file, "--out", apart, "--share=false", "--report=false", "--json", "--batch", "3")
	require.Zero(t, code, stderr)
	var result studyResult
	require.NoError(t, json.Unmarshal([]byte(stdout), &result))
	require.Len(t, result.Cells, 4)
	require.Equal(t, notShown, result.Verdicts[0].Outcome)
	require.Nil(t, result.Cells[0].Against)
	require.Equal(t, 3, result.Cells[1].Against.N)
	reused := map[string]bool{}
	for _, c := range result.Cells {
		require.Equal(t, read(t, filepath.Join(apart, c.Run, rundir.SamplesFile)), read(t, filepath.Join(shared, c.Run, rundir.SamplesFile)), c.Name)
		for _, dir := range []string{shared, apart} {
			times, err := rundir.ReadTimings(filepath.Join(dir, c.Run))
			require.NoError(t, err)
			for _, x := range times {
				reused[filepath.Base(dir)+" "+c.Name] = x.Reused > 0
			}
		}
	}
	require.Equal(t, map[string]bool{
		"shared as released": false, "shared no global view": true, "shared last layer": false, "shared mixed": true,
		"apart as released": false, "apart no global view": false, "apart last layer": false, "apart mixed": false,
	}, reused)
	code, _, stderr = llavabench(t, "reproduce", filepath.Join(shared, "mixed"))
	require.Zero(t, code, stderr)

	// Broken off in the second cell, with some features kept.
	broken := filepath.Join(out, "broken")
	require.NoError(t, os.CopyFS(filepath.Join(broken, "as released"), os.DirFS(filepath.Join(apart, "as released"))))
	require.NoError(t, os.CopyFS(filepath.Join(broken, "no global view"), os.DirFS(filepath.Join(apart, "no global view"))))
	samples := read(t, filepath.Join(apart, "no global view", rundir.SamplesFile))
	require.NoError(t, os.WriteFile(filepath.Join(broken, "no global view", rundir.SamplesFile), []byte(samples[:len(samples)/2]), 0o644))
	unfinish(t, filepath.Join(broken, "no global view"))
	require.NoError(t, os.WriteFile(filepath.Join(broken, featuresFile), []byte("damaged"), 0o644))
	code, _, stderr = llavabench(t, "ablate", file, "--out", broken, "--report=false")
	require.Equal(t, exitFailed, code)
	require.Contains(t, stderr, "is not empty: resume")
	code, _, stderr = llavabench(t, "ablate", file, "--out", broken, "--report=false", "--resume")
	require.Zero(t, code, stderr)
	for _, c := range result.Cells {
		require.Equal(t, read(t, filepath.Join(apart, c.Run, rundir.SamplesFile)), read(t, filepath.Join(broken, c.Run, rundir.SamplesFile)), c.Name)
	}
}

func read(t *testing.T, file string) string {
	t.Helper()
	b, err := os.ReadFile(file)
	require.NoError(t, err)
	return string(b)
}

// unfinish takes the end out of a manifest, as it is before a run ends.
func unfinish(t *testing.T, run string) {
	t.Helper()
	m, err := rundir.ReadManifest(run)
	require.NoError(t, err)
	m.Ended = nil
	b, err := json.Marshal(m)
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(filepath.Join(run, "manifest.json"), b, 0o644))
}

// What cannot be run is refused with its reason before anything is asked, or left out.
func TestAblateRefusesTheImpossible(t *testing.T) {
	file := writeStudy(t, `
suite: {limit: 1}
settings: {model: MODEL, max_new_tokens: 1}
cells:
  - {name: as released}
  - {name: linear, projector: linear}
  - {name: small views, side: 224, shortest_edge: 224, pinpoints: article}
  - {name: uneven, pinpoints: [[500, 500]]}
  - {name: far layer, select_layer: -9}
  - {name: class token, select_feature: cls_patch}
  - {name: no such type, decoder_weights: q3}
  - {name: no such template, template: x}
  - {name: no such model, model: none}
  - {name: too long, pinpoints: "(12x12),...,(12x12)"}
  - {name: bf16 of f16, numerics: bf16, dtype: f16}
  - {name: half, dtype: f16}
`)
	out := filepath.Join(t.TempDir(), "out")
	code, _, stderr := llavabench(t, "ablate", file, "--out", out)
	require.Equal(t, exitFailed, code)
	require.Contains(t, stderr, "10 of 12 cells cannot be run")
	require.NoDirExists(t, out)
	reasons := []string{
		`linear: projector: the weights are of another one than "linear"`, "small views: the settings have views of 224 pixels", "uneven: pinpoint 0 is 500x500, expected multiples of the side 336",
		"far layer: vision tower: select layer -9", "has no place in", `decoder_weights "q3" is not known`, "no such template: ", "no such model: ", "too long: ", "needs BF16 matrices",
	}
	for _, want := range reasons {
		require.Contains(t, stderr, want)
	}
	code, stdout, stderr := llavabench(t, "ablate", file, "--out", out, "--dry-run", "--picture", "336x336")
	require.Zero(t, code, stderr)
	require.Contains(t, stdout, "12 cells, ")
	require.Regexp(t, `as released +model=\S+ +3 +1176\n`, stdout)
	require.NoDirExists(t, out)

	code, stdout, stderr = llavabench(t, "ablate", file, "--out", out, "--skip-impossible", "--report=false")
	require.Zero(t, code, stderr)
	for _, want := range reasons {
		require.Contains(t, stdout, want)
	}
	require.FileExists(t, filepath.Join(out, "half", "summary.json"))
	require.NoDirExists(t, filepath.Join(out, "linear"))

	for want, args := range map[string][]string{
		"--picture": {"--picture", "3x"}, "--feature-limit": {"--feature-limit", "much"}, "--limit": {"--limit", "-1"},
	} {
		code, _, stderr := llavabench(t, append([]string{"ablate", file, "--out", out}, args...)...)
		require.Equal(t, exitUsage, code)
		require.Contains(t, stderr, want)
	}
}

// The shipped studies can be run as they are.
func TestShippedStudies(t *testing.T) {
	root := repository(t)
	files, err := filepath.Glob(filepath.Join(root, "testdata/ablations/*.yaml"))
	require.NoError(t, err)
	require.Len(t, files, 4)
	t.Chdir(root)
	for _, file := range files {
		spec, err := ablation.Read(file)
		require.NoError(t, err)
		require.NotEmpty(t, spec.Title)
		require.NotEmpty(t, spec.Background)
		require.NotEmpty(t, spec.Claims)
		code, stdout, stderr := llavabench(t, "ablate", file, "--out", filepath.Join(t.TempDir(), "x"), "--dry-run")
		require.Zero(t, code, stderr)
		require.NotContains(t, stdout, "impossible\n")
		require.Contains(t, stdout, " 0 of them impossible")
	}

	page := read(t, filepath.Join(root, "docs/ablations.md"))
	_, page, _ = strings.Cut(page, "```yaml\n")
	example, _, ok := strings.Cut(page, "```")
	require.True(t, ok)
	spec, err := ablation.Parse("docs/ablations.md", []byte(example))
	require.NoError(t, err)
	require.Len(t, spec.Cells, 6)
	for _, c := range spec.Cells {
		f, err := parseEval(spec.Args(c))
		require.NoError(t, err)
		tokens, _, err := probe(t.Context(), f, imaging.Size{W: 1024, H: 768})
		require.NoError(t, err, c.Name)
		require.Positive(t, tokens)
	}
}

// Prompts are compared on the same questions of a public benchmark.
func TestAblateOfABenchmark(t *testing.T) {
	file, out := writeStudy(t, `
suite: {name: pope, data: `+benchmarks(t)+`, limit: 4}
settings: {model: MODEL, max_new_tokens: 1}
grid: {prompts: [llava, lmms-eval, vlmevalkit]}
`), filepath.Join(t.TempDir(), "out")
	code, stdout, stderr := llavabench(t, "ablate", file, "--out", out)
	require.Zero(t, code, stderr)
	require.Regexp(t, `prompts=vlmevalkit +4 .* 1\.000 `, stdout)
	code, _, stderr = llavabench(t, "reproduce", filepath.Join(out, "prompts=lmms-eval"))
	require.Zero(t, code, stderr)

	code, _, stderr = llavabench(t, "ablate", writeStudy(t, "suite: {name: pope}\nsettings: {model: MODEL}\ncells: [{name: a}]"), "--out", out+"2")
	require.Equal(t, exitFailed, code)
	require.Contains(t, stderr, "needs --data")
}

// A cell that answers nothing is in the result, and the exit code tells.
func TestAblateWithoutAnswers(t *testing.T) {
	file, out := writeStudy(t, `
suite: {limit: 1}
settings: {model: MODEL, max_new_tokens: 1}
cells: [{name: a}, {name: b, max_image_tokens: 1100}]
`), filepath.Join(t.TempDir(), "out")
	code, stdout, stderr := llavabench(t, "ablate", file, "--out", out, "--report=false", "--picture", "336x168")
	require.Equal(t, exitFailed, code)
	require.Contains(t, stderr, "b: none of 1 questions was answered")
	require.Contains(t, stdout, "1 questions failed")
	require.FileExists(t, filepath.Join(out, "ablation.json"))
}

func TestVerdicts(t *testing.T) {
	interval := func(low, high float64) stats.Interval { return stats.Interval{Low: low, High: high} }
	for _, c := range []struct {
		direction ablation.Direction
		d, holm   float64
		ci        stats.Interval
		want      string
	}{
		{ablation.Better, 0.1, 0.01, interval(0.05, 0.15), agrees},
		{ablation.Better, -0.1, 0.01, interval(-0.15, -0.05), disagrees},
		{ablation.Better, 0.1, 0.2, interval(-0.05, 0.25), notShown},
		{ablation.Worse, -0.1, 0.01, interval(-0.15, -0.05), agrees},
		{ablation.Worse, 0.1, 0.01, interval(0.05, 0.15), disagrees},
		{ablation.Similar, 0.01, 1, interval(-0.01, 0.02), agrees},
		{ablation.Similar, 0.01, 0.01, interval(0.005, 0.02), agrees},
		{ablation.Similar, 0.01, 1, interval(-0.01, 0.04), notShown},
		{ablation.Similar, 0.1, 0.01, interval(0.04, 0.15), disagrees},
		{ablation.Similar, -0.1, 0.01, interval(-0.15, -0.04), disagrees},
	} {
		v := verdict{Says: "so", Source: "s", Cell: "a", Than: "b", Direction: string(c.direction), Within: 3, Outcome: notShown, N: 9, Difference: c.d, CI: c.ci, Holm: c.holm}
		v.decide()
		require.Equal(t, c.want, v.Outcome, "%+v", c)
		require.Contains(t, strings.ToLower(v.sentence()), c.want+": so (s)")
	}
	v := verdict{Says: "so", Cell: "a", Than: "b", Outcome: notTested}
	v.decide()
	require.Equal(t, "Not tested: so. a or b was not run on the questions that it is about.", v.sentence())
}
