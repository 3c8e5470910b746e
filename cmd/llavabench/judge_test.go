package main

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

// Answers are graded by a server, broken off, gone on with, and scored.
func TestJudge(t *testing.T) {
	asked, fail := 0, true
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		if asked++; asked == 2 && fail {
			w.WriteHeader(http.StatusBadRequest)
			fmt.Fprint(w, `{"error":"quota"}`)
			return
		}
		fmt.Fprint(w, `{"choices":[{"message":{"content":"0.5"}}]}`)
	}))
	defer srv.Close()
	dir := t.TempDir()
	for name, text := range map[string]string{
		"mm-vet.json":   `{"v1_0":{"imagename":"a.jpg","question":"x?","answer":"1","capability":["math"]},"v1_1":{"imagename":"b.jpg","question":"y?","answer":"z","capability":["ocr"]}}`,
		"answers.json":  `{"v1_0": "one", "v1_1": "two"}`,
		"few-shot.text": "PROMPT\n",
	} {
		require.NoError(t, os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644))
	}
	grades := filepath.Join(dir, "grades.json")
	args := []string{"judge", "--suite", "mmvet", "--data", dir, "--answers", filepath.Join(dir, "answers.json"), "--judge-url", srv.URL, "--judge-model", "m", "--out", grades}
	code, _, stderr := llavabench(t, args...)
	require.Equal(t, exitUsage, code)
	require.Contains(t, stderr, "--judge-prompt is needed")

	args = append(args, "--judge-prompt", filepath.Join(dir, "few-shot.text"))
	code, _, stderr = llavabench(t, args...)
	require.Equal(t, exitFailed, code)
	require.Contains(t, stderr, `question "v1_1": the server answered 400 Bad Request: "quota"`)
	require.Contains(t, stderr, "the same command goes on")
	require.NoFileExists(t, grades)

	fail = false
	code, stdout, stderr := llavabench(t, args...)
	require.Zero(t, code, stderr)
	require.Contains(t, stdout, "1 judgements asked for, 1 taken from")
	require.Contains(t, stderr, "not the released one")

	code, stdout, stderr = llavabench(t, "score", "--suite", "mmvet", "--data", dir, "--answers", grades)
	require.Zero(t, code, stderr)
	require.Contains(t, stdout, "50.0")

	code, _, stderr = llavabench(t, "judge", "--suite", "pope", "--data", dir, "--answers", filepath.Join(dir, "answers.json"), "--judge-url", srv.URL, "--judge-model", "m", "--out", grades)
	require.Equal(t, exitUsage, code)
	require.Contains(t, stderr, "without a judge")
}
