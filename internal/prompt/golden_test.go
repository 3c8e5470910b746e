package prompt

import (
	"encoding/json"
	"os"
	"path/filepath"
	"regexp"
	"testing"

	"github.com/stretchr/testify/require"

	"llavabench/internal/sharedtest"
	"llavabench/internal/tokenizer"
)

// golden returns the path of a file of the reference data.
func golden(t testing.TB, name string) string {
	t.Helper()
	return sharedtest.Path(t, "golden", name)
}

func readGolden(t testing.TB, name string, v any) {
	t.Helper()
	raw, err := os.ReadFile(golden(t, name))
	require.NoError(t, err)
	require.NoError(t, json.Unmarshal(raw, v))
}

// vocabularies opens the reference data's LLaMA vocabulary by legacy flag and added tokens, each once.
type vocabularies map[string]tokenizer.Tokenizer

func (v vocabularies) get(t testing.TB, legacy bool, added ...string) tokenizer.Tokenizer {
	t.Helper()
	key, err := json.Marshal([]any{legacy, added})
	require.NoError(t, err)
	if v[string(key)] == nil {
		dir := filepath.Dir(golden(t, "tokenizer/tokenizer.model"))
		v[string(key)], err = tokenizer.Open(dir, tokenizer.Options{Legacy: &legacy, Added: added})
		require.NoError(t, err)
	}
	return v[string(key)]
}

var addedToken = regexp.MustCompile(`(<[^>]+>)=(\d+)`)

func TestGoldenTemplates(t *testing.T) {
	t.Parallel()
	toks := make(vocabularies)
	for _, name := range []string{"prompts/prompts_haotian.json", "prompts/prompts_next.json"} {
		var file struct {
			Templates map[string]struct {
				Style  string    `json:"sep_style"`
				Sep    string    `json:"sep"`
				Sep2   *string   `json:"sep2"`
				Roles  [2]string `json:"roles"`
				System string    `json:"system"`
				Stop   string    `json:"stop_str"`
				StopID []int     `json:"stop_ids_legacy_false"`
				Cases  map[string]struct {
					Turns     []*string `json:"turns"`
					System    *string   `json:"system"`
					Prompt    string    `json:"prompt"`
					IDs       []int     `json:"ids"`
					Legacy    []int     `json:"ids_legacy_true"`
					Tokenizer string    `json:"tokenizer"`
					Error     string    `json:"error"`
				} `json:"cases"`
			} `json:"templates"`
		}
		readGolden(t, name, &file)
		require.NotEmpty(t, file.Templates)
		for key, want := range file.Templates {
			tmpl, err := ByName(key)
			require.NoError(t, err)
			require.Equal(t, want.Style, string(tmpl.Style), key)
			require.Equal(t, want.Sep, tmpl.Sep, key)
			require.Equal(t, want.Roles, tmpl.Roles, key)
			require.Equal(t, want.System, tmpl.System, key)
			if want.Sep2 == nil {
				want.Sep2 = new(string)
			}
			require.Equal(t, *want.Sep2, tmpl.Sep2, key)
			if want.Stop == "" {
				require.Empty(t, StopStrings(tmpl), key)
			} else {
				require.Equal(t, []string{want.Stop}, StopStrings(tmpl), key)
				require.Equal(t, want.StopID, toks.get(t, false).Encode(want.Stop)[1:], key)
			}
			for label, c := range want.Cases {
				label = key + " " + label
				conv := Conversation{Template: tmpl, System: c.System}
				for _, turn := range c.Turns {
					if turn == nil {
						conv.Turns = append(conv.Turns, nil)
					} else {
						conv.Turns = append(conv.Turns, Split(*turn, Marker, false))
					}
				}
				pieces, err := Render(conv)
				if tmpl.Unverified != "" {
					require.NoError(t, err, label)
					continue
				}
				if c.Error != "" {
					require.Error(t, err, label)
					continue
				}
				require.NoError(t, err, label)
				require.Equal(t, c.Prompt, String(pieces), label)

				var added []string
				for _, m := range addedToken.FindAllStringSubmatch(c.Tokenizer, -1) {
					added = append(added, m[1])
				}
				o := TokenOptions{ParseData: true}
				ids, err := Tokens(toks.get(t, false, added...), pieces, o)
				require.NoError(t, err, label)
				require.Equal(t, c.IDs, ids, label)
				if c.Legacy != nil {
					ids, err = Tokens(toks.get(t, true, added...), pieces, o)
					require.NoError(t, err, label)
					require.Equal(t, c.Legacy, ids, label)
				}
			}
		}
	}
}

func TestGoldenLlavaHF(t *testing.T) {
	t.Parallel()
	var file struct {
		Cases []struct {
			Prompt string `json:"prompt"`
			IDs    []int  `json:"ids_legacy_false"`
			Legacy []int  `json:"ids_legacy_true"`
		} `json:"cases"`
	}
	readGolden(t, "prompts/prompts_llava_hf.json", &file)
	require.NotEmpty(t, file.Cases)
	toks := make(vocabularies)
	for _, c := range file.Cases {
		for legacy, want := range map[bool][]int{false: c.IDs, true: c.Legacy} {
			tok := toks.get(t, legacy, "<image>", "<pad>")
			image, ok := tok.ID(Marker)
			require.True(t, ok)
			for i, id := range want {
				if id == image {
					want[i] = ImageID
				}
			}
			ids, err := Tokens(tok, Split(c.Prompt, Marker, false), TokenOptions{Mode: LlavaHF, ParseData: true})
			require.NoError(t, err)
			require.Equal(t, want, ids, "%q legacy %v", c.Prompt, legacy)
		}
	}
}

func TestGoldenEndToEnd(t *testing.T) {
	t.Parallel()
	var file struct {
		Cases []struct {
			Image      *string `json:"image"`
			Template   string  `json:"template"`
			Question   string  `json:"question"`
			Prompt     string  `json:"prompt"`
			IDs        []int   `json:"prompt_ids"`
			Greedy     []int   `json:"greedy_ids"`
			Text       string  `json:"text"`
			Unstripped string  `json:"text_unstripped"`
		} `json:"cases"`
	}
	readGolden(t, "outputs/e2e15.json", &file)
	require.NotEmpty(t, file.Cases)
	tok := make(vocabularies).get(t, false)
	for _, c := range file.Cases {
		tmpl, err := ByName(c.Template)
		require.NoError(t, err)
		images := 0
		if c.Image != nil {
			images = 1
		}
		pieces, err := Render(Ask(tmpl, ImageQuestion(images, c.Question, false)))
		require.NoError(t, err)
		require.Equal(t, images, Images(pieces))
		require.Equal(t, c.Prompt, String(pieces))
		ids, err := Tokens(tok, pieces, TokenOptions{})
		require.NoError(t, err)
		require.Equal(t, c.IDs, ids)
		require.Equal(t, c.Unstripped, tok.Decode(c.Greedy, true))
	}
}
