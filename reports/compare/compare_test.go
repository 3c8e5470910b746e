package compare

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"fmt"
	"math"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"llavabench/internal/rundir"
)

// A fake is a run that is written without running anything.
type fake struct {
	manifest rundir.Manifest
	samples  []rundir.Sample
	times    []rundir.Timing
}

// newFake has 60 questions about 20 pictures, half of them answered rightly, with the times of a machine of some noise.
func newFake(seed uint64) *fake {
	rng := rand.New(rand.NewPCG(seed, 1))
	ended := time.Unix(1, 0)
	f := &fake{manifest: rundir.Manifest{
		Command: []string{"llavabench", "eval"}, Suite: rundir.Suite{Name: "toy", Version: "1", Items: 60}, Ended: &ended,
		System: rundir.System{Model: "models/toy", Variant: "llava15", DType: "bf16", Options: json.RawMessage(`{"side":336}`),
			Files: []rundir.File{{Name: "config.json", Size: 3, SHA256: "aa"}, {Name: "model.safetensors", Size: 9, SHA256: "bb"}}},
		Settings: json.RawMessage(`{"max_new_tokens":4}`),
		Machine:  rundir.Machine{CPU: "x", ISA: "avx2", Threads: 2, OS: "linux", Arch: "amd64", Revision: "r1"},
		Load:     &rundir.Load{CPU: 10, Waited: float64(rng.IntN(2)) / 2},
	}}
	for i := range 60 {
		mark := float64(i % 2)
		f.samples = append(f.samples, rundir.Sample{
			Index: i, ID: fmt.Sprint("q", i), Category: []string{"reading", "counting"}[i/30], PixelSHA256: fmt.Sprint("p", i/3), Prompt: "USER: what?",
			PromptTokens: 600, ImageTokens: 576, OutputIDs: []int{5, 6, 7}, LogitsSHA256: fmt.Sprint("logits", i), Text: "a sign", Reference: "a sign", Score: &mark,
		})
		noise := func() float64 { return math.Exp(0.15*rng.NormFloat64()) * (1 + 3*float64(rng.IntN(8)/7)) }
		f.times = append(f.times, rundir.Timing{Index: i, ID: fmt.Sprint("q", i), Milliseconds: map[string]float64{
			"vision": 10 * noise(), "prefill": 20 * noise(), "decode": 2 * noise(), "first_token": 31 * noise(), "preprocess": 0,
		}})
	}
	return f
}

func (f *fake) write(t *testing.T) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "run")
	d, err := rundir.Create(dir, f.manifest)
	require.NoError(t, err)
	for i := range f.samples {
		require.NoError(t, d.Append(f.samples[i], f.times[i]))
	}
	require.NoError(t, d.Close())
	return dir
}

// failed compares two runs and names the rules that fail.
func failed(t *testing.T, base, new *fake, r Rules) (*Comparison, []string) {
	t.Helper()
	c, err := Runs(base.write(t), new.write(t))
	require.NoError(t, err)
	names := []string{}
	for _, k := range Regressions(c.Judge(r)) {
		names = append(names, k.Name)
	}
	return c, names
}

func TestIdenticalRunsAreNotFlagged(t *testing.T) {
	for seed := range uint64(20) {
		c, names := failed(t, newFake(2*seed), newFake(2*seed+1), DefaultRules())
		require.Empty(t, names, "seed %d", seed)
		require.Empty(t, c.Changes)
		require.True(t, c.SameResults)
		require.True(t, c.Latency.Judged)
	}
}

func TestPlantedRegressions(t *testing.T) {
	wrong := 0.0
	for _, c := range []struct {
		name  string
		plant func(f *fake)
		want  []string
	}{
		{"a flipped answer", func(f *fake) { f.samples[31].Text, f.samples[31].Score = "a cat", &wrong }, []string{"outputs: text", "outputs: score"}},
		{"a moved logit", func(f *fake) { f.samples[7].LogitsSHA256 = "other" }, []string{"outputs: logits"}},
		{"one token more", func(f *fake) { f.samples[7].OutputIDs = []int{5, 6, 7, 8} }, []string{"outputs: output_ids", "outputs: output_tokens"}},
		{"one image token more", func(f *fake) { f.samples[0].ImageTokens++ }, []string{"outputs: image_tokens"}},
		{"another pixel", func(f *fake) { f.samples[59].PixelSHA256 = "other" }, []string{"outputs: pixels"}},
		{"a failed question", func(f *fake) { f.samples[5].Error = "no such file" }, []string{"outputs: failure"}},
		{"a missing question", func(f *fake) { f.samples, f.times = f.samples[:59], f.times[:59] }, []string{"questions"}},
		{"a slower program", func(f *fake) {
			for _, x := range f.times {
				for k := range x.Milliseconds {
					x.Milliseconds[k] *= 1.3
				}
			}
		}, []string{"latency: total", "latency: decode", "latency: first_token", "latency: prefill", "latency: vision"}},
		{"a slower stage", func(f *fake) {
			for _, x := range f.times {
				x.Milliseconds["decode"] *= 1.3
			}
		}, []string{"latency: decode"}},
		{"a faster program", func(f *fake) {
			for _, x := range f.times {
				for k := range x.Milliseconds {
					x.Milliseconds[k] /= 2
				}
			}
		}, []string{}},
	} {
		t.Run(c.name, func(t *testing.T) {
			planted := newFake(1)
			c.plant(planted)
			_, names := failed(t, newFake(1), planted, DefaultRules())
			require.Equal(t, c.want, names)
		})
	}
}

// A slowdown is found beside ordinary noise too, not only in a scaled copy.
func TestSlowdownInNoise(t *testing.T) {
	quiet := func(seed uint64, factor float64) *fake {
		f := newFake(seed)
		rng := rand.New(rand.NewPCG(seed, 2))
		f.manifest.Load = nil
		for _, x := range f.times {
			for k, ms := range map[string]float64{"vision": 10, "prefill": 20, "decode": 2, "first_token": 31} {
				x.Milliseconds[k] = ms * factor * math.Exp(0.05*rng.NormFloat64())
			}
		}
		return f
	}
	for seed := range uint64(20) {
		_, names := failed(t, quiet(2*seed, 1), quiet(2*seed+1, 1.3), DefaultRules())
		require.Contains(t, names, "latency: total")
		_, names = failed(t, quiet(2*seed, 1), quiet(2*seed+1, 1.05), DefaultRules())
		require.Empty(t, names)
	}
}

func TestTimesAreJudgedOnLikeMachinesOnly(t *testing.T) {
	for _, c := range []struct {
		change func(m *rundir.Manifest)
		reason string
	}{
		{func(m *rundir.Manifest) { m.Machine.CPU = "y" }, "CPU x and y"},
		{func(m *rundir.Manifest) { m.Machine.Threads = 1 }, "threads 2 and 1"},
		{func(m *rundir.Manifest) { m.Machine.ISA = "avx512" }, "instruction set avx2 and avx512"},
		{func(m *rundir.Manifest) { m.Load = &rundir.Load{CPU: 5, Waited: 5} }, "other work kept the machine busy"},
	} {
		other := newFake(1)
		c.change(&other.manifest)
		for _, x := range other.times {
			x.Milliseconds["vision"] *= 9
		}
		got, names := failed(t, newFake(1), other, DefaultRules())
		require.Empty(t, names)
		require.False(t, got.Latency.Judged)
		require.Contains(t, got.Latency.Reason, c.reason)
		require.NotEmpty(t, got.Latency.Stages, "but they are shown")
	}
}

func TestChangesComeWithTheirKind(t *testing.T) {
	other := newFake(1)
	other.manifest.System.Files = []rundir.File{{Name: "model.safetensors", Size: 9, SHA256: "cc"}, {Name: "config.json", Size: 3, SHA256: "aa"}}
	other.manifest.System.Model = "elsewhere/toy"
	other.manifest.Settings = json.RawMessage(`{"max_new_tokens":8}`)
	other.manifest.Machine.Revision = "r2"
	other.manifest.Machine.Threads = 4
	other.manifest.Suite.Seed = 9
	for i := range other.samples {
		other.samples[i].LogitsSHA256 += "moved"
	}
	c, names := failed(t, newFake(1), other, DefaultRules())
	var kinds []string
	for _, k := range c.Changes {
		kinds = append(kinds, k.Kind+" "+k.Path)
	}
	require.Equal(t, []string{
		"questions suite.seed", "weights system.files.model.safetensors.sha256", "settings settings.max_new_tokens",
		"place system.model", "code machine.revision", "machine machine.threads",
	}, kinds)
	require.False(t, c.SameResults)
	require.Empty(t, names, "other weights may give other logits")

	always := DefaultRules()
	always.Exact, always.Changes = Always, []string{Weights, Code}
	_, names = failed(t, newFake(1), other, always)
	require.Equal(t, []string{"changes: weights", "changes: code", "outputs: logits"}, names)
	always.Allow = map[string]int{"logits": 60}
	always.Changes = nil
	_, names = failed(t, newFake(1), other, always)
	require.Empty(t, names)
}

// With other weights answers may change; a significant loss fails, a chance one does not.
func TestAccuracyIsJudgedByItsTest(t *testing.T) {
	wrong := 0.0
	lose := func(n int) *fake {
		f := newFake(1)
		f.manifest.System.Files[1].SHA256 = "cc"
		for i := range f.samples {
			if i%2 == 1 && n > 0 {
				f.samples[i].Score = &wrong
				n--
			}
		}
		return f
	}
	c, names := failed(t, newFake(1), lose(2), DefaultRules())
	require.Empty(t, names)
	require.Equal(t, []string{All, "reading", "counting"}, []string{c.Accuracy[0].Category, c.Accuracy[1].Category, c.Accuracy[2].Category})
	require.Equal(t, 20, c.Accuracy[0].Clusters)
	require.Equal(t, 2, c.Accuracy[0].Worse)
	_, names = failed(t, newFake(1), lose(14), DefaultRules())
	require.Equal(t, []string{"accuracy: all", "accuracy: reading"}, names)
	drop := DefaultRules()
	drop.Accuracy.MaxDrop = 3
	_, names = failed(t, newFake(1), lose(2), drop)
	require.Equal(t, []string{"accuracy: all"}, names)
}

func TestRulesFile(t *testing.T) {
	written, err := ParseRules([]byte(RulesText))
	require.NoError(t, err)
	require.Equal(t, DefaultRules(), written, "the printed rules are the default ones")
	r, err := ParseRules(nil)
	require.NoError(t, err)
	require.Equal(t, DefaultRules(), r)
	r, err = ParseRules([]byte("exact: never\nlatency: {max_ratio: 1.5}\nallow: {logits: 3}\n"))
	require.NoError(t, err)
	require.Equal(t, 1.5, r.Latency.MaxRatio)
	require.Equal(t, 0.05, r.Accuracy.Alpha, "what is not mentioned stays")
	for text, want := range map[string]string{
		"exakt: same":                 "exakt",
		"exact: sometimes":            `exact is "sometimes", expected one of same, always, never`,
		"allow: {pixel: 1}":           `allow is "pixel"`,
		"allow: {pixels: -1}":         "expected 0 or more",
		"changes: [wheather]":         `changes is "wheather"`,
		"latency: {max_ratio: 0.9}":   "max_ratio is 0.9",
		"accuracy: {alpha: .nan}":     "alpha is NaN",
		"- a list":                    "line 1",
		strings.Repeat("#", 1<<20+99): "longer than",
	} {
		_, err := ParseRules([]byte(text))
		require.ErrorContains(t, err, want)
	}
}

func FuzzParseRules(f *testing.F) {
	f.Add([]byte(RulesText))
	f.Add([]byte("changes: [weights, code]\nallow: {logits: 2}"))
	f.Fuzz(func(t *testing.T, raw []byte) {
		r, err := ParseRules(raw)
		if err == nil && r.check() != nil {
			t.Fatal("rules that cannot be were accepted")
		}
	})
}

func TestExports(t *testing.T) {
	other := newFake(1)
	other.samples[3].ID, other.samples[3].Text = "q3", "50%\n<b>"
	c, err := Runs(newFake(1).write(t), other.write(t))
	require.NoError(t, err)
	checks := c.Judge(DefaultRules())

	var b bytes.Buffer
	require.NoError(t, JUnit(&b, c, checks))
	var doc junitSuites
	require.NoError(t, xml.Unmarshal(b.Bytes(), &doc))
	require.Equal(t, len(checks), doc.Tests)
	require.Equal(t, 1, doc.Failures)
	i := slices.IndexFunc(doc.Suite.Cases, func(k junitCase) bool { return k.Failure != nil })
	require.Equal(t, "outputs: text", doc.Suite.Cases[i].Name)
	require.Contains(t, doc.Suite.Cases[i].Failure.Message, `"q3"`)

	b.Reset()
	require.NoError(t, GitHub(&b, c, checks))
	require.Equal(t, `::error title=outputs%3A text::1 of 60 samples differ; the first is "q3": a sign -> 50%25\n<b>`+"\n", b.String())
	b.Reset()
	same, err := Runs(newFake(1).write(t), newFake(1).write(t))
	require.NoError(t, err)
	require.NoError(t, GitHub(&b, same, same.Judge(DefaultRules())))
	require.Equal(t, "::notice title=llavabench compare::no regression in 60 samples of toy\n", b.String())
	_, err = json.Marshal(c)
	require.NoError(t, err)
}

func TestArrowShowsWhereItDiffers(t *testing.T) {
	require.Equal(t, "a -> nothing", Arrow("a", ""))
	long := strings.Repeat("x", 100)
	require.Equal(t, `"bf16" -> "q8"`, Arrow(`"bf16"`, `"q8"`))
	require.Equal(t, `\x1b[31m\n\xff -> ü�`, Arrow("\x1b[31m\n\xff", "ü�"))
	for n := range 60 { // wherever a rune is cut, it is left whole
		text := strings.Repeat("ü", n)
		require.NotContains(t, Arrow(text+"aé", text+"bé"+text), `\x`)
	}
	require.Equal(t, "...xxxxxxxxend -> ...xxxxxxxxother", Arrow(long+"end", long+"other"))
}
