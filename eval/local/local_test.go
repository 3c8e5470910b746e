package local_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"testing"

	"github.com/stretchr/testify/require"

	"llavabench/eval"
	"llavabench/eval/local"
	"llavabench/internal/pipeline"
)

// stepLogits keeps the logits of every generated token as the bytes of a file.
type stepLogits struct{ steps [][]byte }

func (s *stepLogits) Wants(name string) bool { return name == "step_logits" }

func (s *stepLogits) Tensor(_ string, _ []int, data []float32) error {
	var b bytes.Buffer
	err := binary.Write(&b, binary.LittleEndian, data)
	s.steps = append(s.steps, b.Bytes())
	return err
}

// The recorded digest is of what the first token was chosen from.
func TestLogitsDigest(t *testing.T) {
	p, err := pipeline.Open(context.Background(), "../../testdata/models/llava15", pipeline.Options{})
	require.NoError(t, err)
	defer func() { require.NoError(t, p.Close()) }()
	a, err := local.New(p, local.Options{MaxNewTokens: 3}).Answer(context.Background(), eval.Question{Text: "Hello"}, nil)
	require.NoError(t, err)

	prompt, err := p.Prompt(pipeline.Question{Text: "Hello"})
	require.NoError(t, err)
	seen := &stepLogits{}
	_, err = p.Answer(context.Background(), pipeline.Request{IDs: prompt.IDs, Observer: seen, Generate: pipeline.GenerateOptions{MaxNewTokens: 3}})
	require.NoError(t, err)
	require.Greater(t, len(seen.steps), 1)
	sum := sha256.Sum256(seen.steps[0])
	require.Equal(t, hex.EncodeToString(sum[:]), a.LogitsSHA256)
}
