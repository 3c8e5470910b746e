package main

import (
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"llavabench/eval/suites"
	"llavabench/internal/sharedtest"
)

// vizwizData is a data set of two questions, one with an image, and a file with one answer.
func vizwizData(t *testing.T) (data, answers string) {
	t.Helper()
	data = t.TempDir()
	ten := strings.Repeat(`{"answer":"Yes"},`, 9) + `{"answer":"no"}`
	for name, text := range map[string]string{
		"vizwiz/val.json":                    `[{"image":"VizWiz_val_00000000.jpg","question":"Is it?","answers":[` + ten + `]},{"image":"VizWiz_val_00000001.jpg","question":"Is it?","answers":[` + ten + `]}]`,
		"vizwiz/val/VizWiz_val_00000000.jpg": "",
		"answers.jsonl":                      `{"question_id":0,"text":"yes"}` + "\n" + `{"question_id":1,"text":"ye`,
	} {
		file := filepath.Join(data, filepath.FromSlash(name))
		require.NoError(t, os.MkdirAll(filepath.Dir(file), 0o755))
		require.NoError(t, os.WriteFile(file, []byte(text), 0o644))
	}
	return data, filepath.Join(data, "answers.jsonl")
}

func TestScore(t *testing.T) {
	data, answers := vizwizData(t)
	for _, dir := range []string{data, filepath.Join(data, "vizwiz")} {
		code, stdout, stderr := llavabench(t, "score", "--suite", "vizwiz", "--data", dir, "--answers", answers)
		require.Zero(t, code, stderr)
		require.Regexp(t, `accuracy +0\.5 +[0-9.]+ to [0-9.]+ +ratio +2`, stdout)
		require.Contains(t, stdout, "2 questions, 1 answered, 1 missing; 0 duplicate, 0 unknown and 0 unparsed answers")
		require.Contains(t, stdout, "the last line of the answers is cut off")
	}
	samples := filepath.Join(data, "samples.jsonl")
	code, stdout, stderr := llavabench(t, "score", "--suite", "vizwiz", "--data", data, "--answers", answers, "--scorer", "all", "--samples", samples, "--json")
	require.Zero(t, code, stderr)
	var out struct {
		Suite, Layout string
		Files         []string
		Scores        []struct {
			Scorer  string
			Metrics []struct {
				Name  string
				Value float64
				N     int
			}
			Missing int
		}
	}
	require.NoError(t, json.Unmarshal([]byte(stdout), &out))
	require.Equal(t, "llava", out.Layout)
	require.Equal(t, []string{"val.json"}, out.Files)
	require.Len(t, out.Scores, 2)
	require.Equal(t, 0.5, out.Scores[1].Metrics[0].Value)
	raw, err := os.ReadFile(samples)
	require.NoError(t, err)
	require.Equal(t, 4, strings.Count(string(raw), "\n"))
	require.Contains(t, string(raw), `{"scorer":"m4c","question_id":"0","group":"VizWiz_val_00000000.jpg","score":1,"parsed":"yes","answered":true}`)
}

func TestScoreUpload(t *testing.T) {
	data, answers := vizwizData(t)
	upload := filepath.Join(data, "upload.json")
	code, stdout, stderr := llavabench(t, "score", "--suite", "vizwiz", "--data", data, "--answers", answers, "--upload", upload)
	require.Equal(t, exitFailed, code)
	require.Empty(t, stdout)
	require.Contains(t, stderr, "1 questions have no answer")
	left, err := filepath.Glob(filepath.Join(data, "upload*"))
	require.NoError(t, err)
	require.Empty(t, left, "nothing half written stays")

	require.NoError(t, os.WriteFile(answers, []byte(`[{"image":"VizWiz_val_00000001.jpg","answer":"The NO."},{"image":"VizWiz_val_00000000.jpg","answer":"yes"}]`), 0o644))
	code, stdout, stderr = llavabench(t, "score", "--suite", "vizwiz", "--data", data, "--answers", answers, "--upload", upload)
	require.Zero(t, code, stderr)
	require.Equal(t, upload+": submission written\n", stdout)
	raw, err := os.ReadFile(upload)
	require.NoError(t, err)
	require.Equal(t, `[{"image": "VizWiz_val_00000000.jpg", "answer": "yes"}, {"image": "VizWiz_val_00000001.jpg", "answer": "no"}]`, string(raw))
}

func TestScoreRefuses(t *testing.T) {
	data, answers := vizwizData(t)
	for _, c := range []struct {
		name string
		args []string
		code int
		want string
	}{
		{"no suite", []string{"--data", data, "--answers", answers}, exitUsage, "--suite is missing"},
		{"unknown suite", []string{"--suite", "vqa9", "--data", data, "--answers", answers}, exitUsage, `suite "vqa9" is not known`},
		{"unknown scorer", []string{"--suite", "vizwiz", "--data", data, "--answers", answers, "--scorer", "best"}, exitUsage, `no scorer "best", expected one of lmms-eval, m4c`},
		{"unknown split", []string{"--suite", "vizwiz", "--data", data, "--answers", answers, "--split", "train"}, exitUsage, `no split "train", expected one of val, test`},
		{"split of a suite without", []string{"--suite", "gqa", "--data", data, "--answers", answers, "--split", "train"}, exitUsage, "suite gqa has one split only"},
		{"no data", []string{"--suite", "vizwiz", "--data", data + "/no", "--answers", answers}, exitFailed, "no such file"},
		{"other data", []string{"--suite", "gqa", "--data", data, "--answers", answers}, exitFailed, "testdev_balanced_questions.json"},
		{"no answers", []string{"--suite", "vizwiz", "--data", data, "--answers", answers + ".no"}, exitFailed, "no such file"},
		{"upload of a local suite", []string{"--suite", "textvqa", "--data", data, "--answers", answers, "--upload", "x"}, exitUsage, "has no submission"},
	} {
		t.Run(c.name, func(t *testing.T) {
			code, stdout, stderr := llavabench(t, append([]string{"score"}, c.args...)...)
			require.Equal(t, c.code, code, stderr)
			require.Empty(t, stdout)
			require.Contains(t, stderr, c.want)
		})
	}
}

func TestSuites(t *testing.T) {
	data, _ := vizwizData(t)
	for _, args := range [][]string{{"suites"}, {"suites", "list"}} {
		code, stdout, stderr := llavabench(t, append(args, "--data", data)...)
		require.Zero(t, code, stderr)
		require.Regexp(t, `vizwiz +VizWiz-VQA +8,000 +yes`, stdout)
		require.Regexp(t, `gqa +GQA, test-dev balanced +12,578 +no`, stdout)
		require.Contains(t, stdout, "found val.json")
	}
	code, stdout, _ := llavabench(t, "suites", "--json")
	require.Zero(t, code)
	var list []suiteOutput
	require.NoError(t, json.Unmarshal([]byte(stdout), &list))
	require.Len(t, list, len(suites.All()))

	code, stdout, stderr := llavabench(t, "suites", "check", "vizwiz", "--data", data)
	require.Equal(t, exitFailed, code)
	require.Contains(t, stdout, "2 questions with labels; the split that papers report has 8,000")
	require.Contains(t, stdout, "2 images, 1 missing\n  missing: val/VizWiz_val_00000001.jpg")
	require.Contains(t, stderr, "1 of 2 images are missing")
	code, _, stderr = llavabench(t, "suites", "check", "vizwiz", "--data", data, "--no-images")
	require.Zero(t, code, stderr)
	code, _, stderr = llavabench(t, "suites", "check", "vqa9", "--data", data)
	require.Equal(t, exitUsage, code)
	require.Contains(t, stderr, "not known")
}

// Released answers give the official scores to the digit that upstream prints, through the command.
func TestScoreAnchors(t *testing.T) {
	anchors := sharedtest.Path(t, "anchors")
	for _, c := range []struct {
		suite, answers string
		want           string
	}{
		{"mathvista", "results/output_llava_llama_2_13b.json.gz", `average +0\.261 +[0-9.]+ to [0-9.]+ +ratio +1000`},
		{"mathvista", "results/output_idefics_9b_instruct.json.gz", `average +0\.2 +[0-9.]+ to [0-9.]+ +ratio +1000`},
		{"pope", "answers/llava-v1.5-13b.jsonl.gz", `85\.9\d* +[-0-9.to ]+ +percent`},
		{"scienceqa", "answers/llava-v1.5-13b.jsonl.gz", `71\.64 +[0-9.]+ to [0-9.]+ +percent +2017`},
		{"mmvet", "results/llava-v1.5-7b_gpt-4-grade-3runs.json", `31\.1 +[-0-9.to ]+ +percent`},
	} {
		dir := filepath.Join(anchors, c.suite)
		code, stdout, stderr := llavabench(t, "score", "--suite", c.suite, "--data", dir, "--answers", filepath.Join(dir, filepath.FromSlash(c.answers)))
		require.Zero(t, code, stderr)
		require.Regexp(t, c.want, stdout)
	}
	upload := filepath.Join(t.TempDir(), "upload.json")
	dir := filepath.Join(anchors, "vizwiz")
	code, _, stderr := llavabench(t, "score", "--suite", "vizwiz", "--data", dir, "--answers", filepath.Join(dir, "answers", "llava-v1.5-13b.jsonl.gz"), "--upload", upload)
	require.Zero(t, code, stderr)
	raw, err := os.ReadFile(upload)
	require.NoError(t, err)
	require.Equal(t, "671422ba1f9ee08a4b0e203d3929a2b4c6a6289e268b35b59cdd7f0b8c5a9500", fmt.Sprintf("%x", sha256.Sum256(raw)))
}
