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

// A server's answers are scored and recorded like a checkpoint's; a server that goes away ends the run, which goes on later;
// the key is in no file.
func TestEvalOfARemoteModel(t *testing.T) {
	served, gone := 0, false
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		require.Equal(t, "Bearer sk-hidden", r.Header.Get("Authorization"))
		if served++; served > 5 && gone {
			w.WriteHeader(http.StatusUnauthorized)
			fmt.Fprint(w, `{"error":{"message":"key sk-hidden has expired"}}`)
			return
		}
		fmt.Fprint(w, `{"choices":[{"message":{"content":"Yes."},"finish_reason":"stop"}],"usage":{"prompt_tokens":600,"completion_tokens":2}}`)
	}))
	defer srv.Close()
	t.Setenv("TEST_KEY", "sk-hidden")
	whole, broken := filepath.Join(t.TempDir(), "whole"), filepath.Join(t.TempDir(), "broken")
	args := []string{"eval", "--model", "openai:" + srv.URL + "#tiny", "--key-env", "TEST_KEY", "--limit", "14", "--out"}
	code, stdout, stderr := llavabench(t, append(args, whole)...)
	require.Zero(t, code, stderr)
	require.Contains(t, stdout, "presence")

	served, gone = 0, true
	code, _, stderr = llavabench(t, append(args, broken)...)
	require.Equal(t, exitFailed, code)
	require.Contains(t, stderr, "401 Unauthorized")
	require.NotContains(t, stderr, "sk-hidden")
	gone = false
	code, _, stderr = llavabench(t, append(args, broken, "--resume")...)
	require.Zero(t, code, stderr)
	for _, name := range []string{"samples.jsonl", "manifest.json", "timings.jsonl", "summary.json"} {
		b, err := os.ReadFile(filepath.Join(broken, name))
		require.NoError(t, err)
		require.NotContains(t, string(b), "sk-hidden")
		if name == "samples.jsonl" {
			a, err := os.ReadFile(filepath.Join(whole, name))
			require.NoError(t, err)
			require.Equal(t, string(a), string(b))
		}
	}

	code, _, stderr = llavabench(t, "eval", "--model", "openai:"+srv.URL, "--out", t.TempDir()+"/x")
	require.Equal(t, exitUsage, code)
	require.Contains(t, stderr, "openai:URL#NAME")
}
