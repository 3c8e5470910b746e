package plots

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func latencies() []Latency {
	ms := func(v ...int) (d []time.Duration) {
		for _, x := range v {
			d = append(d, time.Duration(x)*time.Millisecond)
		}
		return d
	}
	return []Latency{{"llava1", 256, ms(2, 7, 12)}, {"llava15", 576, ms(3, 15, 27)}, {"llava15hd", 1312, ms(8, 40, 70)}, {"llava16", 2340, ms(9, 60, 110)}}
}

func TestSaveWritesEveryFormat(t *testing.T) {
	dir := t.TempDir()
	for name, magic := range map[string]string{"a.svg": "<?xml", "a.pdf": "%PDF-", "a.png": "\x89PNG"} {
		p, err := StageLatency("latency", []string{"preprocess", "vision", "prefill"}, latencies())
		require.NoError(t, err)
		path := filepath.Join(dir, name)
		require.NoError(t, p.Save(path))
		b, err := os.ReadFile(path)
		require.NoError(t, err)
		require.True(t, bytes.HasPrefix(b, []byte(magic)), name)
		if name == "a.svg" {
			for _, text := range []string{"llava15hd", "2340 tokens", "vision", "time to first token (ms)"} {
				require.Contains(t, string(b), text)
			}
		}
	}
	p, err := StageLatency("latency", []string{"preprocess", "vision", "prefill"}, latencies())
	require.NoError(t, err)
	require.ErrorContains(t, p.Save(filepath.Join(dir, "a.jpg")), `not ".jpg"`)
	entries, err := os.ReadDir(dir)
	require.NoError(t, err)
	require.Len(t, entries, 3, "nothing half-written is left")
}

func TestStageLatencyRefuses(t *testing.T) {
	_, err := StageLatency("x", []string{"a"}, nil)
	require.ErrorContains(t, err, "nothing to draw")
	_, err = StageLatency("x", []string{"a"}, latencies())
	require.ErrorContains(t, err, "llava1 has 3 stages, expected 1")
}
