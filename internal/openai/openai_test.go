package openai

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

const completion = `{"choices":[{"message":{"role":"assistant","content":"yes"},"finish_reason":"stop"}],"usage":{"prompt_tokens":11,"completion_tokens":2}}`

// server answers with the given handlers in turn, the last one again and again, and counts.
func server(t *testing.T, handlers ...http.HandlerFunc) (c *Client, count *int, pauses *[]time.Duration) {
	t.Helper()
	count, pauses = new(int), new([]time.Duration)
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := handlers[min(*count, len(handlers)-1)]
		*count++
		h(w, r)
	}))
	t.Cleanup(s.Close)
	c, err := New(s.URL, "sk-secret")
	require.NoError(t, err)
	c.Pause = func(_ context.Context, d time.Duration) error { *pauses = append(*pauses, d); return nil }
	return c, count, pauses
}

func says(code int, body string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(code); _, _ = io.WriteString(w, body) }
}

var question = Request{Model: "m", MaxTokens: 5, Messages: []Message{{Role: "user", Text: "Is there a dog?", Images: [][]byte{[]byte("\x89PNG\r\n\x1a\nrest")}}}}

func TestRequestAndReply(t *testing.T) {
	c, _, _ := server(t, func(w http.ResponseWriter, r *http.Request) {
		require.Equal(t, "/v1/chat/completions", r.URL.Path)
		require.Equal(t, "Bearer sk-secret", r.Header.Get("Authorization"))
		var body struct {
			Model    string
			Messages []struct {
				Role    string
				Content []struct {
					Type, Text string
					ImageURL   struct{ URL string } `json:"image_url"`
				}
			}
			MaxTokens   int `json:"max_tokens"`
			Temperature float64
		}
		require.NoError(t, json.NewDecoder(r.Body).Decode(&body))
		require.Equal(t, "m", body.Model)
		require.Equal(t, 5, body.MaxTokens)
		require.Len(t, body.Messages, 1)
		parts := body.Messages[0].Content
		require.Equal(t, "image_url", parts[0].Type)
		require.True(t, strings.HasPrefix(parts[0].ImageURL.URL, "data:image/png;base64,iVBOR"), parts[0].ImageURL.URL)
		require.Equal(t, "Is there a dog?", parts[1].Text)
		says(200, completion)(w, r)
	})
	reply, err := c.Chat(context.Background(), question)
	require.NoError(t, err)
	require.Positive(t, reply.Took)
	reply.Took = 0
	require.Equal(t, Reply{Text: "yes", Finish: "stop", PromptTokens: 11, CompletionTokens: 2, Attempts: 1}, reply)
}

func TestRetries(t *testing.T) {
	busy := func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Retry-After", "7")
		says(429, `{"error":{"message":"slow down"}}`)(w, r)
	}
	c, count, pauses := server(t, busy, says(503, "no"), says(200, completion))
	reply, err := c.Chat(context.Background(), question)
	require.NoError(t, err)
	require.Equal(t, 3, reply.Attempts)
	require.Equal(t, 3, *count)
	require.Equal(t, []time.Duration{7 * time.Second, 2 * time.Second}, *pauses)

	c, count, _ = server(t, says(500, "broken"))
	_, err = c.Chat(context.Background(), question)
	require.EqualError(t, err, `after 6 attempts: the server answered 500 Internal Server Error: "broken"`)
	require.Equal(t, 6, *count)
}

func TestRefusals(t *testing.T) {
	for _, c := range []struct {
		name string
		h    http.HandlerFunc
		want string
	}{
		{"bad request", says(400, `{"error":{"message":"image\nis too large"}}`), `the server answered 400 Bad Request: "image is too large"`},
		{"error as a string", says(404, `{"error":"no such model"}`), `the server answered 404 Not Found: "no such model"`},
		{"the key comes back", says(401, `{"error":"bad key sk-secret"}`), `the server answered 401 Unauthorized: "bad key [key]"`},
		{"not JSON", says(200, "<html>"), `the server answered 200 OK: not a completion: invalid character '<' looking for beginning of value: "<html>"`},
		{"no choices", says(200, `{"choices":[]}`), `the server answered 200 OK: a completion without choices: "{\"choices\":[]}"`},
		{"null content", says(200, `{"choices":[{"message":{"content":null}}]}`), `the server answered 200 OK: a completion whose choices[0].message.content is missing or null: "{\"choices\":[{\"message\":{\"content\":null}}]}"`},
		{"negative usage", says(200, `{"choices":[{"message":{"content":"x"}}],"usage":{"prompt_tokens":-1}}`), "the server answered 200 OK: usage has negative counts: -1, 0"},
	} {
		t.Run(c.name, func(t *testing.T) {
			client, count, _ := server(t, c.h)
			_, err := client.Chat(context.Background(), question)
			require.EqualError(t, err, c.want)
			require.Equal(t, 1, *count, "asking again would not help")
		})
	}
	client, _, _ := server(t, func(w http.ResponseWriter, _ *http.Request) {
		_, _ = w.Write([]byte(strings.Repeat(" ", maxReply+1)))
	})
	_, err := client.Chat(context.Background(), question)
	require.ErrorContains(t, err, "more than 8388608 bytes")
}

func TestBrokenConnectionIsTriedAgain(t *testing.T) {
	hang := func(w http.ResponseWriter, _ *http.Request) {
		conn, _, err := w.(http.Hijacker).Hijack()
		require.NoError(t, err)
		conn.Close()
	}
	c, count, _ := server(t, hang, hang, says(200, completion))
	_, err := c.Chat(context.Background(), question)
	require.NoError(t, err)
	require.GreaterOrEqual(t, *count, 3)

	c.Attempts = 2
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	_, err = c.Chat(ctx, question)
	require.ErrorIs(t, err, context.Canceled)
}

func TestAddresses(t *testing.T) {
	for address, want := range map[string]string{
		"http://localhost:8080":               "http://localhost:8080/v1/chat/completions",
		"http://localhost:8080/":              "http://localhost:8080/v1/chat/completions",
		"https://host/v1":                     "https://host/v1/chat/completions",
		"https://host/api/v1/":                "https://host/api/v1/chat/completions",
		"https://host/x/v1/chat/completions":  "https://host/x/v1/chat/completions",
		"https://host/v1?api-version=2024-06": "https://host/v1/chat/completions?api-version=2024-06",
	} {
		c, err := New(address, "")
		require.NoError(t, err)
		require.Equal(t, want, c.endpoint)
	}
	for _, bad := range []string{"", "localhost:8080", "ftp://host", "http://", "://"} {
		_, err := New(bad, "")
		require.Error(t, err, bad)
	}
	_, err := New("http://me:sk-secret@host", "sk-secret")
	require.EqualError(t, err, "the address holds a user name or password: give the key in the environment instead")
}

func FuzzParse(f *testing.F) {
	f.Add([]byte(completion))
	f.Add([]byte(`{"choices":[{"message":{"content":null}}]}`))
	f.Add([]byte(`{"error":{"message":"x"}}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		if _, err := parse(data); err != nil {
			require.NotEmpty(t, err.Error())
		}
		require.NotContains(t, message(data), "\n")
	})
}
