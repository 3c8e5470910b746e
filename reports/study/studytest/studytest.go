// Package studytest makes run directories for the tests of reports: four made-up generations over a made-up suite, whose
// accuracy depends on the size of what must be seen and on the shape of the picture, as it does for the real ones.
package studytest

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"llavabench/internal/imaging"
	"llavabench/internal/rundir"
)

// A Model is one of the made-up generations.
type Model struct {
	Name    string
	Variant string
	DType   string
	Tokens  int     // image tokens of a square picture
	Detail  float64 // pixels that it sees half of the time
	Square  bool    // loses what lies outside the middle square
	Bytes   int64   // of weights
}

// Generations are one model of each.
var Generations = []Model{
	{"llava1", "llava1", "bf16", 256, 30, true, 40e6},
	{"llava15", "llava15", "bf16", 576, 22, false, 42e6},
	{"llava15hd", "llava15hd", "bf16", 1312, 13, false, 42e6},
	{"llava16", "llava16", "bf16", 2340, 9, false, 44e6},
}

// Quantised are llava15 in four weight types.
var Quantised = []Model{
	{"llava15", "llava15", "f32", 576, 22, false, 84e6},
	{"llava15", "llava15", "bf16", 576, 22, false, 42e6},
	{"llava15", "llava15", "q8", 576, 23, false, 24e6},
	{"llava15", "llava15", "q4", 576, 27, false, 15e6},
}

var (
	categories = []string{"presence", "attribute", "counting", "position", "reading", "wide", "choice"}
	sizes      = []imaging.Size{{W: 224, H: 224}, {W: 336, H: 336}, {W: 448, H: 336}, {W: 640, H: 240}, {W: 240, H: 640}, {W: 672, H: 224}}
)

// Write makes a run directory of n questions for each model below a temporary directory and returns their paths.
func Write(t testing.TB, n int, models ...Model) []string {
	t.Helper()
	root := t.TempDir()
	var paths []string
	for i, m := range models {
		path := filepath.Join(root, fmt.Sprintf("%d-%s-%s", i, m.Name, m.DType))
		WriteRun(t, path, n, m, nil)
		paths = append(paths, path)
	}
	return paths
}

// WriteRun makes one run directory; change, if not nil, may alter the manifest and every sample.
func WriteRun(t testing.TB, path string, n int, m Model, change func(*rundir.Manifest, *rundir.Sample)) {
	t.Helper()
	options, err := json.Marshal(map[string]any{"variant": m.Variant, "side": 336, "pinpoints": [][2]int{{336, 672}, {672, 336}}})
	require.NoError(t, err)
	started := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	manifest := rundir.Manifest{
		Command:  []string{"llavabench", "eval", "--model", "models/" + m.Name, "--suite", "made-up", "--out", "RUN"},
		Suite:    rundir.Suite{Name: "made-up", Version: "1", Seed: 7, Split: "test", Items: n},
		System:   rundir.System{Model: "models/" + m.Name, Variant: m.Variant, DType: m.DType, Numerics: "f32", Options: options, Files: []rundir.File{{Name: "model.safetensors", Size: m.Bytes, SHA256: strings.Repeat("0a", 32)}}},
		Settings: json.RawMessage(`{"max_new_tokens":16,"template":""}`),
		Machine:  rundir.Machine{CPU: "A CPU", ISA: "avx512", Threads: 2, OS: "linux", Arch: "amd64", Go: "go1.26.0", Revision: "0123abc", Limits: &rundir.Limits{OpsPerSecond: 200e9, ReadPerSecond: 20e9}},
		Work:     &rundir.Work{WeightBytes: m.Bytes, DecodeBytes: m.Bytes * 3 / 4, KVBytes: 4096, PositionOps: 24e6},
		Started:  started,
	}
	if change != nil {
		change(&manifest, &rundir.Sample{})
	}
	d, err := rundir.Create(path, manifest)
	require.NoError(t, err)
	r := rand.New(rand.NewPCG(uint64(len(m.DType)), uint64(m.Tokens)))
	shared := rand.New(rand.NewPCG(1, 2)) // the same questions for every model
	for i := range n {
		size := sizes[shared.IntN(len(sizes))]
		detail := 4 + shared.IntN(60)
		luck := shared.Float64()
		p := 1 / (1 + (m.Detail/float64(detail))*(m.Detail/float64(detail)))
		if m.Square && size.W != size.H {
			p *= 0.5
		}
		score := 0.0
		text := "red"
		if 0.7*luck+0.3*r.Float64() < p {
			score, text = 1, "blue"
		}
		tokens := m.Tokens * (size.W + size.H) / (2 * max(size.W, size.H))
		s := rundir.Sample{Index: i, ID: fmt.Sprintf("q%05d", i), Category: categories[i%len(categories)], Question: fmt.Sprintf("What colour is object %d?", i),
			Width: size.W, Height: size.H, PixelSHA256: fmt.Sprintf("%064x", i), Prompt: "USER: <image>\nWhat? ASSISTANT:", PromptTokens: tokens + 50, ImageTokens: tokens,
			OutputIDs: []int{3, 4, 5, 2}, Text: text, Reference: "blue", Score: &score, Scorer: "exact", DetailPx: detail}
		ms := map[string]float64{"preprocess": 4, "vision": 0.03 * float64(tokens), "projector": 0.4, "prefill": 0.16 * float64(tokens+50) * (1 + 0.1*r.Float64()), "decode": 9 + r.Float64() + float64(tokens)/1000}
		ms["first_token"] = ms["preprocess"] + ms["vision"] + ms["projector"] + ms["prefill"] + 0.1
		if change != nil {
			change(&manifest, &s)
		}
		require.NoError(t, d.Append(s, rundir.Timing{Index: i, ID: s.ID, Milliseconds: ms}))
	}
	ended := started.Add(time.Minute)
	manifest.Ended = &ended
	require.NoError(t, d.Finish(manifest, map[string]int{"samples": n}))
	require.NoError(t, d.Close())
}
