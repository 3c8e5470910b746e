package recorded

import (
	"bytes"
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"llavabench/kernels"
)

const shipped = "../../../testdata/golden"

// What the shipped checkpoints give is what it was when testdata/golden was last accepted: every case on the instruction set
// in use, and the small ones on all of this machine.
func TestShippedGoldens(t *testing.T) {
	names, err := Names(shipped)
	require.NoError(t, err)
	require.Greater(t, len(names), 6)
	for _, name := range names {
		g, err := Read(filepath.Join(shipped, name+".json"))
		require.NoError(t, err)
		isas := []string{kernels.ISA()}
		if len(g.Case.Images) == 0 {
			isas = kernels.ISAs()
		}
		for _, isa := range isas {
			r, err := Run(context.Background(), shipped, g.Case, isa, 0)
			require.NoError(t, err, name)
			d := Compare(g.Result, r, g.Case.Tolerance)
			if d.Failed {
				t.Errorf("%s on %s:\n  %s\n'make goldens' accepts this if it is meant", name, isa, strings.Join(d.Lines, "\n  "))
			}
		}
	}
	var size int64
	for _, name := range names {
		info, err := os.Stat(filepath.Join(shipped, name+".json"))
		require.NoError(t, err)
		size += info.Size()
	}
	require.Less(t, size, int64(200<<10))
}

func text(t *testing.T) Golden {
	t.Helper()
	g, err := Read(filepath.Join(shipped, "llava15-text-f16.json"))
	require.NoError(t, err)
	return g
}

// clone makes a result that can be changed.
func clone(t *testing.T, r Result) Result {
	t.Helper()
	raw, err := json.Marshal(r)
	require.NoError(t, err)
	var out Result
	require.NoError(t, json.Unmarshal(raw, &out))
	return out
}

func tensorNamed(r Result, name string) *Tensor {
	return &r.Tensors[slices.IndexFunc(r.Tensors, func(t Tensor) bool { return t.Name == name })]
}

func TestCompareNamesTheFirstTensorThatMoved(t *testing.T) {
	want := text(t).Result
	require.Empty(t, Compare(want, clone(t, want), 0).Lines)

	got := clone(t, want)
	for _, name := range []string{"llm_hidden_01", "llm_hidden_02", "logits"} {
		m := tensorNamed(got, name)
		m.SHA256 = "moved"
		m.Parts[2], m.Parts[3] = "x", "y"
		m.Values[3] += 0.25
	}
	d := Compare(want, got, 0)
	require.True(t, d.Failed)
	require.Len(t, d.Lines, 4)
	require.Regexp(t, `^first tensor that moved: llm_hidden_01 \[\d+ 64\]: in rows \d+ to \d+ of \d+; by up to 0.25 in the 8 kept values, at \[\d+ \d+\]: `, d.Lines[0])
	require.Contains(t, d.Lines[1], "equal: inputs_embeds, llm_hidden_00")
	require.Contains(t, d.Lines[2], "then llm_hidden_02")
	require.Contains(t, d.Lines[3], "then logits")

	d = Compare(want, got, 0.3)
	require.False(t, d.Failed, "within the tolerance")
	require.Contains(t, d.Lines[0], "within the tolerance of 0.3")
	require.True(t, Compare(want, got, 0.2).Failed)

	got = clone(t, want)
	got.OutputIDs[2] = 7
	got.Text = "other"
	got.Files[0].SHA256 = "other"
	d = Compare(want, got, 1)
	require.True(t, d.Failed, "ids are compared exactly whatever the tolerance")
	require.Contains(t, d.Lines[0], "the checkpoint itself changed: config.json")
	require.Contains(t, d.Lines[1], "output ids: 2 equal, then [")
	require.Contains(t, d.Lines[2], `-> "other"`)

	got = clone(t, want)
	got.Tensors = got.Tensors[1:]
	tensorNamed(got, "logits").Shape[0]++
	d = Compare(want, got, 0)
	require.Equal(t, "first tensor that moved: inputs_embeds is gone", d.Lines[0])
	require.Contains(t, strings.Join(d.Lines, "\n"), "logits has the shape")
}

// A changed setting moves exactly what comes after it.
func TestRunShowsWhereASettingActs(t *testing.T) {
	g := text(t)
	g.Case.KV = "bf16"
	r, err := Run(context.Background(), shipped, g.Case, kernels.ISA(), 1)
	require.NoError(t, err)
	d := Compare(g.Result, r, 0)
	require.True(t, d.Failed)
	require.Contains(t, d.Lines[0], "first tensor that moved: llm_hidden_01")
	_, err = Run(context.Background(), shipped, g.Case, "sse9", 1)
	require.ErrorContains(t, err, `"sse9"`)
	g.Case.KV = "q4"
	_, err = Run(context.Background(), shipped, g.Case, kernels.ISA(), 1)
	require.ErrorContains(t, err, "kv")
}

func TestFilesSurviveARoundTrip(t *testing.T) {
	dir := t.TempDir()
	g := text(t)
	require.NoError(t, Write(filepath.Join(dir, "a.json"), g))
	back, err := Read(filepath.Join(dir, "a.json"))
	require.NoError(t, err)
	require.Equal(t, g, back)
	original, err := os.ReadFile(filepath.Join(shipped, "llava15-text-f16.json"))
	require.NoError(t, err)
	written, err := os.ReadFile(filepath.Join(dir, "a.json"))
	require.NoError(t, err)
	require.Equal(t, string(original), string(written), "the same bytes, so that a version control system shows only what moved")
	names, err := Names(dir)
	require.NoError(t, err)
	require.Equal(t, []string{"a"}, names)
	require.NoError(t, os.WriteFile(filepath.Join(dir, "notes.txt"), nil, 0o644))
	_, err = Names(dir)
	require.ErrorContains(t, err, `"notes.txt" is no golden`)
}

func TestBrokenFiles(t *testing.T) {
	raw, err := os.ReadFile(filepath.Join(shipped, "llava15-text-f16.json"))
	require.NoError(t, err)
	for _, c := range []struct{ old, new, want string }{
		{`"kind": "llavabench golden"`, `"kind": "x"`, `kind is "x"`},
		{`"schema_version": 1`, `"schema_version": 9`, "schema_version is 9"},
		{`"values": 8`, `"values": 0`, "expected 0"},
		{`"values": 8`, `"values": 1000000000`, "expected"},
		{`"max_new_tokens": 8`, `"max_new_tokens": -1`, "max_new_tokens is -1"},
		{`"prompt": "Hello"`, `"prompt": ""`, "either a prompt or input_ids"},
		{`"text":`, `"texts":`, "texts"},
		{`"shape":[`, `"shape":[-`, "has the shape"},
		{`"shape":[`, `"shape":[1099511627776,1099511627776,`, "has the shape"},
	} {
		broken := bytes.Replace(raw, []byte(c.old), []byte(c.new), 1)
		require.NotEqual(t, raw, broken, c.old)
		_, err := Parse(broken)
		require.ErrorContains(t, err, c.want)
	}
	_, err = Parse(append(raw, "{}"...))
	require.ErrorContains(t, err, "something follows")
}

func FuzzParse(f *testing.F) {
	raw, err := os.ReadFile(filepath.Join(shipped, "llava15-text-f16.json"))
	require.NoError(f, err)
	f.Add(raw)
	f.Add([]byte(`{"kind":"llavabench golden","schema_version":1,"case":{"model":"m","prompt":"p","values":2},"result":{"tensors":[{"name":"x","shape":[2],"parts":["a"],"values":[1,2]}]}}`))
	f.Fuzz(func(t *testing.T, raw []byte) {
		g, err := Parse(raw)
		if err != nil {
			return
		}
		other := clone(t, g.Result)
		for i := range other.Tensors {
			other.Tensors[i].SHA256 += "moved"
		}
		if d := Compare(g.Result, other, 0); d.Failed != (len(g.Result.Tensors) > 0) {
			t.Fatal("every moved tensor fails")
		}
	})
}

func TestSpread(t *testing.T) {
	require.Equal(t, []int{0, 3, 6, 9}, spread(10, 4))
	require.Equal(t, []int{0, 1, 2}, spread(3, 8))
	require.Equal(t, []int{0}, spread(5, 1))
}
