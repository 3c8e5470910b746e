package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// runKinds are run directories, and command lines.
func (t *torturer) runKinds(ctx context.Context) ([]*kind, error) {
	args := func(dir string) []string {
		return []string{"eval", "--model", "testdata/models/llava15", "--limit", "3", "--max-new-tokens", "1", "--out", filepath.Join(dir, "run"), "--json"}
	}
	resume := func(dir string) []string { return append(args(dir), "--resume") }
	base := filepath.Join(t.work, "broken off")
	if err := os.Mkdir(base, 0o755); err != nil {
		return nil, err
	}
	if p := t.start(ctx, args(base)); p.code != 0 {
		return nil, fmt.Errorf("eval: %s", p.stderr)
	}
	// As a run that was broken off behind its second question.
	for _, log := range []string{"samples.jsonl", "timings.jsonl"} {
		path := filepath.Join(base, "run", log)
		data, err := os.ReadFile(path)
		if err != nil {
			return nil, err
		}
		lines := strings.SplitAfter(string(data), "\n")
		if err := os.WriteFile(path, []byte(strings.Join(lines[:2], "")), 0o644); err != nil {
			return nil, err
		}
	}
	if err := os.Remove(filepath.Join(base, "run", "summary.json")); err != nil {
		return nil, err
	}
	return []*kind{
		{name: "manifest.json", base: base, file: "run/manifest.json", args: resume, sealed: true, written: manifestCases()},
		{name: "samples.jsonl", base: base, file: "run/samples.jsonl", args: resume, written: sampleCases()},
		{name: "timings.jsonl", base: base, file: "run/timings.jsonl", args: resume, sealed: true, written: timingCases()},
		{name: "command line", base: base, file: "run", args: resume, plain: true, written: commandCases(resume)},
	}, nil
}

func manifestCases() []*trial {
	const m = "run/manifest.json"
	is := func(name, content string, says ...string) listed {
		return listed{name, replaced(m, []byte(content)), append(says, "manifest.json")}
	}
	differs := func(name, key string, value any) listed {
		return listed{"RS-03 " + name, set(m, map[string]any{key: value}), []string{"run cannot be resumed", key + " was", "but is"}}
	}
	return trials([]listed{
		is("empty", ""), is("not JSON", "x"), is("a list", "[]"), is("null", "null", "schema_version"),
		is("no version", "{}", "schema_version is 0"),
		is("sizes of another type", `{"schema_version":1,"suite":{"items":"three"}}`, "items"),
		{"RS-09 a newer version", set(m, map[string]any{"schema_version": 99}), []string{"manifest.json", "schema_version is 99", "reads 1 to"}},
		differs("another suite", "suite.name", "vqa"),
		differs("another number of questions", "suite.items", 7),
		differs("another seed", "suite.seed", 8),
		differs("another generation", "system.variant", "llava16"),
		differs("other numerics", "system.numerics", "bf16"),
		differs("another setting", "settings.max_new_tokens", 9),
		differs("another setting of the variant", "system.options.aspect_ratio", "square"),
		{"RS-03 another digest", swapped(m, `"sha256": "`, `"sha256": "0`), []string{"run cannot be resumed", "sha256 was"}},
		{"RS-05 a file outside", swapped(m, `"name": "model.safetensors"`, `"name": "../../etc/passwd"`), []string{"run cannot be resumed", "../../etc/passwd"}},
		{"RS-08 a clock that jumped", set(m, map[string]any{"started": "2099-01-01T00:00:00Z"}), valid},
		{"absent", removed(m), []string{"no manifest.json"}},
		{"a pipe", as(m, mkfifo), []string{"manifest.json", "not a regular file"}},
		{"a directory", as(m, mkdir), []string{"manifest.json", "not a regular file"}},
	})
}

func sampleCases() []*trial {
	const s = "run/samples.jsonl"
	appended := func(name, more string, says ...string) listed {
		return listed{name, edited(s, func(d []byte) []byte { return append(d, more...) }), says}
	}
	lines := func(f func(lines []string) []string) func(string) error {
		return edited(s, func(d []byte) []byte { return []byte(strings.Join(f(strings.SplitAfter(string(d), "\n")), "")) })
	}
	return trials([]listed{
		appended("RS-01 a torn line", `{"index":2,"id":"te`, valid...),
		appended("RS-01 a damaged line", "\x00\x00\x00\x00\n", valid...),
		appended("RS-01 a line of the middle again", `{"index":0,"id":"x"}`+"\n", valid...),
		{"RS-01 nothing left", replaced(s, nil), valid},
		{"RS-01 absent", removed(s), valid},
		{"RS-02 a damaged line in the middle", lines(func(l []string) []string { return []string{"nonsense\n", l[1]} }), []string{"samples.jsonl", "line 1"}},
		{"RS-02 a line is missing", lines(func(l []string) []string { return []string{l[1], l[1]} }), []string{"samples.jsonl", "line 1", "index is 1, expected 0"}},
		{"RS-02 another question", swapped(s, `"id":"`, `"id":"other-`), []string{"question 0", "other-"}},
		{"RS-02 more answers than questions", lines(func(l []string) []string {
			return []string{l[0], l[1], `{"index":2,"id":"a"}` + "\n", `{"index":3,"id":"b"}` + "\n", `{"index":4,"id":"c"}` + "\n"}
		}), []string{"run"}},
		{"a pipe", as(s, mkfifo), []string{"samples.jsonl", "not a regular file"}},
		{"a device", as(s, func(path string) error { return os.Symlink("/dev/zero", path) }), []string{"samples.jsonl", "not a regular file"}},
	})
}

func timingCases() []*trial {
	const t = "run/timings.jsonl"
	return trials([]listed{
		{"RS-01 a torn line", edited(t, func(d []byte) []byte { return d[:len(d)-3] }), valid},
		{"RS-02 a damaged line in the middle", edited(t, func(d []byte) []byte { d[0] = 'x'; return d }), []string{"timings.jsonl", "line 1"}},
		{"absent", removed(t), valid},
		{"a pipe", as(t, mkfifo), []string{"timings.jsonl", "not a regular file"}},
	})
}

func commandCases(resume func(dir string) []string) []*trial {
	nothing := func(string) error { return nil }
	usage := func(name string, says []string, more ...string) *trial {
		return &trial{name: name, damage: nothing, says: says, usage: true, args: func(dir string) []string { return append(resume(dir), more...) }}
	}
	failed := func(name string, says []string, args ...string) *trial {
		return &trial{name: name, damage: nothing, says: says, args: func(dir string) []string {
			out := make([]string, len(args))
			for i, a := range args {
				out[i] = strings.ReplaceAll(a, "DIR", dir)
			}
			return out
		}}
	}
	list := []*trial{
		usage("CL-01 unknown flag", []string{"--sed"}, "--sed", "7"),
		usage("CL-01 seed abc", []string{"seed", "abc"}, "--seed", "abc"),
		usage("CL-01 negative limit", []string{"--limit"}, "--limit", "-1"),
		usage("CL-01 negative threads", []string{"--threads"}, "--threads", "-1"),
		usage("CL-01 a million threads", []string{"--threads"}, "--threads", "1000000"),
		usage("CL-01 no new tokens", []string{"--max-new-tokens"}, "--max-new-tokens", "0"),
		usage("CL-02 unknown type", []string{"--dtype", `"q3"`}, "--dtype", "q3"),
		usage("DS-17 negative limit", []string{"--limit"}, "--limit=-7"),
		failed("RS-04 a directory in use by something else", []string{"is not empty", "run"}, "eval", "--model", "testdata/models/llava15", "--limit", "3", "--out", "DIR/run"),
	}
	for name, id := range map[string]string{"parent": "../../etc", "dashes": "a--b/c", "spaces": "a b/c", "control characters": "a\x1b[2J/c", "long": strings.Repeat("a", 200) + "/b", "absent": "org/name", "revision": "org/name@../x"} {
		quoted := fmt.Sprintf("%q", id)
		says := quoted[1:min(len(quoted)-1, 60)]
		if name == "revision" {
			says = "../x"
		}
		c := failed("CL-04 "+name, []string{says}, "run", "--model", id, "--prompt", "x")
		c.anyFile = true
		list = append(list, c)
	}
	return list
}
