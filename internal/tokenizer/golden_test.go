package tokenizer

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"llavabench/internal/sharedtest"
)

// golden returns the path of a file of the reference data.
func golden(t testing.TB, name string) string {
	t.Helper()
	return sharedtest.Path(t, "golden", name)
}

// goldenLlama opens the reference data's LLaMA vocabulary.
func goldenLlama(t testing.TB, o Options) *llama {
	t.Helper()
	tok, err := Open(filepath.Dir(golden(t, "tokenizer/tokenizer.model")), o)
	require.NoError(t, err)
	return tok.(*llama)
}

func TestGoldenLlama(t *testing.T) {
	t.Parallel()
	var file struct {
		Cases []struct {
			Text     string `json:"text"`
			SP       []int  `json:"sp_ids"`
			IDs      []int  `json:"ids"`
			Legacy   []int  `json:"ids_legacy_true"`
			Decode   string `json:"decode"`
			Skipped  string `json:"decode_skip_special"`
			SPDecode string `json:"sp_decode"`
		} `json:"cases"`
		Prefix []struct {
			IDs     []int    `json:"ids"`
			Decodes []string `json:"prefix_decodes"`
		} `json:"prefix"`
	}
	raw, err := os.ReadFile(golden(t, "prompts/tokenizer.json"))
	require.NoError(t, err)
	require.NoError(t, json.Unmarshal(raw, &file))

	yes, no := true, false
	legacy, modern := goldenLlama(t, Options{Legacy: &yes}), goldenLlama(t, Options{Legacy: &no})
	require.NotEmpty(t, file.Cases)
	for _, c := range file.Cases {
		require.Equal(t, c.IDs, modern.Encode(c.Text), "%q", c.Text)
		if c.Legacy == nil {
			c.Legacy = c.IDs
		}
		require.Equal(t, c.Legacy, legacy.Encode(c.Text), "%q, legacy", c.Text)
		require.Equal(t, c.Decode, modern.Decode(c.IDs, false), "%q", c.Text)
		require.Equal(t, c.Skipped, modern.Decode(c.IDs, true), "%q", c.Text)

		sp := &Raw{legacy.sp}
		require.Equal(t, c.SP, sp.Encode(c.Text), "%q", c.Text)
		require.Equal(t, c.SPDecode, sp.Decode(c.SP), "%q", c.Text)
	}
	require.NotEmpty(t, file.Prefix)
	for _, p := range file.Prefix {
		for k, want := range p.Decodes {
			require.Equal(t, want, modern.Decode(p.IDs[:k+1], true))
			s := modern.NewStream(true)
			var b strings.Builder
			for _, id := range p.IDs[:k+1] {
				b.WriteString(s.Push(id))
			}
			require.Equal(t, want, b.String()+s.Flush())
		}
	}
}
