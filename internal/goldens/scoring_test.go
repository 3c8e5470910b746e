package goldens

import (
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// scoringFixture is a set of scoring goldens with one part.
func scoringFixture(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	cases := []byte(`[{"raw":"The a,b.","m4c":"ab","vqa":"b","vlmevalkit":"b"},{"raw":"7.","m4c":"7","vqa":"7","vlmevalkit":"7."}]`)
	writeFile(t, dir, "vqa_norm/cases.json", cases)
	writeManifest(t, dir, map[string][]byte{"vqa_norm/cases.json": cases}, `{"vqa_norm":{"n":2,"m4c_ne_vqa":1,"vqa_ne_vlmevalkit":1}}`)
	return dir
}

func writeFile(t *testing.T, dir, name string, data []byte) {
	t.Helper()
	file := filepath.Join(dir, filepath.FromSlash(name))
	require.NoError(t, os.MkdirAll(filepath.Dir(file), 0o755))
	require.NoError(t, os.WriteFile(file, data, 0o644))
}

func writeManifest(t *testing.T, dir string, files map[string][]byte, headline string) {
	t.Helper()
	list := []object{}
	for name, data := range files {
		list = append(list, object{"path": name, "bytes": len(data), "sha256": sha256Hex(data)})
	}
	raw, err := json.Marshal(object{"seed": 1, "headline": json.RawMessage(headline), "files": list})
	require.NoError(t, err)
	writeFile(t, dir, scoringManifest, raw)
}

func TestScoringVerify(t *testing.T) {
	dir := scoringFixture(t)
	r := verify(t, dir, Options{})
	require.Zero(t, r.Failed, failures(r))
	require.Equal(t, 2+6+3, r.Checked)
	require.Len(t, verify(t, dir, Options{Only: []string{"vqa_norm"}}).Parts, 1)
	require.Contains(t, Parts(), "tokenizer")
	require.Contains(t, ScoringParts(), "vqa_norm")
	require.True(t, IsPart("vqa_norm"))

	cancelled, cancel := context.WithCancel(context.Background())
	cancel()
	_, err := Verify(cancelled, dir, Options{})
	require.ErrorIs(t, err, context.Canceled)
}

func TestScoringSeesEveryChange(t *testing.T) {
	for name, c := range map[string]struct {
		change func(t *testing.T, dir string)
		want   string
	}{
		"another answer": {func(t *testing.T, dir string) {
			writeFile(t, dir, "vqa_norm/cases.json", []byte(`[{"raw":"7.","m4c":"7.","vqa":"7","vlmevalkit":"7."}]`))
		}, `vqa_norm: "7.": m4c: got "7", want "7."`},
		"another digest": {func(t *testing.T, dir string) {
			writeFile(t, dir, "vqa_norm/cases.json", []byte(`[]`))
		}, "manifest: vqa_norm/cases.json: sha256"},
		"another headline": {func(t *testing.T, dir string) {
			writeManifest(t, dir, map[string][]byte{"vqa_norm/cases.json": nil}, `{"vqa_norm":{"n":3}}`)
		}, "headline.vqa_norm.n: got 2, want 3"},
		"a new headline": {func(t *testing.T, dir string) {
			writeManifest(t, dir, map[string][]byte{"vqa_norm/cases.json": nil}, `{"vqa_norm":{"best":3}}`)
		}, "headline.vqa_norm.best: the key is not understood"},
		"a headline of no part": {func(t *testing.T, dir string) {
			writeManifest(t, dir, map[string][]byte{"vqa_norm/cases.json": nil}, `{"hearing":{"n":3}}`)
		}, "headline.hearing: the part is not understood"},
		"a new key": {func(t *testing.T, dir string) {
			writeFile(t, dir, "vqa_norm/cases.json", []byte(`[{"raw":"7.","m4c":"7","vqa":"7","vlmevalkit":"7.","hf":"7"}]`))
		}, "vqa_norm: vqa_norm/cases.json: 0.hf: the key is not understood"},
		"a new file": {func(t *testing.T, dir string) {
			writeFile(t, dir, "vqa_norm/more.json", []byte(`[]`))
		}, "vqa_norm/more.json: the file is not understood"},
		"a file at the top": {func(t *testing.T, dir string) {
			writeFile(t, dir, "more.json", []byte(`[]`))
		}, "more.json: the file is not understood"},
		"a new part": {func(t *testing.T, dir string) {
			writeFile(t, dir, "hearing/cases.json", []byte(`[]`))
		}, "hearing: hearing: hearing: the part is not understood"},
		"a missing file": {func(t *testing.T, dir string) {
			require.NoError(t, os.Remove(filepath.Join(dir, "vqa_norm", "cases.json")))
		}, "no such file"},
		"a path that leads out": {func(t *testing.T, dir string) {
			writeManifest(t, dir, map[string][]byte{"../secret": nil}, `{}`)
		}, "leads out of the set"},
	} {
		t.Run(name, func(t *testing.T) {
			dir := scoringFixture(t)
			c.change(t, dir)
			r := verify(t, dir, Options{})
			require.NotZero(t, r.Failed)
			require.Contains(t, failures(r), c.want)
		})
	}
}

// The shared set of scoring goldens, whole.
func TestScoringGoldens(t *testing.T) {
	dir := filepath.Join(filepath.Dir(sharedGoldens(t)), "golden-eval")
	r := verify(t, dir, Options{})
	require.Zero(t, r.Failed, failures(r))
	require.Zero(t, r.Skipped)
	var names []string
	for _, p := range r.Parts[1:] {
		require.NotZero(t, p.Checked, p.Name)
		names = append(names, p.Name)
	}
	require.Equal(t, ScoringParts(), names)
}

// A changed number in any file of expectations is seen.
func TestScoringGoldensDetectChanges(t *testing.T) {
	shared := filepath.Join(filepath.Dir(sharedGoldens(t)), "golden-eval")
	for part, change := range map[string][2]string{
		"vqav2":    {`"overall": 66.57`, `"overall": 66.58`},
		"textvqa":  {`Samples: 60`, `Samples: 61`},
		"vizwiz":   {`"lmms_eval_exact_match": 0.4525`, `"lmms_eval_exact_match": 0.4526`},
		"gqa":      {`attr: 83.33%`, `attr: 83.34%`},
		"chartqa":  {`"test_human": 40.0`, `"test_human": 40.00001`},
		"docvqa":   {`"m4c_stvqa": null`, `"m4c_stvqa": 0.0`},
		"ocrbench": {`"official": 63`, `"official": 62`},
	} {
		dir := t.TempDir()
		require.NoError(t, os.CopyFS(filepath.Join(dir, part), os.DirFS(filepath.Join(shared, part))))
		file := filepath.Join(dir, part, "expected.json")
		raw, err := os.ReadFile(file)
		require.NoError(t, err)
		require.Contains(t, string(raw), change[0], part)
		require.NoError(t, os.Chmod(file, 0o644))
		require.NoError(t, os.WriteFile(file, []byte(strings.Replace(string(raw), change[0], change[1], 1)), 0o644))
		writeManifest(t, dir, map[string][]byte{part + "/expected.json": nil}, `{}`)
		r := verify(t, dir, Options{Only: []string{part}})
		require.Equal(t, 1, r.Failed, "%s: %s", part, failures(r))
	}
}
