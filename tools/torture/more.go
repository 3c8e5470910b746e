package main

import (
	"context"
	"encoding/base64"
	"fmt"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// recordKinds are what runs and goldens leave for other commands to read, and what servers answer.
func (t *torturer) recordKinds(ctx context.Context) ([]*kind, error) {
	base := filepath.Join(t.work, "two runs")
	if err := os.Mkdir(base, 0o755); err != nil {
		return nil, err
	}
	first := filepath.Join(base, "a")
	if p := t.start(ctx, []string{"eval", "--model", "testdata/models/llava15", "--limit", "3", "--max-new-tokens", "1", "--out", first}); p.code != 0 {
		return nil, fmt.Errorf("eval: %s", p.stderr)
	}
	if err := os.CopyFS(filepath.Join(base, "b"), os.DirFS(first)); err != nil {
		return nil, err
	}
	rules := t.start(ctx, []string{"compare", "--show-rules"})
	if rules.code != 0 {
		return nil, fmt.Errorf("compare --show-rules: %s", rules.stderr)
	}
	if err := os.WriteFile(filepath.Join(base, "rules.yaml"), []byte(rules.stdout), 0o644); err != nil {
		return nil, err
	}
	compare := func(dir string) []string {
		return []string{"compare", filepath.Join(dir, "a"), filepath.Join(dir, "b"), "--fail-on", filepath.Join(dir, "rules.yaml"), "--json"}
	}
	golden := filepath.Join(t.work, "golden")
	if p := t.start(ctx, []string{"golden", "record", golden, "--name", "x", "--model", "testdata/models/llava1", "--prompt", "Hello", "--max-new-tokens", "1"}); p.code != 0 {
		return nil, fmt.Errorf("golden record: %s", p.stderr)
	}
	verify := func(dir string) []string { return []string{"golden", "verify", dir} }
	reproduce := func(dir string) []string { return []string{"reproduce", filepath.Join(dir, "b"), "--check"} }
	replies, err := t.replyKind()
	if err != nil {
		return nil, err
	}
	return []*kind{
		{name: "rules of compare", base: base, file: "rules.yaml", args: compare, plain: true, written: rulesCases()},
		{name: "runs to compare", base: base, file: "b/samples.jsonl", args: compare, plain: true, written: comparedCases()},
		{name: "run to reproduce", base: base, file: "b/manifest.json", args: reproduce, plain: true, written: reproducedCases()},
		{name: "recorded golden", base: golden, file: "x.json", args: verify, plain: true, written: goldenCases()},
		replies,
	}, nil
}

func rulesCases() []*trial {
	const f = "rules.yaml"
	is := func(name, content string, says ...string) listed {
		return listed{name, replaced(f, []byte(content)), append(says, f)}
	}
	return trials([]listed{
		is("CL-06 not YAML", "a: [1", "line 1"),
		is("CL-06 unknown key", "nonsense: 1\n", "nonsense"),
		is("CL-06 a list", "- 1\n"),
		is("CL-06 aliases", "a: &a [x,x,x,x,x,x,x,x,x]\nb: &b [*a,*a,*a,*a,*a,*a,*a,*a,*a]\nc: &c [*b,*b,*b,*b,*b,*b,*b,*b,*b]\nd: &d [*c,*c,*c,*c,*c,*c,*c,*c,*c]\ne: &e [*d,*d,*d,*d,*d,*d,*d,*d,*d]\nf: &f [*e,*e,*e,*e,*e,*e,*e,*e,*e]\ng: [*f,*f,*f,*f,*f,*f,*f,*f,*f]\n"),
		is("CL-06 an alias of itself", "a: &a\n  b: *a\n"),
		is("CL-06 nested deep", strings.Repeat("[", 100_000)+strings.Repeat("]", 100_000)),
		is("CL-06 a tag", "latency: !!python/object/apply:os.system ['touch /tmp/torture-was-here']\n"),
		is("NUL", "latency: \x00\n"),
		{"absent", removed(f), []string{f}},
		{"a pipe", as(f, mkfifo), []string{f}},
		{"a directory", as(f, mkdir), []string{f}},
		{"a device", as(f, func(path string) error { return os.Symlink("/dev/zero", path) }), []string{f}},
	})
}

func comparedCases() []*trial {
	const s, m = "b/samples.jsonl", "b/manifest.json"
	return trials([]listed{
		{"RS-02 a damaged line", edited(s, func(d []byte) []byte { return append([]byte("nonsense\n"), d...) }), []string{"samples.jsonl", "line 1"}},
		{"RS-11 no samples", replaced(s, nil), []string{"samples"}},
		{"RS-11 no question in both", edited(s, func(d []byte) []byte {
			return []byte(strings.ReplaceAll(string(d), `"id":"`, `"id":"other-`))
		}), []string{"quest"}},
		{"a question twice", edited(s, func(d []byte) []byte { return append(d, d...) }), []string{"b"}},
		{"a pipe", as(s, mkfifo), []string{"samples.jsonl", "not a regular file"}},
		{"no manifest", removed(m), []string{"manifest.json"}},
		{"a manifest that is none", replaced(m, []byte("[]")), []string{"manifest.json"}},
		{"RS-09 a newer version", set(m, map[string]any{"schema_version": 99}), []string{"manifest.json", "schema_version is 99"}},
	})
}

func reproducedCases() []*trial {
	const m = "b/manifest.json"
	return trials([]listed{
		{"not JSON", replaced(m, []byte("x")), []string{"manifest.json"}},
		{"absent", removed(m), []string{"manifest.json"}},
		{"a pipe", as(m, mkfifo), []string{"manifest.json"}},
		{"RS-05 a file outside", swapped(m, `"name": "model.safetensors"`, `"name": "../../../../../../../../etc/passwd"`), []string{"etc/passwd"}},
		{"RS-05 an absolute file", swapped(m, `"name": "model.safetensors"`, `"name": "/etc/passwd"`), []string{"/etc/passwd"}},
		{"another digest", edited(m, func(d []byte) []byte {
			return []byte(strings.Replace(string(d), `"sha256": "`, `"sha256": "0000`, 1))
		}), []string{"b"}},
		{"a command of another program", set(m, map[string]any{"command": []string{"rm", "-rf", "/"}, "system.model": "../../.."}), []string{"b"}},
	})
}

func goldenCases() []*trial {
	const f = "x.json"
	is := func(name, content string, says ...string) listed {
		return listed{name, replaced(f, []byte(content)), append(says, f)}
	}
	return trials([]listed{
		is("empty", ""), is("not JSON", "x"), is("a list", "[]"), is("null", "null"),
		{"RS-09 a newer version", set(f, map[string]any{"schema_version": 99}), []string{f, "99"}},
		{"RS-10 an unknown key", set(f, map[string]any{"nonsense": 1}), []string{f, "nonsense"}},
		{"RS-10 of another model", set(f, map[string]any{"case.model": "../absent"}), []string{"absent"}},
		{"a pipe", as(f, mkfifo), []string{f}},
		{"nothing there", removed(f), []string{"golden"}},
	})
}

// goodReply is what a server with OpenAI's interface answers.
const goodReply = `{"id":"x","object":"chat.completion","model":"m","choices":[{"index":0,"message":{"role":"assistant","content":"yes"},"finish_reason":"stop"}],"usage":{"prompt_tokens":7,"completion_tokens":1}}`

// replyKind serves the file reply.json of each case's directory on this machine's own interface, as a model behind a server.
func (t *torturer) replyKind() (*kind, error) {
	base := filepath.Join(t.work, "reply")
	if err := os.Mkdir(base, 0o755); err != nil {
		return nil, err
	}
	if err := os.WriteFile(filepath.Join(base, "reply.json"), []byte(goodReply), 0o644); err != nil {
		return nil, err
	}
	if err := os.WriteFile(filepath.Join(base, "questions.jsonl"), []byte(`{"question_id":1,"text":"What?","answer":"yes"}`), 0o644); err != nil {
		return nil, err
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	server := &http.Server{ReadHeaderTimeout: time.Second, Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		name, _, _ := strings.Cut(strings.TrimPrefix(r.URL.Path, "/"), "/")
		dir, err := base64.RawURLEncoding.DecodeString(name)
		if err != nil || !strings.HasPrefix(string(dir), t.work) {
			http.Error(w, "no such case", http.StatusNotFound)
			return
		}
		http.ServeFile(w, r, filepath.Join(string(dir), "reply.json"))
	})}
	go func() { _ = server.Serve(listener) }() // ends with this process
	args := func(dir string) []string {
		url := fmt.Sprintf("openai:http://%s/%s/v1#m", listener.Addr(), base64.RawURLEncoding.EncodeToString([]byte(dir)))
		return []string{"eval", "--model", url, "--questions", filepath.Join(dir, "questions.jsonl"), "--out", filepath.Join(dir, "run"), "--json"}
	}
	is := func(name, reply string, says ...string) listed {
		return listed{name, replaced("reply.json", []byte(reply)), append(says, `question "1": m: `)}
	}
	change := func(name, from, to string, says ...string) listed {
		return is(name, strings.Replace(goodReply, from, to, 1), says...)
	}
	k := &kind{name: "server's reply", base: base, file: "reply.json", args: args, loose: true, unnamed: true, written: trials([]listed{
		is("empty", ""), is("not JSON", "<html>502</html>"), is("a list", "[]"), is("null", "null"),
		change("no choices", `[{"index":0,"message":{"role":"assistant","content":"yes"},"finish_reason":"stop"}]`, "[]", "choice"),
		change("content of another type", `"yes"`, `{"a":1}`),
		is("nested deep", strings.Repeat(`{"a":`, 100_000)),
		is("16 MB", `{"choices":[{"message":{"content":"`+strings.Repeat("x", 16<<20)+`"}}]}`, "bytes"),
		is("an error", `{"error":{"message":"quota of key sk-123 exceeded"}}`),
	})}
	return k, nil
}
