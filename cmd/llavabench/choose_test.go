package main

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"llavabench/internal/rundir"
)

// A run that chooses by likelihood says so wherever runs are compared, is not mixed with one that generates, and can be repeated and
// reported.
func TestChosenRun(t *testing.T) {
	root := repository(t)
	t.Chdir(t.TempDir())
	model := filepath.Join(root, "testdata/models/llava1")
	eval := []string{"eval", "--model", model, "--suite", "sight", "--limit", "14"}
	code, _, stderr := llavabench(t, append(eval, "--out", "generated")...)
	require.Zero(t, code, stderr)
	code, _, stderr = llavabench(t, append(eval, "--out", "chosen", "--choose", "likelihood")...)
	require.Zero(t, code, stderr)
	require.Contains(t, stderr, "4 questions are answered with an option: the greatest by the log-likelihood of its letter")
	samples, err := rundir.ReadSamples("chosen")
	require.NoError(t, err)
	plain, err := rundir.ReadSamples("generated")
	require.NoError(t, err)
	for i, s := range samples {
		switch s.Category {
		case "presence", "choice":
			require.Contains(t, []string{"yes", "no", "A", "B", "C", "D"}, s.Text)
			require.NotEmpty(t, s.Options)
			require.Empty(t, s.OutputIDs)
			require.Equal(t, plain[i].LogitsSHA256, s.LogitsSHA256, "the same prompt")
		default:
			require.Equal(t, plain[i], s)
		}
	}

	code, _, stderr = llavabench(t, append(eval, "--out", "generated", "--resume", "--choose", "likelihood")...)
	require.NotZero(t, code)
	require.Contains(t, stderr, `settings.choose was absent in the run, but is "likelihood" now`)
	code, _, stderr = llavabench(t, append(eval, "--out", "chosen", "--resume", "--choose", "likelihood", "--choose-norm", "byte")...)
	require.NotZero(t, code)
	require.Contains(t, stderr, `settings.choose_norm was "sum" in the run, but is "byte" now`)

	_, stdout, _ := llavabench(t, "compare", "generated", "chosen")
	require.Contains(t, stdout, "choose")
	require.Contains(t, stdout, "likelihood")
	code, stdout, stderr = llavabench(t, "reproduce", "chosen", "--threads", "1")
	require.Zero(t, code, stderr)
	require.Contains(t, stdout, "reproduced: samples.jsonl is the same")
	code, _, stderr = llavabench(t, "report", "generated", "chosen", "--out", "report")
	require.Zero(t, code, stderr)
	table, err := os.ReadFile("report/tables/settings.md")
	require.NoError(t, err)
	require.Contains(t, string(table), "likelihood")
	code, stdout, stderr = llavabench(t, "checklist", "chosen")
	require.Zero(t, code, stderr)
	require.Contains(t, stdout, "4 answers are an option of their question, the greatest by the log-likelihood of its letter")
}

// The letter that is chosen is an answer for every scorer.
func TestChosenLettersAreScored(t *testing.T) {
	root := repository(t)
	t.Chdir(t.TempDir())
	require.NoError(t, os.MkdirAll("data/images", 0o755))
	picture, err := os.ReadFile(filepath.Join(root, "testdata/images/square.png"))
	require.NoError(t, err)
	require.NoError(t, os.WriteFile("data/images/a.png", picture, 0o644))
	lines := ""
	for i := range 3 {
		lines += fmt.Sprintf(`{"question_id":%d,"image":"a.png","text":"Which?","choices":["a cat","two dogs","a bird"],"answer":"%c"}`+"\n", i, 'A'+i)
	}
	lines += `{"question_id":3,"image":"a.png","text":"What?","answer":"a cat"}` + "\n"
	require.NoError(t, os.WriteFile("data/questions.jsonl", []byte(lines), 0o644))
	for _, by := range []string{"letter", "text"} {
		code, stdout, stderr := llavabench(t, "eval", "--model", filepath.Join(root, "testdata/models/llava15"), "--suite", "jsonl", "--data", "data", "--max-new-tokens", "3",
			"--choose", "likelihood", "--choose-by", by, "--out", by)
		require.Zero(t, code, stderr)
		require.Contains(t, stdout, "4 answered, 0 missing, 0 unparsed")
		code, stdout, stderr = llavabench(t, "score", by, "--scorer", "all")
		require.Zero(t, code, stderr)
		require.Contains(t, stdout, "accuracy")
	}
	letters, err := rundir.ReadSamples("letter")
	require.NoError(t, err)
	texts, err := rundir.ReadSamples("text")
	require.NoError(t, err)
	require.Equal(t, "A", letters[0].Options[0].Answer)
	require.Empty(t, letters[0].Options[0].Scored)
	require.Equal(t, rundir.Option{Answer: "B", Scored: "two dogs", Tokens: texts[0].Options[1].Tokens, LogProb: texts[0].Options[1].LogProb}, texts[0].Options[1])
}

// A shard may have no question with options where the suite has some, and the shards make the whole run.
func TestChosenShards(t *testing.T) {
	model := filepath.Join(repository(t), "testdata/models/llava1")
	t.Chdir(t.TempDir())
	eval := []string{"eval", "--model", model, "--suite", "sight", "--limit", "7", "--choose", "likelihood", "--max-new-tokens", "2"}
	code, _, stderr := llavabench(t, append(eval, "--out", "whole")...)
	require.Zero(t, code, stderr)
	merge := []string{"merge", "--out", "merged"}
	for i := 1; i <= 3; i++ {
		code, _, stderr = llavabench(t, append(eval, "--shard", fmt.Sprint(i, "/3"), "--out", fmt.Sprint(i))...)
		require.Zero(t, code, stderr)
		merge = append(merge, fmt.Sprint(i))
	}
	code, _, stderr = llavabench(t, merge...)
	require.Zero(t, code, stderr)
	want, err := os.ReadFile("whole/samples.jsonl")
	require.NoError(t, err)
	got, err := os.ReadFile("merged/samples.jsonl")
	require.NoError(t, err)
	require.Equal(t, string(want), string(got))
}

func TestChooseIsRefused(t *testing.T) {
	model := filepath.Join(repository(t), "testdata/models/llava1")
	t.Chdir(t.TempDir())
	require.NoError(t, os.WriteFile("open.jsonl", []byte(`{"question_id":1,"text":"Why?"}`+"\n"), 0o644))
	require.NoError(t, os.WriteFile("bad.jsonl", []byte(`{"question_id":1,"text":"Why?","options":["x","y"],"answer":"C"}`+"\n"), 0o644))
	for _, c := range []struct {
		args []string
		want string
	}{
		{[]string{"--model", "openai:http://localhost:1#m", "--suite", "sight", "--choose", "likelihood"}, "behind a chat interface, which gives no log-likelihoods"},
		{[]string{"--model", model, "--questions", "open.jsonl", "--choose", "likelihood"}, "no question of open.jsonl offers options"},
		{[]string{"--model", model, "--questions", "bad.jsonl"}, `line 1: question "1": the answer "C" is neither one of the 2 options nor the letter of one`},
		{[]string{"--model", model, "--questions", "open.jsonl", "--choose", "likelihood", "--launcher", "slurm", "--shards", "1", "--dry-run"}, "no question of open.jsonl offers options"},
		{[]string{"--model", model, "--choose", "best"}, `--choose: "best" is not known, expected generate or likelihood`},
		{[]string{"--model", model, "--choose-end"}, "--choose-end belongs to --choose likelihood"},
		{[]string{"--model", model, "--choose", "likelihood", "--choose-norm", "word"}, `--choose-norm: "word" is not known, expected sum, token, byte, char`},
	} {
		code, _, stderr := llavabench(t, append([]string{"eval", "--out", "run"}, c.args...)...)
		require.NotZero(t, code)
		require.Contains(t, stderr, c.want)
		require.NoDirExists(t, "run")
	}
}

func TestRunOptions(t *testing.T) {
	root := repository(t)
	ask := []string{"run", "--model", filepath.Join(root, "testdata/sight/llava1"), "--image", filepath.Join(root, "testdata/sight/wide.png"), "--prompt", "What shape is the purple object?"}
	code, stdout, stderr := llavabench(t, append(ask, "--options", `square,"a, b"`, "--options", "triangle", "--json")...)
	require.Zero(t, code, stderr)
	require.Contains(t, stdout, `"text": "a, b",`)
	require.Contains(t, stdout, `"finish_reason": "scored"`)
	code, stdout, stderr = llavabench(t, append(ask, "--options", "square,triangle,circle")...)
	require.Zero(t, code, stderr)
	require.Regexp(t, `^(square|triangle|circle)\n\n option +tokens`, stdout)
	code, _, stderr = llavabench(t, append(ask, "--options", "a,b", "--seed", "1")...)
	require.NotZero(t, code)
	require.Contains(t, stderr, "--seed and --options exclude each other")
	code, _, stderr = llavabench(t, append(ask, "--options", "a,")...)
	require.NotZero(t, code)
	require.Contains(t, stderr, "answer 2 is empty")
}
