package remote

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"llavabench/eval"
	"llavabench/internal/imaging"
	"llavabench/internal/rundir"
)

func picture() *imaging.RGB {
	img := imaging.NewRGB(imaging.Size{W: 5, H: 3})
	for i := range img.Pix {
		img.Pix[i] = uint8(7 * i)
	}
	return img
}

// The server sees the very pixels and the question.
func TestAnswer(t *testing.T) {
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var body struct {
			Messages []struct {
				Role    string
				Content json.RawMessage
			}
		}
		require.NoError(t, json.NewDecoder(r.Body).Decode(&body))
		require.Equal(t, `"Be brief."`, string(body.Messages[0].Content))
		var parts []struct {
			ImageURL struct{ URL string } `json:"image_url"`
			Text     string
		}
		require.NoError(t, json.Unmarshal(body.Messages[1].Content, &parts))
		data, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(parts[0].ImageURL.URL, "data:image/png;base64,"))
		require.NoError(t, err)
		got, _, err := imaging.Decode(data, imaging.DecodeOptions{})
		require.NoError(t, err)
		require.Equal(t, picture().Pix, got.Pix)
		fmt.Fprintf(w, `{"choices":[{"message":{"content":" %s\n"}}],"usage":{"prompt_tokens":42,"completion_tokens":3}}`, parts[1].Text)
	}))
	defer srv.Close()
	s, err := New(Prefix+srv.URL+"#tiny", "", Options{MaxNewTokens: 4, System: "Be brief."})
	require.NoError(t, err)
	a, err := s.Answer(context.Background(), eval.Question{Text: "What is it?"}, picture())
	require.NoError(t, err)
	require.Equal(t, "What is it?", a.Text)
	require.Equal(t, "<image>\nWhat is it?", a.Prompt)
	require.Equal(t, 42, a.PromptTokens)
	require.Equal(t, 3, a.NewTokens)
	require.Positive(t, a.Milliseconds["total"])

	d, err := s.Describe()
	require.NoError(t, err)
	require.Equal(t, Prefix+srv.URL+"#tiny", d.Model)
}

// A question that the server refuses is a failed sample; a server that is gone ends the run, and the run goes on later.
func TestFailures(t *testing.T) {
	code := http.StatusBadRequest
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(code)
		fmt.Fprint(w, `{"error":"no"}`)
	}))
	defer srv.Close()
	s, err := New(Prefix+srv.URL+"#tiny", "sk-1", Options{MaxNewTokens: 4})
	require.NoError(t, err)
	s.client.Pause = func(context.Context, time.Duration) error { return nil }
	_, err = s.Answer(context.Background(), eval.Question{Text: "?"}, nil)
	require.EqualError(t, err, `tiny: the server answered 400 Bad Request: "no"`)
	require.NotErrorIs(t, err, eval.ErrBroken)
	for _, code = range []int{http.StatusUnauthorized, http.StatusServiceUnavailable} {
		_, err = s.Answer(context.Background(), eval.Question{Text: "?"}, nil)
		require.ErrorIs(t, err, eval.ErrBroken)
	}
	srv.Close()
	_, err = s.Answer(context.Background(), eval.Question{Text: "?"}, nil)
	require.ErrorIs(t, err, eval.ErrBroken)
}

func TestParse(t *testing.T) {
	url, model, err := Parse("openai:https://host/v1#org/llava-1.5")
	require.NoError(t, err)
	require.Equal(t, [2]string{"https://host/v1", "org/llava-1.5"}, [2]string{url, model})
	for _, bad := range []string{"openai:", "openai:http://host", "openai:http://host#", "host#m"} {
		_, _, err := Parse(bad)
		require.ErrorContains(t, err, "not of the form openai:URL#NAME", bad)
	}
	_, err = New("openai:ftp://host#m", "", Options{})
	require.Error(t, err)
}

// A run over a server leaves the same record twice when the server answers the same.
func TestRun(t *testing.T) {
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		fmt.Fprint(w, `{"choices":[{"message":{"content":"yes"}}]}`)
	}))
	defer srv.Close()
	s, err := New(Prefix+srv.URL+"#tiny", "sk-hidden", Options{MaxNewTokens: 4})
	require.NoError(t, err)
	suite := eval.Suite{
		Info: rundir.Suite{Name: "two", Version: "1", Items: 2}, Scorer: "exact", Score: eval.ScoreExact,
		Questions: func(yield func(eval.Question, error) bool) {
			for i, want := range []string{"yes", "no"} {
				if !yield(eval.Question{ID: fmt.Sprint(i), Text: "?", Reference: want}, nil) {
					return
				}
			}
		},
	}
	system, err := s.Describe()
	require.NoError(t, err)
	m := rundir.Manifest{Suite: suite.Info, System: system, Settings: []byte("{}")}
	dir, err := rundir.Create(t.TempDir()+"/run", m)
	require.NoError(t, err)
	defer dir.Close()
	summary, err := eval.Run(context.Background(), suite, s, dir, m, eval.Options{})
	require.NoError(t, err)
	require.Equal(t, 0.5, summary.Total.Accuracy)
}
