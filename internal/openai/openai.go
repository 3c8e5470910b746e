// Package openai asks servers that speak OpenAI's chat completions interface: hosted ones, vLLM, llama.cpp's server and
// others. Keys never enter an error.
package openai

import (
	"bytes"
	"cmp"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
)

// Limits of what a server may send and of how long it is waited for.
const (
	maxReply   = 8 << 20 // bytes
	maxWait    = 5 * time.Minute
	firstPause = time.Second
	lastPause  = time.Minute
)

// A Client asks one server.
type Client struct {
	// Key is sent as a bearer token; "" sends none.
	Key string
	// Attempts is how often a request is made at most; 0 is 6.
	Attempts int
	// HTTP makes the requests; nil is a client of its own that gives up after ten minutes.
	HTTP *http.Client
	// Pause waits between attempts; nil sleeps.
	Pause func(context.Context, time.Duration) error

	endpoint string
}

// New makes a client of a server: its address with or without the path of the interface, such as http://localhost:8080,
// https://host/v1 or the whole path to chat/completions.
func New(address, key string) (*Client, error) {
	u, err := url.Parse(address)
	if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
		return nil, fmt.Errorf("address %q is not of the form http://HOST[/PATH]", redact(address, key))
	}
	if u.User != nil {
		return nil, errors.New("the address holds a user name or password: give the key in the environment instead")
	}
	path := strings.TrimRight(u.Path, "/")
	switch {
	case strings.HasSuffix(path, "/chat/completions"):
	case strings.HasSuffix(path, "/v1"):
		path += "/chat/completions"
	default:
		path += "/v1/chat/completions"
	}
	u.Path = path
	return &Client{Key: key, endpoint: u.String()}, nil
}

// A Message is what one side says. Images are files (PNG, JPEG) that stand before the text.
type Message struct {
	Role   string
	Text   string
	Images [][]byte
}

// A Request asks for one completion.
type Request struct {
	Model       string
	Messages    []Message
	MaxTokens   int
	Temperature float64
}

// A Reply is a server's answer.
type Reply struct {
	Text             string
	Finish           string // "stop", "length", ...
	PromptTokens     int    // 0 where the server does not count
	CompletionTokens int
	Attempts         int
	Took             time.Duration // of the attempt that succeeded
}

// A StatusError is a refusal of the server.
type StatusError struct {
	Code    int
	Message string
}

func (e *StatusError) Error() string {
	return fmt.Sprintf("the server answered %d %s: %s", e.Code, http.StatusText(e.Code), e.Message)
}

// Temporary reports whether another attempt may succeed.
func (e *StatusError) Temporary() bool {
	return e.Code == http.StatusTooManyRequests || e.Code == http.StatusRequestTimeout || e.Code >= 500
}

// Body is the request's JSON, the same bytes for the same request.
func (r Request) Body() ([]byte, error) {
	type object = map[string]any
	messages := make([]object, len(r.Messages))
	for i, m := range r.Messages {
		var content any = m.Text
		if len(m.Images) > 0 {
			var parts []object
			for _, img := range m.Images {
				data := "data:" + http.DetectContentType(img) + ";base64," + base64.StdEncoding.EncodeToString(img)
				parts = append(parts, object{"type": "image_url", "image_url": object{"url": data}})
			}
			content = append(parts, object{"type": "text", "text": m.Text})
		}
		messages[i] = object{"role": m.Role, "content": content}
	}
	return json.Marshal(object{"model": r.Model, "messages": messages, "max_tokens": r.MaxTokens, "temperature": r.Temperature})
}

// Chat asks for a completion. Refusals that may pass (429, 5xx, a broken connection) are tried again after growing pauses, or
// after the time that the server names.
func (c *Client) Chat(ctx context.Context, r Request) (Reply, error) {
	body, err := r.Body()
	if err != nil {
		return Reply{}, err
	}
	attempts := c.Attempts
	if attempts == 0 {
		attempts = 6
	}
	pause := firstPause
	for n := 1; ; n++ {
		start := time.Now()
		reply, wait, err := c.once(ctx, body)
		if err == nil {
			reply.Attempts, reply.Took = n, time.Since(start)
			return reply, nil
		}
		var status *StatusError
		if ctx.Err() != nil {
			return Reply{}, ctx.Err()
		}
		if errors.As(err, &status) && !status.Temporary() {
			return Reply{}, err
		}
		if n == attempts {
			return Reply{}, fmt.Errorf("after %d attempts: %w", n, err)
		}
		if err := c.pause(ctx, max(wait, pause)); err != nil {
			return Reply{}, err
		}
		pause = min(2*pause, lastPause)
	}
}

func (c *Client) pause(ctx context.Context, d time.Duration) error {
	if c.Pause != nil {
		return c.Pause(ctx, d)
	}
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-t.C:
		return nil
	}
}

// once makes one request. wait is how long the server asks to be left alone.
func (c *Client) once(ctx context.Context, body []byte) (reply Reply, wait time.Duration, err error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, c.endpoint, bytes.NewReader(body))
	if err != nil {
		return Reply{}, 0, err
	}
	req.Header.Set("Content-Type", "application/json")
	if c.Key != "" {
		req.Header.Set("Authorization", "Bearer "+c.Key)
	}
	client := c.HTTP
	if client == nil {
		client = &http.Client{Timeout: 10 * time.Minute}
	}
	resp, err := client.Do(req)
	if err != nil {
		return Reply{}, 0, errors.New(redact(err.Error(), c.Key))
	}
	defer resp.Body.Close()
	data, err := io.ReadAll(io.LimitReader(resp.Body, maxReply+1))
	if err != nil {
		return Reply{}, 0, fmt.Errorf("reading the answer: %s", redact(err.Error(), c.Key))
	}
	if resp.StatusCode != http.StatusOK {
		return Reply{}, retryAfter(resp.Header), &StatusError{resp.StatusCode, redact(message(data), c.Key)}
	}
	if len(data) > maxReply {
		return Reply{}, 0, &StatusError{resp.StatusCode, fmt.Sprintf("more than %d bytes", maxReply)}
	}
	reply, err = parse(data)
	if err != nil {
		return Reply{}, 0, &StatusError{resp.StatusCode, redact(err.Error(), c.Key)}
	}
	return reply, 0, nil
}

// parse reads a completion.
func parse(data []byte) (Reply, error) {
	var v struct {
		Choices []struct {
			Message struct {
				Content *string `json:"content"`
			} `json:"message"`
			Finish string `json:"finish_reason"`
		} `json:"choices"`
		Usage struct {
			Prompt     int `json:"prompt_tokens"`
			Completion int `json:"completion_tokens"`
		} `json:"usage"`
	}
	var wrong *json.UnmarshalTypeError
	if err := json.Unmarshal(data, &v); errors.As(err, &wrong) {
		return Reply{}, fmt.Errorf("not a completion: %s is %s at byte %d: %.100q", cmp.Or(wrong.Field, "the whole"), wrong.Value, wrong.Offset, data)
	} else if err != nil {
		return Reply{}, fmt.Errorf("not a completion: %w: %.100q", err, data)
	}
	if len(v.Choices) == 0 {
		return Reply{}, fmt.Errorf("a completion without choices: %.100q", data)
	}
	if v.Choices[0].Message.Content == nil {
		return Reply{}, fmt.Errorf("a completion whose choices[0].message.content is missing or null: %.100q", data)
	}
	if v.Usage.Prompt < 0 || v.Usage.Completion < 0 {
		return Reply{}, fmt.Errorf("usage has negative counts: %d, %d", v.Usage.Prompt, v.Usage.Completion)
	}
	return Reply{Text: *v.Choices[0].Message.Content, Finish: v.Choices[0].Finish, PromptTokens: v.Usage.Prompt, CompletionTokens: v.Usage.Completion}, nil
}

// message is what a refusal says, on one line.
func message(data []byte) string {
	var v struct {
		Error any `json:"error"`
	}
	text := string(data)
	if json.Unmarshal(data, &v) == nil {
		switch e := v.Error.(type) {
		case string:
			text = e
		case map[string]any:
			if m, ok := e["message"].(string); ok {
				text = m
			}
		}
	}
	return fmt.Sprintf("%.300q", strings.Join(strings.Fields(text), " "))
}

// retryAfter reads the header of that name, in seconds, within reason.
func retryAfter(h http.Header) time.Duration {
	s, err := strconv.Atoi(strings.TrimSpace(h.Get("Retry-After")))
	if err != nil || s < 0 {
		return 0
	}
	return min(time.Duration(min(s, 1<<20))*time.Second, maxWait)
}

func redact(text, key string) string {
	if key == "" {
		return text
	}
	return strings.ReplaceAll(text, key, "[key]")
}
