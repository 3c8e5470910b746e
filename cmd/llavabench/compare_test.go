package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// Two runs of the same thing have nothing that compare flags; a copy with one answer changed does, in every format.
func TestCompareRuns(t *testing.T) {
	dir := t.TempDir()
	run := func(name string) string {
		out := filepath.Join(dir, name)
		code, _, stderr := llavabench(t, "eval", "--model", shipped(t, "models/llava1"), "--limit", "7", "--max-new-tokens", "2", "--out", out)
		require.Zero(t, code, stderr)
		return out
	}
	base, again := run("base"), run("again")
	code, stdout, stderr := llavabench(t, "compare", base, again)
	require.Zero(t, code, stderr)
	require.Contains(t, stdout, "changed: nothing")
	require.Contains(t, stdout, "equal in every sample: pixels, prompt, image_tokens, prompt_tokens, logits, output_ids")
	require.Regexp(t, `\d+ rules, 0 failed`, stdout)

	samples := filepath.Join(again, "samples.jsonl")
	raw, err := os.ReadFile(samples)
	require.NoError(t, err)
	lines := strings.SplitAfter(string(raw), "\n")
	at := strings.Index(lines[4], `"text":"`) + len(`"text":"`)
	lines[4] = lines[4][:at] + "No" + lines[4][at:]
	require.NoError(t, os.WriteFile(samples, []byte(strings.Join(lines, "")), 0o644))
	junit := filepath.Join(dir, "compare.xml")
	code, stdout, stderr = llavabench(t, "compare", base, again, "--json", "--junit", junit)
	require.Equal(t, exitFailed, code)
	require.Contains(t, stderr, "regression against "+base+" in outputs: text")
	var out struct {
		Regression bool
		Checks     []struct {
			Name   string
			Failed bool
		}
	}
	require.NoError(t, json.Unmarshal([]byte(stdout), &out))
	require.True(t, out.Regression)
	file, err := os.ReadFile(junit)
	require.NoError(t, err)
	require.Contains(t, string(file), `failures="1"`)
	code, stdout, _ = llavabench(t, "compare", base, again, "--github")
	require.Equal(t, exitFailed, code)
	require.Contains(t, stdout, "::error title=outputs%3A text::1 of 7 samples differ")

	rules := filepath.Join(dir, "rules.yaml")
	require.NoError(t, os.WriteFile(rules, []byte("allow: {text: 1}\n"), 0o644))
	code, _, stderr = llavabench(t, "compare", base, again, "--fail-on", rules)
	require.Zero(t, code, stderr)
	require.NoError(t, os.WriteFile(rules, []byte("allow: {texts: 1}\n"), 0o644))
	code, _, stderr = llavabench(t, "compare", base, again, "--fail-on", rules)
	require.Equal(t, exitFailed, code)
	require.Contains(t, stderr, `allow is "texts"`)
}

func TestCompareRefuses(t *testing.T) {
	code, _, stderr := llavabench(t, "compare", "one")
	require.Equal(t, exitUsage, code)
	require.Contains(t, stderr, "1 runs are given, expected 2")
	code, _, stderr = llavabench(t, "compare", t.TempDir(), t.TempDir())
	require.Equal(t, exitFailed, code)
	require.Contains(t, stderr, "manifest.json")
	code, stdout, _ := llavabench(t, "compare", "--show-rules")
	require.Zero(t, code)
	require.Contains(t, stdout, "max_ratio: 1.15")
}
