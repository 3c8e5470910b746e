package local_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"llavabench/eval"
	"llavabench/eval/local"
	"llavabench/internal/checkpoint"
	"llavabench/internal/pipeline"
	"llavabench/internal/tensor"
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
	a, err := local.New(p, local.Options{MaxNewTokens: 3}, pipeline.Together{}).Answer(context.Background(), eval.Question{Text: "Hello"}, nil)
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

// A question that takes too long fails by itself; one whose run is cancelled does not.
func TestSampleTimeout(t *testing.T) {
	p, err := pipeline.Open(context.Background(), "../../testdata/models/llava15", pipeline.Options{})
	require.NoError(t, err)
	defer func() { require.NoError(t, p.Close()) }()
	s := local.New(p, local.Options{MaxNewTokens: 3, SampleTimeout: time.Nanosecond}, pipeline.Together{})
	_, err = s.Answer(context.Background(), eval.Question{Text: "Hello"}, nil)
	require.EqualError(t, err, "no answer within the time of a sample, 1ns")
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	_, err = s.Answer(ctx, eval.Question{Text: "Hello"}, nil)
	require.ErrorIs(t, err, context.Canceled)
	s = local.New(p, local.Options{MaxNewTokens: 3, SampleTimeout: time.Hour}, pipeline.Together{})
	_, err = s.Answer(context.Background(), eval.Question{Text: "Hello"}, nil)
	require.NoError(t, err)
}

// Weights that are cut off end the run; --verify finds what sizes and times do not show.
func TestChangedWeights(t *testing.T) {
	dir := t.TempDir()
	require.NoError(t, os.CopyFS(dir, os.DirFS("../../testdata/models/llava15")))
	file := filepath.Join(dir, "model.safetensors")
	p, err := pipeline.Open(context.Background(), dir, pipeline.Options{})
	require.NoError(t, err)
	defer func() { require.NoError(t, p.Close()) }()
	system, err := local.Describe(context.Background(), p, dir, nil)
	require.NoError(t, err)
	require.NoError(t, local.Verify(context.Background(), p, system, nil))
	bad, err := local.NotFinite(context.Background(), p)
	require.NoError(t, err)
	require.Empty(t, bad)

	info, err := os.Stat(file)
	require.NoError(t, err)
	f, err := os.OpenFile(file, os.O_WRONLY, 0)
	require.NoError(t, err)
	_, err = f.WriteAt([]byte{0xff, 0xff, 0xff, 0xff}, info.Size()-4)
	require.NoError(t, err)
	require.NoError(t, f.Close())
	require.NoError(t, os.Chtimes(file, time.Now(), info.ModTime()))
	err = local.Verify(context.Background(), p, system, nil)
	require.ErrorIs(t, err, checkpoint.ErrChanged)
	require.ErrorContains(t, err, "model.safetensors changed during the run")
	bad, err = local.NotFinite(context.Background(), p)
	require.NoError(t, err)
	require.Contains(t, bad, "holds an infinite value or NaN at element")

	require.NoError(t, os.Truncate(file, 100))
	_, err = local.New(p, local.Options{MaxNewTokens: 3}, pipeline.Together{}).Answer(context.Background(), eval.Question{Text: "Hello"}, nil)
	require.ErrorIs(t, err, eval.ErrBroken)
	require.ErrorContains(t, err, file)
	require.NoError(t, os.Remove(file))
	require.Error(t, local.Verify(context.Background(), p, system, nil))
}

// What decides an answer is in the manifest: the type of the cache, and the files that the tokenizer is read from.
func TestDescribeNamesWhatDecidesAnAnswer(t *testing.T) {
	p, err := pipeline.Open(context.Background(), "../../testdata/models/llava15", pipeline.Options{KV: tensor.BF16})
	require.NoError(t, err)
	defer func() { require.NoError(t, p.Close()) }()
	s, err := local.Describe(context.Background(), p, "llava15", nil)
	require.NoError(t, err)
	require.Equal(t, "bf16", s.KV)
	var names []string
	for _, f := range s.Files {
		require.Len(t, f.SHA256, 64)
		names = append(names, f.Name)
	}
	require.Subset(t, names, []string{"config.json", "model.safetensors", "tokenizer.model", "tokenizer_config.json", "vision_tower/config.json"})
}
