// Package remote lets a server with OpenAI's interface answer the questions of a suite, so that other engines stand in the
// same tables.
package remote

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"image"
	"image/png"
	"net/http"
	"strings"

	"llavabench/eval"
	"llavabench/internal/cost"
	"llavabench/internal/imaging"
	"llavabench/internal/openai"
	"llavabench/internal/rundir"
)

// Prefix starts the name of a remote model: openai:URL#NAME.
const Prefix = "openai:"

// Options are the settings of a run that are not the server's.
type Options struct {
	MaxNewTokens int `json:"max_new_tokens"`
	// System is a message before the question; "" sends none.
	System string `json:"system"`
}

// A System is a model on a server. Temperature is 0; whether the same question gets the same answer twice is up to the server.
type System struct {
	client *openai.Client
	url    string
	model  string
	o      Options
}

// Parse takes openai:URL#NAME apart.
func Parse(name string) (url, model string, err error) {
	rest, ok := strings.CutPrefix(name, Prefix)
	at := strings.LastIndexByte(rest, '#')
	if !ok || at < 0 || at == len(rest)-1 {
		return "", "", fmt.Errorf("remote model %q is not of the form openai:URL#NAME, such as openai:http://localhost:8080#llava", name)
	}
	return rest[:at], rest[at+1:], nil
}

// New makes a system of the named remote model. key is sent to the server and kept nowhere.
func New(name, key string, o Options) (*System, error) {
	url, model, err := Parse(name)
	if err != nil {
		return nil, err
	}
	client, err := openai.New(url, key)
	if err != nil {
		return nil, fmt.Errorf("remote model %s: %w", model, err)
	}
	return &System{client: client, url: url, model: model, o: o}, nil
}

// Describe says what answers, for the manifest. Nothing is known of weights behind a server.
func (s *System) Describe() (rundir.System, error) {
	options, err := json.Marshal(map[string]any{"temperature": 0, "system": s.o.System})
	return rundir.System{Model: Prefix + s.url + "#" + s.model, Variant: "remote", DType: "unknown", Numerics: "unknown", Options: options, Files: []rundir.File{}}, err
}

// Answer asks the server about a picture (or none). Pictures travel as PNG, without loss. A server that cannot be reached, or
// that refuses everybody, ends the run, which can be resumed; a refusal of this question is a failed question.
func (s *System) Answer(ctx context.Context, q eval.Question, img *imaging.RGB) (eval.Answer, error) {
	message := openai.Message{Role: "user", Text: q.Text}
	if img != nil {
		data, err := encode(img)
		if err != nil {
			return eval.Answer{}, err
		}
		message.Images = [][]byte{data}
	}
	r := openai.Request{Model: s.model, MaxTokens: s.o.MaxNewTokens}
	if s.o.System != "" {
		r.Messages = append(r.Messages, openai.Message{Role: "system", Text: s.o.System})
	}
	r.Messages = append(r.Messages, message)
	reply, err := s.client.Chat(ctx, r)
	if err != nil {
		var status *openai.StatusError
		if errors.As(err, &status) && !closed(status.Code) {
			return eval.Answer{}, fmt.Errorf("%s: %w", s.model, err)
		}
		return eval.Answer{}, fmt.Errorf("%w: %s: %w", eval.ErrBroken, s.model, err)
	}
	return eval.Answer{
		Text: strings.TrimSpace(reply.Text), Prompt: prompt(message), PromptTokens: reply.PromptTokens,
		NewTokens: reply.CompletionTokens, Milliseconds: map[string]float64{cost.Total: float64(reply.Took.Microseconds()) / 1000}, Together: 1,
	}, nil
}

// closed reports whether a refusal is about the server and not about the question.
func closed(code int) bool {
	switch code {
	case http.StatusUnauthorized, http.StatusPaymentRequired, http.StatusForbidden, http.StatusNotFound, http.StatusTooManyRequests,
		http.StatusBadGateway, http.StatusServiceUnavailable, http.StatusGatewayTimeout:
		return true
	}
	return false
}

// prompt is what the record shows: the server's own template is not known.
func prompt(m openai.Message) string {
	return strings.Repeat("<image>\n", len(m.Images)) + m.Text
}

// encode makes a PNG file of a picture.
func encode(img *imaging.RGB) ([]byte, error) {
	out := image.NewNRGBA(image.Rect(0, 0, img.Width, img.Height))
	for i := range img.Width * img.Height {
		copy(out.Pix[4*i:], img.Pix[3*i:3*i+3])
		out.Pix[4*i+3] = 255
	}
	var b bytes.Buffer
	if err := png.Encode(&b, out); err != nil {
		return nil, err
	}
	return b.Bytes(), nil
}
