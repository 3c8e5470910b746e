package main

import (
	"encoding/json"
	"image"
	"image/png"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"llavabench/eval"
)

// benchmarks makes two small public benchmarks in folders of their names, one of them unlabelled.
func benchmarks(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	write := func(name, text string) {
		file := filepath.Join(dir, name)
		require.NoError(t, os.MkdirAll(filepath.Dir(file), 0o755))
		require.NoError(t, os.WriteFile(file, []byte(text), 0o644))
	}
	picture := func(name string) {
		file := filepath.Join(dir, name)
		require.NoError(t, os.MkdirAll(filepath.Dir(file), 0o755))
		f, err := os.Create(file)
		require.NoError(t, err)
		require.NoError(t, png.Encode(f, image.NewGray(image.Rect(0, 0, 9, 7))))
		require.NoError(t, f.Close())
	}
	for _, split := range []string{"random", "popular", "adversarial"} {
		write("pope/coco/coco_pope_"+split+".json", `{"question_id":1,"image":"a.jpg","text":"Is there a dog?","label":"yes"}`+"\n"+`{"question_id":2,"image":"b.jpg","text":"Is there a cat?","label":"no"}`)
	}
	picture("pope/val2014/a.jpg")
	write("vizwiz/test.json", `[{"image":"VizWiz_test_00000000.jpg","question":"What?"},{"image":"VizWiz_test_00000001.jpg","question":"Who?"}]`)
	picture("vizwiz/test/VizWiz_test_00000000.jpg")
	picture("vizwiz/test/VizWiz_test_00000001.jpg")
	return dir
}

// A public benchmark is asked from its files, scored by its owners' rules at the end and again later, in one piece or in shards.
func TestEvalOfABenchmark(t *testing.T) {
	data, out := benchmarks(t), t.TempDir()
	args := func(more ...string) []string {
		return append([]string{"eval", "--model", shipped(t, "models/llava15"), "--data", data, "--max-new-tokens", "2"}, more...)
	}
	run := filepath.Join(out, "pope")
	code, stdout, stderr := llavabench(t, args("--suite", "pope", "--out", run, "--answers", filepath.Join(out, "a.jsonl"))...)
	require.Zero(t, code, stderr)
	require.Contains(t, stdout, "by the owners' rules, scorer official")
	require.Contains(t, stdout, "3 answered, 3 missing")
	var summary eval.Summary
	raw, err := os.ReadFile(filepath.Join(run, "summary.json"))
	require.NoError(t, err)
	require.NoError(t, json.Unmarshal(raw, &summary))
	require.Equal(t, "mean F1", summary.Official.Figures[0].Name)
	require.Equal(t, 3, summary.Failed)

	stdout = mustRun(t, "report", run, "--out", filepath.Join(out, "report"))
	require.Contains(t, stdout, "mean F1")
	table, err := os.ReadFile(filepath.Join(out, "report/tables/official.txt"))
	require.NoError(t, err)
	require.NotContains(t, string(table), "published", "6 questions are not those of the papers")

	code, stdout, stderr = llavabench(t, "score", run, "--scorer", "all", "--json")
	require.Zero(t, code, stderr)
	var scores struct {
		Scores []struct {
			Scorer  string
			Metrics []struct{ Name, Text string }
		}
	}
	require.NoError(t, json.Unmarshal([]byte(stdout), &scores))
	require.Len(t, scores.Scores, 3)
	require.Equal(t, summary.Official.Figures[0].Text, scores.Scores[0].Metrics[0].Text)
	code, stdout, stderr = llavabench(t, "score", "--suite", "pope", "--data", data, "--answers", filepath.Join(out, "a.jsonl"), "--json")
	require.Zero(t, code, stderr)
	scores.Scores = nil
	require.NoError(t, json.Unmarshal([]byte(stdout), &scores))
	require.Equal(t, summary.Official.Figures[0].Text, scores.Scores[0].Metrics[0].Text)

	for _, part := range []string{"1", "2"} {
		code, _, stderr = llavabench(t, args("--suite", "pope", "--out", filepath.Join(out, part), "--shard", part+"/2")...)
		require.True(t, code == 0 || part == "2", stderr) // every picture of one shard may be missing
	}
	code, stdout, stderr = llavabench(t, "merge", filepath.Join(out, "1"), filepath.Join(out, "2"), "--out", filepath.Join(out, "merged"))
	require.Zero(t, code, stderr)
	require.Contains(t, stdout, "by the owners' rules, scorer official")
	want, err := os.ReadFile(filepath.Join(run, "samples.jsonl"))
	require.NoError(t, err)
	got, err := os.ReadFile(filepath.Join(out, "merged/samples.jsonl"))
	require.NoError(t, err)
	require.Equal(t, string(want), string(got))

	code, stdout, stderr = llavabench(t, "reproduce", run)
	require.Zero(t, code, stderr)
	require.Contains(t, stdout, "4 files, sizes and SHA-256 as in the run")

	require.NoError(t, os.WriteFile(filepath.Join(data, "pope/coco/coco_pope_random.json"), []byte(`{"question_id":1,"image":"a.jpg","text":"Another?","label":"yes"}`), 0o644))
	code, _, stderr = llavabench(t, "score", run)
	require.NotZero(t, code)
	require.Contains(t, stderr, "the questions are not those of the run")
}

func TestEvalOfSeveralBenchmarks(t *testing.T) {
	data, out := benchmarks(t), filepath.Join(t.TempDir(), "runs")
	code, stdout, stderr := llavabench(t, "eval", "--model", shipped(t, "models/llava15"), "--data", data, "--suite", "pope,vizwiz", "--limit", "1", "--prompts", "lmms-eval",
		"--max-new-tokens", "2", "--out", out)
	require.Zero(t, code, stderr)
	require.Contains(t, stdout, "the labels of this split are not public: --submission writes the file for the owners' server")
	require.FileExists(t, filepath.Join(out, "pope/summary.json"))

	file := filepath.Join(out, "vizwiz.json")
	code, _, stderr = llavabench(t, "score", filepath.Join(out, "vizwiz"), "--submission", file)
	require.Zero(t, code, stderr)
	raw, err := os.ReadFile(file)
	require.NoError(t, err)
	require.Contains(t, string(raw), `[{"image": "VizWiz_test_00000000.jpg", "answer": "`)
	code, _, stderr = llavabench(t, "score", filepath.Join(out, "vizwiz"))
	require.Equal(t, 1, code)
	require.Contains(t, stderr, "the labels of this split are not public")
}

func TestEvalOfABenchmarkRefuses(t *testing.T) {
	data := benchmarks(t)
	for name, c := range map[string]struct {
		args []string
		want string
	}{
		"data without a suite":     {[]string{"--data", data}, "--data belongs to the public benchmarks"},
		"prompts without a suite":  {[]string{"--prompts", "llava"}, "--prompts belongs to the public benchmarks"},
		"unknown prompts":          {[]string{"--suite", "pope", "--data", data, "--prompts", "x"}, "expected one of llava, lmms-eval, vlmevalkit"},
		"submission of pope":       {[]string{"--suite", "pope", "--data", data, "--submission", "x"}, "has no submission"},
		"a suite twice":            {[]string{"--suite", "pope,pope", "--data", data}, "named twice"},
		"an unknown one of two":    {[]string{"--suite", "pope,pupe", "--data", data}, `suite "pupe" is not known`},
		"answers of two":           {[]string{"--suite", "pope,mme", "--data", data, "--answers", "x"}, "go with one suite"},
		"a split that is not":      {[]string{"--suite", "vizwiz", "--data", data, "--split", "train"}, `no split "train"`},
		"data that are not there":  {[]string{"--suite", "mme", "--data", data}, "MME_Benchmark_release_version"},
		"a directory that is none": {[]string{"--suite", "mme", "--data", data + "/none"}, "no such file"},
	} {
		t.Run(name, func(t *testing.T) {
			code, _, stderr := llavabench(t, append([]string{"eval", "--model", "x", "--out", t.TempDir() + "/run"}, c.args...)...)
			require.NotZero(t, code)
			require.Contains(t, stderr, c.want)
		})
	}
}
