package jpeg

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"os"
	"path/filepath"
	"sort"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"llavabench/internal/sharedtest"
)

// expectation is what testdata/make.py writes about a file: what the reference gives for it, or the kind of its error.
type expectation struct {
	Error  string `json:"error"`
	Mode   string `json:"mode"`
	Width  int    `json:"width"`
	Height int    `json:"height"`
	Pixels string `json:"pixels"`
	RGB    string `json:"rgb"`
}

func sha(b []byte) string {
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:])
}

func fixture(t testing.TB, name string) []byte {
	t.Helper()
	data, err := os.ReadFile(filepath.Join("testdata", name))
	require.NoError(t, err)
	return data
}

// fixtures gives the names of testdata in order, and what is expected of them.
func fixtures(t testing.TB) ([]string, map[string]expectation) {
	t.Helper()
	var want map[string]expectation
	require.NoError(t, json.Unmarshal(fixture(t, "expected.json"), &want))
	names := make([]string, 0, len(want))
	for name := range want {
		names = append(names, name)
	}
	sort.Strings(names)
	files, err := filepath.Glob(filepath.Join("testdata", "*.jpg"))
	require.NoError(t, err)
	require.Len(t, names, len(files))
	return names, want
}

func TestFixtures(t *testing.T) {
	names, want := fixtures(t)
	for _, name := range names {
		t.Run(strings.TrimSuffix(name, ".jpg"), func(t *testing.T) {
			data, w := fixture(t, name), want[name]
			m, err := Decode(data, Options{})
			if w.Error != "" {
				require.Error(t, err)
				require.Nil(t, m)
				return
			}
			require.NoError(t, err)
			require.Equal(t, []any{w.Mode, w.Width, w.Height}, []any{m.Mode.String(), m.Width, m.Height})
			require.Equal(t, w.Pixels, sha(m.Pix))
			require.Equal(t, w.RGB, sha(m.ToRGB().Pix))

			c, err := DecodeConfig(data)
			require.NoError(t, err)
			require.Equal(t, []int{m.Width, m.Height}, []int{c.Width, c.Height})
			require.Equal(t, m.Mode, c.ColorModel.Mode())
			require.Equal(t, m.Mode.Channels(), c.Components)
			require.Equal(t, strings.HasPrefix(name, "prog") || strings.HasPrefix(name, "smooth") || name == "cmyk_420.jpg",
				c.Progressive)

			again, err := Decode(data, Options{MaxPixels: m.Width * m.Height})
			require.NoError(t, err)
			require.Equal(t, m, again)
		})
	}
}

// TestGolden decodes the files of the golden set, which the same reference has decoded.
func TestGolden(t *testing.T) {
	set := sharedtest.Path(t, "golden", "preprocess")
	text, err := os.ReadFile(filepath.Join(set, "manifest.json"))
	require.NoError(t, err)
	var manifest struct {
		Images []struct {
			File      string  `json:"file"`
			OpenError *string `json:"open_error"`
			Width     int     `json:"width"`
			Height    int     `json:"height"`
			Mode      string  `json:"pil_mode"`
			RGB       string  `json:"rgb_sha256"`
		} `json:"images"`
	}
	require.NoError(t, json.Unmarshal(text, &manifest))
	checked := 0
	for _, w := range manifest.Images {
		if !strings.HasSuffix(w.File, ".jpg") {
			continue
		}
		data, err := os.ReadFile(filepath.Join(set, w.File))
		require.NoError(t, err)
		m, err := Decode(data, Options{})
		if w.OpenError != nil {
			require.Error(t, err, w.File)
			continue
		}
		require.NoError(t, err, w.File)
		require.Equal(t, []any{w.Mode, w.Width, w.Height}, []any{m.Mode.String(), m.Width, m.Height}, w.File)
		require.Equal(t, w.RGB, sha(m.ToRGB().Pix), w.File)
		checked++
	}
	require.NotZero(t, checked)
}
